//! What a Debian package tells of itself: the member `control.tar` is read ahead, within limits; it is a child all the same.
//!
//! Source: deb(5), deb-control(5).

use std::io::{BufReader, Read};
use std::ops::Range;

use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use yumen_model::kind::kinds;
use yumen_model::{Blob, InventoryItem};

/// Longest control archive, packed, and how much of it unpacked is looked at, in bytes.
const LONGEST: u64 = 4 << 20;
const MOST: u64 = 2 << 20;
const BLOCK: usize = 512;

/// What is known of a package.
#[derive(Default)]
pub(super) struct Package {
    signed: bool,
    scripts: Vec<String>,
    fields: Vec<(String, String)>,
}

impl Package {
    /// Takes note of a member.
    pub(super) fn see(&mut self, blob: &Blob, name: &[u8], data: &Range<u64>) {
        // debsigs and dpkg-sig.
        self.signed |= name.starts_with(b"_gpg");
        if !name.starts_with(b"control.tar") || !self.fields.is_empty() || data.end - data.start > LONGEST {
            return;
        }
        let mut unpacked = Vec::new();
        let packed = BufReader::new(blob.range(data.clone()).reader());
        let mut magic = [0; 6];
        if blob.read_at(data.start, &mut magic).is_err() {
            return;
        }
        // What can't be unpacked to its end is told as far as it goes; the child's reader says what is wrong with it.
        let _ = match magic {
            [0x1f, 0x8b, ..] => MultiGzDecoder::new(packed).take(MOST).read_to_end(&mut unpacked),
            [0xfd, b'7', b'z', b'X', b'Z', 0] => XzReader::new(packed, true).take(MOST).read_to_end(&mut unpacked),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => match zstd::Decoder::new(packed) {
                Ok(decoder) => decoder.take(MOST).read_to_end(&mut unpacked),
                Err(_) => Ok(0),
            },
            _ => packed.take(MOST).read_to_end(&mut unpacked),
        };
        self.members(&unpacked);
    }

    fn members(&mut self, tar: &[u8]) {
        let mut at = 0;
        while let Some(header) = tar.get(at..at + BLOCK) {
            let name = header.get(..100).unwrap_or_default();
            let name = name.split(|&b| b == 0).next().unwrap_or_default();
            let name = name.strip_prefix(b"./").unwrap_or(name);
            let digits = header.get(124..136).unwrap_or_default();
            let size = digits.iter().filter(|b| b.is_ascii_digit()).fold(0usize, |n, b| (n << 3) | usize::from(b & 7));
            let start = at + BLOCK;
            let Some(end) = start.checked_add(size) else { return };
            match name {
                b"control" => self.control(&String::from_utf8_lossy(tar.get(start..end).unwrap_or_default())),
                b"preinst" | b"postinst" | b"prerm" | b"postrm" | b"config" => {
                    self.scripts.push(String::from_utf8_lossy(name).into_owned());
                }
                _ => {}
            }
            at = end.next_multiple_of(BLOCK);
        }
    }

    fn control(&mut self, text: &str) {
        let lines = text.lines().take_while(|line| !line.trim().is_empty());
        let fields = lines.filter(|line| !line.starts_with([' ', '\t'])).filter_map(|line| line.split_once(':'));
        self.fields = fields.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    }

    /// The package.
    pub(super) fn item(&self) -> InventoryItem {
        let field = |name: &str| self.fields.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.as_str());
        InventoryItem::new(kinds::SOFTWARE_PACKAGE)
            .with("package", field("package"))
            .with("version", field("version"))
            .with("target", field("architecture"))
            .with("scripts", self.scripts.clone())
            .with("signed", self.signed)
    }
}

#[cfg(test)]
mod tests;
