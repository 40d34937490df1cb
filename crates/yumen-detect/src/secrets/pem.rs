//! Private keys and certificates as text: PEM in every dress, base64 of DER without armour, PuTTY, age, minisign, JWK, securesystemslib.

use yumen_kit_key::{Item, armor, base64, jwk, openssh};
use yumen_model::KindId;
use yumen_model::kind::kinds;

use super::text_match;
use super::view::View;
use crate::recogniser::{AHEAD, Candidate, Match, Recogniser};

/// Keys and certificates in text.
pub(super) struct KeyText;

/// Literals, and how each is read. Base64 literals are identifiers that the key's DER holds at a fixed place; the number is how many
/// characters stand before.
const FORMS: &[(&str, Form)] = &[
    ("-----BEGIN ", Form::Armor),
    ("---- BEGIN SSH2", Form::Armor),
    ("PuTTY-User-Key-File-", Form::Putty),
    ("AGE-SECRET-KEY-", Form::Age),
    ("LS0tLS1CRUdJTi", Form::Wrapped),
    // PKCS#8 of RSA.
    ("IBADANBgkqhkiG9w0BAQEFAASC", Form::Bare(6)),
    // PKCS#1 with a modulus of 1024, 2048, 3072, 4096 bits.
    ("IBAAKBgQ", Form::Bare(6)),
    ("IBAAKCAQEA", Form::Bare(6)),
    ("IBAAKCAYEA", Form::Bare(6)),
    ("IBAAKCAgEA", Form::Bare(6)),
    // PKCS#8 of EC and SM2: with public key, with a short curve identifier, without public key.
    ("AgEAMBMGByqGSM49AgEG", Form::Bare(4)),
    ("AgEAMBAGByqGSM49AgEG", Form::Bare(4)),
    ("CAQAwEwYHKoZIzj0CAQYI", Form::Bare(3)),
    // PKCS#8 of Ed25519 and X25519.
    ("CAQAwBQYDK2V", Form::Bare(3)),
    // SEC 1 of 256, 384, 521 bits.
    ("MHcCAQEEI", Form::Bare(0)),
    ("MIGkAgEBBD", Form::Bare(0)),
    ("MIHcAgEBBE", Form::Bare(0)),
    // Encrypted PKCS#8 (PBES2), long and short.
    ("BgkqhkiG9w0BBQ0w", Form::Bare(8)),
    ("GCSqGSIb3DQEFDTB", Form::Bare(7)),
    ("RWRTY0Iy", Form::Minisign),
    ("RWQAAEIy", Form::Minisign),
    ("RWRCS", Form::Signify),
    ("\"kty\"", Form::Jwk),
    ("@@@@", Form::Securesystemslib),
];

const LITERALS: [&str; FORMS.len()] = super::literals(FORMS);

#[derive(Clone, Copy)]
enum Form {
    Armor,
    Putty,
    Age,
    Wrapped,
    Bare(usize),
    Minisign,
    Signify,
    Jwk,
    Securesystemslib,
}

impl Recogniser for KeyText {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::KEY_PRIVATE, kinds::CERT_X509, kinds::CERT_VEHICLE]
    }

    fn literals(&self) -> &'static [&'static str] {
        &LITERALS
    }

    fn examine(&self, candidate: &Candidate<'_>, out: &mut Vec<Match>) {
        let Some(&(literal, form)) = candidate.literal.and_then(|i| FORMS.get(i)) else { return };
        // The pass ignores case; these do not.
        if candidate.value() != literal {
            return;
        }
        let v = View::of(candidate, AHEAD);
        let found = match form {
            Form::Armor => armor::block(v.text, v.start).map(of_block),
            Form::Wrapped => wrapped(&v),
            Form::Bare(skip) => bare(&v, skip),
            Form::Putty => openssh::putty(&v.text[v.start..]).map(|i| {
                let range = i.range.start + v.start..i.range.end + v.start;
                (vec![i], range, 0.99)
            }),
            Form::Age => age(&v),
            Form::Minisign => signing_key(&v, "minisign", 158),
            Form::Signify => signing_key(&v, "signify", 104),
            Form::Jwk => jwk_text(&v),
            Form::Securesystemslib => securesystemslib(&v),
        };
        let Some((items, range, confidence)) = found else { return };
        // One block is one finding; a vehicle's certificate in a bundle is what matters of it.
        let item = items.iter().find(|i| i.is_vehicle()).or(items.first());
        out.extend(item.and_then(|i| text_match(i, v.base + range.start, v.base + range.end, confidence)));
    }
}

type Found = (Vec<Item>, std::ops::Range<usize>, f64);

fn of_block(block: armor::Block) -> Found {
    (block.items, block.range, if block.complete { 0.99 } else { 0.6 })
}

