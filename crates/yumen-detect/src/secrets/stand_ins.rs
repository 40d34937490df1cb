//! What only stands for a value: placeholders, references, published examples.

/// Words that stand for a value when they are all of its letters.
pub(super) const STAND_INS: &[&str] = &[
    "abc",
    "abcd",
    "abcdef",
    "any",
    "apikey",
    "bar",
    "baz",
    "bearer",
    "blank",
    "bool",
    "boolean",
    "changeit",
    "changeme",
    "compat",
    "config",
    "credential",
    "credentials",
    "data",
    "default",
    "demo",
    "disabled",
    "dummy",
    "empty",
    "enabled",
    "env",
    "example",
    "fake",
    "false",
    "file",
    "files",
    "foo",
    "foobar",
    "hidden",
    "input",
    "int",
    "invalid",
    "key",
    "ldap",
    "login",
    "masked",
    "mock",
    "mypassword",
    "mysecret",
    "mytoken",
    "na",
    "name",
    "nil",
    "no",
    "none",
    "null",
    "number",
    "object",
    "off",
    "on",
    "optional",
    "pass",
    "passphrase",
    "passwd",
    "password",
    "plain",
    "prompt",
    "pswd",
    "pw",
    "pwd",
    "qux",
    "redacted",
    "removed",
    "required",
    "sample",
    "secret",
    "somepassword",
    "somesecret",
    "str",
    "string",
    "systemd",
    "tbd",
    "test",
    "testing",
    "testpass",
    "testpassword",
    "testsecret",
    "testtoken",
    "text",
    "thepassword",
    "todo",
    "token",
    "true",
    "type",
    "undefined",
    "unknown",
    "unset",
    "unused",
    "user",
    "username",
    "value",
    "varchar",
    "void",
    "whatever",
    "wrong",
    "wrongpassword",
    "xxx",
    "xyz",
    "yes",
    "yourpassword",
];

/// Pieces that give a stand-in away wherever they stand.
const GIVEAWAYS: &[&str] = &[
    "change-me",
    "change_me",
    "changeme",
    "changethis",
    "dummy",
    "example",
    "fill_in",
    "fillme",
    "goes_here",
    "goeshere",
    "insert",
    "placeholder",
    "redacted",
    "replace",
    "sample",
    "to_be_",
    "todo",
    "xxxx",
    "your-",
    "your_",
    "yourkey",
    "yourpass",
    "yoursecret",
    "yourtoken",
    "*****",
    "hunter2-not-real",
    "<secret",
    "<pass",
];

/// Values of specifications and manuals that are copied everywhere.
const PUBLISHED: &[&str] = &[
    "2YotnFZFEjr1zCsicMWpAA",
    "tGzv3JOkF0XG5Qx2TlKWIA",
    "SplxlOBeZQQYbYS6WxSbIA",
    "7Fjfp0ZBr1KtDRbnfVdmIw",
    "gX1fBat3bV",
    "mF_9.B5f-4.1JqM",
    "ad180jjd733klru7",
    "nnch734d00sl2jdk",
    "pfkkdhi9sl3r4s00",
    "kd94hf93k423kf44",
    "hh5s93j4hdidpola",
    "bPxRfiCY",
    "Eby8vdM02xNOcqFlqUwJ",
];

/// Whether a value refers to another place (a variable, a vault, a template) or only stands for a value.
pub(super) fn stands_in(value: &str) -> bool {
    let v = value.trim();
    let b = v.as_bytes();
    let Some((&first, &last)) = b.first().zip(b.last()) else { return true };
    let lower = v.to_ascii_lowercase();
    let wrapped = |a: u8, z: u8| first == a && last == z;
    let reference = first == b'$' && !is_crypt(v)
        || v.contains("${")
        || v.contains("$(")
        || v.contains("{{")
        || v.contains("<%")
        || v.contains("#{")
        || wrapped(b'<', b'>')
        || wrapped(b'{', b'}')
        || wrapped(b'[', b']')
        || wrapped(b'(', b')')
        || (wrapped(b'%', b'%') && b.len() > 2)
        || (wrapped(b'@', b'@') && b.len() > 2)
        || (wrapped(b'_', b'_') && b.len() > 2)
        || v.contains("%s")
        || v.contains("%d")
        || v.contains("%v")
        || v.contains("%(")
        || v.contains("%@")
        || (v.contains('{') && v.contains('}'));
    let indirect = [
        "enc(",
        "enc[",
        "{cipher}",
        "vault:",
        "ref+",
        "!vault",
        "op://",
        "secret://",
        "arn:",
        "env:",
        "env.",
        "env(",
        "file:",
        "ssm:",
        "kms:",
    ]
    .iter()
    .any(|p| lower.starts_with(p))
        || ["process.env", "os.environ", "getenv", "system.getproperty", "secrets.", "env["]
            .iter()
            .any(|p| lower.contains(p));
    let same = b.iter().all(|c| *c == first);
    let regex = ["\\d", "\\w", "\\s", "[a-z", "[0-9", ".*", ".+", "(?", "\\\\"].iter().any(|p| lower.contains(p))
        || wrapped(b'^', b'$');
    let published = PUBLISHED.iter().any(|p| v.contains(p));
    reference || indirect || published || same || regex || GIVEAWAYS.iter().any(|g| lower.contains(g)) || elided(v)
}

fn elided(v: &str) -> bool {
    v.contains("...") || v.contains('…') || v.contains("•••") || v.contains("***")
}

/// Crypt, bcrypt, PBKDF2, SSHA and bare digests: a hash of a password is not the password.
pub(super) fn is_crypt(v: &str) -> bool {
    let rest = v.strip_prefix('$').unwrap_or("");
    ["1$", "2a$", "2b$", "2y$", "5$", "6$", "7$", "y$", "apr1$", "argon2", "pbkdf2", "scrypt", "P$", "S$"]
        .iter()
        .any(|p| rest.starts_with(p))
}
