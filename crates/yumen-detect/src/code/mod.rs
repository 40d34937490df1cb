//! What code does: upgrades of vehicles, their remote control, near-field control, and the functions that safety depends on.
//!
//! Words of identifiers, strings and comments stand for concepts ([`terms`]); concepts that stand together in one name, phrase or line are points for a kind
//! ([`rules`]); enough points in a section of the text are a finding, and most rules ask that the section be about vehicles at all. `form` tells source
//! and scripts from binaries (symbols, strings) and from descriptions (DBC, ODX, A2L, ARXML, sw-description), which are neither.

pub mod accuracy;
mod language;
mod lexer;
mod rules;
mod session;
mod terms;
#[cfg(test)]
mod tests;
mod vocabulary;
mod weigh;

use std::sync::Arc;

use serde_json::Value;
use yumen_model::kind::kinds as k;
use yumen_model::{Detector, EvidenceHeader, EvidenceKind, KindId, Session};

use language::Says;
use session::{Cells, RecordSession, TextSession};
use vocabulary::{Unit, Vocabulary};
use weigh::Scales;

/// Formats of executables and of what holds them.
const EXECUTABLES: &[&str] = &[
    "elf",
    "pe",
    "macho",
    "mach-o",
    "coff",
    "dex",
    "oat",
    "wasm",
    "java-class",
    "class",
    "ihex",
    "srec",
    "vbf",
    "uf2",
];
/// Extensions of executables that no plugin reads.
const EXECUTABLE_NAMES: &[&str] = &[
    "so", "ko", "o", "a", "elf", "axf", "out", "exe", "dll", "sys", "dex", "odex", "oat", "vdex", "class", "pyc",
    "wasm", "efi",
];

/// Formats whose names speak of vehicles whatever they are.
const OF_VEHICLES: &[&str] = &["dbc", "odx", "pdx", "a2l", "ldf", "arxml", "fibex", "cdd", "kcd", "sym"];

/// Looks through code.
pub struct CodeDetector {
    vocabulary: Arc<Vocabulary>,
}

impl CodeDetector {
    /// Compiles the vocabulary.
    #[must_use]
    pub fn new() -> Self {
        CodeDetector { vocabulary: Arc::new(Vocabulary::new()) }
    }

    /// What the path says of the content.
    fn scales(&self, header: &EvidenceHeader) -> Scales {
        let mut hits = Vec::new();
        let name = &header.name;
        self.vocabulary.literals.scan(name.as_bytes(), 0, name.len(), &mut |n, s, e| hits.push((n, s, e)));
        let mut unit = Unit::default();
        self.vocabulary.read(name, &hits, &mut unit);
        Scales::new(unit.context, OF_VEHICLES.contains(&header.format.as_ref()))
    }
}

impl Default for CodeDetector {
    fn default() -> Self {
        CodeDetector::new()
    }
}

impl Detector for CodeDetector {
    fn kinds(&self) -> &'static [KindId] {
        &[
            k::CODE_SOURCE,
            k::CODE_OTA,
            k::CODE_REMOTE_CONTROL,
            k::CODE_NEAR_FIELD,
            k::CODE_VEHICLE_START,
            k::CODE_POWER_LOSS,
            k::CODE_EMERGENCY_BRAKE,
            k::CODE_CRUISE,
            k::CODE_LANE_KEEP,
            k::CODE_CHARGE_CONTROL,
            k::CODE_BATTERY_THERMAL,
        ]
    }

    fn start(&self, header: &EvidenceHeader) -> Option<Box<dyn Session>> {
        let vocabulary = || Arc::clone(&self.vocabulary);
        let role = header.properties.get("role").and_then(Value::as_str);
        let extension = yumen_model::artifact::extension(&header.name);
        match header.kind {
            EvidenceKind::Text => {
                let line = header.properties.get("first_line").and_then(Value::as_u64).unwrap_or(1);
                let session = match (role, language::by_name(&header.name)) {
                    (Some("names"), _) | (_, Says::Description) => {
                        TextSession::description(vocabulary(), self.scales(header))
                    }
                    (_, Says::Code(language)) => {
                        TextSession::code(vocabulary(), self.scales(header), Some(language), line)
                    }
                    (_, Says::Nothing) if header.format == "text" => {
                        TextSession::code(vocabulary(), self.scales(header), None, line)
                    }
                    (_, Says::Nothing | Says::Other) => return None,
                };
                Some(Box::new(session))
            }
            EvidenceKind::Records => {
                let cells = match role {
                    Some("names") => Cells::Names,
                    Some("symbols") => Cells::Symbols,
                    _ if EXECUTABLES.contains(&header.format.as_ref()) => Cells::Symbols,
                    _ if OF_VEHICLES.contains(&header.format.as_ref()) => Cells::Names,
                    _ if extension == "ipynb" => Cells::Code("jupyter"),
                    _ if extension == "xml" && header.name.contains("simulink/") => Cells::Code("simulink"),
                    _ => return None,
                };
                Some(Box::new(RecordSession::new(vocabulary(), self.scales(header), cells)))
            }
            EvidenceKind::Raw => {
                let executable =
                    EXECUTABLES.contains(&header.format.as_ref()) || EXECUTABLE_NAMES.contains(&extension.as_str());
                executable.then(|| Box::new(TextSession::binary(vocabulary(), self.scales(header))) as Box<dyn Session>)
            }
            EvidenceKind::Keys | EvidenceKind::Inventory | EvidenceKind::Name => None,
        }
    }
}
