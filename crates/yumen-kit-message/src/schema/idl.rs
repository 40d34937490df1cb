//! OMG IDL 4.2 (<https://www.omg.org/spec/IDL/4.2>) as far as messages use it: modules, structs, enums, typedefs, constants, annotations.

use std::collections::HashMap;

use super::{Builder, Field, Form, Many, SchemaError, Ty, Types, builtin, ros_name};

/// Modules and type parameters nest no deeper.
const DEPTH: usize = 32;
/// Longest text that is taken apart.
const MAX_TOKENS: usize = 2_000_000;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Number(&'a str),
    Quoted,
    Sign(u8),
}

/// Whether a text called something else is IDL.
pub(super) fn looks_so(text: &str) -> bool {
    text.lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with("//"))
        .take(3)
        .any(|l| l.starts_with("IDL:") || l.starts_with("module ") || l.starts_with("#include"))
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, SchemaError> {
    let b = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    let mut line_start = true;
    while let Some(&c) = b.get(at) {
        if out.len() > MAX_TOKENS {
            return Err(SchemaError::Broken);
        }
        let rest = &b[at..];
        let to_line_end = || rest.iter().position(|&c| c == b'\n').unwrap_or(rest.len());
        if c == b'\n' {
            line_start = true;
            at += 1;
            continue;
        }
        if c.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        if line_start && (c == b'#' || rest.starts_with(b"====") || rest.starts_with(b"IDL:")) {
            at += to_line_end();
            continue;
        }
        line_start = false;
        if rest.starts_with(b"//") {
            at += to_line_end();
        } else if rest.starts_with(b"/*") {
            at += memchr_pair(rest, b"*/").map_or(rest.len(), |i| i + 2);
        } else if c == b'"' || c == b'\'' {
            let mut n = 1;
            while let Some(&d) = rest.get(n) {
                n += if d == b'\\' { 2 } else { 1 };
                if d == c {
                    break;
                }
            }
            at += n;
            out.push(Token::Quoted);
        } else if c.is_ascii_alphabetic() || c == b'_' || c >= 0x80 {
            let mut n = 0;
            // A scoped name is one word.
            while let Some(&d) = rest.get(n) {
                if d.is_ascii_alphanumeric() || d == b'_' || d >= 0x80 {
                    n += 1;
                } else if rest[n..].starts_with(b"::") {
                    n += 2;
                } else {
                    break;
                }
            }
            out.push(Token::Word(text.get(at..at + n).ok_or(SchemaError::Broken)?));
            at += n;
        } else if c.is_ascii_digit() {
            let n = rest.iter().position(|d| !(d.is_ascii_alphanumeric() || *d == b'.')).unwrap_or(rest.len());
            out.push(Token::Number(text.get(at..at + n).ok_or(SchemaError::Broken)?));
            at += n;
        } else if rest.starts_with(b"::") {
            at += 2;
        } else {
            out.push(Token::Sign(c));
            at += 1;
        }
    }
    Ok(out)
}

fn memchr_pair(bytes: &[u8], pair: &[u8; 2]) -> Option<usize> {
    bytes.windows(2).position(|w| w == pair)
}

#[derive(Clone, Debug)]
enum Kind {
    Known(Ty),
    Named(String),
}

/// A type as written: what it is and how many of it.
#[derive(Clone, Debug)]
struct Written {
    kind: Kind,
    many: Many,
}

#[derive(Clone, Debug)]
struct Member {
    name: String,
    ty: Written,
    optional: bool,
}

#[derive(Clone, Debug)]
enum Definition {
    Struct {
        base: Option<String>,
        members: Vec<Member>,
        form: Form,
    },
    Enum,
    Alias(Written),
    /// A union or a bit set: not read.
    Unread,
}

#[derive(Debug, Default)]
struct Annotations {
    form: Option<Form>,
    optional: bool,
    skip: bool,
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    defined: HashMap<String, Definition>,
    constants: HashMap<String, u32>,
}

