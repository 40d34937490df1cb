//! UF2, the flashing format of Microsoft: blocks of 512 bytes, each with an address and up to 476 bytes.
//!
//! Source: <https://github.com/microsoft/uf2>.

use std::collections::BTreeMap;

use yumen_kit_container::window::num::le32;
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, ChildMeta, Context, Extent, Format, Identity, InspectError, Inspection, InventoryItem, Probe,
};

use crate::common::{field, hex, loaded, rest, segment_name};

const BLOCK: u64 = 512;
/// Blocks that are read: 1 GiB of them.
const MAX_BLOCKS: u64 = 2 << 20;

/// Reads UF2 files.
pub(crate) struct Uf2;

const FORMATS: &[Format] = &[Format {
    name: "uf2",
    title: "UF2 flashing format",
    media_type: "application/octet-stream",
    extensions: &["uf2"],
    magic: "`UF2\\n`, 0x9E5D5157 and 0x0AB16F30 at the end of each 512-byte block",
    reference: "https://github.com/microsoft/uf2",
    evidence: "each contiguous segment of each family as a child named by its address, files of a file container by name; extension tags as text; families as inventory",
    limitations: &["MD5 sums of pages are not checked"],
}];

fn is_block(b: &[u8]) -> bool {
    b.len() >= 512
        && le32(b, 0) == 0x0a32_4655
        && le32(b, 4) == 0x9e5d_5157
        && le32(b, 508) == 0x0ab1_6f30
        && le32(b, 16) <= 476
}

impl FormatReader for Uf2 {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        is_block(probe.head).then(|| Identity::new("uf2", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = read(&mut to);
        to.finish(result)
    }
}

/// Where the blocks of one target go: a family, or a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Memory(u32),
    File(Vec<u8>),
}

fn read(to: &mut Container<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let mut targets: BTreeMap<Target, Vec<(u64, Extent)>> = BTreeMap::new();
    let mut at = 0;
    let (mut bad, mut blocks) = (0u64, 0u64);
    while at + BLOCK <= len && at / BLOCK < MAX_BLOCKS {
        let b = to.window.get(at, 512)?.to_vec();
        if !is_block(&b) {
            // Blocks of other kinds are ignored by boot loaders, which does not make them empty.
            bad += 1;
            rest(to, at..at + BLOCK, Place::Between)?;
            at += BLOCK;
            continue;
        }
        blocks += 1;
        let flags = le32(&b, 8);
        let address = u64::from(le32(&b, 12));
        let size = u64::from(le32(&b, 16));
        let end = at + 32 + size;
        let mut next = end;
        let family = if flags & 0x2000 != 0 { le32(&b, 28) } else { 0 };
        let mut target = Target::Memory(family);
        if flags & 0x1000 != 0 {
            let from = 32 + usize::try_from(size).unwrap_or(476);
            let tail = b.get(from..508).unwrap_or(&[]);
            let n = memchr::memchr(0, tail).unwrap_or(tail.len());
            target = Target::File(tail[..n].to_vec());
            to.comment(end..end + n as u64)?;
            next = end + n as u64;
        }
        to.container(at..at + 32)?;
        if flags & 0x8000 != 0 {
            next = tags(to, &b, at, next)?;
        }
        let stop = if flags & 0x4000 != 0 { at + 508 - 24 } else { at + 508 };
        // Boot loaders look at no more than the payload; the rest of the block need not be empty.
        if next < stop {
            to.padding(next..stop)?;
        }
        to.container(stop.max(end)..at + BLOCK)?;
        if size > 0 {
            targets.entry(target).or_default().push((address, Extent::of(at + 32..end)));
        }
        at += BLOCK;
    }
    rest(to, at..len, Place::After)?;
    if bad > 0 {
        to.tell("bad-entry");
    }
    let several = targets.keys().filter(|t| matches!(t, Target::Memory(_))).count() > 1;
    let families: Vec<String> = targets
        .keys()
        .filter_map(|t| match t {
            Target::Memory(f) if *f != 0 => Some(family_name(*f)),
            _ => None,
        })
        .collect();
    let (mut segments, mut bytes) = (0u64, 0u64);
    let mut ranges = Vec::new();
    for (target, mut pieces) in targets {
        // Of two blocks for one address the later one counts; both are seen.
        pieces.sort_by_key(|(address, _)| *address);
        let mut i = 0;
        while i < pieces.len() {
            let first = pieces[i].0;
            let mut end = first;
            let mut extents = Vec::new();
            while let Some((address, extent)) = pieces.get(i).filter(|(a, _)| *a == end) {
                end = address + extent.len();
                extents.push(extent.clone());
                i += 1;
            }
            segments += 1;
            bytes += end - first;
            if ranges.len() < 64 {
                ranges.push(format!("{}-{}", hex(first), hex(end)));
            }
            let meta = match &target {
                Target::File(name) if first == 0 => to.child(name),
                Target::File(name) => ChildMeta::named(&[name, &b"@"[..], segment_name(first).as_bytes()].concat()),
                Target::Memory(family) if several => loaded(&format!("0x{family:08x}/{}", segment_name(first)), first),
                Target::Memory(_) => loaded(&segment_name(first), first),
            };
            to.hand_over(meta, extents)?;
        }
    }
    to.inventory(
        InventoryItem::new(kinds::FIRMWARE_ECU)
            .with("container", "uf2")
            .with("families", families)
            .with("blocks", blocks)
            .with("segments", segments)
            .with("bytes", bytes)
            .with("address_ranges", ranges),
    );
    Ok(())
}

