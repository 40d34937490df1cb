//! Labels in JSON.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use yumen_kit_container::{Container, FormatReader};
use yumen_kit_text::Sample;
use yumen_kit_text::json::send_json;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use super::{Labels, format};

pub(crate) struct JsonLabels;

const JSON: &str = "application/json";
const FORMATS: &[Format] = &[
    format(
        "coco",
        "COCO annotations",
        JSON,
        "`images` with `file_name`, beside `annotations` or `categories`",
        "https://cocodataset.org/#format-data",
    ),
    format(
        "nuscenes",
        "nuScenes table",
        JSON,
        "a list of objects with a `token` and the fields of one of its tables",
        "https://www.nuscenes.org/nuscenes#data-format",
    ),
    format(
        "bdd100k",
        "BDD100K labels",
        JSON,
        "a list of objects with `name` and `labels` or `frames` of `category`",
        "https://doc.bdd100k.com/format.html",
    ),
    format(
        "openlabel",
        "ASAM OpenLABEL",
        JSON,
        "the key `openlabel` (or `vcd`) at the root",
        "https://www.asam.net/standards/detail/openlabel/",
    ),
    format(
        "cityscapes",
        "Cityscapes polygons",
        JSON,
        "`imgHeight`, `imgWidth`, `objects` with `polygon`",
        "https://github.com/mcordts/cityscapesScripts",
    ),
    format(
        "labelme",
        "LabelMe annotations",
        JSON,
        "`shapes` with `points`, beside `imagePath`",
        "https://github.com/wkentaro/labelme",
    ),
    format(
        "dair-v2x",
        "DAIR-V2X labels",
        JSON,
        "objects with `3d_location` and `3d_dimensions`, or `pointcloud_path` and `image_path`",
        "https://thudair.baai.ac.cn/",
    ),
    format(
        "once",
        "ONCE annotations",
        JSON,
        "`meta_info` and `frames` with `sequence_id`",
        "https://once-for-auto-driving.github.io/",
    ),
    format(
        "tusimple",
        "TuSimple lanes",
        JSON,
        "lines with `lanes`, `h_samples`, `raw_file`",
        "https://github.com/TuSimple/tusimple-benchmark",
    ),
];

/// Fields that tell the tables of nuScenes apart, beside `token`.
const TABLES: &[(&str, &[&str])] = &[
    ("ego_pose", &["translation", "rotation", "timestamp"]),
    ("calibrated_sensor", &["sensor_token", "camera_intrinsic"]),
    ("sample_annotation", &["instance_token", "sample_token"]),
    ("sample_data", &["ego_pose_token", "calibrated_sensor_token"]),
    ("sample", &["scene_token", "prev", "next"]),
    ("scene", &["nbr_samples", "log_token"]),
    ("log", &["logfile", "date_captured"]),
    ("map", &["log_tokens", "filename"]),
    ("sensor", &["channel", "modality"]),
    ("instance", &["category_token", "nbr_annotations"]),
    ("category", &["name", "description"]),
    ("attribute", &["name", "description"]),
    ("visibility", &["level", "description"]),
];

fn recognise(text: &str) -> Option<&'static str> {
    let head = text.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n']);
    let has = |key: &str| has_key(head, key);
    let list = head.starts_with('[');
    if !list && !head.starts_with('{') {
        return None;
    }
    let first = |key: &str| has_key(&head[..head.floor_char_boundary(200)], key);
    if !list && (first("openlabel") || first("vcd")) {
        return Some("openlabel");
    }
    if has("imgHeight") && has("imgWidth") && has("objects") {
        return Some("cityscapes");
    }
    if has("shapes") && has("imagePath") && has("points") {
        return Some("labelme");
    }
    if has("h_samples") && has("lanes") && has("raw_file") {
        return Some("tusimple");
    }
    if has("meta_info") && has("frames") && has("sequence_id") {
        return Some("once");
    }
    if has("3d_location") && has("3d_dimensions")
        || list && has("pointcloud_path") && has("image_path")
        || has("infrastructure_image_path")
    {
        return Some("dair-v2x");
    }
    if list && has("token") && TABLES.iter().any(|(_, fields)| fields.iter().all(|f| has(f))) {
        return Some("nuscenes");
    }
    let boxes = has("annotations") || has("categories") || has("segmentation");
    if !list && has("images") && has("file_name") && (boxes || has("license") && has("coco_url"))
        || !list && has("annotations") && has("category_id") && has("image_id")
    {
        return Some("coco");
    }
    if has("category") && (has("box2d") || has("poly2d") || has("box3d")) && has("name") {
        return Some("bdd100k");
    }
    None
}

/// Whether a key stands in a piece of JSON.
fn has_key(text: &str, key: &str) -> bool {
    text.match_indices(key).any(|(at, _)| {
        text[..at].ends_with('"')
            && text[at + key.len()..].strip_prefix('"').is_some_and(|rest| rest.trim_start().starts_with(':'))
    })
}

