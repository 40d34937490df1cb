//! qcow2, versions 2 and 3. Without compressed clusters the guest's disk is extents of the image; else it is decoded. Clusters that the active tables
//! do not reach (snapshots, freed ones) are free space.
//!
//! Source: QEMU docs/interop/qcow2.txt.

use std::collections::HashSet;
use std::io::Read as _;
use std::ops::Range;

use yumen_kit_container::window::num::{be32, be64};
use yumen_kit_container::{Container, FormatReader};
use yumen_model::{
    Artifact, Certainty, ChildMeta, Context, Extent, Format, Identity, InspectError, Inspection, Message, Probe,
    Reason, Stop,
};

use crate::space::Space;

/// Reads qcow2 images.
pub(crate) struct Qcow2;

const FORMATS: &[Format] = &[Format {
    name: "qcow2",
    title: "QEMU copy-on-write disk image",
    media_type: "application/x-qemu-disk",
    extensions: &["qcow2"],
    magic: "`QFI` FB, version 2 or 3, and sane cluster bits",
    reference: "QEMU docs/interop/qcow2.txt",
    evidence: "the guest's disk as a child; the names of the backing and the data file as text; clusters out of use and of snapshots under `[unallocated]`",
    limitations: &[
        "snapshots are not rebuilt: their clusters are inspected as raw bytes",
        "what a backing file or an external data file holds is not here: it reads as zeros",
        "encrypted images are told as encrypted",
    ],
}];

/// Largest table of first-level entries (QEMU's own limit).
const MAX_L1: u64 = 32 << 20;
/// Most pieces of the guest's disk.
const MAX_RUNS: usize = 1 << 22;
/// Bits 9 to 55: where a cluster or a table is.
const OFFSET: u64 = 0x00FF_FFFF_FFFF_FE00;

const DIRTY: u64 = 1;
const EXTERNAL: u64 = 4;
const EXTENDED: u64 = 16;

impl FormatReader for Qcow2 {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        Header::parse(probe.head).map(|_| Identity::new("qcow2", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let name = disk_name(artifact, ".qcow2");
        let mut to = Container::new(artifact, out);
        let result = run(&mut to, &name);
        to.finish(result)
    }
}

/// The name of the disk inside: that of the image without its suffix.
pub(crate) fn disk_name(artifact: &Artifact, suffix: &str) -> String {
    let base = artifact.base_name();
    match base.len().checked_sub(suffix.len()) {
        Some(n) if n > 0 && base.is_char_boundary(n) && base[n..].eq_ignore_ascii_case(suffix) => base[..n].to_owned(),
        _ => "disk".to_owned(),
    }
}

#[derive(Clone, Debug)]
struct Header {
    version: u32,
    cluster: u64,
    size: u64,
    encrypted: bool,
    l1_at: u64,
    l1_len: u64,
    refcounts_at: u64,
    refcounts_len: u64,
    snapshots: u32,
    backing: Range<u64>,
    features: u64,
    header_len: u64,
    zstd: bool,
}

impl Header {
    fn parse(b: &[u8]) -> Option<Header> {
        if b.len() < 72 || !b.starts_with(b"QFI\xfb") {
            return None;
        }
        let (version, bits, size) = (be32(b, 4), be32(b, 20), be64(b, 24));
        if !matches!(version, 2 | 3) || !(9..=21).contains(&bits) || be32(b, 32) > 2 || size >> 60 != 0 {
            return None;
        }
        let cluster = 1u64 << bits;
        let v3 = version >= 3;
        let header_len = if v3 { u64::from(be32(b, 100)).clamp(104, 4096) } else { 72 };
        let backing_at = be64(b, 8);
        Some(Header {
            version,
            cluster,
            size,
            encrypted: be32(b, 32) != 0,
            l1_at: be64(b, 40),
            l1_len: u64::from(be32(b, 36)) * 8,
            refcounts_at: be64(b, 48),
            refcounts_len: u64::from(be32(b, 56)) * cluster,
            snapshots: be32(b, 60),
            backing: backing_at..backing_at.checked_add(u64::from(be32(b, 16).min(1023)))?,
            features: if v3 { be64(b, 72) } else { 0 },
            header_len,
            zstd: v3 && header_len > 104 && b.get(104) == Some(&1),
        })
    }
}

/// A stretch of the guest's disk.
#[derive(Clone, Debug)]
enum Piece {
    Zero(u64),
    /// Bytes of the image.
    Plain(Range<u64>),
    /// A compressed cluster.
    Packed(Range<u64>),
}

fn run(to: &mut Container<'_>, name: &str) -> Result<(), InspectError> {
    let head = to.window.get(0, 4096)?.to_vec();
    let Some(header) = Header::parse(&head) else {
        return Err(InspectError::corrupt(0, "the header is broken"));
    };
    let mut reader =
        Reader { to, header, space: Space::default(), pieces: Vec::new(), packed: 0, plain: 0, broken: false };
    reader.fields(&head)?;
    reader.refcounts()?;
    reader.tables()?;
    reader.disk(name)?;
    let Reader { space, .. } = reader;
    let len = to.len();
    space.gaps(0..len).try_for_each(|gap| to.unallocated(gap))
}

struct Reader<'r, 'a> {
    to: &'r mut Container<'a>,
    header: Header,
    space: Space,
    pieces: Vec<Piece>,
    packed: u64,
    plain: u64,
    broken: bool,
}

impl Reader<'_, '_> {
    fn claim(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        let range = range.start..range.end.min(self.to.len());
        self.space.claim(range.clone());
        self.to.container(range)
    }

