//! Which erase blocks there are: headers are searched for, and the distance between them is found out.

use std::collections::HashMap;

use memchr::memmem::Finder;
use yumen_kit_container::Window;
use yumen_kit_container::window::sweep;
use yumen_model::{Blob, InspectError};

use super::header::{EC, Ec};

/// Erase blocks are at least so long, in bytes.
const SHORTEST: u64 = 512;
/// No erase block is longer.
const LONGEST: u64 = 64 << 20;
/// More headers than this are not read: an image of a device of 128 GiB.
const MAX_HEADERS: usize = 1 << 20;
/// Headers from which the length of erase blocks is found out.
const SAMPLE: usize = 4096;

/// Every erase counter header whose checksum holds, in order.
pub(super) fn headers(blob: &Blob) -> Result<Vec<(u64, Ec)>, InspectError> {
    let finder = Finder::new(EC);
    let mut found: Vec<(u64, Ec)> = Vec::new();
    sweep(blob, 0..blob.len(), 64, |piece, bytes| {
        for i in finder.find_iter(bytes) {
            let at = piece + i as u64;
            // What stands in the overlap is met again in the next piece.
            if let Some(ec) = bytes.get(i..).and_then(Ec::parse)
                && found.last().is_none_or(|l| l.0 < at)
            {
                found.push((at, ec));
            }
        }
        (found.len() > MAX_HEADERS).then_some(())
    })?;
    Ok(found)
}

/// Whether a UBI image begins behind other data: headers at two multiples of a usual length of erase blocks.
pub(super) fn behind_other_data(blob: &Blob) -> bool {
    let mut window = Window::new(blob);
    let mut header = |at: u64| window.get(at, 64).ok().and_then(Ec::parse);
    let near = (1..128).map(|i| i << 16);
    let far = (8..128).map(|i| i << 20);
    near.chain(far).take_while(|&at| at + 64 <= blob.len()).any(|at| header(at).is_some())
}

/// Erase blocks of one length, one behind another.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) start: u64,
    /// Length of an erase block.
    pub(super) block: u64,
    /// The header of each block, as far as it has one.
    pub(super) blocks: Vec<Option<Ec>>,
    /// Length of the artifact.
    len: u64,
}

impl Area {
    pub(super) fn end(&self) -> u64 {
        self.at(self.blocks.len())
    }

    /// Offset of a block; the artifact may end within the last one.
    pub(super) fn at(&self, index: usize) -> u64 {
        (self.start + index as u64 * self.block).min(self.len)
    }
}

/// The area that begins with the first header. Headers within data (an image kept in a volume) stand on no grid with it.
pub(super) fn area(headers: &[(u64, Ec)], len: u64) -> Area {
    let (start, first) = headers[0];
    let alike = |ec: &Ec| (ec.vid_at, ec.data_at) == (first.vid_at, first.data_at) && ec.of_image(first.image);
    let least = u64::from(first.data_at) + 1;
    let sample: Vec<u64> = headers.iter().filter(|h| alike(&h.1)).take(SAMPLE).map(|h| h.0 - start).collect();
    // Distances that occur, and every power of two: blocks without a header may lie between any two.
    let mut candidates: Vec<u64> = sample.windows(2).take(256).map(|w| w[1] - w[0]).collect();
    candidates.extend((9..=26).map(|n| 1 << n));
    candidates.sort_unstable();
    candidates.dedup();
    candidates.retain(|block| (least.max(SHORTEST)..=LONGEST).contains(block));
    // Of the true length, each block has a header; of half of it, every other.
    let mut best = (0.0, 0);
    for block in candidates {
        let numbers = run_of(sample.iter().copied(), block);
        let (hits, slots) = (numbers.len() as f64, numbers.last().map_or(1, |n| n + 1) as f64);
        let score = hits * hits / slots;
        if numbers.len() > 1 && score >= best.0 {
            best = (score, block);
        }
    }
    // A single block takes what there is.
    let block = if best.1 == 0 { (len - start).clamp(least, LONGEST) } else { best.1 };
    let on_grid = headers.iter().filter(|h| (h.0 - start) % block == 0);
    let own: HashMap<u64, Ec> = on_grid
        .take_while(|h| h.1.of_image(first.image))
        .filter(|h| alike(&h.1))
        .map(|&(at, ec)| ((at - start) / block, ec))
        .collect();
    let last = run_of(own.keys().map(|n| n * block), block).last().map_or(0, |&n| n);
    let blocks = (0..=last).map(|i| own.get(&i).copied()).collect();
    Area { start, block, blocks, len }
}

/// The numbers of the blocks that have a header, if blocks are so long, up to a wide gap.
fn run_of(offsets: impl Iterator<Item = u64>, block: u64) -> Vec<u64> {
    let mut numbers: Vec<u64> = offsets.filter(|&at| at % block == 0).map(|at| at / block).collect();
    numbers.sort_unstable();
    let end = numbers.windows(2).enumerate().find(|(i, w)| w[1] - w[0] > 64.max(*i as u64)).map(|(i, _)| i + 1);
    numbers.truncate(end.unwrap_or(numbers.len()));
    numbers
}
