//! Extended attributes, in the inode's tail or a block of their own.

use std::ops::Range;

use yumen_kit_container::window::num::{le16, le32};
use yumen_model::{ChildMeta, Extent, InspectError, Reason};

use super::Reader;
use super::inode::{EA_INODE, ENCRYPTED, Inode};

const MAGIC: u32 = 0xEA02_0000;
/// Most attributes of one inode or block that are read.
const MAX_ENTRIES: usize = 4096;

/// One attribute.
#[derive(Debug)]
pub(super) struct Attribute {
    index: u8,
    name: Vec<u8>,
    /// Where its entry stands in the bytes given.
    entry: Range<usize>,
    value: Range<usize>,
    /// Inode that holds the value, or 0.
    value_inode: u32,
    size: u64,
}

impl Attribute {
    /// Values that are numbers throughout: capabilities, access lists, hashes and keys' identifiers.
    fn is_binary(&self) -> bool {
        matches!(
            (self.index, self.name.as_slice()),
            (2 | 3 | 9 | 11, _) | (6, b"capability" | b"ima" | b"evm" | b"apparmor_hash")
        )
    }

    fn full_name(&self) -> Vec<u8> {
        let prefix = match self.index {
            1 => "user.",
            2 => "system.posix_acl_access",
            3 => "system.posix_acl_default",
            4 => "trusted.",
            6 => "security.",
            7 => "system.",
            8 => "system.richacl",
            9 => "encryption.",
            10 => "hurd.",
            _ => "",
        };
        [prefix.as_bytes(), &self.name].concat()
    }
}

/// The attributes whose entries begin at `first`; their values count from `base`.
fn parse(bytes: &[u8], first: usize, base: usize) -> (Vec<Attribute>, usize) {
    let mut found = Vec::new();
    let mut at = first;
    while found.len() < MAX_ENTRIES {
        let Some(b) = bytes.get(at..at + 16) else { break };
        if le32(b, 0) == 0 {
            break;
        }
        let name_len = usize::from(b[0]);
        let Some(name) = bytes.get(at + 16..at + 16 + name_len) else { break };
        let (value_inode, size) = (le32(b, 4), le32(b, 8));
        let start = base + usize::from(le16(b, 2));
        let len = if value_inode == 0 { size as usize } else { 0 };
        let value = if start.saturating_add(len) <= bytes.len() { start..start + len } else { 0..0 };
        let end = (at + 16 + name_len).next_multiple_of(4);
        found.push(Attribute {
            index: b[1],
            name: name.to_vec(),
            entry: at..end,
            value,
            value_inode,
            size: u64::from(size),
        });
        at = end;
    }
    (found, at)
}

fn in_inode(inode: &Inode) -> Option<(Vec<Attribute>, usize)> {
    let at = inode.fields_end();
    (at > 128 && at + 8 <= inode.bytes.len() && le32(&inode.bytes, at) == MAGIC)
        .then(|| parse(&inode.bytes, at + 4, at + 4))
}

impl Reader<'_, '_> {
    /// Where in the inode the rest of inline data stands.
    pub(super) fn inline_rest(&self, inode: &Inode) -> Option<Range<usize>> {
        let (found, _) = in_inode(inode)?;
        let data = found.into_iter().find(|a| a.index == 7 && a.name == b"data" && a.value_inode == 0)?;
        (!data.value.is_empty()).then_some(data.value)
    }