impl FormatReader for JsonLabels {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let first = probe.head.iter().find(|b| !b.is_ascii_whitespace() && !matches!(b, 0xEF | 0xBB | 0xBF))?;
        if !matches!(first, b'{' | b'[') {
            return None;
        }
        let sample = Sample::of(probe)?;
        recognise(&sample.text).map(|name| Identity::new(name, Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let layout = FORMATS.iter().map(|f| f.name).find(|name| *name == artifact.format).unwrap_or("coco");
        send_json(artifact, layout == "tusimple", out)?;
        let mut counter = Counter {
            labels: Labels::of(layout),
            root: 0,
            tables: [0; TABLES.len()],
            name: String::new(),
            // Categories and attributes have the same fields.
            categories: !artifact.name.to_ascii_lowercase().contains("attribute"),
        };
        // What is broken was told by the reader of the text; what was counted stays.
        let mut json = serde_json::Deserializer::from_reader(std::io::BufReader::new(artifact.blob.reader()));
        while (Node { counter: &mut counter, key: "", parent: "", above: "", item: false, depth: 0 })
            .deserialize(&mut json)
            .is_ok()
        {
            counter.root += 1;
            if layout != "tusimple" {
                break;
            }
        }
        // The poses of nuScenes are told by the rows of their table.
        let mut to = Container::new(artifact, out);
        counter.finish().tell(&mut to);
        to.finish(Ok(()))
    }
}

struct Counter {
    labels: Labels,
    root: u64,
    /// Objects that have the fields of each table of nuScenes.
    tables: [u64; TABLES.len()],
    /// The name in the row that is read.
    name: String,
    /// Names of categories are classes.
    categories: bool,
}

impl Counter {
    fn finish(mut self) -> Labels {
        let table = |name: &str| TABLES.iter().position(|(n, _)| *n == name).map_or(0, |at| self.tables[at]);
        match self.labels.layout {
            "nuscenes" => {
                (self.labels.frames, self.labels.labels) = (table("sample"), table("sample_annotation"));
            }
            "tusimple" => self.labels.frames = self.root,
            "cityscapes" | "labelme" => self.labels.frames = 1,
            _ => {}
        }
        self.labels
    }

    /// An object ended: it hangs at `key` below `parent`, and has so many members.
    fn object(&mut self, key: &str, parent: &str, len: u64, depth: u32) {
        let l = &mut self.labels;
        match (l.layout, parent, key) {
            ("openlabel", "openlabel" | "vcd", "frames") => l.frames += len,
            ("openlabel", "openlabel" | "vcd", "objects") => l.labels += len,
            // A file of one picture.
            ("bdd100k", "", "") if depth == 0 && l.frames == 0 => l.frames = 1,
            _ => {}
        }
    }

    /// A list ended: it hangs at `key` below `parent`, and has so many members.
    fn list(&mut self, key: &str, parent: &str, len: u64) {
        let l = &mut self.labels;
        match (l.layout, parent, key) {
            ("coco", "", "images") | ("once", "", "frames") | ("bdd100k", "", "frames") => l.frames += len,
            ("coco", "", "annotations")
            | ("cityscapes", "", "objects")
            | ("labelme", "", "shapes")
            | ("tusimple", _, "lanes")
            | ("bdd100k", _, "labels" | "objects") => l.labels += len,
            ("once", "annos", "names") => l.labels += len,
            // A list of labels is one frame, an index lists frames.
            ("dair-v2x", "", "") => l.frames = if l.labels > 0 { 1 } else { len },
            ("bdd100k", "", "") => l.frames += len,
            _ => {}
        }
    }

    fn text(&mut self, key: &str, parent: &str, above: &str, value: &str) {
        let l = &mut self.labels;
        match (l.layout, parent, key) {
            ("coco", "categories", "name")
            | ("bdd100k", "labels" | "objects", "category")
            | ("cityscapes", "objects", "label")
            | ("labelme", "shapes", "label")
            | ("once", "annos", "names") => l.class(value),
            ("dair-v2x", "", "type") => {
                l.labels += 1;
                l.class(value);
            }
            ("openlabel", _, "type") if above == "objects" => l.class(value),
            ("nuscenes", "", "channel") => l.sensor(value),
            ("nuscenes", "", "name") => value.clone_into(&mut self.name),
            _ => {}
        }
    }

    fn member(&mut self, key: &str, parent: &str) {
        if self.labels.layout == "openlabel" && parent == "streams" {
            self.labels.sensor(key);
        }
    }
}

/// One value: what hangs at a key (for the members of a list the list's own key) below another.
struct Node<'c, 'k> {
    counter: &'c mut Counter,
    key: &'k str,
    parent: &'k str,
    above: &'k str,
    /// Whether it is a member of a list.
    item: bool,
    depth: u32,
}

/// Deeper values are passed over.
const DEPTH: u32 = 24;

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.depth > DEPTH {
            return IgnoredAny::deserialize(deserializer).map(|_| ());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.counter.text(self.key, self.parent, self.above, text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Node { counter, key, parent, above, item, depth } = self;
        let mut len = 0u64;
        while list
            .next_element_seed(Node { counter: &mut *counter, key, parent, above, item: true, depth: depth + 1 })?
            .is_some()
        {
            len += 1;
        }
        if !item {
            counter.list(key, parent, len);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Node { counter, key, depth, .. } = self;
        let mut len = 0u64;
        let mut seen = [0usize; TABLES.len()];
        while let Some(name) = map.next_key::<String>()? {
            len += 1;
            counter.member(&name, key);
            if counter.labels.layout == "nuscenes" && depth <= 1 {
                for (count, (_, fields)) in seen.iter_mut().zip(TABLES) {
                    *count += usize::from(fields.contains(&name.as_str()));
                }
            }
            map.next_value_seed(Node {
                counter: &mut *counter,
                key: &name,
                parent: key,
                above: self.parent,
                item: false,
                depth: depth + 1,
            })?;
        }
        counter.object(key, self.parent, len, depth);
        if let Some(at) = seen.iter().zip(TABLES).position(|(n, (_, fields))| *n == fields.len()) {
            counter.tables[at] += 1;
            let name = std::mem::take(&mut counter.name);
            if TABLES[at].0 == "category" && counter.categories {
                counter.labels.class(&name);
            }
        }
        Ok(())
    }
}
