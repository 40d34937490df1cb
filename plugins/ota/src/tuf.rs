//! Metadata of TUF and Uptane: roles in JSON, and what vehicles report of their control units; Uptane's roles in DER.
//!
//! Source: TUF specification 1.0; Uptane Standard 2.1, "Detailed Design"; the ASN.1 module of its implementation considerations.

mod der;

use serde_json::{Map, Value};
use yumen_kit_container::FormatReader;
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe};

use crate::metadata::{Keys, json, send_json, texts, unite};

/// Reads metadata.
pub(crate) struct Tuf;

/// Signed metadata that expires later than this does not, for all that matters.
const FAR: &str = "2100";

const FORMATS: &[Format] = &[Format {
    name: "uptane",
    title: "TUF and Uptane metadata",
    media_type: "application/json",
    extensions: &[],
    magic: "JSON with `signed` and `signatures` and a role or what a vehicle reports inside; or the same structure in DER",
    reference: "TUF specification 1.0; Uptane Standard 2.1",
    evidence: "records, texts of DER; the package with role, version, expiry, thresholds, targets and hardware; what is weak about them",
    limitations: &["signatures are not verified", "in-toto links and layouts are read as JSON"],
}];

impl FormatReader for Tuf {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let known = match probe.head.trim_ascii_start().first()? {
            b'{' => is_metadata(probe),
            0x30 => der::Role::of(probe.blob).is_some(),
            _ => false,
        };
        known.then(|| Identity::new("uptane", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if let Some(role) = der::Role::of(&artifact.blob) {
            return role.send(artifact, out);
        }
        let item = json(artifact)?.and_then(|value| item(&value));
        send_json(artifact, item, out)
    }
}

/// Whether JSON is metadata of a role, or a report of a vehicle.
fn is_metadata(probe: &Probe<'_>) -> bool {
    let Some(keys) = Keys::of(probe) else { return false };
    let signatures = keys.has("signatures")
        || probe.blob.len() > probe.head.len() as u64 && probe.tail.windows(12).any(|w| w == b"\"signatures\"");
    if !signatures || !keys.has("signed") {
        return false;
    }
    let has = |k: &str| keys.has(&format!("signed.{k}"));
    match keys.value("signed._type").map(str::to_ascii_lowercase).as_deref() {
        Some("root" | "targets" | "snapshot" | "timestamp" | "mirrors" | "mirror" | "delegation") => true,
        // Of in-toto.
        Some("link" | "layout") => false,
        _ => {
            has("ecu_serial")
                || has("primary_ecu_serial")
                || has("ecu_version_manifests")
                || (has("time") && has("nonces"))
        }
    }
}

fn texts_of(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// What metadata tells of the package.
fn item(value: &Value) -> Option<InventoryItem> {
    let signed = value.get("signed")?;
    let signatures = value.get("signatures").and_then(Value::as_array).map_or(0, Vec::len);
    let mut weak = Vec::new();
    if signatures == 0 {
        unite(&mut weak, ["unsigned".to_owned()]);
    }
    let expires = texts_of(signed, "expires");
    let role = texts_of(signed, "_type").to_lowercase();
    if !role.is_empty() && expires.is_empty() {
        unite(&mut weak, ["never-expires".to_owned()]);
    } else if expires.as_str() >= FAR {
        unite(&mut weak, ["expires-too-late".to_owned()]);
    }
    let (mut roles, mut thresholds) = (Vec::new(), Vec::new());
    unite(&mut roles, [role]);
    for (name, threshold, keys) in thresholds_of(signed) {
        unite(&mut roles, [name.clone()]);
        unite(&mut thresholds, [format!("{name}={threshold}")]);
        if threshold <= 1 && matches!(name.as_str(), "root" | "targets" | "director") {
            unite(&mut weak, [format!("threshold-1-{name}")]);
        }
        if threshold > keys || threshold == 0 {
            unite(&mut weak, [format!("threshold-unreachable-{name}")]);
        }
    }
    let mut ecus = Ecus::default();
    let targets = signed.get("targets").and_then(Value::as_object);
    let mut lengths = 0u64;
    for target in targets.into_iter().flat_map(Map::values) {
        lengths = lengths.saturating_add(target.get("length").and_then(Value::as_u64).unwrap_or(0));
        if let Some(custom) = target.get("custom").or_else(|| target.get("uptane")) {
            ecus.see(custom, 0);
        }
    }
    for key in ["ecu_version_manifests", "ecu_serial", "primary_ecu_serial", "ecu_version_reports"] {
        ecus.reported(key, signed.get(key));
    }
    let mut item = InventoryItem::new(kinds::SOFTWARE_PACKAGE)
        .with("roles", roles)
        .with("version", texts_of(signed, "version"))
        .with("expires", expires)
        .with("threshold", thresholds)
        .with("weaknesses", weak)
        .with("device_type", ecus.hardware)
        .with("signed", signatures > 0)
        .with("signatures", signatures);
    if let Some(targets) = targets {
        item = item.with("targets", targets.len()).with("target_bytes", lengths);
    }
    if ecus.serials > 0 {
        item = item.with("ecus", ecus.serials);
    }
    if ecus.director {
        item = item.with("director", true);
    }
    if signed.get("vin").is_some() || signed.get("primary_ecu_serial").is_some() {
        item = item.with("vehicle_report", true);
    }
    Some(item)
}

/// Of each role that root metadata or a delegation defines: name, threshold, number of keys.
fn thresholds_of(signed: &Value) -> Vec<(String, u64, u64)> {
    let of = |name: &str, role: &Value| {
        let threshold = role.get("threshold").and_then(Value::as_u64)?;
        let keys = texts(role.get("keyids")).len() as u64;
        Some((name.to_owned(), threshold, keys))
    };
    let mut all = Vec::new();
    if let Some(Value::Object(roles)) = signed.get("roles") {
        all.extend(roles.iter().filter_map(|(name, role)| of(name, role)));
    }
    let delegations = signed.get("delegations").and_then(|d| d.get("roles"));
    match delegations {
        Some(Value::Array(roles)) => {
            all.extend(roles.iter().filter_map(|role| of(role.get("name")?.as_str()?, role)));
        }
        Some(Value::Object(roles)) => all.extend(roles.iter().filter_map(|(name, role)| of(name, role))),
        _ => {}
    }
    all
}

/// Control units that metadata names.
#[derive(Default)]
struct Ecus {
    hardware: Vec<String>,
    serials: u64,
    director: bool,
}

impl Ecus {
    /// What is said of a target beside its hashes.
    fn see(&mut self, custom: &Value, depth: usize) {
        let Some(object) = custom.as_object().filter(|_| depth < 4) else { return };
        for (name, value) in object {
            match name.as_str() {
                "hardwareId" | "hardwareIds" | "hardware_id" | "hardware_ids" | "hardwareIdentifier" => {
                    unite(&mut self.hardware, texts(Some(value)));
                }
                "ecuIdentifiers" | "ecu_identifiers" => {
                    self.director = true;
                    let units = value.as_object().map_or(0, Map::len) + value.as_array().map_or(0, Vec::len);
                    self.serials += units as u64;
                    value.as_object().into_iter().flat_map(Map::values).for_each(|v| self.see(v, depth + 1));
                }
                "ecuIdentifier" | "ecu_identifier" | "ecuSerial" => {
                    self.director = true;
                    self.serials += 1;
                }
                _ => self.see(value, depth + 1),
            }
        }
    }

    /// What a vehicle reports.
    fn reported(&mut self, key: &str, value: Option<&Value>) {
        self.serials += match (key, value) {
            (_, Some(Value::Object(units))) => units.len() as u64,
            (_, Some(Value::Array(units))) => units.len() as u64,
            ("ecu_serial", Some(Value::String(_))) => 1,
            _ => 0,
        };
    }
}

#[cfg(test)]
mod tests;