type Res<T> = Result<T, SchemaError>;

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&Token<'a>> {
        self.tokens.get(self.at)
    }

    fn eat(&mut self, sign: u8) -> bool {
        let yes = self.peek() == Some(&Token::Sign(sign));
        self.at += usize::from(yes);
        yes
    }

    fn expect(&mut self, sign: u8) -> Res<()> {
        self.eat(sign).then_some(()).ok_or(SchemaError::Broken)
    }

    fn word(&mut self) -> Res<&'a str> {
        match self.tokens.get(self.at) {
            Some(Token::Word(w)) => {
                self.at += 1;
                Ok(w)
            }
            _ => Err(SchemaError::Broken),
        }
    }

    fn skip_brackets(&mut self, open: u8, close: u8) -> Res<()> {
        let mut depth = 0usize;
        loop {
            match self.tokens.get(self.at).ok_or(SchemaError::Broken)? {
                Token::Sign(s) if *s == open => depth += 1,
                Token::Sign(s) if *s == close => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn annotations(&mut self) -> Res<Annotations> {
        let mut all = Annotations::default();
        while self.eat(b'@') {
            let name = self.word()?;
            let start = self.at;
            if self.peek() == Some(&Token::Sign(b'(')) {
                self.skip_brackets(b'(', b')')?;
            }
            let argument = self.tokens[start..self.at].iter().find_map(|t| match t {
                Token::Word(w) => Some(*w),
                _ => None,
            });
            match (name, argument) {
                ("final", _) | ("extensibility", Some("FINAL")) => all.form = Some(Form::Plain),
                ("appendable", _) | ("extensibility", Some("APPENDABLE")) => all.form = Some(Form::Appendable),
                ("mutable", _) | ("extensibility", Some("MUTABLE")) => all.form = Some(Form::Mutable),
                ("optional", a) => all.optional = a != Some("FALSE"),
                ("non_serialized", a) => all.skip = a != Some("FALSE"),
                _ => {}
            }
        }
        Ok(all)
    }

    fn definitions(&mut self, scope: &str, depth: usize) -> Res<()> {
        if depth > DEPTH {
            return Err(SchemaError::Broken);
        }
        loop {
            while self.eat(b';') {}
            if self.peek().is_none() || self.peek() == Some(&Token::Sign(b'}')) {
                return Ok(());
            }
            let notes = self.annotations()?;
            if self.peek().is_none() {
                return Ok(());
            }
            match self.word()? {
                "module" => {
                    let name = join(scope, self.word()?);
                    self.expect(b'{')?;
                    self.definitions(&name, depth + 1)?;
                    self.expect(b'}')?;
                }
                "struct" => {
                    let name = join(scope, self.word()?);
                    if self.eat(b';') {
                        continue;
                    }
                    let base = if self.eat(b':') { Some(self.word()?.to_owned()) } else { None };
                    self.expect(b'{')?;
                    let mut members = Vec::new();
                    while !self.eat(b'}') {
                        let notes = self.annotations()?;
                        let ty = self.written(0)?;
                        loop {
                            let member = self.word()?.to_owned();
                            let ty = self.dimensions(ty.clone())?;
                            if !notes.skip {
                                members.push(Member { name: member, ty, optional: notes.optional });
                            }
                            if !self.eat(b',') {
                                break;
                            }
                        }
                        self.expect(b';')?;
                    }
                    // Where nothing is told, XTypes says appendable.
                    let form = notes.form.unwrap_or(Form::Appendable);
                    self.defined.insert(name, Definition::Struct { base, members, form });
                }
                "enum" => {
                    let name = join(scope, self.word()?);
                    self.skip_brackets(b'{', b'}')?;
                    self.defined.insert(name, Definition::Enum);
                }
                "typedef" => {
                    let ty = self.written(0)?;
                    loop {
                        let name = join(scope, self.word()?);
                        let ty = self.dimensions(ty.clone())?;
                        self.defined.insert(name, Definition::Alias(ty));
                        if !self.eat(b',') {
                            break;
                        }
                    }
                    self.expect(b';')?;
                }
                "const" => {
                    self.written(0)?;
                    let name = self.word()?;
                    self.expect(b'=')?;
                    if let Some(Token::Number(n)) = self.peek()
                        && let Ok(n) = n.parse()
                    {
                        self.constants.insert(name.to_owned(), n);
                    }
                    while !self.eat(b';') {
                        self.peek().ok_or(SchemaError::Broken)?;
                        self.at += 1;
                    }
                }
                "union" | "bitset" | "bitmask" => {
                    let name = join(scope, self.word()?);
                    while self.peek() != Some(&Token::Sign(b'{')) {
                        self.peek().ok_or(SchemaError::Broken)?;
                        self.at += 1;
                    }
                    self.skip_brackets(b'{', b'}')?;
                    self.defined.insert(name, Definition::Unread);
                }
                _ => return Err(SchemaError::Broken),
            }
        }
    }

    /// A type without its dimensions.
    fn written(&mut self, depth: usize) -> Res<Written> {
        if depth > DEPTH {
            return Err(SchemaError::Broken);
        }
        let one = |ty| Written { kind: Kind::Known(ty), many: Many::One };
        Ok(match self.word()? {
            "boolean" => one(Ty::Bool),
            "octet" | "uint8" | "char" => one(Ty::U8),
            "int8" => one(Ty::I8),
            "wchar" => one(Ty::U32),
            "short" | "int16" => one(Ty::I16),
            "uint16" => one(Ty::U16),
            "int32" => one(Ty::I32),
            "uint32" => one(Ty::U32),
            "int64" => one(Ty::I64),
            "uint64" => one(Ty::U64),
            "float" => one(Ty::F32),
            "double" => one(Ty::F64),
            "long" => match self.peek() {
                Some(Token::Word("long")) => {
                    self.at += 1;
                    one(Ty::I64)
                }
                Some(Token::Word("double")) => {
                    self.at += 1;
                    one(Ty::F128)
                }
                _ => one(Ty::I32),
            },
            "unsigned" => match self.word()? {
                "short" => one(Ty::U16),
                "long" if self.peek() == Some(&Token::Word("long")) => {
                    self.at += 1;
                    one(Ty::U64)
                }
                "long" => one(Ty::U32),
                _ => return Err(SchemaError::Broken),
            },
            text @ ("string" | "wstring") => {
                if self.peek() == Some(&Token::Sign(b'<')) {
                    self.skip_brackets(b'<', b'>')?;
                }
                one(if text == "string" { Ty::Text } else { Ty::Wide })
            }
            "sequence" => {
                self.expect(b'<')?;
                let of = self.written(depth + 1)?;
                if self.eat(b',') {
                    self.at += 1;
                }
                self.expect(b'>')?;
                many_of(of, Many::Sequence)?
            }
            name => Written { kind: Kind::Named(name.to_owned()), many: Many::One },
        })
    }

    fn dimensions(&mut self, ty: Written) -> Res<Written> {
        let mut count: Option<u32> = None;
        while self.eat(b'[') {
            let n = match self.tokens.get(self.at) {
                Some(Token::Number(n)) => n.parse().map_err(|_| SchemaError::Broken)?,
                Some(Token::Word(w)) => {
                    let name = w.rsplit("::").next().unwrap_or(w);
                    *self.constants.get(name).ok_or(SchemaError::Unsupported)?
                }
                _ => return Err(SchemaError::Broken),
            };
            self.at += 1;
            self.expect(b']')?;
            count = Some(count.unwrap_or(1).checked_mul(n).ok_or(SchemaError::Broken)?);
        }
        match count {
            Some(n) => many_of(ty, Many::Fixed(n)),
            None => Ok(ty),
        }
    }

    /// Finds a name from within a scope.
    fn find(&self, scope: &str, name: &str) -> Option<String> {
        let mut scope = scope;
        loop {
            let full = join(scope, name);
            if self.defined.contains_key(&full) {
                return Some(full);
            }
            if scope.is_empty() {
                return None;
            }
            scope = scope.rsplit_once("::").map_or("", |(outer, _)| outer);
        }
    }
}

/// A sequence or array of something; of sequences there is no single form on the wire that a field here could say.
fn many_of(of: Written, many: Many) -> Res<Written> {
    match of.many {
        Many::One => Ok(Written { kind: of.kind, many }),
        Many::Fixed(n) => match many {
            Many::Fixed(m) => {
                Ok(Written { kind: of.kind, many: Many::Fixed(n.checked_mul(m).ok_or(SchemaError::Broken)?) })
            }
            _ => Err(SchemaError::Unsupported),
        },
        Many::Sequence => Err(SchemaError::Unsupported),
    }
}

fn join(scope: &str, name: &str) -> String {
    let name = name.trim_start_matches("::");
    if scope.is_empty() { name.to_owned() } else { format!("{scope}::{name}") }
}

/// Reads definitions and puts together the root.
pub(super) fn parse(type_name: &str, text: &str) -> Res<Types> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, defined: HashMap::new(), constants: HashMap::new() };
    parser.definitions("", 0)?;
    if parser.at < parser.tokens.len() {
        return Err(SchemaError::Broken);
    }
    let wanted = ros_name(type_name);
    let mut names: Vec<&String> = parser
        .defined
        .iter()
        .filter(|(_, d)| matches!(d, Definition::Struct { .. }))
        .map(|(name, _)| name)
        .filter(|name| ros_name(name) == wanted || name.as_str() == type_name)
        .collect();
    names.sort();
    let root = (*names.first().ok_or(SchemaError::Broken)?).clone();

    let mut b = Builder::default();
    b.types.root = b.number(&root)?;
    let mut open = vec![root];
    let mut done = 0;
    while let Some(name) = open.get(done).cloned() {
        done += 1;
        if !parser.defined.contains_key(&name) {
            // A well-known type that was left out.
            let known = builtin(&name)?;
            let offset = graft(&mut b, &name, &known)?;
            debug_assert!(offset <= b.types.structs.len());
            continue;
        }
        let mut fields = Vec::new();
        let form = gather(&parser, &name, &mut fields, &mut b, &mut open, 0)?;
        if fields.is_empty() {
            fields.push(Field::new("structure_needs_at_least_one_member", Ty::U8, Many::One));
        }
        b.define(&name, fields, form)?;
    }
    Ok(b.types)
}

