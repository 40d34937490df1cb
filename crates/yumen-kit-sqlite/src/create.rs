//! CREATE TABLE statements, as far as they say which column stands where in a record.

/// How a generated column is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generated {
    /// It is not.
    No,
    /// Computed when it is read: not in the record.
    Virtual,
    /// Computed when it is written.
    Stored,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, without quotes.
    pub name: String,
    /// Its declared type, as written with single blanks; empty where none is declared.
    pub declared: String,
    /// Whether it is computed.
    pub generated: Generated,
    /// Whether whole numbers in it mean floating-point numbers (REAL affinity).
    pub real: bool,
}

/// What a CREATE statement says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Created {
    pub(crate) columns: Vec<Column>,
    /// Columns of the primary key in its order.
    pub(crate) key: Vec<usize>,
    /// The column that stands for the rowid.
    pub(crate) rowid: Option<usize>,
    pub(crate) without_rowid: bool,
    /// Module of a virtual table.
    pub(crate) module: Option<String>,
}

/// Most columns a table can have.
const MOST_COLUMNS: usize = 32767;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// A bare word or number.
    Word(String),
    /// A name or text in quotes or brackets.
    Quoted(String),
    Sign(char),
}

impl Token {
    fn is(&self, word: &str) -> bool {
        matches!(self, Token::Word(w) if w.eq_ignore_ascii_case(word))
    }
    fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|w| self.is(w))
    }
    fn name(&self) -> Option<&str> {
        match self {
            Token::Word(s) | Token::Quoted(s) => Some(s),
            Token::Sign(_) => None,
        }
    }
}

