//! libconfig settings (and the sw-description of SWUpdate, which is written so) as a value.
//!
//! Tolerant: an unexpected word is a string, what can't be read is left out; nothing is included. Source: libconfig manual, chapter 2.

use serde_json::{Map, Value};

/// Deeper nesting is left out.
const MAX_DEPTH: usize = 64;
/// More settings and elements are left out.
const MAX_VALUES: usize = 200_000;

/// What a text says.
#[derive(Clone, Debug, PartialEq)]
pub struct Libconfig {
    /// The settings: groups are objects, lists and arrays are arrays.
    pub value: Value,
    /// Files that `@include` names.
    pub includes: Vec<String>,
    /// Whether something was left out or is not as the grammar has it.
    pub odd: bool,
}

/// Reads a text of settings.
#[must_use]
pub fn parse(text: &str) -> Libconfig {
    let mut parser =
        Parser { rest: text.trim_start_matches('\u{FEFF}'), includes: Vec::new(), odd: false, left: MAX_VALUES };
    // Some write braces around everything.
    parser.blank();
    let braces = parser.take('{');
    let value = parser.group(0);
    if braces {
        parser.take('}');
    }
    parser.blank();
    parser.odd |= !parser.rest.is_empty();
    Libconfig { value: Value::Object(value), includes: parser.includes, odd: parser.odd }
}

/// Whether a text, comments and includes before it apart, begins with the setting `name` as a group.
#[must_use]
pub fn begins_with_group(text: &str, name: &str) -> bool {
    let mut parser = Parser { rest: text.trim_start_matches('\u{FEFF}'), includes: Vec::new(), odd: false, left: 1 };
    parser.blank();
    let Some(rest) = parser.rest.strip_prefix(name) else { return false };
    parser.rest = rest;
    parser.blank();
    if !parser.take('=') && !parser.take(':') {
        return false;
    }
    parser.blank();
    parser.take('{')
}

struct Parser<'a> {
    rest: &'a str,
    includes: Vec<String>,
    odd: bool,
    left: usize,
}

impl<'a> Parser<'a> {
    fn take(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Skips white space, comments of the three kinds, and includes.
    fn blank(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let line = |s: &'a str| s.split_once('\n').map_or("", |(_, rest)| rest);
            if self.rest.starts_with('#') || self.rest.starts_with("//") {
                self.rest = line(self.rest);
            } else if let Some(comment) = self.rest.strip_prefix("/*") {
                self.rest = comment.split_once("*/").map_or("", |(_, rest)| rest);
            } else if let Some(include) = self.rest.strip_prefix("@include") {
                self.rest = include.trim_start_matches([' ', '\t']);
                match self.quoted() {
                    Some(name) => self.includes.push(name),
                    None => self.rest = line(self.rest),
                }
            } else {
                return;
            }
        }
    }

    fn group(&mut self, depth: usize) -> Map<String, Value> {
        let mut out = Map::new();
        loop {
            self.blank();
            if self.take(';') || self.take(',') {
                continue;
            }
            if self.rest.is_empty() || self.rest.starts_with('}') {
                return out;
            }
            // JSON within libconfig is not in the grammar, but quoted names cost nothing.
            let name = match self.quoted() {
                Some(name) => name,
                None => self.word().to_owned(),
            };
            self.blank();
            if name.is_empty() || !(self.take('=') || self.take(':')) {
                self.odd = true;
                if name.is_empty() && !self.skip_one() {
                    return out;
                }
                continue;
            }
            let Some(value) = self.value(depth) else { return out };
            out.insert(name, value);
        }
    }

    /// The next value; none at the end, or when there are too many.
    fn value(&mut self, depth: usize) -> Option<Value> {
        self.blank();
        self.left = self.left.checked_sub(1)?;
        if depth >= MAX_DEPTH {
            self.odd = true;
            self.rest = "";
            return None;
        }
        let value = match self.rest.chars().next()? {
            '{' => {
                self.take('{');
                let group = self.group(depth + 1);
                self.odd |= !self.take('}');
                Value::Object(group)
            }
            open @ ('(' | '[') => {
                self.take(open);
                let close = if open == '(' { ')' } else { ']' };
                let mut items = Vec::new();
                loop {
                    self.blank();
                    if self.take(',') || self.take(';') {
                        continue;
                    }
                    if self.take(close) {
                        break;
                    }
                    if self.rest.is_empty() || self.rest.starts_with([')', ']', '}']) {
                        self.odd = true;
                        break;
                    }
                    items.push(self.value(depth + 1)?);
                }
                Value::Array(items)
            }
            '"' => {
                let mut text = self.quoted()?;
                // Strings one behind another are one.
                loop {
                    self.blank();
                    if !self.rest.starts_with('"') {
                        break;
                    }
                    text.push_str(&self.quoted()?);
                }
                Value::String(text)
            }
            _ => {
                let word = self.word();
                if word.is_empty() {
                    self.odd = true;
                    self.skip_one();
                    Value::Null
                } else {
                    scalar(word)
                }
            }
        };
        Some(value)
    }

