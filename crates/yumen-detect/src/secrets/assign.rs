//! A literal assigned to a name: `password = "…"`, `api_key: …`, `setPassword("…")`, `密码：…`, `export TOKEN=…`, columns and keys so named.

use yumen_kit_key::{Item, base64};
use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use super::names::{Class, classify};
use super::stand_ins::stands_in;
use super::syntax::{Quoted, bare_word, is_expression, operator, quoted};
use super::value::{self, Source};
use super::view::View;
use super::{text_match, tokens};
use crate::recogniser::{Candidate, Match, Place, Recogniser};

/// Passwords, tokens and private keys by the name that they are assigned to.
pub(super) struct Assigned;

const LITERALS: &[&str] = &[
    "password",
    "passwd",
    "passwort",
    "pwd",
    "pswd",
    "passphrase",
    "passcode",
    "_pass",
    "dbpass",
    "userpass",
    "pass=",
    "pass\"",
    "psk",
    "密码",
    "口令",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "accesskey",
    "access_key",
    "access-key",
    "authkey",
    "auth_key",
    "auth-key",
    "accountkey",
    "account_key",
    "privatekey",
    "private_key",
    "private-key",
    "prikey",
    "signkey",
    "sign_key",
    "signing_key",
    "signingkey",
    "encryption_key",
    "encryptionkey",
    "encryptkey",
    "encrypt_key",
    "master_key",
    "masterkey",
    "aes_key",
    "aeskey",
    "_auth",
    "密钥",
    "令牌",
    "授权码",
    "私钥",
];

/// Bytes after a candidate that are looked at.
const LOOK: usize = 1400;

impl Recogniser for Assigned {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::KEY_PASSWORD, kinds::KEY_TOKEN, kinds::KEY_PRIVATE]
    }

    fn literals(&self) -> &'static [&'static str] {
        LITERALS
    }

    fn wants_column(&self, name: &str) -> bool {
        classify(name).is_some() || name.rsplit('.').next() == Some("auth")
    }

    fn examine(&self, c: &Candidate<'_>, out: &mut Vec<Match>) {
        if c.literal.is_none() {
            if let Place::Cell { name, start, end } = c.place
                && let Some(v) = c.text.get(start..end)
            {
                let lead = v.len() - v.trim_start().len();
                out.extend(named_value(name, v.trim(), Source::Config).map(|f| f.into_match(start + lead)));
            }
            return;
        }
        if c.place == Place::Name {
            return;
        }
        let v = View::of(c, LOOK);
        if let Some((offset, found)) = assignment(&v, c) {
            out.push(found.into_match(v.base + offset));
        }
    }
}

/// A judged value.
pub(super) struct Found {
    kind: KindId,
    len: usize,
    confidence: f64,
    key: Option<Item>,
}

impl Found {
    pub(super) fn kind(&self) -> KindId {
        self.kind
    }

    pub(super) fn confidence(&self) -> f64 {
        self.confidence
    }

    fn into_match(self, start: usize) -> Match {
        let end = start + self.len;
        if let Some(m) = self.key.and_then(|k| text_match(&k, start, end, self.confidence)) {
            return Match { mask: Mask::Head(4), ..m };
        }
        Match {
            kind: self.kind,
            start,
            end,
            confidence: self.confidence,
            mask: if self.kind == kinds::KEY_PASSWORD { Mask::All } else { Mask::Head(4) },
            distinct: Vec::new(),
            collect: Vec::new(),
            identifier: None,
            position: None,
        }
    }
}

/// Judges the value of a field or variable by its name.
pub(super) fn named_value(name: &str, v: &str, source: Source) -> Option<Found> {
    let found = |kind, confidence| Some(Found { kind, len: v.len(), confidence, key: None });
    // `auths."registry".auth` of container engines.
    if source == Source::Config && name.ends_with(".auth") && name.contains("auths") {
        let decoded = base64::decode(v.as_bytes(), 512).and_then(|d| String::from_utf8(d).ok())?;
        let (user, password) = decoded.split_once(':')?;
        let sound = !user.is_empty() && password.len() >= 3 && !stands_in(password);
        return if sound { found(kinds::KEY_PASSWORD, 0.9) } else { None };
    }
    match classify(name)? {
        Class::Password => found(kinds::KEY_PASSWORD, value::password(v, source)?),
        Class::Token => found(kinds::KEY_TOKEN, value::token(v, source)?),
        Class::PrivateKey => private_key(name, v, source),
    }
}