/// Extension tags behind the payload: length, type, value, filled up to four bytes. Returns where they end.
fn tags(to: &mut Container<'_>, block: &[u8], at: u64, from: u64) -> Result<u64, InspectError> {
    let mut next = (from - at).next_multiple_of(4) + at;
    while next + 4 <= at + 508 {
        let i = usize::try_from(next - at).unwrap_or(508);
        let size = u64::from(block[i]);
        if size < 4 || next + size > at + 508 {
            break;
        }
        let value = &block[i + 4..i + usize::from(block[i])];
        to.container(next..next + 4)?;
        if field(value).is_some() {
            to.comment(next + 4..next + size)?;
        } else {
            to.container(next + 4..next + size)?;
        }
        // Filled up with what need not be zero.
        let filled = (next + size.next_multiple_of(4)).min(at + 508);
        to.padding(next + size..filled)?;
        next = filled;
    }
    Ok(next.min(at + 508))
}

/// The family's name, for the common ones; else its number.
fn family_name(id: u32) -> String {
    let name = match id {
        0xe48b_ff56 => "rp2040",
        0xe48b_ff57 => "rp2-absolute",
        0xe48b_ff58 => "rp2-data",
        0xe48b_ff59 => "rp2350-arm-s",
        0xe48b_ff5a => "rp2350-riscv",
        0x68ed_2b88 => "samd21",
        0x5511_4460 => "samd51",
        0x5775_5a57 => "stm32f4",
        0x6478_24b6 => "stm32f0",
        0x5ee2_1072 => "stm32f1",
        0x6b84_6188 => "stm32f3",
        0x53b8_0f00 => "stm32f7",
        0x300f_5633 => "stm32g0",
        0x4c71_240a => "stm32g4",
        0x00ff_6919 => "stm32l4",
        0x6db6_6082 => "stm32h7",
        0x70d1_6653 => "stm32wb",
        0xada5_2840 => "nrf52840",
        0x1b57_745f => "nrf52",
        0x1c5f_21b0 => "esp32",
        0xbfdd_4eee => "esp32s2",
        0xc47e_5767 => "esp32s3",
        0xd42b_a06c => "esp32c3",
        0x4fb2_d5bd => "mimxrt10xx",
        0x7f83_e793 => "kl32l2",
        0x2abc_77ec => "lpc55",
        _ => return format!("0x{id:08x}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests;
