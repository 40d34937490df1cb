//! RPM packages: lead, signature header, header, and a compressed cpio as the payload, which becomes a child.
//!
//! Source: rpm.org, "RPM V4 Package format"; rpmtag.h for the tags.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Batch, Cell, Certainty, ChildMeta, Context, EvidenceHeader, EvidenceKind, Format, Identity, InspectError,
    Inspection, InventoryItem, Label, Message, Probe, RecordBatch,
};

use yumen_kit_container::FormatReader;
use yumen_kit_container::window::num::be32;
use yumen_kit_container::{Container, Place};

/// Reads RPM packages.
pub(crate) struct Rpm;

const LEAD: &[u8; 4] = b"\xed\xab\xee\xdb";
const LEAD_LEN: u64 = 96;
const HEADER: &[u8; 4] = b"\x8e\xad\xe8\x01";
/// Limits of rpm itself: entries of an index, bytes of a store.
const MOST_ENTRIES: u32 = 0xffff;
const LONGEST_STORE: u32 = 256 << 20;
/// Strings that become evidence, at most, of one package; the longest one; bytes of all of them.
const MOST_VALUES: usize = 65_536;
const LONGEST_STRING: usize = 1 << 20;
const MOST_TEXT: usize = 3 << 20;
/// Work spent on the strings of a header, in bytes looked at; entries may all point at the same long string.
const MOST_WORK: u64 = 64 << 20;

const FORMATS: &[Format] = &[Format {
    name: "rpm",
    title: "RPM package",
    media_type: "application/x-rpm",
    extensions: &["rpm"],
    magic: "ED AB EE DB",
    reference: "rpm.org, RPM V4 Package format",
    evidence: "the payload as a child; name, version, vendor, change log and other tags as records; install scripts as children",
    limitations: &["signatures are not verified", "file names are read from the payload, not from the header"],
}];

impl FormatReader for Rpm {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        probe.head.starts_with(LEAD).then(|| Identity::new("rpm", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to, artifact);
        to.finish(result)
    }
}

fn run(to: &mut Container<'_>, artifact: &Artifact) -> Result<(), InspectError> {
    let len = to.len();
    to.container(0..LEAD_LEN.min(len))?;
    let mut at = LEAD_LEN;
    let Some(signature) = Index::read(to, at)? else { return broken(to, at) };
    to.container(at..signature.end)?;
    // The signature header is padded to a multiple of eight.
    at = signature.end.next_multiple_of(8).min(len);
    to.padding(signature.end..at)?;
    let Some(header) = Index::read(to, at)? else { return broken(to, at) };
    to.container(at..header.end)?;
    let signed = is_signed(to, &signature)? || is_signed(to, &header)?;
    let (compressor, package) = tags(to, artifact, &header)?;
    to.inventory(package.with("signed", signed));
    at = header.end;
    if at >= len {
        to.tell_at("truncated", len);
        return Ok(());
    }
    let suffix = suffix(to.window.get(at, 6)?, &compressor);
    to.hand_over_range(ChildMeta::named(format!("payload.cpio{suffix}").as_bytes()), at..len)
}

fn broken(to: &mut Container<'_>, at: u64) -> Result<(), InspectError> {
    let len = to.len();
    to.tell_at(if at >= len { "truncated" } else { "corrupt" }, at.min(len));
    to.residue(at.min(len)..len, Place::After)
}

/// The suffix of the payload's name: by its first bytes, else by what the header says.
fn suffix(head: &[u8], stated: &str) -> &'static str {
    match head {
        [0x1f, 0x8b, ..] => ".gz",
        [b'B', b'Z', b'h', ..] => ".bz2",
        [0xfd, b'7', b'z', b'X', b'Z', 0] => ".xz",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => ".zst",
        [b'0', b'7', b'0', b'7', b'0', ..] => "",
        _ => match stated {
            "gzip" => ".gz",
            "bzip2" => ".bz2",
            "xz" => ".xz",
            "lzma" => ".lzma",
            "zstd" => ".zst",
            _ => "",
        },
    }
}

