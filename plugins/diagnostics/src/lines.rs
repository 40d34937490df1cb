//! Formats of lines: calibration data (DCM, "Konservierung") and the databases of BUSMASTER (DBF).

use yumen_kit_container::FormatReader;
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use crate::lexer::{Lines, sample};
use crate::names::{Counts, List, Names, send_inventory};

pub(crate) struct LineFormats;

const FORMATS: &[Format] = &[
    Format {
        name: "dcm",
        title: "Calibration data (DCM)",
        media_type: "text/plain",
        extensions: &[],
        magic: "KONSERVIERUNG_FORMAT with a number as first line that is no comment",
        reference: "https://www.etas.com/",
        evidence: "the whole text; names and descriptions of parameters, curves and maps; diag.a2l with counts",
        limitations: &["Values are not compared with limits."],
    },
    Format {
        name: "busmaster-dbf",
        title: "BUSMASTER database",
        media_type: "text/plain",
        extensions: &[],
        magic: "[DATABASE_VERSION] near the start, and [START_MSG] or [PROTOCOL]",
        reference: "https://rbei-etas.github.io/busmaster/",
        evidence: "the whole text; names of messages, signals, values; diag.dbc with counts",
        limitations: &[],
    },
];

/// Blocks of a DCM file and what they count as.
const BLOCKS: &[(&str, &str)] = &[
    ("FESTWERTEBLOCK", "value_blocks"),
    ("FESTWERT", "parameters"),
    ("KENNLINIE", "curves"),
    ("FESTKENNLINIE", "curves"),
    ("GRUPPENKENNLINIE", "curves"),
    ("KENNFELD", "maps"),
    ("FESTKENNFELD", "maps"),
    ("GRUPPENKENNFELD", "maps"),
    ("STUETZSTELLENVERTEILUNG", "axis_pts"),
    ("TEXTSTRING", "strings"),
];

impl FormatReader for LineFormats {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let text = sample(probe)?;
        let mut lines = text.split(['\n', '\r']).map(|l| l.trim_matches(['\u{FEFF}', ' ', '\t']));
        let first = lines.by_ref().find(|l| !l.is_empty() && !l.starts_with(['*', '!', '.', '/']))?;
        let name = if first
            .strip_prefix("KONSERVIERUNG_FORMAT")
            .is_some_and(|r| r.trim_start().starts_with(|c: char| c.is_ascii_digit()))
        {
            "dcm"
        } else if first.starts_with('[')
            && text.contains("[DATABASE_VERSION]")
            && (text.contains("[START_MSG]") || text.contains("[PROTOCOL]"))
        {
            "busmaster-dbf"
        } else {
            return None;
        };
        Some(Identity::new(name, Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if artifact.format == "dcm" { dcm(artifact, out) } else { busmaster(artifact, out) }
    }
}

fn dcm(artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
    let mut lines = Lines::open(artifact, out)?;
    let mut names = Names::new(artifact);
    let mut counts = Counts::default();
    let mut versions = List::default();
    let mut open = None;
    let mut in_functions = false;
    while lines.next()? {
        let text = lines.text();
        let at = text.len() - text.trim_start().len();
        let body = text.trim();
        let word = body.split([' ', '\t']).next().unwrap_or("");
        let rest = at + word.len();
        let rest = rest + (text[rest..].len() - text[rest..].trim_start().len());
        let argument = text[rest..].split([' ', '\t']).next().unwrap_or("").len();
        if in_functions {
            in_functions = word != "END";
            continue;
        }
        match word {
            "KONSERVIERUNG_FORMAT" => versions.add(&text[rest..rest + argument]),
            "FUNKTIONEN" => in_functions = true,
            "END" => {
                if let Some(name) = open.take() {
                    names.tell([("characteristic", &name)], lines.out)?;
                }
            }
            "LANGNAME" => {
                let from = text[rest..].find('"').map(|n| rest + n + 1);
                let to = text.rfind('"');
                if let (Some(from), Some(to), Some(name)) = (from, to, &open)
                    && from < to
                {
                    let comment = lines.named(from, to);
                    names.tell([("characteristic", name), ("comment", &comment)], lines.out)?;
                    open = None;
                }
            }
            _ => {
                if let Some((_, count)) = BLOCKS.iter().find(|(name, _)| *name == word)
                    && argument > 0
                {
                    let name = lines.named(rest, rest + argument);
                    counts.add(count);
                    counts.add("characteristics");
                    open = Some(name);
                }
            }
        }
    }
    let out = lines.finish()?;
    names.finish(out)?;
    let item =
        counts.into_item(kinds::DIAG_A2L, &["characteristics"]).with("format", "dcm").with("version", versions.value());
    send_inventory(artifact, item, out)
}

fn busmaster(artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
    let mut lines = Lines::open(artifact, out)?;
    let mut names = Names::new(artifact);
    let mut counts = Counts::default();
    let (mut versions, mut protocols, mut nodes) = (List::default(), List::default(), List::of(100));
    while lines.next()? {
        let text = lines.text();
        let at = text.len() - text.trim_start().len();
        let Some(end) = text.find(']').filter(|_| text[at..].starts_with('[')) else { continue };
        let from = end + 1 + (text[end + 1..].len() - text[end + 1..].trim_start().len());
        let first = text[from..].split(',').next().unwrap_or("").trim_end().len();
        let value = &text[from..from + first];
        match &text[at + 1..end] {
            "DATABASE_VERSION" => versions.add(value),
            "PROTOCOL" => protocols.add(value),
            "START_MSG" if first > 0 => {
                counts.add("messages");
                let name = lines.named(from, from + first);
                names.tell([("message", &name)], lines.out)?;
            }
            "START_SIGNALS" if first > 0 => {
                counts.add("signals");
                let name = lines.named(from, from + first);
                names.tell([("signal", &name)], lines.out)?;
            }
            "VALUE_DESCRIPTION" if first > 0 => {
                let name = lines.named(from, from + first);
                names.tell([("value-description", &name)], lines.out)?;
            }
            "NODE" => {
                for name in text[from..].split(',').map(str::trim).filter(|n| !n.is_empty()).take(10_000) {
                    counts.add("ecus");
                    nodes.add(name);
                }
            }
            _ => {}
        }
    }
    let out = lines.finish()?;
    names.finish(out)?;
    let item = counts
        .into_item(kinds::DIAG_DBC, &["messages", "signals", "ecus"])
        .with("format", "busmaster")
        .with("version", versions.value())
        .with("nodes", nodes.value())
        .with("protocol", protocols.value());
    send_inventory(artifact, item, out)
}
