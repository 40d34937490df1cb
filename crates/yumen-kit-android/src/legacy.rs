//! dm-verity as Android had it before version 8: behind the file system a block of metadata with a signed table, the hash tree, and perhaps forward
//! error correction with a header of its own in the last block.

use std::ops::Range;

use yumen_kit_container::Container;
use yumen_kit_container::window::num::{le32, le64};
use yumen_model::kind::kinds;
use yumen_model::{InspectError, InventoryItem};

use crate::trailer::{Part, fill, judge};
use crate::tree::{Algorithm, Tree};

const MAGIC: u32 = 0xb001_b001;
/// Written in place of the magic when verification was switched off.
const MAGIC_DISABLED: u32 = 0x4646_4f56;
const METADATA_LEN: u64 = 32768;
const HEAD_LEN: u64 = 268;
const FEC_MAGIC: u32 = 0xfecf_ecfe;
const BLOCK: u64 = 4096;

/// Forward error correction behind all else.
struct Fec {
    data: Range<u64>,
    header: Range<u64>,
}

fn fec(to: &mut Container<'_>, from: u64) -> Result<Option<Fec>, InspectError> {
    let len = to.len();
    let Some(at) = len.checked_sub(BLOCK).filter(|&at| at >= from) else { return Ok(None) };
    let head = to.window.get(at, 60)?;
    // magic, version, size of the header, roots, length of the correction, length of the input.
    if le32(head, 0) != FEC_MAGIC || le32(head, 4) != 0 || le32(head, 8) != 60 {
        return Ok(None);
    }
    let size = u64::from(le32(head, 16));
    let (Some(start), covered) = (at.checked_sub(size), le64(head, 20)) else { return Ok(None) };
    Ok((start >= from && covered <= start).then_some(Fec { data: start..at, header: at..len }))
}

pub(crate) fn trailer(to: &mut Container<'_>, from: u64) -> Result<bool, InspectError> {
    let at = from.next_multiple_of(BLOCK);
    let head = to.window.get(at, 12)?;
    let magic = le32(head, 0);
    let metadata = head.len() == 12 && (magic == MAGIC || magic == MAGIC_DISABLED) && le32(head, 4) == 0;
    let correction = fec(to, from)?;
    if !metadata && correction.is_none() {
        return Ok(false);
    }
    let len = to.len();
    let mut parts = Vec::new();
    let mut done = Vec::new();
    if metadata {
        let block = at..len.min(at + METADATA_LEN);
        // Magic, version, a signature of 256 bytes, the length of the table, the table.
        let table_len = u64::from(le32(to.window.get(at + 264, 4)?, 0));
        let table = at + HEAD_LEN..(at + HEAD_LEN + table_len).min(block.end);
        to.container(at..at + HEAD_LEN)?;
        let text = to.window.get(table.start, usize::try_from(table.end - table.start).unwrap_or(0))?;
        let parsed = std::str::from_utf8(text).ok().and_then(parse);
        to.comment(table.clone())?;
        to.padding(table.end..block.end)?;
        done.push(block);
        match parsed {
            Some(tree) if tree.data.end <= len => {
                let end = tree.tree.start.saturating_add(tree.len().unwrap_or(0)).min(len);
                judge(to, &Tree { tree: tree.tree.start.min(end)..end, ..tree }, &mut parts)?;
            }
            _ => to.tell_at("corrupt", at),
        }
        to.inventory(
            InventoryItem::new(kinds::FIRMWARE_IMAGE)
                .with("verified_boot", "dm-verity metadata, version 0")
                .with("signed", magic == MAGIC)
                .at(at, table.end),
        );
    }
    if let Some(fec) = correction {
        // The header stands at both ends of the last block.
        to.container(fec.header.start..fec.header.start + 60)?;
        to.padding(fec.header.start + 60..fec.header.end - 60)?;
        to.container(fec.header.end - 60..fec.header.end)?;
        parts.push((fec.data, Part::Derived));
        done.push(fec.header);
    }
    fill(to, from, len, parts, &done)?;
    Ok(true)
}

/// A table of the device mapper: `1 DATA HASH 4096 4096 BLOCKS START sha256 ROOT SALT`.
fn parse(table: &str) -> Option<Tree> {
    let words: Vec<&str> = table.trim_end_matches('\0').split_ascii_whitespace().collect();
    let [_, _, _, data_block, hash_block, blocks, start, algorithm, root, salt, ..] = words[..] else { return None };
    let number = |w: &str| w.parse::<u64>().ok();
    let (data_block, hash_block) = (number(data_block)?, number(hash_block)?);
    let start = number(start)?.checked_mul(hash_block)?;
    Some(Tree {
        data: 0..number(blocks)?.checked_mul(data_block)?,
        tree: start..u64::MAX,
        algorithm: Algorithm::named(algorithm)?,
        salt: if salt == "-" { Vec::new() } else { unhex(salt)? },
        root: unhex(root)?,
        data_block,
        hash_block,
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    (bytes.len().is_multiple_of(2) && bytes.len() <= 1024).then_some(())?;
    bytes.chunks_exact(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
