//! Directory records and the names they bear.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use yumen_kit_container::Container;
use yumen_kit_container::window::num::le32;
use yumen_model::InspectError;

use crate::space::Space;

/// Continuation areas of one record that are followed.
const MAX_AREAS: usize = 32;

/// A directory record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) stored: u8,
    extended: u8,
    extent: u32,
    pub(super) len: u32,
    flags: u8,
    name_len: u8,
}

/// How names are written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Names {
    Plain,
    Joliet,
    RockRidge { skip: usize },
}

/// What a record and its system use area tell.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) attributes: BTreeMap<String, Value>,
    pub(super) link: bool,
    pub(super) special: bool,
    pub(super) compressed: bool,
    /// Block of a directory that was moved elsewhere.
    pub(super) moved_to: Option<u64>,
    /// This is where it was moved to: it is read at its own place.
    pub(super) moved_here: bool,
}

impl Record {
    pub(super) fn parse(b: &[u8]) -> Option<Record> {
        let stored = *b.first()?;
        if stored < 34 || b.len() < usize::from(stored).min(34) {
            return None;
        }
        let record =
            Record { stored, extended: b[1], extent: le32(b, 2), len: le32(b, 10), flags: b[25], name_len: b[32] };
        let fits = 33 + usize::from(record.name_len) <= usize::from(stored) && record.name_len > 0;
        (fits && b.len() >= usize::from(stored)).then_some(record)
    }

    /// Where its content begins.
    pub(super) fn start(&self, block: u64) -> u64 {
        (u64::from(self.extent) + u64::from(self.extended)) * block
    }

    pub(super) fn is_directory(&self) -> bool {
        self.flags & 2 != 0
    }

    /// Whether more of the file follows in the next record.
    pub(super) fn continues(&self) -> bool {
        self.flags & 0x80 != 0
    }

    pub(super) fn is_dot(&self, bytes: &[u8]) -> bool {
        self.name_len == 1 && matches!(bytes.get(33), Some(0 | 1))
    }

    /// Where in the record the system use area is.
    pub(super) fn system_use(&self) -> Range<usize> {
        let from = (33 + usize::from(self.name_len)).next_multiple_of(2);
        from.min(usize::from(self.stored))..usize::from(self.stored)
    }
}

/// The name and what else a record tells. Continuation areas are claimed, link targets told as text.
pub(super) fn names(
    to: &mut Container<'_>,
    space: &mut Space,
    bytes: &[u8],
    record: &Record,
    at: u64,
    names: Names,
    block: u64,
) -> Result<Entry, InspectError> {
    let raw = &bytes[33..33 + usize::from(record.name_len)];
    let mut entry = Entry { name: plain(raw), ..Entry::default() };
    entry.attributes.insert("mtime".to_owned(), time(&bytes[18..25]).into());
    match names {
        Names::Plain => {}
        Names::Joliet => {
            let units: Vec<u16> = raw.chunks_exact(2).map(|u| u16::from_be_bytes([u[0], u[1]])).collect();
            let text = String::from_utf16_lossy(&units);
            entry.name = text.strip_suffix(";1").unwrap_or(&text).as_bytes().to_vec();
        }
        Names::RockRidge { skip } => {
            let area = record.system_use();
            let from = (area.start + skip).min(area.end);
            susp(to, space, at + from as u64..at + area.end as u64, block, &mut entry)?;
        }
    }
    Ok(entry)
}

/// A name of ECMA-119 without its version.
fn plain(raw: &[u8]) -> Vec<u8> {
    let name = match raw.iter().rposition(|&c| c == b';') {
        Some(i) if raw[i + 1..].iter().all(u8::is_ascii_digit) => &raw[..i],
        _ => raw,
    };
    name.strip_suffix(b".").unwrap_or(name).to_vec()
}

