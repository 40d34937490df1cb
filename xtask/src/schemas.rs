//! The JSON Schemas, made from the types.

use std::path::Path;

use serde_json::{Value, json};
use yumen_model::kind::KINDS;
use yumen_model::note::NOTES;

/// Writes or checks `schemas/`.
pub(crate) fn run(root: &Path, check: bool) -> Result<(), String> {
    let all = [
        ("report", yumen_report::schema()),
        ("rulebook", yumen_rules::schema()),
        ("config", yumen_rules::overlay_schema()),
        ("shipment", yumen_route::schema()),
        ("kinds", kinds()),
        ("notes", notes()),
    ];
    for (name, schema) in all {
        let mut text = serde_json::to_string_pretty(&schema).map_err(|e| e.to_string())?;
        text.push('\n');
        let file = if matches!(name, "kinds" | "notes") { format!("{name}.json") } else { format!("{name}.schema.json") };
        crate::generated(&root.join("schemas").join(file), text.as_bytes(), check)?;
    }
    Ok(())
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
