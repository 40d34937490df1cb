//! ELF: programs, shared objects, object files and core dumps, 32- and 64-bit, in both byte orders, with broken section tables too.
//!
//! Source: System V Application Binary Interface, chapters 4 and 5 (gABI draft of 2013); DWARF 4 and 5 for the tables of source paths.

mod header;
mod symbols;

use std::io::Read as _;
use std::ops::Range;

use flate2::read::ZlibDecoder;
use yumen_kit_container::window::num::be32;
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, ChildMeta, Context, Format, Identity, InspectError, Inspection, InventoryItem, Message, Probe,
    Reason, Stop,
};

use crate::common::{Evidence, conclude, hex, is_noise, known, windows};
use crate::dwarf;
use header::{Header, SHF_COMPRESSED, Section, Segment};

/// Longest section that is read at once.
const WHOLE: u64 = 16 << 20;
/// Bytes of decompressed debug information handed over at once.
const OUTPUT: usize = 256 << 10;
/// What follows the ELF data of a signed kernel module.
const MODULE_SIGNATURE: &[u8] = b"~Module signature appended~\n";

/// Reads ELF files.
pub(crate) struct Elf;

const FORMATS: &[Format] = &[Format {
    name: "elf",
    title: "ELF program, library, object file or core dump",
    media_type: "application/x-elf",
    extensions: &["elf", "axf", "ko"],
    magic: "0x7F `ELF`, with a class, a byte order and version 1",
    reference: "System V ABI (gABI), chapters 4 and 5",
    evidence: "names of symbols and needed libraries as records; comments, module information and source paths of DWARF as text; code and data as raw bytes; compressed debug sections, sections that are files of a known format and what follows the program as children; bare-metal programs as inventory",
    limitations: &[
        "code is searched for strings and names, not disassembled",
        "content that a program packs into its data without a signature at the start of a section is seen as raw bytes only",
    ],
}];

impl FormatReader for Elf {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let [0x7f, b'E', b'L', b'F', 1 | 2, data @ (1 | 2), version, ..] = probe.head else { return None };
        let stated = match (probe.head.get(20..24), data) {
            (Some(v), 1) => v == [1, 0, 0, 0],
            (Some(v), _) => v == [0, 0, 0, 1],
            (None, _) => true,
        };
        (*version == 1 || stated).then(|| Identity::new("elf", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader = Reader {
            to: Container::new(artifact, out),
            evidence: Evidence::new(artifact),
            symbols: 0,
            compilers: Vec::new(),
            build_id: None,
            needed: 0,
        };
        let result = reader.run();
        conclude(reader.to, reader.evidence, result)
    }
}

struct Reader<'a> {
    to: Container<'a>,
    evidence: Evidence<'a>,
    symbols: u64,
    compilers: Vec<String>,
    build_id: Option<String>,
    needed: u64,
}

