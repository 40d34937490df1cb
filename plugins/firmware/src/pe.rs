//! PE: programs, libraries, drivers and EFI applications of Windows and UEFI, .NET among them; and the terse form of UEFI (TE).
//!
//! Source: Microsoft, PE Format; UEFI PI specification, volume 1 (TE).

use std::ops::Range;

use yumen_kit_container::window::num::{le16, le32, le64};
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, ChildMeta, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe,
};

use crate::common::{Claims, Evidence, conclude, hex, known, rest};

/// Sections that are read.
const MAX_SECTIONS: usize = 4096;
/// Imported and exported names that are read.
const MAX_NAMES: usize = 1 << 17;
/// Resources that are looked at.
const MAX_RESOURCES: usize = 1 << 14;
/// Shortest run of UTF-16 characters that is text.
const WIDE: usize = 5;

/// Reads PE files.
pub(crate) struct Pe;

const FORMATS: &[Format] = &[Format {
    name: "pe",
    title: "PE program or library",
    media_type: "application/vnd.microsoft.portable-executable",
    extensions: &["exe", "dll", "sys", "efi", "ocx", "mui"],
    magic: "`MZ`, and `PE\\0\\0` where the header says",
    reference: "Microsoft, PE Format",
    evidence: "imported and exported names as records; UTF-16 strings (resources, .NET) and the path of debug information as text; code and data as raw bytes; signatures, resources of known formats and what follows the program as children; EFI programs as inventory",
    limitations: &[
        "code is searched for strings and names, not disassembled",
        "signatures are handed over, not verified",
    ],
}];

