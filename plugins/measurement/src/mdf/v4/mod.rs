//! MDF 4.x: blocks with links, found from the header on.
//!
//! Source: ASAM MDF 4.1 as its public introduction and asammdf's documentation describe it.

mod data;
mod meta;
mod records;

use std::collections::HashSet;
use std::ops::Range;

use yumen_kit_container::window::num::{le16, le64};
use yumen_kit_container::{Cover, FormatReader};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use crate::bus::Bus;
use crate::out::Out;

pub(crate) struct Mdf4;

const FORMATS: &[Format] = &[Format {
    name: "mdf4",
    title: "ASAM MDF 4",
    media_type: "application/vnd.asam.mdf",
    extensions: &["mf4"],
    magic: "`MDF     4.` or `UnFinMF 4.`, and the header block `##HD` at 64",
    reference: "https://www.asam.net/standards/detail/mdf/wiki/",
    evidence: "positions and motion in channels; frames of logged buses by databases and standards; texts in channels, names, comments; attachments as children; bus.log with channels",
    limitations: &[
        "Values that a formula computes are not used for positions.",
        "Sample reductions are labelled, not compared.",
    ],
}];

/// Most blocks that are visited.
const MAX_BLOCKS: usize = 2 << 20;
/// Most links of a block that are read; a list of data blocks may have many.
const MAX_LINKS: u64 = 1 << 20;
/// Most links that are read of all blocks.
const ALL_LINKS: u64 = 1 << 24;

impl FormatReader for Mdf4 {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let named = probe.head.starts_with(b"MDF     4.") || probe.head.starts_with(b"UnFinMF 4.");
        let sure = named && probe.head.get(64..68).is_none_or(|id| id == b"##HD");
        sure.then(|| Identity::new("mdf4", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut out = Out::new(artifact, out);
        let mut bus = Bus::new(context);
        let mut blocks = Blocks::default();
        let result = run(&mut blocks, &mut bus, &mut out);
        if out.to.is_stopped() {
            return out.finish(result);
        }
        let end = bus.finish(&mut out).and_then(|()| {
            // What no link leads to.
            let len = out.to.len();
            let gaps = blocks.cover.gaps(0..len);
            gaps.into_iter().try_for_each(|gap| out.to.unallocated(gap))
        });
        out.finish(result.and(end))
    }
}

/// The header of a block.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) at: u64,
    pub(super) id: [u8; 2],
    pub(super) len: u64,
    pub(super) links: Vec<u64>,
}

impl Block {
    pub(super) fn link(&self, i: usize) -> u64 {
        self.links.get(i).copied().unwrap_or(0)
    }

    fn body(&self) -> u64 {
        self.at + 24 + 8 * self.links.len() as u64
    }
}

/// Blocks met so far.
#[derive(Default)]
pub(super) struct Blocks {
    pub(super) unfinalised: bool,
    pub(super) cover: Cover,
    visited: HashSet<u64>,
    lists: HashSet<u64>,
    links: u64,
    /// Bytes of data that streams were made of: blocks may be shared, though not without end.
    stored: u64,
}

impl Blocks {
    /// The block at an address; none where there is none.
    pub(super) fn header(&mut self, at: u64, out: &mut Out<'_>) -> Result<Option<Block>, InspectError> {
        let len = out.to.len();
        let head = out.to.window.get(at, 24)?;
        if head.len() < 24 || &head[..2] != b"##" {
            out.to.tell_at("bad-entry", at.min(len));
            return Ok(None);
        }
        let id = [head[2], head[3]];
        let (claimed, links) = (le64(head, 8), le64(head, 16));
        let most = len - at;
        let count = links.min(most.saturating_sub(24) / 8).min(MAX_LINKS);
        self.links += count;
        if self.links > ALL_LINKS {
            out.to.tell_at("limit", at);
            return Ok(None);
        }
        let least = 24 + 8 * count;
        let mut size = claimed.clamp(least, most.max(least));
        if claimed > most {
            out.to.tell_at("truncated", at);
            size = most;
        }
        let bytes = out.to.blob.bytes(at + 24..(at + least).min(len)).map_err(|e| InspectError::read(at, &e))?;
        let links = bytes.chunks_exact(8).map(|c| le64(c, 0)).collect();
        Ok(Some(Block { at, id, len: size, links }))
    }

    /// The first bytes of what stands behind a block's links.
    pub(super) fn body(&self, block: &Block, most: usize, out: &mut Out<'_>) -> Result<Vec<u8>, InspectError> {
        let end = block.at + block.len;
        let len = usize::try_from(end.saturating_sub(block.body())).unwrap_or(usize::MAX).min(most);
        Ok(out.to.window.get(block.body(), len)?.to_vec())
    }

    /// Whether a list of data was met before in the same chain.
    fn seen_list(&mut self, at: u64) -> bool {
        !self.lists.insert(at)
    }

    /// Where the next block begins, in a file whose recorder was cut off.
    fn next_block(&self, from: u64, out: &mut Out<'_>) -> u64 {
        let _ = self;
        let len = out.to.len();
        // Blocks begin at multiples of eight.
        let found = yumen_kit_container::window::sweep(out.to.blob, from..len, 3, |at, bytes| {
            memchr::memmem::find_iter(bytes, b"##").map(|i| at + i as u64).find(|p| {
                let i = usize::try_from(p - at).unwrap_or(0);
                p % 8 == 0
                    && matches!(
                        bytes.get(i + 2..i + 4),
                        Some(
                            b"DT"
                                | b"DL"
                                | b"DZ"
                                | b"SD"
                                | b"HL"
                                | b"CG"
                                | b"DG"
                                | b"CN"
                                | b"TX"
                                | b"MD"
                                | b"AT"
                                | b"FH"
                                | b"EV"
                                | b"DV"
                        )
                    )
            })
        });
        found.ok().flatten().unwrap_or(len)
    }

    fn own(&mut self, range: Range<u64>, out: &mut Out<'_>) -> Result<(), InspectError> {
        self.cover.add(range.clone());
        out.to.container(range)
    }
}

fn run(blocks: &mut Blocks, bus: &mut Bus, out: &mut Out<'_>) -> Result<(), InspectError> {
    let head = out.to.window.get(0, 64)?.to_vec();
    blocks.own(0..64, out)?;
    blocks.unfinalised = head.starts_with(b"UnFin") || le16(&head, 60) != 0;
    if blocks.unfinalised {
        out.to.tell("unfinalised");
    }
    let Some(header) = blocks.header(64, out)? else {
        return Err(InspectError::corrupt(64, "the header block is missing"));
    };
    let body = blocks.body(&header, 24, out)?;
    bus.base = le64(&body, 0) as f64 * 1e-9;
    if header.links.len() < 6 {
        return Err(InspectError::corrupt(64, "the header block has too few links"));
    }
    let start = body.get(12).copied().unwrap_or(0);
    if start & 1 == 0 {
        // Coordinated time, as the field says; else local time whose zone is not told.
        bus.tell("time", "utc");
    }
    meta::walk(64, blocks, bus, out)?;
    records::read(header.link(0), blocks, bus, out)
}
