//! The end of central directory record, with its zip64 form, and where the directory really lies.
//!
//! Source: PKWARE APPNOTE 6.3.10, sections 4.3.14 to 4.3.16.

use std::ops::Range;

use memchr::memmem::FinderRev;
use yumen_model::{Blob, InspectError};

use super::entry::{CENTRAL, LOCAL};
use yumen_kit_container::Window;
use yumen_kit_container::window::num::{le16, le32, le64};

/// Signature of the record.
pub(super) const END: [u8; 4] = *b"PK\x05\x06";
const END64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR64: [u8; 4] = *b"PK\x06\x07";

/// Length of the record without its comment.
pub(super) const END_LEN: u64 = 22;
const LOCATOR_LEN: u64 = 20;
const END64_LEN: u64 = 56;
/// How far from the end of the artifact the record is searched: a comment of full length, and as much that was appended.
const REACH: u64 = 1 << 20;
/// How many candidates are looked at before the directory is given up.
const CANDIDATES: usize = 256;

/// Where the directory lies.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// The directory itself.
    pub(super) directory: Range<u64>,
    /// Offset of the zip64 records, or of the record itself when there are none.
    pub(super) records: u64,
    /// Offset of the record.
    pub(super) at: u64,
    /// The archive's comment.
    pub(super) comment: Range<u64>,
    /// What is to be added to stated offsets: the archive was made without the data that now stands before it.
    pub(super) base: u64,
    /// Entries, as stated; modulo 65536 without zip64.
    pub(super) entries: u64,
    /// Number of this volume.
    pub(super) disk: u32,
    /// Whether it says that there are other volumes.
    pub(super) spanned: bool,
    /// Whether the directory itself is encrypted.
    pub(super) encrypted: bool,
}

/// Finds the last record of the artifact behind which a directory can be found.
pub(super) fn locate(blob: &Blob, window: &mut Window<'_>) -> Result<Option<End>, InspectError> {
    let from = blob.len().saturating_sub(REACH + 0xffff + END_LEN);
    let tail = blob.bytes(from..blob.len()).map_err(|e| InspectError::read(from, &e))?;
    locate_in(&tail, from, blob.len(), window)
}

/// The same, within a tail that was read before.
pub(super) fn locate_in(
    tail: &[u8],
    from: u64,
    len: u64,
    window: &mut Window<'_>,
) -> Result<Option<End>, InspectError> {
    let finder = FinderRev::new(&END);
    for i in finder.rfind_iter(tail).take(CANDIDATES) {
        if let Some(end) = read(window, from + i as u64, len)? {
            return Ok(Some(end));
        }
    }
    Ok(None)
}

fn read(window: &mut Window<'_>, at: u64, len: u64) -> Result<Option<End>, InspectError> {
    let Some(record) = window.array::<{ END_LEN as usize }>(at)? else { return Ok(None) };
    let after = at + END_LEN;
    let comment = after..(after + u64::from(le16(&record, 20))).min(len);
    let mut disk = u32::from(le16(&record, 4));
    let mut directory_disk = u32::from(le16(&record, 6));
    let mut entries = u64::from(le16(&record, 10));
    let mut size = u64::from(le32(&record, 12));
    let mut offset = u64::from(le32(&record, 16));
    let mut records = at;
    let mut encrypted = false;
    if let Some((start, wide)) = zip64(window, at)? {
        records = start;
        disk = le32(&wide, 16);
        directory_disk = le32(&wide, 20);
        entries = le64(&wide, 32);
        size = le64(&wide, 40);
        offset = le64(&wide, 48);
        // Version 2 of the record is of archives with an encrypted directory.
        encrypted =
            le16(&wide, 12) >= 62 && le64(&wide, 4) > END64_LEN - 12 && window.get(start + END64_LEN, 2)? != [0, 0];
    }
    let spanned = disk != 0 || directory_disk != disk;
    let make = |directory: Range<u64>, base| End {
        directory,
        records,
        at,
        comment: comment.clone(),
        base,
        entries,
        disk,
        spanned,
        encrypted,
    };
    if size == 0 && entries == 0 {
        return Ok(Some(make(records..records, 0)));
    }
    if encrypted && offset.checked_add(size).is_some_and(|e| e <= records) {
        return Ok(Some(make(offset..offset + size, 0)));
    }
    // Usually the directory ends where the records begin; its stated offset counts when there is something between.
    let before = records.checked_sub(size).map(|start| (start, start..records));
    let stated = offset.checked_add(size).filter(|&e| e <= records).map(|e| (offset, offset..e));
    for (start, directory) in [before, stated].into_iter().flatten() {
        if window.get(start, 4)? != CENTRAL {
            continue;
        }
        let shift = start.checked_sub(offset);
        let first = first_member(window, start)?;
        for base in [shift, Some(0)].into_iter().flatten() {
            if first.checked_add(base).is_some_and(|o| window.get(o, 4).is_ok_and(|b| b == LOCAL)) {
                return Ok(Some(make(directory, base)));
            }
        }
        return Ok(Some(make(directory, shift.unwrap_or(0))));
    }
    Ok(None)
}

/// Offset of the local header that the first entry of the directory states.
fn first_member(window: &mut Window<'_>, directory: u64) -> Result<u64, InspectError> {
    Ok(super::entry::Central::read(window, directory, u64::MAX)?.map_or(u64::MAX, |c| c.offset))
}

/// The signature over the whole file that Android's OTA packages have in the comment: CMS in DER, then six bytes that say where it begins.
///
/// Source: AOSP, `build/make/tools/signapk` and `bootable/recovery/install/verifier.cpp`.
pub(super) fn whole_file_signature(
    window: &mut Window<'_>,
    comment: &Range<u64>,
) -> Result<Option<Range<u64>>, InspectError> {
    let Some(footer_at) = comment.end.checked_sub(6).filter(|&f| f >= comment.start) else { return Ok(None) };
    let footer = window.get(footer_at, 6)?;
    let from_end = u64::from(le16(footer, 0));
    let stands = footer.len() == 6
        && footer[2..4] == [0xff, 0xff]
        && u64::from(le16(footer, 4)) == comment.end - comment.start
        && (7..=comment.end - comment.start).contains(&from_end);
    Ok(stands.then(|| comment.end - from_end..footer_at))
}

/// The zip64 record that belongs to the record at `end`.
fn zip64(window: &mut Window<'_>, end: u64) -> Result<Option<(u64, [u8; END64_LEN as usize])>, InspectError> {
    let Some(locator_at) = end.checked_sub(LOCATOR_LEN) else { return Ok(None) };
    let Some(locator) = window.array::<{ LOCATOR_LEN as usize }>(locator_at)? else { return Ok(None) };
    if locator[..4] != LOCATOR64 {
        return Ok(None);
    }
    // The stated offset is wrong when something was put before the archive; then the record stands right before its locator.
    for at in [Some(le64(&locator, 8)), locator_at.checked_sub(END64_LEN)].into_iter().flatten() {
        if at.checked_add(END64_LEN).is_some_and(|e| e <= locator_at)
            && let Some(record) = window.array::<{ END64_LEN as usize }>(at)?
            && record[..4] == END64
        {
            return Ok(Some((at, record)));
        }
    }
    Ok(None)
}
