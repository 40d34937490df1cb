//! Key and certificate files in binary form: DER, PKCS#7, PKCS#12, JKS, BKS, OpenPGP. (PEM is text; the text detectors read it.)
//!
//! Nothing is claimed by its first byte: the whole outer structure must parse and end where the file ends.

use yumen_kit_key::{Item, What, cms, der_item, openpgp, openssh, store};
use yumen_model::{
    Artifact, Batch, Blob, Certainty, Context, EvidenceHeader, EvidenceKind, Format, Identity, InspectError,
    Inspection, InspectionExt, KeyBatch, Message, Plugin, Probe, Reason,
};

/// Larger files are not taken for key stores, in bytes.
const LARGEST: u64 = 8 << 20;
/// Most zero bytes that may follow the structure.
const MAX_PADDING: u64 = 64 << 10;

/// The formats, in the order of the documentation.
const FORMATS: &[Format] = &[
    Format {
        name: "der",
        title: "Key, certificate request or revocation list in DER",
        media_type: "application/pkcs8",
        extensions: &["pk8", "p8"],
        magic: "a SEQUENCE that fills the file and parses as PKCS#8, PKCS#1, SEC 1, SubjectPublicKeyInfo, PKCS#10 or a CRL",
        reference: "RFC 5958, RFC 8017, RFC 5915, RFC 2986, RFC 5280",
        evidence: "private keys: form, algorithm, size, whether encrypted",
        limitations: &["encrypted keys are told, not opened"],
    },
    Format {
        name: "x509",
        title: "X.509 certificate in DER",
        media_type: "application/pkix-cert",
        extensions: &[],
        magic: "a SEQUENCE that fills the file and parses as a certificate",
        reference: "RFC 5280",
        evidence: "certificates: algorithm, size, validity, uses, whether it names a vehicle, ECU or V2X use",
        limitations: &["signatures are not verified"],
    },
    Format {
        name: "pkcs7",
        title: "PKCS#7, CMS",
        media_type: "application/pkcs7-mime",
        extensions: &["p7b", "p7c"],
        magic: "ContentInfo with signed, enveloped or encrypted data that fills the file",
        reference: "RFC 5652, GM/T 0010",
        evidence: "certificates",
        limitations: &["the signed content is labelled as read, not opened as a child", "encrypted content is opaque"],
    },
    Format {
        name: "pkcs12",
        title: "PKCS#12 key store",
        media_type: "application/x-pkcs12",
        extensions: &["p12", "pfx"],
        magic: "PFX of version 3 that fills the file",
        reference: "RFC 7292",
        evidence: "keys (encrypted or not) and certificates, as far as they stand outside of encrypted parts",
        limitations: &["encrypted parts are opaque"],
    },
    Format {
        name: "jks",
        title: "Java key store (JKS, JCEKS)",
        media_type: "application/x-java-keystore",
        extensions: &["jks", "jceks"],
        magic: "FE ED FE ED, CE CE CE CE",
        reference: "sun.security.provider.JavaKeyStore",
        evidence: "keys (always encrypted) and certificates",
        limitations: &["entries behind a secret key of a JCEKS store are opaque"],
    },
    Format {
        name: "bks",
        title: "Bouncy Castle key store",
        media_type: "application/octet-stream",
        extensions: &["bks"],
        magic: "version 1 or 2, salt and entries that fill the file",
        reference: "org.bouncycastle.jcajce.provider.keystore.bc.BcKeyStoreSpi",
        evidence: "keys and certificates",
        limitations: &["UBER stores are encrypted as a whole and are not recognised"],
    },
    Format {
        name: "openpgp",
        title: "OpenPGP keys, signatures and messages in binary form",
        media_type: "application/pgp-keys",
        extensions: &[],
        magic: "packets that fill the file, the first a key, a signature or an encrypted session key",
        reference: "RFC 9580",
        evidence: "secret keys: algorithm, whether encrypted",
        limitations: &["encrypted messages are opaque", "compressed messages are not opened"],
    },
    Format {
        name: "openssh-key",
        title: "OpenSSH private key in binary form",
        media_type: "application/octet-stream",
        extensions: &[],
        magic: "openssh-key-v1",
        reference: "PROTOCOL.key of OpenSSH",
        evidence: "private key: algorithm, whether encrypted",
        limitations: &["encrypted keys are told, not opened"],
    },
];

/// The plugin of key files.
pub struct KeystorePlugin;

/// What a file was read as.
struct Reading {
    format: &'static str,
    items: Vec<Item>,
    encrypted: Vec<std::ops::Range<usize>>,
    len: usize,
}

impl Reading {
    fn new(format: &'static str, items: Vec<Item>, len: usize) -> Self {
        Reading { format, items, encrypted: Vec::new(), len }
    }
}

