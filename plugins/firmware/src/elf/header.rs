//! The ELF header, the tables of sections and segments, and what kind of program it is.

use std::ops::Range;

use yumen_kit_container::Container;
use yumen_kit_container::window::num::{be16, be32, be64, le16, le32, le64};
use yumen_model::InspectError;

/// The section's bytes are compressed.
pub(super) const SHF_COMPRESSED: u64 = 0x800;
/// Entries of a table that are read.
const MAX_ENTRIES: u64 = 1 << 18;

/// What the ELF header says.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) wide: bool,
    pub(super) big: bool,
    pub(super) kind: u16,
    pub(super) machine: u16,
    pub(super) osabi: u8,
    pub(super) flags: u32,
    pub(super) entry: u64,
    pub(super) size: u64,
    pub(super) segment_table: Range<u64>,
    pub(super) section_table: Range<u64>,
    pub(super) names_index: usize,
    segment_size: u64,
    section_size: u64,
    section_count: u64,
    segment_count: u64,
}

/// An entry of the table of sections.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) name: u32,
    pub(super) kind: u32,
    pub(super) flags: u64,
    pub(super) range: Range<u64>,
    pub(super) link: u32,
}

impl Section {
    /// Whether it has bytes in the file.
    pub(super) fn has_bytes(&self) -> bool {
        !matches!(self.kind, 0 | 8) && self.range.start < self.range.end
    }

    pub(super) fn is_symbol_table(&self) -> bool {
        matches!(self.kind, 2 | 11)
    }
}

/// An entry of the table of segments.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) kind: u32,
    pub(super) range: Range<u64>,
}

impl Segment {
    pub(super) fn is_loaded(&self) -> bool {
        self.kind == 1
    }
}

impl Header {
    pub(super) fn parse(b: &[u8]) -> Option<Self> {
        let wide = *b.get(4)? == 2;
        let big = *b.get(5)? == 2;
        let size: usize = if wide { 64 } else { 52 };
        if b.len() < size {
            return None;
        }
        let mut h = Header {
            wide,
            big,
            kind: 0,
            machine: 0,
            osabi: b[7],
            flags: 0,
            entry: 0,
            size: size as u64,
            segment_table: 0..0,
            section_table: 0..0,
            names_index: 0,
            segment_size: 0,
            section_size: 0,
            section_count: 0,
            segment_count: 0,
        };
        h.kind = h.u16(b, 16);
        h.machine = h.u16(b, 18);
        let (segments, sections, rest) = if wide {
            h.entry = h.u64(b, 24);
            (h.u64(b, 32), h.u64(b, 40), 48)
        } else {
            h.entry = u64::from(h.u32(b, 24));
            (u64::from(h.u32(b, 28)), u64::from(h.u32(b, 32)), 36)
        };
        h.flags = h.u32(b, rest);
        h.segment_size = u64::from(h.u16(b, rest + 6));
        h.segment_count = u64::from(h.u16(b, rest + 8));
        h.section_size = u64::from(h.u16(b, rest + 10));
        h.section_count = u64::from(h.u16(b, rest + 12));
        h.names_index = usize::from(h.u16(b, rest + 14));
        h.segment_table = table(segments, h.segment_count, h.segment_size);
        h.section_table = table(sections, h.section_count, h.section_size);
        Some(h)
    }

    pub(super) fn u16(&self, b: &[u8], at: usize) -> u16 {
        if self.big { be16(b, at) } else { le16(b, at) }
    }

    pub(super) fn u32(&self, b: &[u8], at: usize) -> u32 {
        if self.big { be32(b, at) } else { le32(b, at) }
    }

    pub(super) fn u64(&self, b: &[u8], at: usize) -> u64 {
        if self.big { be64(b, at) } else { le64(b, at) }
    }

    /// A number as wide as addresses are.
    pub(super) fn word(&self, b: &[u8], at: usize) -> u64 {
        if self.wide { self.u64(b, at) } else { u64::from(self.u32(b, at)) }
    }

    pub(super) fn compression_header(&self) -> u64 {
        if self.wide { 24 } else { 12 }
    }

    /// The table of sections; a broken one is as good as none.
    pub(super) fn sections(&self, to: &mut Container<'_>) -> Result<Vec<Section>, InspectError> {
        let mut out = Vec::new();
        let least = if self.wide { 64 } else { 40 };
        let start = self.section_table.start;
        if start == 0 || self.section_size < least || start >= to.len() {
            if start >= to.len() && self.section_count > 0 {
                to.tell_at("truncated", to.len());
            }
            return Ok(out);
        }
        let mut count = self.section_count;
        let mut i = 0;
        while i < count.clamp(1, MAX_ENTRIES) {
            let at = start + i * self.section_size;
            let b = to.window.get(at, usize::try_from(least).unwrap_or(64))?;
            if (b.len() as u64) < least {
                break;
            }
            let section = self.section(b);
            if i == 0 && count == 0 {
                // So many that the number stands in the first entry.
                count = section.range.end - section.range.start;
                if section.kind != 0 || count > MAX_ENTRIES {
                    break;
                }
            }
            out.push(section);
            i += 1;
        }
        Ok(out)
    }