fn tokens(sql: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let quote = match c {
            '"' | '\'' | '`' => Some(c),
            '[' => Some(']'),
            _ => None,
        };
        if let Some(close) = quote {
            let mut text = String::new();
            let mut inner = &rest[1..];
            loop {
                let Some(n) = inner.find(close) else {
                    text.push_str(inner);
                    inner = "";
                    break;
                };
                text.push_str(&inner[..n]);
                inner = &inner[n + 1..];
                if close == ']' || !inner.starts_with(close) {
                    break;
                }
                text.push(close);
                inner = &inner[1..];
            }
            out.push(Token::Quoted(text));
            rest = inner;
        } else if rest.starts_with("--") {
            rest = rest.find('\n').map_or("", |n| &rest[n..]);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.find("*/").map_or("", |n| &comment[n + 2..]);
        } else if c.is_alphanumeric() || c == '_' || c == '$' || (c as u32) > 0x7F && !c.is_whitespace() {
            let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.') || (c as u32) > 0x7F;
            // A dot is part of a number, and parts a schema from a name.
            let number = c.is_ascii_digit();
            let end = rest.find(|c| !word(c) || (c == '.' && !number)).unwrap_or(rest.len());
            out.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            if !c.is_whitespace() && c != '\0' {
                out.push(Token::Sign(c));
            }
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// Words that end a column's type.
const CONSTRAINTS: &[&str] = &[
    "CONSTRAINT",
    "PRIMARY",
    "NOT",
    "NULL",
    "UNIQUE",
    "CHECK",
    "DEFAULT",
    "COLLATE",
    "REFERENCES",
    "GENERATED",
    "AS",
    "ON",
    "DEFERRABLE",
];

/// Reads a statement; what it does not know it passes over.
pub(crate) fn parse(sql: &str) -> Option<Created> {
    let all = tokens(sql);
    let mut at = 0;
    let word = |at: usize, words: &[&str]| all.get(at).is_some_and(|t| t.is_any(words));
    if !word(at, &["CREATE"]) {
        return None;
    }
    at += 1;
    if word(at, &["TEMP", "TEMPORARY"]) {
        at += 1;
    }
    let mut out = Created::default();
    let is_virtual = word(at, &["VIRTUAL"]);
    at += usize::from(is_virtual);
    if !word(at, &["TABLE"]) {
        return None;
    }
    at += 1;
    if word(at, &["IF"]) && word(at + 1, &["NOT"]) && word(at + 2, &["EXISTS"]) {
        at += 3;
    }
    at += 1;
    if all.get(at) == Some(&Token::Sign('.')) {
        at += 2;
    }
    if is_virtual {
        out.module = all.get(at + 1).and_then(Token::name).map(str::to_owned).or(Some(String::new()));
        return Some(out);
    }
    if all.get(at) != Some(&Token::Sign('(')) {
        return None;
    }
    at += 1;
    let mut direct_rowid = None;
    let mut depth = 0usize;
    let mut item = at;
    let mut end = all.len();
    for (i, token) in all.iter().enumerate().skip(at) {
        let last = match token {
            Token::Sign('(') => {
                depth += 1;
                continue;
            }
            Token::Sign(')') if depth > 0 => {
                depth -= 1;
                continue;
            }
            Token::Sign(')') => true,
            Token::Sign(',') if depth == 0 => false,
            _ => continue,
        };
        if let Some(tokens) = all.get(item..i).filter(|t| !t.is_empty()) {
            definition(tokens, &mut out, &mut direct_rowid);
        }
        item = i + 1;
        if last {
            end = i + 1;
            break;
        }
    }
    let options = all.get(end..).unwrap_or(&[]);
    out.without_rowid = options.windows(2).any(|w| w[0].is("WITHOUT") && w[1].is("ROWID"));
    if !out.without_rowid {
        out.rowid = direct_rowid;
    }
    (!out.columns.is_empty()).then_some(out)
}

/// A column, or a constraint of the table.
fn definition(tokens: &[Token], out: &mut Created, rowid: &mut Option<usize>) {
    let mut start = 0;
    if tokens[0].is("CONSTRAINT") {
        start = 2;
    }
    let first = tokens.get(start);
    if first.is_some_and(|t| t.is_any(&["PRIMARY", "UNIQUE", "CHECK", "FOREIGN"])) && !out.columns.is_empty() {
        if first.is_some_and(|t| t.is("PRIMARY")) {
            table_key(&tokens[start..], out, rowid);
        }
        return;
    }
    let Some(name) = tokens[0].name().filter(|_| out.columns.len() < MOST_COLUMNS) else { return };
    let constraints = tokens.iter().skip(1).position(|t| t.is_any(CONSTRAINTS)).map_or(tokens.len(), |n| n + 1);
    let mut declared = String::new();
    for token in &tokens[1..constraints] {
        match token {
            Token::Sign(c) => declared.push(*c),
            Token::Word(s) | Token::Quoted(s) => {
                if !declared.is_empty() && !declared.ends_with(['(', ',', '+', '-']) {
                    declared.push(' ');
                }
                declared.push_str(s);
            }
        }
    }
    let number = out.columns.len();
    let mut generated = Generated::No;
    let mut depth = 0usize;
    for i in constraints..tokens.len() {
        match &tokens[i] {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            t if t.is("PRIMARY") => {
                out.key = vec![number];
                // By an old mistake that is kept, a descending key is not the rowid.
                let descending = tokens.get(i + 2).is_some_and(|t| t.is("DESC"));
                if declared.eq_ignore_ascii_case("INTEGER") && !descending {
                    *rowid = Some(number);
                }
            }
            t if t.is("AS") && tokens.get(i + 1) == Some(&Token::Sign('(')) => generated = Generated::Virtual,
            t if t.is("STORED") && generated == Generated::Virtual => generated = Generated::Stored,
            _ => {}
        }
    }
    let real = is_real(&declared);
    out.columns.push(Column { name: name.to_owned(), declared, generated, real });
}

fn table_key(tokens: &[Token], out: &mut Created, rowid: &mut Option<usize>) {
    let Some(open) = tokens.iter().position(|t| *t == Token::Sign('(')) else { return };
    let mut key = Vec::new();
    let mut begins = true;
    let mut depth = 0usize;
    for token in &tokens[open + 1..] {
        match token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') if depth == 0 => break,
            Token::Sign(')') => depth -= 1,
            Token::Sign(',') if depth == 0 => begins = true,
            t if begins => {
                begins = false;
                if let Some(name) = t.name()
                    && let Some(n) = out.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name))
                    && !key.contains(&n)
                {
                    key.push(n);
                }
            }
            _ => {}
        }
    }
    if let [only] = key[..]
        && out.columns[only].declared.eq_ignore_ascii_case("INTEGER")
    {
        *rowid = Some(only);
    }
    out.key = key;
}

