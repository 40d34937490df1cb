//! Protobuf messages by their plan. What the plan does not name is passed over.

use yumen_kit_proto::{Fields, Wire, zigzag};

use super::{Bad, Value, Visit};
use crate::plan::{NONE, Tree};
use crate::schema::{Many, Ty};

/// Decodes a message.
pub(crate) fn decode(tree: &Tree, payload: &[u8], v: &mut Visit) -> Result<(), Bad> {
    v.begin(tree, 0);
    message(tree, 0, payload, 0, v)?;
    v.end(tree, 0);
    Ok(())
}

fn message(tree: &Tree, id: u32, bytes: &[u8], base: usize, v: &mut Visit) -> Result<(), Bad> {
    let kids = tree.nodes[id as usize].kids.clone();
    let mut next = kids.start;
    for field in Fields::new(bytes) {
        let field = field.map_err(|e| Bad(base + e.0))?;
        let at = base + field.offset;
        // Fields come in the order of their numbers as a rule.
        let hit = |k: u32| kids.contains(&k) && tree.nodes[k as usize].number == field.number;
        let kid = if hit(next) {
            next
        } else if hit(next + 1) {
            next + 1
        } else {
            let list = &tree.nodes[kids.start as usize..kids.end as usize];
            match list.binary_search_by_key(&field.number, |n| n.number) {
                Ok(i) => kids.start + i as u32,
                Err(_) => continue,
            }
        };
        next = kid;
        let node = &tree.nodes[kid as usize];
        match (node.ty, field.value) {
            (Ty::Struct(_), Wire::Bytes(b) | Wire::Group(b)) => {
                if node.cut {
                    v.cut |= !b.is_empty();
                } else if node.many == Many::One || node.scope == NONE {
                    message(tree, kid, b, at, v)?;
                } else {
                    v.begin(tree, node.scope);
                    message(tree, kid, b, at, v)?;
                    v.end(tree, node.scope);
                }
            }
            (Ty::Text, Wire::Bytes(b)) => v.text(tree, kid, node, b, at),
            (Ty::Bytes, Wire::Bytes(b)) => v.bytes(tree, kid, node, b, at),
            // Packed numbers.
            (_, Wire::Bytes(b)) if node.many == Many::Sequence => v.array(kid, node, at, b.len()),
            (Ty::Text | Ty::Bytes | Ty::Struct(_), _) | (_, Wire::Bytes(_) | Wire::Group(_)) => return Err(Bad(at)),
            (ty, value) if node.slot != NONE || node.say => {
                let value = number(ty, value).ok_or(Bad(at))?;
                v.number(tree, kid, node, value);
            }
            _ => {}
        }
    }
    Ok(())
}

fn number(ty: Ty, value: Wire<'_>) -> Option<Value> {
    Some(match (ty, value) {
        (Ty::F64 | Ty::F32, value) => Value::F(value.float()?),
        (Ty::Zigzag, Wire::Varint(n)) => Value::I(zigzag(n)),
        (Ty::I32 | Ty::I64, value) => Value::I(value.int()?),
        (_, value) => Value::U(value.uint()?),
    })
}
