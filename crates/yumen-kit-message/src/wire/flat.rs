//! FlatBuffers (<https://flatbuffers.dev/internals/>): tables with vtables, vectors, strings; every offset is checked.

use super::{Bad, Value, Visit};
use crate::plan::{NONE, Tree};
use crate::schema::{Form, Many, Ty};

/// A table at its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a> {
    b: &'a [u8],
    at: usize,
    vtable: usize,
    /// Bytes of the vtable.
    entries: usize,
}

fn u32_at(b: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*b.get(at..)?.first_chunk()?))
}

fn u16_at(b: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*b.get(at..)?.first_chunk()?))
}

/// Where an offset that stands at a place leads.
fn follow(b: &[u8], at: usize) -> Option<usize> {
    at.checked_add(u32_at(b, at)? as usize).filter(|&to| to < b.len())
}

impl<'a> Table<'a> {
    /// The root of a buffer.
    pub(crate) fn root(b: &'a [u8]) -> Option<Self> {
        Table::at(b, follow(b, 0)?)
    }

    fn at(b: &'a [u8], at: usize) -> Option<Self> {
        let back = i64::from(u32_at(b, at)?.cast_signed());
        let vtable = usize::try_from(i64::try_from(at).ok()?.checked_sub(back)?).ok()?;
        let entries = usize::from(u16_at(b, vtable)?);
        b.get(vtable..vtable.checked_add(entries)?)?;
        (entries >= 4).then_some(Table { b, at, vtable, entries })
    }

    /// Where a field stands, by its offset in the vtable; none where it is left out.
    fn place(&self, slot: usize) -> Option<usize> {
        if slot + 2 > self.entries {
            return None;
        }
        let offset = usize::from(u16_at(self.b, self.vtable + slot)?);
        (offset > 0).then_some(self.at + offset)
    }

    /// An unsigned field of so many bytes, by its number.
    pub(crate) fn scalar(&self, field: usize, size: usize) -> Option<u64> {
        let at = self.place(4 + 2 * field)?;
        let bytes = self.b.get(at..at + size)?;
        Some(bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)))
    }

    /// A text by the number of its field.
    pub(crate) fn text(&self, field: usize) -> Option<&'a str> {
        let at = follow(self.b, self.place(4 + 2 * field)?)?;
        let len = u32_at(self.b, at)? as usize;
        std::str::from_utf8(self.b.get(at + 4..(at + 4).checked_add(len)?)?).ok()
    }

    /// A table by the number of its field.
    pub(crate) fn table(&self, field: usize) -> Option<Table<'a>> {
        Table::at(self.b, follow(self.b, self.place(4 + 2 * field)?)?)
    }

    /// A vector of elements of so many bytes, by the number of its field.
    pub(crate) fn vector(&self, field: usize, size: usize) -> Option<Vector<'a>> {
        Vector::at(self.b, follow(self.b, self.place(4 + 2 * field)?)?, size)
    }
}

/// A vector at its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vector<'a> {
    b: &'a [u8],
    /// Of the first element.
    at: usize,
    len: usize,
}

impl<'a> Vector<'a> {
    fn at(b: &'a [u8], at: usize, size: usize) -> Option<Self> {
        let len = u32_at(b, at)? as usize;
        let start = at.checked_add(4)?;
        b.get(start..start.checked_add(len.checked_mul(size)?)?)?;
        Some(Vector { b, at: start, len })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// A table among the elements.
    pub(crate) fn table(&self, i: usize) -> Option<Table<'a>> {
        (i < self.len).then(|| Table::at(self.b, follow(self.b, self.at + 4 * i)?))?
    }
}

/// Tables may be shared, so a small buffer may describe much: no more of them are walked.
const MAX_TABLES: usize = 1 << 20;

struct Walk<'a, 't> {
    b: &'a [u8],
    tree: &'t Tree,
    tables: usize,
}

/// Decodes a message.
pub(crate) fn decode(tree: &Tree, payload: &[u8], v: &mut Visit) -> Result<(), Bad> {
    let at = follow(payload, 0).ok_or(Bad(0))?;
    v.begin(tree, 0);
    let mut walk = Walk { b: payload, tree, tables: 0 };
    walk.table(0, at, v)?;
    v.end(tree, 0);
    Ok(())
}