/// Whether a character belongs to base64 of either alphabet.
fn is_base64(c: u8) -> bool {
    base64::is_standard(c) || matches!(c, b'-' | b'_')
}

/// The run of base64 that begins at the candidate, as far as it goes without a break and `most` bytes.
fn run<'a>(v: &View<'a>, most: usize) -> &'a str {
    let rest = &v.text[v.start..];
    let end = rest.bytes().take(most).take_while(|b| base64::is_standard(*b)).count();
    &rest[..end]
}

fn bounded_before(v: &View<'_>) -> bool {
    !v.before().bytes().next_back().is_some_and(is_base64)
}

/// PEM that was wrapped in base64 once more, as in kubeconfig files and secrets of Kubernetes.
fn wrapped(v: &View<'_>) -> Option<Found> {
    if !bounded_before(v) {
        return None;
    }
    let text = run(v, AHEAD);
    let decoded = base64::decode(text.as_bytes(), AHEAD)?;
    let decoded = String::from_utf8_lossy(&decoded);
    let block = armor::block(&decoded, 0)?;
    let range = v.start..v.start + text.len();
    Some((block.items, range, if block.complete { 0.98 } else { 0.6 }))
}

/// Base64 of a DER key without armour.
fn bare(v: &View<'_>, skip: usize) -> Option<Found> {
    let start = v.start.checked_sub(skip).filter(|s| v.text.is_char_boundary(*s))?;
    let head = &v.text[start..v.start];
    let bounded = !v.text[..start].bytes().next_back().is_some_and(is_base64);
    if !head.bytes().all(base64::is_standard) || !(skip == 0 || head.starts_with('M')) {
        return None;
    }
    // A separator may be an escape: `\n` before the key ends in a letter.
    let escaped = v.text[..start].ends_with("\\n") || v.text[..start].ends_with("\\r");
    // Inside of armour the block itself is the match.
    let armoured = v.text[..start].rfind("-----BEGIN ").is_some_and(|b| !v.text[b..start].contains("-----END "));
    if !(bounded || escaped) || armoured {
        return None;
    }
    let block = armor::bare(v.text, start)?;
    let confidence = if block.complete { 0.97 } else { 0.5 };
    Some((block.items, block.range, confidence))
}

/// age (Bech32 of 32 bytes): `AGE-SECRET-KEY-1` and 58 characters; the plugin form is longer.
fn age(v: &View<'_>) -> Option<Found> {
    let rest = v.after();
    let len = rest.bytes().take(200).take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'-').count();
    let body = rest[..len].trim_start_matches(|c: char| c != '1');
    let data = body.strip_prefix('1')?;
    let bech32 = |b: u8| b.is_ascii_digit() && b != b'1' || b.is_ascii_uppercase() && !matches!(b, b'B' | b'I' | b'O');
    let distinct = data.bytes().collect::<std::collections::BTreeSet<_>>().len();
    let sound = data.len() >= 58 && data.bytes().all(bech32) && distinct >= 10;
    sound.then(|| (vec![Item::private("age", Some(false), 0..0).algorithm(Some("x25519"))], v.start..v.end + len, 0.98))
}

/// The second line of a minisign or signify secret key.
fn signing_key(v: &View<'_>, form: &'static str, bytes: usize) -> Option<Found> {
    let text = run(v, 300);
    let data = base64::decode(text.as_bytes(), 512)?;
    let comment = v.before().trim_end().rsplit('\n').next().is_some_and(|l| l.contains("untrusted comment:"));
    if data.len() != bytes || !comment {
        return None;
    }
    let encrypted = if form == "minisign" { data[2..4] != [0, 0] } else { data[4..8] != [0, 0, 0, 0] };
    let item = Item::private(form, Some(encrypted), 0..0).algorithm(Some("ed25519"));
    Some((vec![item], v.start..v.start + text.len(), 0.98))
}

/// A JSON Web Key in running text: the members around `"kty"`.
fn jwk_text(v: &View<'_>) -> Option<Found> {
    let open = v.before().rfind('{')?;
    let close = v.after().bytes().take(6 << 10).position(|b| b == b'}')? + v.end;
    let object = v.text.get(open..close)?;
    if v.text[open..v.start].contains("\"kty\"") {
        return None;
    }
    let member = |name: &str| {
        let mut from = 0;
        while let Some(at) = object[from..].find(name).map(|i| i + from) {
            from = at + name.len();
            let quoted = object[..at].ends_with('"') || object[..at].ends_with('\'');
            let Some(value) = object[from..].strip_prefix(['"', '\'']).map(str::trim_start) else { continue };
            let value = value.strip_prefix(':').map(str::trim_start).and_then(|x| x.strip_prefix(['"', '\'']));
            if let (true, Some(value)) = (quoted, value) {
                return value.split(['"', '\'']).next();
            }
        }
        None
    };
    let item = jwk::private_key(member)?;
    Some((vec![item], open..close + 1, 0.95))
}

