//! OpenPGP packets (RFC 4880, RFC 9580): secret keys, keyrings, encrypted messages, signatures.

use crate::item::{Item, What};

/// A packet: its tag, its body, and the length of the whole encoding.
struct Packet<'a> {
    tag: u8,
    body: &'a [u8],
    len: usize,
}

fn packet(bytes: &[u8]) -> Option<Packet<'_>> {
    let (&first, rest) = bytes.split_first()?;
    if first & 0x80 == 0 {
        return None;
    }
    let (tag, header, len): (u8, usize, usize) = if first & 0x40 != 0 {
        let tag = first & 0x3f;
        match *rest.first()? {
            n @ 0..=191 => (tag, 2, usize::from(n)),
            n @ 192..=223 => (tag, 3, ((usize::from(n) - 192) << 8) + usize::from(*rest.get(1)?) + 192),
            255 => (tag, 6, u32::from_be_bytes(rest.get(1..5)?.try_into().ok()?) as usize),
            // Partial lengths, of data packets only: walk the chunks.
            _ => return partial(bytes, tag),
        }
    } else {
        let tag = (first >> 2) & 0x0f;
        match first & 3 {
            0 => (tag, 2, usize::from(*rest.first()?)),
            1 => (tag, 3, usize::from(u16::from_be_bytes(rest.get(..2)?.try_into().ok()?))),
            2 => (tag, 5, u32::from_be_bytes(rest.get(..4)?.try_into().ok()?) as usize),
            // Of indeterminate length, to the end: of data packets only.
            _ if matches!(tag, 8 | 9 | 11) => (tag, 1, rest.len()),
            _ => return None,
        }
    };
    let end = header.checked_add(len)?;
    Some(Packet { tag, body: bytes.get(header..end)?, len: end })
}

fn partial(bytes: &[u8], tag: u8) -> Option<Packet<'_>> {
    if !matches!(tag, 8 | 9 | 11 | 18 | 20) {
        return None;
    }
    let mut at = 1;
    loop {
        let (header, len, last) = match *bytes.get(at)? {
            n @ 224..=254 => (1, 1usize << (n & 0x1f), false),
            n @ 0..=191 => (1, usize::from(n), true),
            n @ 192..=223 => (2, ((usize::from(n) - 192) << 8) + usize::from(*bytes.get(at + 1)?) + 192, true),
            255 => (5, u32::from_be_bytes(bytes.get(at + 1..at + 5)?.try_into().ok()?) as usize, true),
        };
        at = at.checked_add(header)?.checked_add(len)?;
        if last {
            return Some(Packet { tag, body: bytes.get(2..at)?, len: at });
        }
    }
}

/// Length of `count` multi-precision integers.
fn mpis(body: &[u8], count: usize) -> Option<usize> {
    let mut at = 0;
    for _ in 0..count {
        let bits = usize::from(u16::from_be_bytes(body.get(at..at + 2)?.try_into().ok()?));
        if bits > 32_768 {
            return None;
        }
        at += 2 + bits.div_ceil(8);
    }
    (at <= body.len()).then_some(at)
}

/// Length of the public part of a key and its algorithm.
fn public_part(algorithm: u8, body: &[u8]) -> Option<(usize, &'static str)> {
    let curve = || body.first().map(|n| 1 + usize::from(*n)).filter(|n| (2..=32).contains(n));
    let after_curve = |count| {
        let skip = curve()?;
        Some(skip + mpis(body.get(skip..)?, count)?)
    };
    Some(match algorithm {
        1..=3 => (mpis(body, 2)?, "rsa"),
        16 | 20 => (mpis(body, 3)?, "elgamal"),
        17 => (mpis(body, 4)?, "dsa"),
        18 => {
            let at = after_curve(1)?;
            (at + 1 + usize::from(*body.get(at)?), "ecdh")
        }
        19 => (after_curve(1)?, "ec"),
        22 => (after_curve(1)?, "ed25519"),
        25 => (32, "x25519"),
        26 => (56, "x448"),
        27 => (32, "ed25519"),
        28 => (57, "ed448"),
        _ => return None,
    })
}

/// The secret key of a packet of tag 5 or 7; or that it is a stub without secret part (`gnu-dummy`, keys on cards).
fn secret(body: &[u8]) -> Option<(bool, &'static str, bool)> {
    let (algorithm, at) = match *body.first()? {
        2 | 3 => (*body.get(7)?, 8),
        4 => (*body.get(5)?, 6),
        5 | 6 => (*body.get(5)?, 10),
        _ => return None,
    };
    let (len, name) = public_part(algorithm, body.get(at..)?)?;
    let rest = body.get(at + len..)?;
    let (&usage, rest) = rest.split_first()?;
    let stub = matches!(usage, 253..=255) && rest.get(1) == Some(&101) && rest.get(3..6) == Some(b"GNU");
    (stub || rest.len() >= 16).then_some((usage != 0, name, stub))
}

/// Whether a number names a public-key algorithm.
fn is_algorithm(n: u8) -> bool {
    matches!(n, 1..=3 | 16..=20 | 22 | 25..=28)
}