impl Walk<'_, '_> {
    fn table(&mut self, id: u32, at: usize, v: &mut Visit) -> Result<(), Bad> {
        self.tables += 1;
        if self.tables > MAX_TABLES {
            return Err(Bad(at));
        }
        let table = Table::at(self.b, at).ok_or(Bad(at))?;
        for kid in self.tree.nodes[id as usize].kids.clone() {
            let node = &self.tree.nodes[kid as usize];
            let Some(place) = table.place(node.number as usize) else { continue };
            match node.many {
                Many::One => self.value(kid, place, v)?,
                _ => self.vector(kid, follow(self.b, place).ok_or(Bad(place))?, v)?,
            }
        }
        Ok(())
    }

    /// One value: what it takes more than a few bytes for stands elsewhere.
    fn value(&mut self, id: u32, at: usize, v: &mut Visit) -> Result<(), Bad> {
        let node = &self.tree.nodes[id as usize];
        match node.ty {
            Ty::Struct(_) if node.cut => v.cut = true,
            Ty::Struct(_) if matches!(node.form, Form::Inline(_)) => self.inline(id, at, v)?,
            Ty::Struct(_) => self.table(id, follow(self.b, at).ok_or(Bad(at))?, v)?,
            Ty::Text => {
                let to = follow(self.b, at).ok_or(Bad(at))?;
                let len = u32_at(self.b, to).ok_or(Bad(to))? as usize;
                let bytes = self.b.get(to + 4..).and_then(|b| b.get(..len)).ok_or(Bad(to))?;
                v.text(self.tree, id, node, bytes, to + 4);
            }
            ty => {
                if node.slot == NONE && !node.say {
                    return Ok(());
                }
                let value = number(self.b, ty, at).ok_or(Bad(at))?;
                v.number(self.tree, id, node, value);
            }
        }
        Ok(())
    }

    /// A struct in its place.
    fn inline(&mut self, id: u32, at: usize, v: &mut Visit) -> Result<(), Bad> {
        for kid in self.tree.nodes[id as usize].kids.clone() {
            let node = &self.tree.nodes[kid as usize];
            let place = at + node.number as usize;
            match (node.many, node.ty) {
                (Many::One, _) => self.value(kid, place, v)?,
                (Many::Fixed(n), ty) if ty.size() > 0 => {
                    let len = n as usize * ty.size();
                    let bytes = self.b.get(place..).and_then(|b| b.get(..len)).ok_or(Bad(place))?;
                    self.numbers(kid, place, bytes, v);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn numbers(&self, id: u32, at: usize, bytes: &[u8], v: &mut Visit) {
        let node = &self.tree.nodes[id as usize];
        if node.ty.is_byte() {
            v.bytes(self.tree, id, node, bytes, at);
        } else {
            v.array(id, node, at, bytes.len());
        }
    }

    fn vector(&mut self, id: u32, at: usize, v: &mut Visit) -> Result<(), Bad> {
        let node = &self.tree.nodes[id as usize];
        let size = match (node.ty, node.form) {
            (Ty::Struct(_), Form::Inline(size)) => size.max(1) as usize,
            (Ty::Struct(_) | Ty::Text, _) => 4,
            (ty, _) => ty.size().max(1),
        };
        let vector = Vector::at(self.b, at, size).ok_or(Bad(at))?;
        if node.ty.size() > 0 {
            let bytes = &self.b[vector.at..vector.at + vector.len * size];
            self.numbers(id, vector.at, bytes, v);
            return Ok(());
        }
        for i in 0..vector.len {
            let scoped = node.scope != NONE && matches!(node.ty, Ty::Struct(_));
            if scoped {
                v.begin(self.tree, node.scope);
            }
            self.value(id, vector.at + i * size, v)?;
            if scoped {
                v.end(self.tree, node.scope);
            }
        }
        Ok(())
    }
}

fn number(b: &[u8], ty: Ty, at: usize) -> Option<Value> {
    let bytes = b.get(at..at.checked_add(ty.size())?)?;
    let n = bytes.iter().rev().fold(0u64, |n, &b| n << 8 | u64::from(b));
    Some(match ty {
        Ty::I8 => Value::I(i64::from(n as u8 as i8)),
        Ty::I16 => Value::I(i64::from(n as u16 as i16)),
        Ty::I32 => Value::I(i64::from(n as u32 as i32)),
        Ty::I64 => Value::I(n.cast_signed()),
        Ty::F32 => Value::F(f64::from(f32::from_bits(n as u32))),
        Ty::F64 => Value::F(f64::from_bits(n)),
        _ => Value::U(n),
    })
}
