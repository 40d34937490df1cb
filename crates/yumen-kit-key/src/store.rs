//! Key stores: PKCS#12 (RFC 7292), Java's JKS and JCEKS, Bouncy Castle's BKS.

use std::ops::Range;

use crate::der::{OCTET_STRING, OID, Reader, SEQUENCE, header, octets, value};
use crate::item::{Item, What};
use crate::{cms, oid, private, x509};

/// Most entries that are read from one store.
const MAX_ENTRIES: usize = 100_000;
/// Largest content of a PKCS#12 store, in bytes.
const MAX_CONTENT: usize = 16 << 20;

/// What a store holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Store {
    /// Format: `pkcs12`, `jks`, `jceks`, `bks`.
    pub format: &'static str,
    /// Keys and certificates that can be told without the password.
    pub items: Vec<Item>,
    /// Encrypted bytes whose content can't be told.
    pub encrypted: Vec<Range<usize>>,
    /// Bytes of the whole store.
    pub len: usize,
}

/// The store that begins `bytes`, when all of its structure is there.
#[must_use]
pub fn store(bytes: &[u8]) -> Option<Store> {
    match bytes.get(..4)? {
        [0xfe, 0xed, 0xfe, 0xed] => java(bytes, "jks"),
        [0xce, 0xce, 0xce, 0xce] => java(bytes, "jceks"),
        [0, 0, 0, 1 | 2] => bouncy_castle(bytes),
        [SEQUENCE, ..] => pkcs12(bytes),
        _ => None,
    }
}

/// Offset of `part` in `whole`; none when it was put together from pieces.
fn place(whole: &[u8], part: &[u8]) -> Option<usize> {
    let (start, at) = (whole.as_ptr() as usize, part.as_ptr() as usize);
    at.checked_sub(start).filter(|o| o + part.len() <= whole.len())
}

fn pkcs12(bytes: &[u8]) -> Option<Store> {
    let whole = value(bytes)?;
    let mut pfx = Reader::new(whole.body);
    if pfx.small() != Some(3) {
        return None;
    }
    let info_bytes = pfx.rest();
    let (kind, _) = cms::content_type(info_bytes)?;
    let mut info = pfx.open(SEQUENCE)?;
    info.any()?;
    let mut content = info.open(0xa0)?;
    // Data; or signed data, whose content stands one level deeper.
    if kind == 2 {
        let mut signed = content.open(SEQUENCE)?;
        signed.any()?;
        signed.any()?;
        let mut inner = signed.open(SEQUENCE)?;
        inner.any()?;
        content = inner.open(0xa0)?;
    } else if kind != 1 {
        return None;
    }
    let tlv = content.any()?;
    let safe = octets(&tlv, MAX_CONTENT)?;
    let mut store = Store { format: "pkcs12", items: Vec::new(), encrypted: Vec::new(), len: whole.len };
    let mut list = Reader::new(&safe).open(SEQUENCE)?;
    let all = 0..whole.len;
    while !list.is_empty() && store.items.len() < MAX_ENTRIES {
        let at = list.rest();
        let (kind, len) = cms::content_type(at)?;
        let mut info = list.open(SEQUENCE)?;
        info.any()?;
        if kind == 1 {
            let tlv = info.open(0xa0)?.any()?;
            let bags = octets(&tlv, MAX_CONTENT)?;
            bags_of(&bags, 0, &mut |part, item: Item| {
                let range = place(bytes, part).map_or(all.clone(), |o| o..o + part.len());
                store.items.push(Item { range, ..item });
            });
        } else {
            store.encrypted.push(place(bytes, at).map_or(all.clone(), |o| o..o + len));
        }
    }
    Some(store)
}

/// The bags of SafeContents: type and value of each; nested ones up to a depth of 4.
fn bags_of<'a>(bytes: &'a [u8], depth: u8, found: &mut dyn FnMut(&'a [u8], Item)) -> Option<()> {
    let mut list = Reader::new(bytes).open(SEQUENCE)?;
    let mut count = 0;
    while !list.is_empty() && count < MAX_ENTRIES {
        count += 1;
        let mut bag = list.open(SEQUENCE)?;
        let id = bag.take(OID)?;
        let content = bag.take(0xa0)?;
        let Some(kind) = id.strip_prefix(oid::PKCS12_BAGS) else { continue };
        match kind {
            [1] | [2] => {
                let item = private::private_key(content).map(|i| Item { form: "pkcs12", ..i });
                found(content, item.unwrap_or_else(|| Item::private("pkcs12", Some(kind == [2]), 0..0)));
            }
            [3] => {
                let mut cert = Reader::new(content).open(SEQUENCE)?;
                if cert.take(OID) == Some(oid::X509_CERTIFICATE)
                    && let Some(der) = cert.open(0xa0).and_then(|mut c| c.take(OCTET_STRING))
                    && let Some(item) = x509::certificate(der)
                {
                    found(der, item);
                }
            }
            [5] => {
                // A secret: of any kind, mostly wrapped as a shrouded key.
                found(content, Item::private("pkcs12", None, 0..0).algorithm(Some("secret")));
            }
            [6] if depth < 4 => {
                bags_of(content, depth + 1, found);
            }
            _ => {}
        }
    }
    Some(())
}

