//! DBC, the CAN database of Vector, as described in its public "DBC File Format Documentation".
//!
//! Statements begin with a keyword. What can't be read is passed over up to the next line that begins with one, so an error costs one statement.

use std::collections::HashMap;

use yumen_kit_bus::{Database, Message as BusMessage, Mux, Signal};
use yumen_kit_container::FormatReader;
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, Context, Format, GroupFact, Identity, InspectError, Inspection, Message, Probe,
};

use crate::lexer::{Kind, Lexer, Syntax, sample};
use crate::names::{Counts, List, Named, Names, send_inventory};

pub(crate) struct Dbc;

const FORMATS: &[Format] = &[Format {
    name: "dbc",
    title: "DBC (CAN database)",
    media_type: "text/plain",
    extensions: &["dbc"],
    magic: "lines of at least two of VERSION \"…\", NS_:, BS_:, BU_:, BO_ id name: length node, SG_ name : start|length@order",
    reference: "https://www.csselectronics.com/pages/can-dbc-file-database-intro",
    evidence: "the whole text; names of nodes, messages, signals, comments, value descriptions; diag.dbc with counts",
    limitations: &["VECTOR__INDEPENDENT_SIG_MSG and its signals are not counted as messages and signals."],
}];

const SYNTAX: Syntax = Syntax { signs: b":;|@()[],", blocks: true, doubled: false, breaks: begins_statement };

/// Keywords that begin a statement.
const KEYWORDS: &[&str] = &[
    "VERSION",
    "NS_",
    "BS_",
    "BU_",
    "BO_",
    "SG_",
    "CM_",
    "BA_DEF_",
    "BA_DEF_DEF_",
    "BA_",
    "VAL_",
    "VAL_TABLE_",
    "EV_",
    "ENVVAR_DATA_",
    "SIG_GROUP_",
    "SIG_VALTYPE_",
    "SIGTYPE_VALTYPE_",
    "BO_TX_BU_",
    "SG_MUL_VAL_",
    "BA_DEF_REL_",
    "BA_REL_",
    "BA_DEF_DEF_REL_",
    "BU_SG_REL_",
    "BU_EV_REL_",
    "BU_BO_REL_",
    "SGTYPE_",
    "SGTYPE_VAL_",
    "SIG_TYPE_REF_",
    "BA_DEF_SGTYPE_",
    "BA_SGTYPE_",
    "EV_DATA_",
    "CAT_DEF_",
    "CAT_",
    "FILTER",
    "NS_DESC_",
];

/// Messages whose names are kept for what is said of them later.
const KEPT: usize = 100_000;
/// Signals that are in no message.
const INDEPENDENT: &str = "VECTOR__INDEPENDENT_SIG_MSG";

fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word)
}

/// A line that begins a statement beyond doubt.
fn begins_statement(line: &str) -> bool {
    let mut words = line.split([' ', '\t', ':']).filter(|w| !w.is_empty());
    let (first, second) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let number = |w: &str| w.bytes().next().is_some_and(|b| b.is_ascii_digit());
    match first {
        "BO_" | "SG_MUL_VAL_" | "SIG_VALTYPE_" | "SIG_GROUP_" | "BO_TX_BU_" | "VAL_" => number(second),
        "CM_" => matches!(second, "BU_" | "BO_" | "SG_" | "EV_") || second.starts_with('"'),
        "BA_" | "BA_REL_" | "BA_DEF_DEF_" => second.starts_with('"'),
        "BA_DEF_" => matches!(second, "BU_" | "BO_" | "SG_" | "EV_") || second.starts_with('"'),
        "SG_" => line.contains('|') && line.contains('@'),
        _ => false,
    }
}

/// Whether the word for a value says south or west.
fn is_negative_side(word: &str) -> bool {
    let word = word.trim().to_lowercase();
    matches!(
        word.as_str(),
        "s" | "w" | "south" | "west" | "southern" | "western" | "süd" | "sued" | "南" | "西" | "南纬" | "西经"
    )
}

/// Which marks of the format a text bears.
fn marks(text: &str) -> (usize, bool) {
    let mut seen = [false; 7];
    let mut first = None;
    let mut comment = false;
    for line in text.lines().flat_map(|l| l.split('\r')).map(str::trim) {
        if comment {
            comment = !line.contains("*/");
            continue;
        }
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        if line.starts_with("/*") {
            comment = !line.contains("*/");
            continue;
        }
        let mark = mark(line);
        let begins = mark.is_some() || KEYWORDS.iter().any(|k| line.split([' ', '\t']).next() == Some(k));
        first.get_or_insert(begins);
        if let Some(mark) = mark {
            seen[mark] = true;
        }
    }
    (seen.iter().filter(|&&s| s).count(), first.unwrap_or(false))
}