/// The fields of a struct, its base's first.
fn gather(
    parser: &Parser<'_>,
    name: &str,
    fields: &mut Vec<Field>,
    b: &mut Builder,
    open: &mut Vec<String>,
    depth: usize,
) -> Res<Form> {
    let Some(Definition::Struct { base, members, form }) = parser.defined.get(name) else {
        return Err(SchemaError::Unsupported);
    };
    if depth > DEPTH {
        return Err(SchemaError::Broken);
    }
    let scope = name.rsplit_once("::").map_or("", |(s, _)| s);
    if let Some(base) = base {
        let base = parser.find(scope, base).ok_or(SchemaError::Broken)?;
        gather(parser, &base, fields, b, open, depth + 1)?;
    }
    for member in members {
        let mut ty = member.ty.clone();
        let mut scope = scope.to_owned();
        let mut hops = 0;
        let known = loop {
            // Aliases may go round.
            hops += 1;
            if hops > DEPTH {
                return Err(SchemaError::Broken);
            }
            let named = match &ty.kind {
                Kind::Known(known) => break *known,
                Kind::Named(named) => named.clone(),
            };
            let Some(full) = parser.find(&scope, &named) else {
                let full = named.trim_start_matches("::").to_owned();
                break number(b, open, full)?;
            };
            match &parser.defined[&full] {
                Definition::Enum => break Ty::I32,
                Definition::Struct { .. } => break number(b, open, full)?,
                Definition::Unread => return Err(SchemaError::Unsupported),
                Definition::Alias(of) => {
                    ty = if ty.many == Many::One { of.clone() } else { many_of(of.clone(), ty.many)? };
                    let outer = full.rsplit_once("::").map_or("", |(s, _)| s).to_owned();
                    scope = outer;
                }
            }
        };
        fields.push(Field { optional: member.optional, ..Field::new(&member.name, known, ty.many) });
    }
    Ok(*form)
}