/// Reads a system use area and those that continue it.
fn susp(
    to: &mut Container<'_>,
    space: &mut Space,
    area: Range<u64>,
    block: u64,
    entry: &mut Entry,
) -> Result<(), InspectError> {
    let (mut name, mut named) = (Vec::new(), false);
    let mut target: Vec<u8> = Vec::new();
    let mut pieces: Vec<Range<u64>> = Vec::new();
    let mut mode = 0;
    let mut next = Some(area);
    for _ in 0..MAX_AREAS {
        let Some(area) = next.take() else { break };
        let mut at = area.start;
        while at + 4 <= area.end {
            let b = to.window.get(at, 256.min((area.end - at) as usize))?;
            let Some(&len) = b.get(2) else { break };
            if len < 4 || usize::from(len) > b.len() {
                break;
            }
            let body = b[..usize::from(len)].to_vec();
            let place = at;
            at += u64::from(len);
            match (&body[..2], body.len()) {
                // "." and ".." are flagged and have no text.
                (b"NM", 5..) if body[4] & 6 == 0 => {
                    name.extend_from_slice(&body[5..]);
                    named = true;
                }
                (b"PX", 36..) => {
                    mode = le32(&body, 4);
                    for (key, value) in [("mode", mode), ("uid", le32(&body, 20)), ("gid", le32(&body, 28))] {
                        entry.attributes.insert(key.to_owned(), value.into());
                    }
                }
                (b"SL", 5..) => {
                    link(&body[5..], &mut target);
                    pieces.push(place + 5..place + u64::from(len));
                }
                (b"CE", 28..) => {
                    let start = u64::from(le32(&body, 4)) * block + u64::from(le32(&body, 12));
                    let len = u64::from(le32(&body, 20)).min(64 << 10);
                    let end = (start + len).min(to.len());
                    if start < end {
                        next = Some(start..end);
                    }
                }
                (b"CL", 12..) => entry.moved_to = Some(u64::from(le32(&body, 4))),
                (b"RE", _) => entry.moved_here = true,
                (b"ZF", 16..) => entry.compressed = true,
                (b"ST", _) => break,
                _ => {}
            }
        }
        let end = at.min(area.end);
        // The first one is part of the record.
        space.claim(area.start..end);
        to.container(area.start..end)?;
    }
    if named {
        entry.name = name;
    }
    entry.link = mode & 0o170_000 == 0o120_000 || !target.is_empty();
    entry.special = matches!(mode & 0o170_000, 0o010_000 | 0o020_000 | 0o060_000 | 0o140_000);
    if !target.is_empty() {
        // The components stand apart; what they say is shown piece by piece.
        for piece in pieces {
            let b = to.window.get(piece.start, (piece.end - piece.start) as usize)?.to_vec();
            let mut at = 0;
            while at + 2 <= b.len() {
                let n = usize::from(b[at + 1]);
                let text = piece.start + at as u64 + 2..(piece.start + (at + 2 + n) as u64).min(piece.end);
                to.comment(text)?;
                at += 2 + n;
            }
        }
    }
    Ok(())
}

/// Appends the components of a link target.
fn link(mut components: &[u8], target: &mut Vec<u8>) {
    while let [flags, len, rest @ ..] = components {
        let len = usize::from(*len).min(rest.len());
        if !target.is_empty() && target.last() != Some(&b'/') {
            target.push(b'/');
        }
        match flags & 0x0E {
            2 => target.extend_from_slice(b"."),
            4 => target.extend_from_slice(b".."),
            8 => target.extend_from_slice(b"/"),
            _ => target.extend_from_slice(&rest[..len]),
        }
        components = &rest[len..];
    }
}

/// Seconds since 1970 of a recording date.
fn time(b: &[u8]) -> i64 {
    let (year, month, day) = (i64::from(b[0]) + 1900, i64::from(b[1]), i64::from(b[2]));
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, of_era) = (y.div_euclid(400), y.rem_euclid(400));
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * m + 2) / 5 + day - 1 - 719_468;
    let zone = i64::from(b[6].cast_signed()) * 15 * 60;
    days * 86400 + i64::from(b[3]) * 3600 + i64::from(b[4]) * 60 + i64::from(b[5]) - zone
}
