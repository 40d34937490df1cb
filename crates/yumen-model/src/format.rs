//! Formats: what an artifact is, decided by content first and name second.

use std::any::Any;
use std::cell::OnceCell;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::blob::Blob;

/// A format with its documentation; `yumen formats`, the docs and the reports' notes are made from it.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Short name in lower case, as reports give it.
    pub name: &'static str,
    /// Full name.
    pub title: &'static str,
    /// Media type; `application/octet-stream` where none is registered.
    pub media_type: &'static str,
    /// Lower-case extensions that promise this format. Extensions in common use for other things as well (`bin`, `img`, `dat`) stay out:
    /// a file with a listed extension and other content is told as `name-lies`.
    pub extensions: &'static [&'static str],
    /// How the content is recognised, in words.
    pub magic: &'static str,
    /// Specification or other public description.
    pub reference: &'static str,
    /// What comes out: children, text, records, keys…
    pub evidence: &'static str,
    /// What of the format is not read. Empty when all of it is.
    pub limitations: &'static [&'static str],
}

/// What identification looks at.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// The first bytes, up to 64 KiB.
    pub head: &'a [u8],
    /// The last bytes, up to 64 KiB (the same as `head` for short artifacts).
    pub tail: &'a [u8],
    /// The whole, for structures elsewhere.
    pub blob: &'a Blob,
    /// The artifact's name.
    pub name: &'a str,
    memo: Option<&'a Memo>,
}

/// What the looks at one artifact found out and share: dozens of readers ask whether it is text, and the first answer serves all.
#[derive(Default)]
pub struct Memo(OnceCell<Box<dyn Any>>);

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo")
    }
}

impl<'a> Probe<'a> {
    /// A look at an artifact.
    #[must_use]
    pub fn new(head: &'a [u8], tail: &'a [u8], blob: &'a Blob, name: &'a str) -> Self {
        Probe { head, tail, blob, name, memo: None }
    }

    /// The same look, which shares what is found out in `memo`: one for each artifact.
    #[must_use]
    pub fn sharing(self, memo: &'a Memo) -> Self {
        Probe { memo: Some(memo), ..self }
    }

    /// What `find` finds out of the artifact; found out once where looks share.
    pub fn once<T: Clone + 'static>(&self, find: impl FnOnce() -> T) -> T {
        match self.memo.and_then(|memo| memo.0.get()) {
            Some(known) => known.downcast_ref::<T>().cloned().unwrap_or_else(find),
            None => {
                let found = find();
                if let Some(memo) = self.memo {
                    let _ = memo.0.set(Box::new(found.clone()));
                }
                found
            }
        }
    }

    /// The lower-case extension of the name.
    #[must_use]
    pub fn extension(&self) -> String {
        crate::artifact::extension(self.name)
    }
}

/// How sure an identification is; the surest plugin gets the artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Certainty {
    /// The content does not speak against it.
    Fallback,
    /// The content looks like it (text of some kind).
    Plausible,
    /// The name and the look of the content agree (text that begins like JSON and is named so).
    Likely,
    /// A structure was found, though not at the start (an archive behind other data).
    Structure,
    /// A signature stands where the format has it.
    Signature,
    /// A signature, and content that makes it a special case of a wider format (a docx among zips).
    Specific,
}

/// What a plugin takes an artifact for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name of one of the plugin's formats.
    pub format: &'static str,
    /// How sure it is.
    pub certainty: Certainty,
}

impl Identity {
    /// An identity.
    #[must_use]
    pub fn new(format: &'static str, certainty: Certainty) -> Self {
        Identity { format, certainty }
    }
}