/// Reads big-endian fields of Java stores.
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(n)?;
        let part = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(part)
    }
    fn u16(&mut self) -> Option<usize> {
        self.take(2).map(|b| usize::from(u16::from_be_bytes([b[0], b[1]])))
    }
    fn u32(&mut self) -> Option<usize> {
        let b = self.take(4)?;
        usize::try_from(u32::from_be_bytes([b[0], b[1], b[2], b[3]])).ok()
    }
    fn text(&mut self) -> Option<&'a [u8]> {
        let n = self.u16()?;
        self.take(n)
    }
    /// A certificate with its type; pushed when it is X.509.
    fn certificate(&mut self, items: &mut Vec<Item>) -> Option<()> {
        let kind = self.text()?;
        let len = self.u32()?;
        let start = self.at;
        let der = self.take(len)?;
        if kind.starts_with(b"X.509") || kind.starts_with(b"X509") {
            items.extend(x509::certificate(der).map(|c| c.shifted(start)));
        }
        Some(())
    }
}

fn java(bytes: &[u8], format: &'static str) -> Option<Store> {
    let mut f = Fields { bytes, at: 4 };
    if !matches!(f.u32()?, 1 | 2) {
        return None;
    }
    let count = f.u32()?;
    if count > MAX_ENTRIES {
        return None;
    }
    let mut store = Store { format, items: Vec::new(), encrypted: Vec::new(), len: 0 };
    for _ in 0..count {
        let start = f.at;
        let tag = f.u32()?;
        f.text()?;
        f.take(8)?;
        match tag {
            1 => {
                let len = f.u32()?;
                f.take(len)?;
                let end = f.at;
                let chain = f.u32()?.min(MAX_ENTRIES);
                let before = store.items.len();
                store.items.push(Item::private(format, Some(true), start..end));
                for _ in 0..chain {
                    f.certificate(&mut store.items)?;
                }
                let algorithm = store.items.get(before + 1).and_then(|c| c.algorithm);
                if let Some(key) = store.items.get_mut(before) {
                    key.algorithm = algorithm;
                }
            }
            2 => f.certificate(&mut store.items)?,
            3 if format == "jceks" => {
                // A sealed Java object: it does not tell its length. Entries behind it are found by their own certificates only.
                let end = bytes.len().checked_sub(20)?;
                if !bytes.get(f.at..)?.starts_with(&[0xac, 0xed, 0, 5]) {
                    return None;
                }
                store.items.push(Item::private(format, Some(true), start..end).algorithm(Some("secret")));
                store.encrypted.push(f.at..end);
                f.at = end;
                break;
            }
            _ => return None,
        }
    }
    f.take(20)?;
    store.len = f.at;
    Some(store)
}

fn bouncy_castle(bytes: &[u8]) -> Option<Store> {
    let mut f = Fields { bytes, at: 4 };
    let salt = f.u32()?;
    if !(8..=64).contains(&salt) {
        return None;
    }
    f.take(salt)?;
    let iterations = f.u32()?;
    if !(1..=10_000_000).contains(&iterations) {
        return None;
    }
    let mut store = Store { format: "bks", items: Vec::new(), encrypted: Vec::new(), len: 0 };
    let mut entries = 0;
    loop {
        let start = f.at;
        let tag = f.take(1)?[0];
        if tag == 0 {
            break;
        }
        entries += 1;
        if entries > MAX_ENTRIES {
            return None;
        }
        f.text()?;
        f.take(8)?;
        for _ in 0..f.u32()?.min(MAX_ENTRIES) {
            f.certificate(&mut store.items)?;
        }
        match tag {
            1 => f.certificate(&mut store.items)?,
            2 => {
                let kind = f.take(1)?[0];
                f.text()?;
                f.text()?;
                let len = f.u32()?;
                f.take(len)?;
                // 1 is a public key.
                if kind != 1 {
                    store.items.push(Item::private("bks", Some(false), start..f.at));
                }
            }
            3 | 4 => {
                let len = f.u32()?;
                f.take(len)?;
                store.items.push(Item::private("bks", Some(tag == 4), start..f.at));
            }
            _ => return None,
        }
    }
    f.take(20)?;
    store.len = f.at;
    Some(store)
}

/// Whether `head` begins as a store or a DER structure may begin, and how long the whole then is; for a look before all is read.
#[must_use]
pub fn announced_length(head: &[u8]) -> Option<u64> {
    match header(head)? {
        (SEQUENCE, header, Some(len)) => Some((header + len) as u64),
        _ => None,
    }
}

