//! Inodes of every version.

use crate::meta::{Cursor, Fault, Read};
use crate::reader::Reader;
use crate::superblock::NONE;

/// What an inode says.
#[derive(Clone, Debug)]
pub(crate) struct Inode {
    pub(crate) mode: u32,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) mtime: Option<u32>,
    pub(crate) number: u32,
    pub(crate) links: u32,
    pub(crate) xattr: Option<u32>,
    /// A number stands behind a link's target.
    long: bool,
    pub(crate) body: Body,
}

/// What belongs to a kind of inode.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Directory(Directory),
    File(File),
    /// Where the target stands, and its length.
    Symlink(Cursor, usize),
    Special,
}

/// Where the list of a directory stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Directory {
    pub(crate) list: Cursor,
    pub(crate) len: u64,
    /// Entries of the index behind the inode.
    index: u32,
}

/// Where the content of a file stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File {
    /// First block, from the superblock on.
    pub(crate) start: u64,
    pub(crate) size: u64,
    /// Number of the fragment and offset in it.
    pub(crate) fragment: Option<(u32, u32)>,
    /// Where the lengths of the blocks stand.
    pub(crate) lengths: Cursor,
    pub(crate) blocks: u64,
}

const NO_FRAGMENT: u32 = u32::MAX;

impl Reader<'_, '_> {
    /// The inode of a reference: block in the upper bits, offset in the lower 16.
    pub(crate) fn inode(&mut self, reference: u64) -> Read<Inode> {
        let block = self.sup.inode_table.saturating_add(reference >> 16);
        let at = (reference & 0xffff) as usize;
        self.inode_at(&mut Cursor { block, at })
    }

    /// The inode at a cursor, which is moved behind its fixed part.
    pub(crate) fn inode_at(&mut self, cursor: &mut Cursor) -> Read<Inode> {
        match self.sup.version {
            4 => self.inode_four(cursor),
            3 => self.inode_three(cursor),
            2 => self.inode_two(cursor),
            _ => self.inode_one(cursor),
        }
    }

    /// Moves a cursor from behind the fixed part of an inode to the next inode.
    pub(crate) fn behind(&mut self, inode: &Inode, cursor: &mut Cursor) -> Read<()> {
        match &inode.body {
            Body::File(f) => {
                let width = if self.sup.version == 1 { 2 } else { 4 };
                self.skip_list(cursor, f.blocks.saturating_mul(width))
            }
            Body::Symlink(_, len) => {
                let more = if inode.long { 4 } else { 0 };
                self.skip_list(cursor, *len as u64 + more)
            }
            Body::Directory(d) => {
                for _ in 0..d.index {
                    let (head, at) = match self.sup.version {
                        4 => (12, 8),
                        3 => (9, 8),
                        _ => (8, 7),
                    };
                    let entry = self.take(cursor, head)?;
                    let len = match self.sup.version {
                        4 => u64::from(self.sup.order.u32(&entry, at)),
                        _ => u64::from(entry.get(at).copied().unwrap_or(0)),
                    };
                    self.skip_list(cursor, len + 1)?;
                }
                Ok(())
            }
            Body::Special => Ok(()),
        }
    }

    fn skip_list(&mut self, cursor: &mut Cursor, n: u64) -> Read<()> {
        // The list of a file of 64 GiB in blocks of 4 KiB.
        if n > 1 << 26 {
            return Err(Fault::Broken(self.base + cursor.block));
        }
        self.skip(cursor, n)
    }

    fn broken<T>(&self, cursor: &Cursor) -> Read<T> {
        Err(Fault::Broken(self.base.saturating_add(cursor.block)))
    }

