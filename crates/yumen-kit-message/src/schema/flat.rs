//! FlatBuffers schemas in binary form (<https://github.com/google/flatbuffers/blob/master/reflection/reflection.fbs>).

use super::{Builder, Field, Form, Many, SchemaError, Ty, Types};
use crate::wire::flat::Table;

type Res<T> = Result<T, SchemaError>;

/// Reads a `reflection.Schema`.
pub(super) fn parse(type_name: &str, schema: &[u8]) -> Res<Types> {
    let broken = SchemaError::Broken;
    if schema.get(4..8) != Some(b"BFBS") {
        return Err(broken);
    }
    let root = Table::root(schema).ok_or(broken)?;
    let objects = root.vector(0, 4).ok_or(broken)?;
    let mut b = Builder::default();
    // Types are named by their place in the list.
    let mut list = Vec::new();
    for i in 0..objects.len() {
        let object = objects.table(i).ok_or(broken)?;
        let name = object.text(0).ok_or(broken)?;
        b.number(name)?;
        list.push((name, object));
    }
    for (name, object) in &list {
        let inline = object.scalar(2, 1).is_some_and(|v| v != 0);
        let fields = object.vector(1, 4).ok_or(broken)?;
        let mut out = Vec::new();
        for i in 0..fields.len() {
            let field = fields.table(i).ok_or(broken)?;
            let ty = field.table(1).ok_or(broken)?;
            let base = ty.scalar(0, 1).unwrap_or(0);
            let element = ty.scalar(1, 1).unwrap_or(0);
            let index = ty.scalar(2, 4).map(|v| v as u32).unwrap_or(u32::MAX);
            let (base, many) = match base {
                14 => (element, Many::Sequence),
                17 => (element, Many::Fixed(ty.scalar(3, 2).unwrap_or(0) as u32)),
                b => (b, Many::One),
            };
            let kind = match base {
                1 | 4 => Ty::U8,
                2 => Ty::Bool,
                3 => Ty::I8,
                5 => Ty::I16,
                6 => Ty::U16,
                7 => Ty::I32,
                8 => Ty::U32,
                9 => Ty::I64,
                10 => Ty::U64,
                11 => Ty::F32,
                12 => Ty::F64,
                13 => Ty::Text,
                15 if (index as usize) < list.len() => Ty::Struct(index),
                // Unions and 64-bit vectors stay unread.
                _ => continue,
            };
            let number = field.scalar(3, 2).unwrap_or(0) as u32;
            out.push(Field { number, ..Field::new(field.text(0).ok_or(broken)?, kind, many) });
        }
        out.sort_by_key(|f| f.number);
        let form = if inline { Form::Inline(object.scalar(4, 4).unwrap_or(0) as u32) } else { Form::Plain };
        b.define(name, out, form)?;
    }
    b.types.root = match b.index.get(type_name) {
        Some(&n) => n,
        None => {
            let table = root.table(4).and_then(|t| t.text(0)).ok_or(broken)?;
            *b.index.get(table).ok_or(broken)?
        }
    };
    Ok(b.types)
}
