//! Decoding of `shipment.yaml`, with all errors at once.

use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use yumen_model::verdict::Class;
use yumen_rules::facts::FactType;
use yumen_rules::yaml::{At, Fields, Node, Reader, SourceFile, Value, brief, parse, read_file, suggest};
use yumen_rules::{Declared, FactTable, FactValue, Globs, Problems, Rulebook};

use super::{Accept, Accepted, Approval, Claim, Determination, Processor, Recipient, Ruling, Shipment};

const KEYS: &[&str] = &[
    "shipment",
    "processor",
    "recipient",
    "scenario",
    "purpose",
    "transfer-date",
    "facts",
    "approvals",
    "exemptions",
    "determinations",
    "accept",
];

impl Shipment {
    /// Reads a manifest. The rulebook says which facts, rows and kinds of approval there are.
    ///
    /// # Errors
    /// All errors of the file, each with its place and a hint.
    pub fn load(path: &Path, rulebook: &Rulebook) -> Result<Shipment, Problems> {
        Shipment::from_source(&read_file(path)?, rulebook)
    }

    /// As [`Shipment::load`], from text.
    ///
    /// # Errors
    /// All errors of the text.
    pub fn from_source(file: &Arc<SourceFile>, rulebook: &Rulebook) -> Result<Shipment, Problems> {
        let root = parse(file)?;
        let mut loader = Loader { reader: Reader::new(file), rulebook, facts: FactTable::default() };
        let shipment = loader.shipment(&root);
        let mut shipment = loader.reader.finish(shipment)?;
        shipment.digest = format!("blake3:{}", blake3::hash(file.text().as_bytes()).to_hex());
        Ok(shipment)
    }
}

struct Loader<'r> {
    reader: Reader,
    rulebook: &'r Rulebook,
    facts: FactTable,
}