/// A key of 32 bytes (EC, Ed25519, X25519, SM2, WireGuard) as hex or base64; else what is secret under such a name is told as a token.
fn private_key(name: &str, v: &str, source: Source) -> Option<Found> {
    let bare = v.strip_prefix("0x").unwrap_or(v);
    let hex = matches!(bare.len(), 62..=66 | 96 | 128) && bare.bytes().all(|b| b.is_ascii_hexdigit());
    let base64 = v.len() == 44 && v.ends_with('=') && base64::decode(v.as_bytes(), 64).is_some_and(|d| d.len() == 32);
    let random = value::entropy(v) >= if base64 { 4.0 } else { 3.0 };
    if (hex || base64) && random && !stands_in(v) {
        let wireguard = base64 && name.rsplit('.').next().is_some_and(|n| n == "PrivateKey");
        let form = if wireguard { "wireguard" } else { "raw" };
        let key = Item::private(form, Some(false), 0..0);
        return Some(Found {
            kind: kinds::KEY_PRIVATE,
            len: v.len(),
            confidence: if wireguard { 0.9 } else { 0.75 },
            key: Some(key),
        });
    }
    if v.starts_with("MII") || v.starts_with("MC4") || v.contains("-----") {
        // DER in base64 and armour have their own recogniser, which parses them.
        return None;
    }
    Some(Found { kind: kinds::KEY_TOKEN, len: v.len(), confidence: value::token(v, source)?, key: None })
}

/// Extensions of program text, in which a bare word on the right is a variable.
const CODE: &[&str] = &[
    "as", "bas", "c", "cc", "clj", "cpp", "cs", "css", "cxx", "dart", "erl", "ex", "exs", "f90", "go", "gradle",
    "groovy", "h", "hh", "hpp", "hs", "html", "ino", "ipynb", "java", "jl", "js", "jsp", "jsx", "kt", "kts", "less",
    "lua", "m", "mjs", "mm", "php", "pl", "pm", "proto", "pxd", "py", "pyi", "pyx", "r", "rb", "rs", "scala", "scss",
    "sol", "svelte", "swift", "tcl", "ts", "tsx", "vb", "vhd", "v", "vue", "xhtml", "zig", "rst", "pod",
];

/// Signs of test code in the text before a literal.
const TEST_SIGNS: &[&str] = &[
    "assert",
    "expect(",
    "describe(",
    "#[test]",
    "def test",
    "@Test",
    "Mock",
    "mock",
    "TestCase",
    "should",
    "doctest",
    ">>> ",
];

/// The value that is assigned to the name around the candidate, with its offset in the view's text.
fn assignment(v: &View<'_>, c: &Candidate<'_>) -> Option<(usize, Found)> {
    let (name_start, name_end) = name_around(v);
    let name = v.text.get(name_start..name_end)?;
    classify(name)?;
    let code = CODE.contains(&c.extension);
    let rest = v.text.get(name_end..)?;
    let op = operator(rest)?;
    // `put("password", "…")`, not a list of words.
    let argument = || v.text[..name_start].trim_end_matches(['"', '\'', '`']).ends_with('(');
    if op.comma && !argument() {
        return None;
    }
    let at = name_end + op.len;
    let tail = v.text.get(at..)?;
    let strict = matches!(c.place, Place::Binary);
    let (skip, value, quoted) = match quoted(tail) {
        Quoted::Value(skip, value) => (skip, value, true),
        Quoted::Broken => return None,
        Quoted::No => {
            if op.call || op.escaped || op.hanging {
                return None;
            }
            (0, bare_word(tail), false)
        }
    };
    let line = line_before(v.text, name_start);
    let whole_cell = matches!(c.place, Place::Cell { .. });
    let source = if quoted {
        let config = !code && is_setting(c.format, c.extension);
        if strict {
            Source::Prose
        } else if config {
            Source::Config
        } else {
            Source::Code
        }
    } else {
        let comment = line.starts_with(['#', '/', '*', ';']) || line.starts_with("--");
        if code && !comment {
            return None;
        }
        let led = leads_setting(line);
        if led && !strict && !code && !whole_cell && !op.spoken && is_setting(c.format, c.extension) {
            Source::Config
        } else {
            Source::Prose
        }
    };
    if value.is_empty() || same_name(name, value) || (!quoted && is_expression(value)) {
        return None;
    }
    let found = named_value(name, value, source)?;
    // Told better by its own shape.
    if found.kind == kinds::KEY_TOKEN && tokens::is_known_shape(value) {
        return None;
    }
    let weak = found.confidence < 0.85;
    if source == Source::Code && weak && TEST_SIGNS.iter().any(|s| v.before().contains(s)) {
        return None;
    }
    if source == Source::Prose && (weak && (strict || found.kind == kinds::KEY_PASSWORD && found.confidence < 0.7)) {
        return None;
    }
    Some((at + skip, found))
}

