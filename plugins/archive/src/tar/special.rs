//! Formats that are tars: told by the names of their members.

use serde_json::Value;
use yumen_kit_container::Container;
use yumen_model::kind::kinds;
use yumen_model::{InspectError, InventoryItem, Message};

/// Whether the content of the member `version` is that of a Mender artifact; the version is a number.
pub(super) fn is_mender(content: &[u8]) -> bool {
    mender_version(content).is_some()
}

fn mender_version(content: &[u8]) -> Option<u64> {
    let content = content.get(..content.len().min(512))?;
    let end = content.iter().position(|&b| b == 0).unwrap_or(content.len());
    let value: Value = serde_json::from_slice(content.get(..end)?).ok()?;
    (value.get("format")? == "mender").then(|| value.get("version").and_then(Value::as_u64))?
}

/// What the names of the members say.
#[derive(Default)]
pub(super) struct Signs {
    mender: Option<u64>,
    signature: bool,
    augmented: bool,
    payloads: u64,
    layout: bool,
    index: bool,
    manifest: bool,
    layers: bool,
    config: bool,
}

impl Signs {
    /// Looks at the name of a member. `content` is how it begins, asked for the first member only.
    pub(super) fn see(&mut self, name: &[u8]) {
        let name = name.strip_prefix(b"./").unwrap_or(name);
        match name {
            b"oci-layout" => self.layout = true,
            b"index.json" => self.index = true,
            b"manifest.json" => self.manifest = true,
            b"repositories" => self.layers = true,
            b"manifest.sig" => self.signature = true,
            b"manifest-augment" => self.augmented = true,
            _ => {
                let digest = |b: &[u8]| b.len() == 64 && b.iter().all(u8::is_ascii_hexdigit);
                self.layers |= name.ends_with(b"/layer.tar") || name.strip_suffix(b".tar").is_some_and(digest);
                self.config |= name.strip_suffix(b".json").is_some_and(digest) || name.starts_with(b"blobs/sha256/");
                self.payloads += u64::from(name.starts_with(b"data/"));
            }
        }
    }

    /// Looks at the content of the first member.
    pub(super) fn first(&mut self, name: &[u8], content: &[u8]) {
        if name == b"version" {
            self.mender = mender_version(content);
        }
    }

    /// Tells what the archive is, once all of it has been seen.
    pub(super) fn tell(&self, to: &mut Container<'_>) -> Result<(), InspectError> {
        if let Some(version) = self.mender {
            to.inventory(
                InventoryItem::new(kinds::SOFTWARE_PACKAGE)
                    .with("format", "mender")
                    .with("format_version", version)
                    .with("signed", self.signature)
                    .with("augmented", self.augmented)
                    .with("payloads", self.payloads),
            );
        } else if self.layout && self.index {
            to.send(Message::Format("oci".into()))?;
        } else if self.manifest && (self.layers || self.config) {
            to.send(Message::Format("docker-archive".into()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
