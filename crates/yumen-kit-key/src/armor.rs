//! Text armour: PEM (RFC 7468, RFC 1421 headers), OpenPGP armour, SSH2 blocks, and what becomes of them in source and settings: one line with
//! literal `\n`, quotes, line continuations, comment signs, indentation.

use std::ops::Range;

use crate::base64;
use crate::item::{Item, What};
use crate::{cms, der_item, openpgp, openssh, private};

/// Longest block that is read, in bytes of text.
pub const MAX_BLOCK: usize = 64 << 10;

/// Longest key without armour, in bytes; an RSA key of 16,384 bits has less.
const MAX_BARE: usize = 10 << 10;

/// A block of armoured text.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// What it holds; the ranges are of the whole block in the text.
    pub items: Vec<Item>,
    /// From the `-` of the begin mark to the `-` that ends the end mark (or to the last character of the body).
    pub range: Range<usize>,
    /// Whether the structure inside is complete.
    pub complete: bool,
}

/// The label of the begin mark at `at`, and where its body begins.
fn begin(text: &str, at: usize) -> Option<(&str, usize)> {
    let rest = text.get(at..)?;
    let (open, close) =
        if rest.starts_with("-----BEGIN ") { ("-----BEGIN ", "-----") } else { ("---- BEGIN ", " ----") };
    let label = rest.strip_prefix(open)?;
    let end = label.bytes().take(64).position(|b| b == b'-' || b == b'\n')?;
    let end = if close == " ----" { end.checked_sub(1)? } else { end };
    let (label, tail) = (label.get(..end)?, label.get(end..)?);
    tail.starts_with(close).then(|| (label, at + open.len() + end + close.len()))
}

/// Reads the armoured block whose begin mark stands at `at`. None when no key or certificate can be made of it: a bare mark, an
/// elided body, a public key.
#[must_use]
pub fn block(text: &str, at: usize) -> Option<Block> {
    let (label, body_start) = begin(text, at)?;
    let limit = floor(text, body_start.saturating_add(MAX_BLOCK));
    let region = text.get(body_start..limit)?;
    let stop = end_mark(region, if text[at..].starts_with("-----") { "-----" } else { "---- " });
    let (body, end) = match stop {
        Some((mark, end)) => (&region[..mark], Some(body_start + end)),
        None => (region, None),
    };
    let glue = glue(text, at);
    let body = Body::read(body, glue);
    // Without an end mark the block ends with the last piece of its body.
    let range = at..end.unwrap_or(body_start + body.used);
    if label == "OpenVPN Static key V1" {
        let hex = body.data.len() >= 256 && body.data.iter().all(u8::is_ascii_hexdigit);
        return hex.then(|| one(Item::private("openvpn-static", Some(false), range.clone()), range, true));
    }
    let private_label = label.contains("PRIVATE KEY") || label.contains("SECRET KEY");
    let known = private_label || label.contains("CERTIFICATE") || matches!(label, "PKCS7" | "CMS" | "PKCS12");
    if !known || body.data.len() < 24 {
        return None;
    }
    if body.encrypted && private_label {
        // RFC 1421: what is encrypted is the DER itself, in cipher blocks.
        let data = base64::decode(&body.data, MAX_BLOCK)?;
        let long = data.len() >= 32 && !body.elided && (data.len() % 8 == 0 || end.is_none());
        let algorithm = label.split(' ').next().and_then(|w| match w {
            "RSA" => Some("rsa"),
            "EC" => Some("ec"),
            "DSA" => Some("dsa"),
            _ => None,
        });
        let item = Item::private("pem", Some(true), range.clone()).algorithm(algorithm);
        return long.then(|| one(item, range, end.is_some()));
    }
    let mut data = base64::decode(&body.data, MAX_BLOCK);
    if data.is_none() {
        // One stray character at the end of what was cut.
        data = base64::decode(&body.data[..body.data.len() - 1], MAX_BLOCK);
    }
    let data = data?;
    let (mut items, complete) = inside(label, &data, body.elided)?;
    for item in &mut items {
        item.range = range.clone();
    }
    Some(Block { items, range, complete })
}

fn one(item: Item, range: Range<usize>, complete: bool) -> Block {
    Block { items: vec![item], range, complete }
}

