//! SWUpdate images: what `sw-description`, the first member, says of the others.

use std::collections::HashSet;
use std::ops::Range;

use serde_json::Value;
use yumen_kit_text::libconfig;
use yumen_model::kind::kinds;
use yumen_model::{Blob, InspectError, InventoryItem, Reason};

/// Name of the first member.
pub(super) const DESCRIPTION: &[u8] = b"sw-description";

/// Longer descriptions are not read here.
const LONGEST: u64 = 4 << 20;
/// Bytes that are looked at to tell what is encrypted.
const SAMPLE: u64 = 64 << 10;
/// AES in CBC mode makes whole blocks.
const BLOCK: u64 = 16;

/// What is known of a package by its members so far.
#[derive(Default)]
pub(super) struct Package {
    /// Members that the description calls encrypted.
    encrypted: HashSet<String>,
    members: u64,
    opaque: u64,
    signed: bool,
}

impl Package {
    /// Takes note of a member; the reason when it can't be read. A member that is called encrypted and does not look so is read as what it is.
    pub(super) fn see(&mut self, blob: &Blob, name: &[u8], data: &Range<u64>) -> Result<Option<Reason>, InspectError> {
        let name = name.strip_prefix(b"./").unwrap_or(name);
        if name == DESCRIPTION {
            if data.end - data.start <= LONGEST {
                let bytes = blob.bytes(data.clone()).map_err(|e| InspectError::read(data.start, &e))?;
                self.describe(&String::from_utf8_lossy(&bytes));
            }
            return Ok(None);
        }
        if name == b"sw-description.sig" {
            self.signed = true;
            return Ok(None);
        }
        self.members += 1;
        let called = std::str::from_utf8(name).is_ok_and(|n| self.encrypted.contains(n));
        if !called || !(data.end - data.start).is_multiple_of(BLOCK) {
            return Ok(None);
        }
        let sample = blob
            .bytes(data.start..data.end.min(data.start + SAMPLE))
            .map_err(|e| InspectError::read(data.start, &e))?;
        if !looks_random(&sample) {
            return Ok(None);
        }
        self.opaque += 1;
        Ok(Some(Reason::Encrypted))
    }

    fn describe(&mut self, text: &str) {
        let text = text.trim_start_matches('\u{FEFF}');
        let value = serde_json::from_str(text).unwrap_or_else(|_| libconfig::parse(text).value);
        self.entries(&value, 0);
    }

    fn entries(&mut self, value: &Value, depth: usize) {
        if depth > 32 {
            return;
        }
        match value {
            Value::Array(list) => list.iter().for_each(|v| self.entries(v, depth + 1)),
            Value::Object(entry) => {
                let encrypted = match entry.get("encrypted") {
                    Some(Value::Bool(yes)) => *yes,
                    Some(Value::String(how)) => !how.is_empty() && how != "false",
                    _ => false,
                };
                if let (true, Some(Value::String(name))) = (encrypted, entry.get("filename")) {
                    self.encrypted.insert(name.clone());
                }
                entry.values().for_each(|v| self.entries(v, depth + 1));
            }
            _ => {}
        }
    }

    /// The package, as far as the archive tells it.
    pub(super) fn item(&self) -> InventoryItem {
        InventoryItem::new(kinds::SOFTWARE_PACKAGE)
            .with("format", "swupdate")
            .with("signed", self.signed)
            .with("encrypted", self.opaque > 0)
            .with("members", self.members)
    }
}

/// Whether a member is the signature of the description as RSA makes it, without a structure around it: as long as a usual modulus, and random.
pub(super) fn is_raw_signature(blob: &Blob, name: &[u8], data: &Range<u64>) -> Result<bool, InspectError> {
    let name = name.strip_prefix(b"./").unwrap_or(name);
    if name != b"sw-description.sig" || !matches!(data.end - data.start, 128 | 256 | 384 | 512) {
        return Ok(false);
    }
    let bytes = blob.bytes(data.clone()).map_err(|e| InspectError::read(data.start, &e))?;
    Ok(looks_random(&bytes))
}

/// Whether bytes may be encrypted: hardly any value of a byte is more frequent than chance has it, and none of the usual marks is at the start.
fn looks_random(bytes: &[u8]) -> bool {
    // Compressed data is as random; its reader knows better.
    let known: [&[u8]; 9] = [
        b"\x1f\x8b",
        b"\xfd7zXZ",
        b"\x28\xb5\x2f\xfd",
        b"BZh",
        b"PK\x03\x04",
        b"\x04\x22\x4d\x18",
        b"hsqs",
        b"07070",
        b"\x30\x82",
    ];
    if bytes.len() < 16 || known.iter().any(|k| bytes.starts_with(k)) {
        return false;
    }
    let mut counts = [0u32; 256];
    bytes.iter().for_each(|&b| counts[usize::from(b)] += 1);
    if bytes.len() < 1024 {
        // Too few to count: text and padding repeat themselves all the same.
        let text = bytes.iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace());
        return !text && counts.iter().all(|&n| n as usize <= 4 + bytes.len() / 16);
    }
    let n = bytes.len() as f64;
    let entropy: f64 = counts.iter().filter(|&&c| c > 0).map(|&c| f64::from(c) / n).map(|p| -p * p.log2()).sum();
    // What chance makes of so many bytes, less a little.
    entropy > 8.0 - 400.0 / n - 0.02
}

#[cfg(test)]
mod tests;
