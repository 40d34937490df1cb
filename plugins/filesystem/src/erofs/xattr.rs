//! Extended attributes: inline, shared, with long prefixes.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Map, Value};
use yumen_kit_container::window::num::{le16, le32};
use yumen_model::ChildMeta;

use super::inode::Inode;
use super::read::{Fault, Read, Reader};
use crate::entry::small_child;

/// Attributes that are told apart: each is shown once.
const MOST_SHOWN: usize = 1 << 16;
/// Longer values are not repeated at the file.
const SHORT: usize = 256;

impl Reader<'_, '_> {
    /// Reads the table of long prefixes.
    pub(super) fn long_prefixes(&mut self) -> Read<()> {
        if !self.sup.has_prefixes() {
            return Ok(());
        }
        let mut packed = if self.sup.prefixes_are_packed() { self.packed.take() } else { None };
        let mut at = self.sup.prefix_start;
        let mut found = Vec::new();
        let mut result = Ok(());
        for _ in 0..self.sup.prefixes {
            let mut piece = |r: &mut Self, at: u64, n: usize| match &mut packed {
                Some(content) => {
                    let mut out = Vec::new();
                    content.read(r, at, n, &mut out)?;
                    r.shared.add(at..at + n as u64);
                    Ok(out)
                }
                None => {
                    let out = r.get(at, n)?;
                    r.use_range(at..at + n as u64)?;
                    Ok(out)
                }
            };
            let item = piece(self, at, 2).and_then(|b| {
                let n = usize::from(le16(&b, 0));
                Ok((piece(self, at + 2, n)?, n as u64))
            });
            match item {
                Ok((item, n)) => {
                    let (base, infix) = item.split_first().map_or((0, &[][..]), |(b, rest)| (*b, rest));
                    found.push([prefix(base).unwrap_or(b""), infix].concat());
                    at = (at + 2 + n).next_multiple_of(4);
                }
                Err(fault) => {
                    result = Err(fault);
                    break;
                }
            }
        }
        if packed.is_some() {
            self.packed = packed;
        }
        self.prefixes = found;
        result
    }

    /// Shows the attributes of an inode to the detectors; returns the short ones.
    pub(super) fn show_xattrs(&mut self, inode: &Inode) -> Read<Map<String, Value>> {
        let mut told = Map::new();
        if inode.end == inode.xattrs {
            return Ok(told);
        }
        let b = self.get(inode.xattrs, 12)?;
        let ids = inode.xattrs + 12;
        let shared = u64::from(b[4]);
        for i in 0..shared {
            if ids + i * 4 + 4 > inode.end {
                return Err(Fault::Broken(inode.xattrs));
            }
            let id = u64::from(le32(&self.get(ids + i * 4, 4)?, 0));
            self.xattr(self.sup.xattrs + id * 4, &mut told)?;
        }
        let mut at = ids + shared * 4;
        while at + 4 <= inode.end {
            // Room that was kept and not used is zero.
            if self.get(at, 4)? == [0; 4] {
                break;
            }
            at = self.xattr(at, &mut told)?.next_multiple_of(4);
        }
        Ok(told)
    }

    /// The attribute at an offset; returns where it ends.
    fn xattr(&mut self, at: u64, told: &mut Map<String, Value>) -> Read<u64> {
        let b = self.get(at, 4)?;
        let (name_len, index, size) = (u64::from(b[0]), b[1], u64::from(le16(&b, 2)));
        let end = at + 4 + name_len + size;
        let bytes = self.get(at + 4, (name_len + size) as usize)?;
        self.use_range(at..end.next_multiple_of(4))?;
        let (name, value) = bytes.split_at(name_len as usize);
        let base = if index & 0x80 != 0 {
            self.prefixes.get(usize::from(index & 0x7f)).map_or(&b""[..], Vec::as_slice)
        } else {
            prefix(index).ok_or(Fault::Broken(at))?
        };
        let name = [base, name].concat();
        let mut hasher = DefaultHasher::new();
        (&name, value).hash(&mut hasher);
        let fresh = self.shown.len() >= MOST_SHOWN || self.shown.insert(hasher.finish());
        let text = String::from_utf8_lossy(&name).into_owned();
        let line = [&name[..], b"=", value].concat();
        let is_text = if fresh {
            self.to.decoded_text(at, &line)?
        } else {
            std::str::from_utf8(value).is_ok_and(|v| !v.trim_end_matches('\0').chars().any(char::is_control))
        };
        // Access lists, capabilities, signatures of files: binary by their nature.
        let known =
            [&b"security.capability"[..], b"security.ima", b"security.evm", b"system.posix_acl", b"trusted.overlay."];
        if fresh && !is_text && (value.len() > SHORT || !known.iter().any(|k| name.starts_with(k))) {
            small_child(self.to, ChildMeta::named(&[b"[xattr]/", &name[..]].concat()), value)?;
        }
        if is_text && value.len() <= SHORT {
            told.insert(text, Value::String(String::from_utf8_lossy(value).trim_end_matches('\0').to_owned()));
        } else {
            told.insert(text, Value::String(value.iter().take(SHORT).map(|b| format!("{b:02x}")).collect()));
        }
        Ok(end)
    }
}

fn prefix(index: u8) -> Option<&'static [u8]> {
    Some(match index {
        0 => b"",
        1 => b"user.",
        2 => b"system.posix_acl_access",
        3 => b"system.posix_acl_default",
        4 => b"trusted.",
        5 => b"lustre.",
        6 => b"security.",
        _ => return None,
    })
}
