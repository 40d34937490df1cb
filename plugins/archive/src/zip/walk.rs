//! Finds members by their local headers: for a zip without its directory, and for members that a directory does not list.

use std::ops::Range;

use memchr::memmem::Finder;
use yumen_model::InspectError;

use super::codec::Outcome;
use super::end::{END, END_LEN};
use super::entry::{CENTRAL, Central, DESCRIPTOR, Header, LOCAL, Local, looks_central, looks_local};
use super::read::Reader;
use yumen_kit_container::window::num::{le16, le32, le64};
use yumen_kit_container::window::sweep;
use yumen_kit_container::{Container, Place};

/// How much of a record is looked at to tell whether it is one.
const GLANCE: usize = 128;

/// What stands at an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Record {
    Local,
    Central,
    /// A record of the archive's end, of this length.
    Other(u64),
}

/// Which record begins with these bytes, if any; `room` as in [`looks_local`].
fn record(bytes: &[u8], room: u64) -> Option<Record> {
    let other = match bytes.get(..4)? {
        s if *s == LOCAL => return looks_local(bytes, room).then_some(Record::Local),
        s if *s == CENTRAL => return looks_central(bytes, room).then_some(Record::Central),
        s if *s == END => END_LEN,
        b"PK\x06\x06" => le64(bytes, 4).checked_add(12).filter(|&n| n <= 4096)?,
        b"PK\x06\x07" => 20,
        b"PK\x05\x05" => 6 + u64::from(le16(bytes, 4)),
        b"PK\x06\x08" => 8 + u64::from(le32(bytes, 4)),
        _ => return None,
    };
    (other <= room).then_some(Record::Other(other))
}

/// The first local header that begins in the range and fits into it.
pub(super) fn next_local(to: &mut Container<'_>, range: Range<u64>) -> Result<Option<u64>, InspectError> {
    next(to, range, |r| r == Record::Local)
}

fn next(
    to: &mut Container<'_>,
    range: Range<u64>,
    wanted: impl Fn(Record) -> bool,
) -> Result<Option<u64>, InspectError> {
    let finder = Finder::new(b"PK");
    let end = range.end;
    sweep(to.blob, range, GLANCE, |at, bytes| {
        finder
            .find_iter(bytes)
            .find(|&i| {
                let from = at + i as u64;
                // What is seen in part at the end of this piece is seen again in the next.
                let whole = bytes.len() - i >= GLANCE || from + (bytes.len() - i) as u64 == end;
                whole && record(&bytes[i..], end - from).is_some_and(&wanted)
            })
            .map(|i| at + i as u64)
    })
}

/// Opens every member in the range; what is none is padding or handed over. `place` is of what follows the last member.
pub(super) fn walk(reader: &mut Reader<'_>, range: Range<u64>, place: Place) -> Result<(), InspectError> {
    let mut at = range.start;
    let mut first = true;
    while at < range.end {
        let glance = reader.to.window.get(at, GLANCE)?;
        let mut found = record(glance, range.end - at);
        if found.is_none() {
            let Some(next) = next(&mut reader.to, at..range.end, |_| true)? else { break };
            let place = if first && range.start == 0 { Place::Before } else { Place::Between };
            marker(reader, at..next, place)?;
            at = next;
            found = record(reader.to.window.get(at, GLANCE)?, range.end - at);
        }
        first = false;
        at = match found {
            Some(Record::Local) => member(reader, at, range.end)?,
            Some(Record::Central) => match Central::read(&mut reader.to.window, at, range.end)? {
                Some(central) => {
                    reader.to.container(at..central.end)?;
                    reader.to.comment(central.comment)?;
                    central.end
                }
                None => break,
            },
            Some(Record::Other(len)) => {
                let mut end = at + len;
                let is_end = reader.to.window.get(at, 4)? == END;
                reader.to.container(at..end)?;
                if is_end {
                    let comment = end + u64::from(le16(reader.to.window.get(at + 20, 2)?, 0));
                    let comment = comment.min(range.end);
                    reader.to.comment(end..comment)?;
                    end = comment;
                }
                end
            }
            None => break,
        };
    }
    reader.to.residue(at..range.end, place)
}

/// Data before a member; the marker of a split archive is structure.
fn marker(reader: &mut Reader<'_>, range: Range<u64>, place: Place) -> Result<(), InspectError> {
    let is_marker =
        range.start == 0 && range.end == 4 && matches!(reader.to.window.get(0, 4)?, b"PK\x07\x08" | b"PK00");
    if is_marker {
        reader.to.tell("spanned");
        return reader.to.container(range);
    }
    reader.to.residue(range, place)
}

