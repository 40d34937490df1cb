//! JSON, JSON with comments, JSON lines. The lexer is in `yumen-kit-text`.

mod schema;
mod shape;

use yumen_kit_text::json::send_json;
use yumen_model::{Artifact, Certainty, Format, InspectError, Inspection};

use crate::Look;
use shape::shape;

/// Documentation of `json`.
pub(crate) const JSON: Format = Format {
    name: "json",
    title: "JSON",
    media_type: "application/json",
    extensions: &["json"],
    magic: "begins as an object or array does; comments and trailing commas are let pass",
    reference: "RFC 8259; JSON5",
    evidence: "records: the innermost objects, names are the keys' path; keys that look like content, and comments, as values without a name. A table schema lends the names of columns.",
    limitations: &[],
};

/// Documentation of `ndjson`.
pub(crate) const NDJSON: Format = Format {
    name: "ndjson",
    title: "JSON lines",
    media_type: "application/x-ndjson",
    extensions: &["ndjson", "jsonl", "json"],
    magic: "two or more lines, each a JSON object or array",
    reference: "https://github.com/ndjson/ndjson-spec",
    evidence: "records as of json; a line that is no JSON is read as text",
    limitations: &[],
};

pub(crate) fn identify(look: &Look<'_>) -> Option<Certainty> {
    let shape = shape(look.text);
    let names = &["json", "geojson", "webmanifest", "ipynb", "har", "jsonc", "json5", "map", "topojson"];
    let named = names.contains(&look.extension);
    let scalar = named && look.complete && shape.roots == 1 && !shape.wrong;
    (shape.is_json() || scalar).then(|| look.named(names))
}

pub(crate) fn identify_lines(look: &Look<'_>) -> Option<Certainty> {
    let shape = shape(look.text);
    let names = &["ndjson", "jsonl"];
    let named = names.contains(&look.extension);
    if shape.is_lines() && look.extension == "json" {
        return Some(Certainty::Likely);
    }
    (shape.is_lines() || named && shape.is_json()).then(|| look.named(names))
}

pub(crate) fn inspect(artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
    let lines = artifact.format == NDJSON.name;
    if !lines {
        schema::export(artifact, out)?;
    }
    send_json(artifact, lines, out)
}

#[cfg(test)]
mod tests;