/// A header structure: an index of entries of 16 bytes, and the store they point into.
struct Index {
    entries: Range<u64>,
    store: Range<u64>,
    end: u64,
}

impl Index {
    /// Reads the intro at `at`; none when it is not there or does not fit.
    fn read(to: &mut Container<'_>, at: u64) -> Result<Option<Index>, InspectError> {
        let head = to.window.get(at, 16)?;
        if head.len() < 16 || !head.starts_with(HEADER) {
            return Ok(None);
        }
        let (count, size) = (be32(head, 8), be32(head, 12));
        let entries = at + 16..at + 16 + u64::from(count) * 16;
        let store = entries.end..entries.end + u64::from(size);
        let fits = count <= MOST_ENTRIES && size <= LONGEST_STORE && store.end <= to.len();
        Ok(fits.then_some(Index { entries, end: store.end, store }))
    }
}

/// How a tag's values are called; tags that are only structure, or repeat what the payload says, have no name.
fn tag_name(tag: u32) -> Option<Cow<'static, str>> {
    Some(Cow::Borrowed(match tag {
        1000 => "name",
        1001 => "version",
        1002 => "release",
        1004 => "summary",
        1005 => "description",
        1007 => "build_host",
        1010 => "distribution",
        1011 => "vendor",
        1014 => "licence",
        1015 => "packager",
        1016 => "group",
        1020 => "url",
        1021 => "os",
        1022 => "arch",
        1044 => "source_rpm",
        1081 => "changelog_name",
        1082 => "changelog_text",
        1039 => "file_user",
        1040 => "file_group",
        1094 => "cookie",
        1123 => "disturl",
        5034 => "vcs",
        5062 => "encoding",
        // Digests, base names, directories, languages, dependencies: structure.
        63 | 100 | 1035 | 1036 | 1047..=1050 | 1054 | 1055 | 1097 | 1112..=1126 | 5000..=5200 => return None,
        other => return Some(Cow::Owned(format!("tag_{other}"))),
    }))
}

/// Scripts, by tag.
fn script_name(tag: u32) -> Option<&'static str> {
    Some(match tag {
        1023 => "[script]/prein",
        1024 => "[script]/postin",
        1025 => "[script]/preun",
        1026 => "[script]/postun",
        1079 => "[script]/verify",
        1151 => "[script]/pretrans",
        1152 => "[script]/posttrans",
        5104 => "[script]/preuntrans",
        5105 => "[script]/postuntrans",
        1065 => "[script]/trigger",
        _ => return None,
    })
}

/// Whether a header holds a signature: DSA, RSA, PGP, GPG, or a list of OpenPGP signatures.
fn is_signed(to: &mut Container<'_>, index: &Index) -> Result<bool, InspectError> {
    let mut at = index.entries.start;
    while at < index.entries.end {
        let entry = to.window.get(at, 16)?;
        // Of the main header some of these numbers are other tags, which hold texts.
        if matches!(be32(entry, 0), 267 | 268 | 278 | 1002 | 1005) && matches!(be32(entry, 4), 7 | 8) {
            return Ok(true);
        }
        at += 16;
    }
    Ok(false)
}

