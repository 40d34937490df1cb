//! DER keys and certificates inside of other bytes. They are found by identifiers that they must hold at a fixed distance from their start,
//! then parsed whole; so the byte 0x30, which is everywhere, is never searched for.

use aho_corasick::{AhoCorasick, MatchKind};

use crate::item::{Item, What};
use crate::{der, openssh, private, x509};

/// How far before an identifier an item can begin, in bytes.
pub const BACK: usize = 128;
/// Longest item that is found, in bytes.
pub const LONGEST: usize = 16 << 10;

#[derive(Clone, Copy)]
enum Shape {
    /// The content of an AlgorithmIdentifier's OID in PKCS#8: version and two headers stand before it.
    Pkcs8,
    /// PBES2 in EncryptedPrivateKeyInfo: two headers stand before it.
    Encrypted,
    /// A curve in `[0]` behind the private key of SEC 1.
    Sec1,
    /// Version and the header of a modulus; one header stands before it.
    Pkcs1,
    /// Version 3 and a serial number; two headers of four bytes stand before it.
    Certificate,
    OpenSsh,
}

const PATTERNS: &[(&[u8], Shape)] = &[
    (&[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01], Shape::Pkcs8),
    (&[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01], Shape::Pkcs8),
    (&[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04], Shape::Pkcs8),
    (&[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04], Shape::Pkcs8),
    (&[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d, 0x30], Shape::Encrypted),
    (&[0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], Shape::Sec1),
    (&[0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d], Shape::Sec1),
    (&[0xa0, 0x07, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22], Shape::Sec1),
    (&[0xa0, 0x07, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23], Shape::Sec1),
    (&[0xa0, 0x07, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a], Shape::Sec1),
    (&[0x02, 0x01, 0x00, 0x02, 0x81, 0x81, 0x00], Shape::Pkcs1),
    (&[0x02, 0x01, 0x00, 0x02, 0x82, 0x01, 0x01, 0x00], Shape::Pkcs1),
    (&[0x02, 0x01, 0x00, 0x02, 0x82, 0x01, 0x81, 0x00], Shape::Pkcs1),
    (&[0x02, 0x01, 0x00, 0x02, 0x82, 0x02, 0x01, 0x00], Shape::Pkcs1),
    (&[0xa0, 0x03, 0x02, 0x01, 0x02, 0x02], Shape::Certificate),
    (openssh::MAGIC, Shape::OpenSsh),
];

/// Searches for all identifiers in one pass.
pub struct Sweep {
    automaton: AhoCorasick,
}

impl Default for Sweep {
    fn default() -> Self {
        Sweep::new()
    }
}

impl Sweep {
    /// Builds the search.
    ///
    /// # Panics
    /// Never: the patterns are fixed and few.
    #[must_use]
    pub fn new() -> Self {
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .build(PATTERNS.iter().map(|p| p.0))
            .expect("a handful of short fixed patterns always builds");
        Sweep { automaton }
    }

    /// Finds the items that begin in `bytes` and whose identifier lies in `from..to`. The result is the same however a stream is cut, as
    /// long as [`BACK`] bytes before `from` and [`LONGEST`] after `to` are in `bytes` where the stream has them.
    pub fn items(&self, bytes: &[u8], from: usize, to: usize, found: &mut dyn FnMut(Item)) {
        let mut at = from;
        // Identifiers may begin just before `to` and end behind it.
        while let Some(hit) = bytes.get(at..).and_then(|rest| self.automaton.find(rest)) {
            let start = at + hit.start();
            if start >= to {
                break;
            }
            // Only the next byte, not the end of the match: matches may overlap, and where they begin must not depend on cuts.
            at = start + 1;
            if let Some(item) = item_at(bytes, start, PATTERNS[hit.pattern().as_usize()].1) {
                found(item);
            }
        }
    }
}

