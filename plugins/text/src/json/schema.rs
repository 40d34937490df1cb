//! JSON files that name the columns of a table beside them.

use serde_json::{Value, json};
use yumen_kit_text::{Decoder, Detection, detect};
use yumen_model::{Artifact, GroupFact, InspectError, Inspection, Message};

/// Larger files are no schemas.
const MAX_LEN: u64 = 1 << 20;
/// More facts of one file are left out.
const MAX_FACTS: usize = 256;

/// Exports a `table-schema` for each table that the JSON describes: a Frictionless table schema, data package or resource, W3C CSVW metadata, or
/// a plain list of fields.
pub(super) fn export(artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
    if artifact.blob.len() > MAX_LEN {
        return Ok(());
    }
    let read = |e: std::io::Error| InspectError::read(0, &e);
    let detection = detect(&artifact.blob).map_err(read)?.unwrap_or(Detection::UTF8);
    let mut decoder = Decoder::new(&artifact.blob, detection);
    let mut text = String::new();
    while let Some(chunk) = decoder.next_chunk().map_err(read)? {
        text.push_str(chunk.text);
    }
    // Cheap: most JSON has none of these words.
    if !["fields", "columns", "tableSchema"]
        .iter()
        .any(|w| memchr::memmem::find(text.as_bytes(), w.as_bytes()).is_some())
    {
        return Ok(());
    }
    let Ok(value) = serde_json::from_str::<Value>(&text) else { return Ok(()) };
    for (applies_to, names) in schemas(&value).into_iter().take(MAX_FACTS) {
        out.send(Message::Export(GroupFact {
            key: "table-schema".to_owned(),
            value: json!({"applies_to": applies_to, "names": names}),
        }))?;
    }
    Ok(())
}

type Schema = (Vec<String>, Vec<String>);

fn schemas(value: &Value) -> Vec<Schema> {
    let mut found = Vec::new();
    if let Some(names) = fields(value) {
        found.push((paths(value), names));
    }
    for key in ["resources", "tables"] {
        for part in value.get(key).and_then(Value::as_array).into_iter().flatten() {
            found.extend(fields(part).map(|names| (paths(part), names)));
        }
    }
    found
}

/// The files that a description names.
fn paths(value: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for key in ["path", "url", "file", "filename"] {
        match value.get(key) {
            Some(Value::String(path)) => all.push(path.clone()),
            Some(Value::Array(paths)) => all.extend(paths.iter().filter_map(Value::as_str).map(str::to_owned)),
            _ => {}
        }
    }
    all
}

/// The columns' names of one description.
fn fields(value: &Value) -> Option<Vec<String>> {
    if let Value::Array(_) = value {
        return names(value);
    }
    let object = value.as_object()?;
    let inner = object.get("schema").or_else(|| object.get("tableSchema"));
    inner
        .and_then(fields)
        .or_else(|| object.get("fields").and_then(names))
        .or_else(|| object.get("columns").and_then(names))
}

/// Names of a list of columns: `{"name": …}`, CSVW's `titles`, or plain words. Two at least, else it is something else.
fn names(list: &Value) -> Option<Vec<String>> {
    let list = list.as_array().filter(|l| (1..=16_384).contains(&l.len()))?;
    let name = |v: &Value| -> Option<String> {
        let text = match v {
            Value::String(s) => Some(s.as_str()),
            Value::Object(o) => ["name", "title", "titles"].iter().find_map(|k| match o.get(*k)? {
                Value::String(s) => Some(s.as_str()),
                Value::Array(a) => a.first()?.as_str(),
                Value::Object(m) => {
                    m.values().next().and_then(|v| v.as_str().or_else(|| v.as_array()?.first()?.as_str()))
                }
                _ => None,
            }),
            _ => None,
        };
        text.filter(|t| !t.is_empty() && t.len() <= 256).map(str::to_owned)
    };
    list.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_forms_are_read() {
        let of = |v: Value| schemas(&v);
        let names = |n: &[&str]| n.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let ab = json!([{"name": "车架号", "type": "string"}, {"name": "手机号"}]);
        assert_eq!(of(json!({"fields": ab})), [(vec![], names(&["车架号", "手机号"]))]);
        assert_eq!(
            of(json!({"path": "a.csv", "schema": {"fields": ab}})),
            [(names(&["a.csv"]), names(&["车架号", "手机号"]))]
        );
        assert_eq!(
            of(json!({"resources": [{"path": ["x/a.csv"], "schema": {"fields": ab}}, {"path": "b.csv"}]})),
            [(names(&["x/a.csv"]), names(&["车架号", "手机号"]))]
        );
        assert_eq!(
            of(
                json!({"@context": "http://www.w3.org/ns/csvw", "url": "t.csv", "tableSchema": {"columns": [{"titles": "VIN"}, {"titles": ["电话"]}]}})
            ),
            [(names(&["t.csv"]), names(&["VIN", "电话"]))]
        );
        assert_eq!(of(json!({"columns": ["a", "b"]})), [(vec![], names(&["a", "b"]))]);
        assert!(of(json!({"fields": [1, 2]})).is_empty());
        assert!(of(json!({"fields": {"a": 1}})).is_empty());
    }
}
