//! Running text, and nothing at all.

use yumen_model::{Artifact, Certainty, Format, InspectError, Inspection};

use crate::Look;

/// Documentation of `text`.
pub(crate) const TEXT: Format = Format {
    name: "text",
    title: "Plain text",
    media_type: "text/plain",
    extensions: &[],
    magic: "characters of UTF-8, UTF-16, GB18030 or another encoding, and hardly any control bytes",
    reference: "https://encoding.spec.whatwg.org/",
    evidence: "text; stretches of binary data inside as raw bytes",
    limitations: &["Encodings are told apart by samples; a line in another of UTF-8 and GB18030 is read in its own."],
};

/// Documentation of `empty`.
pub(crate) const EMPTY: Format = Format {
    name: "empty",
    title: "Empty file",
    media_type: "application/x-empty",
    extensions: &[],
    magic: "no byte",
    reference: "",
    evidence: "nothing",
    limitations: &[],
};

/// Extensions that say text and nothing more.
const NAMES: &[&str] = &["txt", "log", "md", "rst", "text", "adoc"];

/// Extensions of running text and source code: markup, tables and settings at the start of such a file are part of its text.
const RUNNING: &[&str] = &[
    "md", "markdown", "rst", "adoc", "tex", "rs", "py", "c", "h", "cc", "cpp", "hpp", "cxx", "go", "java", "kt",
    "swift", "rb", "pl", "pm", "lua", "vim", "el", "sh", "bash", "zsh", "bat", "cmd", "ps1", "js", "mjs", "cjs", "ts",
    "jsx", "tsx", "css", "scss", "less", "cs", "scala", "php", "r", "jl", "m", "s", "asm", "v", "sv", "vhd", "cmake",
    "mk", "diff", "patch",
];

/// Whether a name promises running text or source code.
pub(crate) fn is_running(extension: &str) -> bool {
    RUNNING.contains(&extension)
}

pub(crate) fn identify(look: &Look<'_>) -> Option<Certainty> {
    Some(if look.table && !is_running(look.extension) { Certainty::Fallback } else { look.named(NAMES) })
}

pub(crate) fn inspect(artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
    yumen_kit_text::send_text(artifact, out)
}

pub(crate) fn inspect_empty(artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
    // Nothing to label, unless the name is wrong.
    if artifact.blob.is_empty() { Ok(()) } else { inspect(artifact, out) }
}