impl FormatReader for Pe {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let at = header_at(probe.head)?;
        let mut b = [0; 26];
        let n = probe.blob.read_at(at, &mut b).ok()?;
        (n == 26 && b[..4] == *b"PE\0\0" && matches!(le16(&b, 24), 0x10b | 0x20b | 0x107) && le16(&b, 6) < 4096)
            .then(|| Identity::new("pe", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader = Reader {
            to: Container::new(artifact, out),
            evidence: Evidence::new(artifact),
            sections: Vec::new(),
            claims: Claims::default(),
            resources: 0,
        };
        let result = reader.run();
        conclude(reader.to, reader.evidence, result)
    }
}

fn header_at(head: &[u8]) -> Option<u64> {
    if head.len() < 64 || !head.starts_with(b"MZ") {
        return None;
    }
    let at = u64::from(le32(head, 0x3c));
    (4..16 << 20).contains(&at).then_some(at)
}

struct Section {
    address: u64,
    size: u64,
    file: Range<u64>,
}

struct Reader<'a> {
    to: Container<'a>,
    evidence: Evidence<'a>,
    sections: Vec<Section>,
    claims: Claims,
    resources: usize,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), InspectError> {
        let len = self.to.len();
        let head = self.to.window.get(0, 64)?.to_vec();
        let Some(at) = header_at(&head) else { return Err(InspectError::corrupt(0, "the header is cut short")) };
        let b = self.to.window.get(at, 24)?.to_vec();
        let machine = le16(&b, 4);
        let count = usize::from(le16(&b, 6)).min(MAX_SECTIONS);
        let optional_len = usize::from(le16(&b, 20));
        let optional = self.to.window.get(at + 24, optional_len)?.to_vec();
        let wide = le16(&optional, 0) == 0x20b;
        let directories = if wide { 112 } else { 96 };
        let known_directories = le32(&optional, directories - 4).min(16) as usize;
        let directory = |i: usize| {
            let at = directories + 8 * i;
            if i < known_directories && optional.len() >= at + 8 {
                (u64::from(le32(&optional, at)), u64::from(le32(&optional, at + 4)))
            } else {
                (0, 0)
            }
        };
        let table = at + 24 + optional_len as u64;
        let mut end = (table + 40 * count as u64).max(u64::from(le32(&optional, 60))).min(len);
        for i in 0..count as u64 {
            let s = self.to.window.get(table + 40 * i, 40)?.to_vec();
            if s.len() < 40 {
                self.to.tell_at("truncated", len);
                break;
            }
            let file = u64::from(le32(&s, 20))..u64::from(le32(&s, 20)) + u64::from(le32(&s, 16));
            if file.end > len {
                self.to.tell_at("truncated", len);
            }
            if le32(&s, 20) != 0 {
                end = end.max(file.end.min(len));
            }
            let size = u64::from(le32(&s, 8)).max(file.end - file.start);
            self.sections.push(Section { address: u64::from(le32(&s, 12)), size, file });
        }
        // Symbols of COFF stand behind the sections.
        let (symbols, symbol_count) = (u64::from(le32(&b, 12)), u64::from(le32(&b, 16)));
        if symbols >= end && symbols < len && symbol_count > 0 {
            let strings = symbols + symbol_count * 18;
            let n = u64::from(le32(self.to.window.get(strings, 4)?, 0));
            end = (strings + n.max(4)).min(len);
        }
        self.certificates(directory(4), &mut end)?;
        self.imports(directory(1).0, wide)?;
        self.exports(directory(0).0)?;
        self.debug(directory(6))?;
        self.resources(directory(2).0)?;
        self.net(directory(14).0, end)?;
        let subsystem = le16(&optional, 68);
        let code: Vec<Range<u64>> = self.claims.free(0..end);
        for piece in code {
            self.to.raw(piece.clone())?;
            self.wide_strings(piece)?;
        }
        for piece in self.claims.free(end..len) {
            rest(&mut self.to, piece, Place::After)?;
        }
        if matches!(subsystem, 10..=13) {
            let architecture = match machine {
                0x14c => "x86",
                0x8664 => "x86-64",
                0x1c0 | 0x1c2 | 0x1c4 => "arm",
                0xaa64 => "aarch64",
                0x5032 => "riscv32",
                0x5064 => "riscv64",
                0xebc => "efi-byte-code",
                0x6264 => "loongarch64",
                _ => "unknown",
            };
            let item = InventoryItem::new(kinds::FIRMWARE_IMAGE)
                .with("container", "pe")
                .with("types", vec!["efi".to_owned()])
                .with("architecture", vec![architecture.to_owned()])
                .with("entry", hex(u64::from(le32(&optional, 16))))
                .with("signed", directory(4).1 > 0);
            self.to.inventory(item);
        }
        Ok(())
    }

    /// From an address relative to the image to a place in the file.
    fn place(&self, address: u64) -> Option<u64> {
        self.sections
            .iter()
            .find(|s| (s.address..s.address + s.size.max(1)).contains(&address))
            .and_then(|s| s.file.start.checked_add(address - s.address).filter(|&at| at < s.file.end))
            .filter(|&at| at < self.to.len())
    }

    fn name(&mut self, at: u64) -> Result<Vec<u8>, InspectError> {
        let b = self.to.window.get(at, 512)?;
        Ok(b[..memchr::memchr(0, b).unwrap_or(0)].to_vec())
    }

    fn certificates(&mut self, (start, size): (u64, u64), end: &mut u64) -> Result<(), InspectError> {
        let len = self.to.len();
        if start == 0 || size < 8 || start >= len {
            return Ok(());
        }
        let stop = start.saturating_add(size).min(len);
        let mut at = start;
        let mut n = 0;
        while at + 8 <= stop && n < 64 {
            let b = self.to.window.get(at, 8)?;
            let (length, kind) = (u64::from(le32(b, 0)), le16(b, 6));
            if length < 8 || at + length > stop {
                break;
            }
            n += 1;
            self.to.container(at..at + 8)?;
            self.claims.add(at..at + length);
            if kind == 2 {
                // DER tells its own length; what follows is padding.
                self.to.hand_over_range(
                    ChildMeta::named(format!("[signature-{n}].p7s").as_bytes()),
                    at + 8..at + length,
                )?;
            } else {
                self.to.raw(at + 8..at + length)?;
            }
            let next = (at + length).next_multiple_of(8).min(stop);
            self.to.padding(at + length..next)?;
            self.claims.add(at + length..next);
            at = next.max(at + 8);
        }
        if start <= *end {
            *end = (*end).max(at);
        }
        Ok(())
    }

    fn imports(&mut self, address: u64, wide: bool) -> Result<(), InspectError> {
        let Some(mut at) = self.place(address).filter(|_| address != 0) else { return Ok(()) };
        let mut left = MAX_NAMES;
        for _ in 0..4096 {
            let d = self.to.window.get(at, 20)?.to_vec();
            at += 20;
            if d.len() < 20 || le32(&d, 12) == 0 {
                break;
            }
            if let Some(place) = self.place(u64::from(le32(&d, 12))) {
                let name = self.name(place)?;
                self.evidence.symbol(&mut self.to, &name, "library", place)?;
            }
            let thunks = if le32(&d, 0) != 0 { le32(&d, 0) } else { le32(&d, 16) };
            let Some(mut thunk) = self.place(u64::from(thunks)) else { continue };
            while left > 0 {
                left -= 1;
                let size = if wide { 8 } else { 4 };
                let t = self.to.window.get(thunk, size)?;
                let (value, ordinal) = if wide {
                    (le64(t, 0), le64(t, 0) >> 63)
                } else {
                    (u64::from(le32(t, 0)), u64::from(le32(t, 0) >> 31))
                };
                thunk += size as u64;
                if value == 0 {
                    break;
                }
                if ordinal == 0
                    && let Some(place) = self.place(value & 0x7fff_ffff)
                {
                    let name = self.name(place + 2)?;
                    self.evidence.symbol(&mut self.to, &name, "function", place + 2)?;
                }
            }
        }
        Ok(())
    }

    fn exports(&mut self, address: u64) -> Result<(), InspectError> {
        let Some(at) = self.place(address).filter(|_| address != 0) else { return Ok(()) };
        let d = self.to.window.get(at, 40)?.to_vec();
        let count = (le32(&d, 24) as usize).min(MAX_NAMES);
        let Some(names) = self.place(u64::from(le32(&d, 32))) else { return Ok(()) };
        for i in 0..count as u64 {
            let entry = le32(self.to.window.get(names + 4 * i, 4)?, 0);
            let Some(place) = self.place(u64::from(entry)) else { break };
            let name = self.name(place)?;
            self.evidence.symbol(&mut self.to, &name, "function", place)?;
        }
        Ok(())
    }

    /// The path of the debug information: `RSDS`, a GUID, an age, the path.
    fn debug(&mut self, (address, size): (u64, u64)) -> Result<(), InspectError> {
        let Some(at) = self.place(address).filter(|_| address != 0) else { return Ok(()) };
        for i in 0..(size / 28).min(64) {
            let d = self.to.window.get(at + 28 * i, 28)?.to_vec();
            if le32(&d, 12) != 2 {
                continue;
            }
            let place = u64::from(le32(&d, 24));
            let b = self.to.window.get(place, 1024)?.to_vec();
            let skip = if b.starts_with(b"RSDS") {
                24
            } else if b.starts_with(b"NB10") {
                16
            } else {
                continue;
            };
            if let Some(path) = b.get(skip..) {
                self.evidence.bytes(&mut self.to, path, place + skip as u64)?;
            }
        }
        Ok(())
    }

    /// Resources that are files of a known format.
    fn resources(&mut self, address: u64) -> Result<(), InspectError> {
        let Some(base) = self.place(address).filter(|_| address != 0) else { return Ok(()) };
        self.directory(base, base, 0)
    }

    fn directory(&mut self, base: u64, at: u64, depth: usize) -> Result<(), InspectError> {
        let d = self.to.window.get(at, 16)?.to_vec();
        if d.len() < 16 || depth > 4 {
            return Ok(());
        }
        let count = u64::from(le16(&d, 12)) + u64::from(le16(&d, 14));
        for i in 0..count {
            self.resources += 1;
            if self.resources > MAX_RESOURCES {
                return Ok(());
            }
            let e = self.to.window.get(at + 16 + 8 * i, 8)?.to_vec();
            if e.len() < 8 {
                return Ok(());
            }
            let to = u64::from(le32(&e, 4) & 0x7fff_ffff);
            if le32(&e, 4) >> 31 == 1 {
                self.directory(base, base + to, depth + 1)?;
                continue;
            }
            let leaf = self.to.window.get(base + to, 16)?.to_vec();
            let size = u64::from(le32(&leaf, 4));
            let Some(start) = self.place(u64::from(le32(&leaf, 0))).filter(|_| size >= 16) else { continue };
            let end = start.saturating_add(size).min(self.to.len());
            let head = self.to.window.get(start, 512)?;
            // An XML manifest is text in any encoding; raw bytes show it as well.
            let Some(suffix) = known(head).or_else(|| head.starts_with(b"MZ").then_some("exe")) else { continue };
            self.claims.add(start..end);
            let name = format!("[resource-{}].{suffix}", self.resources);
            self.to.hand_over_range(ChildMeta::named(name.as_bytes()), start..end)?;
        }
        Ok(())
    }

    /// The names of .NET: the heap of strings.
    fn net(&mut self, address: u64, end: u64) -> Result<(), InspectError> {
        let Some(at) = self.place(address).filter(|_| address != 0) else { return Ok(()) };
        let metadata = u64::from(le32(self.to.window.get(at + 8, 4)?, 0));
        let Some(root) = self.place(metadata) else { return Ok(()) };
        let b = self.to.window.get(root, 512)?.to_vec();
        if !b.starts_with(b"BSJB") {
            return Ok(());
        }
        let version = le32(&b, 12) as usize;
        let mut next = 16usize.saturating_add(version).saturating_add(2);
        let streams = le16(&b, next);
        next += 2;
        for _ in 0..streams.min(16) {
            let (offset, size) = (u64::from(le32(&b, next)), u64::from(le32(&b, next + 4)));
            let Some(rest) = b.get(next + 8..) else { break };
            let n = memchr::memchr(0, rest).unwrap_or(0);
            if &rest[..n] == b"#Strings" {
                let heap = root + offset..(root + offset + size.min(4 << 20)).min(end);
                if heap.start < heap.end {
                    let bytes = self.to.blob.bytes(heap.clone()).map_err(|e| InspectError::read(heap.start, &e))?;
                    let mut place = heap.start;
                    for name in bytes.split(|&b| b == 0) {
                        self.evidence.symbol(&mut self.to, name, "name", place)?;
                        place += name.len() as u64 + 1;
                    }
                }
            }
            next += 8 + (n + 1).next_multiple_of(4);
        }
        Ok(())
    }

    /// Runs of UTF-16 characters.
    fn wide_strings(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        let mut at = range.start;
        while at < range.end {
            let end = range.end.min(at + (1 << 20));
            let bytes = self.to.blob.bytes(at..end).map_err(|e| InspectError::read(at, &e))?;
            for (offset, text) in wide_runs(&bytes) {
                self.evidence.line(&mut self.to, &text, at + offset as u64)?;
            }
            at = end;
        }
        Ok(())
    }
}

