//! X.509 certificates (RFC 5280), public keys, requests (RFC 2986) and revocation lists: the facts that are not personal.

use serde_json::{Value, json};

use crate::der::{BIT_STRING, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, SET, Tlv, value};
use crate::item::{Item, What};
use crate::oid;

/// The certificate at the start of `bytes`. (OpenSSL's `TRUSTED CERTIFICATE` has trust settings behind it, which are not looked at.)
#[must_use]
pub fn certificate(bytes: &[u8]) -> Option<Item> {
    let whole = value(bytes).filter(|t| t.tag == SEQUENCE)?;
    let mut outer = Reader::new(whole.body);
    let mut tbs = outer.open(SEQUENCE)?;
    outer.open(SEQUENCE)?.take(OID)?;
    outer.take(BIT_STRING)?;
    if !outer.is_empty() {
        return None;
    }
    let mut item = Item::new(What::Certificate, "x509", 0..whole.len);
    tbs.take(0xa0);
    tbs.take(INTEGER)?;
    tbs.open(SEQUENCE)?.take(OID)?;
    let issuer = tbs.take(SEQUENCE)?;
    let mut validity = tbs.open(SEQUENCE)?;
    let not_before = time(&validity.any()?)?;
    let not_after = time(&validity.any()?)?;
    let subject = tbs.take(SEQUENCE)?;
    let key = Tlv { body: tbs.rest(), ..value(tbs.rest()).filter(|t| t.tag == SEQUENCE)? };
    let key = public_key(key.body)?;
    tbs.any()?;
    item.algorithm = key.algorithm;
    item.properties = key.properties;
    item = item.with("not_before", not_before).with("not_after", not_after).with("self_signed", issuer == subject);
    let mut kind = subject_kind(subject);
    while !tbs.is_empty() {
        let field = tbs.any()?;
        if field.tag == 0xa3 {
            let mut list = Reader::new(field.body).open(SEQUENCE)?;
            while let Some(mut extension) = list.open(SEQUENCE) {
                kind = extension_fact(&mut extension, &mut item).or(kind);
            }
        }
    }
    if let Some(kind) = kind {
        item = item.with("subject_kind", kind);
    }
    Some(item)
}

/// The SubjectPublicKeyInfo or PKCS#1 RSAPublicKey at the start of `bytes`.
#[must_use]
pub fn public_key(bytes: &[u8]) -> Option<Item> {
    let whole = value(bytes).filter(|t| t.tag == SEQUENCE)?;
    let mut r = Reader::new(whole.body);
    let range = 0..whole.len;
    let Some(mut algorithm_id) = r.open(SEQUENCE) else {
        let (_, bits) = r.unsigned()?;
        let (_, e) = r.unsigned()?;
        return (bits >= 384 && (2..=256).contains(&e) && r.is_empty())
            .then(|| Item::new(What::PublicKey, "pkcs1-public", range).algorithm(Some("rsa")).with("bits", bits));
    };
    let algorithm_oid = algorithm_id.take(OID)?;
    let bits = r.take(BIT_STRING).filter(|b| b.first() == Some(&0))?;
    if !r.is_empty() {
        return None;
    }
    let algorithm = oid::key_algorithm(algorithm_oid);
    let item = Item::new(What::PublicKey, "spki", range).algorithm(algorithm);
    Some(match algorithm {
        Some("rsa") => {
            let mut key = Reader::new(&bits[1..]).open(SEQUENCE)?;
            item.with("bits", key.unsigned()?.1)
        }
        Some("ec") => match algorithm_id.take(OID) {
            Some(curve) => {
                let item = item.algorithm(Some(if curve == oid::SM2 { "sm2" } else { "ec" }));
                match oid::curve(curve) {
                    Some((name, bits)) => item.with("curve", name).with("bits", bits),
                    None => item,
                }
            }
            None => item,
        },
        _ => item,
    })
}