    fn skip_one(&mut self) -> bool {
        let mut chars = self.rest.chars();
        let some = chars.next().is_some();
        self.rest = chars.as_str();
        some
    }

    /// A name, number or any other run of signs that means nothing else.
    fn word(&mut self) -> &'a str {
        let end = self
            .rest
            .find(|c: char| {
                c.is_whitespace() || matches!(c, '=' | ':' | ';' | ',' | '{' | '}' | '(' | ')' | '[' | ']' | '"')
            })
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn quoted(&mut self) -> Option<String> {
        let body = self.rest.strip_prefix('"')?;
        let mut out = String::new();
        let mut chars = body.char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &body[i + 1..];
                    return Some(out);
                }
                '\\' => match chars.next().map(|(_, c)| c) {
                    Some('n') => out.push('\n'),
                    Some('t') => out.push('\t'),
                    Some('r') => out.push('\r'),
                    Some('f') => out.push('\u{c}'),
                    Some('x') => {
                        let digits: String = chars.clone().take(2).map(|(_, c)| c).collect();
                        if let Ok(code) = u8::from_str_radix(&digits, 16) {
                            out.push(char::from(code));
                            chars.by_ref().take(2).for_each(drop);
                        }
                    }
                    Some(c) => out.push(c),
                    None => break,
                },
                c => out.push(c),
            }
        }
        self.odd = true;
        self.rest = "";
        Some(out)
    }
}

fn scalar(word: &str) -> Value {
    if word.eq_ignore_ascii_case("true") {
        return true.into();
    }
    if word.eq_ignore_ascii_case("false") {
        return false.into();
    }
    let digits = word.trim_end_matches(['l', 'L']);
    let lower = digits.to_ascii_lowercase();
    let radix = |n: usize, r: u32| lower.get(n..).and_then(|d| i64::from_str_radix(d, r).ok());
    let whole = match lower.get(..2) {
        Some("0x") => radix(2, 16),
        Some("0b") => radix(2, 2),
        Some("0o" | "0q") => radix(2, 8),
        _ => digits.parse().ok(),
    };
    if let Some(n) = whole {
        return n.into();
    }
    let float = word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-'));
    match word.parse::<f64>() {
        Ok(n) if float && n.is_finite() => n.into(),
        _ => word.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn the_whole_grammar_is_read() {
        let got = parse(
            r#"
            # one
            // two
            /* three = 3; */
            @include "more.cfg"
            version = "1." /* in between */ "2";
            Name-1*: 0x1F
            big = 0x7FFFFFFFFFL, yes = TRUE; no: false
            f = -1.5e3; bin = 0b101; neg = -7
            a = [1, 2, 3]; l = ( { x = "\"q\"\x41\n"; }, "s", (1, 2), );
            g : { h = { }; };
            t = @@VAR@@;
            "#,
        );
        assert_eq!(got.includes, ["more.cfg"]);
        assert!(!got.odd);
        assert_eq!(
            got.value,
            json!({"version": "1.2", "Name-1*": 31, "big": 0x7F_FFFF_FFFFi64, "yes": true, "no": false, "f": -1500.0,
                "bin": 5, "neg": -7, "a": [1, 2, 3], "l": [{"x": "\"q\"A\n"}, "s", [1, 2]], "g": {"h": {}}, "t": "@@VAR@@"})
        );
    }

    #[test]
    fn what_is_broken_costs_no_more_than_itself() {
        let got = parse("a = ; b = 2; c = ( 1, 2 ; d = { e = 5");
        assert!(got.odd);
        assert_eq!(got.value["b"], 2);
        assert!(begins_with_group("// x\nsoftware = {", "software"));
        assert!(begins_with_group("/* x */ software:\n{", "software"));
        assert!(!begins_with_group("software is {", "software"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "[a-c=:;,{}()\\[\\]\"\\\\x#/* \n@0-9]{0,200}") {
            let _ = parse(&text);
            let _ = parse(&"(".repeat(5000));
        }
    }
}
