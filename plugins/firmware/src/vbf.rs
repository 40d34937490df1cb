//! VBF, the Versatile Binary Format of Volvo and Ford: a header of text, then blocks with address, length and CRC-16.
//!
//! Source: Volvo/Ford "Versatile Binary Format", versions 1.2 to 2.6, as public flashing tools describe it.

use std::ops::Range;

use yumen_kit_container::window::num::{be16, be32};
use yumen_kit_container::window::{crc_of, sweep};
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe, Reason,
};

use crate::common::{hex, loaded, rest, segment_name};

/// The longest header that is read.
const MAX_HEADER: usize = 256 << 10;
/// Blocks of one file.
const MAX_BLOCKS: usize = 65536;

/// Reads VBF files.
pub(crate) struct Vbf;

const FORMATS: &[Format] = &[Format {
    name: "vbf",
    title: "Versatile Binary Format (Volvo, Ford)",
    media_type: "application/octet-stream",
    extensions: &["vbf"],
    magic: "`vbf_version =` and a block `header {`",
    reference: "Versatile Binary Format, versions 1.2 to 2.6",
    evidence: "the header as text; each block as a child named by its address; CRC-16 of blocks and checksum of the file checked; part numbers, ECU address, signing and encryption as inventory",
    limitations: &[
        "compressed blocks are told, not decompressed",
        "encrypted blocks are told, not opened",
        "signatures are told, not verified",
    ],
}];