    fn fields(&mut self, head: &[u8]) -> Result<(), InspectError> {
        let h = self.header.clone();
        self.claim(0..h.header_len)?;
        if h.features & DIRTY != 0 {
            self.to.tell("journal-not-replayed");
        }
        if h.backing.start > 0 && !h.backing.is_empty() {
            self.to.tell("backing-file");
            self.space.claim(h.backing.clone());
            self.to.comment(h.backing.clone())?;
        }
        if h.snapshots > 0 {
            self.to.tell("snapshots-not-rebuilt");
        }
        if h.version < 3 {
            return Ok(());
        }
        let mut at = h.header_len;
        for _ in 0..64 {
            let b = head.get(at as usize..).unwrap_or(&[]);
            if b.len() < 8 || be32(b, 0) == 0 {
                break;
            }
            let (kind, len) = (be32(b, 0), u64::from(be32(b, 4)));
            if len > 4096 {
                break;
            }
            self.claim(at..at + 8)?;
            let body = at + 8..at + 8 + len;
            match kind {
                // The format of the backing file, the name of the data file.
                0xE279_2ACA | 0x4441_5441 => {
                    self.space.claim(body.clone());
                    self.to.comment(body)?;
                }
                // Feature names; where the LUKS header, bitmaps are.
                0x6803_F857 | 0x0537_BE77 | 0x2385_2875 => self.claim(body)?,
                _ => {}
            }
            at += 8 + len.next_multiple_of(8);
        }
        Ok(())
    }

    fn refcounts(&mut self) -> Result<(), InspectError> {
        let h = self.header.clone();
        let end = h.refcounts_at.saturating_add(h.refcounts_len.min(8 << 20)).min(self.to.len());
        let mut at = h.refcounts_at;
        if at < h.header_len {
            return Ok(());
        }
        self.claim(at..end)?;
        while at + 8 <= end {
            let block = be64(self.to.window.get(at, 8)?, 0) & !0x1FF;
            if block != 0 && block.is_multiple_of(h.cluster) && block < self.to.len() {
                self.space.claim(block..block + h.cluster);
                self.to.container(block..block + h.cluster)?;
            }
            at += 8;
        }
        Ok(())
    }

    fn zero(&mut self, n: u64) {
        match self.pieces.last_mut() {
            Some(Piece::Zero(len)) => *len += n,
            _ => self.pieces.push(Piece::Zero(n)),
        }
    }

    fn data(&mut self, range: Range<u64>) {
        let len = self.to.len();
        let missing = (range.end - range.start) - (range.end.min(len).saturating_sub(range.start));
        self.broken |= missing > 0;
        let range = range.start.min(len)..range.end.min(len);
        if !range.is_empty() {
            self.plain += range.end - range.start;
            match self.pieces.last_mut() {
                Some(Piece::Plain(last)) if last.end == range.start => last.end = range.end,
                _ => self.pieces.push(Piece::Plain(range)),
            }
        }
        if missing > 0 {
            self.zero(missing);
        }
    }

