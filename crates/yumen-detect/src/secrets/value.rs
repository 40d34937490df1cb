//! Whether a value is a real password or token, or stands for one: placeholders, references, words, hashes, paths.

use super::stand_ins::{STAND_INS, is_crypt, stands_in};

/// Where a value comes from; what passes in one place is noise in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A literal in program text.
    Code,
    /// A setting, or the value of a record.
    Config,
    /// Running text, logs, printable stretches of a binary.
    Prose,
}

fn is_hash(v: &str) -> bool {
    let hex = v.bytes().all(|b| b.is_ascii_hexdigit());
    let lower = v.to_ascii_lowercase();
    is_crypt(v)
        || (hex && matches!(v.len(), 32 | 40 | 48 | 56 | 64 | 96 | 128))
        || [
            "{sha", "{ssha", "{md5", "{bcrypt", "{pbkdf2", "{crypt", "pbkdf2", "sha1$", "sha256$", "scrypt:", "bcrypt",
            "argon2", "md5$", "*",
        ]
        .iter()
        .any(|p| lower.starts_with(p) && v.len() > 20)
}

/// Counts of a value's characters by class.
#[derive(Default)]
struct Classes {
    lower: usize,
    upper: usize,
    digit: usize,
    /// `_`, `-`, `.`, `/`, `:`: signs that names and paths have as well.
    soft: usize,
    symbol: usize,
}

impl Classes {
    fn of(value: &str) -> Self {
        let mut c = Classes::default();
        for b in value.bytes() {
            match b {
                b'a'..=b'z' => c.lower += 1,
                b'A'..=b'Z' => c.upper += 1,
                b'0'..=b'9' => c.digit += 1,
                b'_' | b'-' | b'.' | b'/' | b':' | b' ' => c.soft += 1,
                _ => c.symbol += 1,
            }
        }
        c
    }
    fn kinds(&self) -> usize {
        [self.lower, self.upper, self.digit, self.symbol].iter().filter(|n| **n > 0).count()
    }
    fn letters(&self) -> usize {
        self.lower + self.upper
    }
}

/// How sure it is that a value under a password's name is a literal password; none when it is not. Signs of a name or path in program
/// text, words, translations, hashes and stand-ins are not.
pub(super) fn password(value: &str, source: Source) -> Option<f64> {
    let v = value;
    if !(3..=128).contains(&v.len()) || !v.bytes().all(|b| b.is_ascii_graphic()) || is_hash(v) || stands_in(v) {
        return None;
    }
    let lower = v.to_ascii_lowercase();
    if lower.starts_with("http://")
        || lower.starts_with("https://")
        || v.starts_with("./")
        || v.starts_with("~/")
        || v.starts_with("-----")
    {
        return None;
    }
    let call = v
        .find('(')
        .is_some_and(|i| i > 0 && v[..i].bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':')));
    if call && v.ends_with([')', ';']) {
        return None;
    }
    let c = Classes::of(v);
    let config = source == Source::Config;
    let letters: String = lower.chars().filter(char::is_ascii_alphabetic).collect();
    if STAND_INS.contains(&letters.as_str()) {
        // `password123`, `Test@2024`: weak, yet in a setting it is the password.
        let dressed = c.digit > 0 && v.len() >= 8 && (config || c.kinds() >= 4);
        return dressed.then_some(0.5);
    }
    // A path, a host, a dotted or snake name.
    let name_like = c.symbol == 0
        && ["pass", "pwd", "secret", "token", "key", "login", "user", "auth", "test"].iter().any(|w| lower.contains(w));
    let file = (v.starts_with('/') && v[1..].contains('/'))
        || [".txt", ".pem", ".key", ".json", ".yml", ".yaml", ".html", ".js", ".css", ".md"]
            .iter()
            .any(|e| lower.ends_with(e));
    if file || (name_like && !(config && c.digit > 0 && c.soft == 0) && c.kinds() < 3) {
        return None;
    }
    match (c.kinds(), c.digit > 0, c.symbol > 0) {
        (3.., ..) if v.len() >= 6 => Some(0.9),
        // Letters and digits, or letters and signs.
        (2.., true, _) if c.letters() > 0 || (c.symbol > 0 && source != Source::Prose) => match v.len() {
            6.. => Some(0.8),
            4.. if config => Some(0.5),
            _ => None,
        },
        (_, false, true) if c.letters() >= 4 && v.len() >= 6 && source != Source::Prose => {
            // `a+b`, `x=>y`, `foo(bar)`: expressions of program text.
            let expression = v.contains(['(', ')', '=', '<', '>', ',', '[', ']', '|', ';', '\\']);
            (!expression).then_some(if config { 0.6 } else { 0.5 })
        }
        // Digits alone.
        (1, true, _) => {
            let least = if config { 4 } else { 6 };
            (v.len() >= least && v.len() <= 20 && source != Source::Prose && c.soft == 0).then_some(0.5)
        }
        // One lower-case word is a password in a setting only.
        (1, false, false) if config && c.soft == 0 && c.upper == 0 && (5..=24).contains(&v.len()) => Some(0.4),
        (1, false, false) if config && c.soft >= 3 && c.upper == 0 && v.len() >= 16 && v.contains('-') => Some(0.4),
        (2, false, false) if config && c.soft == 0 && c.upper > 1 && c.lower > 1 && v.len() >= 10 => Some(0.4),
        _ => None,
    }
}

