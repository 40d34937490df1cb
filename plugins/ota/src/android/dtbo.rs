//! Tables of device trees: Android's `dtbo` and `dtb` partitions, and Qualcomm's `dt.img`.
//!
//! Source: source.android.com, "DTB and DTBO partitions"; AOSP system/libufdt; the Linux on Snapdragon boot loader for QCDT.

use std::collections::HashSet;
use std::ops::Range;

use yumen_kit_android::trailer;
use yumen_kit_container::window::num::{be32, le32};
use yumen_kit_container::{Container, FormatReader};
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe};

/// Reads tables of device trees.
pub(crate) struct Dtbo;

const FORMATS: &[Format] = &[
    Format {
        name: "dtbo",
        title: "Android table of device trees",
        media_type: "application/octet-stream",
        extensions: &[],
        magic: "D7 B7 AB 1E, and lengths of header and entries that fit",
        reference: "https://source.android.com/docs/core/architecture/dto/partitions",
        evidence: "its device trees as children (dtb-1…); how many as inventory",
        limitations: &[],
    },
    Format {
        name: "qcdt",
        title: "Qualcomm table of device trees",
        media_type: "application/octet-stream",
        extensions: &[],
        magic: "`QCDT`, version 1 to 3",
        reference: "https://android.googlesource.com/device/qcom/common (dtbTool)",
        evidence: "its device trees as children (dtb-1…); how many as inventory",
        limitations: &[],
    },
];

const MAGIC: u32 = 0xd7b7_ab1e;
/// Entries of one table at most.
const MOST_ENTRIES: u64 = 1 << 16;

struct Table {
    header: u64,
    entries_at: u64,
    entry: u64,
    count: u64,
    end: u64,
    page: u64,
}

fn table(head: &[u8]) -> Option<(&'static str, Table)> {
    if head.len() < 32 {
        return None;
    }
    if be32(head, 0) == MAGIC {
        let number = |at| u64::from(be32(head, at));
        let t = Table {
            end: number(4),
            header: number(8),
            entry: number(12),
            count: number(16),
            entries_at: number(20),
            page: number(24),
        };
        let sane = (32..=4096).contains(&t.header)
            && (32..=4096).contains(&t.entry)
            && t.entries_at >= t.header
            && be32(head, 28) <= 16;
        return sane.then_some(("dtbo", t));
    }
    if head.starts_with(b"QCDT") {
        let entry = match le32(head, 4) {
            1 => 20,
            2 => 24,
            3 => 40,
            _ => return None,
        };
        let count = u64::from(le32(head, 8));
        return (count > 0).then_some(("qcdt", Table { header: 12, entries_at: 12, entry, count, end: 0, page: 2048 }));
    }
    None
}

impl FormatReader for Dtbo {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        table(probe.head).map(|(name, _)| Identity::new(name, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = open(&mut to);
        to.finish(result)
    }
}

fn open(to: &mut Container<'_>) -> Result<(), InspectError> {
    let Some((kind, table)) = table(to.window.get(0, 32)?) else {
        return Err(InspectError::corrupt(0, "not the header of a table of device trees"));
    };
    let len = to.len();
    to.container(0..table.header)?;
    if table.end > len {
        to.tell_at("truncated", len);
    }
    let mut trees: Vec<Range<u64>> = Vec::new();
    let mut seen = HashSet::new();
    let (mut ids, mut table_end) = (Vec::new(), table.entries_at);
    for i in 0..table.count.min(MOST_ENTRIES) {
        let at = table.entries_at + i * table.entry;
        let entry = to.window.get(at, usize::try_from(table.entry).unwrap_or(32))?;
        if (entry.len() as u64) < table.entry {
            to.tell_at("truncated", at);
            break;
        }
        let (offset, size) = if kind == "dtbo" {
            if be32(entry, 8) != 0 && ids.len() < 256 {
                ids.push(format!("{:#x}/{:#x}", be32(entry, 8), be32(entry, 12)));
            }
            (be32(entry, 4), be32(entry, 0))
        } else {
            let at = entry.len() - 8;
            if ids.len() < 256 {
                ids.push(format!("{}/{}", le32(entry, 0), le32(entry, 4)));
            }
            (le32(entry, at), le32(entry, at + 4))
        };
        to.container(at..at + table.entry)?;
        table_end = at + table.entry;
        let (start, end) = (u64::from(offset), u64::from(offset) + u64::from(size));
        if size == 0 || start >= len {
            to.tell_at(if start >= len { "truncated" } else { "bad-entry" }, at);
            continue;
        }
        if end > len {
            to.tell_at("truncated", len);
        }
        // Several boards may share a tree.
        if seen.insert((start, end)) {
            trees.push(start..end.min(len));
        }
    }
    if table.count > MOST_ENTRIES {
        to.tell("limit");
    }
    to.inventory(
        InventoryItem::new(kinds::FIRMWARE_IMAGE)
            .with("device_trees", trees.len())
            .with("board", ids)
            .at(0, table.header),
    );
    trees.sort_by_key(|r| r.start);
    to.padding(table.header..table.entries_at)?;
    let mut at = table_end;
    for (i, tree) in trees.into_iter().enumerate() {
        if tree.start > at {
            to.padding(at..tree.start)?;
        }
        at = at.max(tree.end);
        to.hand_over_range(yumen_model::ChildMeta::named(format!("dtb-{}", i + 1).as_bytes()), tree)?;
    }
    let end = if table.end > at { table.end } else { at.next_multiple_of(table.page.clamp(1, 1 << 20)) }.min(len);
    to.padding(at..end)?;
    if end < len && !trailer(to, end)? {
        to.unallocated(end..len)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