/// The certificate request at the start of `bytes`.
#[must_use]
pub fn request(bytes: &[u8]) -> Option<Item> {
    let whole = value(bytes).filter(|t| t.tag == SEQUENCE)?;
    let mut outer = Reader::new(whole.body);
    let mut info = outer.open(SEQUENCE)?;
    outer.open(SEQUENCE)?.take(OID)?;
    outer.take(BIT_STRING)?;
    info.small()?;
    info.take(SEQUENCE)?;
    let key = public_key(info.rest())?;
    info.any()?;
    let attributes = info.take(0xa0).is_some() && info.is_empty();
    (outer.is_empty() && (attributes || info.is_empty())).then(|| Item {
        properties: key.properties,
        ..Item::new(What::Request, "csr", 0..whole.len).algorithm(key.algorithm)
    })
}

/// The revocation list at the start of `bytes`.
#[must_use]
pub fn revocation_list(bytes: &[u8]) -> Option<Item> {
    let whole = value(bytes).filter(|t| t.tag == SEQUENCE)?;
    let mut outer = Reader::new(whole.body);
    let mut list = outer.open(SEQUENCE)?;
    outer.open(SEQUENCE)?.take(OID)?;
    outer.take(BIT_STRING)?;
    list.take(INTEGER);
    list.open(SEQUENCE)?.take(OID)?;
    list.take(SEQUENCE)?;
    time(&list.any()?)?;
    outer.is_empty().then(|| Item::new(What::RevocationList, "crl", 0..whole.len))
}

/// UTCTime or GeneralizedTime as ISO 8601.
fn time(tlv: &Tlv<'_>) -> Option<String> {
    let s = std::str::from_utf8(tlv.body).ok().filter(|s| s.is_ascii())?;
    let (year, rest) = match tlv.tag {
        0x17 => {
            let yy: u32 = s.get(..2)?.parse().ok()?;
            (if yy < 50 { 2000 + yy } else { 1900 + yy }, s.get(2..)?)
        }
        0x18 => (s.get(..4)?.parse().ok()?, s.get(4..)?),
        _ => return None,
    };
    let two = |at: usize| rest.get(at..at + 2).filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
    let (month, day, hour, minute) = (two(0)?, two(2)?, two(4)?, two(6)?);
    Some(format!("{year:04}-{month}-{day}T{hour}:{minute}:{}Z", two(8).unwrap_or("00")))
}