/// What the decoded body of a block is.
fn inside(label: &str, data: &[u8], elided: bool) -> Option<(Vec<Item>, bool)> {
    if data.starts_with(openssh::MAGIC) {
        let item = openssh::private_key(data)?;
        let complete = !item.properties.contains_key("truncated");
        return (complete || !elided).then(|| (vec![item], complete));
    }
    if label.contains("PGP") {
        let item = openpgp::secret_key(data)?;
        return Some((vec![item], true));
    }
    if label.starts_with("SSH2 ") {
        let ssh2 = data.starts_with(&[0x3f, 0x6f, 0xf9, 0xeb]) && data.len() > 100;
        let clear = data.windows(4).take(120).any(|w| w == b"none");
        return ssh2.then(|| (vec![Item::private("ssh2", Some(!clear), 0..data.len())], true));
    }
    if label.starts_with("ENCRYPTED ") && data.first() == Some(&b'{') {
        // cosign and sigstore: JSON with scrypt and secretbox.
        let boxed = data.windows(5).any(|w| w == b"\"kdf\"");
        return boxed.then(|| (vec![Item::private("sigstore", Some(true), 0..data.len())], true));
    }
    if label.starts_with("TSS2 ") && data.first() == Some(&0x30) && data.len() > 64 {
        return Some((vec![Item::private("tss2", Some(true), 0..data.len())], true));
    }
    if matches!(label, "PKCS7" | "CMS") {
        let items = cms::certificates(data)?;
        return (!items.is_empty()).then_some((items, true));
    }
    match der_item(data) {
        Some(item) if matches!(item.what, What::PrivateKey | What::Certificate) => Some((vec![item], true)),
        Some(_) => None,
        None if label.contains("PRIVATE KEY") => {
            let (item, share) = private::truncated_private_key(data)?;
            (share >= if elided { 0.8 } else { 0.4 }).then(|| (vec![item], false))
        }
        None => None,
    }
}

/// Base64 of a key without armour: the DER key whose base64 begins at `at`, with the range of its text.
#[must_use]
pub fn bare(text: &str, at: usize) -> Option<Block> {
    // The structure says how long it is: read no more text than it needs, its dressing included.
    let head = text.as_bytes().get(at..at + 32).filter(|h| h.iter().all(|b| base64::is_standard(*b)))?;
    let head = base64::decode(head, 16)?;
    let (_, header, Some(len)) = crate::der::header(&head)? else { return None };
    if len > MAX_BARE {
        return None;
    }
    let need = (header + len).div_ceil(3) * 4;
    let region = text.get(at..floor(text, at + need * 2 + 256))?;
    let body = Body::read_up_to(region, glue(text, at), need);
    let data = base64::decode(&body.data, header + len)?;
    let range = at..at + body.used;
    if data.len() < header + len {
        let (item, share) = private::truncated_private_key(&data)?;
        let item = Item { range: range.clone(), ..item };
        return (share >= 0.5 && data.len() >= 64).then(|| one(item, range, false));
    }
    let item = private::private_key(&data)?;
    Some(one(Item { range: range.clone(), ..item }, range, true))
}

/// The mark that ends a block (its start and end in `region`), or the next mark of any kind. `dashes` is what marks begin with.
fn end_mark(region: &str, dashes: &str) -> Option<(usize, usize)> {
    let mark = region.find(dashes)?;
    let tail = region[mark + dashes.len()..].strip_prefix("END ");
    let closing = if dashes == "---- " { " ----" } else { dashes };
    let end = tail.and_then(|t| t.find(closing).filter(|n| *n < 64)).map(|n| mark + dashes.len() + 4 + n + 5);
    Some((mark, end.unwrap_or(mark)))
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Signs of the base64 alphabet that stand before each line of the block and do not belong to it (`+` of a diff, `//` of a comment).
fn glue(text: &str, at: usize) -> Option<&str> {
    let before = text.get(..at)?;
    let line = before.get(floor(before, before.len().saturating_sub(64))..)?.rsplit('\n').next()?.trim();
    (!line.is_empty() && line.len() <= 3 && line.bytes().all(|b| matches!(b, b'+' | b'/'))).then_some(line)
}

/// What a body reads as once its dressing is off.
struct Body {
    data: Vec<u8>,
    /// An RFC 1421 header says that it is encrypted.
    encrypted: bool,
    /// Something was left out (`...`).
    elided: bool,
    /// Bytes of text up to the end of the last piece.
    used: usize,
}

impl Body {
    fn read(body: &str, glue: Option<&str>) -> Body {
        Body::read_up_to(body, glue, usize::MAX)
    }

    fn read_up_to(body: &str, glue: Option<&str>, need: usize) -> Body {
        let mut out = Body { data: Vec::new(), encrypted: false, elided: false, used: 0 };
        let mut idle = 0;
        for (start, line) in lines(body) {
            let line_text =
                line.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '#' | '*' | '|' | '>' | ';'));
            if let Some((name, value)) = line_text.split_once(": ")
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && out.data.is_empty()
            {
                out.encrypted |= (name == "Proc-Type" && value.contains("ENCRYPTED")) || name == "DEK-Info";
                continue;
            }
            let before = out.data.len();
            if !out.line(start, line, glue, need) {
                break;
            }
            // A body that was never closed ends where base64 ends.
            idle = if out.data.len() == before { idle + 1 } else { 0 };
            if idle > 3 || out.data.len() >= need {
                break;
            }
        }
        out
    }

    /// Takes the base64 of one line; false when what stands there ends the body.
    fn line(&mut self, start: usize, line: &str, glue: Option<&str>, need: usize) -> bool {
        let stripped = line.trim_start();
        let stripped = glue.and_then(|g| stripped.strip_prefix(g)).unwrap_or(stripped);
        let skip = line.len() - stripped.len();
        self.elided |= line.contains("...") || line.contains('…');
        let mut at = start + skip;
        let mut first = true;
        for word in stripped.split(char::is_whitespace) {
            // JSON may write `/` as `\/`.
            let unescaped = word.contains("\\/").then(|| word.replace("\\/", "/"));
            let word_read = unescaped.as_deref().unwrap_or(word);
            let piece = longest(word_read);
            // OpenPGP's checksum line.
            let checksum = piece.len() == 5 && piece.starts_with('=') && first;
            if piece.bytes().any(|b| b.is_ascii_alphanumeric()) && !checksum {
                let offset = piece.as_ptr() as usize - word_read.as_ptr() as usize + (word.len() - word_read.len());
                let room = need.saturating_sub(self.data.len());
                let take = piece.len().min(room);
                self.data.extend_from_slice(&piece.as_bytes()[..take]);
                self.used = at + offset + take;
                first = false;
            } else if checksum {
                self.used = at + word.len();
                return false;
            }
            at += word.len() + 1;
            // Padding ends a body.
            if piece.ends_with('=') && !piece.starts_with('=') {
                return true;
            }
        }
        true
    }
}

