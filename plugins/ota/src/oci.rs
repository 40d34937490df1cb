//! Container images: index, manifests and configuration of OCI image layouts and of `docker save`. Layers are compressed tars, known by their content.
//!
//! Source: OCI Image Format Specification 1.1; Docker Image Specification v1.2.

use serde_json::Value;
use yumen_kit_container::FormatReader;
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe};

use crate::metadata::{Keys, json, send_json, texts, unite};

/// Reads the metadata of images.
pub(crate) struct Oci;

const FORMATS: &[Format] = &[
    Format {
        name: "oci-manifest",
        title: "Index or manifest of a container image",
        media_type: "application/vnd.oci.image.manifest.v1+json",
        extensions: &[],
        magic: "JSON with schemaVersion and manifests or layers; a list with Config and Layers",
        reference: "OCI Image Format Specification 1.1; Docker Image Specification v1.2",
        evidence: "records; the package with tags, platforms, layers",
        limitations: &["layers are inspected each for itself, what a later one takes away is inspected too"],
    },
    Format {
        name: "oci-config",
        title: "Configuration of a container image",
        media_type: "application/vnd.oci.image.config.v1+json",
        extensions: &[],
        magic: "JSON with architecture, os and rootfs",
        reference: "OCI Image Format Specification 1.1, Image Configuration",
        evidence: "records: environment, labels, history…; the package with os, architecture, layers",
        limitations: &[],
    },
];

impl FormatReader for Oci {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if !matches!(probe.head.trim_ascii_start(), [b'{' | b'[', ..]) {
            return None;
        }
        let keys = Keys::of(probe)?;
        let has = |k: &str| keys.has(k);
        let described = |list: &str| has(&format!("{list}.digest")) && has(&format!("{list}.mediaType"));
        let manifest = keys.value("schemaVersion") == Some("2")
            && (described("manifests") || described("config") || described("layers"))
            || keys.array && has("Config") && has("Layers");
        let config = has("architecture") && has("os") && (has("rootfs.diff_ids") || has("rootfs.type"));
        let format = match (manifest, config) {
            (true, _) => "oci-manifest",
            (_, true) => "oci-config",
            _ => return None,
        };
        Some(Identity::new(format, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let config = artifact.format == "oci-config";
        let item = json(artifact)?.map(|value| if config { of_config(&value) } else { of_manifest(&value) });
        send_json(artifact, item, out)
    }
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn of_config(value: &Value) -> InventoryItem {
    let rootfs = value.get("rootfs").unwrap_or(&Value::Null);
    let config = value.get("config").or_else(|| value.get("Config")).unwrap_or(&Value::Null);
    let labels = config.get("Labels").unwrap_or(&Value::Null);
    let target: Vec<_> = ["architecture", "variant"].iter().map(|k| text(value, k)).filter(|t| !t.is_empty()).collect();
    InventoryItem::new(kinds::SOFTWARE_PACKAGE)
        .with("os", text(value, "os"))
        .with("target", target.join("/"))
        .with("version", text(labels, "org.opencontainers.image.version"))
        .with("layers", list(rootfs, "diff_ids").count())
        .with("history", list(value, "history").count())
        .with("entrypoint", texts(config.get("Entrypoint")))
}

fn of_manifest(value: &Value) -> InventoryItem {
    let (mut tags, mut targets, mut os) = (Vec::new(), Vec::new(), Vec::new());
    let mut layers = list(value, "layers").count();
    let annotated = |v: &Value, tags: &mut Vec<String>| {
        let notes = v.get("annotations");
        let names = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
        unite(tags, names.iter().flat_map(|n| texts(notes.and_then(|a| a.get(*n)))));
    };
    annotated(value, &mut tags);
    let images = list(value, "manifests").chain(value.as_array().into_iter().flatten());
    let mut count = 0u64;
    for image in images {
        count += 1;
        annotated(image, &mut tags);
        unite(&mut tags, texts(image.get("RepoTags")));
        layers += list(image, "Layers").count();
        if let Some(platform) = image.get("platform") {
            unite(&mut targets, [text(platform, "architecture")]);
            unite(&mut os, [text(platform, "os")]);
        }
    }
    let item =
        InventoryItem::new(kinds::SOFTWARE_PACKAGE).with("tags", tags).with("platforms", targets).with("systems", os);
    let item = if layers > 0 { item.with("layers", layers) } else { item };
    if count > 0 { item.with("images", count) } else { item }
}

#[cfg(test)]
mod tests;