/// What an extension tells; the kind of subject, when it names one.
fn extension_fact(extension: &mut Reader<'_>, item: &mut Item) -> Option<&'static str> {
    let id = extension.take(OID)?;
    extension.take(0x01);
    let content = extension.take(OCTET_STRING)?;
    let facts = &mut item.properties;
    match id {
        [0x55, 0x1d, 0x13] => {
            let ca =
                Reader::new(content).open(SEQUENCE)?.take(0x01).is_some_and(|b| b.first().is_some_and(|b| *b != 0));
            facts.insert("ca".to_owned(), Value::Bool(ca));
        }
        [0x55, 0x1d, 0x0f] => {
            let bits = Reader::new(content).take(BIT_STRING)?;
            let first = u16::from(*bits.get(1)?) << 8 | u16::from(bits.get(2).copied().unwrap_or(0));
            let names: Vec<&str> =
                KEY_USAGE.iter().enumerate().filter(|(i, _)| first << i & 0x8000 != 0).map(|(_, n)| *n).collect();
            facts.insert("usage".to_owned(), json!(names));
        }
        [0x55, 0x1d, 0x25] => {
            let mut list = Reader::new(content).open(SEQUENCE)?;
            let mut names = Vec::new();
            let mut kind = None;
            while let Some(purpose) = list.take(OID) {
                if let [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, n] = purpose {
                    names.extend(PURPOSES.iter().find(|p| p.0 == *n).map(|p| p.1));
                }
                kind = kind.or(is_its(purpose).then_some("v2x"));
            }
            facts.insert("extended_usage".to_owned(), json!(names));
            return kind;
        }
        other if is_its(other) => return Some("v2x"),
        _ => {}
    }
    None
}

const KEY_USAGE: [&str; 9] = [
    "digital-signature",
    "non-repudiation",
    "key-encipherment",
    "data-encipherment",
    "key-agreement",
    "certificate-signing",
    "crl-signing",
    "encipher-only",
    "decipher-only",
];

const PURPOSES: [(u8, &str); 6] = [
    (1, "server-auth"),
    (2, "client-auth"),
    (3, "code-signing"),
    (4, "email-protection"),
    (8, "time-stamping"),
    (9, "ocsp-signing"),
];

/// Identifiers of intelligent transport systems: itu-t etsi its-security (0.4.0.103097), IEEE 1609 (1.3.111.2.1609).
fn is_its(id: &[u8]) -> bool {
    id.starts_with(&[0x04, 0x00, 0x86, 0xa5, 0x39]) || id.starts_with(&[0x2b, 0x6f, 0x02, 0x8c, 0x49])
}

/// Words of a common name or unit that name a vehicle or one of its control units.
const UNIT_WORDS: &[(&str, &str)] = &[
    ("VEHICLE", "vehicle"),
    ("VEHICLES", "vehicle"),
    ("VIN", "vehicle"),
    ("ECU", "ecu"),
    ("TBOX", "ecu"),
    ("TELEMATICS", "ecu"),
    ("IVI", "ecu"),
    ("HEADUNIT", "ecu"),
    ("TCAM", "ecu"),
    ("TGW", "ecu"),
    ("PEPS", "ecu"),
    ("FAHRZEUG", "vehicle"),
    ("STEUERGERAET", "ecu"),
    ("STEUERGERÄT", "ecu"),
    ("DIGITALKEY", "vehicle"),
    ("TCU", "ecu"),
    ("VCU", "ecu"),
    ("BCM", "ecu"),
    ("BMS", "ecu"),
    ("ADCU", "ecu"),
    ("V2X", "v2x"),
    ("CV2X", "v2x"),
    ("OBU", "v2x"),
    ("RSU", "v2x"),
    ("V2G", "charging"),
    ("EVCC", "charging"),
    ("OEMPROV", "charging"),
    ("OEMPROVCERT", "charging"),
    ("EMAID", "charging"),
    ("MOSUBCA1", "charging"),
    ("MOSUBCA2", "charging"),
    ("SECC", "charging"),
];

const UNIT_WORDS_ZH: &[(&str, &str)] = &[
    ("车载", "ecu"),
    ("车机", "ecu"),
    ("车辆", "vehicle"),
    ("整车", "vehicle"),
    ("车联网", "vehicle"),
    ("汽车", "vehicle"),
    ("车端", "vehicle"),
    ("网联", "vehicle"),
    ("域控", "ecu"),
    ("控制器", "ecu"),
    ("电控", "ecu"),
    ("数字钥匙", "vehicle"),
    ("路侧", "v2x"),
];

/// What a subject is, by its common name, unit, serial number, user id or domain component; never by organisation or place.
fn subject_kind(name: &[u8]) -> Option<&'static str> {
    let mut sets = Reader::new(name);
    let mut kind = None;
    while let Some(mut set) = sets.open(SET) {
        while let Some(mut attribute) = set.open(SEQUENCE) {
            let id = attribute.take(OID)?;
            let text = attribute.any()?;
            let relevant = matches!(id, [0x55, 0x04, 0x03 | 0x05 | 0x0b])
                || matches!(id, [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01 | 0x19]);
            if !relevant {
                continue;
            }
            let text = text_of(&text);
            let found = words_kind(&text, id.last() == Some(&0x19));
            // A VIN is the strongest word.
            if found == Some("vehicle") {
                return found;
            }
            kind = kind.or(found);
        }
    }
    kind
}

fn text_of(tlv: &Tlv<'_>) -> String {
    if tlv.tag == 0x1e {
        let units: Vec<u16> = tlv.body.chunks_exact(2).map(|c| u16::from_be_bytes([c[0], c[1]])).collect();
        return String::from_utf16_lossy(&units);
    }
    String::from_utf8_lossy(tlv.body).into_owned()
}

