//! What is encrypted, or looks so: OpenSSL's `Salted__`, age, and bytes that are noise from one end to the other.
//!
//! Source: openssl-enc(1); age-encryption.org/v1.

use yumen_kit_container::{Container, FormatReader};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe, Reason};

use crate::common::{LEAST_JUDGED, is_noise, windows};

/// Tells of encrypted data.
pub(crate) struct Sealed;

const FORMATS: &[Format] = &[
    Format {
        name: "openssl-enc",
        title: "data encrypted with openssl enc",
        media_type: "application/octet-stream",
        extensions: &[],
        magic: "`Salted__`, then noise",
        reference: "openssl-enc(1)",
        evidence: "nothing: it is told as encrypted",
        limitations: &["encrypted data are not opened"],
    },
    Format {
        name: "age",
        title: "data encrypted with age",
        media_type: "application/x-age-encryption",
        extensions: &["age"],
        magic: "`age-encryption.org/v1` and a list of recipients",
        reference: "age-encryption.org/v1",
        evidence: "nothing: it is told as encrypted",
        limitations: &["encrypted data are not opened"],
    },
    Format {
        name: "high-entropy",
        title: "noise: encrypted or compressed by an unknown method",
        media_type: "application/octet-stream",
        extensions: &[],
        magic: "no known signature, and 7.9 bits or more a byte in every window",
        reference: "Shannon entropy of windows of 64 KiB",
        evidence: "nothing: it is opaque",
        limitations: &["encrypted and compressed data can't be told from each other"],
    },
];

impl FormatReader for Sealed {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let head = probe.head;
        if let Some(rest) = head.strip_prefix(b"Salted__")
            && rest.len() >= 8
            && (probe.blob.len() - 16).is_multiple_of(8)
            && rest.iter().take(256).any(|b| !b.is_ascii() || *b < 9)
        {
            return Some(Identity::new("openssl-enc", Certainty::Signature));
        }
        if head.starts_with(b"age-encryption.org/v1\n-> ") {
            return Some(Identity::new("age", Certainty::Signature));
        }
        let noise = probe.blob.len() >= LEAST_JUDGED && is_noise(head) && is_noise(probe.tail);
        noise.then(|| Identity::new("high-entropy", Certainty::Fallback))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = read(&mut to, artifact.format);
        to.finish(result)
    }
}

fn read(to: &mut Container<'_>, format: &str) -> Result<(), InspectError> {
    let len = to.len();
    if format != "high-entropy" {
        to.tell_at("encrypted", 0);
        return to.opaque(0..len, Reason::Encrypted);
    }
    for piece in windows(0..len) {
        let bytes = to.blob.bytes(piece.clone()).map_err(|e| InspectError::read(piece.start, &e))?;
        if !is_noise(&bytes) {
            // Noise at both ends only: nothing is known of it, and it is swept as such.
            to.send(yumen_model::Message::Format("unknown".into()))?;
            return Ok(());
        }
    }
    to.tell_bytes("high-entropy", 0, len);
    to.opaque(0..len, Reason::UnknownFormat)
}

#[cfg(test)]
mod tests;