/// Whether a file may be one of ours by its first bytes and its size; cheap.
fn candidate(head: &[u8], len: u64) -> bool {
    if !(16..=LARGEST).contains(&len) {
        return false;
    }
    match head {
        [0x30, ..] => match yumen_kit_key::der::header(head) {
            Some((_, header, Some(n))) => {
                let end = (header + n) as u64;
                end <= len && len - end <= MAX_PADDING
            }
            Some((_, _, None)) => true,
            None => false,
        },
        [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 1 | 2, ..] | [0xce, 0xce, 0xce, 0xce, 0, 0, 0, 1 | 2, ..] => true,
        [0, 0, 0, 1 | 2, 0, 0, 0, 8..=64, ..] => true,
        [b'o', ..] => head.starts_with(openssh::MAGIC),
        [first, ..] => first & 0x80 != 0 && matches!(pgp_tag(*first), 1..=3 | 5 | 6),
        [] => false,
    }
}

fn pgp_tag(first: u8) -> u8 {
    if first & 0x40 != 0 { first & 0x3f } else { (first >> 2) & 0x0f }
}

/// Reads a whole file; none when it is none of ours.
fn read(bytes: &[u8]) -> Option<Reading> {
    let reading = match bytes.first()? {
        0x30 => der(bytes)?,
        0xfe | 0xce | 0 => {
            let s = store::store(bytes)?;
            let format = if s.format == "bks" { "bks" } else { "jks" };
            Reading { format, items: s.items, encrypted: s.encrypted, len: s.len }
        }
        b'o' => {
            let item = openssh::private_key(bytes)?;
            let len = item.range.end;
            Reading::new("openssh-key", vec![item], len)
        }
        _ => {
            let ring = openpgp::packets(bytes);
            if !ring.known {
                return None;
            }
            Reading { format: "openpgp", items: ring.items, encrypted: ring.encrypted, len: ring.len }
        }
    };
    let rest = bytes.get(reading.len..)?;
    (rest.len() as u64 <= MAX_PADDING && rest.iter().all(|b| matches!(b, 0 | b'\n' | b'\r'))).then_some(reading)
}

fn der(bytes: &[u8]) -> Option<Reading> {
    if let Some(item) = der_item(bytes) {
        let format = if item.what == What::Certificate { "x509" } else { "der" };
        // Certificates are also kept one behind another.
        let mut items = vec![item];
        let mut len = items[0].range.end;
        while let Some(next) = bytes.get(len..).and_then(der_item) {
            let next = next.shifted(len);
            len = next.range.end;
            items.push(next);
        }
        return Some(Reading::new(format, items, len));
    }
    if let Some(s) = store::store(bytes) {
        return Some(Reading { format: "pkcs12", items: s.items, encrypted: s.encrypted, len: s.len });
    }
    let (kind, len) = cms::content_type(bytes)?;
    let items = cms::certificates(bytes).unwrap_or_default();
    // Enveloped, signed and enveloped, encrypted data.
    let encrypted = if matches!(kind, 3 | 4 | 6) { std::iter::once(0..len).collect() } else { Vec::new() };
    Some(Reading { format: "pkcs7", items, encrypted, len })
}

fn bytes_of(blob: &Blob) -> Result<Vec<u8>, InspectError> {
    blob.bytes(0..blob.len().min(LARGEST)).map_err(|e| InspectError::read(0, &e))
}

impl Plugin for KeystorePlugin {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if !candidate(probe.head, probe.blob.len()) {
            return None;
        }
        let reading = if probe.head.len() as u64 == probe.blob.len() {
            read(probe.head)
        } else {
            read(&bytes_of(probe.blob).ok()?)
        }?;
        Some(Identity::new(reading.format, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let bytes = bytes_of(&artifact.blob)?;
        let reading = read(&bytes).ok_or(InspectError::corrupt(0, "the key file's structure is broken"))?;
        out.inspected(0..reading.len as u64)?;
        out.container(reading.len as u64..artifact.blob.len())?;
        for range in &reading.encrypted {
            out.opaque(range.start as u64..range.end as u64, Reason::Encrypted)?;
        }
        let items: Vec<_> = reading.items.iter().filter_map(|i| i.material(0)).collect();
        if items.is_empty() {
            return Ok(());
        }
        let header = EvidenceHeader {
            stream: 0,
            kind: EvidenceKind::Keys,
            format: artifact.format.into(),
            name: artifact.name.clone(),
            properties: Default::default(),
        };
        out.send(Message::Evidence(header))?;
        for chunk in items.chunks(1000) {
            out.batch(0, Batch::Keys(KeyBatch { items: chunk.to_vec() }))?;
        }
        out.send(Message::EvidenceEnd { stream: 0 })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
