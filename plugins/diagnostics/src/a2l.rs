//! ASAP2 (A2L) of ASAM MCD-2 MC, with the interface descriptions (A2ML) that stand in it or beside it.

use yumen_kit_container::FormatReader;
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use crate::lexer::{Kind, Lexer, Syntax, sample};
use crate::names::{Counts, List, Named, Names, is_routine, is_security_access, send_inventory};

pub(crate) struct A2l;

const FORMATS: &[Format] = &[Format {
    name: "a2l",
    title: "ASAM MCD-2 MC (A2L)",
    media_type: "text/plain",
    extensions: &["a2l"],
    magic: "ASAP2_VERSION or /begin with a keyword of ASAP2 as first token; of an included A2ML part: block \"IF_DATA\"",
    reference: "https://www.asam.net/standards/detail/mcd-2-mc/",
    evidence: "the whole text; names and descriptions of measurements, characteristics, functions, groups, values; diag.a2l with counts, transports, seed and key functions",
    limitations: &[
        "Included files are told by name and read only where they lie beside it.",
        "Interface data (IF_DATA) is read for transports and seed and key only.",
    ],
}];

const SYNTAX: Syntax = Syntax { signs: b"", blocks: true, doubled: true, breaks };

/// A line that begins or ends a block ends a text whose quote is missing.
fn breaks(line: &str) -> bool {
    let line = line.trim_start();
    line.strip_prefix("/begin ").or_else(|| line.strip_prefix("/end ")).is_some_and(|rest| {
        rest.trim_start().starts_with(|c: char| c.is_ascii_uppercase()) && !rest.contains('"')
            || rest.contains("MEASUREMENT")
            || rest.contains("CHARACTERISTIC")
    })
}

/// Blocks that are counted; the name in the inventory, and the cell for the block's name.
const COUNTED: &[(&str, &str, &str)] = &[
    ("MEASUREMENT", "measurements", "measurement"),
    ("CHARACTERISTIC", "characteristics", "characteristic"),
    ("AXIS_PTS", "axis_pts", "characteristic"),
    ("COMPU_METHOD", "compu_methods", "attribute"),
    ("COMPU_TAB", "compu_tabs", "attribute"),
    ("COMPU_VTAB", "compu_vtabs", "attribute"),
    ("COMPU_VTAB_RANGE", "compu_vtabs", "attribute"),
    ("RECORD_LAYOUT", "record_layouts", ""),
    ("FUNCTION", "functions", "attribute"),
    ("GROUP", "groups", "attribute"),
    ("UNIT", "units", ""),
    ("FRAME", "frames", "frame"),
    ("BLOB", "blobs", "characteristic"),
    ("INSTANCE", "instances", "measurement"),
    ("TYPEDEF_STRUCTURE", "typedefs", "attribute"),
    ("TYPEDEF_MEASUREMENT", "typedefs", "attribute"),
    ("TYPEDEF_CHARACTERISTIC", "typedefs", "attribute"),
    ("TYPEDEF_AXIS", "typedefs", "attribute"),
    ("MODULE", "modules", "ecu"),
    ("PROJECT", "projects", ""),
];

const OTHERS: &[&str] = &[
    "HEADER",
    "MOD_PAR",
    "MOD_COMMON",
    "IF_DATA",
    "A2ML",
    "VARIANT_CODING",
    "MEMORY_SEGMENT",
    "USER_RIGHTS",
    "TRANSFORMER",
];

/// Blocks deeper than this are not told apart.
const DEEPEST: usize = 200;

fn known(word: &str) -> bool {
    COUNTED.iter().any(|(name, ..)| *name == word) || OTHERS.contains(&word)
}

fn is_a2l(text: &str, named: bool) -> bool {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}');
        if let Some(line) = rest.strip_prefix("//") {
            rest = line.split_once(['\n', '\r']).map_or("", |(_, after)| after);
        } else if let Some(block) = rest.strip_prefix("/*") {
            match block.split_once("*/") {
                Some((_, after)) => rest = after,
                None => return false,
            }
        } else {
            break;
        }
    }
    let mut words = rest.split_ascii_whitespace();
    match words.next().unwrap_or("") {
        "ASAP2_VERSION" | "A2ML_VERSION" => words.next().is_some_and(|w| w.parse::<u32>().is_ok()),
        "/begin" => words.next().is_some_and(|w| known(w) || named),
        "/include" => named && rest.contains("/begin"),
        // An A2ML part by itself.
        "block" => {
            rest.contains("\"IF_DATA\"")
                && (rest.contains("taggedunion") || rest.contains("taggedstruct") || rest.contains("struct"))
        }
        _ => {
            // Something odd before it.
            let begins = rest
                .match_indices("/begin ")
                .take(64)
                .filter(|(i, _)| known(rest[i + 7..].split_ascii_whitespace().next().unwrap_or("")));
            named && begins.count() >= 2
        }
    }
}

