//! Heads of statements.

/// Longest list of columns that is kept.
const MAX_COLUMNS: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Insert,
    Copy,
    Create,
    Other,
}

/// What a line begins.
pub(super) fn kind(line: &[u8]) -> Kind {
    let begins = |word: &[u8]| {
        line.get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word))
            && line.get(word.len()).is_some_and(u8::is_ascii_whitespace)
    };
    if begins(b"INSERT") || begins(b"REPLACE") {
        Kind::Insert
    } else if begins(b"COPY") {
        Kind::Copy
    } else if begins(b"CREATE") {
        Kind::Create
    } else {
        Kind::Other
    }
}

/// The head of an `INSERT`, up to the first row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Insert {
    /// Name of the table without schema, in lower case.
    pub(super) table: String,
    pub(super) columns: Vec<String>,
    /// Length of the head.
    pub(super) len: usize,
}

struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn blank(&mut self) {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            match self.rest().strip_prefix("/*").and_then(|r| r.find("*/")) {
                Some(n) => self.at += n + 4,
                None => return,
            }
        }
    }

    /// Takes a word if it is the next one.
    fn word(&mut self, word: &str) -> bool {
        self.blank();
        let rest = self.rest();
        let found = rest.get(..word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word))
            && !rest[word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn sign(&mut self, sign: char) -> bool {
        self.blank();
        let found = self.rest().starts_with(sign);
        self.at += if found { sign.len_utf8() } else { 0 };
        found
    }

    /// An identifier: bare, `quoted`, "quoted" or [quoted].
    fn identifier(&mut self) -> Option<&'t str> {
        self.blank();
        let rest = self.rest();
        let close = match rest.chars().next()? {
            '`' => '`',
            '"' => '"',
            '\'' => '\'',
            '[' => ']',
            _ => {
                let n = rest
                    .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$' | '#' | '@')))
                    .unwrap_or(rest.len());
                self.at += n;
                return (n > 0).then_some(&rest[..n]);
            }
        };
        let n = rest[1..].find(close)?;
        self.at += n + 2;
        Some(&rest[1..=n])
    }

    /// A name with its schema: the last part.
    fn table(&mut self) -> Option<String> {
        let mut name = self.identifier()?;
        while self.sign('.') {
            name = self.identifier()?;
        }
        Some(name.to_lowercase())
    }

    /// A list of identifiers in brackets.
    fn columns(&mut self) -> Option<Vec<String>> {
        let mut all = Vec::new();
        if !self.sign('(') {
            return None;
        }
        loop {
            all.push(self.identifier()?.to_owned());
            if self.sign(')') {
                return Some(all);
            }
            if !self.sign(',') || all.len() > MAX_COLUMNS {
                return None;
            }
        }
    }
}

/// Reads the head of an `INSERT` or `REPLACE`; none when it has no rows of values.
pub(super) fn insert(text: &str) -> Option<Insert> {
    let mut c = Cursor { text, at: 0 };
    c.identifier()?;
    let mut all = false;
    loop {
        let before = c.at;
        if c.word("INTO") {
            break;
        }
        if [
            "LOW_PRIORITY",
            "DELAYED",
            "HIGH_PRIORITY",
            "IGNORE",
            "OR",
            "REPLACE",
            "ABORT",
            "FAIL",
            "ROLLBACK",
            "OVERWRITE",
        ]
        .iter()
        .any(|w| c.word(w))
        {
            continue;
        }
        if c.word("ALL") {
            all = true;
            continue;
        }
        // SQL Server leaves INTO out.
        c.at = before;
        break;
    }
    let _ = all;
    c.word("TABLE");
    let table = c.table()?;
    let columns = {
        let before = c.at;
        match c.columns() {
            Some(columns) => columns,
            None => {
                c.at = before;
                Vec::new()
            }
        }
    };
    (c.word("VALUES") || c.word("VALUE")).then_some(Insert { table, columns, len: c.at })
}

