//! Private keys in DER: PKCS#1 (RFC 8017 A.1.2), PKCS#8 and OneAsymmetricKey (RFC 5958), its encrypted form, SEC 1 (RFC 5915), OpenSSL's DSA.

use crate::der::{BIT_STRING, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, header, value};
use crate::item::Item;
use crate::oid;

/// The private key at the start of `bytes`, in any of the DER forms, when its whole structure is there and plausible.
#[must_use]
pub fn private_key(bytes: &[u8]) -> Option<Item> {
    let whole = value(bytes).filter(|t| t.tag == SEQUENCE)?;
    let parse = [pkcs8, encrypted_pkcs8, pkcs1, sec1, dsa];
    parse.iter().find_map(|p| p(whole.body)).map(|mut item| {
        item.range = 0..whole.len;
        item
    })
}

/// What begins as a private key although the data ends before it does: the item, and how much of it is there (0 to 1).
#[must_use]
pub fn truncated_private_key(bytes: &[u8]) -> Option<(Item, f64)> {
    let (SEQUENCE, head, Some(len)) = header(bytes)? else { return None };
    let body = bytes.get(head..)?;
    if body.len() >= len || len > 1 << 16 {
        return None;
    }
    // Half a key is believed only where it is as random as one.
    let distinct = body.iter().collect::<std::collections::BTreeSet<_>>().len();
    if distinct < (body.len() / 5).min(64) {
        return None;
    }
    let share = body.len() as f64 / len as f64;
    let mut r = Reader::new(body);
    let range = 0..bytes.len();
    let item = match r.small() {
        // PKCS#8: version, algorithm, then the key.
        Some(0 | 1) if r.rest().first() == Some(&SEQUENCE) => {
            let algorithm = oid::key_algorithm(r.open(SEQUENCE)?.take(OID)?)?;
            (r.rest().first() == Some(&OCTET_STRING))
                .then(|| Item::private("pkcs8", Some(false), range).algorithm(Some(algorithm)))?
        }
        // PKCS#1: version, a modulus of a usual size.
        Some(0) => {
            let (INTEGER, _, Some(n)) = header(r.rest())? else { return None };
            let about = [2, 4, 5].contains(&(len * 2 / n.max(1))) || (len / n.max(1)) == 4;
            (n >= 64 && n % 8 <= 1 && about)
                .then(|| Item::private("pkcs1", Some(false), range).algorithm(Some("rsa")))?
        }
        Some(1) if matches!(r.take(OCTET_STRING), Some(k) if (16..=72).contains(&k.len())) => {
            Item::private("sec1", Some(false), range).algorithm(Some("ec"))
        }
        Some(_) => return None,
        None => {
            let mut r = Reader::new(body);
            let oid = r.open(SEQUENCE)?.take(OID)?;
            (oid::is_key_encryption(oid) && r.rest().first() == Some(&OCTET_STRING))
                .then(|| Item::private("pkcs8", Some(true), range))?
        }
    };
    Some((item, share))
}

fn pkcs8(body: &[u8]) -> Option<Item> {
    let mut r = Reader::new(body);
    if !matches!(r.small(), Some(0 | 1)) {
        return None;
    }
    let mut algorithm_id = r.open(SEQUENCE)?;
    let algorithm_oid = algorithm_id.take(OID)?;
    let key = r.take(OCTET_STRING)?;
    // Attributes [0], public key [1]; nothing else may follow.
    while !r.is_empty() {
        if !matches!(r.any()?.tag, 0xa0 | 0x80 | 0xa1 | 0x81) {
            return None;
        }
    }
    let algorithm = oid::key_algorithm(algorithm_oid);
    let item = Item::private("pkcs8", Some(false), 0..0).algorithm(algorithm);
    let inner = value(key);
    match algorithm {
        Some("rsa" | "rsa-pss" | "rsa-oaep") => {
            let inner = pkcs1(inner.filter(|t| t.tag == SEQUENCE)?.body)?;
            Some(Item { properties: inner.properties, ..item })
        }
        Some("ec" | "sm2") => {
            let curve = algorithm_id.take(OID);
            let inner = sec1_with(inner.filter(|t| t.tag == SEQUENCE)?.body, curve)?;
            Some(Item { properties: inner.properties, algorithm: inner.algorithm, ..item })
        }
        Some("ed25519" | "x25519" | "ed448" | "x448") => {
            let seed = inner.filter(|t| t.tag == OCTET_STRING)?.body.len();
            matches!(seed, 32 | 56 | 57).then_some(item)
        }
        Some("dsa" | "dh") => inner.filter(|t| t.tag == INTEGER && t.body.len() >= 16).map(|_| item),
        Some(_) => (key.len() >= 32).then_some(item),
        // An algorithm not known here: the frame must be exact and the key a structure of its own.
        None => {
            (key.len() >= 32 && algorithm_oid.len() >= 3 && inner.is_some_and(|t| t.len == key.len())).then_some(item)
        }
    }
}

