//! Extended attributes.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;
use yumen_model::{ChildMeta, Stop};

use crate::inode::Inode;
use crate::meta::{Cursor, Fault, Read};
use crate::reader::Reader;
use crate::superblock::NONE;

/// Sets of attributes that are kept.
const KEPT: usize = 4096;
/// Attributes of one inode, and bytes of them.
const MOST: u32 = 4096;
const MOST_BYTES: usize = 4 << 20;
/// Longer values are not repeated at the file.
const SHORT: usize = 256;

impl Reader<'_, '_> {
    /// Shows the attributes of an inode to the detectors, once for each set; returns the short ones.
    pub(crate) fn note_xattrs(&mut self, inode: &Inode) -> Read<Rc<BTreeMap<String, Value>>> {
        let Some(index) = inode.xattr.filter(|_| self.sup.xattr_table != NONE) else { return Ok(Rc::default()) };
        if let Some(known) = self.xattrs.get(&index) {
            return Ok(Rc::clone(known));
        }
        if self.xattrs.len() >= KEPT {
            self.xattrs.clear();
        }
        let mut told = BTreeMap::new();
        let result = self.xattr_set(index, &mut told);
        let told = Rc::new(told);
        self.xattrs.insert(index, Rc::clone(&told));
        match result {
            Err(Fault::Broken(at)) => self.damage(at)?,
            other => other?,
        }
        Ok(told)
    }

    /// Where names and values begin, and how many sets there are.
    fn xattr_head(&mut self) -> Read<(u64, u32)> {
        let place = self.base.saturating_add(self.sup.xattr_table);
        let order = self.sup.order;
        let head = if place.saturating_add(16) <= self.limit { self.to.window.array::<16>(place)? } else { None };
        let head = head.ok_or(Fault::Broken(place))?;
        Ok((order.u64(&head, 0), order.u32(&head, 8)))
    }

    fn xattr_set(&mut self, index: u32, told: &mut BTreeMap<String, Value>) -> Read<()> {
        let order = self.sup.order;
        let (start, sets) = self.xattr_head()?;
        if index >= sets {
            return Err(Fault::Broken(self.base.saturating_add(self.sup.xattr_table)));
        }
        let entry = self.entry(self.sup.xattr_table.saturating_add(16), u64::from(index), 16)?;
        let place_of =
            |reference: u64| Cursor { block: start.saturating_add(reference >> 16), at: (reference & 0xffff) as usize };
        let mut cursor = place_of(order.u64(&entry, 0));
        let mut bytes = 0usize;
        for _ in 0..order.u32(&entry, 8).min(MOST) {
            let place = self.base.saturating_add(cursor.block);
            let head = self.take(&mut cursor, 4)?;
            let (kind, len) = (order.u16(&head, 0), usize::from(order.u16(&head, 2)));
            let prefix: &[u8] = match kind & 0xff {
                0 => b"user.",
                1 => b"trusted.",
                2 => b"security.",
                _ => return Err(Fault::Broken(place)),
            };
            let name = [prefix, &self.take(&mut cursor, len)?].concat();
            let size = order.u32(&self.take(&mut cursor, 4)?, 0);
            let value = if kind & 0x100 != 0 {
                let far = self.take(&mut cursor, 8)?;
                let mut far = place_of(order.u64(&far, 0));
                let size = order.u32(&self.take(&mut far, 4)?, 0);
                if size > 1 << 16 {
                    return Err(Fault::Broken(place));
                }
                self.take(&mut far, size as usize)?
            } else if size > 1 << 16 {
                return Err(Fault::Broken(place));
            } else {
                self.take(&mut cursor, size as usize)?
            };
            bytes += value.len();
            if bytes > MOST_BYTES {
                return Err(Fault::Broken(place));
            }
            self.xattr(place, &name, &value, told)?;
        }
        Ok(())
    }

    fn xattr(&mut self, place: u64, name: &[u8], value: &[u8], told: &mut BTreeMap<String, Value>) -> Read<()> {
        let line = [name, b"=", value].concat();
        if self.to.decoded_text(place, &line)? {
            if value.len() <= SHORT {
                let text = String::from_utf8_lossy(value).trim_end_matches('\0').to_owned();
                told.insert(String::from_utf8_lossy(name).into_owned(), Value::String(text));
            }
            return Ok(());
        }
        // Capabilities, signatures of files, access lists: binary by their nature.
        let known = [&b"security.capability"[..], b"security.ima", b"security.evm", b"trusted.overlay."];
        if value.len() > SHORT || !known.iter().any(|k| name.starts_with(k)) {
            self.small_child(ChildMeta::named(&[b"[xattr]/", name].concat()), value)?;
        }
        let hex: String = value.iter().take(SHORT).map(|b| format!("{b:02x}")).collect();
        told.insert(String::from_utf8_lossy(name).into_owned(), Value::String(hex));
        Ok(())
    }

    /// A child of a few decoded bytes.
    pub(crate) fn small_child(&mut self, meta: ChildMeta, bytes: &[u8]) -> Read<()> {
        use yumen_model::Message;
        let start = Message::ChildStart { meta };
        for message in [start, Message::ChildBytes(bytes.into()), Message::ChildEnd { complete: true }] {
            match self.to.send(message) {
                Ok(()) => {}
                Err(Stop::Child(reason)) => {
                    let at = self.sup.inode_table;
                    self.opaque(at..at + 1, reason)?;
                    return Ok(());
                }
                Err(stop) => return Err(Fault::Fatal(stop.into())),
            }
        }
        Ok(())
    }

    /// Names and values, and the table of the sets.
    pub(crate) fn xattr_tables(&mut self, starts: &mut Vec<u64>) -> Read<()> {
        let table = self.sup.xattr_table;
        if table == NONE {
            return Ok(());
        }
        let (start, sets) = self.xattr_head()?;
        self.done.add(table..table + 16);
        starts.push(table);
        if start < table {
            starts.push(start);
        }
        let mut blocks = Vec::new();
        self.indexed(table + 16, u64::from(sets) * 16, 8, &mut blocks)?;
        // The list of the sets follows its head.
        let first = blocks.iter().copied().chain([table]).filter(|&at| at > start).min().unwrap_or(table);
        starts.extend(blocks);
        self.chain(start, first)
    }
}
