//! Containers of boot loaders: MCUboot images, ESP32 application images, USB DFU files, TRX.
//!
//! Source: MCUboot docs/design.md; Espressif esptool "Firmware Image Format"; USB DFU 1.1 appendix B and ST UM0391 (DfuSe); OpenWrt's trx.

use std::ops::Range;

use sha2::{Digest, Sha256};
use yumen_kit_container::window::num::{le16, le32};
use yumen_kit_container::window::{CHECKED_STORED, crc_of, sweep};
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, ChildMeta, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe, Reason,
};

use crate::common::{code, field, hex, loaded, rest, segment_name};

/// Reads the four.
pub(crate) struct Boot;

const FORMATS: &[Format] = &[
    Format {
        name: "mcuboot",
        title: "MCUboot image",
        media_type: "application/octet-stream",
        extensions: &[],
        magic: "0x96F3B83D, a header, and a list of TLVs behind the image",
        reference: "MCUboot docs/design.md",
        evidence: "the program as a child; hash checked; version, signing and encryption as inventory",
        limitations: &["signatures are told, not verified", "encrypted and compressed programs are told, not opened"],
    },
    Format {
        name: "esp-image",
        title: "Espressif application image",
        media_type: "application/octet-stream",
        extensions: &[],
        magic: "0xE9 and segments whose XOR checksum is right or whose list ends within the file",
        reference: "Espressif esptool, Firmware Image Format",
        evidence: "each segment as raw bytes; checksum and hash checked; project, versions and segments as inventory",
        limitations: &["signatures of secure boot are handed over, not verified"],
    },
    Format {
        name: "dfu",
        title: "USB DFU file",
        media_type: "application/octet-stream",
        extensions: &["dfu"],
        magic: "`UFD` and a CRC-32 that is right, in the last 16 bytes; of DfuSe also `DfuSe` at the start",
        reference: "USB Device Firmware Upgrade 1.1, appendix B; ST UM0391",
        evidence: "the program as a child, of DfuSe each element by its address; target names as text; vendor and product as inventory",
        limitations: &[],
    },
    Format {
        name: "trx",
        title: "TRX firmware image",
        media_type: "application/octet-stream",
        extensions: &["trx"],
        magic: "`HDR0`, a length and offsets that rise within it",
        reference: "OpenWrt, trx.c",
        evidence: "each part as a child; checksum checked",
        limitations: &[],
    },
];

impl FormatReader for Boot {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let sure = |name| Some(Identity::new(name, Certainty::Signature));
        let head = probe.head;
        match head {
            [0x3d, 0xb8, 0xf3, 0x96, ..] if Mcuboot::parse(head, probe.blob.len()).is_some() => sure("mcuboot"),
            [0xe9, ..] if esp(probe).is_some() => sure("esp-image"),
            [b'D', b'f', b'u', b'S', b'e', 1, ..] => sure("dfu"),
            [b'H', b'D', b'R', b'0', ..] if trx(head, probe.blob.len()).is_some() => sure("trx"),
            _ => {
                let n = probe.tail.len();
                let suffix = probe.tail.get(n.checked_sub(16)?..)?;
                let whole = probe.blob.len();
                // Behind a program of some other format this is a suffix all the same, and says more.
                let is = suffix[8..11] == *b"UFD"
                    && suffix[11] >= 16
                    && u64::from(suffix[11]) < whole
                    && whole <= CHECKED_STORED
                    && dfu_crc(probe.blob, whole).ok()?;
                is.then(|| Identity::new("dfu", Certainty::Specific))
            }
        }
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = match artifact.format {
            "mcuboot" => mcuboot(&mut to),
            "esp-image" => esp_image(&mut to),
            "trx" => read_trx(&mut to),
            _ => dfu(&mut to),
        };
        to.finish(result)
    }
}

/// The header of an MCUboot image.
struct Mcuboot {
    header: u64,
    protected: u64,
    size: u64,
    flags: u32,
    version: String,
    load: u32,
}

