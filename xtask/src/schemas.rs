//! What is made from the types: the JSON Schemas, and the pages on formats, data kinds and notes.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use yumen_model::kind::KINDS;
use yumen_model::note::NOTES;

/// Writes or checks `schemas/` and the generated pages of `docs/`.
pub(crate) fn run(root: &Path, check: bool) -> Result<(), String> {
    let schemas = [
        ("report.schema.json", yumen_report::schema()),
        ("rulebook.schema.json", yumen_rules::schema()),
        ("config.schema.json", yumen_rules::overlay_schema()),
        ("shipment.schema.json", yumen_route::schema()),
        ("kinds.json", kinds()),
        ("notes.json", notes()),
    ];
    for (name, schema) in schemas {
        let mut text = serde_json::to_string_pretty(&schema).map_err(|e| e.to_string())?;
        text.push('\n');
        crate::generated(&root.join("schemas").join(name), text.as_bytes(), check)?;
    }
    crate::generated(&root.join("docs/kinds.md"), kinds_page().as_bytes(), check)?;
    crate::generated(&root.join("docs/formats.md"), formats_page().as_bytes(), check)
}

fn kinds() -> Value {
    let list: Vec<_> = KINDS
        .iter()
        .map(|k| json!({ "name": k.name, "zh": k.zh, "en": k.en, "counts": k.counts, "inventory": k.inventory }))
        .collect();
    json!({ "kinds": list })
}

fn notes() -> Value {
    let list: Vec<_> = NOTES.iter().map(|n| json!({ "code": n.code, "zh": n.zh, "en": n.en })).collect();
    json!({ "notes": list })
}

const MADE: &str = "<!-- Made by `cargo xtask schemas`; edit the registry instead. -->\n";

fn kinds_page() -> String {
    let mut page =
        format!("# Data kinds\n\n{MADE}\nKinds marked *inventory* say what is there; alone they are no alarm.\n\n");
    page.push_str("| kind | 中文 | English | what counts |\n|---|---|---|---|\n");
    for k in KINDS {
        let inventory = if k.inventory { " *(inventory)*" } else { "" };
        let _ = writeln!(page, "| `{}`{inventory} | {} | {} | {} |", k.name, k.zh, k.en, k.counts);
    }
    page.push_str("\n# Notes\n\n| code | 中文 | English |\n|---|---|---|\n");
    for n in NOTES {
        let _ = writeln!(page, "| `{}` | {} | {} |", n.code, n.zh, n.en);
    }
    page
}

fn formats_page() -> String {
    let registry = yumen::registry();
    let mut formats: Vec<_> = registry.formats().collect();
    formats.sort_by_key(|f| f.name);
    let mut page = format!(
        "# Formats\n\n{MADE}\nA format without an entry under *not read* is read in full. Everything else is swept as raw bytes and stays opaque.\n\n"
    );
    page.push_str(
        "| format | extensions | recognised by | yields | not read | reference |\n|---|---|---|---|---|---|\n",
    );
    for f in formats {
        let cell = |text: &str| text.replace('|', "\\|");
        let _ = writeln!(
            page,
            "| `{}` {} | {} | {} | {} | {} | {} |",
            f.name,
            cell(f.title),
            f.extensions.join(", "),
            cell(f.magic),
            cell(f.evidence),
            cell(&f.limitations.join("; ")),
            cell(f.reference)
        );
    }
    page
}
