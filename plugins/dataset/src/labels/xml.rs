//! Labels in XML: Pascal VOC, CVAT.

use yumen_kit_container::FormatReader;
use yumen_kit_text::Sample;
use yumen_kit_xml::{Markup, Place, Visitor, inspect, root};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use super::{Labels, format};

pub(crate) struct XmlLabels;

const XML: &str = "application/xml";
const FORMATS: &[Format] = &[
    format(
        "voc",
        "Pascal VOC annotation",
        XML,
        "the root `annotation` with `object`, `bndbox` or `polygon`",
        "http://host.robots.ox.ac.uk/pascal/VOC/",
    ),
    format(
        "cvat",
        "CVAT annotations",
        XML,
        "the root `annotations` with `meta`, `image` or `track`",
        "https://docs.cvat.ai/docs/manual/advanced/xml_format/",
    ),
];

impl FormatReader for XmlLabels {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if !probe.head.iter().take(64).any(|&b| b == b'<') {
            return None;
        }
        let text = Sample::of(probe)?.text;
        let name = root(text.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n']))?.local().to_owned();
        let has = |element: &str| text.contains(&format!("<{element}"));
        let format = match name.as_str() {
            "annotation" if has("filename") && (has("size") || has("object") || has("segmented")) => "voc",
            "annotations" if has("version") && (has("image ") || has("track ") || has("job") || has("task")) => "cvat",
            _ => return None,
        };
        Some(Identity::new(format, Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let voc = artifact.format == "voc";
        let mut seen = Seen { labels: Labels::of(if voc { "voc" } else { "cvat" }), path: Vec::new() };
        inspect(artifact, Markup::Xml, &mut seen, out)?;
        seen.labels.tell_alone(artifact, out)
    }
}

struct Seen {
    labels: Labels,
    path: Vec<String>,
}

impl Visitor for Seen {
    fn start(&mut self, name: &str, _: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        let voc = self.labels.layout == "voc";
        match name {
            "annotation" if voc => self.labels.frames += 1,
            "object" if voc => self.labels.labels += 1,
            "image" if !voc => self.labels.frames += 1,
            "box" | "polygon" | "polyline" | "points" | "cuboid" | "mask" if !voc => self.labels.labels += 1,
            _ => {}
        }
        self.path.push(name.to_owned());
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str, _: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        if name == "label" && self.labels.layout == "cvat" {
            self.labels.class(value);
        }
        Ok(())
    }

    fn text(&mut self, value: &str, _: bool, _: Place, _: &mut dyn Inspection) -> Result<(), InspectError> {
        if let [.., parent, last] = self.path.as_slice()
            && last == "name"
            && (parent == "object" || parent == "label")
        {
            self.labels.class(value);
        }
        Ok(())
    }

    fn end(&mut self, _: &str, _: &mut dyn Inspection) -> Result<(), InspectError> {
        self.path.pop();
        Ok(())
    }
}