    fn inode_four(&mut self, c: &mut Cursor) -> Read<Inode> {
        let o = self.sup.order;
        let base = self.take(c, 16)?;
        let kind = o.u16(&base, 0);
        let rest = match kind {
            1 => 16,
            8 => 24,
            2 => 16,
            9 => 40,
            3 | 10 => 8,
            4 | 5 => 8,
            11 | 12 => 12,
            6 | 7 => 4,
            13 | 14 => 8,
            _ => return self.broken(c),
        };
        let b = self.take(c, rest)?;
        let some = |x: u32| (x != u32::MAX).then_some(x);
        let mut xattr = None;
        let mut links = o.u32(&b, 0);
        let body = match kind {
            1 => {
                links = o.u32(&b, 4);
                self.directory(o.u32(&b, 0), o.u16(&b, 10), u64::from(o.u16(&b, 8)), 0)
            }
            8 => {
                xattr = some(o.u32(&b, 20));
                self.directory(o.u32(&b, 8), o.u16(&b, 18), u64::from(o.u32(&b, 4)), u32::from(o.u16(&b, 16)))
            }
            2 => {
                links = 1;
                let fragment = (o.u32(&b, 4), o.u32(&b, 8));
                self.file_body(u64::from(o.u32(&b, 0)), u64::from(o.u32(&b, 12)), fragment, *c)
            }
            9 => {
                links = o.u32(&b, 24);
                xattr = some(o.u32(&b, 36));
                self.file_body(o.u64(&b, 0), o.u64(&b, 8), (o.u32(&b, 28), o.u32(&b, 32)), *c)
            }
            3 | 10 => {
                let len = o.u32(&b, 4) as usize;
                if len > 0xffff {
                    return self.broken(c);
                }
                if kind == 10 {
                    let mut behind = *c;
                    self.skip(&mut behind, len as u64)?;
                    xattr = some(o.u32(&self.take(&mut behind, 4)?, 0));
                }
                Body::Symlink(*c, len)
            }
            11 | 12 => {
                xattr = some(o.u32(&b, 8));
                Body::Special
            }
            13 | 14 => {
                xattr = some(o.u32(&b, 4));
                Body::Special
            }
            _ => Body::Special,
        };
        let (uid, gid) = (u64::from(o.u16(&base, 4)), u64::from(o.u16(&base, 6)));
        Ok(Inode {
            mode: u32::from(o.u16(&base, 2)) & 0o7777,
            uid: self.id(uid)?,
            gid: self.id(gid)?,
            mtime: Some(o.u32(&base, 8)),
            number: o.u32(&base, 12),
            links,
            xattr,
            long: kind == 10,
            body,
        })
    }

    fn directory(&self, block: u32, at: u16, size: u64, index: u32) -> Body {
        // Versions 3 and 4 count three bytes for `.` and `..`.
        let len = if self.sup.version >= 3 { size.saturating_sub(3) } else { size };
        let block = self.sup.directory_table.saturating_add(u64::from(block));
        Body::Directory(Directory { list: Cursor { block, at: usize::from(at) }, len, index })
    }

    fn file_body(&self, start: u64, size: u64, fragment: (u32, u32), lengths: Cursor) -> Body {
        let fragment = (fragment.0 != NO_FRAGMENT).then_some(fragment);
        let blocks = if fragment.is_some() { size / self.sup.block_size } else { size.div_ceil(self.sup.block_size) };
        Body::File(File { start, size, fragment, lengths, blocks })
    }

    fn inode_three(&mut self, c: &mut Cursor) -> Read<Inode> {
        let o = self.sup.order;
        let base = self.take(c, 12)?;
        let [kind, mode, uid, gid, mtime, number] = o.fields(&base, [4, 12, 8, 8, 32, 32]);
        let mut links = 1;
        let body = match kind {
            1 => {
                let b = self.take(c, 16)?;
                let [n, size, at, block, _] = o.fields(&b, [32, 19, 13, 32, 32]);
                links = n as u32;
                self.directory(block as u32, at as u16, size, 0)
            }
            8 => {
                let b = self.take(c, 19)?;
                let [n, size, at, block, index, _] = o.fields(&b, [32, 27, 13, 32, 16, 32]);
                links = n as u32;
                self.directory(block as u32, at as u16, size, index as u32)
            }
            2 => {
                let b = self.take(c, 20)?;
                let [start, fragment, at, size] = o.fields(&b, [64, 32, 32, 32]);
                self.file_body(start, size, (fragment as u32, at as u32), *c)
            }
            9 => {
                let b = self.take(c, 28)?;
                let [n, start, fragment, at, size] = o.fields(&b, [32, 64, 32, 32, 64]);
                links = n as u32;
                self.file_body(start, size, (fragment as u32, at as u32), *c)
            }
            3 => {
                let b = self.take(c, 6)?;
                let [n, len] = o.fields(&b, [32, 16]);
                links = n as u32;
                Body::Symlink(*c, len as usize)
            }
            4 | 5 => {
                self.take(c, 6)?;
                Body::Special
            }
            6 | 7 => {
                self.take(c, 4)?;
                Body::Special
            }
            _ => return self.broken(c),
        };
        let (uid, gid) = self.owners(uid, gid, 255)?;
        let (mtime, number) = (Some(mtime as u32), number as u32);
        Ok(Inode { mode: mode as u32, uid, gid, mtime, number, links, xattr: None, long: false, body })
    }