/// How sure it is that a value under a token's or secret's name is one; none when it is not.
pub(super) fn token(value: &str, source: Source) -> Option<f64> {
    let v = value;
    let charset =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'/' | b'=' | b'.' | b'~' | b':' | b'|');
    if stands_in(v) || v.len() > 1024 || v.starts_with("-----") || v.contains("://") {
        return None;
    }
    if v.len() < 16 || !v.bytes().all(charset) {
        // A short secret made like a password.
        let strong = source == Source::Config && (8..=64).contains(&v.len()) && Classes::of(v).kinds() >= 3;
        return (strong && random_looking(v)).then(|| password(v, source)).flatten().map(|_| 0.5);
    }
    if is_uuid(v) {
        return (source == Source::Config).then_some(0.5);
    }
    if has_fixed_prefix(v) {
        return None;
    }
    if v.bytes().all(|b| b.is_ascii_hexdigit()) {
        let sound = v.len() >= 24 && entropy(v) >= 3.0 && Classes::of(v).letters() > 0;
        return sound.then_some(if source == Source::Config { 0.75 } else { 0.65 });
    }
    (random_looking(v) && entropy(v) >= if v.len() >= 24 { 3.5 } else { 3.2 }).then_some(if v.len() >= 24 {
        0.8
    } else {
        0.65
    })
}

/// Values that look random and are none: digests with their algorithm's name, public keys and certificates.
fn has_fixed_prefix(v: &str) -> bool {
    [
        "sha256-",
        "sha384-",
        "sha512-",
        "sha1-",
        "md5-",
        "sha256:",
        "sha512:",
        "sha1:",
        "pk_live_",
        "pk_test_",
        "MIIBIjAN",
        "MIGfMA0G",
        "MFkwEwYH",
        "ssh-",
        "AAAAB3NzaC1",
    ]
    .iter()
    .any(|p| v.starts_with(p))
}

fn is_uuid(v: &str) -> bool {
    v.len() == 36
        && v.bytes()
            .enumerate()
            .all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() })
}

/// Shannon entropy of a value's bytes, in bits a byte.
pub(super) fn entropy(v: &str) -> f64 {
    let mut counts = [0u32; 256];
    v.bytes().for_each(|b| counts[usize::from(b)] += 1);
    let n = v.len() as f64;
    counts.iter().filter(|c| **c > 0).map(|&c| f64::from(c) / n).map(|p| -p * p.log2()).sum()
}