    /// Walks the active tables from the first guest cluster to the last.
    fn tables(&mut self) -> Result<(), InspectError> {
        let h = self.header.clone();
        let extended = h.features & EXTENDED != 0;
        let entry = if extended { 16 } else { 8 };
        let per_table = h.cluster / entry;
        let span = per_table * h.cluster;
        let needed = h.size.div_ceil(span);
        let have = (h.l1_len / 8).min(MAX_L1 / 8);
        self.broken |= needed > have;
        if h.l1_at < h.header_len || h.l1_at >= self.to.len() {
            self.broken |= h.size > 0;
            return Ok(());
        }
        self.claim(h.l1_at..h.l1_at + have * 8)?;
        let (mut guest, mut seen) = (0, HashSet::new());
        for i in 0..needed.min(have) {
            let l2 = be64(self.to.window.get(h.l1_at + i * 8, 8)?, 0) & OFFSET;
            let here = (h.size - guest).min(span);
            guest += here;
            if l2 == 0 {
                self.zero(here);
                continue;
            }
            // A table that serves twice would make a small image endless.
            if l2.saturating_add(h.cluster) > self.to.len() || !seen.insert(l2) {
                self.broken = true;
                self.zero(here);
                continue;
            }
            self.claim(l2..l2 + h.cluster)?;
            let table = self.to.blob.bytes(l2..l2 + h.cluster).map_err(|e| InspectError::read(l2, &e))?;
            let mut left = here;
            for e in table.chunks_exact(entry as usize) {
                let n = left.min(h.cluster);
                if n == 0 {
                    break;
                }
                left -= n;
                self.cluster(be64(e, 0), extended.then(|| be64(e, 8)), n);
            }
            if self.pieces.len() > MAX_RUNS {
                self.to.tell("limit");
                self.broken = true;
                break;
            }
        }
        Ok(())
    }

    /// One cluster of the guest's disk, of which `n` bytes are within its size.
    fn cluster(&mut self, entry: u64, subclusters: Option<u64>, n: u64) {
        let h = &self.header;
        if entry >> 62 & 1 == 1 {
            let bits = h.cluster.trailing_zeros();
            let x = 62 - (bits - 8);
            let offset = entry & ((1 << x) - 1);
            let sectors = (entry & ((1 << 62) - 1)) >> x;
            let end = (offset & !511) + (sectors + 1) * 512;
            self.packed += 1;
            self.pieces.push(Piece::Packed(offset..end));
            return;
        }
        let offset = entry & OFFSET;
        let all_zero = subclusters.is_none() && h.version >= 3 && entry & 1 == 1;
        let (external, cluster) = (h.features & EXTERNAL != 0, h.cluster);
        if offset == 0 || external || all_zero {
            self.zero(n);
            return;
        }
        let Some(bitmap) = subclusters else {
            self.data(offset..offset + n);
            return;
        };
        // Thirty-two parts, each allocated or zero.
        let part = cluster / 32;
        let mut at = 0;
        for i in 0..32 {
            let m = part.min(n - at);
            if m == 0 {
                break;
            }
            if bitmap >> i & 1 == 1 {
                self.data(offset + at..offset + at + m);
            } else {
                self.zero(m);
            }
            at += m;
        }
    }