fn mark(line: &str) -> Option<usize> {
    let word = line.split([' ', '\t', ':', '"']).next()?;
    let rest = line[word.len()..].trim_start();
    let mut parts = rest.split([' ', '\t', ':']).filter(|p| !p.is_empty());
    let number = |p: Option<&str>| p.is_some_and(|p| p.parse::<u64>().is_ok());
    match word {
        "VERSION" if rest.starts_with('"') => Some(0),
        "NS_" if rest.starts_with(':') => Some(1),
        "BS_" if rest.starts_with(':') => Some(2),
        "BU_" if rest.starts_with(':') => Some(3),
        "BO_" if number(parts.next()) && parts.next().is_some() && rest.contains(':') && number(parts.next()) => {
            Some(4)
        }
        "SG_" if rest.contains(':') && rest.contains('|') && rest.contains('@') && rest.contains('(') => Some(5),
        "CM_" | "BA_DEF_" | "VAL_" | "VAL_TABLE_" if rest.contains('"') => Some(6),
        _ => None,
    }
}

impl FormatReader for Dbc {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let text = sample(probe)?;
        let (marks, first) = marks(&text);
        let named = probe.extension() == "dbc";
        (marks >= 2 && (first || named) || marks == 1 && first && named)
            .then(|| Identity::new("dbc", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader = Reader {
            l: Lexer::open(artifact, SYNTAX, out)?,
            names: Names::new(artifact),
            counts: Counts::default(),
            nodes: List::of(100),
            attributes: List::of(100),
            bus_types: List::default(),
            protocols: List::default(),
            defaults: Vec::new(),
            version: String::new(),
            messages: HashMap::new(),
            independent: false,
            database: Database::default(),
        };
        reader.read()?;
        let Reader {
            l,
            names,
            counts,
            nodes,
            attributes,
            mut bus_types,
            mut protocols,
            defaults,
            version,
            database,
            ..
        } = reader;
        for (name, value) in &defaults {
            let list = if name == "BusType" { &mut bus_types } else { &mut protocols };
            if list.value().as_array().is_some_and(Vec::is_empty) {
                list.add(value);
            }
        }
        let out = l.finish()?;
        names.finish(out)?;
        let item = counts
            .into_item(kinds::DIAG_DBC, &["messages", "signals", "ecus"])
            .with("version", version)
            .with("nodes", nodes.value())
            .with("attributes", attributes.value())
            .with("bus_type", bus_types.value())
            .with("protocol", protocols.value());
        send_inventory(artifact, item, out)?;
        // Recordings beside it are decoded by it.
        if !database.messages.is_empty() {
            out.send(Message::Export(GroupFact { key: yumen_kit_bus::FACT.to_owned(), value: database.to_fact() }))?;
        }
        Ok(())
    }
}

struct Reader<'o> {
    l: Lexer<'o>,
    names: Names,
    counts: Counts,
    nodes: List,
    attributes: List,
    bus_types: List,
    protocols: List,
    /// Of the attributes that say which bus it is.
    defaults: Vec<(String, String)>,
    version: String,
    messages: HashMap<u64, Named>,
    /// The signals that come belong to no message.
    independent: bool,
    /// What recordings are decoded by.
    database: Database,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), InspectError> {
        loop {
            match self.l.next()? {
                Kind::End => return Ok(()),
                Kind::Word if is_keyword(&self.l.token.text) => {
                    let (keyword, line) = (self.l.token.text.clone(), self.l.line());
                    if !self.statement(&keyword)? {
                        self.l.error_at(line)?;
                        self.l.back();
                        self.pass_over()?;
                    }
                }
                Kind::Sign(b';') => {}
                _ => {
                    self.l.error()?;
                    self.pass_over()?;
                }
            }
        }
    }

    /// Goes on to the next statement.
    fn pass_over(&mut self) -> Result<(), InspectError> {
        loop {
            let kind = self.l.next()?;
            let begins = kind == Kind::Word && self.l.token.first && is_keyword(&self.l.token.text);
            if begins || kind == Kind::End {
                self.l.back();
                return Ok(());
            }
        }
    }

    /// The end of a statement: the sign, or the next statement where it is missing.
    fn end(&mut self) -> Result<bool, InspectError> {
        loop {
            match self.l.next()? {
                Kind::Sign(b';') => return Ok(true),
                Kind::End => return Ok(false),
                Kind::Word if self.l.token.first && is_keyword(&self.l.token.text) => return Ok(false),
                _ => {}
            }
        }
    }

    fn word(&mut self) -> Result<Option<Named>, InspectError> {
        let word = self.l.next()? == Kind::Word && !(self.l.token.first && is_keyword(&self.l.token.text));
        Ok(word.then(|| self.l.token.named()))
    }

    fn number(&mut self) -> Result<Option<u64>, InspectError> {
        Ok(self.word()?.and_then(|w| w.text.parse().ok()))
    }

    fn quoted(&mut self) -> Result<Option<Named>, InspectError> {
        Ok((self.l.next()? == Kind::Quoted).then(|| self.l.token.named()))
    }

    fn sign(&mut self, sign: u8) -> Result<bool, InspectError> {
        Ok(self.l.next()? == Kind::Sign(sign))
    }

    /// A statement behind its keyword. False when it is wrong: then the token that is wrong was read last.
    fn statement(&mut self, keyword: &str) -> Result<bool, InspectError> {
        match keyword {
            "VERSION" => match self.quoted()? {
                Some(version) => {
                    self.version = version.text;
                    Ok(true)
                }
                None => Ok(false),
            },
            "NS_" => self.symbols(),
            "BS_" => {
                if !self.sign(b':')? {
                    return Ok(false);
                }
                self.until_keyword(|_, _| Ok(()))
            }
            "BU_" => {
                if !self.sign(b':')? {
                    return Ok(false);
                }
                self.until_keyword(|this, name| {
                    this.counts.add("ecus");
                    this.nodes.add(&name.text);
                    this.names.tell([("node", &name)], this.l.out)
                })
            }
            "BO_" => self.message(),
            "SG_" => self.signal(),
            "CM_" => self.comment(),
            "BA_DEF_" | "BA_DEF_REL_" | "BA_DEF_SGTYPE_" => self.attribute_definition(),
            "BA_DEF_DEF_" => {
                let Some(name) = self.quoted()? else { return Ok(false) };
                if matches!(name.text.as_str(), "BusType" | "ProtocolType") && self.l.next()? == Kind::Quoted {
                    self.defaults.push((name.text, self.l.token.text.clone()));
                    self.defaults.truncate(16);
                }
                self.end()
            }
            "BA_" => self.attribute(),
            "VAL_" => {
                let Some(mut name) = self.word()? else { return Ok(false) };
                let id = name.text.parse().ok().filter(|_| name.text.bytes().all(|b| b.is_ascii_digit()));
                if id.is_some() {
                    match self.word()? {
                        Some(signal) => name = signal,
                        None => return Ok(false),
                    }
                }
                self.values("signal", &name, id)
            }
            "VAL_TABLE_" => {
                let Some(name) = self.word()? else { return Ok(false) };
                self.counts.add("value_tables");
                self.values("attribute", &name, None)
            }
            "SIG_VALTYPE_" => {
                let (Some(id), Some(name)) = (self.number()?, self.word()?) else { return Ok(false) };
                let _colon = self.sign(b':')?;
                let float = matches!(self.l.token.text.as_str(), "1" | "2") || matches!(self.number()?, Some(1 | 2));
                if float && let Some(signal) = self.database_signal(id, &name.text) {
                    signal.float = true;
                }
                self.end()
            }
            "EV_" => {
                let Some(name) = self.word()? else { return Ok(false) };
                self.counts.add("environment_variables");
                self.names.tell([("signal", &name)], self.l.out)?;
                self.end()
            }
            "SIG_GROUP_" => {
                self.counts.add("signal_groups");
                self.end()
            }
            _ => self.end(),
        }
    }

    /// Words up to the next keyword.
    fn until_keyword(
        &mut self,
        mut each: impl FnMut(&mut Self, Named) -> Result<(), InspectError>,
    ) -> Result<bool, InspectError> {
        loop {
            match self.l.next()? {
                Kind::Word if is_keyword(&self.l.token.text) => break,
                Kind::Word => {
                    let word = self.l.token.named();
                    each(self, word)?;
                }
                Kind::Sign(_) => {}
                Kind::Quoted | Kind::End => break,
            }
        }
        self.l.back();
        Ok(true)
    }

    /// The list of new symbols: keywords, each alone in its line.
    fn symbols(&mut self) -> Result<bool, InspectError> {
        if !self.sign(b':')? {
            return Ok(false);
        }
        loop {
            match self.l.next()? {
                Kind::Word if matches!(self.l.token.text.as_str(), "BS_" | "BU_" | "BO_" | "VERSION" | "SG_") => break,
                Kind::Word => {
                    let word = self.l.token.text.clone();
                    let kind = self.l.next()?;
                    let alone = kind == Kind::Word && (self.l.token.first || is_keyword(&self.l.token.text));
                    self.l.back();
                    if !alone {
                        // A statement, since the list ended without a sign.
                        return if is_keyword(&word) && kind != Kind::End { self.statement(&word) } else { Ok(true) };
                    }
                }
                Kind::Sign(_) => {}
                Kind::Quoted | Kind::End => break,
            }
        }
        self.l.back();
        Ok(true)
    }

    fn message(&mut self) -> Result<bool, InspectError> {
        let line = self.l.line();
        let Some(id) = self.number()? else { return Ok(false) };
        let Some(name) = self.word()? else { return Ok(false) };
        self.check(&name, line)?;
        self.independent = name.text == INDEPENDENT;
        if !self.independent {
            self.counts.add("messages");
            if id & 0x8000_0000 != 0 {
                self.counts.add("extended_frames");
            }
            self.names.tell([("message", &name)], self.l.out)?;
            if self.database.messages.len() < yumen_kit_bus::MAX_MESSAGES
                && let Ok(number) = u32::try_from(id)
            {
                self.database.messages.push(BusMessage {
                    id: number & 0x1fff_ffff,
                    extended: id & 0x8000_0000 != 0,
                    name: name.text.clone(),
                    signals: Vec::new(),
                });
            }
            if self.messages.len() < KEPT && name.text.len() < 256 {
                self.messages.insert(id, name);
            }
        }
        if !self.sign(b':')? || self.number()?.is_none() {
            return Ok(false);
        }
        // The sender may be missing.
        let sender = self.word()?.filter(|s| !is_keyword(&s.text) && !s.text.is_empty());
        match sender {
            Some(_) => {}
            None => self.l.back(),
        }
        Ok(true)
    }

    /// A name that begins with a digit is none; it is told and read all the same.
    fn check(&mut self, name: &Named, line: u64) -> Result<(), InspectError> {
        if name.text.starts_with(|c: char| c.is_ascii_digit()) { self.l.error_at(line) } else { Ok(()) }
    }

    fn signal(&mut self) -> Result<bool, InspectError> {
        let line = self.l.line();
        let Some(name) = self.word()? else { return Ok(false) };
        self.check(&name, line)?;
        let mut kind = self.l.next()?;
        let mut multiplexed = false;
        let mut signal = Signal { name: name.text.clone(), ..Signal::default() };
        if kind == Kind::Word && !self.l.token.first {
            multiplexed = self.l.token.text.starts_with(['m', 'M']);
            signal.mux = Mux::of_word(&self.l.token.text);
            kind = self.l.next()?;
        }
        if kind != Kind::Sign(b':') {
            return Ok(false);
        }
        if self.independent {
            self.counts.add("independent_signals");
        } else {
            self.counts.add("signals");
            if multiplexed {
                self.counts.add("multiplexed");
            }
        }
        self.names.tell([("signal", &name)], self.l.out)?;
        let (Some(start), true) = (self.number()?, self.sign(b'|')?) else { return Ok(false) };
        let (Some(length), true, Some(order)) = (self.number()?, self.sign(b'@')?, self.word()?) else {
            return Ok(false);
        };
        signal.start = u16::try_from(start).unwrap_or(u16::MAX);
        signal.length = u16::try_from(length).unwrap_or(u16::MAX);
        signal.little_endian = order.text.starts_with('1');
        signal.signed = order.text.ends_with('-');
        // Factor, limits, unit; then the receivers, which end with the line.
        let mut unit = false;
        let mut numbers = 0;
        loop {
            match self.l.next()? {
                Kind::Word if is_keyword(&self.l.token.text) || unit && self.l.token.first => break,
                Kind::Word if !unit => {
                    let number = self.l.token.text.parse::<f64>().ok();
                    match (numbers, number) {
                        (0, Some(n)) => signal.factor = n,
                        (1, Some(n)) => signal.offset = n,
                        _ => {}
                    }
                    numbers += 1;
                }
                Kind::Word | Kind::Sign(_) => {}
                Kind::Quoted => {
                    if !unit {
                        signal.unit = self.l.token.text.chars().take(32).collect();
                    }
                    unit = true;
                }
                Kind::End => break,
            }
        }
        self.l.back();
        if !self.independent
            && let Some(message) = self.database.messages.last_mut()
            && message.signals.len() < yumen_kit_bus::MAX_SIGNALS
        {
            message.signals.push(signal);
        }
        Ok(unit)
    }

    fn database_signal(&mut self, id: u64, name: &str) -> Option<&mut Signal> {
        let (number, extended) = (u32::try_from(id & 0x1fff_ffff).ok()?, id & 0x8000_0000 != 0);
        let message = self.database.messages.iter_mut().find(|m| m.id == number && m.extended == extended)?;
        message.signals.iter_mut().find(|s| s.name == name)
    }

    /// What a comment, an attribute or the like is of: its name where it has one.
    fn object(&mut self) -> Result<Option<(&'static str, Option<Named>)>, InspectError> {
        if self.l.next()? != Kind::Word {
            self.l.back();
            return Ok(Some(("", None)));
        }
        let object = match self.l.token.text.as_str() {
            "BU_" => ("node", self.word()?),
            "EV_" => ("signal", self.word()?),
            "BO_" => {
                let Some(id) = self.number()? else { return Ok(None) };
                return Ok(Some(("message", self.messages.get(&id).cloned())));
            }
            "SG_" => {
                if self.number()?.is_none() {
                    return Ok(None);
                }
                ("signal", self.word()?)
            }
            _ => {
                self.l.back();
                return Ok(Some(("", None)));
            }
        };
        Ok(object.1.is_some().then_some(object))
    }

    fn comment(&mut self) -> Result<bool, InspectError> {
        let Some((cell, name)) = self.object()? else { return Ok(false) };
        let Some(text) = self.quoted()? else { return Ok(false) };
        let closed = self.l.token.closed;
        let name = name.iter().map(|n| (cell, n));
        self.names.tell(name.chain([("comment", &text)]), self.l.out)?;
        self.counts.add("comments");
        if !closed {
            self.l.next()?;
            self.l.back();
            return Ok(true);
        }
        self.end()
    }

    fn attribute_definition(&mut self) -> Result<bool, InspectError> {
        loop {
            match self.l.next()? {
                Kind::Word if !self.l.token.first => {}
                Kind::Quoted => break,
                _ => return Ok(false),
            }
        }
        let name = self.l.token.named();
        self.attributes.add(&name.text);
        self.names.tell([("attribute", &name)], self.l.out)?;
        self.end()
    }

    fn attribute(&mut self) -> Result<bool, InspectError> {
        let Some(name) = self.quoted()? else { return Ok(false) };
        if self.object()?.is_none() {
            return Ok(false);
        }
        match self.l.next()? {
            Kind::Quoted | Kind::Word => {}
            _ => return Ok(false),
        }
        match name.text.as_str() {
            "BusType" => self.bus_types.add(&self.l.token.text),
            "ProtocolType" => self.protocols.add(&self.l.token.text),
            "GenMsgCycleTime" => self.counts.add("cycle_times"),
            _ => {}
        }
        self.end()
    }

    /// Numbers with what they mean.
    fn values(&mut self, cell: &'static str, name: &Named, message: Option<u64>) -> Result<bool, InspectError> {
        let mut values: Vec<Named> = Vec::new();
        let mut number = None;
        let mut negative = Vec::new();
        let result = loop {
            match self.l.next()? {
                Kind::Sign(b';') => break true,
                Kind::Quoted if values.len() < 4096 => {
                    if let Some(n) = number.take()
                        && is_negative_side(&self.l.token.text)
                        && negative.len() < 16
                    {
                        negative.push(n);
                    }
                    values.push(self.l.token.named());
                }
                Kind::Word if self.l.token.first && is_keyword(&self.l.token.text) => break false,
                Kind::Word => number = self.l.token.text.parse::<u64>().ok(),
                Kind::End => break false,
                _ => {}
            }
        };
        if !negative.is_empty()
            && let Some(signal) = message.and_then(|id| self.database_signal(id, &name.text))
        {
            signal.negative = negative;
        }
        let values = values.iter().map(|v| ("value-description", v));
        self.names.tell([(cell, name)].into_iter().chain(values), self.l.out)?;
        Ok(result)
    }
}
