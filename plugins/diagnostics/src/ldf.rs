//! LIN description files (LDF) and node capability files (NCF) of LIN 1.x, 2.x, J2602 and ISO 17987.

use yumen_kit_container::FormatReader;
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use crate::lexer::{Kind, Lexer, Syntax, sample};
use crate::names::{Counts, List, Named, Names, send_inventory};

pub(crate) struct Ldf;

const FORMATS: &[Format] = &[
    Format {
        name: "ldf",
        title: "LIN description file",
        media_type: "text/plain",
        extensions: &["ldf"],
        magic: "LIN_description_file; and LIN_protocol_version or Nodes { after comments",
        reference: "https://www.lin-cia.org/standards/",
        evidence: "the whole text; names of nodes, signals, frames, schedules, value descriptions; diag.ldf with counts",
        limitations: &["Diagnostic signals and frames are counted apart from the others."],
    },
    Format {
        name: "ncf",
        title: "LIN node capability file",
        media_type: "text/plain",
        extensions: &["ncf"],
        magic: "node_capability_file; after comments",
        reference: "https://www.lin-cia.org/standards/",
        evidence: "the whole text; names of nodes, signals, frames, value descriptions; diag.ldf with counts",
        limitations: &[],
    },
];

const SYNTAX: Syntax =
    Syntax { signs: b"{}:;,=", blocks: true, doubled: false, breaks: |line| line.trim_end().ends_with('{') };

/// Behind the comments at the start of a text.
fn behind_comments(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}');
        rest = if let Some(line) = rest.strip_prefix("//") {
            line.split_once(['\n', '\r']).map_or("", |(_, after)| after)
        } else if let Some(block) = rest.strip_prefix("/*") {
            block.split_once("*/").map_or("", |(_, after)| after)
        } else {
            return rest;
        };
    }
}

impl FormatReader for Ldf {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let whole = sample(probe)?;
        let text = behind_comments(&whole);
        let first = text.split(|c: char| c.is_whitespace() || matches!(c, ';' | '=' | '{')).next()?;
        let ends = text[first.len()..].trim_start().starts_with(';');
        let name = match first {
            "LIN_description_file" if ends => "ldf",
            "node_capability_file" if ends => "ncf",
            "LIN_protocol_version" | "LIN_language_version" | "LIN_speed" | "Nodes"
                if text.contains("LIN_description_file") || (text.contains("LIN_speed") && text.contains("Master")) =>
            {
                "ldf"
            }
            _ => return None,
        };
        Some(Identity::new(name, Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader = Reader {
            l: Lexer::open(artifact, SYNTAX, out)?,
            names: Names::new(artifact),
            counts: Counts::default(),
            nodes: List::of(100),
            versions: List::default(),
            speeds: List::default(),
        };
        reader.read()?;
        let Reader { l, names, counts, nodes, versions, speeds } = reader;
        let out = l.finish()?;
        names.finish(out)?;
        let item = counts
            .into_item(kinds::DIAG_LDF, &["ecus", "frames", "signals", "schedules"])
            .with("format", artifact.format)
            .with("nodes", nodes.value())
            .with("version", versions.value())
            .with("speed", speeds.value());
        send_inventory(artifact, item, out)
    }
}

struct Reader<'o> {
    l: Lexer<'o>,
    names: Names,
    counts: Counts,
    nodes: List,
    versions: List,
    speeds: List,
}