/// What a binary OpenPGP file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyring {
    /// Secret keys.
    pub items: Vec<Item>,
    /// Ranges of encrypted data.
    pub encrypted: Vec<std::ops::Range<usize>>,
    /// Bytes of whole packets from the start.
    pub len: usize,
    /// Whether it begins with a public or secret key, a signature or an encrypted session key (and not with bare literal data).
    pub known: bool,
}

/// Reads the packets of `bytes` from the start as far as they are sound.
#[must_use]
pub fn packets(bytes: &[u8]) -> Keyring {
    let mut ring = Keyring { items: Vec::new(), encrypted: Vec::new(), len: 0, known: false };
    let mut count = 0u32;
    while let Some(p) = bytes.get(ring.len..).and_then(packet) {
        let start = ring.len;
        let sound = match p.tag {
            1 => match p.body {
                [2 | 3, rest @ ..] => rest.len() >= 24 && matches!(rest[8], 1..=3 | 16..=18 | 20 | 25 | 26),
                [6, rest @ ..] => rest.len() >= 24,
                _ => false,
            },
            2 => match p.body {
                [3, 5, rest @ ..] => rest.len() >= 16 && is_algorithm(rest[13]),
                [4..=6, kind, key, hash, rest @ ..] => {
                    matches!(kind, 0..=2 | 0x10..=0x13 | 0x16 | 0x18 | 0x19 | 0x1f | 0x20 | 0x28 | 0x30 | 0x40 | 0x50)
                        && is_algorithm(*key)
                        && matches!(hash, 1..=3 | 8..=12 | 14)
                        && rest.len() >= 16
                }
                _ => false,
            },
            3 => {
                matches!(p.body, [4..=6, cipher, mode, ..] if *cipher <= 13 && *mode <= 4)
                    && (4..256).contains(&p.body.len())
            }
            5 | 7 => match secret(p.body) {
                Some((encrypted, algorithm, stub)) => {
                    if !stub {
                        let item = Item::private("openpgp", Some(encrypted), start..start + p.len);
                        ring.items.push(item.algorithm(Some(algorithm)));
                    }
                    true
                }
                None => false,
            },
            6 | 14 => {
                let at = match p.body.first() {
                    Some(2 | 3) => 7,
                    Some(4..=6) => 5,
                    _ => break,
                };
                let skip = if matches!(p.body.first(), Some(5 | 6)) { 5 } else { 1 };
                p.body.get(at).zip(p.body.get(at + skip..)).is_some_and(|(a, b)| public_part(*a, b).is_some())
            }
            9 | 18 | 20 => {
                ring.encrypted.push(start..start + p.len);
                count > 0
            }
            // Trust, user id, user attribute, modification detection, marker, padding.
            10 | 12 | 13 | 17 | 19 | 21 => count > 0 && p.body.len() <= 1 << 20,
            _ => false,
        };
        if !sound {
            ring.encrypted.retain(|r| r.start < start);
            break;
        }
        ring.known |= count == 0 && matches!(p.tag, 1..=3 | 5 | 6);
        ring.len += p.len;
        count += 1;
        if count > 100_000 {
            break;
        }
    }
    ring
}

/// The first secret key among the packets of `bytes`, with the range of all of them.
#[must_use]
pub fn secret_key(bytes: &[u8]) -> Option<Item> {
    let ring = packets(bytes);
    let first = ring.items.first()?;
    let mut item = Item::new(What::PrivateKey, "openpgp", 0..ring.len).algorithm(first.algorithm);
    item.encrypted = Some(ring.items.iter().all(|i| i.encrypted == Some(true)));
    Some(item)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rsa_secret(usage: u8) -> Vec<u8> {
        let mut body = vec![4, 0x60, 0, 0, 0, 1];
        body.extend([0x08, 0x00]);
        body.extend([0xaa; 256]);
        body.extend([0, 17, 1, 0, 1, usage]);
        body.extend([7; 400]);
        let mut out = vec![0x95];
        out.extend((body.len() as u16).to_be_bytes());
        out.extend(body);
        out
    }

    #[test]
    fn secret_keys_tell_their_protection() {
        assert_eq!(secret_key(&rsa_secret(0)).unwrap().encrypted, Some(false));
        let got = secret_key(&rsa_secret(254)).unwrap();
        assert_eq!((got.encrypted, got.algorithm), (Some(true), Some("rsa")));
        let mut public = rsa_secret(0);
        public[0] = 0x99;
        assert!(secret_key(&public).is_none());
        assert_eq!(packets(&public).len, public.len());
    }

    #[test]
    fn partial_lengths_are_walked() {
        // A session key packet, then encrypted data in chunks of 2, 1 and 3 bytes.
        let mut bytes = vec![0xc1, 30, 3, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        bytes.extend([0; 20]);
        let at = bytes.len();
        bytes.extend([0xd2, 225, 1, 2, 224, 3, 3, 4, 5, 6]);
        let ring = packets(&bytes);
        assert_eq!((ring.len, ring.encrypted.len(), ring.encrypted[0].clone()), (bytes.len(), 1, at..bytes.len()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0usize..600, xor in any::<u8>()) {
            prop_assert!(packets(&bytes).len <= bytes.len());
            let mut key = rsa_secret(0);
            let n = key.len();
            key[at % n] ^= xor;
            prop_assert!(packets(&key).len <= key.len());
        }
    }
}
