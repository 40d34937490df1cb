//! casync: archives (`.catar`), and indexes of chunks (`.caibx`, `.caidx`), whose content stands in a chunk store elsewhere.
//!
//! Source: casync, README "File formats" and the constants of its format description. All numbers are little-endian.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use yumen_kit_container::window::num::le64;
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe};

/// Reads archives and indexes.
pub(crate) struct Casync;

const INDEX: u64 = 0x9682_4d9c_7b12_9ff9;
const TABLE: u64 = 0xe75b_9e11_2f17_417d;
const TABLE_TAIL: u64 = 0x4b4f_050e_5549_ecd1;
const ENTRY: u64 = 0x1396_fabc_ea5b_bb51;
const USER: u64 = 0xf453_131a_aeea_ccb3;
const GROUP: u64 = 0x25eb_6ac9_6939_6a52;
const XATTR: u64 = 0xb815_7091_f80b_c486;
const ACL_USER: u64 = 0x297d_c88b_2ef1_2faf;
const ACL_GROUP: u64 = 0x36f2_acb5_6cb3_dd0b;
const ACL_GROUP_OBJ: u64 = 0x2304_7110_441f_38f3;
const ACL_DEFAULT: u64 = 0xfe3e_eda6_823c_8cd0;
const ACL_DEFAULT_USER: u64 = 0xbdf0_3df9_bd01_0a91;
const ACL_DEFAULT_GROUP: u64 = 0xa0cb_1168_782d_1f51;
const FCAPS: u64 = 0xf726_7db0_afed_0629;
const QUOTA: u64 = 0x161b_af2d_8772_a72b;
const SELINUX: u64 = 0x46fa_f060_2fd2_6c59;
const SYMLINK: u64 = 0x664a_6fb6_830e_0d6c;
const DEVICE: u64 = 0xac3d_ace3_69df_e643;
const PAYLOAD: u64 = 0x8b9e_1d93_d6dc_ffc9;
const FILENAME: u64 = 0x6dbb_6ebc_b316_1f0b;
const GOODBYE: u64 = 0xdfd3_5c5e_8327_c403;

/// Size and type.
const HEADER: u64 = 16;
/// Longest record that is not content, in bytes.
const LONGEST: u64 = 1 << 20;
/// Deepest folder.
const DEPTH: usize = 4096;

const FORMATS: &[Format] = &[Format {
    name: "casync",
    title: "casync archive or index",
    media_type: "application/octet-stream",
    extensions: &["catar", "caibx", "caidx"],
    magic: "a header of 48 bytes with the type of indexes, or an entry of 64 bytes with a mode",
    reference: "casync, README, File formats",
    evidence: "files of archives as children, link targets, owners and attributes as text; of indexes the number of chunks and the size",
    limitations: &["what an index describes is in a chunk store, and is not put together here: an index holds"],
}];