/// What is done with a section's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Numbers: relocations, hashes, tables of symbols.
    Structure,
    /// Strings that a table of symbols points into; read with the table.
    Names,
    /// Strings, each ended by a zero byte.
    Strings,
    /// The line table of DWARF.
    Lines,
    /// Compressed debug information: where the stream begins, and how it is packed.
    Packed(u64, Packing),
    /// A file of a known format.
    File,
    /// Notes: build id, package, core dump.
    Notes,
    /// Code or data.
    Code,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Zlib,
    Zstd,
    Other,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), InspectError> {
        let len = self.to.len();
        let head = self.to.window.get(0, 64)?.to_vec();
        let Some(header) = Header::parse(&head) else {
            self.to.raw(0..len)?;
            return Err(InspectError::corrupt(0, "the ELF header is cut short"));
        };
        let sections = header.sections(&mut self.to)?;
        let segments = header.segments(&mut self.to)?;
        let names = self.section_names(&header, &sections)?;
        let mut parts: Vec<(Range<u64>, usize, Role)> = Vec::new();
        let mut end = header.size.min(len);
        let tables = [0..header.size, header.segment_table.clone(), header.section_table.clone()];
        for table in tables {
            let table = table.start.min(len)..table.end.min(len);
            end = end.max(table.end);
            if !table.is_empty() {
                parts.push((table, usize::MAX, Role::Structure));
            }
        }
        let mut cut = header.section_table.end > len || header.segment_table.end > len;
        for segment in &segments {
            cut |= segment.range.end > len;
            end = end.max(segment.range.end.min(len));
        }
        for (i, section) in sections.iter().enumerate() {
            if !section.has_bytes() {
                continue;
            }
            cut |= section.range.end > len;
            let range = section.range.start.min(len)..section.range.end.min(len);
            if range.is_empty() {
                continue;
            }
            end = end.max(range.end);
            let name = names.get(i).map_or(&b""[..], Vec::as_slice);
            let role = self.role(&header, &sections, i, section, name, range.clone())?;
            parts.push((range, i, role));
        }
        if cut {
            self.to.tell_at("truncated", len);
        }
        parts.sort_by_key(|(range, i, _)| (range.start, range.end, *i));
        let loaded: Vec<Range<u64>> = segments.iter().filter(|s| s.is_loaded()).map(|s| s.range.clone()).collect();
        let mut at = 0;
        for (range, i, role) in parts {
            if range.start > at {
                self.gap(at..range.start, &loaded)?;
            }
            let fresh = range.start.max(at)..range.end.max(at);
            at = at.max(range.end);
            let name = names.get(i).map_or(&b"[section]"[..], Vec::as_slice).to_vec();
            self.part(&header, range, fresh, &name, role)?;
        }
        self.gap(at..end, &loaded)?;
        symbols::read(self, &header, &sections, &names)?;
        symbols::dynamic(self, &header, &sections, &segments)?;
        self.after(end)?;
        self.tell(&header, &sections, &segments, &names);
        if cut { Err(InspectError::corrupt(len, "the ELF file is cut short")) } else { Ok(()) }
    }

    fn section_names(&mut self, header: &Header, sections: &[Section]) -> Result<Vec<Vec<u8>>, InspectError> {
        let Some(table) = sections.get(header.names_index).filter(|s| s.has_bytes()) else { return Ok(Vec::new()) };
        let range = table.range.start..table.range.end.min(table.range.start + (1 << 20)).min(self.to.len());
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let bytes = self.to.blob.bytes(range.clone()).map_err(|e| InspectError::read(range.start, &e))?;
        let name = |s: &Section| {
            let rest = bytes.get(s.name as usize..).unwrap_or(&[]);
            rest[..memchr::memchr(0, rest).unwrap_or(0).min(512)].to_vec()
        };
        Ok(sections.iter().map(name).collect())
    }

    fn role(
        &mut self,
        header: &Header,
        sections: &[Section],
        index: usize,
        section: &Section,
        name: &[u8],
        range: Range<u64>,
    ) -> Result<Role, InspectError> {
        if section.flags & SHF_COMPRESSED != 0 {
            let skip = header.compression_header();
            let head = self.to.window.get(range.start, 24)?.to_vec();
            let packing = match header.u32(&head, 0) {
                1 => Packing::Zlib,
                2 => Packing::Zstd,
                _ => Packing::Other,
            };
            return Ok(Role::Packed(range.start + skip, packing));
        }
        if name.starts_with(b".zdebug") && self.to.window.get(range.start, 4)? == b"ZLIB" {
            return Ok(Role::Packed(range.start + 12, Packing::Zlib));
        }
        let names =
            index == header.names_index || sections.iter().any(|s| s.is_symbol_table() && s.link as usize == index);
        Ok(match section.kind {
            2 | 4 | 5 | 6 | 9 | 11 | 17 | 18 | 19 | 0x6fff_fff6 | 0x6fff_ffff | 0x6fff_fffe | 0x6fff_fffd => {
                Role::Structure
            }
            3 if names => Role::Names,
            3 => Role::Strings,
            7 => Role::Notes,
            _ if matches!(
                name,
                b".comment" | b".modinfo" | b".debug_str" | b".debug_line_str" | b".interp" | b"__ksymtab_strings"
            ) =>
            {
                Role::Strings
            }
            _ if name == b".debug_line" => Role::Lines,
            _ => {
                let head = self.to.window.get(range.start, 512)?;
                if known(head).is_some() || name == b".init.ramfs" { Role::File } else { Role::Code }
            }
        })
    }

    /// One stretch of the file. `fresh` is what of it no part before had.
    fn part(
        &mut self,
        header: &Header,
        range: Range<u64>,
        fresh: Range<u64>,
        name: &[u8],
        role: Role,
    ) -> Result<(), InspectError> {
        match role {
            Role::Structure | Role::Names => self.to.container(range),
            Role::Strings => {
                if name == b".comment" {
                    self.compilers(range.clone())?;
                }
                self.strings(fresh)
            }
            Role::Lines => {
                if range.end - range.start > WHOLE {
                    return self.to.raw(fresh);
                }
                let bytes = self.to.blob.bytes(range.clone()).map_err(|e| InspectError::read(range.start, &e))?;
                for (at, text) in dwarf::paths(&bytes, header.big) {
                    self.evidence.bytes(&mut self.to, &text, range.start + at as u64)?;
                }
                self.to.label(range, yumen_model::Label::Inspected)
            }
            Role::Packed(start, packing) => self.packed(range, start, packing, name),
            Role::File => {
                let meta = self.to.child(name);
                self.to.hand_over_range(meta, range)
            }
            Role::Notes => {
                self.notes(header, range)?;
                self.to.raw(fresh)
            }
            Role::Code => {
                self.judge(&range)?;
                self.to.raw(fresh)
            }
        }
    }

    /// Tells of a large section that looks like noise throughout.
    fn judge(&mut self, range: &Range<u64>) -> Result<(), InspectError> {
        if range.end - range.start < 64 << 10 {
            return Ok(());
        }
        for piece in windows(range.clone()) {
            let bytes = self.to.blob.bytes(piece.clone()).map_err(|e| InspectError::read(piece.start, &e))?;
            if !is_noise(&bytes) {
                return Ok(());
            }
        }
        self.to.tell_bytes("high-entropy", range.start, range.end - range.start);
        Ok(())
    }

    /// Bytes between sections: part of a loaded segment, or nobody's.
    fn gap(&mut self, range: Range<u64>, loaded: &[Range<u64>]) -> Result<(), InspectError> {
        let mut at = range.start;
        while at < range.end {
            let inside = loaded.iter().filter(|l| l.start <= at && at < l.end).map(|l| l.end).max();
            let to = match inside {
                Some(end) => end.min(range.end),
                None => loaded.iter().map(|l| l.start).filter(|&s| s > at).min().unwrap_or(range.end).min(range.end),
            };
            let piece = at..to;
            at = to;
            let zeros = yumen_kit_container::window::first_nonzero(self.to.blob, piece.clone())?.is_none();
            if zeros {
                self.to.container(piece)?;
            } else if inside.is_some() || piece.end - piece.start < 64 {
                self.to.raw(piece)?;
            } else {
                self.to.unallocated(piece)?;
            }
        }
        Ok(())
    }

    fn strings(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        let mut at = range.start;
        while at < range.end {
            let mut end = range.end.min(at + (1 << 20));
            let bytes = self.to.blob.bytes(at..end).map_err(|e| InspectError::read(at, &e))?;
            // Pieces end between strings where there is a place.
            if end < range.end
                && let Some(zero) = memchr::memrchr(0, &bytes)
            {
                end = at + zero as u64 + 1;
            }
            let take = usize::try_from(end - at).unwrap_or(bytes.len());
            self.evidence.strings(&mut self.to, &bytes[..take], at)?;
            at = end;
        }
        self.to.label(range, yumen_model::Label::Inspected)
    }

    fn compilers(&mut self, range: Range<u64>) -> Result<(), InspectError> {
        let len = usize::try_from(range.end - range.start).unwrap_or(0).min(4096);
        let bytes = self.to.window.get(range.start, len)?.to_vec();
        for text in bytes.split(|&b| b == 0).filter_map(crate::common::field) {
            if self.compilers.len() < 8 && !self.compilers.contains(&text) {
                self.compilers.push(text);
            }
        }
        Ok(())
    }

    /// Notes: the build id is told; of a core dump name and arguments are text.
    fn notes(&mut self, header: &Header, range: Range<u64>) -> Result<(), InspectError> {
        let mut at = range.start;
        for _ in 0..1024 {
            if at + 12 > range.end {
                break;
            }
            let head = self.to.window.get(at, 12)?.to_vec();
            let (name, desc, kind) = (header.u32(&head, 0), header.u32(&head, 4), header.u32(&head, 8));
            let name_end = at + 12 + u64::from(name).next_multiple_of(4);
            let next = name_end + u64::from(desc).next_multiple_of(4);
            if next > range.end || next <= at {
                break;
            }
            let owner = self.to.window.get(at + 12, name.min(16) as usize)?.to_vec();
            if owner == b"GNU\0" && kind == 3 && desc <= 64 {
                let id = self.to.window.get(name_end, desc as usize)?;
                self.build_id = Some(id.iter().map(|b| format!("{b:02x}")).collect());
            }
            at = next;
        }
        Ok(())
    }

    /// Debug information that is decompressed: a child that is swept as raw bytes.
    fn packed(&mut self, range: Range<u64>, start: u64, packing: Packing, name: &[u8]) -> Result<(), InspectError> {
        let start = start.min(range.end);
        let mut meta = self.to.child(name);
        meta.free_space = true;
        meta.encoded = Some(range.end - range.start);
        let source = self.to.blob.range(start..range.end).reader();
        let mut decoder: Box<dyn std::io::Read> = match packing {
            Packing::Zlib => Box::new(ZlibDecoder::new(source)),
            Packing::Zstd => match zstd::Decoder::new(source) {
                Ok(decoder) => Box::new(decoder),
                Err(_) => return self.to.opaque(range, Reason::Corrupt),
            },
            Packing::Other => {
                self.to.tell_at("unsupported-method", range.start);
                return self.to.opaque(range, Reason::Unsupported);
            }
        };
        self.to.send(Message::ChildStart { meta })?;
        let mut buffer = vec![0; OUTPUT];
        loop {
            let n = match decoder.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => {
                    self.to.tell_at("incomplete-child", range.start);
                    self.to.send(Message::ChildEnd { complete: false })?;
                    return self.to.opaque(range, Reason::Corrupt);
                }
            };
            match self.to.send(Message::ChildBytes((&buffer[..n]).into())) {
                Ok(()) => {}
                Err(Stop::Child(reason)) => return self.to.opaque(range, reason),
                Err(stop) => return Err(stop.into()),
            }
        }
        self.to.send(Message::ChildEnd { complete: true })?;
        self.to.container(range)
    }

    /// What stands behind the program: the signature of a kernel module, or anything else (a file system of an AppImage, an archive).
    fn after(&mut self, end: u64) -> Result<(), InspectError> {
        let len = self.to.len();
        if end >= len {
            return Ok(());
        }
        let trailer = MODULE_SIGNATURE.len() as u64;
        if len - end > trailer + 12 && self.to.window.get(len - trailer, MODULE_SIGNATURE.len())? == MODULE_SIGNATURE {
            let info = len - trailer - 12;
            let size = u64::from(be32(self.to.window.get(info + 8, 4)?, 0));
            if size > 0 && size <= info - end {
                self.to.padding(end..info - size)?;
                self.to.hand_over_range(ChildMeta::named(b"[signature].p7s"), info - size..info)?;
                return self.to.container(info..len);
            }
        }
        crate::common::rest(&mut self.to, end..len, Place::After)
    }

    fn tell(&mut self, header: &Header, sections: &[Section], segments: &[Segment], names: &[Vec<u8>]) {
        let has = |wanted: &[u8]| names.iter().any(|n| n == wanted);
        let starts = |wanted: &[u8]| names.iter().any(|n| n.starts_with(wanted));
        if !header.is_bare_metal(segments, self.needed, &has) {
            return;
        }
        let debug = starts(b".debug_") || starts(b".zdebug_") || has(b".stab");
        let mut item = InventoryItem::new(kinds::FIRMWARE_ECU)
            .with("container", "elf")
            .with("architecture", header.architecture())
            .with("entry", hex(header.entry))
            .with("sections", sections.len().saturating_sub(1))
            .with("symbols", self.symbols)
            .with("debug", debug)
            .with("compiler", std::mem::take(&mut self.compilers));
        let loads: Vec<_> = segments.iter().filter(|s| s.is_loaded() && !s.range.is_empty()).collect();
        item = item
            .with("segments", loads.len())
            .with("bytes", loads.iter().map(|s| s.range.end - s.range.start).fold(0, u64::saturating_add));
        if let Some(id) = self.build_id.take() {
            item = item.with("build_id", id);
        }
        self.to.inventory(item);
    }
}

#[cfg(test)]
mod tests;