impl Reader<'_> {
    /// Statements: `name = value;`, `name;`, `section { … }`.
    fn read(&mut self) -> Result<(), InspectError> {
        loop {
            match self.l.next()? {
                Kind::End => return Ok(()),
                Kind::Word => {
                    let word = self.l.token.text.clone();
                    let line = self.l.line();
                    self.statement(&word, line)?;
                }
                Kind::Sign(b';') => {}
                // A bracket too many, or what is left of something broken.
                _ => self.l.error()?,
            }
        }
    }

    fn statement(&mut self, word: &str, line: u64) -> Result<(), InspectError> {
        // A node's name may stand between the word and the bracket.
        let mut name: Option<Named> = None;
        loop {
            match self.l.next()? {
                Kind::Sign(b';') | Kind::End => return Ok(()),
                Kind::Sign(b'{') => return self.section(word, name.as_ref()),
                Kind::Sign(b'}') => return self.l.error_at(line),
                Kind::Sign(_) => {}
                Kind::Word | Kind::Quoted => {
                    if self.l.token.first && self.l.token.kind == Kind::Word && name.is_some() {
                        // The sign at the end is missing.
                        self.l.back();
                        return self.l.error_at(line);
                    }
                    if name.is_none() {
                        match word {
                            "LIN_protocol_version" => self.versions.add(&self.l.token.text),
                            "LIN_speed" => {
                                let speed = self.l.token.text.trim_end_matches("kbps").trim().to_owned();
                                self.speeds.add(&format!("{speed} kbps"));
                            }
                            _ => {}
                        }
                        name = Some(self.l.token.named());
                    }
                }
            }
        }
    }

    /// A section, behind its bracket.
    fn section(&mut self, section: &str, name: Option<&Named>) -> Result<(), InspectError> {
        if section == "node"
            && let Some(name) = name
        {
            self.node(name)?;
        }
        let mut depth = 1u32;
        // Whether the next word at this depth begins an entry.
        let mut begins = true;
        let mut entry: Option<Named> = None;
        // Names of the open inner sections that matter (frames of a node capability file).
        let mut inner: Vec<String> = Vec::new();
        let mut word = String::new();
        loop {
            match self.l.next()? {
                Kind::End => return self.l.error(),
                Kind::Sign(b'{') => {
                    if depth == 1
                        && section == "Schedule_tables"
                        && let Some(name) = &entry
                    {
                        self.counts.add("schedules");
                        self.names.tell([("attribute", name)], self.l.out)?;
                    }
                    depth += 1;
                    if inner.len() < 64 {
                        inner.push(std::mem::take(&mut word));
                    }
                    begins = true;
                }
                Kind::Sign(b'}') => {
                    depth -= 1;
                    inner.pop();
                    word.clear();
                    if depth == 0 {
                        return Ok(());
                    }
                    begins = true;
                }
                Kind::Sign(b';') => {
                    begins = true;
                    word.clear();
                }
                Kind::Sign(b':') => {
                    if depth == 1
                        && let Some(name) = entry.take()
                    {
                        self.entry(section, &name)?;
                    }
                    if section == "Nodes" {
                        begins = false;
                    }
                }
                Kind::Sign(_) => {}
                Kind::Quoted => {
                    if section == "Signal_encoding_types" || inner.iter().any(|i| i == "encoding") {
                        let value = self.l.token.named();
                        self.names.tell([("value-description", &value)], self.l.out)?;
                    }
                }
                Kind::Word => {
                    // A section that begins before this one ended.
                    if self.l.token.first && depth <= 2 && is_section(&self.l.token.text) && section != "node" {
                        self.l.back();
                        return self.l.error();
                    }
                    if section == "node" {
                        self.capability(&mut word, &inner)?;
                        continue;
                    }
                    if begins {
                        let named = self.l.token.named();
                        if section == "Nodes" {
                            entry = Some(named);
                            self.nodes()?;
                        } else {
                            entry = (depth == 1).then_some(named);
                        }
                        begins = false;
                    }
                }
            }
        }
    }

    /// `Master: name, …;` or `Slaves: name, name;`.
    fn nodes(&mut self) -> Result<(), InspectError> {
        let master = self.l.token.text == "Master";
        if !master && self.l.token.text != "Slaves" {
            return Ok(());
        }
        let mut taken = 0;
        loop {
            match self.l.next()? {
                Kind::Word if self.l.token.is("Slaves") || is_section(&self.l.token.text) => break,
                Kind::Word if !master || taken == 0 => {
                    let name = self.l.token.named();
                    self.node(&name)?;
                    taken += 1;
                }
                Kind::Sign(b';' | b'}') | Kind::End => break,
                _ => {}
            }
        }
        self.l.back();
        Ok(())
    }

    fn node(&mut self, name: &Named) -> Result<(), InspectError> {
        self.counts.add("ecus");
        self.nodes.add(&name.text);
        self.names.tell([("node", name)], self.l.out)
    }

    fn entry(&mut self, section: &str, name: &Named) -> Result<(), InspectError> {
        let (count, cell) = match section {
            "Signals" => ("signals", "signal"),
            "Diagnostic_signals" => ("diagnostic_signals", "signal"),
            "Frames" => ("frames", "frame"),
            "Sporadic_frames" => ("sporadic_frames", "frame"),
            "Event_triggered_frames" => ("event_triggered_frames", "frame"),
            "Diagnostic_frames" => ("diagnostic_frames", "frame"),
            "Signal_groups" => ("signal_groups", "signal"),
            _ => return Ok(()),
        };
        self.counts.add(count);
        self.names.tell([(cell, name)], self.l.out)
    }

    /// A word inside a node of a capability file: `publish name { … }`, `signals { name { … } }`.
    fn capability(&mut self, word: &mut String, inner: &[String]) -> Result<(), InspectError> {
        let last = inner.last().map_or("", String::as_str);
        if matches!(word.as_str(), "publish" | "subscribe") {
            let name = self.l.token.named();
            self.counts.add("frames");
            self.names.tell([("frame", &name)], self.l.out)?;
            // What opens next is a frame.
            *word = "frame".to_owned();
            return Ok(());
        }
        if last == "signals" && word.is_empty() {
            let name = self.l.token.named();
            self.counts.add("signals");
            self.names.tell([("signal", &name)], self.l.out)?;
        }
        if word != "frame" {
            word.clear();
            word.push_str(&self.l.token.text);
        }
        Ok(())
    }
}

fn is_section(word: &str) -> bool {
    matches!(
        word,
        "Nodes"
            | "Signals"
            | "Diagnostic_signals"
            | "Frames"
            | "Sporadic_frames"
            | "Event_triggered_frames"
            | "Diagnostic_frames"
            | "Node_attributes"
            | "Schedule_tables"
            | "Signal_encoding_types"
            | "Signal_representation"
            | "Signal_groups"
            | "Diagnostic_addresses"
    )
}