impl FormatReader for Casync {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let head = probe.head.get(..64).or_else(|| probe.head.get(..48))?;
        let known = match (le64(head, 0), le64(head, 8)) {
            (48, INDEX) => true,
            (64, ENTRY) => head.len() == 64 && matches!(le64(head, 24) >> 12, 1 | 2 | 4 | 6 | 8 | 10 | 12),
            _ => false,
        };
        known.then(|| Identity::new("casync", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let index = le64(to.window.get(0, 16)?, 8) == INDEX;
        if index {
            let result = read_index(&mut to);
            return to.finish(result);
        }
        let mut archive = Archive { to, path: Vec::new(), open: None, name: stem(&artifact.name), owners: Vec::new() };
        let result = archive.run();
        archive.to.finish(result)
    }
}

fn stem(name: &str) -> Vec<u8> {
    let base = name.rsplit('/').next().unwrap_or(name);
    base.strip_suffix(".catar").filter(|s| !s.is_empty()).unwrap_or(base).as_bytes().to_vec()
}

/// Reads an index: the chunks in order, and the end of each in what they make up.
fn read_index(to: &mut Container<'_>) -> Result<(), InspectError> {
    let len = to.len();
    to.tell("spanned");
    let table = to.window.get(48, 16)?.to_vec();
    if table.len() < 16 {
        to.container(0..len)?;
        to.tell_at("truncated", len);
        return Ok(());
    }
    if (le64(&table, 0), le64(&table, 8)) != (u64::MAX, TABLE) {
        to.container(0..48)?;
        return Err(InspectError::corrupt(48, "the index has no table of chunks"));
    }
    to.container(0..64)?;
    let (mut at, mut size, mut chunks, mut ended) = (64u64, 0u64, 0u64, false);
    while at + 40 <= len {
        let item = to.window.get(at, 40)?;
        let end = le64(item, 0);
        if end == 0 {
            // Two zeros, the length of the index, the length of the table, a mark.
            ended = le64(item, 32) == TABLE_TAIL;
            if !ended {
                to.tell_at("corrupt", at);
            }
            at += 40;
            break;
        }
        if end <= size {
            to.container(64..at)?;
            to.tell_at("corrupt", at);
            return to.residue(at..len, Place::After);
        }
        (size, chunks, at) = (end, chunks + 1, at + 40);
    }
    to.container(64..at)?;
    if !ended {
        to.tell_at("truncated", len);
    }
    to.inventory(
        InventoryItem::new(kinds::SOFTWARE_PACKAGE)
            .with("format", "casync-index")
            .with("chunks", chunks)
            .with("bytes", size),
    );
    to.residue(at..len, Place::After)
}

/// An entry whose content has not come yet.
struct Open {
    mode: u64,
    attributes: BTreeMap<String, Value>,
}

struct Archive<'a> {
    to: Container<'a>,
    /// Lengths of `name` at which the open folders begin.
    path: Vec<usize>,
    open: Option<Open>,
    /// Path of the open entry.
    name: Vec<u8>,
    owners: Vec<Vec<u8>>,
}

