//! ar: static libraries in the common, GNU and BSD manners, and Debian packages, which are ars.
//!
//! Source: FreeBSD ar(5); deb(5) of dpkg.

mod deb;

use std::ops::Range;

use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use yumen_kit_container::FormatReader;
use yumen_kit_container::window::num::le32;
use yumen_kit_container::window::sweep;
use yumen_kit_container::{Container, Place};

/// Reads ar archives.
pub(crate) struct Ar;

const MAGIC: &[u8; 8] = b"!<arch>\n";
const THIN: &[u8; 8] = b"!<thin>\n";
const HEADER: u64 = 60;
/// Longest table of long names that is read.
const LONGEST_TABLE: u64 = 16 << 20;

const FORMATS: &[Format] = &[
    Format {
        name: "ar",
        title: "ar archive (static library)",
        media_type: "application/x-archive",
        extensions: &["a"],
        magic: "`!<arch>` and a line feed",
        reference: "FreeBSD ar(5)",
        evidence: "its members as children",
        limitations: &["the members of a thin archive are not in it"],
    },
    Format {
        name: "deb",
        title: "Debian package",
        media_type: "application/vnd.debian.binary-package",
        extensions: &["deb", "udeb", "ipk"],
        magic: "an ar whose first member is debian-binary",
        reference: "deb(5)",
        evidence: "its members as children: control.tar.*, data.tar.*",
        limitations: &[],
    },
];

impl FormatReader for Ar {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let first = probe.head.strip_prefix(MAGIC).or_else(|| probe.head.strip_prefix(THIN))?;
        Some(if first.starts_with(b"debian-binary") {
            Identity::new("deb", Certainty::Specific)
        } else {
            Identity::new("ar", Certainty::Signature)
        })
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let package = (artifact.format == "deb").then(deb::Package::default);
        let mut reader = Reader { to: Container::new(artifact, out), names: Vec::new(), package };
        let result = reader.run();
        if let Some(package) = &reader.package {
            reader.to.inventory(package.item());
        }
        reader.to.finish(result)
    }
}