fn number(b: &mut Builder, open: &mut Vec<String>, full: String) -> Res<Ty> {
    let before = b.types.structs.len();
    let n = b.number(&full)?;
    if b.types.structs.len() > before {
        open.push(full);
    }
    Ok(Ty::Struct(n))
}

/// Adds a well-known type under a name; gives back where its own types begin.
fn graft(b: &mut Builder, name: &str, known: &Types) -> Res<usize> {
    let offset = b.types.structs.len();
    for s in &known.structs {
        let fields = s
            .fields
            .iter()
            .map(|f| match f.ty {
                Ty::Struct(n) => Field { ty: Ty::Struct(n + offset as u32), ..f.clone() },
                _ => f.clone(),
            })
            .collect();
        b.types.structs.push(super::Struct { fields, ..s.clone() });
    }
    let root = b.types.structs.get(offset + known.root as usize).cloned().ok_or(SchemaError::Broken)?;
    b.define(name, root.fields, Form::Plain)?;
    Ok(offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIX: &str = r#"
// generated
#include "std_msgs/msg/Header.idl"
module my_pkg { module msg {
  typedef double double__9[9];
  module Fix_Constants { const uint8 SIZE = 4; @verbatim (language="comment", text="a;b") const string S = "x;y"; };
  enum Mode { @value(0) A, B };
  @verbatim (language="comment", text=
    "A fix." "of {many}")
  struct Fix {
    std_msgs::msg::Header header;
    @unit (value="degrees") double latitude, longitude;
    double__9 covariance;
    sequence<string<10>, 5> names;
    wstring title;
    unsigned long long t[SIZE];
    Mode mode;
    sequence<Fix_Part> parts;
  };
  @final struct Fix_Part { @optional octet x; };
};};
"#;

    #[test]
    fn modules_aliases_enums_and_sequences_are_read() {
        for schema in [FIX.to_owned(), format!("{}\nIDL: my_pkg/msg/Fix\n{FIX}", "=".repeat(80))] {
            let types = parse("my_pkg/msg/Fix", &schema).unwrap();
            let fix = &types.structs[types.root as usize];
            let got: Vec<_> = fix.fields.iter().map(|f| (f.name.as_str(), f.many)).collect();
            assert_eq!(
                got,
                [
                    ("header", Many::One),
                    ("latitude", Many::One),
                    ("longitude", Many::One),
                    ("covariance", Many::Fixed(9)),
                    ("names", Many::Sequence),
                    ("title", Many::One),
                    ("t", Many::Fixed(4)),
                    ("mode", Many::One),
                    ("parts", Many::Sequence)
                ]
            );
            assert_eq!(fix.fields[6].ty, Ty::U64);
            let Ty::Struct(header) = fix.fields[0].ty else { panic!() };
            assert_eq!(types.structs[header as usize].fields[1].name, "frame_id");
        }
    }

    #[test]
    fn what_is_broken_or_not_read_is_told() {
        assert_eq!(parse("a/B", "module a { struct C { long x; }; };").unwrap_err(), SchemaError::Broken);
        assert_eq!(parse("a/B", "module a { struct B { long x }; };").unwrap_err(), SchemaError::Broken);
        let union = "module a { union U switch(long) { case 1: long x; }; struct B { U u; }; };";
        assert_eq!(parse("a/B", union).unwrap_err(), SchemaError::Unsupported);
        assert!(parse("a/B", "module a { typedef B B; struct D { B b; }; };").is_err());
        assert!(parse("a/D", "module a { typedef C B; typedef B C; struct D { B b; }; };").is_err());
    }
}
