//! YAML as a tree that knows where each value stands.

use std::fmt;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;

use super::problem::{Problem, Problems, SourceFile};

/// A place in a file. Line and column are from 1, the column in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At {
    /// First byte.
    pub offset: usize,
    /// Length in bytes.
    pub len: usize,
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl At {
    fn of(location: serde_yaml::Location) -> At {
        let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let span = location.span();
        At {
            offset: span.byte_offset().map_or(0, number),
            len: span.byte_len().map_or(0, number),
            line: number(location.line()).max(1),
            column: number(location.column()).max(1),
        }
    }

    /// As [`At::of`]. Syntax errors come without a byte offset: it is worked out from line and column.
    fn in_text(location: serde_yaml::Location, text: &str) -> At {
        let at = At::of(location);
        if location.span().byte_offset().is_some() {
            return at;
        }
        let text_from = |line: usize| text.split_inclusive('\n').take(line - 1).map(str::len).sum::<usize>();
        let start = text_from(at.line);
        let line = text[start..].lines().next().unwrap_or_default();
        let before: usize = line.chars().take(at.column - 1).map(char::len_utf8).sum();
        let len = line[before..].chars().next().map_or(0, char::len_utf8);
        At { offset: start + before, len, ..at }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where.
    pub at: At,
}

/// A YAML value. Numbers keep no text: take it from the source by [`Node::at`] where the spelling matters.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing.
    Null,
    /// `true` or `false` and no other word.
    Bool(bool),
    /// A whole number of at least 0.
    Count(u64),
    /// Any other number.
    Number(f64),
    /// Text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the file; a key that stands twice is there twice.
    Map(Vec<Entry>),
}

/// A key of a mapping and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub at: At,
    /// The value.
    pub value: Node,
}

impl Value {
    /// What kind of value it is, in words.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Count(_) | Value::Number(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Node { at: At::of(spanned.referenced), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }
    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        d.deserialize_any(AnyValue)
    }
    fn visit_bool<E: de::Error>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }
    fn visit_u64<E: de::Error>(self, n: u64) -> Result<Value, E> {
        Ok(Value::Count(n))
    }
    fn visit_i64<E: de::Error>(self, n: i64) -> Result<Value, E> {
        #[allow(clippy::cast_precision_loss)]
        Ok(u64::try_from(n).map_or(Value::Number(n as f64), Value::Count))
    }
    fn visit_i128<E: de::Error>(self, n: i128) -> Result<Value, E> {
        #[allow(clippy::cast_precision_loss)]
        Ok(u64::try_from(n).map_or(Value::Number(n as f64), Value::Count))
    }
    fn visit_u128<E: de::Error>(self, n: u128) -> Result<Value, E> {
        #[allow(clippy::cast_precision_loss)]
        Ok(u64::try_from(n).map_or(Value::Number(n as f64), Value::Count))
    }
    fn visit_f64<E: de::Error>(self, n: f64) -> Result<Value, E> {
        Ok(Value::Number(n))
    }
    fn visit_str<E: de::Error>(self, s: &str) -> Result<Value, E> {
        Ok(Value::Text(s.to_owned()))
    }
    fn visit_string<E: de::Error>(self, s: String) -> Result<Value, E> {
        Ok(Value::Text(s))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = seq.next_element()? {
            list.push(node);
        }
        Ok(Value::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let value = map.next_value()?;
            entries.push(Entry { key: key.value, at: At::of(key.referenced), value });
        }
        Ok(Value::Map(entries))
    }
}

/// Parses one YAML document. Bounded in depth, nodes and aliases, so that a hostile file costs little.
///
/// # Errors
/// The first place where the text is not YAML, with a hint.
pub fn parse(file: &Arc<SourceFile>) -> Result<Node, Problems> {
    if file.text().lines().all(|l| matches!(l.trim(), "" | "---" | "...") || l.trim_start().starts_with('#')) {
        return Err(Problems::of_file(
            file.name(),
            "is empty",
            Some("a mapping of keys to values is expected".to_owned()),
        ));
    }
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_nodes: 400_000,
            max_events: 1_000_000,
            max_depth: 40,
            max_aliases: 64,
            max_anchors: 64,
            max_documents: 1,
        },
        duplicate_keys: serde_yaml::DuplicateKeyPolicy::PassThrough,
        merge_keys: serde_yaml::MergeKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    };
    serde_yaml::from_str_with_options::<Node>(file.text(), options).map_err(|error| {
        let at = error.location().map(|l| At::in_text(l, file.text()));
        let error = error.without_snippet();
        let message = first_line(&error.to_string());
        if message.contains("Documents") {
            let help = Some("keep one, and remove the line `---` between them".to_owned());
            let at = at.unwrap_or_default();
            return Problems::new(file.name(), vec![Problem::new(file, at, "a second document begins here", help)]);
        }
        if message.contains("budget") {
            let help = Some("is it the right file?".to_owned());
            return Problems::of_file(file.name(), "is not valid YAML for this purpose: too large or too deep", help);
        }
        match at {
            Some(at) => {
                let help = hint(file.text(), at, &message);
                let message = format!("this is not valid YAML: {message}");
                Problems::new(file.name(), vec![Problem::new(file, at, message, help)])
            }
            None => Problems::of_file(file.name(), format!("is not valid YAML: {message}"), None),
        }
    })
}

