//! romfs of Linux.
//!
//! Source: the kernel's Documentation/filesystems/romfs.rst.

use std::collections::HashSet;

use yumen_kit_container::window::num::be32;
use yumen_kit_container::{Container, Cover, FormatReader};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe, Reason};

use crate::entry::{Owner, child, is_bad_name, mention, symlink};
use crate::trailer::after_image;

/// Reads romfs images.
pub(crate) struct Romfs;

const FORMATS: &[Format] = &[Format {
    name: "romfs",
    title: "romfs image",
    media_type: "application/octet-stream",
    extensions: &["romfs"],
    magic: "`-rom1fs-` at the start, then a size and a volume name that are possible",
    reference: "Linux Documentation/filesystems/romfs.rst",
    evidence: "its files as children; link targets and the volume's name as text",
    limitations: &["links are counted, not followed"],
}];

const MAGIC: &[u8; 8] = b"-rom1fs-";
/// Longest name.
const LONGEST: usize = 1024;
const DEEPEST: usize = 256;

impl FormatReader for Romfs {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let h = probe.head;
        let sane =
            h.starts_with(MAGIC) && h.len() >= 32 && be32(h, 8) >= 32 && h[16..].iter().take(LONGEST).any(|&b| b == 0);
        sane.then(|| Identity::new("romfs", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader = Reader { to: Container::new(artifact, out), end: 0, seen: HashSet::new(), damaged: false };
        let result = reader.run();
        reader.to.finish(result)
    }
}

struct Reader<'a> {
    to: Container<'a>,
    end: u64,
    seen: HashSet<u64>,
    damaged: bool,
}

/// Where a header stands and what it says.
struct Header {
    next: u64,
    kind: u32,
    executable: bool,
    spec: u32,
    size: u64,
    name: Vec<u8>,
    data: u64,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), InspectError> {
        let head = self.to.window.get(0, 16)?;
        if !head.starts_with(MAGIC) {
            return Err(InspectError::corrupt(0, "no romfs superblock"));
        }
        let stated = u64::from(be32(head, 8));
        self.end = stated.min(self.to.len());
        if stated > self.to.len() {
            self.to.tell_at("truncated", self.to.len());
        }
        // The checksum goes over the first 512 bytes.
        let first = self.to.window.get(0, 512.min(self.end as usize))?.to_vec();
        if sum(&first) != 0 {
            self.to.tell_at("checksum-mismatch", 12);
        }
        let name = self.name(16)?;
        let first = 16 + (name.len() as u64 + 1).next_multiple_of(16);
        self.to.container(0..16)?;
        self.to.comment(16..16 + name.len() as u64)?;
        self.to.padding(16 + name.len() as u64..first.min(self.end))?;
        let mut used = Cover::default();
        used.add(0..first);
        self.tree(first, &mut used)?;
        for gap in used.gaps(0..self.end) {
            if !self.damaged {
                self.to.unallocated(gap)?;
            } else {
                self.to.opaque(gap, Reason::Corrupt)?;
            }
        }
        let padded = self.end.next_multiple_of(1024).min(self.to.len());
        let end = self.end;
        self.to.padding(end..padded)?;
        after_image(&mut self.to, padded.max(end))
    }

    /// The name at an offset, up to its zero.
    fn name(&mut self, at: u64) -> Result<Vec<u8>, InspectError> {
        let room = usize::try_from(self.end.saturating_sub(at)).unwrap_or(usize::MAX).min(LONGEST);
        let bytes = self.to.window.get(at, room)?;
        Ok(bytes.split(|&b| b == 0).next().unwrap_or(&[]).to_vec())
    }

    fn header(&mut self, at: u64) -> Result<Option<Header>, InspectError> {
        if at + 16 > self.end {
            return Ok(None);
        }
        let b = self.to.window.get(at, 16)?;
        let word = be32(b, 0);
        let (spec, size) = (be32(b, 4), u64::from(be32(b, 8)));
        let name = self.name(at + 16)?;
        let data = at + 16 + (name.len() as u64 + 1).next_multiple_of(16);
        Ok(Some(Header {
            next: u64::from(word & !15),
            kind: word & 7,
            executable: word & 8 != 0,
            spec,
            size,
            name,
            data,
        }))
    }

    fn tree(&mut self, first: u64, used: &mut Cover) -> Result<(), InspectError> {
        // What is left of each folder: its next header, and the length of its path.
        let mut levels = vec![(first, 0usize)];
        let mut path = Vec::new();
        while let Some(level) = levels.last_mut() {
            let (at, len) = *level;
            path.truncate(len);
            if at == 0 {
                levels.pop();
                continue;
            }
            let header = if self.seen.insert(at) { self.header(at)? } else { None };
            let Some(h) = header else {
                self.broken(at);
                levels.pop();
                continue;
            };
            level.0 = h.next;
            let shown = (at + 16 + h.name.len() as u64 + 1).min(self.end);
            self.to.container(at..shown)?;
            self.to.padding(shown..h.data.min(self.end))?;
            used.add(at..h.data.min(self.end));
            // Headers with their names add up to zero.
            let bytes = self.to.window.get(at, (h.data.min(self.end) - at) as usize)?;
            if sum(bytes) != 0 {
                self.to.tell_at("checksum-mismatch", at);
            }
            if matches!(&h.name[..], b"." | b"..") {
                // The root's own entry leads to itself; elsewhere they are links.
                continue;
            }
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(&h.name);
            if is_bad_name(&h.name) {
                self.to.tell_at("bad-entry", at);
            }
            let owner = Owner { mode: if h.executable { 0o755 } else { 0o644 }, ..Owner::default() };
            let data = h.data.min(self.end)..h.data.saturating_add(h.size).min(self.end);
            let whole = h.data.saturating_add(h.size) <= self.end;
            match h.kind {
                0 => mention(&mut self.to, "link", &path, at)?,
                1 => {
                    self.to.tell("directory-entries");
                    if levels.len() >= DEEPEST {
                        self.to.tell("limit");
                        self.damaged = true;
                    } else if h.spec != 0 {
                        levels.push((u64::from(h.spec & !15), path.len()));
                    }
                }
                2 => {
                    if !whole {
                        self.to.tell("incomplete-child");
                        self.broken(data.end);
                    }
                    let meta = child(&mut self.to, &path, owner);
                    used.add(data.clone());
                    self.to.hand_over_range(meta, data)?;
                }
                3 => {
                    let target =
                        self.to.window.get(data.start, ((data.end - data.start) as usize).min(65536))?.to_vec();
                    used.add(data.clone());
                    self.to.container(data)?;
                    symlink(&mut self.to, &path, at, &target)?;
                }
                _ => mention(&mut self.to, "special-file", &path, at)?,
            }
        }
        Ok(())
    }

    fn broken(&mut self, at: u64) {
        self.to.tell_at("corrupt", at.min(self.to.len()));
        self.damaged = true;
    }
}

/// The sum of big-endian words.
fn sum(bytes: &[u8]) -> u32 {
    bytes.chunks_exact(4).fold(0, |s: u32, w| s.wrapping_add(be32(w, 0)))
}

#[cfg(test)]
mod tests;