impl FormatReader for Vbf {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let head = &probe.head[..probe.head.len().min(8192)];
        let at = memchr::memmem::find(head, b"vbf_version")?;
        // Only comments and blanks may stand before it.
        let before = &head[..at];
        if before.contains(&0) {
            return None;
        }
        let rest = head[at + 11..].trim_ascii_start();
        let number = rest.strip_prefix(b"=")?.trim_ascii_start();
        let header = memchr::memmem::find(number, b"header")?;
        let brace = number[header + 6..].trim_ascii_start();
        (number.first().is_some_and(|b| b.is_ascii_digit() || *b == b'"') && brace.first() == Some(&b'{'))
            .then(|| Identity::new("vbf", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = read(&mut to);
        to.finish(result)
    }
}

/// Where the header ends: behind the brace that closes `header {`; braces in strings and comments do not count.
fn header_end(text: &[u8]) -> Option<usize> {
    let start = memchr::memmem::find(text, b"vbf_version")?;
    let mut at = start;
    let mut depth = 0usize;
    while at < text.len() {
        match text[at] {
            b'"' => at += 1 + memchr::memchr(b'"', &text[at + 1..])?,
            b'/' if text.get(at + 1) == Some(&b'/') => at += memchr::memchr2(b'\n', b'\r', &text[at..])?,
            b'/' if text.get(at + 1) == Some(&b'*') => at += 1 + memchr::memmem::find(&text[at..], b"*/")?,
            b'{' => depth += 1,
            b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The settings of a header: names and values without quotes; of lists every value.
fn settings(text: &str) -> Vec<(String, Vec<String>)> {
    let mut clean = String::with_capacity(text.len());
    for line in text.lines() {
        let mut quoted = false;
        let mut end = line.len();
        for (i, c) in line.char_indices() {
            match c {
                '"' => quoted = !quoted,
                '/' if !quoted && line[i..].starts_with("//") => {
                    end = i;
                    break;
                }
                _ => {}
            }
        }
        clean.push_str(&line[..end]);
        clean.push('\n');
    }
    let mut out = Vec::new();
    for statement in clean.split(';') {
        let Some((name, value)) = statement.rsplit_once("header").map_or(statement, |(_, s)| s).split_once('=') else {
            continue;
        };
        let name = name.trim_matches(|c: char| c.is_whitespace() || c == '{' || c == '}').to_ascii_lowercase();
        let mut values = Vec::new();
        if value.contains('"') {
            values.extend(value.split('"').skip(1).step_by(2).map(|v| v.trim().to_owned()));
        } else {
            values.extend(
                value
                    .split(|c: char| c.is_whitespace() || matches!(c, '{' | '}' | ','))
                    .filter(|v| !v.is_empty())
                    .map(str::to_owned),
            );
        }
        if !name.is_empty() && out.len() < 256 {
            out.push((name, values));
        }
    }
    out
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xFFFF.
fn crc16(to: &Container<'_>, range: Range<u64>) -> Result<u16, InspectError> {
    let mut crc = 0xffffu16;
    sweep(to.blob, range, 0, |_, bytes| {
        for &b in bytes {
            crc ^= u16::from(b) << 8;
            for _ in 0..8 {
                crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
            }
        }
        None::<()>
    })?;
    Ok(crc)
}

fn read(to: &mut Container<'_>) -> Result<(), InspectError> {
    let len = to.len();
    let text = to.window.get(0, MAX_HEADER)?.to_vec();
    let Some(end) = header_end(&text) else {
        to.comment(0..(text.len() as u64).min(8192))?;
        return Err(InspectError::corrupt(0, "the header has no end"));
    };
    let header = end as u64;
    to.comment(0..header)?;
    let stated = settings(&String::from_utf8_lossy(&text[..end]));
    let all = |name: &str| stated.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default();
    let one = |name: &str| all(name).into_iter().next().unwrap_or_default();
    let method = number(&one("data_format_identifier")).unwrap_or(0);
    let (compressed, encrypted) = (method >> 4 & 15, method & 15);
    let reason = match (encrypted, compressed) {
        (0, 0) => None,
        (0, _) => Some(Reason::Unsupported),
        _ => Some(Reason::Encrypted),
    };
    let signed = stated
        .iter()
        .any(|(n, v)| n.starts_with("sw_signature") && v.iter().any(|v| !v.is_empty() && number(v) != Some(0)));
    let checksum = number(&one("file_checksum"));
    if let Some(sum) = checksum
        && u64::from(crc_of(to.blob, header..len)?) != sum
    {
        to.tell_at("checksum-mismatch", 0);
    }
    let mut at = header;
    let (mut blocks, mut bytes) = (0u64, 0u64);
    let mut ranges = Vec::new();
    let mut result = Ok(());
    while at + 8 <= len {
        let head = to.window.get(at, 8)?;
        let (address, size) = (u64::from(be32(head, 0)), u64::from(be32(head, 4)));
        let data = at + 8..at + 8 + size;
        if (size == 0 && address == 0) || blocks as usize >= MAX_BLOCKS {
            break;
        }
        if data.end > len {
            to.container(at..at + 8)?;
            to.tell("incomplete-child");
            block(to, address, data.start..len, reason)?;
            result = Err(InspectError::corrupt(at, "a block is cut short"));
            at = len;
            break;
        }
        to.container(at..at + 8)?;
        block(to, address, data.clone(), reason)?;
        blocks += 1;
        bytes += size;
        if ranges.len() < 64 {
            ranges.push(format!("{}-{}", hex(address), hex(address + size)));
        }
        let stored = to.window.get(data.end, 2)?.to_vec();
        if stored.len() < 2 {
            result = Err(InspectError::corrupt(data.end, "the checksum of a block is cut off"));
            at = len;
            break;
        }
        if crc16(to, data.clone())? != be16(&stored, 0) {
            to.tell_at("checksum-mismatch", data.end);
        }
        to.container(data.end..data.end + 2)?;
        at = data.end + 2;
    }
    rest(to, at..len, Place::After)?;
    if reason.is_some() {
        to.tell_at(if encrypted != 0 { "encrypted" } else { "unsupported-method" }, header);
    }
    let mut parts = all("sw_part_number");
    parts.extend(all("sw_current_part_number"));
    parts.dedup();
    let mut item = InventoryItem::new(kinds::FIRMWARE_ECU)
        .with("container", "vbf")
        .with("part_numbers", parts)
        .with("version", one("sw_version"))
        .with("types", all("sw_part_type"))
        .with("target", one("ecu_address"))
        .with("description", all("description"))
        .with("network", all("network"))
        .with("segments", blocks)
        .with("bytes", bytes)
        .with("address_ranges", ranges)
        .with("signed", signed)
        .with("encrypted", encrypted != 0)
        .with("compressed", compressed != 0);
    let entry = one("call");
    if !entry.is_empty() {
        item = item.with("entry", entry);
    }
    to.inventory(item);
    result
}

fn block(to: &mut Container<'_>, address: u64, data: Range<u64>, reason: Option<Reason>) -> Result<(), InspectError> {
    if data.start >= data.end {
        return Ok(());
    }
    let mut meta = loaded(&segment_name(address), address);
    meta.opaque = reason;
    to.hand_over_range(meta, data)
}

#[cfg(test)]
mod tests;
