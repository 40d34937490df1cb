//! The small files in Android's OTA packages: metadata as text and as a message, payload properties, care maps, lists of APEX packages.
//!
//! Source: AOSP build/make/tools/releasetools (ota_utils.py, ota_metadata.proto), bootable/recovery and system/update_engine (care_map.proto),
//! system/apex (ota metadata).

use serde_json::Value as Json;
use yumen_kit_android::ota;
use yumen_kit_container::{Container, FormatReader};
use yumen_kit_text::send_text;
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Batch, Certainty, Context, EvidenceHeader, EvidenceKind, Format, Identity, InspectError, Inspection,
    InventoryBatch, InventoryItem, Message, Probe,
};

use super::pb::{Field, Fields, all_fields};

/// Reads these files.
pub(crate) struct Metadata;

const fn format(
    name: &'static str,
    title: &'static str,
    magic: &'static str,
    reference: &'static str,
    evidence: &'static str,
) -> Format {
    Format {
        name,
        title,
        media_type: "application/octet-stream",
        extensions: &[],
        magic,
        reference,
        evidence,
        limitations: &[],
    }
}

const RELEASETOOLS: &str = "AOSP build/make/tools/releasetools: ota_utils.py, ota_metadata.proto";

const FORMATS: &[Format] = &[
    format(
        "android-ota-metadata",
        "Metadata of an Android OTA package",
        "the name `metadata` with lines of key=value, one of them ota-type, post-build, pre-device…; or the name `metadata.pb` with an OtaMetadata message",
        RELEASETOOLS,
        "its text; devices, builds from and to, patch level as inventory",
    ),
    format(
        "android-payload-properties",
        "Properties of an Android update payload",
        "the name `payload_properties.txt` with FILE_HASH, FILE_SIZE, METADATA_HASH or METADATA_SIZE",
        RELEASETOOLS,
        "its text",
    ),
    format(
        "android-care-map",
        "Care map of an Android OTA package",
        "the name `care_map.pb` with a CareMap message",
        "AOSP bootable/recovery/update_verifier/care_map.proto",
        "names and fingerprints as text",
    ),
    format(
        "android-apex-info",
        "List of APEX packages in an Android OTA package",
        "the name `apex_info.pb` with an ApexMetadata message",
        "AOSP system/update_engine/update_metadata.proto",
        "names as text, packages as inventory",
    ),
    format(
        "android-transfer-list",
        "Transfer list of a block-based Android OTA package",
        "the name `*.transfer.list` with a version from 1 to 4 and commands",
        "AOSP build/make/tools/releasetools/blockimgdiff.py",
        "its text; commands as inventory; lends the places of blocks to the data beside it",
    ),
];

