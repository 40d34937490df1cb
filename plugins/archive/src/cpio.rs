//! cpio: new ASCII with and without checksum, old ASCII (odc), old binary in both byte orders. Initramfs images are several in a row,
//! with something compressed behind.
//!
//! Source: FreeBSD cpio(5); the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.

mod swupdate;

use std::ops::Range;

use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use yumen_kit_container::FormatReader;
use yumen_kit_container::window::num::{be16, le16};
use yumen_kit_container::window::{first_nonzero, sweep};
use yumen_kit_container::{Container, Place};

/// Reads cpio archives.
pub(crate) struct Cpio;

const FORMATS: &[Format] = &[
    Format {
        name: "cpio",
        title: "cpio archive",
        media_type: "application/x-cpio",
        extensions: &["cpio"],
        magic: "`070701`, `070702`, `070707`, or 070707 octal as a 16-bit number",
        reference: "FreeBSD cpio(5); Linux early-userspace buffer format",
        evidence: "its files as children; link targets as text; what follows the trailer as a child",
        limitations: &[
            "the stripped form in packages of RPM 4.12 and later with files over 4 GiB is not read",
            "links are counted, not followed",
        ],
    },
    Format {
        name: "swupdate",
        title: "SWUpdate image",
        media_type: "application/x-cpio",
        extensions: &["swu"],
        magic: "a cpio whose first member is sw-description",
        reference: "SWUpdate documentation, Software Management: SWU images",
        evidence: "its members as children; the package, signed and encrypted or not",
        limitations: &["signatures are not verified", "members that the description calls encrypted are opaque"],
    },
];

impl FormatReader for Cpio {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let variant = Variant::of(probe.head)?;
        let sure = match (variant.header(probe.head), variant) {
            // Two bytes alone prove nothing; the fields must agree.
            (Some(h), Variant::Binary { .. }) => {
                h.name_len >= 2 && h.name_len <= 1024 && is_mode(h.mode) && name_fits(probe.head, variant, &h)
            }
            (Some(h), _) => h.name_len >= 1 && h.name_len <= 0xffff,
            // ASCII, broken or cut within the first header.
            (None, Variant::Binary { .. }) => false,
            (None, _) => return Some(Identity::new("cpio", Certainty::Structure)),
        };
        let first = variant.header(probe.head).and_then(|h| first_name(probe.head, variant, &h));
        if sure && first.is_some_and(|name| name.strip_prefix(b"./").unwrap_or(name) == swupdate::DESCRIPTION) {
            return Some(Identity::new("swupdate", Certainty::Specific));
        }
        sure.then(|| Identity::new("cpio", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let package = (artifact.format == "swupdate").then(swupdate::Package::default);
        let mut reader = Reader { to: Container::new(artifact, out), package };
        let result = reader.run();
        if let Some(package) = &reader.package {
            reader.to.inventory(package.item());
        }
        reader.to.finish(result)
    }
}

/// The name of the first member, without what follows its end.
fn first_name<'a>(head: &'a [u8], variant: Variant, header: &Header) -> Option<&'a [u8]> {
    let at = variant.header_len() as usize;
    let name = usize::try_from(header.name_len).ok().and_then(|n| head.get(at..at + n))?;
    name.split(|&b| b == 0).next()
}

fn name_fits(head: &[u8], variant: Variant, header: &Header) -> bool {
    let at = variant.header_len() as usize;
    let Some(name) = usize::try_from(header.name_len).ok().and_then(|n| head.get(at..at + n)) else { return false };
    matches!(name.split_last(), Some((0, text)) if !text.is_empty() && !text.contains(&0))
}