/// Opens the member at `at`; returns the offset behind it.
fn member(reader: &mut Reader<'_>, at: u64, limit: u64) -> Result<u64, InspectError> {
    let Some(local) = Local::read(&mut reader.to.window, at, limit)? else {
        reader.to.residue(at..limit, Place::Between)?;
        return Ok(limit);
    };
    reader.to.container(at..local.data)?;
    for piece in &local.header.foreign {
        reader.to.slack(piece.clone())?;
    }
    let header = &local.header;
    if header.streamed() && !stated(reader, &local, limit)? {
        return streamed(reader, &local, limit);
    }
    let data = local.data..local.data.saturating_add(header.encoded).min(limit);
    let cut = data.end - data.start < header.encoded;
    if cut {
        reader.to.tell_at("truncated", data.end);
    }
    reader.content(header, false, data.clone(), cut)?;
    if !header.streamed() {
        return Ok(data.end);
    }
    let after = reader.descriptor(data.end, limit, header)?;
    reader.to.container(data.end..after)?;
    Ok(after)
}

/// Whether a member with a data descriptor states its length in front as well.
fn stated(reader: &mut Reader<'_>, local: &Local, limit: u64) -> Result<bool, InspectError> {
    let Some(end) = local.data.checked_add(local.header.encoded).filter(|&e| local.header.encoded > 0 && e < limit)
    else {
        return Ok(false);
    };
    let next = reader.to.window.get(end, GLANCE)?;
    Ok(next.starts_with(&DESCRIPTOR) || record(next, limit - end).is_some())
}

/// A member whose length stands behind it only.
fn streamed(reader: &mut Reader<'_>, local: &Local, limit: u64) -> Result<u64, InspectError> {
    let mut header = local.header.clone();
    if header.name.ends_with(b"/") && header.method == 0 {
        reader.content(&header, false, local.data..local.data, false)?;
        (header.encoded, header.decoded) = (0, 0);
        let after = reader.descriptor(local.data, limit, &header)?;
        reader.to.container(local.data..after)?;
        return Ok(after);
    }
    if header.method == 8 && !header.encrypted() {
        // Deflate tells where it ends.
        let mut meta = reader.to.child(&header.name);
        meta.encoded = None;
        let (end, decoded) = reader.decode(&header, None, meta, local.data..limit, false)?;
        if decoded.outcome != Outcome::Complete {
            return Ok(end);
        }
        (header.encoded, header.decoded, header.crc) = (end - local.data, decoded.produced, decoded.crc);
        let after = reader.descriptor(end, limit, &header)?;
        let crc_at = if after - end == 16 || after - end == 24 { end + 4 } else { end };
        if after > end && le32(reader.to.window.get(crc_at, 4)?, 0) != decoded.crc {
            reader.to.tell_at("checksum-mismatch", local.data);
        }
        reader.to.container(end..after)?;
        return Ok(after);
    }
    let (end, after) = find_end(reader, local, limit, &mut header)?;
    header.encoded = end - local.data;
    let unsure = after == end;
    if unsure && !header.encrypted() {
        reader.to.tell_at("truncated", end);
    }
    reader.content(&header, false, local.data..end, unsure)?;
    reader.to.container(end..after)?;
    Ok(after)
}

/// Finds the descriptor that states the very distance from the member's first byte, else the next record. Returns the end of the
/// content and that of the descriptor, and takes CRC and length from it.
fn find_end(
    reader: &mut Reader<'_>,
    local: &Local,
    limit: u64,
    header: &mut Header,
) -> Result<(u64, u64), InspectError> {
    let start = local.data;
    let finder = Finder::new(&DESCRIPTOR);
    let end = limit.min(start.saturating_add(reader.search));
    let mut swept = 0;
    let found = sweep(reader.to.blob, start..end, 24, |at, bytes| {
        swept = at + bytes.len() as u64 - start;
        finder.find_iter(bytes).find_map(|i| {
            let (here, body) = (at + i as u64, &bytes[i..]);
            let distance = here - start;
            let wide = body.len() >= 24 && le64(body, 8) == distance;
            let narrow = body.len() >= 16 && u64::from(le32(body, 8)) == distance & 0xffff_ffff;
            match (wide, narrow) {
                (true, _) => Some((here, 24, le32(body, 4), le64(body, 16))),
                (_, true) => Some((here, 16, le32(body, 4), u64::from(le32(body, 12)))),
                _ => None,
            }
        })
    })?;
    reader.search = reader.search.saturating_sub(swept);
    if let Some((at, len, crc, decoded)) = found {
        (header.crc, header.decoded) = (crc, decoded);
        return Ok((at, (at + len).min(limit)));
    }
    let next = next(&mut reader.to, start..limit, |_| true)?.unwrap_or(limit);
    Ok((next, next))
}
