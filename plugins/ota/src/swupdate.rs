//! `sw-description` of SWUpdate: libconfig or JSON. The archive around it is a cpio, which the family of archives opens.
//!
//! Source: SWUpdate documentation, "SWUpdate: syntax and tags with the default parser".

use serde_json::{Map, Value};
use yumen_kit_container::FormatReader;
use yumen_kit_text::libconfig;
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe};

use crate::metadata::{Keys, base, beginning, send_json, send_text, unite, whole};

/// Reads descriptions.
pub(crate) struct Description;

const FORMATS: &[Format] = &[Format {
    name: "sw-description",
    title: "SWUpdate software description",
    media_type: "text/x-libconfig",
    extensions: &[],
    magic: "a group `software` first, with a version, images, files, scripts or hardware-compatibility in it",
    reference: "SWUpdate documentation, syntax and tags with the default parser",
    evidence: "text, records where it is JSON; the package with version, hardware, volumes and devices, scripts, whether images are encrypted",
    limitations: &["files that `@include` names are not read in", "encrypted descriptions are not recognised"],
}];

/// What stands in a description and hardly elsewhere.
const WORDS: [&str; 9] = [
    "hardware-compatibility",
    "images",
    "files",
    "scripts",
    "partitions",
    "bootenv",
    "uboot",
    "embedded-script",
    "version",
];

impl FormatReader for Description {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let start = probe.head.iter().find(|b| !b.is_ascii_whitespace())?;
        let known = if *start == b'{'
            && probe.head.trim_ascii_start().get(1..).is_some_and(|r| r.trim_ascii_start().starts_with(b"\""))
        {
            let keys = Keys::of(probe)?;
            let named = base(probe).starts_with("sw-description");
            let inside = |w: &&str| keys.has(&format!("software.{w}"));
            // Elsewhere `software` with a version alone is anything.
            keys.has("software") && (named || WORDS[..8].iter().any(inside) || has_list_of_files(probe.head))
        } else if matches!(start, b's' | b'/' | b'#' | b'@' | b'{') {
            let text = beginning(probe)?;
            libconfig::begins_with_group(&text, "software") && WORDS.iter().any(|w| text.contains(w))
        } else {
            false
        };
        known.then(|| Identity::new("sw-description", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let Some(text) = whole(artifact)? else { return send_text(artifact, None, out) };
        match serde_json::from_str::<Value>(text.trim_start_matches('\u{FEFF}')) {
            Ok(value) => send_json(artifact, item(&value, &[]), out),
            Err(_) => {
                let read = libconfig::parse(&text);
                send_text(artifact, item(&read.value, &read.includes), out)
            }
        }
    }
}

/// Whether JSON has a list of things with a file name, by its words.
fn has_list_of_files(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    text.contains("\"filename\"") && WORDS[1..7].iter().any(|w| text.contains(&format!("\"{w}\"")))
}

#[derive(Default)]
struct Told {
    hardware: Vec<String>,
    selections: Vec<String>,
    partitions: Vec<String>,
    types: Vec<String>,
    scripts: Vec<String>,
    variables: Vec<String>,
    images: u64,
    encrypted: u64,
    hashed: u64,
    embedded: bool,
    hooks: Vec<String>,
}

/// What a description tells of the package.
fn item(value: &Value, includes: &[String]) -> Option<InventoryItem> {
    let software = value.get("software")?.as_object()?;
    let mut told = Told::default();
    told.group(software, "", 0);
    let text = |name: &str| match software.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    Some(
        InventoryItem::new(kinds::SOFTWARE_PACKAGE)
            .with("version", text("version"))
            .with("description", text("description"))
            .with("compatible", told.selections)
            .with("target", told.hardware)
            .with("partitions", told.partitions)
            .with("types", told.types)
            .with("scripts", told.scripts)
            .with("hooks", told.hooks)
            .with("variables", told.variables)
            .with("images", told.images)
            .with("encrypted", told.encrypted > 0)
            .with("hashed", told.images > 0 && told.hashed == told.images)
            .with("embedded_script", told.embedded)
            .with("includes", includes.to_vec()),
    )
}

impl Told {
    /// Goes through a group: boards, modes and sets lie in each other, in any order and depth.
    fn group(&mut self, group: &Map<String, Value>, path: &str, depth: usize) {
        let lists = ["images", "files", "scripts", "partitions", "bootenv", "uboot", "vars"];
        if !path.is_empty() && lists.iter().any(|l| group.contains_key(*l)) {
            unite(&mut self.selections, [path.to_owned()]);
        }
        for (name, value) in group {
            match (name.as_str(), value) {
                ("hardware-compatibility", Value::Array(list)) => {
                    unite(&mut self.hardware, list.iter().map(plain));
                }
                ("embedded-script", _) => self.embedded = true,
                ("images" | "files" | "scripts", Value::Array(list)) => {
                    list.iter().filter_map(Value::as_object).for_each(|entry| self.entry(entry, name));
                }
                ("partitions", Value::Array(list)) => {
                    for entry in list {
                        unite(&mut self.partitions, ["name", "device"].iter().filter_map(|k| entry.get(k)).map(plain));
                    }
                }
                ("bootenv" | "uboot" | "vars", Value::Array(list)) => {
                    unite(&mut self.variables, list.iter().filter_map(|entry| entry.get("name")).map(plain));
                }
                (_, Value::Object(inner)) if depth < 16 => {
                    let below = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                    self.group(inner, &below, depth + 1);
                }
                _ => {}
            }
        }
    }

    /// An image, file or script.
    fn entry(&mut self, entry: &Map<String, Value>, list: &str) {
        self.images += 1;
        unite(&mut self.partitions, ["volume", "device", "mtdname"].iter().filter_map(|k| entry.get(*k)).map(plain));
        unite(&mut self.types, entry.get("type").map(plain));
        unite(&mut self.hooks, entry.get("hook").map(plain));
        if list == "scripts" {
            unite(&mut self.scripts, entry.get("filename").map(plain));
        }
        self.encrypted += u64::from(is_encrypted(entry));
        self.hashed += u64::from(entry.contains_key("sha256"));
    }
}

/// Whether an entry says that its file is encrypted.
fn is_encrypted(entry: &Map<String, Value>) -> bool {
    match entry.get("encrypted") {
        Some(Value::Bool(yes)) => *yes,
        Some(Value::String(how)) => !how.is_empty() && how != "false",
        _ => false,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(_) | Value::Array(_) | Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
