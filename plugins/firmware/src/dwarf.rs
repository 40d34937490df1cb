//! The names of folders and source files in DWARF's line tables (versions 2 to 5).
//!
//! Source: DWARF 4, section 6.2; DWARF 5, section 6.2.4.

use yumen_kit_container::window::num::{be16, be32, be64, le16, le32, le64};

/// Names that one table may hold.
const MAX_NAMES: usize = 1 << 18;

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    big: bool,
}

impl<'a> Cursor<'a> {
    fn skip(&mut self, n: usize) -> Option<()> {
        self.at = self.at.checked_add(n).filter(|&a| a <= self.bytes.len())?;
        Some(())
    }
    fn u8(&mut self) -> Option<u8> {
        let b = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(b)
    }
    fn u16(&mut self) -> Option<u16> {
        let at = self.at;
        self.skip(2)?;
        Some(if self.big { be16(self.bytes, at) } else { le16(self.bytes, at) })
    }
    fn u32(&mut self) -> Option<u32> {
        let at = self.at;
        self.skip(4)?;
        Some(if self.big { be32(self.bytes, at) } else { le32(self.bytes, at) })
    }
    fn u64(&mut self) -> Option<u64> {
        let at = self.at;
        self.skip(8)?;
        Some(if self.big { be64(self.bytes, at) } else { le64(self.bytes, at) })
    }
    fn leb(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let b = self.u8()?;
            if shift < 64 {
                value |= u64::from(b & 0x7f) << shift;
            }
            if b & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
    fn string(&mut self) -> Option<(usize, &'a [u8])> {
        let at = self.at;
        let rest = self.bytes.get(at..)?;
        let n = memchr::memchr(0, rest)?;
        self.at += n + 1;
        Some((at, &rest[..n]))
    }
}

/// Every name in the tables of a section, with its offset. What is broken ends its table; the next one is read by its length.
pub(crate) fn paths(bytes: &[u8], big: bool) -> Vec<(usize, Vec<u8>)> {
    let mut out = Vec::new();
    let mut at = 0;
    while at + 6 < bytes.len() && out.len() < MAX_NAMES {
        let mut c = Cursor { bytes, at, big };
        let Some((end, wide)) = unit(&mut c) else { break };
        let mut inner = Cursor { bytes: &bytes[..end.min(bytes.len())], at: c.at, big };
        let _ = names(&mut inner, wide, &mut out);
        at = end.max(at + 4);
    }
    out
}

fn unit(c: &mut Cursor<'_>) -> Option<(usize, bool)> {
    let len = c.u32()?;
    let (len, wide) = if len == 0xffff_ffff { (c.u64()?, true) } else { (u64::from(len), false) };
    Some((c.at.saturating_add(usize::try_from(len).unwrap_or(usize::MAX)), wide))
}

fn names(c: &mut Cursor<'_>, wide: bool, out: &mut Vec<(usize, Vec<u8>)>) -> Option<()> {
    let version = c.u16()?;
    if !(2..=5).contains(&version) {
        return None;
    }
    if version == 5 {
        c.skip(2)?;
    }
    c.skip(if wide { 8 } else { 4 })?;
    c.skip(if version >= 4 { 5 } else { 4 })?;
    let opcodes = c.u8()?;
    c.skip(usize::from(opcodes.saturating_sub(1)))?;
    if version == 5 {
        entries(c, wide, out)?;
        return entries(c, wide, out);
    }
    loop {
        let (at, name) = c.string()?;
        if name.is_empty() {
            break;
        }
        push(out, at, name)?;
    }
    loop {
        let (at, name) = c.string()?;
        if name.is_empty() {
            return Some(());
        }
        push(out, at, name)?;
        c.leb()?;
        c.leb()?;
        c.leb()?;
    }
}

fn push(out: &mut Vec<(usize, Vec<u8>)>, at: usize, name: &[u8]) -> Option<()> {
    if out.len() >= MAX_NAMES {
        return None;
    }
    out.push((at, name[..name.len().min(4096)].to_vec()));
    Some(())
}

/// Folders or files of version 5: a list of forms, then that many entries.
fn entries(c: &mut Cursor<'_>, wide: bool, out: &mut Vec<(usize, Vec<u8>)>) -> Option<()> {
    let n = c.u8()?;
    let mut forms = Vec::with_capacity(usize::from(n));
    for _ in 0..n {
        c.leb()?;
        forms.push(c.leb()?);
    }
    let count = c.leb()?;
    for _ in 0..count {
        if forms.is_empty() {
            break;
        }
        for form in &forms {
            match form {
                0x08 => {
                    let (at, name) = c.string()?;
                    if !name.is_empty() {
                        push(out, at, name)?;
                    }
                }
                // Offsets into .debug_str and .debug_line_str, which are read as strings.
                0x0e | 0x1f | 0x17 => c.skip(if wide { 8 } else { 4 })?,
                0x0b => c.skip(1)?,
                0x05 => c.skip(2)?,
                0x06 => c.skip(4)?,
                0x07 => c.skip(8)?,
                0x1e => c.skip(16)?,
                0x0f => {
                    c.leb()?;
                }
                0x09 => {
                    let n = usize::try_from(c.leb()?).ok()?;
                    c.skip(n)?;
                }
                _ => return None,
            }
        }
    }
    Some(())
}