fn words_kind(text: &str, domain_component: bool) -> Option<&'static str> {
    if domain_component {
        return matches!(text, "V2G" | "OEM" | "MO" | "CPO").then_some("charging");
    }
    let upper = text.to_uppercase().replace("T-BOX", "TBOX").replace("T_BOX", "TBOX").replace("C-V2X", "CV2X");
    let mut kind = UNIT_WORDS_ZH.iter().find(|w| upper.contains(w.0)).map(|w| w.1);
    for word in upper.split(|c: char| !c.is_alphanumeric()) {
        if is_vin(word) {
            return Some("vehicle");
        }
        // Units are numbered: `ECU01`.
        let unit = word.trim_end_matches(|c: char| c.is_ascii_digit());
        kind = kind.or_else(|| UNIT_WORDS.iter().find(|w| w.0 == word || w.0 == unit).map(|w| w.1));
        if kind.is_none() && is_emaid(word) {
            kind = Some("charging");
        }
    }
    kind
}

/// An identifier of an e-mobility contract (ISO 15118, IEC 63119) without its separators: country, provider, `C`, eight characters, a check character.
fn is_emaid(word: &str) -> bool {
    const COUNTRIES: [&str; 12] = ["DE", "CN", "FR", "GB", "NL", "SE", "NO", "AT", "CH", "IT", "ES", "BE"];
    let bytes = word.as_bytes();
    matches!(bytes.len(), 14 | 15)
        && word.is_ascii()
        && COUNTRIES.contains(&&word[..2])
        && bytes[5] == b'C'
        && bytes[6..].iter().filter(|b| b.is_ascii_digit()).count() >= 4
}