fn is_mode(mode: u32) -> bool {
    matches!(mode & 0o170_000, 0o010_000 | 0o020_000 | 0o040_000 | 0o060_000 | 0o100_000 | 0o120_000 | 0o140_000)
        || mode == 0
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variant {
    /// `070701`, with a checksum `070702`.
    New {
        checked: bool,
    },
    /// `070707`.
    Odc,
    Binary {
        big: bool,
    },
}

/// What a header says.
#[derive(Clone, Copy, Debug)]
struct Header {
    mode: u32,
    links: u32,
    size: u64,
    name_len: u64,
    check: u32,
}

impl Variant {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [b'0', b'7', b'0', b'7', b'0', b'1', ..] => Some(Variant::New { checked: false }),
            [b'0', b'7', b'0', b'7', b'0', b'2', ..] => Some(Variant::New { checked: true }),
            [b'0', b'7', b'0', b'7', b'0', b'7', ..] => Some(Variant::Odc),
            [0xc7, 0x71, ..] => Some(Variant::Binary { big: false }),
            [0x71, 0xc7, ..] => Some(Variant::Binary { big: true }),
            _ => None,
        }
    }

    fn header_len(self) -> u64 {
        match self {
            Variant::New { .. } => 110,
            Variant::Odc => 76,
            Variant::Binary { .. } => 26,
        }
    }

    /// Headers with their names, and contents, end at multiples of this.
    fn align(self) -> u64 {
        match self {
            Variant::New { .. } => 4,
            Variant::Odc => 1,
            Variant::Binary { .. } => 2,
        }
    }

    fn header(self, bytes: &[u8]) -> Option<Header> {
        let bytes = bytes.get(..usize::try_from(self.header_len()).unwrap_or(0))?;
        let digits = |at: usize, len: usize, radix: u32| -> Option<u64> {
            let field = bytes.get(at..at + len)?;
            if !field.iter().all(u8::is_ascii_alphanumeric) {
                return None;
            }
            u64::from_str_radix(std::str::from_utf8(field).ok()?, radix).ok()
        };
        let narrow = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        match self {
            Variant::New { .. } => {
                // Thirteen numbers in eight hexadecimal digits each.
                let field = |i: usize| digits(6 + 8 * i, 8, 16);
                Some(Header {
                    mode: narrow(field(1)?),
                    links: narrow(field(4)?),
                    size: field(6)?,
                    name_len: field(11)?,
                    check: narrow(field(12)?),
                })
            }
            Variant::Odc => Some(Header {
                mode: narrow(digits(18, 6, 8)?),
                links: narrow(digits(36, 6, 8)?),
                size: digits(65, 11, 8)?,
                name_len: digits(59, 6, 8)?,
                check: 0,
            }),
            Variant::Binary { big } => {
                let word = |i: usize| if big { be16(bytes, 2 * i) } else { le16(bytes, 2 * i) };
                // Long numbers have their high half first in either order.
                let long = |i: usize| (u64::from(word(i)) << 16) | u64::from(word(i + 1));
                Some(Header {
                    mode: u32::from(word(3)),
                    links: u32::from(word(6)),
                    size: long(11),
                    name_len: u64::from(word(10)),
                    check: 0,
                })
            }
        }
    }
}