/// The longest stretch of base64 in a word.
fn longest(word: &str) -> &str {
    let mut best = "";
    for piece in word.split(|c: char| !u8::try_from(c).is_ok_and(base64::is_standard)) {
        if piece.len() > best.len() {
            best = piece;
        }
    }
    best
}

/// The lines of a text, cut also at escapes that stand for a line end: `\n`, `\r`, `\\n`, `\u000a`, `\x0a`, `&#10;`, `%0A`.
fn lines(body: &str) -> impl Iterator<Item = (usize, &str)> {
    const ESCAPES: [&str; 13] =
        ["\\\\r", "\\\\n", "\\r", "\\n", "\\t", "\\u000a", "\\u000d", "\\x0a", "\\x0d", "&#10;", "&#xA;", "%0A", "%0D"];
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = body.get(at..).filter(|r| !r.is_empty())?;
        let mut cut = rest.len();
        let mut skip = 0;
        for (i, b) in rest.bytes().enumerate() {
            match b {
                b'\n' | b'\r' => {
                    (cut, skip) = (i, 1);
                    break;
                }
                b'\\' | b'&' | b'%' => {
                    let tail = &rest.as_bytes()[i..];
                    if let Some(e) = ESCAPES
                        .iter()
                        .find(|e| tail.get(..e.len()).is_some_and(|t| t.eq_ignore_ascii_case(e.as_bytes())))
                    {
                        (cut, skip) = (i, e.len());
                        break;
                    }
                }
                _ => {}
            }
        }
        let line = (at, &rest[..cut]);
        at += cut + skip;
        Some(line)
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::der::build::{of, tlv};
    use crate::oid;
    use crate::private::tests::{ec_shape, pkcs8_shape, rsa_shape};
    use proptest::prelude::*;

    pub(crate) fn encode(data: &[u8]) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut out = String::new();
        for c in data.chunks(3) {
            let n =
                u32::from(c[0]) << 16 | u32::from(*c.get(1).unwrap_or(&0)) << 8 | u32::from(*c.get(2).unwrap_or(&0));
            for i in 0..4 {
                let sextet = (n >> (18 - 6 * i)) & 63;
                out.push(if i <= c.len() { char::from(ALPHABET[sextet as usize]) } else { '=' });
            }
        }
        out
    }

    pub(crate) fn pem(label: &str, data: &[u8]) -> String {
        let body = encode(data);
        let lines: Vec<&str> = body.as_bytes().chunks(64).map(|c| std::str::from_utf8(c).unwrap()).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----", lines.join("\n"))
    }

    fn key() -> String {
        pem("RSA PRIVATE KEY", &rsa_shape(256, 3))
    }

    fn form(text: &str) -> Option<(&'static str, bool)> {
        let at = text.find("-----BEGIN")?;
        let b = block(text, at)?;
        Some((b.items[0].form, b.complete))
    }

    #[test]
    fn every_dress_of_a_key_is_seen_through() {
        let k = key();
        let b = block(&k, 0).unwrap();
        assert_eq!((b.range, b.complete, b.items[0].form), (0..k.len(), true, "pkcs1"));
        let dressed = [
            k.replace('\n', "\r\n"),
            format!("key = \"{}\\n\"", k.replace('\n', "\\n")),
            format!("KEY='{}'", k.replace('\n', "\\\\n")),
            k.replace('\n', " "),
            format!("k: |\n    {}\n", k.replace('\n', "\n    ")),
            k.lines().map(|l| format!("    \"{l}\\n\" +\n")).collect(),
            k.lines().map(|l| format!("\"{l}\\r\\n\" \\\n")).collect(),
            k.lines().map(|l| format!("+{l}\n")).collect(),
            k.lines().map(|l| format!("// {l}\n")).collect(),
            k.lines().map(|l| format!("//{l}\n")).collect(),
            k.lines().map(|l| format!(" * {l}\n")).collect(),
            k.lines().map(|l| format!("# {l}\n")).collect(),
            k.lines().map(|l| format!("  b\"{l}\\n\"\n")).collect(),
            k.lines().map(|l| format!("'{l}',\n")).collect(),
            k.replace('\n', "&#10;"),
            k.replace('\n', "%0A"),
            k.replace('\n', "\\\n"),
            k.replace('/', "\\/").replace('\n', "\\n"),
        ];
        for (i, text) in dressed.iter().enumerate() {
            assert_eq!(form(text), Some(("pkcs1", true)), "dress {i}");
        }
    }

    #[test]
    fn bare_marks_elisions_and_public_keys_are_none() {
        let spki = of(0x30, &[of(0x30, &[tlv(6, oid::ED25519)]), tlv(3, &[0; 33])]);
        let none = [
            "if line == \"-----BEGIN PRIVATE KEY-----\" { key = true; }".to_owned(),
            "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----".to_owned(),
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA1c7+9z5Pad7OejecsQ0b...\n-----END RSA PRIVATE KEY-----"
                .to_owned(),
            "-----BEGIN PRIVATE KEY-----\nyour key goes here, in base64 please\n-----END PRIVATE KEY-----".to_owned(),
            "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----".to_owned(),
            format!("-----BEGIN PRIVATE KEY-----{}", "A".repeat(400)),
            pem("PUBLIC KEY", &spki),
            pem("PRIVATE KEY", &spki),
        ];
        for (i, text) in none.iter().enumerate() {
            assert_eq!(form(text), None, "text {i}");
        }
    }

    #[test]
    fn encrypted_keys_and_cut_keys_are_told() {
        let head = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AA\n\n";
        let text = format!("{head}{}\n-----END EC PRIVATE KEY-----", encode(&[0x5a; 128]));
        let b = block(&text, 0).unwrap();
        assert_eq!((b.items[0].encrypted, b.items[0].algorithm), (Some(true), Some("ec")));
        let whole = pem("PRIVATE KEY", &pkcs8_shape(&rsa_shape(256, 1), &[tlv(6, oid::RSA), vec![5, 0]]));
        assert_eq!(form(&whole[..whole.len() * 2 / 3]), Some(("pkcs8", false)));
        assert_eq!(form(&whole[..200]), None);
        assert_eq!(form(&pem("EC PRIVATE KEY", &ec_shape(true))), Some(("sec1", true)));
    }

    #[test]
    fn base64_without_armour_is_read_to_its_own_length() {
        let body = encode(&pkcs8_shape(&rsa_shape(128, 1), &[tlv(6, oid::RSA), vec![5, 0]]));
        let text = format!("key = \"{body}\"; // and more");
        let b = bare(&text, 7).unwrap();
        assert_eq!((b.items[0].form, &text[b.range]), ("pkcs8", body.as_str()));
        let cut: Vec<String> =
            body.as_bytes().chunks(76).map(|c| format!("\"{}\" +\n", std::str::from_utf8(c).unwrap())).collect();
        assert!(bare(&cut.concat(), 1).unwrap().complete);
        assert!(bare("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", 0).is_none());
    }

    proptest! {
        #[test]
        fn damage_never_panics(at in 0usize..2000, with in "\\PC{0,3}", cut in 0usize..2000) {
            let mut k = key();
            let at = floor(&k, at);
            k.insert_str(at, &with);
            let cut = floor(&k, cut);
            k.truncate(cut);
            let _ = block(&k, 0);
            let _ = bare(&k, floor(&k, 32));
        }
    }
}