impl Loader<'_> {
    fn shipment(&mut self, root: &Node) -> Option<Shipment> {
        let fields = self.reader.map(root, "the manifest", KEYS)?;
        let id = self.need_text(&fields, "shipment", "the manifest");
        let processor = fields.get("processor").and_then(|n| self.processor(n)).unwrap_or_default();
        if let Some(ciio) = processor.ciio {
            self.declare("processor.ciio", FactValue::Bool(ciio));
        }
        let recipient = fields.get("recipient").and_then(|n| self.recipient(n));
        let scenario = fields.get("scenario").and_then(|n| self.scenario(n));
        if let Some(word) = &scenario {
            self.declare("scenario", FactValue::Word(word.clone()));
        }
        let purpose = fields.get("purpose").and_then(|n| self.reader.text(n, "purpose"));
        let transfer_date = fields.get("transfer-date").and_then(|n| self.date(n, "transfer-date"));
        if let Some(node) = fields.get("facts") {
            self.facts(node);
        }
        let approvals = self.each(&fields, "approvals", Self::approval);
        let exemptions = self.each(&fields, "exemptions", Self::claim);
        let determinations = self.each(&fields, "determinations", Self::determination);
        let accepts = self.each(&fields, "accept", Self::accept);
        Some(Shipment {
            id: id?,
            digest: String::new(),
            processor,
            recipient,
            scenario,
            purpose,
            transfer_date,
            facts: std::mem::take(&mut self.facts),
            approvals,
            exemptions,
            determinations: determinations.into_iter().flatten().collect(),
            accepts,
        })
    }

    fn declare(&mut self, name: &str, value: FactValue) {
        self.facts.declare(name, Declared { value, scope: None });
    }

    fn each<T>(&mut self, fields: &Fields<'_>, key: &str, item: impl Fn(&mut Self, &Node) -> Option<T>) -> Vec<T> {
        let Some(list) = fields.get(key).and_then(|n| self.reader.list(n, key)) else { return Vec::new() };
        list.iter().filter_map(|n| item(self, n)).collect()
    }

    fn need_text(&mut self, fields: &Fields<'_>, key: &str, of: &str) -> Option<String> {
        self.reader.need(fields, key, of).and_then(|n| self.reader.text(n, key))
    }

    fn opt_text(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        fields.get(key).and_then(|n| self.reader.text(n, key))
    }

    fn need_date(&mut self, fields: &Fields<'_>, key: &str, of: &str) -> Option<Date> {
        self.reader.need(fields, key, of).and_then(|n| self.date(n, key))
    }

    fn opt_date(&mut self, fields: &Fields<'_>, key: &str) -> Option<Date> {
        fields.get(key).and_then(|n| self.date(n, key))
    }

    /// A date, `2026-07-14`.
    fn date(&mut self, node: &Node, what: &str) -> Option<Date> {
        let text = self.reader.text(node, what)?;
        let shaped = text.len() == 10
            && text.bytes().enumerate().all(|(i, b)| match i {
                4 | 7 => b == b'-',
                _ => b.is_ascii_digit(),
            });
        let date = shaped.then(|| text.parse::<Date>().ok()).flatten();
        if date.is_none() {
            let help = if shaped { "there is no such day" } else { "write year-month-day, as in 2026-07-14" };
            self.reader.problem(node.at, format!("`{}` is no date for `{what}`", brief(&text)), Some(help.to_owned()));
        }
        date
    }

    fn globs(&mut self, node: &Node, what: &str) -> Option<Globs> {
        let texts = self.reader.texts(node, what)?;
        let patterns: Vec<&str> = texts.iter().map(|(t, _)| t.as_str()).collect();
        match Globs::new(&patterns) {
            Ok(globs) => Some(globs),
            Err((i, why)) => {
                let at = texts.get(i).map_or(node.at, |(_, at)| *at);
                let help = "`*` stays within a name, `**` spans folders, as in \"maps/**\"".to_owned();
                self.reader.problem(
                    at,
                    format!("`{}` is no glob: {why}", brief(patterns.get(i).unwrap_or(&""))),
                    Some(help),
                );
                None
            }
        }
    }

    fn opt_globs(&mut self, fields: &Fields<'_>, key: &str) -> Option<Globs> {
        fields.get(key).and_then(|n| self.globs(n, key))
    }

    /// Ids of rows; an alias becomes the id.
    fn rows(&mut self, node: &Node, what: &str) -> Vec<String> {
        let names = self.reader.texts(node, what).unwrap_or_default();
        names.into_iter().filter_map(|(name, at)| self.row_id(&name, at)).collect()
    }

    fn row_id(&mut self, name: &str, at: At) -> Option<String> {
        if let Some(row) = self.rulebook.row(name) {
            return Some(row.id.clone());
        }
        let help = suggest(name, self.rulebook.rows().iter().map(|r| r.id.as_str()));
        let book = self.rulebook.id().to_owned();
        self.reader.problem(at, format!("no row `{}` in rulebook {book}", brief(name)), Some(help));
        None
    }

    fn processor(&mut self, node: &Node) -> Option<Processor> {
        let fields = self.reader.map(node, "processor", &["name", "uscc", "ciio", "free-trade-zone"])?;
        Some(Processor {
            name: self.opt_text(&fields, "name"),
            uscc: self.opt_text(&fields, "uscc"),
            ciio: fields.get("ciio").and_then(|n| self.reader.bool(n, "ciio")),
            free_trade_zone: self.opt_text(&fields, "free-trade-zone"),
        })
    }

    fn recipient(&mut self, node: &Node) -> Option<Recipient> {
        let fields = self.reader.map(node, "recipient", &["name", "country", "access"])?;
        let name = self.need_text(&fields, "name", "recipient");
        let country = fields.get("country").and_then(|n| {
            // `NO` is Norway, whatever YAML 1.1 thought of it.
            let code = self.reader.text(n, "country")?;
            if code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()) {
                return Some(code);
            }
            let help = "two capital letters of ISO 3166, as in DE or HK".to_owned();
            self.reader.problem(n.at, format!("`{}` is no country code", brief(&code)), Some(help));
            None
        });
        let access = fields.get("access");
        let access =
            access.and_then(|n| self.reader.word(n, "access", &["transfer", "remote-access", "processing-abroad"]));
        Some(Recipient { name: name?, country, access: access.map(str::to_owned) })
    }

    fn scenario(&mut self, node: &Node) -> Option<String> {
        let kind = &self.rulebook.fact("scenario")?.kind;
        let words: Vec<&str> = match kind {
            FactType::Word(words) => words.iter().map(String::as_str).collect(),
            _ => return None,
        };
        self.reader.word(node, "scenario", &words).map(str::to_owned)
    }

    fn facts(&mut self, node: &Node) {
        let Some(fields) = self.reader.open_map(node, "facts") else { return };
        for entry in fields.entries() {
            if matches!(entry.value.value, Value::Null) {
                continue;
            }
            let Some(spec) = self.rulebook.fact(&entry.key) else {
                let inner = match &entry.value.value {
                    Value::Map(inner) => inner.first().map(|e| format!("{}.{}", entry.key, e.key)),
                    _ => None,
                };
                let help = match inner.filter(|name| self.rulebook.fact(name).is_some()) {
                    Some(name) => format!("write the name in one piece: `{name}: …`"),
                    None => {
                        let known = self.rulebook.facts().iter().filter(|f| f.key.starts_with("facts."));
                        suggest(&entry.key, known.map(|f| f.name.as_str()))
                    }
                };
                self.reader.problem(entry.at, format!("no fact `{}`", brief(&entry.key)), Some(help));
                continue;
            };
            if spec.key != format!("facts.{}", spec.name) {
                let help = match spec.key.split_once('.') {
                    Some((section, key)) => format!("write it as `{section}: {{{key}: …}}`"),
                    None => format!("write it as `{}: …` at the top", spec.key),
                };
                self.reader.problem(entry.at, format!("`{}` does not stand in `facts`", entry.key), Some(help));
                continue;
            }
            let answers: &[Node] = match &entry.value.value {
                Value::List(list) => list,
                _ => std::slice::from_ref(&entry.value),
            };
            let kind = spec.kind.clone();
            let mut whole = false;
            for answer in answers {
                let Some(declared) = self.answer(answer, &entry.key, &kind) else { continue };
                if declared.scope.is_none() && std::mem::replace(&mut whole, true) {
                    let help = "give all but one of them an `applies-to`".to_owned();
                    let message = format!("`{}` is answered twice for the whole shipment", entry.key);
                    self.reader.problem(answer.at, message, Some(help));
                }
                self.facts.declare(&entry.key, declared);
            }
        }
    }

    /// A plain value, or `{value, applies-to, basis}`.
    fn answer(&mut self, node: &Node, name: &str, kind: &FactType) -> Option<Declared> {
        let (node, scope) = match &node.value {
            Value::Map(_) => {
                let fields = self.reader.map(node, name, &["value", "applies-to", "basis"])?;
                let scope = fields.get("applies-to").map(|n| (self.globs(n, "applies-to"), n.at));
                self.opt_text(&fields, "basis");
                (self.reader.need(&fields, "value", name)?, scope)
            }
            _ => (node, None),
        };
        let value = match kind {
            FactType::Bool => FactValue::Bool(self.reader.bool(node, name)?),
            FactType::Count => FactValue::Count(self.reader.count(node, name)?),
            FactType::Word(words) => {
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                FactValue::Word(self.reader.word(node, name, &words)?.to_owned())
            }
        };
        match scope {
            None => Some(Declared { value, scope: None }),
            Some((_, at)) if *kind == FactType::Count => {
                let help = "give the number for the whole shipment".to_owned();
                self.reader.problem(at, format!("`{name}` can't be limited to a part"), Some(help));
                None
            }
            // A scope that could not be read has been told; the answer must not widen to everything.
            Some((scope, _)) => Some(Declared { value, scope: Some(scope?) }),
        }
    }

    fn approval(&mut self, node: &Node) -> Option<Approval> {
        let keys = ["kind", "number", "issued", "effective", "expires", "rows", "recipient", "artifacts", "note"];
        let fields = self.reader.map(node, "approvals", &keys)?;
        let kind = self.reader.need(&fields, "kind", "approvals").and_then(|n| {
            let word = self.reader.text(n, "kind")?;
            if let Some(kind) = self.rulebook.approval(&word) {
                return Some(kind.kind.clone());
            }
            let help = suggest(&word, self.rulebook.approvals().iter().map(|a| a.kind.as_str()));
            self.reader.problem(n.at, format!("no kind of approval `{word}`"), Some(help));
            None
        });
        let number = self.need_text(&fields, "number", "approvals");
        let issued = self.need_date(&fields, "issued", "approvals");
        let effective = self.opt_date(&fields, "effective");
        let expires = self.opt_date(&fields, "expires");
        if let (Some(issued), Some(expires), Some(n)) = (issued, expires, fields.get("expires"))
            && expires < issued
        {
            self.reader.problem(n.at, "`expires` lies before `issued`", None);
        }
        let rows = fields.get("rows").map(|n| self.rows(n, "rows"));
        let recipient = self.opt_text(&fields, "recipient");
        let before = self.reader.told();
        let artifacts = self.opt_globs(&fields, "artifacts");
        let bad_scope = self.reader.told() > before;
        self.opt_text(&fields, "note");
        if bad_scope {
            return None;
        }
        Some(Approval { kind: kind?, number: number?, issued: issued?, effective, expires, rows, recipient, artifacts })
    }

    fn claim(&mut self, node: &Node) -> Option<Claim> {
        let keys = ["kind", "rows", "filing", "authority", "filed", "artifacts", "basis", "purpose"];
        let fields = self.reader.map(node, "exemptions", &keys)?;
        let kind = self.reader.need(&fields, "kind", "exemptions").and_then(|n| {
            let word = self.reader.text(n, "kind")?;
            if self.rulebook.exemption(&word).is_some() {
                return Some(word);
            }
            let help = suggest(&word, self.rulebook.exemptions().iter().map(|e| e.id.as_str()));
            self.reader.problem(n.at, format!("no exemption `{word}`"), Some(help));
            None
        });
        let rows = fields.get("rows").map(|n| self.rows(n, "rows")).unwrap_or_default();
        let filing = self.opt_text(&fields, "filing");
        let authority = self.opt_text(&fields, "authority");
        let filed = self.opt_date(&fields, "filed");
        let artifacts = self.opt_globs(&fields, "artifacts");
        let basis = self.opt_text(&fields, "basis");
        self.opt_text(&fields, "purpose");
        Some(Claim { kind: kind?, rows, filing, authority, filed, artifacts, basis })
    }

    /// One for each row that the entry names.
    fn determination(&mut self, node: &Node) -> Option<Vec<Determination>> {
        let fields = self.reader.map(node, "determinations", &["row", "artifacts", "result", "by", "date", "basis"])?;
        let row_node = self.reader.need(&fields, "row", "determinations");
        let rows = row_node.map(|n| self.rows(n, "row")).unwrap_or_default();
        let words = ["important", "not-important", "secret", "not-secret"];
        let ruling = self.reader.need(&fields, "result", "determinations");
        let ruling = ruling.and_then(|n| {
            let word = self.reader.word(n, "result", &words)?;
            self.ruling_fits(&rows, word, n.at);
            Some(if matches!(word, "important" | "secret") { Ruling::Applies } else { Ruling::DoesNotApply })
        });
        let by = self.need_text(&fields, "by", "determinations");
        let date = self.need_date(&fields, "date", "determinations");
        let basis = self.need_text(&fields, "basis", "determinations");
        let before = self.reader.told();
        let artifacts = self.opt_globs(&fields, "artifacts");
        if self.reader.told() > before {
            return None;
        }
        if artifacts.is_none() {
            for row in &rows {
                let of_findings =
                    self.rulebook.row(row).and_then(|r| r.when.as_ref()).is_some_and(|w| w.needs_findings());
                if of_findings {
                    let help =
                        "name them, as in `artifacts: [\"bom/**\"]`: what comes later is not determined".to_owned();
                    self.reader.problem(node.at, format!("a determination for {row} needs `artifacts`"), Some(help));
                }
            }
        }
        let (ruling, by, date, _) = (ruling?, by?, date?, basis?);
        let one = |row: String| Determination { row, artifacts: artifacts.clone(), ruling, by: by.clone(), date };
        Some(rows.into_iter().map(one).collect())
    }

    /// Secrecy is determined of rows about State secrets and of no other. There `not-important` is taken as "it does not apply".
    fn ruling_fits(&mut self, rows: &[String], word: &str, at: At) {
        for row in rows {
            let secrecy = self.rulebook.row(row).is_some_and(|r| r.class == Class::StateSecretSuspect);
            let (wrong, help) = match word {
                "secret" | "not-secret" => (!secrecy, "write `important` or `not-important`"),
                "important" => (secrecy, "write `secret` or `not-secret`"),
                _ => (false, ""),
            };
            if wrong {
                self.reader.problem(at, format!("`{word}` is no answer for {row}"), Some(help.to_owned()));
            }
        }
    }

    fn accept(&mut self, node: &Node) -> Option<Accept> {
        let fields = self.reader.map(node, "accept", &["digest", "finding", "reason", "by", "until"])?;
        let what = match (fields.get("digest"), fields.get("finding")) {
            (Some(n), None) => self.digest(n).map(Accepted::Digest),
            (None, Some(n)) => self.reader.text(n, "finding").map(Accepted::Finding),
            _ => {
                let help = "one entry a digest or finding".to_owned();
                self.reader.problem(node.at, "`accept` needs either `digest` or `finding`", Some(help));
                None
            }
        };
        let reason = self.need_text(&fields, "reason", "accept");
        let by = self.need_text(&fields, "by", "accept");
        let until = self.need_date(&fields, "until", "accept");
        Some(Accept { what: what?, by: by?, reason: reason?, until: until? })
    }

    fn digest(&mut self, node: &Node) -> Option<String> {
        let text = self.reader.text(node, "digest")?;
        let hex = text.strip_prefix("blake3:").unwrap_or("");
        if hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Some(text.to_ascii_lowercase());
        }
        let help = "`blake3:` and 64 hex digits, as the report gives it below `opaque`".to_owned();
        self.reader.problem(node.at, "this is no digest", Some(help));
        None
    }
}