/// Sends the strings of a header as one record, hands over the scripts; returns the name of the payload's compressor, and the package.
fn tags(to: &mut Container<'_>, artifact: &Artifact, index: &Index) -> Result<(String, InventoryItem), InspectError> {
    let mut compressor = String::new();
    let mut scripts = Vec::new();
    let mut told: BTreeMap<u32, String> = BTreeMap::new();
    let mut batch = RecordBatch { records: vec![0], ..RecordBatch::default() };
    let mut text = String::new();
    let mut work = 0u64;
    let mut at = index.entries.start;
    while at < index.entries.end {
        let entry = to.window.get(at, 16)?;
        let (tag, kind, offset, count) = (be32(entry, 0), be32(entry, 4), be32(entry, 8), be32(entry, 12));
        at += 16;
        // 6, 8 and 9 are a string, an array of strings, a string in several languages.
        if !matches!(kind, 6 | 8 | 9) {
            continue;
        }
        let mut from = index.store.start + u64::from(offset);
        let script = script_name(tag);
        let name = tag_name(tag);
        if tag != 1125 && script.is_none() && name.is_none() {
            continue;
        }
        let column = u32::try_from(batch.names.len()).unwrap_or(u32::MAX);
        let mut used = false;
        for _ in 0..if kind == 6 { 1 } else { count.min(MOST_ENTRIES) } {
            if work > MOST_WORK {
                to.tell_at("limit", at);
                break;
            }
            let Some(value) = string(to, from..index.store.end)? else {
                work += LONGEST_STRING as u64;
                break;
            };
            work += value.len() as u64 + 64;
            let range = from..from + value.len() as u64;
            from = range.end + 1;
            if let Some(script) = script {
                if !value.is_empty() {
                    scripts.push(script.trim_start_matches("[script]/"));
                    to.hand_over_range(ChildMeta::named(script.as_bytes()), range)?;
                }
                continue;
            }
            let Ok(value) = String::from_utf8(value) else {
                // Not UTF-8: its encoding is for others to find out.
                to.comment(range)?;
                continue;
            };
            if tag == 1125 {
                compressor = value;
                break;
            }
            if value.is_empty() || batch.cells.len() >= MOST_VALUES || text.len() + value.len() > MOST_TEXT {
                continue;
            }
            used = true;
            if matches!(tag, 1000..=1002 | 1021 | 1022) {
                told.entry(tag).or_insert_with(|| value.clone());
            }
            let start = u32::try_from(text.len()).unwrap_or(u32::MAX);
            text.push_str(&value);
            let end = u32::try_from(text.len()).unwrap_or(u32::MAX);
            text.push(RecordBatch::CELL_END);
            batch.cells.push(Cell {
                name: column,
                column_index: 0,
                start,
                end,
                byte_start: range.start,
                byte_end: range.end,
                line: 1,
                column: 1,
                verbatim: true,
            });
            to.label(range, Label::Inspected)?;
        }
        if used {
            batch.names.extend(name.map(Cow::into_owned));
        }
    }
    if !batch.cells.is_empty() {
        batch.text = text.into();
        let header = EvidenceHeader {
            stream: 1,
            kind: EvidenceKind::Records,
            format: artifact.format.into(),
            name: artifact.name.clone(),
            properties: BTreeMap::new(),
        };
        to.send(Message::Evidence(header))?;
        to.send(Message::Batch { stream: 1, batch: Batch::Records(batch) })?;
        to.send(Message::EvidenceEnd { stream: 1 })?;
    }
    let mut text = |tag: u32| told.remove(&tag).unwrap_or_default();
    let version: Vec<_> = [text(1001), text(1002)].into_iter().filter(|t| !t.is_empty()).collect();
    scripts.dedup();
    let package = InventoryItem::new(kinds::SOFTWARE_PACKAGE)
        .with("package", text(1000))
        .with("version", version.join("-"))
        .with("target", text(1022))
        .with("os", text(1021))
        .with("scripts", scripts);
    Ok((compressor, package))
}

/// The bytes up to the next NUL; none when there is none in the range, or the string is longer than any real one.
fn string(to: &mut Container<'_>, range: Range<u64>) -> Result<Option<Vec<u8>>, InspectError> {
    let room = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
    for size in [256, 4096, 64 << 10, LONGEST_STRING] {
        let bytes = to.window.get(range.start, size.min(room))?;
        if let Some(end) = bytes.iter().position(|&b| b == 0) {
            return Ok(Some(bytes[..end].to_vec()));
        }
        if size >= room {
            break;
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