/// What a field of a message holds.
enum Shape {
    Text,
    Message(&'static [(u32, Shape)]),
}
use Shape::{Message as Nested, Text};

const STATE: &[(u32, Shape)] = &[
    (1, Text),
    (2, Text),
    (3, Text),
    (4, Nested(&[(1, Text), (2, Text), (3, Text), (4, Text)])),
    (5, Text),
    (6, Text),
];
const OTA: &[(u32, Shape)] = &[(4, Nested(&[(1, Text), (2, Text)])), (5, Nested(STATE)), (6, Nested(STATE))];
const CARE: &[(u32, Shape)] = &[(1, Nested(&[(1, Text), (2, Text), (3, Text), (4, Text)]))];
const APEX: &[(u32, Shape)] = &[(1, Nested(&[(1, Text)]))];

/// Whether bytes are a message of this shape, with at least one of its fields.
fn fits(message: &[u8], shape: &[(u32, Shape)], numbers: u32) -> bool {
    let mut known = false;
    let whole = all_fields(message, |f| match (shape.iter().find(|(n, _)| *n == f.number), f.value.bytes()) {
        (Some((_, Text)), Some(b)) => {
            known = true;
            std::str::from_utf8(b).is_ok()
        }
        (Some((_, Nested(inner))), Some(b)) => {
            known = true;
            b.is_empty() || fits(b, inner, 16)
        }
        (Some(_), None) => false,
        (None, bytes) => bytes.is_none() && f.number <= numbers,
    });
    whole && (known || numbers >= 16)
}

/// Shows every text of a message.
fn show(to: &mut Container<'_>, message: &[u8], base: u64, shape: &[(u32, Shape)]) -> Result<(), InspectError> {
    for field in Fields::of(message) {
        let Some(bytes) = field.value.bytes() else { continue };
        match shape.iter().find(|(n, _)| *n == field.number) {
            Some((_, Nested(inner))) => show(to, bytes, field.range(base).start, inner)?,
            _ => to.comment(field.range(base))?,
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    OtaText,
    OtaMessage,
    Properties,
    Care,
    Apex,
    Transfer,
}

fn kind(name: &str, bytes: &[u8]) -> Option<Kind> {
    let base = name.rsplit('/').next().unwrap_or(name);
    match base {
        "metadata" => ota::package(bytes).map(|_| Kind::OtaText),
        "metadata.pb" => fits(bytes, OTA, 12).then_some(Kind::OtaMessage),
        "care_map.pb" => fits(bytes, CARE, 4).then_some(Kind::Care),
        "apex_info.pb" => fits(bytes, APEX, 8).then_some(Kind::Apex),
        "payload_properties.txt" => {
            let text = std::str::from_utf8(bytes).ok()?;
            ["FILE_HASH=", "FILE_SIZE=", "METADATA_HASH=", "METADATA_SIZE="]
                .iter()
                .all(|key| text.lines().any(|line| line.starts_with(key)))
                .then_some(Kind::Properties)
        }
        _ if base.ends_with(".transfer.list") => super::new_data::is_transfer_list(bytes).then_some(Kind::Transfer),
        _ => None,
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::OtaText | Kind::OtaMessage => "android-ota-metadata",
            Kind::Properties => "android-payload-properties",
            Kind::Care => "android-care-map",
            Kind::Apex => "android-apex-info",
            Kind::Transfer => "android-transfer-list",
        }
    }
}

impl FormatReader for Metadata {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let found = kind(probe.name, probe.head)?;
        // Longer ones are judged by their beginning, except for messages, which are short.
        let whole = probe.head.len() as u64 == probe.blob.len();
        (whole || matches!(found, Kind::OtaText | Kind::Transfer))
            .then(|| Identity::new(found.name(), Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let most = artifact.blob.len().min(ota::LONGEST as u64);
        let bytes = artifact.blob.bytes(0..most).map_err(|e| InspectError::read(0, &e))?;
        match kind(&artifact.name, &bytes) {
            Some(Kind::OtaMessage) => message(artifact, &bytes, OTA, ota_item(&bytes), out),
            Some(Kind::Care) => message(artifact, &bytes, CARE, None, out),
            Some(Kind::Apex) => message(artifact, &bytes, APEX, Some(apex_item(&bytes)), out),
            Some(Kind::OtaText) => {
                send_text(artifact, out)?;
                ota::package(&bytes).map_or(Ok(()), |item| tell(artifact, item, out))
            }
            Some(Kind::Transfer) => {
                send_text(artifact, out)?;
                let item = super::new_data::transfer_list(artifact, out)?;
                tell(artifact, item, out)
            }
            Some(Kind::Properties) | None => send_text(artifact, out),
        }
    }
}

/// Tells one item in a stream of its own.
fn tell(artifact: &Artifact, item: InventoryItem, out: &mut dyn Inspection) -> Result<(), InspectError> {
    const STREAM: u32 = 100;
    let header = EvidenceHeader {
        stream: STREAM,
        kind: EvidenceKind::Inventory,
        format: artifact.format.into(),
        name: artifact.name.clone(),
        properties: std::collections::BTreeMap::new(),
    };
    out.send(Message::Evidence(header))?;
    out.send(Message::Batch { stream: STREAM, batch: Batch::Inventory(InventoryBatch { items: vec![item] }) })?;
    Ok(out.send(Message::EvidenceEnd { stream: STREAM })?)
}

fn message(
    artifact: &Artifact,
    bytes: &[u8],
    shape: &'static [(u32, Shape)],
    item: Option<InventoryItem>,
    out: &mut dyn Inspection,
) -> Result<(), InspectError> {
    let mut to = Container::new(artifact, out);
    if let Some(item) = item {
        to.inventory(item);
    }
    let result = to.container(0..bytes.len() as u64).and_then(|()| show(&mut to, bytes, 0, shape));
    to.finish(result)
}

fn text(field: &Field<'_>) -> String {
    field.value.bytes().map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default()
}

fn ota_item(bytes: &[u8]) -> Option<InventoryItem> {
    let mut item = InventoryItem::new(kinds::SOFTWARE_PACKAGE);
    for field in Fields::of(bytes) {
        let flag = field.value.number() == Some(1);
        item = match field.number {
            1 => {
                let name = ["unknown", "AB", "BLOCK", "BRICK"].get(usize::try_from(field.value.number()?).ok()?);
                item.with("ota_type", *name.unwrap_or(&"unknown"))
            }
            2 if flag => item.with("wipe", true),
            3 if flag => item.with("downgrade", true),
            5 | 6 => {
                let (mut devices, mut builds, mut level) = (Vec::new(), Vec::new(), String::new());
                for part in Fields::of(field.value.bytes()?) {
                    match part.number {
                        1 => devices.push(text(&part)),
                        2 => builds.push(text(&part)),
                        6 => level = text(&part),
                        _ => {}
                    }
                }
                if field.number == 5 {
                    item.with("target", devices).with("delta", !builds.is_empty()).with("version_from", builds)
                } else {
                    item.with("version", builds.join("|")).with("security_patch_level", level)
                }
            }
            _ => item,
        };
    }
    Some(item)
}

fn apex_item(bytes: &[u8]) -> InventoryItem {
    let mut names = Vec::new();
    for apex in Fields::of(bytes) {
        let (mut name, mut version) = (String::new(), 0);
        for part in Fields::of(apex.value.bytes().unwrap_or_default()) {
            match part.number {
                1 => name = text(&part),
                2 => version = part.value.number().unwrap_or(0),
                _ => {}
            }
        }
        names.push(Json::from(format!("{name}@{version}")));
    }
    InventoryItem::new(kinds::SOFTWARE_PACKAGE).with("apex_packages", names)
}

#[cfg(test)]
mod tests;
