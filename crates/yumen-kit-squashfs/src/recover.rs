//! What can be had from blocks that no inode is known of: images are cut short at the end, where their tables stand.

use std::ops::Range;

use memchr::memmem;
use yumen_model::{ChildMeta, InspectError, Message};

use crate::block::{xz, zstd_frame_len};
use crate::meta::Read;
use crate::reader::Reader;
use crate::superblock::Method;

const XZ: &[u8] = b"\xfd7zXZ\0";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

impl Reader<'_, '_> {
    /// Hands over what the blocks in these stretches decode to, with what lies between them as it is: one child, `[recovered]`. Only streams that tell
    /// where they end can be followed.
    pub(crate) fn recover(&mut self, stretches: &[Range<u64>]) -> Read<()> {
        if stretches.is_empty() || !matches!(self.sup.method, Method::Gzip | Method::Xz | Method::Zstd) {
            return Ok(());
        }
        let mut meta = ChildMeta { free_space: true, ..ChildMeta::named(b"[recovered]") };
        meta.encoded = Some(stretches.iter().map(|r| r.end - r.start).sum());
        if self.give(Message::ChildStart { meta })?.is_some() {
            return Ok(());
        }
        for stretch in stretches {
            let mut at = stretch.start;
            while at < stretch.end {
                let end = stretch.end.min(at + 2 * self.sup.block_size);
                let bytes = self.to.blob.bytes(at..end).map_err(|e| InspectError::read(at, &e))?;
                let mut out = std::mem::take(&mut self.scratch);
                let (skipped, taken) = self.first_block(&bytes, &mut out);
                let mut stopped = skipped > 0 && self.give(Message::ChildBytes((&bytes[..skipped]).into()))?.is_some();
                stopped = stopped || self.give(Message::ChildBytes(out.as_slice().into()))?.is_some();
                self.scratch = out;
                if stopped {
                    return Ok(());
                }
                at += (skipped + taken).max(1) as u64;
            }
        }
        self.give(Message::ChildEnd { complete: false })?;
        Ok(())
    }

    /// The first block in these bytes, decoded: how many bytes stand before it, and its length.
    fn first_block(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> (usize, usize) {
        let most = self.sup.block_size as usize;
        let magic = match self.sup.method {
            Method::Xz => XZ,
            Method::Zstd => ZSTD,
            _ => b"\x78",
        };
        for from in memmem::find_iter(bytes, magic) {
            let rest = &bytes[from..];
            let len = match self.sup.method {
                Method::Xz => {
                    let next = memmem::find(&rest[1..], XZ).map_or(rest.len(), |n| n + 1);
                    xz(&rest[..next], most, out).ok().map(|()| next)
                }
                Method::Zstd => zstd_frame_len(rest)
                    .filter(|&n| self.decoder.decode(Method::Zstd, &rest[..n], most, None, out).is_ok()),
                _ => self.decoder.zlib_prefix(rest, most, out),
            };
            if let Some(len) = len.filter(|&n| n > 0) {
                return (from, len);
            }
        }
        out.clear();
        (bytes.len(), 0)
    }
}