    /// Hands over the guest's disk.
    fn disk(&mut self, name: &str) -> Result<(), InspectError> {
        let meta = ChildMeta::named(name.as_bytes());
        let pieces = std::mem::take(&mut self.pieces);
        for piece in &pieces {
            if let Piece::Plain(range) = piece {
                self.space.claim(range.clone());
            }
        }
        if self.broken {
            self.to.tell("incomplete-child");
        }
        if self.header.encrypted {
            self.to.tell("encrypted");
            return pieces.into_iter().try_for_each(|piece| match piece {
                Piece::Plain(range) | Piece::Packed(range) => {
                    self.space.claim(range.clone());
                    self.to.opaque(range, Reason::Encrypted)
                }
                Piece::Zero(_) => Ok(()),
            });
        }
        if self.packed == 0 {
            let extents = pieces
                .into_iter()
                .map(|piece| match piece {
                    Piece::Zero(len) => Extent::Zero { len },
                    Piece::Plain(range) | Piece::Packed(range) => Extent::of(range),
                })
                .collect();
            return self.to.hand_over(meta, extents);
        }
        let encoded = Some(self.to.len());
        self.to.send(Message::ChildStart { meta: ChildMeta { encoded, ..meta } })?;
        let mut whole = !self.broken;
        for (i, piece) in pieces.iter().enumerate() {
            match self.decode(piece) {
                Ok(fine) => whole &= fine,
                // The child is closed; what is left of the image stays encoded.
                Err(Failure::Stop(Stop::Child(reason))) => {
                    return pieces[i..].iter().try_for_each(|rest| match rest {
                        Piece::Plain(range) | Piece::Packed(range) => {
                            self.space.claim(range.clone());
                            self.to.opaque(range.clone(), reason)
                        }
                        Piece::Zero(_) => Ok(()),
                    });
                }
                Err(Failure::Stop(stop)) => return Err(stop.into()),
                Err(Failure::Read(error)) => return Err(error),
            }
        }
        self.to.send(Message::ChildEnd { complete: whole })?;
        if !whole && !self.broken {
            self.to.tell("incomplete-child");
        }
        Ok(())
    }

    /// Sends one piece decoded; false when it could not be.
    fn decode(&mut self, piece: &Piece) -> Result<bool, Failure> {
        match piece {
            Piece::Zero(n) => {
                self.to.send(Message::ChildZeros(*n))?;
                Ok(true)
            }
            Piece::Plain(range) => {
                let mut at = range.start;
                while at < range.end {
                    let end = range.end.min(at + (1 << 20));
                    let bytes = self.to.blob.bytes(at..end).map_err(|e| InspectError::read(at, &e))?;
                    self.to.send(Message::ChildBytes(bytes.into()))?;
                    self.to.container(at..end)?;
                    at = end;
                }
                Ok(true)
            }
            Piece::Packed(range) => {
                let cluster = self.header.cluster as usize;
                let range = range.start..range.end.min(self.to.len());
                let packed = self.to.blob.bytes(range.clone()).unwrap_or_default();
                let mut bytes = vec![0; cluster];
                let used = unpack(&packed, &mut bytes, self.header.zstd);
                match used {
                    // What stands behind in the last sector belongs to the next one.
                    Some(used) => {
                        let used = range.start..range.start + used;
                        self.space.claim(used.clone());
                        self.to.container(used)?;
                    }
                    None => {
                        self.to.tell_at("corrupt", range.start);
                        self.space.claim(range.clone());
                        self.to.opaque(range, Reason::Corrupt)?;
                        bytes.fill(0);
                    }
                }
                self.to.send(Message::ChildBytes(bytes.into()))?;
                Ok(used.is_some())
            }
        }
    }
}

enum Failure {
    Stop(Stop),
    Read(InspectError),
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        Failure::Stop(stop)
    }
}

impl From<InspectError> for Failure {
    fn from(error: InspectError) -> Self {
        Failure::Read(error)
    }
}

/// Unpacks one cluster; how many bytes of the packed form were used.
fn unpack(packed: &[u8], out: &mut [u8], zstd: bool) -> Option<u64> {
    if zstd {
        let mut left = packed;
        let mut decoder = zstd::stream::read::Decoder::with_buffer(&mut left).ok()?.single_frame();
        let _ = decoder.window_log_max(21);
        decoder.read_exact(out).ok()?;
        // The frame's end is read too.
        let _ = decoder.read(&mut [0]);
        drop(decoder);
        return Some((packed.len() - left.len()) as u64);
    }
    let mut inflate = flate2::Decompress::new(false);
    inflate.decompress(packed, out, flate2::FlushDecompress::Finish).ok()?;
    (inflate.total_out() == out.len() as u64).then(|| inflate.total_in())
}

#[cfg(test)]
mod tests;