/// The columns of `COPY table (a, b) FROM stdin;`.
pub(super) fn copy(line: &str) -> Option<Vec<String>> {
    let mut c = Cursor { text: line, at: 0 };
    c.identifier()?;
    c.table()?;
    let before = c.at;
    let columns = c.columns();
    if columns.is_none() {
        c.at = before;
    }
    (c.word("FROM") && c.word("STDIN")).then(|| columns.unwrap_or_default())
}

/// The table and columns of a `CREATE TABLE`.
pub(super) fn create(text: &str) -> Option<(String, Vec<String>)> {
    let mut c = Cursor { text, at: 0 };
    c.identifier()?;
    for word in ["GLOBAL", "LOCAL", "TEMPORARY", "TEMP", "UNLOGGED", "EXTERNAL"] {
        c.word(word);
    }
    if !c.word("TABLE") {
        return None;
    }
    let _ = c.word("IF") && c.word("NOT") && c.word("EXISTS");
    let table = c.table()?;
    if !c.sign('(') {
        return None;
    }
    let mut columns = Vec::new();
    loop {
        let quoted = {
            c.blank();
            c.rest().starts_with(['`', '"', '['])
        };
        let name = c.identifier()?;
        let other = [
            "PRIMARY",
            "KEY",
            "UNIQUE",
            "INDEX",
            "CONSTRAINT",
            "FULLTEXT",
            "SPATIAL",
            "FOREIGN",
            "CHECK",
            "EXCLUDE",
            "LIKE",
            "PERIOD",
        ];
        if quoted || !other.iter().any(|w| w.eq_ignore_ascii_case(name)) {
            columns.push(name.to_owned());
        }
        if columns.len() > MAX_COLUMNS {
            return None;
        }
        // On to the comma or the closing bracket at this depth.
        let mut depth = 0usize;
        let mut quote = None;
        let mut next = None;
        for (i, ch) in c.rest().char_indices() {
            match (quote, ch) {
                (Some(q), _) if q == ch => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"' | '`') => quote = Some(ch),
                (None, '(') => depth += 1,
                (None, ')' | ',') if depth == 0 => {
                    next = Some((i, ch));
                    break;
                }
                (None, ')') => depth -= 1,
                _ => {}
            }
        }
        let (i, ch) = next?;
        c.at += i + 1;
        if ch == ')' {
            return Some((table, columns));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_the_usual_dumps() {
        let i = |s: &str| insert(s).map(|i| (i.table, i.columns.join(","), s[i.len..].to_owned()));
        let want = |t: &str, c: &str, rest: &str| Some((t.to_owned(), c.to_owned(), rest.to_owned()));
        assert_eq!(i("INSERT INTO `t_Owner` VALUES (1);"), want("t_owner", "", " (1);"));
        assert_eq!(i("insert ignore into db.`t` (`id`, `手机号`) values\n(1)"), want("t", "id,手机号", "\n(1)"));
        assert_eq!(i("INSERT [dbo].[Users] ([Id], [Name]) VALUES (1, N'x')"), want("users", "Id,Name", " (1, N'x')"));
        assert_eq!(i("REPLACE INTO \"x\".\"y\"(a) VALUES(1)"), want("y", "a", "(1)"));
        assert_eq!(i("INSERT INTO t SELECT 1"), None);
        assert_eq!(i("INSERT INTO t (a"), None);
        assert_eq!(copy("COPY public.owner (id, phone) FROM stdin;").unwrap(), ["id", "phone"]);
        assert_eq!(copy("COPY x TO stdout;"), None);
        let (t, c) = create("CREATE TABLE IF NOT EXISTS `a` (`id` int(10) COMMENT 'a,)b', `k` enum('x','y'), key varchar, PRIMARY KEY (`id`)) x").unwrap();
        assert_eq!((t.as_str(), c.join(",").as_str()), ("a", "id,k"));
        assert_eq!(create("CREATE INDEX x ON y (z)"), None);
    }
}