impl Mcuboot {
    fn parse(b: &[u8], len: u64) -> Option<Self> {
        if b.len() < 32 {
            return None;
        }
        let header = u64::from(le16(b, 8));
        let size = u64::from(le32(b, 12));
        // The header may be padded, the image is there (or cut short), the padding field is zero.
        if header < 32 || le32(b, 28) != 0 || size == 0 || (header > len && len > 4096) {
            return None;
        }
        let version = format!("{}.{}.{}+{}", b[20], b[21], le16(b, 22), le32(b, 24));
        Some(Mcuboot { header, protected: u64::from(le16(b, 10)), size, flags: le32(b, 16), version, load: le32(b, 4) })
    }
}

fn mcuboot(to: &mut Container<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let head = to.window.get(0, 32)?.to_vec();
    let Some(m) = Mcuboot::parse(&head, len) else { return Err(InspectError::corrupt(0, "the header is broken")) };
    let image = m.header..m.header + m.size;
    to.container(0..32)?;
    rest(to, 32..m.header, Place::Before)?;
    let mut encrypted = m.flags & 0xc != 0;
    let compressed = m.flags & 0x600 != 0;
    let (mut signatures, mut hash): (Vec<&str>, Option<Vec<u8>>) = (Vec::new(), None);
    let mut at = image.end;
    let mut ended = false;
    for magic in [0x6908u16, 0x6907] {
        let info = to.window.get(at, 4)?;
        if info.len() < 4 || le16(info, 0) != magic {
            continue;
        }
        ended = true;
        let end = (at + u64::from(le16(info, 2))).min(len);
        let mut next = at + 4;
        while next + 4 <= end {
            let tlv = to.window.get(next, 4)?;
            let (kind, size) = (le16(tlv, 0), u64::from(le16(tlv, 2)));
            let value = next + 4..(next + 4 + size).min(end);
            match kind {
                0x10 => hash = Some(to.window.get(value.start, 32)?.to_vec()),
                0x20 => signatures.push("rsa2048"),
                0x21 => signatures.push("ecdsa224"),
                0x22 => signatures.push("ecdsa"),
                0x23 => signatures.push("rsa3072"),
                0x24 => signatures.push("ed25519"),
                0x30..=0x33 => encrypted = true,
                _ => {}
            }
            next = value.end.max(next + 4);
        }
        // Vendors keep what they like in TLVs; strings in them are shown.
        to.raw(at..end)?;
        at = end.max(at + 4);
    }
    if image.end > len {
        to.tell_at("truncated", len);
    } else if !ended {
        to.tell_at("corrupt", image.end);
    }
    if !encrypted
        && let Some(hash) = hash
        && image.end <= len
        && image.end <= CHECKED_STORED
    {
        let mut hasher = Sha256::new();
        sweep(to.blob, 0..image.end + m.protected, 0, |_, bytes| {
            hasher.update(bytes);
            None::<()>
        })?;
        if hasher.finalize()[..] != hash[..] {
            to.tell_at("checksum-mismatch", 0);
        }
    }
    let mut meta = loaded("image.bin", u64::from(m.load));
    if encrypted {
        meta.opaque = Some(Reason::Encrypted);
        to.tell_at("encrypted", image.start);
    } else if compressed {
        meta.opaque = Some(Reason::Unsupported);
        to.tell_at("unsupported-method", image.start);
    }
    to.hand_over_range(meta, image.clone())?;
    to.inventory(
        InventoryItem::new(kinds::FIRMWARE_ECU)
            .with("container", "mcuboot")
            .with("version", m.version)
            .with("bytes", m.size)
            .with("signed", !signatures.is_empty())
            .with("signatures", signatures.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>())
            .with("encrypted", encrypted),
    );
    trailer(to, at.max(image.end.min(len))..len)?;
    if image.end > len { Err(InspectError::corrupt(len, "the image is cut short")) } else { Ok(()) }
}