    /// Reads the attributes in the inode; adds what is in use to `used`.
    pub(super) fn inode_attributes(&mut self, inode: &Inode, used: &mut Vec<Range<usize>>) -> Result<(), InspectError> {
        if let Some((found, end)) = in_inode(inode) {
            used.push(inode.fields_end()..inode.fields_end() + 4);
            used.push(end..end + 4);
            for attribute in &found {
                used.push(attribute.entry.clone());
                used.push(attribute.value.start..attribute.value.end.next_multiple_of(4));
            }
            self.attributes(inode, inode.at, &found)?;
        }
        if inode.acl == 0 || !self.shared.insert(inode.acl) {
            return Ok(());
        }
        let (block, at) = (self.sb.block, inode.acl.saturating_mul(self.sb.block));
        if inode.acl >= self.sb.blocks || at.saturating_add(block) > self.to.len() {
            self.to.tell_at("bad-entry", inode.at);
            return Ok(());
        }
        let bytes = self.to.blob.bytes(at..at + block).map_err(|e| InspectError::read(at, &e))?;
        if le32(&bytes, 0) != MAGIC {
            self.to.tell_at("bad-entry", at);
            return Ok(());
        }
        let (found, end) = parse(&bytes, 32, 0);
        let mut used: Vec<_> =
            found.iter().flat_map(|a| [a.entry.clone(), a.value.start..a.value.end.next_multiple_of(4)]).collect();
        used.extend([0..32, end..end + 4]);
        used.sort_unstable_by_key(|r| r.start);
        self.claim_parts(at, &bytes, &used)?;
        self.attributes(inode, at, &found)
    }

    fn attributes(&mut self, inode: &Inode, at: u64, found: &[Attribute]) -> Result<(), InspectError> {
        for attribute in found {
            let name = attribute.full_name();
            let entry = at + attribute.entry.start as u64 + 16;
            self.to.comment(entry..entry + attribute.name.len() as u64)?;
            if attribute.value_inode != 0 {
                self.large_value(inode, attribute, &name)?;
                continue;
            }
            let value = at + attribute.value.start as u64..at + attribute.value.end as u64;
            if value.is_empty() || attribute.is_binary() || (attribute.index == 7 && attribute.name == b"data") {
                continue;
            }
            let bytes = self.to.window.get(value.start, (value.end - value.start) as usize)?;
            if std::str::from_utf8(bytes).is_ok() {
                self.to.comment(value)?;
            } else {
                self.to.hand_over_range(attribute_meta(inode, &name), value)?;
            }
        }
        Ok(())
    }

    /// A value that has an inode of its own.
    fn large_value(&mut self, owner: &Inode, attribute: &Attribute, name: &[u8]) -> Result<(), InspectError> {
        let number = attribute.value_inode;
        // Equal values of many files share one.
        if !self.reach(number) {
            return Ok(());
        }
        let Some(inode) = self.inode(number)?.filter(|i| i.is(EA_INODE)) else {
            self.to.tell_at("bad-entry", owner.at);
            return Ok(());
        };
        let map = self.map(&inode)?;
        let (extents, whole) = self.pieces(&map, attribute.size.min(inode.size));
        if !whole {
            self.to.tell("incomplete-child");
        }
        self.to.hand_over(attribute_meta(owner, name), extents)
    }

    /// The target of a symbolic link as text.
    pub(super) fn link_target(&mut self, inode: &Inode, used: &mut Vec<Range<usize>>) -> Result<(), InspectError> {
        let pieces = if let Some(short) = inode.short_target(self.sb.block) {
            let from = (short.start - inode.at) as usize;
            used.push(from..(short.end - inode.at) as usize + 1);
            vec![Extent::of(short)]
        } else if inode.is(super::inode::INLINE) {
            used.push(0x28..0x64);
            let mut pieces = vec![Extent::of(inode.map_at()..inode.map_at() + inode.size.min(60))];
            if let Some(rest) = self.inline_rest(inode) {
                pieces.push(Extent::of(inode.at + rest.start as u64..inode.at + rest.end as u64));
            }
            pieces
        } else {
            used.push(0x28..0x64);
            let map = self.map(inode)?;
            self.pieces(&map, inode.size.min(self.sb.block)).0
        };
        for piece in pieces {
            let Extent::Data { offset, len } = piece else { continue };
            if inode.is(ENCRYPTED) {
                self.to.tell("encrypted");
                self.to.opaque(offset..offset + len, Reason::Encrypted)?;
            } else {
                self.to.comment(offset..offset + len)?;
            }
        }
        Ok(())
    }
}

fn attribute_meta(inode: &Inode, name: &[u8]) -> ChildMeta {
    ChildMeta::named(&[format!("[xattr]/{}/", inode.number).as_bytes(), name].concat())
}