fn encrypted_pkcs8(body: &[u8]) -> Option<Item> {
    let mut r = Reader::new(body);
    let oid = r.open(SEQUENCE)?.take(OID)?;
    let data = r.take(OCTET_STRING)?;
    (oid::is_key_encryption(oid) && data.len() >= 16 && r.is_empty()).then(|| Item::private("pkcs8", Some(true), 0..0))
}

fn pkcs1(body: &[u8]) -> Option<Item> {
    let mut r = Reader::new(body);
    let version = r.small().filter(|v| *v <= 1)?;
    let (n, bits) = r.unsigned()?;
    let (e, e_bits) = r.unsigned()?;
    let (_, d_bits) = r.unsigned()?;
    let (p, p_bits) = r.unsigned()?;
    let (q, q_bits) = r.unsigned()?;
    for _ in 0..3 {
        r.unsigned()?;
    }
    let odd = |x: &[u8]| x.last().is_some_and(|b| b & 1 == 1);
    let two_primes =
        version == 1 || p_bits.abs_diff(bits - p_bits.min(bits)) <= 64 && (p_bits + q_bits).abs_diff(bits) <= 1;
    let plausible = (384..=32_768).contains(&bits) && odd(n) && odd(e) && odd(p) && odd(q);
    let plausible = plausible && (2..=256).contains(&e_bits) && d_bits > bits / 8 && d_bits <= bits && two_primes;
    (plausible && (r.is_empty() || version == 1))
        .then(|| Item::private("pkcs1", Some(false), 0..0).algorithm(Some("rsa")).with("bits", bits))
}

fn sec1(body: &[u8]) -> Option<Item> {
    sec1_with(body, None)
}

fn sec1_with(body: &[u8], curve: Option<&[u8]>) -> Option<Item> {
    let mut r = Reader::new(body);
    if r.small() != Some(1) {
        return None;
    }
    let key = r.take(OCTET_STRING).filter(|k| (14..=72).contains(&k.len()))?;
    let mut curve = curve;
    if let Some(mut parameters) = r.open(0xa0) {
        curve = parameters.take(OID).or(curve);
    }
    if let Some(mut public) = r.open(0xa1) {
        public.take(BIT_STRING).filter(|p| p.len() > key.len())?;
    }
    if !r.is_empty() {
        return None;
    }
    let algorithm = if curve == Some(oid::SM2) { "sm2" } else { "ec" };
    let item = Item::private("sec1", Some(false), 0..0).algorithm(Some(algorithm));
    Some(match curve.and_then(oid::curve) {
        Some((name, bits)) => item.with("curve", name).with("bits", bits),
        None => item,
    })
}

