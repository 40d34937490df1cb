//! OpenSSH private keys (`openssh-key-v1`, PROTOCOL.key of OpenSSH) and PuTTY's `.ppk`.

use crate::item::Item;

/// What the binary form begins with.
pub const MAGIC: &[u8] = b"openssh-key-v1\0";

fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, tail) = rest.split_first_chunk::<4>()?;
    let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
    let body = tail.get(..len)?;
    *rest = &tail[len..];
    Some(body)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (n, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    Some(u32::from_be_bytes(*n))
}

/// The key at the start of `bytes`. A key that is cut short is told as long as its public part is there; its range then ends with `bytes`.
#[must_use]
pub fn private_key(bytes: &[u8]) -> Option<Item> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let cipher = string(&mut rest)?;
    let kdf = string(&mut rest)?;
    string(&mut rest)?;
    let keys = number(&mut rest)?;
    if cipher.len() > 64 || kdf.len() > 64 || !(1..=64).contains(&keys) {
        return None;
    }
    let mut public = string(&mut rest)?;
    let algorithm = string(&mut public).and_then(algorithm);
    for _ in 1..keys {
        string(&mut rest)?;
    }
    let before = bytes.len() - rest.len();
    let (end, complete) = match string(&mut rest) {
        Some(private) if !private.is_empty() => (bytes.len() - rest.len(), true),
        Some(_) => return None,
        None if bytes.len() > before + 32 => (bytes.len(), false),
        None => return None,
    };
    let item = Item::private("openssh", Some(cipher != b"none"), 0..end).algorithm(algorithm);
    Some(if complete { item } else { item.with("truncated", true) })
}

/// The algorithm of an SSH key type.
#[must_use]
pub fn algorithm(name: &[u8]) -> Option<&'static str> {
    Some(match name {
        b"ssh-rsa" => "rsa",
        b"ssh-dss" => "dsa",
        b"ssh-ed25519" => "ed25519",
        b"ssh-ed448" => "ed448",
        n if n.starts_with(b"ecdsa-sha2-") => "ec",
        n if n.starts_with(b"sk-") => "security-key",
        _ => return None,
    })
}

/// The PuTTY key at the start of `text` (`PuTTY-User-Key-File-2:` or `-3:`, also the older `-1:`).
#[must_use]
pub fn putty(text: &str) -> Option<Item> {
    let rest = text.strip_prefix("PuTTY-User-Key-File-")?;
    let kind = ["1: ", "2: ", "3: "].iter().find_map(|v| rest.strip_prefix(v))?;
    let kind = kind.lines().next()?.trim();
    let mut encrypted = None;
    let mut lines = text.split_inclusive('\n').take(200);
    let mut end = 0;
    let mut key_lines = None;
    for line in &mut lines {
        end += line.len();
        let line = line.trim_end();
        if let Some(e) = line.strip_prefix("Encryption: ") {
            encrypted = Some(e != "none");
        } else if let Some(n) = line.strip_prefix("Private-Lines: ") {
            key_lines = n.parse::<usize>().ok().filter(|n| (1..=500).contains(n));
            break;
        }
    }
    let rest = text.get(end..)?;
    let mut seen = 0;
    for line in rest.split_inclusive('\n').take(key_lines?) {
        let body = line.trim();
        if body.is_empty() || !body.bytes().all(crate::base64::is_standard) {
            break;
        }
        end += line.trim_end().len();
        seen += body.len();
        if line.ends_with('\n') {
            end += line.len() - line.trim_end().len();
        }
    }
    (seen >= 32).then(|| Item::private("putty", encrypted, 0..end).algorithm(algorithm(kind.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(out: &mut Vec<u8>, body: &[u8]) {
        out.extend((body.len() as u32).to_be_bytes());
        out.extend(body);
    }

    fn shape(cipher: &[u8]) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        s(&mut out, cipher);
        s(&mut out, b"none");
        s(&mut out, b"");
        out.extend(1u32.to_be_bytes());
        let mut public = Vec::new();
        s(&mut public, b"ssh-ed25519");
        s(&mut public, &[7; 32]);
        s(&mut out, &public);
        s(&mut out, &[9; 136]);
        out
    }

    #[test]
    fn tells_cipher_and_algorithm() {
        let key = shape(b"none");
        let got = private_key(&key).unwrap();
        assert_eq!((got.encrypted, got.algorithm, got.range), (Some(false), Some("ed25519"), 0..key.len()));
        assert_eq!(private_key(&shape(b"aes256-ctr")).unwrap().encrypted, Some(true));
        assert!(private_key(&key[..key.len() - 10]).unwrap().properties.contains_key("truncated"));
        assert!(private_key(&key[..40]).is_none());
        for n in 0..key.len() {
            let _ = private_key(&key[..n]);
        }
    }

    #[test]
    fn putty_needs_a_body() {
        let body = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2";
        let ppk = format!(
            "PuTTY-User-Key-File-2: ssh-rsa\r\nEncryption: aes256-cbc\r\nComment: x\r\nPublic-Lines: 1\r\n{body}\r\nPrivate-Lines: 1\r\n{body}\r\nPrivate-MAC: 00\r\n"
        );
        let got = putty(&ppk).unwrap();
        assert_eq!((got.encrypted, got.algorithm), (Some(true), Some("rsa")));
        assert!(ppk[got.range].ends_with(&format!("{body}\r\n")));
        assert!(putty("PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nPrivate-Lines: 1\n").is_none());
    }
}
