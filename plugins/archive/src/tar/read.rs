//! Opens a tar, block by block.

use std::ops::Range;

use yumen_model::{Artifact, Extent, InspectError, Inspection};

use super::header::{BLOCK, Block, Kind};
use super::pax::{self, Pax};
use super::sparse;
use super::special::Signs;
use yumen_kit_container::window::{first_nonzero, sweep};
use yumen_kit_container::{Container, Place};

/// A tar on its way.
struct Reader<'a> {
    to: Container<'a>,
    /// What global extended headers say of every member that follows.
    global: Pax,
    /// What was said before of the next member.
    next: Pax,
    /// A GNU long name of the next member.
    long_name: Option<Vec<u8>>,
    signs: Signs,
}

/// What a header says, in owned form.
struct Entry {
    /// Where the header is.
    at: u64,
    type_flag: u8,
    name: Vec<u8>,
    /// Where its content is, as far as the archive goes.
    data: Range<u64>,
    /// Whether the archive ends before the content does.
    cut: bool,
    /// The sparse map of a GNU header, whether more of it follows, length with holes.
    sparse: Option<(sparse::Map, bool, u64)>,
}

/// Opens a tar.
pub(super) fn open(artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
    let to = Container::new(artifact, out);
    let mut reader =
        Reader { to, global: Pax::default(), next: Pax::default(), long_name: None, signs: Signs::default() };
    let mut result = reader.run();
    if result.is_ok() {
        result = reader.signs.tell(&mut reader.to);
    }
    reader.to.finish(result)
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), InspectError> {
        let len = self.to.len();
        let mut at = 0;
        let mut ended = false;
        while at < len {
            let bytes = self.to.window.get(at, BLOCK as usize)?;
            let (zero, header) = match Block::of(bytes) {
                Some(block) => (block.is_zero(), block.is_header()),
                None => (bytes.iter().all(|&b| b == 0), false),
            };
            if zero {
                // The end of the archive; another may follow.
                ended = true;
                let next = first_nonzero(self.to.blob, at..len)?.map_or(len, |n| n - (n - at) % BLOCK);
                self.to.container(at..next)?;
                at = next;
            } else if header {
                ended = false;
                at = self.entry(at)?;
            } else if ended {
                return self.to.residue(at..len, Place::After);
            } else {
                // A broken header, or an archive cut within one.
                self.to.tell_at(if len - at < BLOCK { "truncated" } else { "corrupt" }, at);
                match self.next_header(at)? {
                    Some(next) => {
                        self.to.residue(at..next, if at == 0 { Place::Before } else { Place::Between })?;
                        at = next;
                    }
                    None => return self.to.residue(at..len, Place::After),
                }
            }
        }
        if !ended {
            // No zero block at the end: what is missing, if anything, nobody can tell.
            self.to.tell_at("truncated", len);
        }
        Ok(())
    }

    /// The next block behind `at` that is a header.
    fn next_header(&self, at: u64) -> Result<Option<u64>, InspectError> {
        let from = at + BLOCK;
        // Pieces are doubled from 4 KiB on: all but the last are whole blocks.
        sweep(self.to.blob, from..self.to.len(), 0, |piece, bytes| {
            let header = bytes
                .chunks_exact(BLOCK as usize)
                .position(|b| Block::of(b).is_some_and(|b| !b.is_zero() && b.is_header()));
            header.map(|i| piece + i as u64 * BLOCK)
        })
    }

    /// Reads the member whose header is at `at`; returns where the next one is.
    fn entry(&mut self, at: u64) -> Result<u64, InspectError> {
        let len = self.to.len();
        let bytes = self.to.window.get(at, BLOCK as usize)?;
        let Some(block) = Block::of(bytes) else { return Ok(len) };
        let type_flag = block.type_flag();
        let own = matches!(type_flag, b'L' | b'K' | b'N' | b'x' | b'X' | b'g');
        let stated = if own { None } else { self.next.size.or(self.global.size) };
        let size = stated.or_else(|| block.size());
        let mut name = block.name();
        let sparse = (type_flag == b'S' && block.kind() != Kind::V7).then(|| block.sparse());
        let (unused_at, unused) = block.unused();
        let hidden = unused.iter().any(|&b| b != 0);
        let unused_at = at + unused_at as u64;
        self.to.container(at..if hidden { unused_at } else { at + BLOCK })?;
        if hidden {
            self.to.slack(unused_at..at + BLOCK)?;
        }
        if size.is_none() {
            self.to.tell_at("bad-entry", at);
        }
        let start = at + BLOCK;
        let wanted = start.saturating_add(size.unwrap_or(0));
        let data = start..wanted.min(len).max(start.min(len));
        let cut = wanted > len;
        if cut {
            self.to.tell_at("truncated", len);
        }
        if own {
            self.own(type_flag, &data)?;
            return self.behind(data.end, cut);
        }
        let pax = std::mem::take(&mut self.next).over(&self.global);
        let long = self.long_name.take();
        if let Some(better) = pax.path.clone().or(long) {
            name = better;
        }
        self.member(Entry { at, type_flag, name, data, cut, sparse }, &pax)
    }

    /// The padding behind content; returns where the next block is.
    fn behind(&mut self, end: u64, cut: bool) -> Result<u64, InspectError> {
        let len = self.to.len();
        if cut {
            return Ok(len);
        }
        let next = end.div_ceil(BLOCK).saturating_mul(BLOCK).min(len);
        self.to.padding(end..next)?;
        Ok(next)
    }

    /// Headers that speak of the next member.
    fn own(&mut self, type_flag: u8, data: &Range<u64>) -> Result<(), InspectError> {
        let len = data.end - data.start;
        if len > pax::LONGEST {
            self.to.tell_at("bad-entry", data.start);
            return self.to.hand_over_range(yumen_model::ChildMeta::named(b"[header]"), data.clone());
        }
        let bytes = self.to.blob.bytes(data.clone()).map_err(|e| InspectError::read(data.start, &e))?;
        let (mut other, mut whole) = (Vec::new(), true);
        match type_flag {
            b'L' => self.long_name = Some(bytes.split(|&b| b == 0).next().unwrap_or_default().to_vec()),
            b'x' | b'X' => (other, whole) = self.next.read(&bytes),
            b'g' => (other, whole) = self.global.read(&bytes),
            _ => {}
        }
        if !whole {
            // What can't be read is looked at as it is.
            self.to.tell_at("bad-entry", data.start);
            return self.to.hand_over_range(yumen_model::ChildMeta::named(b"[header]"), data.clone());
        }
        self.to.container(data.clone())?;
        for value in other {
            self.to.comment(data.start + value.start as u64..data.start + value.end as u64)?;
        }
        Ok(())
    }

    fn member(&mut self, mut entry: Entry, pax: &Pax) -> Result<u64, InspectError> {
        let directory = entry.type_flag == b'5' || (matches!(entry.type_flag, 0 | b'0') && entry.name.ends_with(b"/"));
        let link = matches!(entry.type_flag, b'1' | b'2');
        let special = matches!(entry.type_flag, b'3' | b'4' | b'6');
        if directory || link || special {
            self.to.check_path(&entry.name);
            self.to.tell(if directory {
                "directory-entries"
            } else if link {
                "link"
            } else {
                "special-file"
            });
            if entry.data.is_empty() || self.bodiless(&entry)? {
                return Ok(entry.at + BLOCK);
            }
        }
        match entry.type_flag {
            b'V' => {
                // The name is the label of the volume.
                let label = entry.name.len().min(100) as u64;
                self.to.comment(entry.at..entry.at + label)?;
                if entry.data.is_empty() {
                    return Ok(entry.at + BLOCK);
                }
            }
            b'M' => self.to.tell("spanned"),
            b'D' if self.is_dump(&entry)? => {
                self.to.tell("directory-entries");
                self.to.container(entry.data.clone())?;
                return self.behind(entry.data.end, entry.cut);
            }
            _ => {}
        }
        if let Some((map, more, _)) = &mut entry.sparse
            && *more
        {
            // The map goes on in blocks between header and content, which the size does not count.
            let mut at = entry.data.start;
            let mut going = true;
            while going {
                let bytes = self.to.window.get(at, BLOCK as usize)?;
                let Some(block) = Block::of(bytes) else { break };
                let (pairs, on) = block.more_sparse();
                // A map longer than any real one does not fit its content, and shows as such.
                if map.len() < sparse::MOST_PIECES {
                    map.extend(pairs);
                }
                going = on;
                at += BLOCK;
            }
            self.to.container(entry.data.start..at)?;
            let shift = at - entry.data.start;
            let len = self.to.len();
            let end = entry.data.end.saturating_add(shift);
            entry.cut |= end > len;
            entry.data = at..end.min(len).max(at);
        }
        self.file(&entry, pax)?;
        self.behind(entry.data.end, entry.cut)
    }

    /// Hands over the content of a member.
    fn file(&mut self, entry: &Entry, pax: &Pax) -> Result<(), InspectError> {
        let mut name = entry.name.as_slice();
        while let [rest @ .., b'/'] = name {
            name = rest;
        }
        self.signs.see(name);
        if entry.at == 0 {
            let content = self.to.window.get(entry.data.start, BLOCK as usize)?.to_vec();
            self.signs.first(name, &content);
        }
        let meta = self.to.child(name);
        if entry.cut {
            self.to.tell("incomplete-child");
        }
        let mut data = entry.data.clone();
        let mut map = entry.sparse.as_ref().map(|(map, _, real)| (map.clone(), *real));
        if pax.sparse_map_inside {
            match sparse::map_inside(&mut self.to, data.clone(), BLOCK)? {
                Some((inside, content)) => {
                    self.to.container(data.start..content)?;
                    data.start = content;
                    let end = inside.last().map_or(0, |&(o, n)| o.saturating_add(n));
                    map = Some((inside, pax.real_size.unwrap_or(end)));
                }
                None => self.to.tell_at("bad-entry", data.start),
            }
        } else if let Some(stated) = &pax.sparse {
            let end = stated.last().map_or(0, |&(o, n)| o.saturating_add(n));
            map = Some((stated.clone(), pax.real_size.unwrap_or(end)));
        }
        if let Some((map, real)) = map {
            match sparse::extents(&map, real, &data) {
                Some(extents) => return self.to.hand_over(meta, extents),
                None if real > sparse::LONGEST => self.to.tell_at("limit", entry.at),
                None => self.to.tell_at("bad-entry", entry.at),
            }
        }
        self.to.hand_over(meta, vec![Extent::of(data)])
    }

    /// Whether a directory, link or device has no content though it states a length: a header or the end stands right behind it.
    fn bodiless(&mut self, entry: &Entry) -> Result<bool, InspectError> {
        let behind = entry.data.end.div_ceil(BLOCK).saturating_mul(BLOCK);
        let mut ends_at = |at: u64| -> Result<bool, InspectError> {
            Ok(Block::of(self.to.window.get(at, BLOCK as usize)?).is_none_or(|b| b.is_zero() || b.is_header()))
        };
        Ok(ends_at(entry.at + BLOCK)? || entry.cut || !ends_at(behind)?)
    }

    /// Whether the content is a list of names, as incremental GNU archives have for directories.
    fn is_dump(&mut self, entry: &Entry) -> Result<bool, InspectError> {
        let len = entry.data.end - entry.data.start;
        if len > pax::LONGEST {
            return Ok(false);
        }
        let bytes = self.to.blob.bytes(entry.data.clone()).map_err(|e| InspectError::read(entry.data.start, &e))?;
        Ok(bytes
            .split(|&b| b == 0)
            .all(|name| matches!(name, [] | [b'Y' | b'N' | b'D' | b'R' | b'T' | b'X', ..]) && name.len() <= 4096))
    }
}
