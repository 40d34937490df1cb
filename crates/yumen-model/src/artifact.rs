//! Artifacts: the nodes of the unpacked tree, and the names they bear.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::blob::Blob;
use crate::coverage::Reason;

/// One artifact as a plugin sees it.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// Its bytes.
    pub blob: Blob,
    /// The last segment of its path, escaped (see [`escape_name`]). Raw content: never put it into a message or an error.
    pub name: String,
    /// The format it was identified as.
    pub format: &'static str,
    /// What the container told of it (mode, mtime, link target…).
    pub attributes: BTreeMap<String, Value>,
    /// The formats of the containers it lies in, outermost first.
    pub inside: Vec<&'static str>,
}

impl Artifact {
    /// The name without directories.
    #[must_use]
    pub fn base_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or(&self.name)
    }

    /// The lower-case extension of the name, without the dot; empty when it has none.
    #[must_use]
    pub fn extension(&self) -> String {
        extension(&self.name)
    }
}

/// The lower-case extension of a name, without the dot; empty when it has none.
#[must_use]
pub fn extension(name: &str) -> String {
    let base = name.rsplit('/').next().unwrap_or(name);
    match base.rsplit_once('.') {
        Some((stem, ext)) if !stem.is_empty() => ext.to_ascii_lowercase(),
        _ => String::new(),
    }
}

/// What a container tells of a child.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChildMeta {
    /// Path inside the container, already escaped with [`escape_name`].
    pub name: String,
    /// Length of the encoded form in the parent, in bytes, for the expansion ratio.
    pub encoded: Option<u64>,
    /// Set when the bytes handed over can't be read (an encrypted member): they are opaque with this reason and are not inspected.
    pub opaque: Option<Reason>,
    /// The bytes are free space or slack of an image: they are not identified, and the sweep as raw bytes is all the inspection there can be, so it
    /// counts as such.
    #[serde(default)]
    pub free_space: bool,
    /// Free space that may be something whole (what stands behind a file system in an image): where it begins as a known format it is inspected as such.
    #[serde(default)]
    pub identify_first: bool,
    /// Mode, modification time, owner, link target… as far as the container tells them.
    pub attributes: BTreeMap<String, Value>,
}

impl ChildMeta {
    /// A child by its name in raw bytes.
    #[must_use]
    pub fn named(name: &[u8]) -> Self {
        ChildMeta { name: escape_name(name), ..ChildMeta::default() }
    }
}

/// A name as it stands in artifact paths: `/` separates, a leading `/` or `./` is dropped; control bytes, bytes that are not
/// UTF-8, `%` before two hex digits, and the `!` of `!/` are percent-escaped. An empty name reads `[unnamed]`.
#[must_use]
pub fn escape_name(raw: &[u8]) -> String {
    let mut raw = raw;
    loop {
        raw = match raw {
            [b'/', rest @ ..] | [b'.', b'/', rest @ ..] => rest,
            _ => break,
        };
    }
    if raw.is_empty() { "[unnamed]".to_owned() } else { escape_path(raw) }
}

/// Escapes like [`escape_name`], and leaves the beginning as it is: for the paths of top-level inputs.
#[must_use]
pub fn escape_path(raw: &[u8]) -> String {
    let mut out = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        let text = chunk.valid();
        let mut chars = text.char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            let next = chars.peek().map(|&(_, n)| n);
            let hex = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
            let ambiguous = (c == '!' && (next == Some('/'))) || (c == '%' && hex(i + 1) && hex(i + 2));
            if c.is_control() || ambiguous {
                let mut utf8 = [0; 4];
                for b in c.encode_utf8(&mut utf8).bytes() {
                    let _ = write!(out, "%{b:02X}");
                }
            } else {
                out.push(c);
            }
        }
        for b in chunk.invalid() {
            let _ = write!(out, "%{b:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_so_that_paths_stay_readable_and_unambiguous() {
        assert_eq!(escape_name(b"./a/b.txt"), "a/b.txt");
        assert_eq!(escape_name(b"/etc/hosts"), "etc/hosts");
        assert_eq!(escape_name(b"a!/b"), "a%21/b");
        assert_eq!(escape_name(b"a!b"), "a!b");
        assert_eq!(escape_name(b"x\n\xff"), "x%0A%FF");
        assert_eq!(escape_name(b"100%41"), "100%2541");
        assert_eq!(escape_name(b"100% pure"), "100% pure");
        assert_eq!(escape_name("车主.csv".as_bytes()), "车主.csv");
        assert_eq!(escape_name(b""), "[unnamed]");
    }

    #[test]
    fn extensions_are_of_the_last_segment() {
        assert_eq!(extension("a.tar/b.JSON"), "json");
        assert_eq!(extension("a.tar/.bashrc"), "");
        assert_eq!(extension("README"), "");
    }
}
