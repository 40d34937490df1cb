//! Protobuf descriptors (<https://github.com/protocolbuffers/protobuf/blob/main/src/google/protobuf/descriptor.proto>), read with the wire walker alone.

use std::collections::HashSet;

use yumen_kit_proto::{Fields, Wire};

use super::{Builder, Field, Form, Many, SchemaError, Ty, Types};

/// Types and descriptions nest no deeper.
const DEPTH: usize = 32;
/// No more files are taken from one description.
const MAX_FILES: usize = 4096;

type Res<T> = Result<T, SchemaError>;

fn fields(bytes: &[u8]) -> impl Iterator<Item = Res<(u32, Wire<'_>)>> {
    Fields::new(bytes).map(|f| f.map(|f| (f.number, f.value)).map_err(|_| SchemaError::Broken))
}

fn text(value: Wire<'_>) -> Res<&str> {
    value.text().ok_or(SchemaError::Broken)
}

fn bytes(value: Wire<'_>) -> Res<&[u8]> {
    value.bytes().ok_or(SchemaError::Broken)
}

/// A `FileDescriptorSet`, or a single `FileDescriptorProto`.
pub(super) fn parse_set(type_name: &str, schema: &[u8]) -> Res<Types> {
    let mut files = Vec::new();
    for field in fields(schema) {
        if let (1, value) = field? {
            files.push(bytes(value)?);
        }
    }
    build(type_name, &files).or_else(|e| build(type_name, &[schema]).map_err(|_| e))
}

/// A `ProtoDesc` of Apollo cyber: a serialised file, and the same of each file it needs.
pub(super) fn parse_apollo(type_name: &str, schema: &[u8]) -> Res<Types> {
    let mut files = Vec::new();
    let mut seen = HashSet::new();
    gather(schema, 0, &mut files, &mut seen)?;
    build(type_name, &files)
}

fn gather<'a>(desc: &'a [u8], depth: usize, files: &mut Vec<&'a [u8]>, seen: &mut HashSet<&'a [u8]>) -> Res<()> {
    if depth > DEPTH || files.len() > MAX_FILES {
        return Err(SchemaError::Broken);
    }
    for field in fields(desc) {
        match field? {
            (1, value) => {
                let file = bytes(value)?;
                // The same file is needed by many.
                if !seen.insert(file) {
                    return Ok(());
                }
                files.push(file);
            }
            (2, value) => gather(bytes(value)?, depth + 1, files, seen)?,
            _ => {}
        }
    }
    Ok(())
}

fn build(type_name: &str, files: &[&[u8]]) -> Res<Types> {
    let mut b = Builder::default();
    let mut seen = HashSet::new();
    for file in files.iter().take(MAX_FILES) {
        if !seen.insert(*file) {
            continue;
        }
        let mut package = "";
        for field in fields(file) {
            if let (2, value) = field? {
                package = text(value)?;
            }
        }
        for field in fields(file) {
            if let (4, value) = field? {
                message(&mut b, package, bytes(value)?, 0)?;
            }
        }
    }
    let wanted = type_name.trim_start_matches('.');
    b.types.root = match b.index.get(wanted) {
        Some(&n) => n,
        None => {
            // Some writers leave the package out.
            let mut same = b.index.iter().filter(|(name, _)| name.rsplit('.').next() == Some(wanted));
            match (same.next(), same.next()) {
                (Some((_, &n)), None) => n,
                _ => return Err(SchemaError::Broken),
            }
        }
    };
    Ok(b.types)
}

fn message(b: &mut Builder, scope: &str, proto: &[u8], depth: usize) -> Res<()> {
    if depth > DEPTH {
        return Err(SchemaError::Broken);
    }
    let mut name = "";
    for field in fields(proto) {
        if let (1, value) = field? {
            name = text(value)?;
        }
    }
    let full = if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") };
    let mut list = Vec::new();
    for field in fields(proto) {
        match field? {
            (2, value) => list.extend(one_field(b, bytes(value)?)?),
            (3, value) => message(b, &full, bytes(value)?, depth + 1)?,
            _ => {}
        }
    }
    b.define(&full, list, Form::Plain)?;
    Ok(())
}

fn one_field(b: &mut Builder, proto: &[u8]) -> Res<Option<Field>> {
    let (mut name, mut number, mut label, mut kind, mut type_name) = ("", 0u64, 0u64, 0u64, "");
    for field in fields(proto) {
        match field? {
            (1, value) => name = text(value)?,
            (3, value) => number = value.uint().ok_or(SchemaError::Broken)?,
            (4, value) => label = value.uint().ok_or(SchemaError::Broken)?,
            (5, value) => kind = value.uint().ok_or(SchemaError::Broken)?,
            (6, value) => type_name = text(value)?,
            _ => {}
        }
    }
    let ty = match kind {
        1 => Ty::F64,
        2 => Ty::F32,
        3 | 16 => Ty::I64,
        4 | 6 => Ty::U64,
        5 | 14 | 15 => Ty::I32,
        7 | 13 => Ty::U32,
        8 => Ty::Bool,
        9 => Ty::Text,
        10 | 11 => Ty::Struct(b.number(type_name.trim_start_matches('.'))?),
        12 => Ty::Bytes,
        17 | 18 => Ty::Zigzag,
        _ => return Err(SchemaError::Unsupported),
    };
    // sfixed64 is signed, and fixed: the wire tells fixed from varint by itself.
    let many = if label == 3 { Many::Sequence } else { Many::One };
    let number = u32::try_from(number).ok().filter(|&n| n > 0).ok_or(SchemaError::Broken)?;
    Ok(Some(Field { number, ..Field::new(name, if kind == 16 { Ty::I64 } else { ty }, many) }))
}