struct Reader<'a> {
    to: Container<'a>,
    /// What is known of the package, of SWUpdate's images.
    package: Option<swupdate::Package>,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), InspectError> {
        let len = self.to.len();
        let mut at = 0;
        // Alignment counts from the start of each archive.
        let mut base = 0;
        let mut first = true;
        let mut ended = false;
        while at < len {
            let bytes = self.to.window.get(at, 110)?;
            let found = Variant::of(bytes).and_then(|v| Some((v, v.header(bytes)?)));
            if let Some((variant, header)) = found.filter(|(_, h)| h.name_len > 0 && h.name_len <= 1 << 16) {
                if ended {
                    base = at;
                }
                first = false;
                (at, ended) = self.entry(at, base, variant, header)?;
                continue;
            }
            // Between archives there may be zeros, in any number.
            let next = first_nonzero(self.to.blob, at..len)?.unwrap_or(len);
            if next == len {
                if !ended {
                    self.to.tell_at("truncated", at);
                }
                return self.to.container(at..len);
            }
            let next = next - (next - at) % 4;
            if next > at {
                self.to.container(at..next)?;
                at = next;
                ended = true;
                continue;
            }
            if ended {
                return self.to.residue(at..len, Place::After);
            }
            self.to.tell_at(if len - at < 110 { "truncated" } else { "corrupt" }, at);
            match self.next_header(at + 1)? {
                Some(next) => {
                    self.to.residue(at..next, if first { Place::Before } else { Place::Between })?;
                    (at, base) = (next, next);
                }
                None => return self.to.residue(at..len, Place::After),
            }
        }
        if !ended {
            self.to.tell_at("truncated", len);
        }
        Ok(())
    }

    /// The next ASCII header at or behind `from`; binary ones are too weak to be searched for.
    fn next_header(&self, from: u64) -> Result<Option<u64>, InspectError> {
        let finder = memchr::memmem::Finder::new(b"07070");
        sweep(self.to.blob, from..self.to.len(), 110, |piece, bytes| {
            finder
                .find_iter(bytes)
                .find(|&i| {
                    let header = Variant::of(&bytes[i..]).and_then(|v| v.header(&bytes[i..]));
                    header.is_some_and(|h| h.name_len > 0 && h.name_len <= 4096 && is_mode(h.mode))
                })
                .map(|i| piece + i as u64)
        })
    }

    /// Reads the member at `at`; returns where the next one is, and whether this was the trailer.
    fn entry(&mut self, at: u64, base: u64, variant: Variant, header: Header) -> Result<(u64, bool), InspectError> {
        let len = self.to.len();
        let aligned = |offset: u64| base + (offset - base).next_multiple_of(variant.align());
        let name_at = at + variant.header_len();
        let name_end = name_at + header.name_len;
        let data_at = aligned(name_end);
        if name_end > len {
            self.to.tell_at("truncated", len);
            self.to.container(at..name_at)?;
            self.to.residue(name_at..len, Place::After)?;
            return Ok((len, true));
        }
        let stored = self.to.window.get(name_at, usize::try_from(header.name_len).unwrap_or(0))?;
        let name = stored.split(|&b| b == 0).next().unwrap_or(stored).to_vec();
        // What stands in the name's field behind its end is padding.
        let shown = (name_at + name.len() as u64 + 1).min(name_end);
        self.to.container(at..shown)?;
        self.to.padding(shown..data_at)?;
        if name == b"TRAILER!!!" && header.size == 0 {
            return Ok((data_at.min(len), true));
        }
        let data_end = data_at.saturating_add(header.size);
        let data = data_at.min(len)..data_end.min(len);
        let cut = data_end > len;
        if cut {
            self.to.tell_at("truncated", len);
        }
        self.member(&name, variant, header, data, cut)?;
        if cut {
            return Ok((len, true));
        }
        let next = aligned(data_end).min(len);
        self.to.padding(data_end..next)?;
        Ok((next, false))
    }

    fn member(
        &mut self,
        name: &[u8],
        variant: Variant,
        header: Header,
        data: Range<u64>,
        cut: bool,
    ) -> Result<(), InspectError> {
        let code = match header.mode & 0o170_000 {
            0o040_000 => Some("directory-entries"),
            0o120_000 => Some("link"),
            0o010_000 | 0o020_000 | 0o060_000 | 0o140_000 => Some("special-file"),
            // Of a file with several names the content stands with the last one.
            _ if header.links > 1 && header.size == 0 && matches!(variant, Variant::New { .. }) => Some("link"),
            _ => None,
        };
        if let Some(code) = code {
            self.to.check_path(name);
            self.to.tell(code);
            if data.is_empty() {
                return Ok(());
            }
            if code == "link" && data.end - data.start <= 4096 {
                return self.to.comment(data);
            }
        }
        if self.package.is_some() && !cut && swupdate::is_raw_signature(self.to.blob, name, &data)? {
            // What a key makes of a digest: nothing else is in it.
            if let Some(package) = &mut self.package {
                package.see(self.to.blob, name, &data)?;
            }
            return self.to.container(data);
        }
        let mut meta = self.to.child(name);
        if let Some(package) = &mut self.package {
            meta.opaque = package.see(self.to.blob, name, &data)?;
        }
        if cut {
            self.to.tell("incomplete-child");
        } else if (variant == Variant::New { checked: true }) && data.end - data.start <= 64 << 20 {
            let mut sum = 0u32;
            sweep(self.to.blob, data.clone(), 0, |_, bytes| {
                sum = bytes.iter().fold(sum, |s, &b| s.wrapping_add(u32::from(b)));
                None::<()>
            })?;
            if sum != header.check {
                self.to.tell_at("checksum-mismatch", data.start);
            }
        }
        self.to.hand_over_range(meta, data)
    }
}

#[cfg(test)]
mod tests;