/// Encrypted keys of securesystemslib (TUF, in-toto): `salt@@@@iterations@@@@hmac@@@@iv@@@@ciphertext`, all hex but the second.
fn securesystemslib(v: &View<'_>) -> Option<Found> {
    let salt = v.before().bytes().rev().take_while(u8::is_ascii_hexdigit).count();
    if salt < 16 {
        return None;
    }
    // Part by part, so that nothing long is read for nothing.
    let mut at = v.end;
    let mut part = |least: usize, most: usize| {
        let rest = v.text.get(at..)?;
        let len = rest.bytes().take(most).take_while(u8::is_ascii_hexdigit).count();
        at += len;
        let separated = v.text[at..].starts_with("@@@@");
        at += if separated { 4 } else { 0 };
        (len >= least).then_some((separated, at))
    };
    let inner = [(1, 10), (64, 64), (32, 32)].into_iter().all(|(least, most)| part(least, most).is_some_and(|p| p.0));
    let (_, end) = inner.then(|| part(64, 32 << 10)).flatten()?;
    Some((vec![Item::private("securesystemslib", Some(true), 0..0)], v.start - salt..end, 0.98))
}

#[cfg(test)]
mod tests {
    use super::super::testing::scan;
    use super::*;

    /// A key made for these tests only.
    const ED25519: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIKnAVVLjMJ0TGyXKrVbyH0xQbTk3sgUaDcLQp0Zs0xdv\n-----END PRIVATE KEY-----";

    fn kinds_in(text: &str) -> Vec<(String, String)> {
        scan(&KeyText, text).into_iter().map(|(m, s)| (m.kind.name().to_owned(), s)).collect()
    }

    #[test]
    fn a_pem_key_is_one_match_from_mark_to_mark() {
        let text = format!("tls:\n  key: |\n    {}\nnext: 1\n", ED25519.replace('\n', "\n    "));
        let found = scan(&KeyText, &text);
        assert_eq!(found.len(), 1);
        let (m, s) = &found[0];
        assert_eq!((m.kind, m.confidence), (kinds::KEY_PRIVATE, 0.99));
        assert!(s.starts_with("-----BEGIN") && s.ends_with("KEY-----"));
        assert_eq!(m.distinct, [("encrypted", false.into())]);
        assert_eq!(m.collect, [("forms", "pkcs8".into()), ("algorithms", "ed25519".into())]);
    }

    #[test]
    fn bare_base64_and_base64_of_pem_count_once() {
        let body = ED25519.lines().nth(1).unwrap();
        assert_eq!(kinds_in(&format!("private_key = \"{body}\"")), [("key.private".to_owned(), body.to_owned())]);
        let kube = "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1DNENBUUF3QlFZREsyVndCQ0lFSUtuQVZWTGpNSjBUR3lYS3JWYnlIMHhRYlRrM3NnVWFEY0xRcDBaczB4ZHYKLS0tLS1FTkQgUFJJVkFURSBLRVktLS0tLQo=";
        assert_eq!(kinds_in(&format!("    client-key-data: {kube}\n")), [("key.private".to_owned(), kube.to_owned())]);
    }

    #[test]
    fn other_text_forms_are_told() {
        let age = "AGE-SECRET-KEY-1QYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQS3290GQ9";
        assert_eq!(kinds_in(&format!("# created\n{age}\n")).len(), 1);
        let hex = |n: usize| "0f1e2d3c4b5a6978".repeat(n);
        let text = format!("{}@@@@100000@@@@{}@@@@{}@@@@{}", hex(2), hex(4), hex(2), hex(9));
        assert_eq!(scan(&KeyText, &text)[0].0.distinct, [("encrypted", true.into())]);
        let d = "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE";
        let jwk = |member: &str| format!("var k = {{\"kty\": \"EC\", \"crv\": \"P-256\", \"{member}\": \"{d}\"}};");
        assert_eq!(kinds_in(&jwk("d")).len(), 1);
        assert_eq!(kinds_in(&jwk("x")).len(), 0);
    }

    #[test]
    fn marks_in_code_are_no_keys() {
        let code = r#"
            const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
            const END: &str = "-----END PRIVATE KEY-----";
            if (s.startsWith("-----BEGIN RSA PRIVATE KEY-----")) { s = s.replace("-----END RSA PRIVATE KEY-----", ""); }
            key: "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC...\n-----END PRIVATE KEY-----\n"
        "#;
        assert!(kinds_in(code).is_empty());
    }
}