/// Behind the image: erased flash, and at the very end the state of the swap.
fn trailer(to: &mut Container<'_>, range: Range<u64>) -> Result<(), InspectError> {
    const MAGICS: [[u8; 8]; 2] =
        [[0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f], [0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80]];
    if range.end.saturating_sub(range.start) >= 16 {
        let at = range.end - 16;
        if to.window.get(at, 16)? == MAGICS.concat() {
            to.container(at..range.end)?;
            return rest(to, range.start..at, Place::After);
        }
    }
    rest(to, range, Place::After)
}

/// The list of an Espressif image: segments by address and range, where the checksum stands, whether a hash follows.
struct Esp {
    header: u64,
    entry: u32,
    chip: Option<u16>,
    segments: Vec<(u32, Range<u64>)>,
    checksum: u64,
    hashed: bool,
}

fn esp_list(window: &mut yumen_kit_container::Window<'_>, len: u64) -> Result<Option<Esp>, InspectError> {
    let b = window.get(0, 24)?.to_vec();
    if b.len() < 24 || b[0] != 0xe9 || !(1..=16).contains(&b[1]) || b[2] > 5 && b[2] != 0xff {
        return Ok(None);
    }
    // Of newer chips the header is longer; the chip's number, the bytes that are zero and the hash flag agree then.
    for header in [24u64, 8] {
        let chip = le16(&b, 12);
        if header == 24 && !(b[23] <= 1 && chip < 64) {
            continue;
        }
        let mut at = header;
        let mut segments = Vec::new();
        for _ in 0..b[1] {
            let s = window.get(at, 8)?;
            if s.len() < 8 {
                break;
            }
            let (address, size) = (le32(s, 0), u64::from(le32(s, 4)));
            if size > 16 << 20 || size % 4 != 0 || at + 8 + size > len {
                break;
            }
            segments.push((address, at + 8..at + 8 + size));
            at += 8 + size;
        }
        if segments.len() == usize::from(b[1]) {
            let checksum = (at + 16) / 16 * 16 - 1;
            let esp = Esp {
                header,
                entry: le32(&b, 4),
                chip: (header == 24).then_some(chip),
                segments,
                checksum,
                hashed: header == 24 && b[23] == 1,
            };
            return Ok(Some(esp));
        }
    }
    Ok(None)
}

fn esp(probe: &Probe<'_>) -> Option<Esp> {
    let mut window = yumen_kit_container::Window::new(probe.blob);
    let found = esp_list(&mut window, probe.blob.len()).ok()??;
    // One byte of magic proves nothing: the checksum must be right, too.
    (found.checksum < probe.blob.len() && esp_sum(probe.blob, &found).ok()? == window.get(found.checksum, 1).ok()?[0])
        .then_some(found)
}

fn esp_sum(blob: &yumen_model::Blob, esp: &Esp) -> Result<u8, InspectError> {
    let mut sum = 0xefu8;
    for (_, range) in &esp.segments {
        sweep(blob, range.clone(), 0, |_, bytes| {
            sum = bytes.iter().fold(sum, |s, b| s ^ b);
            None::<()>
        })?;
    }
    Ok(sum)
}

