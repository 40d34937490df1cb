//! The APK signing block, between the last member and the central directory of an Android package.
//!
//! Source: source.android.com, "APK Signature Scheme v2" and "v3". Certificates become children; the other parts are structure; blocks of
//! unknown ids are handed over as they are.

use std::ops::Range;

use yumen_model::{ChildMeta, InspectError};

use yumen_kit_container::Container;
use yumen_kit_container::window::num::{le32, le64};

const MAGIC: &[u8; 16] = b"APK Sig Block 42";
/// Longest block that is looked for; real ones take some kilobytes, with Play's additions some hundred.
const LONGEST: u64 = 64 << 20;
/// Blocks of these ids are signatures of schemes v2, v3 and v3.1.
const SIGNATURES: [u32; 3] = [0x7109_871a, 0xf053_68c0, 0x1b93_ad61];
/// Padding that makes the block a multiple of 4096.
const PADDING: u32 = 0x4272_6577;
/// Certificates taken out of one block at most.
const MOST_CERTIFICATES: usize = 64;

/// The block that ends where `range` ends.
pub(super) fn signing_block(to: &mut Container<'_>, range: Range<u64>) -> Result<Option<Range<u64>>, InspectError> {
    let Some(footer) = range.end.checked_sub(24).filter(|&f| f >= range.start) else { return Ok(None) };
    let bytes = to.window.get(footer, 24)?;
    if bytes.len() < 24 || &bytes[8..] != MAGIC {
        return Ok(None);
    }
    let size = le64(bytes, 0);
    let start = size.checked_add(8).filter(|&n| (32..=LONGEST).contains(&n)).and_then(|n| range.end.checked_sub(n));
    let Some(start) = start.filter(|&s| s >= range.start) else { return Ok(None) };
    Ok((le64(to.window.get(start, 8)?, 0) == size).then_some(start..range.end))
}

/// Takes the block apart.
pub(super) fn open(to: &mut Container<'_>, block: Range<u64>) -> Result<(), InspectError> {
    let end = block.end - 24;
    to.container(block.start..block.start + 8)?;
    to.container(end..block.end)?;
    let mut at = block.start + 8;
    while at < end {
        let head = to.window.get(at, 12)?;
        let (len, id) = (le64(head, 0), le32(head, 8));
        let after = at.checked_add(8).and_then(|a| a.checked_add(len)).filter(|&a| len >= 4 && a <= end);
        let Some(after) = after else {
            to.tell_at("bad-entry", at);
            return to.hand_over_range(ChildMeta::named(b"[apk-signing-block]"), at..end);
        };
        let value = at + 12..after;
        to.container(at..value.start)?;
        if id == PADDING {
            to.padding(value)?;
        } else if SIGNATURES.contains(&id) && signers(to, value.clone())? {
            to.container(value)?;
        } else if value.start < value.end {
            to.hand_over_range(ChildMeta::named(format!("[apk-signing-block]/{id:08x}").as_bytes()), value)?;
        }
        at = after;
    }
    Ok(())
}

/// Hands over the certificates of a signature block; false when it is not built as one.
fn signers(to: &mut Container<'_>, value: Range<u64>) -> Result<bool, InspectError> {
    let mut certificates = Vec::new();
    let Some((all, rest)) = prefixed(to, value)? else { return Ok(false) };
    if rest.start != rest.end {
        return Ok(false);
    }
    let mut signers = all;
    while signers.start < signers.end {
        let Some((signer, next)) = prefixed(to, signers)? else { return Ok(false) };
        let Some((signed, _)) = prefixed(to, signer)? else { return Ok(false) };
        let Some((_digests, after)) = prefixed(to, signed)? else { return Ok(false) };
        let Some((mut list, _)) = prefixed(to, after)? else { return Ok(false) };
        while list.start < list.end {
            let Some((certificate, next)) = prefixed(to, list)? else { return Ok(false) };
            // A certificate is a DER sequence.
            if to.window.get(certificate.start, 1)? != [0x30] || certificates.len() >= MOST_CERTIFICATES {
                return Ok(false);
            }
            certificates.push(certificate);
            list = next;
        }
        signers = next;
    }
    for (i, certificate) in certificates.into_iter().enumerate() {
        to.hand_over_range(
            ChildMeta::named(format!("[apk-signing-block]/certificate-{}.der", i + 1).as_bytes()),
            certificate,
        )?;
    }
    Ok(true)
}

/// A part, and what follows it.
type Parted = (Range<u64>, Range<u64>);

/// A part that begins with its length, and what follows it.
fn prefixed(to: &mut Container<'_>, range: Range<u64>) -> Result<Option<Parted>, InspectError> {
    if range.end - range.start < 4 {
        return Ok(None);
    }
    let len = u64::from(le32(to.window.get(range.start, 4)?, 0));
    let end = range.start + 4 + len;
    Ok((end <= range.end).then(|| (range.start + 4..end, end..range.end)))
}