    fn inode_two(&mut self, c: &mut Cursor) -> Read<Inode> {
        let o = self.sup.order;
        let base = self.take(c, 4)?;
        let [kind, mode, uid, gid] = o.fields(&base, [4, 12, 8, 8]);
        let mut mtime = None;
        let body = match kind {
            1 => {
                let b = self.take(c, 11)?;
                let [size, at, time, block] = o.fields(&b, [19, 13, 32, 24]);
                mtime = Some(time as u32);
                self.directory(block as u32, at as u16, size, 0)
            }
            8 => {
                let b = self.take(c, 14)?;
                let [size, at, time, block, index] = o.fields(&b, [27, 13, 32, 24, 16]);
                mtime = Some(time as u32);
                self.directory(block as u32, at as u16, size, index as u32)
            }
            2 => {
                let b = self.take(c, 20)?;
                let [time, start, fragment, at, size] = o.fields(&b, [32, 32, 32, 32, 32]);
                mtime = Some(time as u32);
                self.file_body(start, size, (fragment as u32, at as u32), *c)
            }
            3 => {
                let b = self.take(c, 2)?;
                Body::Symlink(*c, usize::from(o.u16(&b, 0)))
            }
            4 | 5 => {
                self.take(c, 2)?;
                Body::Special
            }
            6 | 7 => Body::Special,
            _ => return self.broken(c),
        };
        let (uid, gid) = self.owners(uid, gid, 255)?;
        Ok(Inode { mode: mode as u32, uid, gid, mtime, number: 0, links: 1, xattr: None, long: false, body })
    }

    fn inode_one(&mut self, c: &mut Cursor) -> Read<Inode> {
        let o = self.sup.order;
        let base = self.take(c, 3)?;
        let [kind, mode, uid, gid] = o.fields(&base, [4, 12, 4, 4]);
        let mut mtime = None;
        // The number of the kind says as well which sixteen of the owners are meant.
        let (group, kind) = if kind == 0 { (0, 0) } else { ((kind - 1) / 5, (kind - 1) % 5 + 1) };
        let mut owner = group * 16 + uid;
        let body = match kind {
            1 => {
                let b = self.take(c, 11)?;
                let [size, at, time, block] = o.fields(&b, [19, 13, 32, 24]);
                mtime = Some(time as u32);
                self.directory(block as u32, at as u16, size, 0)
            }
            2 => {
                let b = self.take(c, 12)?;
                let [time, start, size] = o.fields(&b, [32, 32, 32]);
                mtime = Some(time as u32);
                self.file_body(start, size, (NO_FRAGMENT, 0), *c)
            }
            3 => {
                let b = self.take(c, 2)?;
                Body::Symlink(*c, usize::from(o.u16(&b, 0)))
            }
            4 | 5 => {
                self.take(c, 2)?;
                Body::Special
            }
            _ => {
                let b = self.take(c, 1)?;
                let [_, offset] = o.fields(&b, [4, 4]);
                owner = offset * 16 + uid;
                Body::Special
            }
        };
        let (uid, gid) = self.owners(owner, gid, 15)?;
        Ok(Inode { mode: mode as u32, uid, gid, mtime, number: 0, links: 1, xattr: None, long: false, body })
    }

    /// The owner of an index of version 4.
    fn id(&mut self, index: u64) -> Read<Option<u32>> {
        if self.sup.id_table == NONE || index >= u64::from(self.sup.ids) {
            return Ok(None);
        }
        match self.entry(self.sup.id_table, index, 4) {
            Ok(bytes) => Ok(Some(self.sup.order.u32(&bytes, 0))),
            Err(Fault::Broken(at)) => {
                self.damage(at)?;
                Ok(None)
            }
            Err(fatal) => Err(fatal),
        }
    }

    /// The owners of indexes of the older versions, whose tables are plain; `same` stands for the group of the same number.
    fn owners(&mut self, uid: u64, gid: u64, same: u64) -> Read<(Option<u32>, Option<u32>)> {
        let uid = self.plain_id(self.sup.id_table, self.sup.ids, uid)?;
        let gid = if gid == same { uid } else { self.plain_id(self.sup.group_table, self.sup.groups, gid)? };
        Ok((uid, gid))
    }

    fn plain_id(&mut self, table: u64, count: u32, index: u64) -> Read<Option<u32>> {
        let place = self.base.saturating_add(table).saturating_add(4 * index);
        if index >= u64::from(count) || place.saturating_add(4) > self.limit {
            return Ok(None);
        }
        let order = self.sup.order;
        Ok(self.to.window.array::<4>(place)?.map(|b| order.u32(&b, 0)))
    }
}