fn esp_image(to: &mut Container<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let Some(esp) = esp_list(&mut to.window, len)? else {
        return Err(InspectError::corrupt(0, "the list of segments is broken"));
    };
    to.container(0..esp.header)?;
    let mut item = InventoryItem::new(kinds::FIRMWARE_ECU)
        .with("container", "esp-image")
        .with("entry", hex(u64::from(esp.entry)))
        .with("segments", esp.segments.len());
    if let Some(chip) = esp.chip {
        const CHIPS: &[(u16, &str)] = &[
            (0, "esp32"),
            (2, "esp32s2"),
            (5, "esp32c3"),
            (9, "esp32s3"),
            (12, "esp32c2"),
            (13, "esp32c6"),
            (16, "esp32h2"),
            (18, "esp32p4"),
            (23, "esp32c5"),
        ];
        let name =
            CHIPS.iter().find(|(n, _)| *n == chip).map_or_else(|| format!("chip-{chip}"), |(_, n)| (*n).to_owned());
        item = item.with("architecture", name);
    }
    let mut ranges = Vec::new();
    for (i, (address, range)) in esp.segments.iter().enumerate() {
        ranges.push(format!("{}-{}", hex(u64::from(*address)), hex(u64::from(*address) + range.end - range.start)));
        to.container(range.start - 8..range.start)?;
        if i == 0 {
            let b = to.window.get(range.start, 256)?.to_vec();
            if b.len() == 256 && le32(&b, 0) == 0xabcd_5432 {
                for (name, at) in [("version", 16), ("project", 48), ("idf_version", 112)] {
                    if let Some(text) = field(&b[at..at + 32]) {
                        item = item.with(name, text);
                    }
                }
            }
        }
        code(to, range.clone())?;
    }
    let end = esp.segments.last().map_or(esp.header, |(_, r)| r.end);
    let stored = to.window.get(esp.checksum, 1)?.first().copied();
    if stored != Some(esp_sum(to.blob, &esp)?) {
        to.tell_at("checksum-mismatch", esp.checksum);
    }
    to.padding(end..esp.checksum)?;
    to.container(esp.checksum..esp.checksum + 1)?;
    let mut at = (esp.checksum + 1).min(len);
    if esp.hashed {
        let hash = to.window.get(at, 32)?.to_vec();
        let mut hasher = Sha256::new();
        sweep(to.blob, 0..at, 0, |_, bytes| {
            hasher.update(bytes);
            None::<()>
        })?;
        if hasher.finalize()[..] != hash[..] {
            to.tell_at("checksum-mismatch", at);
        }
        to.container(at..at + 32)?;
        at = (at + 32).min(len);
    }
    // Signature blocks of secure boot (version 2) fill the sector at the end.
    let mut signed = false;
    let mut sector = at.next_multiple_of(4096);
    while sector + 1216 <= len && sector - at < 64 << 10 {
        let b = to.window.get(sector, 4)?;
        if !matches!(b, [0xe7, 2 | 3, 0, 0]) {
            break;
        }
        signed = true;
        rest(to, at..sector, Place::Between)?;
        to.container(sector..sector + 1216)?;
        at = sector + 1216;
        sector += 1216;
    }
    rest(to, at..len, Place::After)?;
    to.inventory(item.with("address_ranges", ranges).with("signed", signed));
    Ok(())
}

/// The CRC of a DFU file: over all but its own four bytes, without the final inversion.
fn dfu_crc(blob: &yumen_model::Blob, end: u64) -> Result<bool, InspectError> {
    let Some(at) = end.checked_sub(4) else { return Ok(false) };
    let mut stored = [0; 4];
    blob.read_exact_at(at, &mut stored).map_err(|e| InspectError::read(at, &e))?;
    Ok(!crc_of(blob, 0..at)? == u32::from_le_bytes(stored))
}

