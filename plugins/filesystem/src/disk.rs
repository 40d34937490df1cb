//! Disks with a table of partitions: GPT and MBR. Each partition is a child; what lies outside of them is free space.
//!
//! Source: UEFI specification, chapter 5 (GPT and protective MBR); the layout of MBR and EBR is described by many and specified by none.

mod gpt;
mod mbr;

use std::ops::Range;

use yumen_kit_container::Container;
use yumen_model::{Extent, InspectError, InventoryItem, kind::kinds};

use crate::space::Space;

pub(crate) use gpt::Gpt;
pub(crate) use mbr::Mbr;

/// A partition as the table tells it.
#[derive(Clone, Debug)]
struct Partition {
    name: Vec<u8>,
    range: Range<u64>,
    kind: String,
}

/// Hands over the partitions and accounts for all that lies outside of them. `space` holds what the table itself takes.
fn hand_over(
    to: &mut Container<'_>,
    mut space: Space,
    scheme: &'static str,
    partitions: &[Partition],
) -> Result<(), InspectError> {
    let len = to.len();
    let names: Vec<String> = partitions.iter().map(|p| yumen_model::artifact::escape_name(&p.name)).collect();
    to.inventory(InventoryItem::new(kinds::FIRMWARE_IMAGE).with("format", scheme).with("partitions", names));
    for partition in partitions {
        let range = partition.range.start.min(len)..partition.range.end.min(len);
        if range.end < partition.range.end {
            to.tell_at("truncated", len);
        }
        let mut meta = to.child(&partition.name);
        meta.attributes.insert("partition_type".to_owned(), partition.kind.clone().into());
        meta.attributes.insert("offset".to_owned(), partition.range.start.into());
        space.claim(range.clone());
        to.hand_over(meta, if range.is_empty() { Vec::new() } else { vec![Extent::of(range)] })?;
    }
    space.gaps(0..len).try_for_each(|gap| to.unallocated(gap))
}

#[cfg(test)]
mod tests;