/// The identifier around the candidate.
fn name_around(v: &View<'_>) -> (usize, usize) {
    let part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'$');
    let back = v.before().bytes().rev().take(80).take_while(|b| part(*b)).count();
    let ahead = v.after().bytes().take(60).take_while(|b| part(*b) && *b != b'$').count();
    let mut end = v.end + ahead;
    // A name does not end in a sign.
    while end > v.end && !v.text.as_bytes()[end - 1].is_ascii_alphanumeric() {
        end -= 1;
    }
    // Literals may hold an operator or quote (`pass=`).
    let held = v.value().bytes().next_back().is_some_and(|b| matches!(b, b'=' | b'"'));
    let end = if held { v.end - 1 } else { end };
    (v.start - back, end)
}

/// `password: password`, `PWD = "pwd"`, and one that only repeats words of the name.
fn same_name(name: &str, value: &str) -> bool {
    let plain =
        |s: &str| s.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase()).collect::<Vec<_>>();
    let (n, v) = (plain(name), plain(value));
    !v.is_empty() && (n == v || n.ends_with(&v) && !v.iter().any(u8::is_ascii_digit))
}

fn line_before(text: &str, at: usize) -> &str {
    text.get(..at).and_then(|t| t.rsplit('\n').next()).unwrap_or("").trim_start()
}

/// Whether what stands before a name on its line may stand before a setting.
fn leads_setting(line: &str) -> bool {
    let line = line.trim();
    line.is_empty()
        || matches!(
            line,
            "export"
                | "set"
                | "env"
                | "ENV"
                | "ARG"
                | "-"
                | "#"
                | "//"
                | ";"
                | "- \""
                | "\""
                | "'"
                | "-e"
                | "local"
                | "declare -x"
                | "setx"
                | "--"
                | "["
                | "['"
        )
        || line.ends_with("--")
        || line.ends_with(" -D")
        || line.ends_with("-e")
        || (line.ends_with(['.', '/', ':', '_']) && !line.contains(' '))
}