/// Runs of printable UTF-16LE text: Latin and Chinese characters with at least one zero byte in four, or of one script.
fn wide_runs(bytes: &[u8]) -> Vec<(usize, String)> {
    let mut out = Vec::new();
    let mut i = 0;
    while i + 1 < bytes.len() {
        // A run begins with a Latin character, or with one of the common Chinese ones.
        let unit = |i: usize| le16(bytes, i);
        let good = |u: u16| {
            (0x20..0x7f).contains(&u)
                || (0x4e00..0x9fa6).contains(&u)
                || (0x3000..0x3020).contains(&u)
                || (0xff01..0xff5f).contains(&u)
        };
        if !good(unit(i)) {
            i += 1;
            continue;
        }
        let mut end = i;
        let mut latin = 0;
        while end + 1 < bytes.len() && good(unit(end)) {
            latin += usize::from(unit(end) < 0x7f);
            end += 2;
        }
        let n = (end - i) / 2;
        // Code has many pairs that would be Chinese; a string ends with zeros and is long.
        let ended = end + 1 >= bytes.len() || unit(end) == 0 || unit(end) == 10 || unit(end) == 13;
        if n >= WIDE && (latin * 2 >= n || ended) {
            let text: String = char::decode_utf16((i..end).step_by(2).map(unit)).filter_map(Result::ok).collect();
            out.push((i, text));
            i = end;
        } else {
            i += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests;
