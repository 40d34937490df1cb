//! What a Mender artifact tells of itself: `header-info` and `type-info` inside of its header. The artifact is a tar, which the family of archives opens.
//!
//! Source: mender-artifact, Documentation/artifact-format-v1.md, -v2.md, -v3.md.

use serde_json::Value;
use yumen_kit_container::FormatReader;
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe};

use crate::metadata::{Keys, base, json, send_json, texts, unite};

/// Reads headers.
pub(crate) struct Header;

const FORMATS: &[Format] = &[Format {
    name: "mender-header",
    title: "Header of a Mender artifact",
    media_type: "application/json",
    extensions: &[],
    magic: "JSON with the payloads or updates and the device types that they are for, or a payload's type with what it provides",
    reference: "mender-artifact, Documentation/artifact-format-v3.md",
    evidence: "records; the package with name, device types, what it provides and depends on, types of payload",
    limitations: &["meta-data of payloads, which may be any JSON, is read as JSON"],
}];

impl FormatReader for Header {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if !probe.head.trim_ascii_start().starts_with(b"{") {
            return None;
        }
        let name = base(probe);
        let keys = Keys::of(probe)?;
        let has = |k: &str| keys.has(k);
        let info = (has("payloads") && (has("artifact_provides") || has("artifact_depends")))
            || (has("updates") && (has("device_types_compatible") || has("artifact_name")))
            || (name == "header-info" && (has("payloads") || has("updates") || has("artifact_name")));
        let kind = has("type")
            && (has("artifact_provides")
                || has("artifact_depends")
                || has("clears_artifact_provides")
                || name == "type-info");
        (info || kind).then(|| Identity::new("mender-header", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let item = json(artifact)?.map(|value| item(&value));
        send_json(artifact, item, out)
    }
}

/// What a header tells of the package.
fn item(value: &Value) -> InventoryItem {
    let provides = value.get("artifact_provides");
    let depends = value.get("artifact_depends");
    let mut devices = texts(value.get("device_types_compatible"));
    unite(&mut devices, texts(depends.and_then(|d| d.get("device_type"))));
    let name = texts(provides.and_then(|p| p.get("artifact_name")).or_else(|| value.get("artifact_name")));
    let mut types = texts(value.get("type"));
    for key in ["payloads", "updates"] {
        let list = value.get(key).and_then(Value::as_array).into_iter().flatten();
        unite(&mut types, list.flat_map(|p| texts(p.get("type"))));
    }
    InventoryItem::new(kinds::SOFTWARE_PACKAGE)
        .with("version", name.first().cloned().unwrap_or_default())
        .with("device_type", devices)
        .with("types", types)
        .with("provides", pairs(provides))
        .with("depends", pairs(depends))
        .with("clears", texts(value.get("clears_artifact_provides")))
}

/// Settings as `name=value`; the values are a text or a list.
fn pairs(value: Option<&Value>) -> Vec<String> {
    let mut all = Vec::new();
    for (name, value) in value.and_then(Value::as_object).into_iter().flatten() {
        unite(&mut all, texts(Some(value)).into_iter().map(|v| format!("{name}={v}")));
    }
    all
}

#[cfg(test)]
mod tests;