/// 17 characters with a valid check digit (GB 16735, ISO 3779), or with the common shape of one that begins `L` (China).
fn is_vin(word: &str) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let bytes = word.as_bytes();
    if bytes.len() != 17 {
        return false;
    }
    let mut sum = 0;
    for (b, w) in bytes.iter().zip(WEIGHTS) {
        let v = match b {
            b'0'..=b'9' => u32::from(b - b'0'),
            b'A'..=b'H' => u32::from(b - b'A') + 1,
            b'J'..=b'N' => u32::from(b - b'J') + 1,
            b'P' => 7,
            b'R' => 9,
            b'S'..=b'Z' => u32::from(b - b'S') + 2,
            _ => return false,
        };
        sum += v * w;
    }
    let letters = bytes.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let check = match sum % 11 {
        10 => b'X',
        n => b'0' + n as u8,
    };
    let serial = bytes[13..].iter().all(u8::is_ascii_digit);
    letters >= 3 && serial && (bytes[8] == check || bytes[0] == b'L')
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::der::build::{integer, of, tlv};
    use proptest::prelude::*;

    fn name(parts: &[(&[u8], &str)]) -> Vec<u8> {
        let sets: Vec<Vec<u8>> = parts
            .iter()
            .map(|(id, text)| of(SET, &[of(SEQUENCE, &[tlv(OID, id), tlv(0x0c, text.as_bytes())])]))
            .collect();
        of(SEQUENCE, &sets)
    }

    /// A certificate of the right structure; key and signature are made up.
    pub(crate) fn certificate_shape(common_name: &str, unit: &str, extensions: &[Vec<u8>]) -> Vec<u8> {
        let subject = name(&[(&[0x55, 4, 3], common_name), (&[0x55, 4, 0x0b], unit)]);
        let algorithm = of(SEQUENCE, &[tlv(OID, oid::RSA), vec![5, 0]]);
        let key = of(SEQUENCE, &[integer(256, 1), tlv(INTEGER, &[1, 0, 1])]);
        let spki = of(SEQUENCE, &[algorithm.clone(), tlv(BIT_STRING, &[vec![0], key].concat())]);
        let validity = of(SEQUENCE, &[tlv(0x17, b"260714000000Z"), tlv(0x18, b"20510714000000Z")]);
        let mut tbs = vec![
            tlv(0xa0, &tlv(INTEGER, &[2])),
            integer(8, 3),
            algorithm.clone(),
            name(&[(&[0x55, 4, 3], "Test CA")]),
            validity,
            subject,
            spki,
        ];
        if !extensions.is_empty() {
            tbs.push(tlv(0xa3, &of(SEQUENCE, extensions)));
        }
        of(SEQUENCE, &[of(SEQUENCE, &tbs), algorithm, tlv(BIT_STRING, &[0; 257])])
    }

    #[test]
    fn a_certificate_tells_its_facts() {
        let usage = of(SEQUENCE, &[tlv(OID, &[0x55, 0x1d, 0x0f]), tlv(OCTET_STRING, &tlv(BIT_STRING, &[5, 0xa0]))]);
        let der = certificate_shape("gateway.example", "", &[usage]);
        let got = certificate(&der).unwrap();
        assert_eq!(got.range, 0..der.len());
        assert_eq!(got.algorithm, Some("rsa"));
        let facts = serde_json::to_value(&got.properties).unwrap();
        assert_eq!(
            facts,
            json!({"bits": 2048, "not_before": "2026-07-14T00:00:00Z", "not_after": "2051-07-14T00:00:00Z",
                "self_signed": false, "usage": ["digital-signature", "key-encipherment"]})
        );
        assert!(!got.is_vehicle());
    }

    #[test]
    fn vehicles_and_units_are_told_by_name_or_use() {
        let kind = |cn: &str, ou: &str, ext: &[Vec<u8>]| {
            let item = certificate(&certificate_shape(cn, ou, ext)).unwrap();
            item.properties.get("subject_kind").and_then(|v| v.as_str().map(str::to_owned))
        };
        assert_eq!(kind("1M8GDM9AXKP042788", "", &[]).as_deref(), Some("vehicle"));
        assert_eq!(kind("a", "T-Box", &[]).as_deref(), Some("ecu"));
        assert_eq!(kind("OBU-0001", "", &[]).as_deref(), Some("v2x"));
        assert_eq!(kind("securecu.example", "Security", &[]), None);
        for (cn, ou, what) in [
            ("ECU01", "", "ecu"),
            ("T_BOX-7", "", "ecu"),
            ("某汽车云", "", "vehicle"),
            ("车载终端", "", "ecu"),
            ("DE8AACA1B2C3D4", "", "charging"),
            ("OEMProvCert", "", "charging"),
            ("x", "Steuergerät", "ecu"),
        ] {
            assert_eq!(kind(cn, ou, &[]).as_deref(), Some(what), "{cn}");
        }
        for cn in ["www.example.com", "HPCE", "Recut", "DESKTOPCLIENT12"] {
            assert_eq!(kind(cn, "", &[]), None, "{cn}");
        }
        let its = of(
            SEQUENCE,
            &[
                tlv(OID, &[0x55, 0x1d, 0x25]),
                tlv(OCTET_STRING, &of(SEQUENCE, &[tlv(OID, &[0x04, 0x00, 0x86, 0xa5, 0x39, 1])])),
            ],
        );
        assert_eq!(kind("a", "b", &[its]).as_deref(), Some("v2x"));
    }

    #[test]
    fn public_keys_and_requests_are_no_private_keys() {
        let algorithm = of(SEQUENCE, &[tlv(OID, oid::RSA), vec![5, 0]]);
        let key = of(SEQUENCE, &[integer(256, 1), tlv(INTEGER, &[1, 0, 1])]);
        let spki = of(SEQUENCE, &[algorithm.clone(), tlv(BIT_STRING, &[vec![0], key].concat())]);
        assert_eq!(crate::der_item(&spki).unwrap().what, What::PublicKey);
        let info = of(SEQUENCE, &[tlv(INTEGER, &[0]), name(&[(&[0x55, 4, 3], "x")]), spki, tlv(0xa0, &[])]);
        let csr = of(SEQUENCE, &[info, algorithm, tlv(BIT_STRING, &[0; 257])]);
        assert_eq!(crate::der_item(&csr).unwrap().what, What::Request);
    }

    proptest! {
        #[test]
        fn damaged_certificates_never_panic(at in 0usize..2000, xor in any::<u8>(), cut in 0usize..1000) {
            let mut der = certificate_shape("1M8GDM9AXKP042788", "ECU", &[]);
            let n = der.len();
            der[at % n] ^= xor;
            der.truncate(cut.max(1));
            let _ = crate::der_item(&der);
        }
    }
}
