//! Symbols, names of needed libraries, and strings that no symbol points to.

use std::ops::Range;

use yumen_model::{InspectError, Label};

use super::Reader;
use super::header::{Header, Section, Segment};
use crate::common::Claims;

/// Symbols of one table that are read.
const MAX_SYMBOLS: u64 = 4 << 20;
/// Longest table of strings that is held in memory; a longer one is read as strings.
const MAX_STRINGS: u64 = 16 << 20;
/// Bytes of the table of symbols read at once.
const PIECE: u64 = 96 << 10;

/// Reads the tables of symbols, and the strings beside them.
pub(super) fn read(
    reader: &mut Reader<'_>,
    header: &Header,
    sections: &[Section],
    names: &[Vec<u8>],
) -> Result<(), InspectError> {
    let len = reader.to.len();
    // A table of strings may serve several tables of symbols.
    let mut tables: Vec<usize> = sections.iter().filter(|s| s.is_symbol_table()).map(|s| s.link as usize).collect();
    if sections.get(header.names_index).is_some_and(Section::has_bytes) {
        tables.push(header.names_index);
    }
    tables.sort_unstable();
    tables.dedup();
    for table in tables {
        let Some(strings) = sections.get(table).filter(|s| s.has_bytes()) else { continue };
        let range = strings.range.start.min(len)..strings.range.end.min(len);
        if range.is_empty() {
            continue;
        }
        if range.end - range.start > MAX_STRINGS {
            reader.strings(range)?;
            continue;
        }
        let bytes = reader.to.blob.bytes(range.clone()).map_err(|e| InspectError::read(range.start, &e))?;
        let mut used = Claims::default();
        for section in sections.iter().filter(|s| s.is_symbol_table() && s.link as usize == table) {
            symbols(reader, header, section, &bytes, range.start, &mut used)?;
        }
        if table == header.names_index {
            section_names(reader, sections, names, range.start, &mut used)?;
        }
        for free in used.free(0..bytes.len() as u64) {
            let piece = to_usize(&free);
            reader.evidence.strings(&mut reader.to, &bytes[piece], range.start + free.start)?;
        }
        reader.to.label(range, Label::Inspected)?;
    }
    Ok(())
}

fn to_usize(range: &Range<u64>) -> Range<usize> {
    usize::try_from(range.start).unwrap_or(usize::MAX)..usize::try_from(range.end).unwrap_or(usize::MAX)
}

fn section_names(
    reader: &mut Reader<'_>,
    sections: &[Section],
    names: &[Vec<u8>],
    base: u64,
    used: &mut Claims,
) -> Result<(), InspectError> {
    for (section, name) in sections.iter().zip(names) {
        let at = u64::from(section.name);
        used.add(at..at + name.len() as u64);
        // The usual names say nothing.
        if !is_usual(name) {
            reader.evidence.symbol(&mut reader.to, name, "section", base + at)?;
        }
    }
    Ok(())
}

fn is_usual(name: &[u8]) -> bool {
    name.is_empty()
        || [
            &b".text"[..],
            b".data",
            b".bss",
            b".rodata",
            b".rel",
            b".debug",
            b".note",
            b".gnu",
            b".init",
            b".fini",
            b".dyn",
            b".sym",
            b".str",
            b".shstr",
            b".comment",
            b".got",
            b".plt",
            b".eh_frame",
            b".interp",
            b".hash",
            b".tbss",
            b".tdata",
            b".ARM",
            b".group",
            b".zdebug",
        ]
        .iter()
        .any(|u| name.starts_with(u))
}

fn symbols(
    reader: &mut Reader<'_>,
    header: &Header,
    table: &Section,
    strings: &[u8],
    base: u64,
    used: &mut Claims,
) -> Result<(), InspectError> {
    let size: u64 = if header.wide { 24 } else { 16 };
    let len = reader.to.len();
    let range = table.range.start.min(len)..table.range.end.min(len);
    let mut at = range.start;
    let mut left = MAX_SYMBOLS;
    while at + size <= range.end {
        let end = (at + PIECE.min((range.end - at) / size * size)).min(range.end);
        let bytes = reader.to.blob.bytes(at..end).map_err(|e| InspectError::read(at, &e))?;
        at = end;
        for entry in bytes.chunks_exact(usize::try_from(size).unwrap_or(16)) {
            let start = header.u32(entry, 0) as usize;
            let info = if header.wide { entry[4] } else { entry[12] };
            let Some(rest) = strings.get(start..) else { continue };
            let name = &rest[..memchr::memchr(0, rest).unwrap_or(rest.len()).min(4096)];
            if name.is_empty() {
                continue;
            }
            if left == 0 {
                // The others are shown as strings, without their kinds.
                reader.to.tell_at("limit", at);
                return Ok(());
            }
            left -= 1;
            reader.symbols += 1;
            used.add(start as u64..(start + name.len()) as u64);
            let kind = match info & 15 {
                1 => "object",
                2 | 10 => "function",
                3 => "section",
                4 => "file",
                6 => "object",
                _ => "symbol",
            };
            // Mapping symbols of ARM and RISC-V ($a, $d, $t, $x).
            if name.first() == Some(&b'$') && name.len() <= 3 {
                continue;
            }
            reader.evidence.symbol(&mut reader.to, name, kind, base + start as u64)?;
        }
    }
    Ok(())
}

/// The dynamic section: which libraries are needed. Their names were shown with the strings they stand in.
pub(super) fn dynamic(
    reader: &mut Reader<'_>,
    header: &Header,
    sections: &[Section],
    segments: &[Segment],
) -> Result<(), InspectError> {
    let range = sections
        .iter()
        .find(|s| s.kind == 6 && s.has_bytes())
        .map(|s| s.range.clone())
        .or_else(|| segments.iter().find(|s| s.kind == 2).map(|s| s.range.clone()));
    let Some(range) = range else { return Ok(()) };
    let size: u64 = if header.wide { 16 } else { 8 };
    let end = range.end.min(reader.to.len());
    let mut at = range.start;
    for _ in 0..4096 {
        if at + size > end {
            break;
        }
        let entry = reader.to.window.get(at, usize::try_from(size).unwrap_or(16))?;
        match header.word(entry, 0) {
            0 => break,
            1 => reader.needed += 1,
            _ => {}
        }
        at += size;
    }
    Ok(())
}
