//! Dumps of raw NAND flash: behind each page stands its spare area (out-of-band data: bad block marks, error correction). The pages alone are the
//! flash's content.
//!
//! Recognised where UBI lies in the pages. Source: linux-mtd.infradead.org/doc/nand.html; nanddump(8), `--oob`.

use yumen_kit_container::{Container, FormatReader, Window};
use yumen_model::{
    Artifact, Blob, Certainty, ChildMeta, Context, Extent, Format, Identity, InspectError, Inspection, Probe,
};

use crate::ubi::{EC, Ec, Vid};

/// Reads dumps of NAND flash with spare areas.
pub(crate) struct Nand;

const FORMATS: &[Format] = &[Format {
    name: "nand",
    title: "raw NAND flash dump with spare areas",
    media_type: "application/octet-stream",
    extensions: &[],
    magic: "headers of UBI whose checksums hold, at the distances that pages with spare areas give",
    reference: "http://www.linux-mtd.infradead.org/doc/nand.html; nanddump(8)",
    evidence: "the pages without spare areas as the child `data`; the spare areas as free space",
    limitations: &["recognised only where UBI lies in it; the error correction codes are not applied"],
}];

/// Page and spare area, in bytes, as chips have them. Large pages first: four small ones with their spare areas are as long as one of them.
const LAYOUTS: [(u64, u64); 20] = [
    (16384, 1216),
    (16384, 1280),
    (8192, 256),
    (8192, 436),
    (8192, 448),
    (8192, 512),
    (8192, 640),
    (8192, 744),
    (8192, 1024),
    (4096, 128),
    (4096, 208),
    (4096, 216),
    (4096, 218),
    (4096, 224),
    (4096, 232),
    (4096, 256),
    (2048, 64),
    (2048, 112),
    (2048, 128),
    (512, 16),
];
/// Pages in an erase block.
const PAGES: [u64; 5] = [32, 64, 128, 256, 512];
/// Erase blocks that are looked at.
const TRIED: u64 = 64;

/// The layout of a dump, if it is one.
fn layout(blob: &Blob) -> Option<(u64, u64)> {
    let mut window = Window::new(blob);
    LAYOUTS.into_iter().find(|&(page, spare)| {
        PAGES.iter().any(|pages| {
            let block = pages * (page + spare);
            let physical = |base: u64, at: u32| base + u64::from(at) / page * (page + spare) + u64::from(at) % page;
            let (mut counters, mut volumes, mut first) = (0, 0, None);
            for base in (0..TRIED).map(|k| k * block).take_while(|base| base + 64 <= blob.len()) {
                let Some(ec) = window.get(base, 64).ok().and_then(Ec::parse) else { continue };
                counters += 1;
                first.get_or_insert(base);
                let vid = window.get(physical(base, ec.vid_at), 64).ok().and_then(Vid::parse);
                volumes += u32::from(vid.is_some() && padded(&mut window, base, ec, page));
            }
            // Without spare areas, blocks are a power of two apart.
            let mut plain = || {
                (14..=23)
                    .any(|n| first.is_some_and(|at| window.get(at + (1 << n), 64).ok().and_then(Ec::parse).is_some()))
            };
            counters >= 2 && volumes >= 1 && !plain()
        })
    })
}

/// Whether the first page of a block holds nothing but headers: else a spare area is taken for a part of it.
fn padded(window: &mut Window<'_>, base: u64, ec: Ec, page: u64) -> bool {
    let Ok(bytes) = window.get(base, usize::try_from(page.min(u64::from(ec.data_at))).unwrap_or(0)) else {
        return false;
    };
    let vid_at = ec.vid_at as usize;
    let is_header = |i: usize| i < 64 || (vid_at..vid_at + 64).contains(&i);
    bytes.iter().enumerate().all(|(i, &b)| b == 0xFF || b == 0 || is_header(i))
}

impl FormatReader for Nand {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        // The first block may be erased or bad: then the beginning is of one byte.
        let begins = probe.head.starts_with(EC) || probe.head.get(..512)?.iter().all(|&b| b == 0xFF);
        (begins && layout(probe.blob).is_some()).then(|| Identity::new("nand", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to);
        to.finish(result)
    }
}

fn run(to: &mut Container<'_>) -> Result<(), InspectError> {
    let Some((page, spare)) = layout(to.blob) else {
        return Err(InspectError::corrupt(0, "no layout of pages and spare areas fits"));
    };
    let len = to.len();
    let starts = (0..len).step_by(usize::try_from(page + spare).unwrap_or(usize::MAX));
    let pages: Vec<Extent> = starts.clone().map(|at| Extent::of(at..(at + page).min(len))).collect();
    for at in starts {
        to.unallocated_flash((at + page).min(len)..(at + page + spare).min(len))?;
    }
    to.hand_over(ChildMeta::named(b"data"), pages)
}
