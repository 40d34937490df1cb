//! Uptane metadata in DER: `Metadata ::= SEQUENCE { signed, numberOfSignatures, signatures }` with automatic tags. What is inside is not taken apart
//! further: its texts are evidence.

use yumen_kit_container::Container;
use yumen_kit_key::der::{Reader, SEQUENCE, Tlv, value};
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Blob, InspectError, Inspection, InventoryItem, Label};

/// Larger files are not metadata.
const LARGEST: u64 = 4 << 20;
/// More values are not looked at.
const MOST: usize = 200_000;
const ROLES: [&str; 4] = ["root", "targets", "snapshot", "timestamp"];

/// Metadata of a role.
pub(super) struct Role {
    bytes: Vec<u8>,
    role: &'static str,
    version: u64,
    signatures: u64,
}

impl Role {
    pub(super) fn of(blob: &Blob) -> Option<Role> {
        if !(16..=LARGEST).contains(&blob.len()) || blob.bytes(0..1).ok()? != [SEQUENCE] {
            return None;
        }
        let bytes = blob.bytes(0..blob.len()).ok()?;
        let (role, version, signatures) = {
            let whole = value(&bytes).filter(|t| t.tag == SEQUENCE && t.len == bytes.len())?;
            let mut metadata = Reader::new(whole.body);
            // signed: type, expires, version, body.
            let mut signed = metadata.open(0xa0)?;
            let kind = signed.take(0x80).filter(|b| b.len() == 1)?[0];
            let role = ROLES.get(usize::from(kind))?;
            signed.take(0x81).filter(|b| (1..=9).contains(&b.len()))?;
            let version = signed.take(0x82).filter(|b| (1..=8).contains(&b.len()))?;
            let body = signed.any().filter(|t| t.tag == 0xa3)?;
            let choice = value(body.body).filter(|t| t.tag == 0xa0 | kind && t.len == body.body.len())?;
            let stated = metadata.take(0x81).filter(|b| (1..=2).contains(&b.len()))?;
            let list = metadata.any().filter(|t| t.tag == 0xa2)?;
            let number = |b: &[u8]| b.iter().fold(0u64, |n, &b| (n << 8) | u64::from(b));
            let mut items = 0;
            let mut rest = Reader::new(list.body);
            while !rest.is_empty() {
                rest.any()?;
                items += 1;
            }
            let fits = signed.is_empty() && metadata.is_empty() && !choice.body.is_empty() && items == number(stated);
            fits.then(|| (*role, number(version), items))?
        };
        Some(Role { bytes, role, version, signatures })
    }

    /// Sends its texts, and what it is.
    pub(super) fn send(&self, artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = self.texts(&mut to);
        to.inventory(
            InventoryItem::new(kinds::SOFTWARE_PACKAGE)
                .with("roles", vec![self.role])
                .with("version", self.version.to_string())
                .with("signatures", self.signatures)
                .with("signed", self.signatures > 0),
        );
        to.finish(result)
    }

    fn texts(&self, to: &mut Container<'_>) -> Result<(), InspectError> {
        to.label(0..self.bytes.len() as u64, Label::Inspected)?;
        let mut open: Vec<&[u8]> = vec![&self.bytes];
        let mut left = MOST;
        while let Some(bytes) = open.pop() {
            let mut reader = Reader::new(bytes);
            while let Some(Tlv { tag, body, .. }) = reader.any() {
                left = left.saturating_sub(1);
                if left == 0 {
                    to.tell("limit");
                    return Ok(());
                }
                if tag & 0x20 != 0 {
                    open.push(body);
                } else if body.len() >= 3 && body.iter().all(|b| matches!(b, b' '..=b'~' | 0x80..)) {
                    let start = (body.as_ptr() as usize - self.bytes.as_ptr() as usize) as u64;
                    if std::str::from_utf8(body).is_ok() {
                        to.comment(start..start + body.len() as u64)?;
                    }
                }
            }
        }
        Ok(())
    }
}