/// Whether a value changes between lower case, upper case and digits as often as random text does; names made of words do not.
pub(super) fn random_looking(v: &str) -> bool {
    let class = |b: u8| match b {
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        b'0'..=b'9' => 3,
        _ => 4,
    };
    let c = Classes::of(v);
    if c.digit == 0 && (c.upper == 0 || c.lower == 0) {
        return false;
    }
    let pairs: Vec<(u8, u8)> =
        v.as_bytes().windows(2).map(|w| (class(w[0]), class(w[1]))).filter(|(a, b)| *a != 4 && *b != 4).collect();
    // `aB` in camelCase is one change a word; random text changes about every other character.
    let changes = pairs.iter().filter(|(a, b)| a != b).count();
    let sequence = v.as_bytes().windows(2).filter(|w| w[1] == w[0].wrapping_add(1)).count() * 2 > v.len();
    // Of 62 letters and digits, 24 without two digits are rare.
    let digits = c.digit >= 2 || (c.digit == 1 && v.len() <= 24);
    digits && !sequence && changes * 5 >= v.len().saturating_sub(1) && !pairs.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_passwords_pass_everywhere() {
        for v in ["S3cr3t!Pass", "Tr0ub4dor&3", "Abc@1234", "hunter2", "9f8Kd_2x", "Byd#2026ota", "P@ssw0rd!"] {
            assert!(password(v, Source::Code).is_some(), "{v}");
            assert!(password(v, Source::Config).is_some(), "{v}");
        }
        for v in ["admin", "tiger", "123456", "password123", "correct-horse-battery-staple"] {
            assert!(password(v, Source::Config).is_some(), "{v}");
        }
    }

    #[test]
    fn stand_ins_words_references_and_hashes_do_not() {
        for v in [
            "",
            "xx",
            "password",
            "changeme",
            "<password>",
            "${DB_PASSWORD}",
            "$DB_PASSWORD",
            "{{ password }}",
            "%s",
            "your_password",
            "********",
            "xxxxxxxx",
            "example",
            "ENC(kd83jdKD93kd)",
            "{cipher}8a7f",
            "vault:secret/db#pw",
            "Passwort",
            "Contraseña",
            "密码",
            "password_field",
            "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
            "5f4dcc3b5aa765d61d8327deb882cf99",
            "^[a-z]+$",
            "process.env.PW",
            "/run/secrets/db",
            "https://example.com/reset",
            "test",
            "null",
            "string",
            "***",
        ] {
            assert_eq!(password(v, Source::Code), None, "{v}");
            assert_eq!(password(v, Source::Config), None, "{v}");
        }
        for v in ["letmein", "Enter it", "passwordInput", "current-password", "user_password_1", "getPassword()"] {
            assert_eq!(password(v, Source::Code), None, "{v}");
        }
    }

    #[test]
    fn tokens_are_random_and_names_are_not() {
        for v in [
            "9aF3kLmQ82xZpT7vYc1b",
            "f3a9c1d27b604e8895aa01bc34de56f7",
            "wJ4lrXUtnF3MIK7MDENGbQ9Rf2CYzzAPLQKEY8s2",
            "kd83-LsP0_x9QzT5aa",
        ] {
            assert!(token(v, Source::Code).is_some(), "{v}");
        }
        for v in [
            "some-long-identifier-name",
            "SomeLongClassNameForTokens",
            "application/x-www-form-urlencoded",
            "identifier",
            "your_token_here_123456789",
            "sha512-9aF3kLmQ82xZpT7vYc1b==",
            "com.example.token.provider.v2",
            "abcdefghijklmnopqrstuvwxyz123456",
            "0000000000000000000000000000",
            "${TOKEN}",
            "TOKEN_TYPE_BEARER_V2",
        ] {
            assert_eq!(token(v, Source::Code), None, "{v}");
        }
    }
}