    fn section(&self, b: &[u8]) -> Section {
        let (flags, offset, size, link) = if self.wide {
            (self.u64(b, 8), self.u64(b, 24), self.u64(b, 32), self.u32(b, 40))
        } else {
            let n = |i| u64::from(self.u32(b, i));
            (n(8), n(16), n(20), self.u32(b, 24))
        };
        let range = offset..offset.saturating_add(size);
        Section { name: self.u32(b, 0), kind: self.u32(b, 4), flags, range, link }
    }

    /// The table of segments.
    pub(super) fn segments(&self, to: &mut Container<'_>) -> Result<Vec<Segment>, InspectError> {
        let mut out = Vec::new();
        let least = if self.wide { 56 } else { 32 };
        let start = self.segment_table.start;
        if start == 0 || self.segment_size < least || start >= to.len() {
            return Ok(out);
        }
        for i in 0..self.segment_count.min(MAX_ENTRIES) {
            let b = to.window.get(start + i * self.segment_size, usize::try_from(least).unwrap_or(56))?;
            if (b.len() as u64) < least {
                break;
            }
            let kind = self.u32(b, 0);
            let (offset, size) = if self.wide {
                (self.u64(b, 8), self.u64(b, 32))
            } else {
                (u64::from(self.u32(b, 4)), u64::from(self.u32(b, 16)))
            };
            // What only says something of memory has no bytes of its own: stack, relocation, unwinding.
            let range = offset..offset.saturating_add(size);
            out.push(Segment { kind, range });
        }
        Ok(out)
    }

    /// The names of architectures that control units and boot firmware are built for, and of the usual others.
    pub(super) fn architecture(&self) -> String {
        let name = match self.machine {
            2 => "sparc",
            3 => "x86",
            4 => "m68k",
            8 => "mips",
            20 => "powerpc",
            21 => "powerpc64",
            22 => "s390",
            36 => "v850",
            40 => "arm",
            42 => "superh",
            44 => "tricore",
            45 => "arc",
            50 => "ia64",
            53 => "hc12",
            62 => "x86-64",
            70 => "hc11",
            83 => "avr",
            87 => "v850",
            93 => "arc-compact",
            94 => "xtensa",
            105 => "msp430",
            106 => "blackfin",
            113 => "nios2",
            120 => "m16c",
            140 => "c6000",
            141 => "c2000",
            164 => "hexagon",
            173 => "rx",
            183 => "aarch64",
            189 => "microblaze",
            195 => "arc-compact2",
            197 => "rl78",
            220 => "z80",
            243 => "riscv",
            247 => "bpf",
            252 => "csky",
            258 => "loongarch",
            n => return format!("machine-{n}"),
        };
        name.to_owned()
    }

    /// Whether nothing but a control unit runs this: a linked program without an operating system.
    pub(super) fn is_bare_metal(&self, segments: &[Segment], needed: u64, has: &dyn Fn(&[u8]) -> bool) -> bool {
        let linked = self.kind == 2 || self.kind == 3;
        let interpreted = segments.iter().any(|s| s.kind == 3);
        if !linked || interpreted || needed > 0 {
            return false;
        }
        // Machines that no general operating system runs on.
        let embedded = matches!(
            self.machine,
            36 | 44 | 45 | 53 | 70 | 83 | 87 | 93 | 94 | 105 | 120 | 140 | 141 | 173 | 189 | 195 | 197 | 220
        ) && self.osabi != 3;
        let vectors: &[&[u8]] = &[
            b".vectors",
            b".isr_vector",
            b".intvec",
            b".interrupts",
            b".vector_table",
            b".vector",
            b".intvecs",
            b".vects",
            b"vectors",
            b".ivor",
            b".boot_hdr",
            b".flash_config",
            b".bmhd",
            b".init_vectors",
            b".VECTOR",
            b"ER_IROM1",
            b".exceptvec",
        ];
        let marks: &[&[u8]] = &[
            b".note.ABI-tag",
            b".note.gnu.property",
            b".note.go.buildid",
            b".gopclntab",
            b".go.buildinfo",
            b".modinfo",
            b"__ksymtab",
            b".eh_frame_hdr",
            b".tdata",
            b".tbss",
            b".init_array.0",
            b"__libc_freeres_fn",
            b".gnu.hash",
            b".init.text",
            b".data.rel.ro",
            b".note.gnu.gold-version",
            b".note.android.ident",
            b".gnu.version_r",
        ];
        embedded
            || vectors.iter().any(|v| has(v))
            // A linked program without thread storage, unwinding, notes of a system: boot firmware.
            || (matches!(self.machine, 4 | 8 | 20 | 21 | 40 | 42 | 164 | 183 | 243)
                && self.osabi != 3
                && !marks.iter().any(|m| has(m))
                && !segments.iter().any(|s| matches!(s.kind, 7 | 0x6474_e550 | 0x6474_e553)))
    }
}

/// Where a table stands; one that begins at 0 is none.
fn table(start: u64, count: u64, size: u64) -> Range<u64> {
    if start == 0 { 0..0 } else { start..start.saturating_add(count.saturating_mul(size)) }
}