/// Counts the private keys of a store.
#[must_use]
pub fn private_keys(store: &Store) -> usize {
    store.items.iter().filter(|i| i.what == What::PrivateKey).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der::build::{of, tlv};
    use crate::private::tests::{pkcs8_shape, rsa_shape};
    use crate::x509::tests::certificate_shape;
    use proptest::prelude::*;

    fn bag(kind: u8, content: &[u8]) -> Vec<u8> {
        of(SEQUENCE, &[tlv(OID, &[oid::PKCS12_BAGS, &[kind]].concat()), tlv(0xa0, content)])
    }

    fn pfx(bags: &[Vec<u8>], encrypted: bool) -> Vec<u8> {
        let content =
            |kind: u8, body: Vec<u8>| of(SEQUENCE, &[tlv(OID, &[oid::PKCS7, &[kind]].concat()), tlv(0xa0, &body)]);
        let mut safe = vec![content(1, tlv(OCTET_STRING, &of(SEQUENCE, bags)))];
        if encrypted {
            safe.push(content(6, of(SEQUENCE, &[tlv(2, &[0]), tlv(SEQUENCE, &[])])));
        }
        of(SEQUENCE, &[tlv(2, &[3]), content(1, tlv(OCTET_STRING, &of(SEQUENCE, &safe)))])
    }

    #[test]
    fn pkcs12_tells_bags_and_what_is_closed() {
        let key = pkcs8_shape(&rsa_shape(128, 2), &[tlv(OID, oid::RSA), vec![5, 0]]);
        let shrouded = of(SEQUENCE, &[of(SEQUENCE, &[tlv(OID, oid::PBES2)]), tlv(OCTET_STRING, &[1; 64])]);
        let cert = certificate_shape("a", "b", &[]);
        let cert_bag = of(SEQUENCE, &[tlv(OID, oid::X509_CERTIFICATE), tlv(0xa0, &tlv(OCTET_STRING, &cert))]);
        let bytes = pfx(&[bag(1, &key), bag(2, &shrouded), bag(3, &cert_bag)], true);
        let got = store(&bytes).unwrap();
        assert_eq!(got.len, bytes.len());
        let told: Vec<_> = got.items.iter().map(|i| (i.form, i.encrypted)).collect();
        assert_eq!(told, [("pkcs12", Some(false)), ("pkcs12", Some(true)), ("x509", None)]);
        assert_eq!(&bytes[got.items[2].range.clone()], cert.as_slice());
        assert_eq!(got.encrypted.len(), 1);
        assert!(store(&pfx(&[], false)).unwrap().items.is_empty());
    }

    fn text(s: &str) -> Vec<u8> {
        [&(s.len() as u16).to_be_bytes()[..], s.as_bytes()].concat()
    }

    #[test]
    fn java_stores_tell_entries() {
        let cert = certificate_shape("a", "b", &[]);
        let x509 = [text("X.509"), (cert.len() as u32).to_be_bytes().to_vec(), cert].concat();
        let n = |v: u32| v.to_be_bytes().to_vec();
        let jks = [
            vec![0xfe, 0xed, 0xfe, 0xed],
            n(2),
            n(2),
            [n(1), text("key"), vec![0; 8], n(64), vec![7; 64], n(1), x509.clone()].concat(),
            [n(2), text("ca"), vec![0; 8], x509.clone()].concat(),
            vec![9; 20],
        ]
        .concat();
        let got = store(&jks).unwrap();
        assert_eq!((got.len, got.items.len(), private_keys(&got)), (jks.len(), 3, 1));
        assert_eq!(got.items[0].algorithm, Some("rsa"));
        let bks = [
            n(2),
            [n(20), vec![1; 20], n(1024)].concat(),
            [vec![4], text("k"), vec![0; 8], n(1), x509, n(40), vec![3; 40]].concat(),
            vec![0],
            vec![9; 20],
        ]
        .concat();
        let got = store(&bks).unwrap();
        assert_eq!((got.format, got.items.len(), private_keys(&got)), ("bks", 2, 1));
        for cut in 0..jks.len() {
            assert!(store(&jks[..cut]).is_none());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(
            magic in 0usize..4, bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..900, xor in any::<u8>(),
        ) {
            const MAGICS: [&[u8]; 4] =
                [&[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2], &[0xce, 0xce, 0xce, 0xce, 0, 0, 0, 2], &[0, 0, 0, 2], &[0x30, 0x82, 1, 0]];
            let _ = store(&[MAGICS[magic], &bytes].concat());
            let mut p12 = pfx(&[bag(1, &rsa_shape(128, 2)), bag(6, &of(SEQUENCE, &[bag(2, &[])]))], true);
            let n = p12.len();
            p12[at % n] ^= xor;
            let _ = store(&p12);
        }
    }
}
