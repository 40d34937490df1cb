//! Messages in JSON: types are taken from what is seen, since schemas may be left out and lie.

use base64::Engine as _;
use serde_json::Value as Json;

use super::{Bad, Piece, Value, Visit};
use crate::plan::{NONE, Node, Tree};
use crate::schema::{Field, Form, Many, Struct, Ty, Types};

/// No more fields are learnt of one topic.
const MAX_FIELDS: usize = 4096;
/// Objects nest no deeper.
const DEPTH: usize = 24;

/// Reads a message.
pub(crate) fn read(payload: &[u8]) -> Result<Json, Bad> {
    serde_json::from_slice(payload).map_err(|e| Bad(e.column().min(payload.len())))
}

/// Learns of the fields that a message has and no message before had; tells whether there were any.
pub(crate) fn learn(types: &mut Types, message: &Json) -> bool {
    if types.structs.is_empty() {
        types.structs.push(Struct::default());
    }
    let mut total: usize = types.structs.iter().map(|s| s.fields.len()).sum();
    object(types, 0, message, &mut total, 0)
}

fn object(types: &mut Types, number: usize, value: &Json, total: &mut usize, depth: usize) -> bool {
    let mut fresh = false;
    // A message that is a list is an object of that list.
    if let (Json::Array(_), 0) = (value, depth) {
        return field(types, number, "items", value, total, depth);
    }
    let Json::Object(map) = value else {
        return depth == 0 && field(types, number, "value", value, total, depth);
    };
    for (key, value) in map {
        fresh |= field(types, number, key, value, total, depth);
    }
    fresh
}

fn field(types: &mut Types, number: usize, key: &str, value: &Json, total: &mut usize, depth: usize) -> bool {
    let (many, sample) = match value {
        // What an array holds shows in all of its elements.
        Json::Array(list) => match list.first() {
            Some(first) => (Many::Sequence, first),
            None => return false,
        },
        other => (Many::One, other),
    };
    let shape = |types: &mut Types| match sample {
        Json::Null | Json::Array(_) => None,
        Json::Bool(_) => Some(Ty::Bool),
        Json::Number(_) => Some(Ty::F64),
        Json::String(_) => Some(Ty::Text),
        Json::Object(_) => {
            types.structs.push(Struct { form: Form::Plain, ..Struct::default() });
            Some(Ty::Struct((types.structs.len() - 1) as u32))
        }
    };
    let mut fresh = false;
    let known = types.structs[number].fields.iter().position(|f| f.name == key);
    let at = match known {
        Some(at) => at,
        None => {
            if *total >= MAX_FIELDS || depth >= DEPTH {
                return false;
            }
            let Some(ty) = shape(types) else { return false };
            *total += 1;
            fresh = true;
            types.structs[number].fields.push(Field { name: key.to_owned(), ty, many, number: 0, optional: false });
            types.structs[number].fields.len() - 1
        }
    };
    if let Ty::Struct(inner) = types.structs[number].fields[at].ty {
        match value {
            Json::Array(list) => {
                for element in list {
                    fresh |= object(types, inner as usize, element, total, depth + 1);
                }
            }
            other => fresh |= object(types, inner as usize, other, total, depth + 1),
        }
    }
    fresh
}

/// Walks a message.
pub(crate) fn decode(tree: &Tree, message: &Json, v: &mut Visit) {
    v.begin(tree, 0);
    match message {
        Json::Object(_) => members(tree, 0, message, v),
        Json::Array(_) => member(tree, 0, "items", message, v),
        _ => member(tree, 0, "value", message, v),
    }
    v.end(tree, 0);
}

fn members(tree: &Tree, id: u32, object: &Json, v: &mut Visit) {
    let Json::Object(map) = object else { return };
    for (key, value) in map {
        member(tree, id, key, value, v);
    }
}

fn member(tree: &Tree, id: u32, key: &str, value: &Json, v: &mut Visit) {
    let mut kids = tree.nodes[id as usize].kids.clone();
    let found = kids.find(|&k| tree.nodes[k as usize].name == key);
    let Some(kid) = found else {
        v.cut |= !matches!(value, Json::Null | Json::Bool(_)) && !matches!(value, Json::Array(a) if a.is_empty());
        return;
    };
    let node = &tree.nodes[kid as usize];
    match value {
        Json::Array(list) => {
            // Numbers are bytes where a meaning asks for bytes.
            if node.slot != NONE && matches!(list.first(), Some(Json::Number(_))) {
                let at = v.decoded.len();
                for n in list {
                    v.decoded.push(n.as_u64().and_then(|n| u8::try_from(n).ok()).unwrap_or(0));
                }
                set(v, node, Value::Bytes(Piece { at, len: list.len(), own: true, mark: 0 }));
                return;
            }
            for element in list {
                match element {
                    Json::Object(_) if node.scope != NONE => {
                        v.begin(tree, node.scope);
                        members(tree, kid, element, v);
                        v.end(tree, node.scope);
                    }
                    other => one(tree, kid, node, other, v),
                }
            }
        }
        other => one(tree, kid, node, other, v),
    }
}

fn one(tree: &Tree, id: u32, node: &Node, value: &Json, v: &mut Visit) {
    match value {
        Json::Object(_) => members(tree, id, value, v),
        Json::String(text) if node.base64 => {
            let at = v.decoded.len();
            let decoded = base64::engine::general_purpose::STANDARD.decode_vec(text.as_bytes(), &mut v.decoded);
            if decoded.is_ok() {
                let len = v.decoded.len() - at;
                set(v, node, Value::Bytes(Piece { at, len, own: true, mark: 0 }));
            } else {
                v.decoded.truncate(at);
                v.hear(tree, id, node, text, None);
            }
        }
        Json::String(text) => v.hear(tree, id, node, text, None),
        Json::Number(n) => {
            let value = match (n.as_i64(), n.as_u64()) {
                (Some(i), _) => Value::I(i),
                (_, Some(u)) => Value::U(u),
                _ => Value::F(n.as_f64().unwrap_or(f64::NAN)),
            };
            v.number(tree, id, node, value);
        }
        Json::Bool(b) => v.number(tree, id, node, Value::U(u64::from(*b))),
        // Of lists in lists the texts are heard.
        Json::Array(list) => list.iter().for_each(|e| one(tree, id, node, e, v)),
        Json::Null => {}
    }
}

fn set(v: &mut Visit, node: &Node, value: Value) {
    if let Some(slot) = v.values.get_mut(node.slot as usize) {
        *slot = value;
    }
}
