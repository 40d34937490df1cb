//! Secrets that only a whole record tells: JSON Web Keys, and settings kept as pairs of name and value.

use yumen_kit_key::jwk;
use yumen_model::kind::kinds;
use yumen_model::{Batch, Cell, Findings, Hit, Location, Mask, RecordBatch, Secret, Session};

use super::assign::named_value;
use super::names::classify;
use super::value::Source;
use super::{facts_of, tokens};

/// Most members of a record that are looked at.
const MAX_CELLS: usize = 64;

/// What a field's name means for this reader.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    None,
    KeyType,
    Name,
}

/// The last part of a field's name, without the sign of an attribute.
fn last(name: &str) -> &str {
    name.rsplit(['.', '@', '/']).next().unwrap_or(name)
}

fn role(name: &str) -> Role {
    let last = last(name);
    if last == "kty" {
        Role::KeyType
    } else if ["name", "key", "variable", "property", "var", "id"].iter().any(|n| last.eq_ignore_ascii_case(n)) {
        Role::Name
    } else {
        Role::None
    }
}

/// Reads records member by member; holds nothing between batches, since a record is never cut.
pub(super) struct Members;

impl Session for Members {
    fn feed(&mut self, batch: &Batch<'_>, out: &mut Findings) {
        let Batch::Records(batch) = batch else { return };
        let roles: Vec<Role> = batch.names.iter().map(|n| role(n)).collect();
        if roles.iter().all(|r| *r == Role::None) {
            return;
        }
        for row in batch.rows() {
            let row = &row[..row.len().min(MAX_CELLS)];
            for cell in row {
                match roles.get(cell.name as usize).copied().unwrap_or(Role::None) {
                    Role::KeyType => web_key(batch, row, cell, out),
                    Role::Name => pair(batch, row, cell, out),
                    Role::None => {}
                }
            }
        }
    }

    fn finish(self: Box<Self>, _: &mut Findings) {}
}

fn location(cell: &Cell) -> Location {
    Location {
        bytes: Some((cell.byte_start, cell.byte_end)),
        line: Some(cell.line),
        column: Some(u64::from(cell.column)),
        ..Location::default()
    }
}

fn web_key(batch: &RecordBatch<'_>, row: &[Cell], kty: &Cell, out: &mut Findings) {
    let prefix = batch.name(kty).strip_suffix("kty").unwrap_or("");
    let member = |name: &str| row.iter().find(|c| batch.name(c).strip_prefix(prefix) == Some(name));
    let Some(item) = jwk::private_key(|name| member(name).map(|c| batch.value(c))) else { return };
    let Some(secret) = member("d").or_else(|| member("k")) else { return };
    let Some(material) = item.material(0) else { return };
    let facts = facts_of(&material);
    out.hit(Hit {
        kind: facts.kind,
        location: location(secret),
        secret: Secret::new(batch.value(secret)),
        mask: Mask::All,
        confidence: 0.97,
        distinct: facts.distinct,
        collect: facts.collect,
    });
}

/// `{name: DB_PASSWORD, value: …}`, `<add key="…" value="…"/>`, `<string name="…">…</string>`.
fn pair(batch: &RecordBatch<'_>, row: &[Cell], key: &Cell, out: &mut Findings) {
    let name = batch.value(key);
    if name.len() > 100 || classify(name).is_none() {
        return;
    }
    let full = batch.name(key);
    let parent = full[..full.len() - last(full).len()].trim_end_matches(['.', '@', '/']);
    let value = row.iter().find(|c| {
        let n = batch.name(c);
        let of_parent = n.strip_prefix(parent).is_some_and(|rest| {
            let rest = rest.trim_start_matches(['.', '@', '/']);
            rest.is_empty()
                || ["value", "val", "content", "text", "#text", "$"].iter().any(|w| rest.eq_ignore_ascii_case(w))
        });
        of_parent && c.byte_start != key.byte_start
    });
    let Some(cell) = value else { return };
    let raw = batch.value(cell);
    let Some(found) = named_value(name, raw.trim(), Source::Config) else { return };
    if found.kind() == kinds::KEY_TOKEN && tokens::is_known_shape(raw.trim()) {
        return;
    }
    out.hit(Hit {
        kind: found.kind(),
        location: location(cell),
        secret: Secret::new(raw),
        mask: Mask::All,
        confidence: found.confidence(),
        distinct: if found.kind() == kinds::KEY_PRIVATE { vec![("encrypted", false.into())] } else { Vec::new() },
        collect: Vec::new(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use yumen_model::SubjectKey;
    use yumen_model::finding::Aggregate;

    fn records(rows: &[&[(&str, &str)]]) -> Vec<Aggregate> {
        let mut b = RecordBatch::default();
        let mut text = String::new();
        for row in rows {
            b.records.push(b.cells.len() as u32);
            for (name, value) in *row {
                let index = b.names.iter().position(|n| n == name).unwrap_or_else(|| {
                    b.names.push((*name).to_owned());
                    b.names.len() - 1
                });
                let start = text.len() as u32;
                text.push_str(value);
                let end = text.len() as u32;
                text.push(RecordBatch::CELL_END);
                b.cells.push(Cell {
                    name: index as u32,
                    column_index: 0,
                    start,
                    end,
                    byte_start: u64::from(start),
                    byte_end: u64::from(end),
                    line: 1,
                    column: start + 1,
                    verbatim: true,
                });
            }
        }
        b.text = text.into();
        let mut findings = Findings::new(SubjectKey::new([0; 32]), 20, false);
        Members.feed(&Batch::Records(b), &mut findings);
        findings.into_parts().aggregates
    }

    const D: &str = "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE";

    #[test]
    fn a_web_key_counts_only_with_its_private_member() {
        let found = records(&[
            &[("keys.kty", "EC"), ("keys.crv", "P-256"), ("keys.x", D), ("keys.d", D)],
            &[("keys.kty", "EC"), ("keys.crv", "P-256"), ("keys.x", D), ("keys.y", D)],
        ]);
        assert_eq!((found.len(), found[0].count, found[0].kind), (1, 1, kinds::KEY_PRIVATE));
        assert_eq!(found[0].places[0].0.column, Some(54));
    }

    #[test]
    fn pairs_of_name_and_value_are_read_together() {
        let found = records(&[
            &[("env.name", "DB_PASSWORD"), ("env.value", "Xyz987!q")],
            &[("env.name", "DB_HOST"), ("env.value", "Xyz987!q")],
            &[("env.name", "DB_PASSWORD"), ("env.value", "${PW}")],
            &[("add.@key", "ApiPassword"), ("add.@value", "Xyz987!q")],
            &[("resources.string", "Xyz987!q"), ("resources.string.name", "ftp_password")],
        ]);
        assert_eq!((found.len(), found[0].count, found[0].kind), (1, 3, kinds::KEY_PASSWORD));
    }
}