impl Archive<'_> {
    fn run(&mut self) -> Result<(), InspectError> {
        let len = self.to.len();
        let mut at = 0;
        let mut named = false;
        let mut ended = false;
        while at < len {
            let head = self.to.window.get(at, HEADER as usize)?;
            let (size, kind) = (le64(head, 0), le64(head, 8));
            if ended {
                return self.to.residue(at..len, Place::After);
            }
            let end = at.saturating_add(size);
            if head.len() < HEADER as usize
                || size < HEADER
                || end > len
                || (kind != PAYLOAD && kind != GOODBYE && size > LONGEST)
            {
                return self.broken(at, kind, end);
            }
            let body = at + HEADER..end;
            self.to.container(at..body.start)?;
            match kind {
                ENTRY => {
                    self.entry(body, named)?;
                    named = false;
                }
                FILENAME => {
                    self.finish_entry();
                    self.filename(body)?;
                    named = true;
                }
                PAYLOAD => self.payload(body, false)?,
                GOODBYE => {
                    self.finish_entry();
                    self.to.container(body)?;
                    ended = self.leave();
                }
                SYMLINK => self.text(body)?,
                USER | GROUP => self.owner(body)?,
                XATTR | SELINUX => self.attribute(body)?,
                ACL_USER | ACL_GROUP | ACL_GROUP_OBJ | ACL_DEFAULT | ACL_DEFAULT_USER | ACL_DEFAULT_GROUP | FCAPS
                | QUOTA | DEVICE => self.to.container(body)?,
                _ => {
                    self.to.tell_at("bad-entry", at);
                    self.to.residue(body, Place::Between)?;
                }
            }
            at = end;
            // An archive of one file has no end mark.
            ended |= self.path.is_empty() && kind == PAYLOAD;
        }
        if !ended {
            self.to.tell_at("truncated", len);
        }
        self.finish_entry();
        Ok(())
    }

    /// What can't be read, or ends behind the archive's end.
    fn broken(&mut self, at: u64, kind: u64, end: u64) -> Result<(), InspectError> {
        let len = self.to.len();
        if kind == PAYLOAD && end > len && len - at > HEADER {
            self.to.tell_at("truncated", len);
            self.to.container(at..at + HEADER)?;
            return self.payload(at + HEADER..len, true);
        }
        self.to.tell_at(if len - at < HEADER || end > len { "truncated" } else { "corrupt" }, at);
        self.to.residue(at..len, Place::After)
    }

    fn entry(&mut self, body: Range<u64>, named: bool) -> Result<(), InspectError> {
        let bytes = self.to.window.get(body.start, 48)?;
        let (mode, uid, gid, mtime) = (le64(bytes, 8), le64(bytes, 24), le64(bytes, 32), le64(bytes, 40));
        self.to.container(body)?;
        if !named {
            // The top of the tree, or an archive of one file: what is in it bears its own name.
            self.path.clear();
        }
        let attributes = [("mode", mode & 0o7777), ("uid", uid), ("gid", gid), ("mtime", mtime / 1_000_000_000)];
        let attributes = attributes.into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect();
        if mode >> 12 == 4 {
            self.to.tell("directory-entries");
            if !named {
                self.name.clear();
            }
            if self.path.len() < DEPTH {
                self.path.push(self.name.len());
            }
        }
        self.open = Some(Open { mode, attributes });
        Ok(())
    }

    fn filename(&mut self, body: Range<u64>) -> Result<(), InspectError> {
        let len = usize::try_from(body.end - body.start).unwrap_or(0);
        let bytes = self.to.window.get(body.start, len)?.to_vec();
        let name = bytes.split(|&b| b == 0).next().unwrap_or_default();
        let base = self.path.last().copied().unwrap_or(0);
        self.name.truncate(base);
        if base > 0 {
            self.name.push(b'/');
        }
        self.name.extend_from_slice(name);
        let shown = body.start + (name.len() as u64 + 1).min(body.end - body.start);
        self.to.container(body.start..shown)?;
        self.to.padding(shown..body.end)
    }

    fn leave(&mut self) -> bool {
        self.path.pop();
        self.name.truncate(self.path.last().copied().unwrap_or(0));
        self.path.is_empty()
    }

    fn payload(&mut self, body: Range<u64>, cut: bool) -> Result<(), InspectError> {
        let open = self.open.take();
        let mut meta = self.to.child(&self.name);
        meta.attributes = open.map(|o| o.attributes).unwrap_or_default();
        if cut {
            self.to.tell("incomplete-child");
        }
        self.to.hand_over_range(meta, body)
    }

    /// An entry that had no content is none of a file.
    fn finish_entry(&mut self) {
        if let Some(open) = self.open.take() {
            match open.mode >> 12 {
                4 => {}
                10 => self.to.tell("link"),
                8 => self.to.tell("bad-entry"),
                _ => self.to.tell("special-file"),
            }
        }
    }

    /// A text that ends with a NUL.
    fn text(&mut self, body: Range<u64>) -> Result<(), InspectError> {
        let last = self.to.window.get(body.end.saturating_sub(1).max(body.start), 1)?;
        let nul = u64::from(last == [0] && !body.is_empty());
        self.to.container(body.end - nul..body.end)?;
        self.to.comment(body.start..body.end - nul)
    }

    /// The name of a user or group: told once.
    fn owner(&mut self, body: Range<u64>) -> Result<(), InspectError> {
        let len = usize::try_from(body.end - body.start).unwrap_or(0);
        let name = self.to.window.get(body.start, len)?.to_vec();
        if self.owners.contains(&name) || self.owners.len() >= 64 {
            return self.to.container(body);
        }
        self.owners.push(name);
        self.text(body)
    }

    /// Name and value of an extended attribute.
    fn attribute(&mut self, body: Range<u64>) -> Result<(), InspectError> {
        let len = usize::try_from(body.end - body.start).unwrap_or(0);
        let bytes = self.to.window.get(body.start, len)?;
        let Some(at) = bytes.iter().position(|&b| b == 0).map(|n| body.start + n as u64) else {
            return self.to.comment(body);
        };
        self.to.comment(body.start..at)?;
        self.to.container(at..at + 1)?;
        if at + 1 < body.end { self.text(at + 1..body.end) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