/// Formats of settings, in which an unquoted word is a value.
fn is_setting(format: &str, extension: &str) -> bool {
    matches!(format, "ini" | "yaml" | "json" | "ndjson" | "xml" | "toml" | "csv" | "sql" | "properties")
        || matches!(
            extension,
            "" | "bat"
                | "cfg"
                | "cmd"
                | "cnf"
                | "conf"
                | "config"
                | "env"
                | "ini"
                | "json"
                | "ksh"
                | "log"
                | "md"
                | "local"
                | "prod"
                | "dev"
                | "properties"
                | "ps1"
                | "sh"
                | "bash"
                | "zsh"
                | "toml"
                | "tf"
                | "tfvars"
                | "txt"
                | "xml"
                | "yaml"
                | "yml"
                | "netrc"
                | "npmrc"
                | "service"
        )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{scan_as, scan_cell};
    use super::*;

    fn found(text: &str, extension: &str) -> Vec<(&'static str, String)> {
        scan_as(&Assigned, text, Place::Prose, "text", extension).into_iter().map(|(m, s)| (m.kind.name(), s)).collect()
    }

    fn one(text: &str, extension: &str, kind: &str, value: &str) {
        assert_eq!(found(text, extension), [(KindId::named(kind).unwrap().name(), value.to_owned())], "{text}");
    }

    #[test]
    fn assignments_of_many_languages() {
        for (text, extension) in [
            ("password = \"S3cr3t!Pass\"", "py"),
            ("let password: &str = \"S3cr3t!Pass\";", "rs"),
            ("String dbPassword = \"S3cr3t!Pass\";", "java"),
            ("config.setPassword(\"S3cr3t!Pass\");", "java"),
            ("props.put(\"password\", \"S3cr3t!Pass\");", "java"),
            ("define('DB_PASSWORD', 'S3cr3t!Pass');", "php"),
            ("$db['default']['password'] = 'S3cr3t!Pass';", "php"),
            ("const cfg = { user: 'x', password: 'S3cr3t!Pass' }", "js"),
            ("Password: []byte{}, passwd := \"S3cr3t!Pass\"", "go"),
            ("export DB_PASSWORD=S3cr3t!Pass", "sh"),
            ("  spring.datasource.password=S3cr3t!Pass\n", "properties"),
            ("password: S3cr3t!Pass\n", "yml"),
            ("{\\\"password\\\":\\\"S3cr3t!Pass\\\"}", "log"),
            ("登录密码：S3cr3t!Pass，请勿外传", "txt"),
            ("口令为S3cr3t!Pass", "txt"),
            ("#define WIFI_PSK x\nstatic const char *wifi_password = \"S3cr3t!Pass\";", "c"),
        ] {
            one(text, extension, "key.password", "S3cr3t!Pass");
        }
        one("api_key = \"9aF3kLmQ82xZpT7vYc1b\"", "py", "key.token", "9aF3kLmQ82xZpT7vYc1b");
        one("ACCESS_KEY_SECRET=9aF3kLmQ82xZpT7vYc1bQ2rT5yUi8O", "env", "key.token", "9aF3kLmQ82xZpT7vYc1bQ2rT5yUi8O");
        one(
            "[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=",
            "conf",
            "key.private",
            "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=",
        );
    }

    #[test]
    fn what_is_no_literal_is_not_told() {
        for (text, extension) in [
            ("password = getpass.getpass('Password: ')", "py"),
            ("password = os.environ['DB_PASSWORD']", "py"),
            ("def connect(user, password=None): pass", "py"),
            ("password: String,", "rs"),
            ("self.password = password", "py"),
            ("if password == \"S3cr3t!Pass\" {", "rs"),
            ("<label for=\"password\">Password</label>", "html"),
            ("password: 'Passwort'", "js"),
            ("type=\"password\" name=\"password\" placeholder=\"Enter 8+ chars\"", "html"),
            ("PASSWORD=${DB_PASSWORD}", "env"),
            ("password: {{ .Values.db.password }}", "yml"),
            ("password: \"<your password>\"", "yml"),
            ("The password: must be at least 8 characters", "txt"),
            ("token: \"identifier\"", "js"),
            ("token = lexer.next_token()", "py"),
            ("secret: 'keyboard cat'", "js"),
            ("csrf_token = \"9aF3kLmQ82xZpT7vYc1b\"", "py"),
            ("const TOKEN_TYPE = \"9aF3kLmQ82xZpT7vYc1b\"", "js"),
            ("integrity \"sha512-9aF3kLmQ82xZpT7vYc1b==\"", "lock"),
            ("请输入密码：至少8位", "txt"),
            ("passwordField = \"input#pw-2\"", "js"),
            ("password: $1 + salt9X", "sh"),
        ] {
            assert_eq!(found(text, extension), [], "{text}");
        }
    }

    #[test]
    fn fields_are_judged_by_their_name() {
        let cell = |name: &str, value: &str| {
            scan_cell(&Assigned, name, value).into_iter().map(|(m, s)| (m.kind.name(), s)).collect::<Vec<_>>()
        };
        assert_eq!(cell("db.password", "hunter22"), [("key.password", "hunter22".to_owned())]);
        assert_eq!(cell("密码", "Byd@2026"), [("key.password", "Byd@2026".to_owned())]);
        assert_eq!(cell("oss.accessKeySecret", "9aF3kLmQ82xZpT7vYc1bQ2rT5yUi8O").len(), 1);
        assert_eq!(cell("keyval.private", &"0f1e2d3c4b5a6978".repeat(4))[0].0, "key.private");
        assert_eq!(cell("auths.https://r.example/v1/.auth", "ZGVwbG95Olh5ejk4NyFx")[0].0, "key.password");
        assert_eq!(cell("password", "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"), []);
        assert_eq!(cell("labels.password", "Kennwort1"), []);
        assert_eq!(cell("name", "hunter22"), []);
    }
}