/// The item whose identifier stands at `at`.
fn item_at(bytes: &[u8], at: usize, shape: Shape) -> Option<Item> {
    let key = |start: usize| {
        let window = &bytes[start..bytes.len().min(start + LONGEST)];
        private::private_key(window).map(|i| i.shifted(start))
    };
    match shape {
        Shape::OpenSsh => {
            let item = openssh::private_key(&bytes[at..bytes.len().min(at + LONGEST)])?;
            (!item.properties.contains_key("truncated")).then(|| item.shifted(at))
        }
        Shape::Certificate => {
            let start = at.checked_sub(8)?;
            let item = x509::certificate(&bytes[start..bytes.len().min(start + LONGEST)])?;
            (item.what == What::Certificate).then(|| item.shifted(start))
        }
        Shape::Pkcs1 => outer(bytes, at, at)?.find_map(key),
        Shape::Pkcs8 => {
            // `30 05 06 03` holds its own header; the others stand behind one of two bytes.
            let algorithm = if bytes[at] == 0x30 { at } else { at.checked_sub(2)? };
            let version = algorithm.checked_sub(3)?;
            matches!(bytes.get(version..algorithm)?, [0x02, 0x01, 0x00 | 0x01]).then_some(())?;
            outer(bytes, version, algorithm)?.find_map(key)
        }
        Shape::Encrypted => {
            let algorithm = at.checked_sub(2)?;
            [algorithm, algorithm.wrapping_sub(1)]
                .into_iter()
                .filter_map(|a| outer(bytes, a, a))
                .flatten()
                .find_map(key)
        }
        Shape::Sec1 => [32usize, 48, 66, 65, 31, 47, 24, 28].into_iter().find_map(|len| {
            let version = at.checked_sub(len + 5)?;
            let head = bytes.get(version..version + 5)?;
            (head[..4] == [0x02, 0x01, 0x01, 0x04] && usize::from(head[4]) == len).then_some(())?;
            outer(bytes, version, at)?.find_map(key)
        }),
    }
}

/// Starts of a SEQUENCE whose content begins at `content` and reaches beyond `past`.
fn outer(bytes: &[u8], content: usize, past: usize) -> Option<impl Iterator<Item = usize>> {
    let starts: Vec<usize> = [2usize, 3, 4]
        .into_iter()
        .filter_map(|n| content.checked_sub(n))
        .filter(|&s| {
            matches!(der::header(&bytes[s..]), Some((der::SEQUENCE, h, Some(len))) if s + h == content && content + len > past)
        })
        .collect();
    (!starts.is_empty()).then(|| starts.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der::build::{of, tlv};
    use crate::oid;
    use crate::private::tests::{ec_shape, pkcs8_shape, rsa_shape};
    use crate::x509::tests::certificate_shape;

    #[test]
    fn embedded_items_are_found_at_their_place() {
        let rsa = [tlv(6, oid::RSA), vec![5, 0]];
        let inner = rsa_shape(256, 3);
        let encrypted = of(0x30, &[of(0x30, &[tlv(6, oid::PBES2), tlv(0x30, &[5, 0])]), tlv(4, &[3; 64])]);
        let mut bytes = vec![0x30; 40];
        let mut expected = Vec::new();
        for (form, item) in [
            ("pkcs8", pkcs8_shape(&inner, &rsa)),
            ("pkcs1", inner),
            ("sec1", ec_shape(true)),
            ("pkcs8", pkcs8_shape(&ec_shape(false), &[tlv(6, oid::EC), tlv(6, oid::CURVES[1].0)])),
            ("pkcs8", pkcs8_shape(&tlv(4, &[8; 32]), &[tlv(6, oid::ED25519)])),
            ("pkcs8", encrypted),
            ("x509", certificate_shape("a", "b", &[])),
        ] {
            expected.push((form, bytes.len()..bytes.len() + item.len()));
            bytes.extend(&item);
            bytes.extend([0xff, 0x30, 0x82, 0x02]);
        }
        let mut found = Vec::new();
        Sweep::new().items(&bytes, 0, bytes.len(), &mut |i| found.push((i.form, i.range)));
        // The PKCS#1 key inside of PKCS#8 is found as well; who reports drops what lies inside of another.
        found.retain(|f| expected.iter().any(|e| e.1 == f.1));
        assert_eq!(found, expected);
    }
}