fn dfu(to: &mut Container<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let suffix = to.window.get(len.saturating_sub(16), 16)?.to_vec();
    let mut end = len;
    let mut item = InventoryItem::new(kinds::FIRMWARE_ECU).with("container", "dfu");
    if suffix.len() == 16 && suffix[8..11] == *b"UFD" && u64::from(suffix[11]) <= len && suffix[11] >= 16 {
        if !dfu_crc(to.blob, len)? {
            to.tell_at("checksum-mismatch", len - 4);
        }
        end = len - u64::from(suffix[11]);
        item = item
            .with("version", format!("{:04x}", le16(&suffix, 0)))
            .with("product", format!("{:04x}", le16(&suffix, 2)))
            .with("vendor", format!("{:04x}", le16(&suffix, 4)));
        // The suffix may be longer than its fields.
        to.residue(end..len - 16, Place::After)?;
        to.container(len - 16..len)?;
    } else {
        to.tell_at("truncated", len);
    }
    let head = to.window.get(0, 11)?.to_vec();
    if !head.starts_with(b"DfuSe\x01") || head.len() < 11 {
        to.inventory(item.with("bytes", end));
        return to.hand_over_range(ChildMeta::named(b"image.bin"), 0..end);
    }
    to.container(0..11)?;
    let (mut at, mut segments, mut bytes) = (11u64, 0u64, 0u64);
    let mut ranges = Vec::new();
    for target in 0..head[10] {
        let prefix = to.window.get(at, 274)?.to_vec();
        if prefix.len() < 274 || !prefix.starts_with(b"Target") {
            to.tell_at("corrupt", at);
            break;
        }
        let (named, elements) = (le32(&prefix, 7) != 0, le32(&prefix, 270));
        to.container(at..at + 11)?;
        let n = memchr::memchr(0, &prefix[11..266]).unwrap_or(255) as u64;
        if named {
            to.comment(at + 11..at + 11 + n)?;
            to.padding(at + 11 + n..at + 266)?;
        } else {
            to.padding(at + 11..at + 266)?;
        }
        to.container(at + 266..at + 274)?;
        at += 274;
        for _ in 0..elements.min(65536) {
            let e = to.window.get(at, 8)?.to_vec();
            if e.len() < 8 || at + 8 > end {
                to.tell_at("truncated", at);
                break;
            }
            let (address, size) = (u64::from(le32(&e, 0)), u64::from(le32(&e, 4)));
            to.container(at..at + 8)?;
            let data = at + 8..(at + 8 + size).min(end);
            if at + 8 + size > end {
                to.tell_at("truncated", end);
                to.tell("incomplete-child");
            }
            let name =
                if head[10] > 1 { format!("target-{target}/{}", segment_name(address)) } else { segment_name(address) };
            at = data.end;
            segments += 1;
            bytes += data.end - data.start;
            if ranges.len() < 64 {
                ranges.push(format!("{}-{}", hex(address), hex(address + size)));
            }
            if data.start < data.end {
                to.hand_over_range(loaded(&name, address), data)?;
            }
        }
    }
    rest(to, at..end, Place::After)?;
    to.inventory(item.with("segments", segments).with("bytes", bytes).with("address_ranges", ranges));
    Ok(())
}

/// Where the parts of a TRX begin.
fn trx(b: &[u8], len: u64) -> Option<Vec<u64>> {
    let count = match le16(b, 14) {
        1 => 3,
        2 => 4,
        _ => return None,
    };
    let size = u64::from(le32(b, 4));
    let header = 16 + 4 * count as u64;
    if b.len() < 32 || size < header || len < header {
        return None;
    }
    let offsets: Vec<u64> = (0..count).map(|i| u64::from(le32(b, 16 + 4 * i))).filter(|&o| o != 0).collect();
    let rising = offsets.windows(2).all(|w| w[0] < w[1]);
    (rising && offsets.first().is_some_and(|&o| o >= header) && offsets.iter().all(|&o| o < size)).then_some(offsets)
}

fn read_trx(to: &mut Container<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let b = to.window.get(0, 32)?.to_vec();
    let Some(offsets) = trx(&b, len) else { return Err(InspectError::corrupt(0, "the header is broken")) };
    let size = u64::from(le32(&b, 4));
    let end = size.min(len);
    if size > len {
        to.tell_at("truncated", len);
    } else if !crc_of(to.blob, 12..size)? != le32(&b, 8) {
        to.tell_at("checksum-mismatch", 8);
    }
    let header = if le16(&b, 14) == 2 { 32 } else { 28 };
    to.container(0..header)?;
    to.padding(header..offsets.first().copied().unwrap_or(end).min(end))?;
    for (i, &start) in offsets.iter().enumerate() {
        let stop = offsets.get(i + 1).copied().unwrap_or(end).min(end);
        if start < stop {
            let meta = to.child(format!("p{}", i + 1).as_bytes());
            to.hand_over_range(meta, start..stop)?;
        }
    }
    to.inventory(
        InventoryItem::new(kinds::FIRMWARE_IMAGE)
            .with("container", "trx")
            .with("segments", offsets.len())
            .with("bytes", size),
    );
    rest(to, end..len, Place::After)?;
    if size > len { Err(InspectError::corrupt(len, "the image is cut short")) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