/// The rules of affinity, in their order.
fn is_real(declared: &str) -> bool {
    let upper = declared.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|w| upper.contains(w));
    !has(&["INT"]) && !has(&["CHAR", "CLOB", "TEXT"]) && !has(&["BLOB"]) && has(&["REAL", "FLOA", "DOUB"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(sql: &str) -> Vec<(String, String)> {
        parse(sql).unwrap().columns.into_iter().map(|c| (c.name, c.declared)).collect()
    }

    #[test]
    fn names_and_types_of_all_spellings() {
        let sql = "CREATE TABLE IF NOT EXISTS main.[a b] (\"id\" INTEGER PRIMARY KEY AUTOINCREMENT, -- the, key\n\
                   `name,1` VARCHAR(20) NOT NULL DEFAULT 'a,b)', 'x' , \"say \"\"hi\"\"\" DOUBLE PRECISION CHECK (y > 1, 2),\
                   车主 TEXT /* , */ COLLATE NOCASE, CONSTRAINT u UNIQUE (\"id\"), FOREIGN KEY (x) REFERENCES t(a, b))";
        let pairs = columns(sql);
        let names: Vec<_> = pairs.iter().map(|c| (&*c.0, &*c.1)).collect();
        let want = [
            ("id", "INTEGER"),
            ("name,1", "VARCHAR(20)"),
            ("x", ""),
            ("say \"hi\"", "DOUBLE PRECISION"),
            ("车主", "TEXT"),
        ];
        assert_eq!(names, want);
        let created = parse(sql).unwrap();
        assert_eq!((created.rowid, created.without_rowid), (Some(0), false));
        assert!(created.columns[3].real && !created.columns[0].real);
    }

    #[test]
    fn which_column_is_the_rowid() {
        let rowid = |sql: &str| parse(sql).unwrap().rowid;
        assert_eq!(rowid("create table t(a text, b integer primary key)"), Some(1));
        assert_eq!(rowid("create table t(a text, b int primary key)"), None);
        assert_eq!(rowid("create table t(a text, b integer primary key desc)"), None);
        assert_eq!(rowid("create table t(a text, b integer, primary key(\"B\" desc))"), Some(1));
        assert_eq!(rowid("create table t(a integer, b integer, primary key(a, b))"), None);
        assert_eq!(rowid("create table t(a integer primary key, b) without rowid, strict"), None);
    }

    #[test]
    fn generated_columns_keys_and_virtual_tables() {
        let c = parse(
            "CREATE TABLE t(a, b AS (a*2), c INT GENERATED ALWAYS AS (a+1) STORED, primary key(c, a)) WITHOUT ROWID",
        )
        .unwrap();
        assert_eq!(c.columns[1].generated, Generated::Virtual);
        assert_eq!(c.columns[2].generated, Generated::Stored);
        assert_eq!((c.key, c.without_rowid), (vec![2, 0], true));
        let v = parse("CREATE VIRTUAL TABLE \"rtree_x\" USING rtree(id, minx, maxx)").unwrap();
        assert_eq!(v.module.as_deref(), Some("rtree"));
        assert!(parse("CREATE INDEX i ON t(a)").is_none());
        for odd in
            ["", "create", "create table", "create table t", "create table t(", "create table t(,", "create table 't"]
        {
            let _ = parse(odd);
        }
    }
}