impl FormatReader for A2l {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let text = sample(probe)?;
        let named = matches!(probe.extension().as_str(), "a2l" | "aml");
        is_a2l(&text, named).then(|| Identity::new("a2l", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader = Reader {
            l: Lexer::open(artifact, SYNTAX, out)?,
            names: Names::new(artifact),
            counts: Counts::default(),
            stack: Vec::new(),
            deeper: 0,
            interface: 0,
            lists: Default::default(),
        };
        reader.read()?;
        let Reader { l, names, counts, lists, .. } = reader;
        let out = l.finish()?;
        names.finish(out)?;
        let item = counts
            .into_item(
                kinds::DIAG_A2L,
                &["measurements", "characteristics", "axis_pts", "compu_methods", "functions", "groups"],
            )
            .with("version", lists.versions.value())
            .with("nodes", lists.ecus.value())
            .with("epk", lists.epk.value())
            .with("interfaces", lists.interfaces.value())
            .with("transports", lists.transports.value())
            .with("seed_and_key", lists.seed_and_key.value())
            .with("security_access", lists.security.value())
            .with("routine_control", lists.routines.value())
            .with("includes", lists.includes.value());
        send_inventory(artifact, item, out)
    }
}

#[derive(Default)]
struct Lists {
    versions: List,
    ecus: List,
    epk: List,
    interfaces: List,
    transports: List,
    seed_and_key: List,
    security: List,
    routines: List,
    includes: List,
}

struct Reader<'o> {
    l: Lexer<'o>,
    names: Names,
    counts: Counts,
    /// Names of the open blocks.
    stack: Vec<String>,
    deeper: u64,
    /// Number of open blocks of interface data.
    interface: u32,
    lists: Lists,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), InspectError> {
        loop {
            match self.l.next()? {
                Kind::End => break,
                Kind::Word if self.l.token.text.starts_with('/') => match self.l.token.text.as_str() {
                    "/begin" => self.begin()?,
                    "/end" => self.end()?,
                    "/include" => {
                        let named = self.argument()?;
                        self.lists.includes.add(named.as_ref().map_or("", |n| n.text.as_str()));
                    }
                    _ => {}
                },
                Kind::Word => self.word()?,
                _ => {}
            }
        }
        if !self.stack.is_empty() {
            self.l.error()?;
        }
        Ok(())
    }

    /// The next word or text, if there is one before the next block.
    fn argument(&mut self) -> Result<Option<Named>, InspectError> {
        let kind = self.l.next()?;
        let mark = kind == Kind::Word && matches!(self.l.token.text.as_str(), "/begin" | "/end" | "/include");
        if kind == Kind::End || mark {
            self.l.back();
            return Ok(None);
        }
        Ok(Some(self.l.token.named()))
    }

    fn quoted(&mut self) -> Result<Option<Named>, InspectError> {
        if self.l.next()? == Kind::Quoted {
            return Ok(Some(self.l.token.named()));
        }
        self.l.back();
        Ok(None)
    }

    fn begin(&mut self) -> Result<(), InspectError> {
        if self.l.next()? != Kind::Word || self.l.token.text.starts_with('/') {
            self.l.back();
            return self.l.error();
        }
        let block = self.l.token.text.clone();
        if self.stack.len() >= DEEPEST || block.len() > 256 {
            self.deeper += 1;
            return Ok(());
        }
        self.stack.push(block.clone());
        if self.interface > 0 {
            self.interface += 1;
            return self.interface_block(&block);
        }
        match block.as_str() {
            "A2ML" => self.a2ml(),
            "IF_DATA" => {
                self.interface = 1;
                if let Some(tag) = self.argument()? {
                    self.lists.interfaces.add(&tag.text);
                }
                Ok(())
            }
            _ => self.counted(&block),
        }
    }

    fn counted(&mut self, block: &str) -> Result<(), InspectError> {
        let Some(&(_, count, cell)) = COUNTED.iter().find(|(name, ..)| *name == block) else { return Ok(()) };
        self.counts.add(count);
        let Some(name) = self.argument()? else { return self.l.error() };
        if block == "MODULE" {
            self.lists.ecus.add(&name.text);
        }
        if cell.is_empty() {
            return Ok(());
        }
        let comment = self.quoted()?;
        if is_security_access(&name.text) {
            self.lists.security.add(&name.text);
        } else if is_routine(&name.text) {
            self.lists.routines.add(&name.text);
        }
        let comment = comment.iter().filter(|c| !c.text.trim().is_empty()).map(|c| ("comment", c));
        self.names.tell([(cell, &name)].into_iter().chain(comment), self.l.out)?;
        if block.starts_with("COMPU_VTAB") {
            return self.values();
        }
        Ok(())
    }

    /// Texts up to the end of the block.
    fn values(&mut self) -> Result<(), InspectError> {
        let mut values = Vec::new();
        loop {
            match self.l.next()? {
                Kind::Quoted if values.len() < 4096 => values.push(self.l.token.named()),
                Kind::End => break,
                Kind::Word if self.l.token.text.starts_with('/') => break,
                _ => {}
            }
        }
        self.l.back();
        self.names.tell(values.iter().map(|v| ("value-description", v)), self.l.out)
    }

    /// The grammar of interface data: not of interest, and full of words that look like blocks.
    fn a2ml(&mut self) -> Result<(), InspectError> {
        self.counts.add("a2ml_blocks");
        loop {
            match self.l.next()? {
                Kind::End => return Ok(()),
                Kind::Word if self.l.token.text == "/end" => {
                    if self.l.next()? == Kind::Word && self.l.token.text == "A2ML" {
                        self.stack.pop();
                        return Ok(());
                    }
                    self.l.back();
                }
                _ => {}
            }
        }
    }

    fn interface_block(&mut self, block: &str) -> Result<(), InspectError> {
        if block.starts_with("XCP_ON_") {
            self.lists.transports.add(block);
        }
        if block == "SEED_KEY" || block == "SEED_AND_KEY" {
            while let Some(name) = self.quoted()? {
                self.seed_and_key(&name);
            }
        }
        Ok(())
    }

    fn seed_and_key(&mut self, name: &Named) {
        if !name.text.trim().is_empty() {
            self.lists.seed_and_key.add(&name.text);
        }
    }

    fn end(&mut self) -> Result<(), InspectError> {
        if self.l.next()? != Kind::Word || self.l.token.text.starts_with('/') {
            self.l.back();
            return self.l.error();
        }
        if self.deeper > 0 {
            self.deeper -= 1;
            return Ok(());
        }
        let found = self.stack.iter().rposition(|b| *b == self.l.token.text);
        let Some(at) = found else { return self.l.error() };
        if at + 1 < self.stack.len() {
            self.l.error()?;
        }
        while self.stack.len() > at {
            self.stack.pop();
            self.interface = self.interface.saturating_sub(1);
        }
        Ok(())
    }

    fn word(&mut self) -> Result<(), InspectError> {
        let word = self.l.token.text.as_str();
        if self.interface > 0 {
            if word.starts_with("XCP_ON_") {
                self.lists.transports.add(word);
            } else if word == "SEED_AND_KEY_EXTERNAL_FUNCTION"
                && let Some(name) = self.quoted()?
            {
                self.seed_and_key(&name);
            }
            return Ok(());
        }
        match word {
            "ASAP2_VERSION" => {
                let major = self.argument()?.map_or(String::new(), |n| n.text);
                let minor = self.argument()?.map_or(String::new(), |n| n.text);
                if major.parse::<u16>().is_ok() && minor.parse::<u16>().is_ok() {
                    self.lists.versions.add(&format!("{major}.{minor}"));
                }
            }
            "EPK" => {
                if let Some(epk) = self.quoted()? {
                    self.lists.epk.add(&epk.text);
                }
            }
            "ECU" => {
                if let Some(ecu) = self.quoted()? {
                    self.lists.ecus.add(&ecu.text);
                    self.names.tell([("ecu", &ecu)], self.l.out)?;
                }
            }
            "BIT_MASK" | "FORMAT" => {}
            _ => {}
        }
        Ok(())
    }
}