fn dsa(body: &[u8]) -> Option<Item> {
    let mut r = Reader::new(body);
    if r.small() != Some(0) {
        return None;
    }
    let (_, p) = r.unsigned()?;
    let (_, q) = r.unsigned()?;
    let (_, g) = r.unsigned()?;
    let (_, y) = r.unsigned()?;
    let (_, x) = r.unsigned()?;
    let plausible = (512..=16_384).contains(&p) && (160..=512).contains(&q) && x <= q && x > q / 2 && g <= p && y <= p;
    (plausible && r.is_empty()).then(|| Item::private("dsa", Some(false), 0..0).algorithm(Some("dsa")).with("bits", p))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::der::build::{integer, of, tlv};
    use crate::item::What;
    use proptest::prelude::*;

    /// A made-up key with the shape of RSA; its numbers are no primes.
    pub(crate) fn rsa_shape(bytes: usize, seed: u8) -> Vec<u8> {
        let half = bytes / 2;
        let parts = [(bytes, 1), (0, 0), (bytes, 3), (half, 5), (half, 7), (half, 9), (half, 11), (half, 13)];
        let mut all = vec![tlv(2, &[0])];
        all.extend(
            parts.iter().map(|&(n, s)| if n == 0 { tlv(2, &[1, 0, 1]) } else { integer(n, seed.wrapping_add(s)) }),
        );
        of(SEQUENCE, &all)
    }

    pub(crate) fn pkcs8_shape(inner: &[u8], algorithm: &[Vec<u8>]) -> Vec<u8> {
        of(SEQUENCE, &[tlv(2, &[0]), of(SEQUENCE, algorithm), tlv(OCTET_STRING, inner)])
    }

    pub(crate) fn ec_shape(with_curve: bool) -> Vec<u8> {
        let key: Vec<u8> = (0u8..32).map(|i| i.wrapping_mul(91).wrapping_add(7)).collect();
        let public = [vec![0, 4], key.repeat(2)].concat();
        let mut parts = vec![tlv(2, &[1]), tlv(OCTET_STRING, &key)];
        if with_curve {
            parts.push(tlv(0xa0, &tlv(OID, oid::CURVES[1].0)));
        }
        parts.push(tlv(0xa1, &tlv(BIT_STRING, &public)));
        of(SEQUENCE, &parts)
    }

    #[test]
    fn every_der_form_is_told() {
        let rsa = rsa_shape(256, 1);
        let got = private_key(&rsa).unwrap();
        assert_eq!((got.form, got.algorithm, got.properties["bits"].as_u64()), ("pkcs1", Some("rsa"), Some(2048)));
        let wrapped = pkcs8_shape(&rsa, &[tlv(OID, oid::RSA), vec![5, 0]]);
        let got = private_key(&wrapped).unwrap();
        assert_eq!((got.form, got.encrypted, got.range), ("pkcs8", Some(false), 0..wrapped.len()));
        let got = private_key(&ec_shape(true)).unwrap();
        assert_eq!((got.form, got.properties["curve"].as_str()), ("sec1", Some("secp256r1")));
        let sm2 = pkcs8_shape(&ec_shape(false), &[tlv(OID, oid::EC), tlv(OID, oid::SM2)]);
        assert_eq!(private_key(&sm2).unwrap().algorithm, Some("sm2"));
        let ed = pkcs8_shape(&tlv(OCTET_STRING, &[9; 32]), &[tlv(OID, oid::ED25519)]);
        assert_eq!(private_key(&ed).unwrap().algorithm, Some("ed25519"));
        let encrypted =
            of(SEQUENCE, &[of(SEQUENCE, &[tlv(OID, oid::PBES2), vec![0x30, 0]]), tlv(OCTET_STRING, &[3; 64])]);
        assert_eq!(private_key(&encrypted).unwrap().encrypted, Some(true));
        let dsa = of(
            SEQUENCE,
            &[tlv(2, &[0]), integer(128, 1), integer(20, 2), integer(128, 3), integer(127, 4), integer(20, 2)],
        );
        assert_eq!(private_key(&dsa).unwrap().form, "dsa");
    }

    #[test]
    fn a_public_key_or_any_sequence_is_none() {
        let public = of(SEQUENCE, &[integer(256, 1), tlv(2, &[1, 0, 1])]);
        assert!(private_key(&public).is_none());
        let spki = of(SEQUENCE, &[of(SEQUENCE, &[tlv(OID, oid::RSA), vec![5, 0]]), tlv(BIT_STRING, &public)]);
        assert!(private_key(&spki).is_none());
        assert!(private_key(&tlv(SEQUENCE, b"hello")).is_none());
        let small: Vec<Vec<u8>> = (0..9).map(|i| tlv(2, &[i])).collect();
        assert!(private_key(&of(SEQUENCE, &small)).is_none());
    }

    #[test]
    fn a_key_cut_short_still_begins_as_one() {
        let rsa = rsa_shape(256, 1);
        let wrapped = pkcs8_shape(&rsa, &[tlv(OID, oid::RSA), vec![5, 0]]);
        for key in [&rsa, &wrapped] {
            let (item, share) = truncated_private_key(&key[..key.len() * 3 / 4]).unwrap();
            assert_eq!(item.what, What::PrivateKey);
            assert!(share > 0.7 && share < 0.8);
        }
        assert!(truncated_private_key(&rsa).is_none());
    }

    proptest! {
        #[test]
        fn damaged_keys_never_panic(at in 0usize..1200, xor in any::<u8>(), cut in 0usize..1300) {
            let mut key = pkcs8_shape(&rsa_shape(256, 4), &[tlv(OID, oid::RSA), vec![5, 0]]);
            let n = key.len();
            key[at % n] ^= xor;
            key.truncate(cut);
            let _ = private_key(&key);
            let _ = truncated_private_key(&key);
        }
    }
}