/// The first line of a parser's message, without the place that some messages repeat.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let line = line.split(" at line ").next().unwrap_or(line);
    line.trim().trim_start_matches("error:").trim().to_owned()
}

/// What usually causes a syntax error at such a place.
fn hint(text: &str, at: At, message: &str) -> Option<String> {
    let before = |n: usize| text.lines().nth(at.line.checked_sub(n + 1)?);
    let lines = [before(0), before(1)];
    if lines.iter().flatten().any(|l| l.trim_start_matches(' ').starts_with('\t')) {
        return Some("indent with spaces; YAML does not allow tabs there".to_owned());
    }
    let holds = |chars: &[char]| lines.iter().flatten().any(|l| l.contains(chars));
    if message.contains("merge") {
        return Some("`<<` is not taken here: write the keys out".to_owned());
    }
    if message.contains("unexpected character") || message.contains("control") {
        return Some("there is a character that is no text; is it the right file, saved as UTF-8?".to_owned());
    }
    if holds(&['：', '，', '“', '”', '［', '｛']) {
        return Some(
            "a full-width sign may be meant as YAML: write `: `, `, `, `\"`, `[`, `{` in half width".to_owned(),
        );
    }
    let open = |c: char| lines.iter().flatten().any(|l| l.matches(c).count() % 2 == 1);
    if open('"') || open('\'') || message.contains("quot") || message.contains("scalar") {
        return Some("a quotation mark may be missing; put text that holds ` #` or `: ` into double quotes".to_owned());
    }
    if lines.iter().flatten().any(|l| l.matches(['[', '{']).count() > l.matches([']', '}']).count()) {
        return Some("a bracket that was opened is not closed".to_owned());
    }
    if message.contains("mapping") || message.contains("indent") || message.contains("block") {
        return Some(
            "keys of one mapping stand in the same column; put text that holds `: ` into double quotes".to_owned(),
        );
    }
    if message.contains("anchor") || message.contains("alias") {
        return Some("put text that begins with `*` or `&` into double quotes".to_owned());
    }
    Some("the place before may be the cause: look at indentation, quotation marks and brackets".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Place and the text underlined, of the first error.
    fn place(text: &str) -> (usize, usize, String, String) {
        let file = SourceFile::new("s.yaml", text);
        let problems = parse(&file).unwrap_err();
        let problem = &problems.list()[0];
        let (line, column) = problem.line_column().unwrap();
        let label = miette::Diagnostic::labels(problem).unwrap().next().unwrap();
        let marked = &text[label.offset()..label.offset() + label.len()];
        let at = text[..label.offset()].lines().count().max(1) + usize::from(text[..label.offset()].ends_with('\n'));
        assert_eq!(at, line, "the label stands in the line that is told: {text:?}");
        (line, column, marked.to_owned(), problem.hint().unwrap_or_default().to_owned())
    }

    #[test]
    fn syntax_errors_are_underlined_where_they_are() {
        let (line, _, marked, hint) = place("shipment: s\nname: 示例\nfacts:\n\ta: 1\n");
        assert_eq!((line, marked.as_str()), (4, "a"));
        assert!(hint.contains("spaces"));
        let (line, _, _, hint) = place("shipment：s\nprocessor: {}\n");
        assert!(line <= 2 && hint.contains("half width"), "{line} {hint}");
        let (_, _, _, hint) = place("a: &x {b: 1}\nc:\n  <<: *x\n");
        assert!(hint.contains("write the keys out"), "{hint}");
        let (line, ..) = place("名: 甲\r\nb: [1\r\nc: 2\r\n");
        assert!(line >= 2);
    }
}