struct Reader<'a> {
    to: Container<'a>,
    /// The table of long names of GNU archives.
    names: Vec<u8>,
    /// What is known of the package, of Debian packages.
    package: Option<deb::Package>,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), InspectError> {
        let len = self.to.len();
        let thin = self.to.window.get(0, 8)? == THIN;
        self.to.container(0..8)?;
        let mut at = 8;
        while at < len {
            let bytes = self.to.window.get(at, HEADER as usize)?;
            let Some(header) = Header::of(bytes) else {
                if first_is(bytes, b'\n') && len - at == 1 {
                    return self.to.container(at..len);
                }
                if len - at < HEADER && !bytes.iter().all(|&b| b == 0) {
                    self.to.tell_at("truncated", at);
                } else if !bytes.iter().all(|&b| b == 0) {
                    self.to.tell_at("corrupt", at);
                }
                return self.to.residue(at..len, Place::After);
            };
            self.to.container(at..at + HEADER)?;
            let start = at + HEADER;
            // A thin archive holds its tables only.
            let size = if thin && !header.is_table() { 0 } else { header.size };
            let end = start.saturating_add(size);
            if end > len {
                self.to.tell_at("truncated", len);
            }
            self.member(&header, start..end.min(len), end > len)?;
            if end >= len {
                break;
            }
            at = end;
            if at % 2 == 1 {
                // One byte makes the next header begin at an even offset.
                if first_is(self.to.window.get(at, 1)?, b'\n') {
                    self.to.container(at..at + 1)?;
                } else if Header::of(self.to.window.get(at, HEADER as usize)?).is_some() {
                    continue;
                } else {
                    self.to.padding(at..at + 1)?;
                }
                at += 1;
            }
        }
        Ok(())
    }

    fn member(&mut self, header: &Header, mut data: Range<u64>, cut: bool) -> Result<(), InspectError> {
        let name = header.name.as_slice();
        let len = data.end - data.start;
        if name == b"//" && len <= LONGEST_TABLE {
            self.names = self.to.blob.bytes(data.clone()).map_err(|e| InspectError::read(data.start, &e))?;
            return self.to.container(data);
        }
        if matches!(name, b"/" | b"/SYM64/")
            && (self.is_symbol_table(data.clone(), name == b"/SYM64/")? || self.is_second_table(data.clone())?)
        {
            return self.to.container(data);
        }
        let name = if let Some(digits) = name.strip_prefix(b"#1/") {
            // BSD: the name stands before the content.
            let long = decimal(digits).unwrap_or(0).min(len);
            let range = data.start..data.start + long;
            let bytes = self.to.window.get(range.start, usize::try_from(long.min(1 << 16)).unwrap_or(0))?;
            let name = bytes.split(|&b| b == 0).next().unwrap_or_default().to_vec();
            self.to.container(range.clone())?;
            data.start = range.end;
            name
        } else if let Some(at) = name.strip_prefix(b"/").and_then(decimal).and_then(|n| usize::try_from(n).ok()) {
            let rest = self.names.get(at..).unwrap_or_default();
            let line = rest.split(|&b| b == b'\n' || b == 0).next().unwrap_or_default();
            line.strip_suffix(b"/").unwrap_or(line).to_vec()
        } else {
            match name {
                [rest @ .., b'/'] if !rest.is_empty() => rest.to_vec(),
                _ => name.to_vec(),
            }
        };
        if name.starts_with(b"__.SYMDEF") && self.is_ranlib(data.clone())? {
            return self.to.container(data);
        }
        if let Some(package) = &mut self.package {
            package.see(self.to.blob, &name, &data);
        }
        let meta = self.to.child(&name);
        if cut {
            self.to.tell("incomplete-child");
        }
        self.to.hand_over_range(meta, data)
    }

    /// Whether the content is the second table of Windows libraries: offsets of members, then for each symbol a member, then names.
    fn is_second_table(&mut self, data: Range<u64>) -> Result<bool, InspectError> {
        let members = u64::from(le32(self.to.window.get(data.start, 4)?, 0));
        let at = data.start.saturating_add(4 + 4 * members);
        if at.saturating_add(4) > data.end {
            return Ok(false);
        }
        let symbols = u64::from(le32(self.to.window.get(at, 4)?, 0));
        let names = at + 4 + 2 * symbols;
        Ok(names <= data.end && self.is_names(names..data.end)?)
    }

    /// Whether the content is a BSD symbol table: length and pairs of numbers, then length and names.
    fn is_ranlib(&mut self, data: Range<u64>) -> Result<bool, InspectError> {
        let pairs = u64::from(le32(self.to.window.get(data.start, 4)?, 0));
        let at = data.start.saturating_add(4 + pairs);
        if pairs % 8 != 0 || at.saturating_add(4) > data.end {
            return Ok(false);
        }
        let names = u64::from(le32(self.to.window.get(at, 4)?, 0));
        Ok(at + 4 + names <= data.end && data.end - (at + 4 + names) < 8 && self.is_names(at + 4..data.end)?)
    }

    /// Whether there is nothing but printable text, NULs and line feeds.
    fn is_names(&self, range: Range<u64>) -> Result<bool, InspectError> {
        let odd = sweep(self.to.blob, range, 0, |_, bytes| {
            bytes.iter().any(|&b| b < 0x20 && b != 0 && b != b'\n').then_some(())
        })?;
        Ok(odd.is_none())
    }

    /// Whether the content is a GNU symbol table: a count, as many offsets of members, and as many names.
    fn is_symbol_table(&mut self, data: Range<u64>, wide: bool) -> Result<bool, InspectError> {
        let len = data.end - data.start;
        let word = if wide { 8 } else { 4 };
        if len < word {
            return Ok(false);
        }
        let mut count = [0u8; 8];
        let head = self.to.window.get(data.start, usize::try_from(word).unwrap_or(4))?;
        count[8 - head.len()..].copy_from_slice(head);
        let Some(names_at) =
            u64::from_be_bytes(count).checked_mul(word).and_then(|n| n.checked_add(word)).filter(|&n| n <= len)
        else {
            return Ok(false);
        };
        let mut left = u64::from_be_bytes(count);
        // Names of symbols are printable and end with NULs; padding may follow.
        let odd = sweep(self.to.blob, data.start + names_at..data.end, 0, |_, bytes| {
            bytes.iter().find_map(|&b| {
                left = left.saturating_sub(u64::from(b == 0));
                (b != 0 && (b < 0x20 || left == 0) && b != b'\n').then_some(())
            })
        })?;
        Ok(odd.is_none())
    }
}

fn first_is(bytes: &[u8], wanted: u8) -> bool {
    bytes.first() == Some(&wanted)
}

struct Header {
    name: Vec<u8>,
    size: u64,
}

impl Header {
    fn of(bytes: &[u8]) -> Option<Header> {
        let bytes: &[u8; HEADER as usize] = bytes.try_into().ok()?;
        if bytes[58..] != *b"`\n" {
            return None;
        }
        let name = bytes[..16].trim_ascii_end().to_vec();
        Some(Header { name, size: decimal(bytes[48..58].trim_ascii_end())? })
    }

    /// Whether it is a symbol table or the table of long names.
    fn is_table(&self) -> bool {
        matches!(self.name.as_slice(), b"/" | b"//" | b"/SYM64/")
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let digits = digits.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
