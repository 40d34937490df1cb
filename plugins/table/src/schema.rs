//! Table schemas beside a table without header: which one belongs to which table.
//!
//! The fact `table-schema` has the form `{"applies_to": ["owners.csv"], "names": ["vin", "phone"]}`; an empty `applies_to` says that the schema
//! names no file.

use serde_json::Value;
use yumen_model::{Context, Grouper, Member};

/// The kind of fact.
pub(crate) const KEY: &str = "table-schema";

/// More columns are left without names.
const MAX_COLUMNS: usize = 16 << 10;

/// The names of a granted schema.
pub(crate) fn granted(context: &Context) -> Option<Vec<String>> {
    let names = context.facts(KEY).next()?.get("names")?.as_array()?;
    let names: Vec<String> = names.iter().take(MAX_COLUMNS).map(|n| n.as_str().unwrap_or("").to_owned()).collect();
    (!names.is_empty()).then_some(names)
}

/// Gives a table the schema that lies beside it.
pub(crate) struct SchemaGrouper;

impl Grouper for SchemaGrouper {
    fn key(&self) -> &'static str {
        KEY
    }

    fn grant(&self, needy: &Member<'_>, neighbours: &[Member<'_>]) -> Vec<Value> {
        let all: Vec<(&str, &Value)> =
            neighbours.iter().flat_map(|m| m.exports.iter().map(move |value| (m.name, *value))).collect();
        let named = all.iter().find(|(_, value)| applies_to(value).any(|path| base(path) == needy.name));
        let same_stem = || all.iter().find(|(name, _)| is_stem_of(schema_stem(name), needy.name));
        let only = || match all.as_slice() {
            [one] if applies_to(one.1).next().is_none() && is_general(schema_stem(one.0)) => Some(one),
            _ => None,
        };
        named.or_else(same_stem).or_else(only).map(|(_, value)| (*value).clone()).into_iter().collect()
    }
}

fn applies_to(value: &Value) -> impl Iterator<Item = &str> {
    value.get("applies_to").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn base(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The name of a schema file without what says that it is one: `owners.schema.json`, `owners.csv-metadata.json`, `owners.json` → `owners`.
fn schema_stem(name: &str) -> &str {
    let stem = name.strip_suffix(".json").unwrap_or(name);
    [".schema", "-schema", "_schema", "-metadata", ".metadata", ".tableschema", ".resource", ".fields", ".header"]
        .iter()
        .find_map(|suffix| stem.strip_suffix(suffix))
        .unwrap_or(stem)
}

/// Whether a stem is the table's name, with or without its extension.
fn is_stem_of(stem: &str, table: &str) -> bool {
    !stem.is_empty() && (stem == table || table.rsplit_once('.').is_some_and(|(t, _)| t == stem))
}

fn is_general(stem: &str) -> bool {
    let stem = stem.to_ascii_lowercase();
    [
        "schema",
        "datapackage",
        "metadata",
        "csv",
        "table",
        "tables",
        "columns",
        "fields",
        "header",
        "headers",
        "tableschema",
        "csv-metadata",
        "data",
    ]
    .contains(&stem.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn grant(table: &str, schemas: &[(&str, Value)]) -> Vec<Value> {
        let members: Vec<Member<'_>> =
            schemas.iter().map(|(name, v)| Member { name, format: "json", exports: vec![v] }).collect();
        SchemaGrouper.grant(&Member { name: table, format: "csv", exports: vec![] }, &members)
    }

    #[test]
    fn a_schema_is_found_by_path_then_stem_then_being_the_only_one() {
        let a = json!({"applies_to": ["data/owners.csv"], "names": ["a"]});
        let b = json!({"applies_to": [], "names": ["b"]});
        assert_eq!(
            grant("owners.csv", &[("datapackage.json", a.clone()), ("owners.schema.json", b.clone())]),
            std::slice::from_ref(&a)
        );
        assert_eq!(
            grant("trips.csv", &[("datapackage.json", a.clone()), ("trips.json", b.clone())]),
            std::slice::from_ref(&b)
        );
        assert_eq!(grant("trips.csv", &[("trips.csv-metadata.json", b.clone())]), std::slice::from_ref(&b));
        assert_eq!(grant("part-1.csv", &[("schema.json", b.clone())]), std::slice::from_ref(&b));
        assert!(grant("part-1.csv", &[("owners.schema.json", b.clone())]).is_empty());
        assert!(grant("part-1.csv", &[("schema.json", b.clone()), ("columns.json", b)]).is_empty());
        assert!(grant("part-1.csv", &[("datapackage.json", a)]).is_empty());
    }
}
