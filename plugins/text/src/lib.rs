//! Text: plain, JSON, NDJSON, XML, HTML, YAML, INI and properties, SQL dumps.

mod ini;
mod json;
mod plain;
mod sql;
mod xml;
mod yaml;

use yumen_kit_text::{Dialect, Sample};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Plugin, Probe};

/// The plugin of text and structured text.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextPlugin;

/// What identification of the formats looks at.
struct Look<'a> {
    /// The beginning of the text, without blanks and mark before it.
    text: &'a str,
    /// Whether that is all of it.
    complete: bool,
    /// Lower-case extension of the name.
    extension: &'a str,
    /// Lower-case base name.
    base: &'a str,
    /// Whether it reads as a table, which is another plugin's.
    table: bool,
}

impl Look<'_> {
    /// Plausible by content; likely when the name agrees.
    fn named(&self, extensions: &[&str]) -> Certainty {
        if extensions.contains(&self.extension) { Certainty::Likely } else { Certainty::Plausible }
    }
}

/// A format of the family.
struct Entry {
    format: &'static Format,
    identify: fn(&Look<'_>) -> Option<Certainty>,
    inspect: fn(&Artifact, &mut dyn Inspection) -> Result<(), InspectError>,
}

const FORMATS: &[Format] = &[
    plain::EMPTY,
    json::NDJSON,
    json::JSON,
    xml::HTML,
    xml::XML,
    sql::SQL,
    yaml::YAML,
    ini::INI,
    ini::TOML,
    plain::TEXT,
];

/// In the order in which they are preferred.
const ENTRIES: &[Entry] = &[
    Entry { format: &plain::EMPTY, identify: |_| None, inspect: plain::inspect_empty },
    Entry { format: &json::NDJSON, identify: json::identify_lines, inspect: json::inspect },
    Entry { format: &json::JSON, identify: json::identify, inspect: json::inspect },
    Entry { format: &xml::HTML, identify: xml::identify_html, inspect: xml::inspect },
    Entry { format: &xml::XML, identify: xml::identify, inspect: xml::inspect },
    Entry { format: &sql::SQL, identify: sql::identify, inspect: sql::inspect },
    Entry { format: &yaml::YAML, identify: yaml::identify, inspect: yaml::inspect },
    Entry { format: &ini::TOML, identify: ini::identify_toml, inspect: ini::inspect },
    Entry { format: &ini::INI, identify: ini::identify, inspect: ini::inspect },
    Entry { format: &plain::TEXT, identify: plain::identify, inspect: plain::inspect },
];

impl Plugin for TextPlugin {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if probe.blob.is_empty() {
            return Some(Identity::new(plain::EMPTY.name, Certainty::Likely));
        }
        let sample = Sample::of(probe)?;
        let extension = probe.extension();
        let base = probe.name.rsplit('/').next().unwrap_or("").to_lowercase();
        let look = Look {
            text: sample.text.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n']),
            complete: sample.complete,
            extension: &extension,
            base: &base,
            table: Dialect::sniff(&sample.text, sample.complete, false).is_some(),
        };
        let mut best: Option<Identity> = None;
        let entries = if plain::is_running(&extension) && !look.text.starts_with("<?xml") {
            &ENTRIES[ENTRIES.len() - 1..]
        } else {
            ENTRIES
        };
        for entry in entries {
            if let Some(certainty) = (entry.identify)(&look)
                // Running text is what has no other structure, whatever its name.
                && best.is_none_or(|b| certainty > b.certainty && entry.format.name != plain::TEXT.name)
            {
                best = Some(Identity::new(entry.format.name, certainty));
            }
        }
        best
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let entry = ENTRIES.iter().find(|e| e.format.name == artifact.format);
        entry.map_or(plain::inspect as fn(&Artifact, &mut dyn Inspection) -> _, |e| e.inspect)(artifact, out)
    }
}

#[cfg(test)]
mod tests;
