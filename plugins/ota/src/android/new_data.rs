//! Block-based OTA packages of devices without A/B partitions: the transfer list says where the blocks in `NAME.new.dat` (or `.new.dat.br`) belong.
//!
//! Source: AOSP build/make/tools/releasetools/blockimgdiff.py, bootable/recovery/updater/blockimg.cpp.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};

use serde_json::{Value, json};
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_model::blob::BlobReader;
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, ChildMeta, Context, Extent, Format, GroupFact, Grouper, Identity, InspectError, Inspection,
    InventoryItem, Member, Message, Need, Probe, Reason, Stop,
};

/// What a transfer list lends to the data beside it.
const KEY: &str = "android-transfer-list";
const BLOCK: u64 = 4096;
/// Ranges lent at most; real lists have some thousand.
const MOST_RANGES: usize = 1 << 16;
/// Bytes handed over at once.
const PIECE: usize = 256 << 10;

const COMMANDS: [&str; 12] = [
    "erase",
    "new",
    "zero",
    "move",
    "bsdiff",
    "imgdiff",
    "stash",
    "free",
    "abort",
    "compute_hash_tree",
    "verify",
    "copy",
];

/// Whether text is a transfer list, by its first lines.
pub(super) fn is_transfer_list(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(64 << 10)).unwrap_or_default());
    let mut lines = text.lines();
    let number = |line: Option<&str>| line.and_then(|l| l.trim().parse::<u64>().ok());
    let (Some(version), Some(_)) = (number(lines.next()), number(lines.next())) else { return false };
    if !(1..=4).contains(&version) {
        return false;
    }
    let mut rest = lines.skip(if version >= 2 { 2 } else { 0 });
    rest.next().is_none_or(|line| line.split(' ').next().is_some_and(|word| COMMANDS.contains(&word)))
}

/// Pairs of blocks: `4,0,10,20,30`.
fn ranges(word: &str) -> Option<Vec<(u64, u64)>> {
    let numbers: Vec<u64> = word.split(',').map(|n| n.trim().parse().ok()).collect::<Option<_>>()?;
    let (count, pairs) = numbers.split_first()?;
    let sane = *count == pairs.len() as u64 && pairs.len() % 2 == 0 && pairs.chunks_exact(2).all(|p| p[0] < p[1]);
    sane.then(|| pairs.chunks_exact(2).map(|p| (p[0], p[1])).collect())
}

/// Reads a transfer list: lends the map of new blocks, returns what it tells.
pub(super) fn transfer_list(artifact: &Artifact, out: &mut dyn Inspection) -> Result<InventoryItem, InspectError> {
    let mut new: Vec<(u64, u64)> = Vec::new();
    let mut counts = std::collections::BTreeMap::<&str, u64>::new();
    let mut old = false;
    let mut usable = true;
    let reader = BufReader::new(artifact.blob.reader());
    // A line that is longer than any real one is cut; then the map is not lent.
    let mut lines = reader.take(256 << 20);
    let mut line = String::new();
    let (mut version, mut blocks) = (0u64, 0u64);
    let mut n = 0u64;
    loop {
        line.clear();
        match (&mut lines).take(8 << 20).read_line(&mut line) {
            Ok(0) => break,
            Ok(_) => {}
            Err(_) => {
                usable = false;
                break;
            }
        }
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match n {
            0 => version = words.first().and_then(|w| w.parse().ok()).unwrap_or(0),
            1 => blocks = words.first().and_then(|w| w.parse().ok()).unwrap_or(0),
            2 | 3 if version >= 2 => {}
            _ => {
                let Some(&command) = words.first().and_then(|w| COMMANDS.iter().find(|c| *c == w)) else { continue };
                *counts.entry(command).or_default() += 1;
                old |= matches!(command, "move" | "bsdiff" | "imgdiff" | "stash" | "copy");
                if command == "new" {
                    match words.get(1).and_then(|w| ranges(w)) {
                        Some(list) if new.len() + list.len() <= MOST_RANGES => new.extend(list),
                        _ => usable = false,
                    }
                }
            }
        }
        n += 1;
    }
    if usable && !new.is_empty() {
        let pairs: Vec<Value> = new.iter().map(|&(a, b)| json!([a, b])).collect();
        let value = json!({"new": pairs, "delta": old});
        out.send(Message::Export(GroupFact { key: KEY.to_owned(), value }))?;
    }
    let counts: Vec<_> = counts.iter().map(|(name, n)| format!("{name}: {n}")).collect();
    Ok(InventoryItem::new(kinds::SOFTWARE_PACKAGE)
        .with("delta", old)
        .with("operations", counts)
        .with("image_bytes", blocks.saturating_mul(BLOCK)))
}

/// Gives data the list of the same partition.
pub(crate) struct TransferGrouper;

impl Grouper for TransferGrouper {
    fn key(&self) -> &'static str {
        KEY
    }

    fn grant(&self, needy: &Member<'_>, neighbours: &[Member<'_>]) -> Vec<Value> {
        let Some(stem) = stem(needy.name) else { return Vec::new() };
        neighbours
            .iter()
            .filter(|m| m.name.strip_suffix(".transfer.list") == Some(stem))
            .flat_map(|m| m.exports.iter().map(|v| (*v).clone()))
            .take(1)
            .collect()
    }
}

/// `system` of `system.new.dat` and `system.new.dat.br`.
fn stem(name: &str) -> Option<&str> {
    let base = name.rsplit('/').next().unwrap_or(name);
    base.strip_suffix(".br").unwrap_or(base).strip_suffix(".new.dat").filter(|s| !s.is_empty())
}

/// Reads the data.
pub(crate) struct NewData;

const FORMATS: &[Format] = &[
    Format {
        name: "android-new-data",
        title: "New blocks of a block-based Android OTA package",
        media_type: "application/octet-stream",
        extensions: &[],
        magic: "the name `*.new.dat`",
        reference: "AOSP build/make/tools/releasetools/blockimgdiff.py",
        evidence: "the image as a child, put together by the transfer list beside it; without one, the blocks in their order",
        limitations: &["blocks that an incremental package takes from the old image are zeros"],
    },
    Format {
        name: "brotli",
        title: "Brotli stream in an Android OTA package",
        media_type: "application/octet-stream",
        extensions: &[],
        magic: "the name `*.dat.br`, and a beginning that decodes",
        reference: "RFC 7932",
        evidence: "as `android-new-data`; without a transfer list the decoded stream as a child",
        limitations: &[
            "recognised by name only, since the format has no signature: elsewhere than in OTA packages it is not opened",
        ],
    },
];

impl FormatReader for NewData {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        stem(probe.name).filter(|_| !probe.blob.is_empty()).or_else(|| probe.name.strip_suffix(".dat.br"))?;
        if probe.extension() != "br" {
            return Some(Identity::new("android-new-data", Certainty::Specific));
        }
        let mut buffer = [0; 4096];
        let mut decoder = brotli_decompressor::Decompressor::new(probe.head, 4096);
        let begins = decoder.read(&mut buffer).is_ok_and(|n| n > 0) || probe.blob.len() <= 8;
        begins.then(|| Identity::new("brotli", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let map = granted(context);
        if map.is_none() {
            out.send(Message::Need(Need { key: KEY.to_owned() }))?;
        }
        let mut to = Container::new(artifact, out);
        let result = if artifact.format == "brotli" {
            brotli(&mut to, artifact.base_name(), map.as_deref())
        } else {
            stored(&mut to, artifact.base_name(), map.as_deref())
        };
        to.finish(result)
    }
}

fn granted(context: &Context) -> Option<Vec<(u64, u64)>> {
    let list = context.facts(KEY).next()?.get("new")?.as_array()?;
    list.iter().take(MOST_RANGES).map(|p| Some((p.get(0)?.as_u64()?, p.get(1)?.as_u64()?))).collect()
}

fn image_name(name: &str) -> String {
    format!("{}.img", stem(name).unwrap_or(name))
}

/// The blocks as they stand: pieces of the image.
fn stored(to: &mut Container<'_>, name: &str, map: Option<&[(u64, u64)]>) -> Result<(), InspectError> {
    let len = to.len();
    let meta = ChildMeta::named(image_name(name).as_bytes());
    let Some(map) = map else {
        // A block of zeros behind it: an artifact can't be its own child.
        return to.hand_over(meta, vec![Extent::of(0..len), Extent::Zero { len: BLOCK }]);
    };
    let mut pieces: Vec<(u64, u64, u64)> = Vec::new();
    let mut from = 0u64;
    for &(start, end) in map {
        let n = (end - start.min(end)).saturating_mul(BLOCK);
        pieces.push((start.saturating_mul(BLOCK), from, n));
        from = from.saturating_add(n);
    }
    if from > len {
        to.tell_at("truncated", len);
    }
    pieces.sort_unstable();
    let mut extents = Vec::new();
    let mut at = 0u64;
    for (start, from, n) in pieces {
        if start < at {
            to.tell("corrupt");
            to.slack(from.min(len)..from.saturating_add(n).min(len))?;
            continue;
        }
        if start > at {
            extents.push(Extent::Zero { len: start - at });
        }
        let here = from.min(len)..from.saturating_add(n).min(len);
        let missing = n - (here.end - here.start);
        extents.push(Extent::of(here));
        extents.push(Extent::Zero { len: missing });
        at = start.saturating_add(n);
    }
    extents.retain(|e| !e.is_empty());
    if matches!(extents[..], [Extent::Data { .. }]) {
        extents.push(Extent::Zero { len: BLOCK });
    }
    to.hand_over(meta, extents)?;
    if from < len { to.residue(from..len, Place::After) } else { Ok(()) }
}

/// Decodes the stream into the image where its blocks come in rising order, else as it is.
fn brotli(to: &mut Container<'_>, name: &str, map: Option<&[(u64, u64)]>) -> Result<(), InspectError> {
    let len = to.len();
    let rising = map.filter(|m| m.windows(2).all(|w| w[0].1 <= w[1].0));
    let name = match rising {
        Some(_) => image_name(name),
        None => name.strip_suffix(".br").unwrap_or(name).to_owned(),
    };
    let meta = ChildMeta { encoded: Some(len), ..ChildMeta::named(name.as_bytes()) };
    let mut decoder = brotli_decompressor::Decompressor::new(to.blob.reader(), 64 << 10);
    let whole = [(0, u64::MAX / BLOCK)];
    let mut result = to.send(Message::ChildStart { meta });
    let mut broken = false;
    let mut at = 0u64;
    let mut buffer = vec![0; PIECE];
    'all: for &(start, end) in rising.unwrap_or(&whole) {
        let (start, end) = (start.saturating_mul(BLOCK), end.saturating_mul(BLOCK));
        if result.is_ok() && start > at {
            result = to.send(Message::ChildZeros(start - at));
        }
        at = at.max(start);
        while result.is_ok() && at < end {
            let most = usize::try_from(end - at).unwrap_or(usize::MAX).min(PIECE);
            match fill(&mut decoder, &mut buffer[..most]) {
                Ok(0) => {
                    // With a map the end comes with the last range.
                    broken |= rising.is_some();
                    break 'all;
                }
                Ok(n) => {
                    result = to.send(Message::ChildBytes(Cow::Borrowed(&buffer[..n])));
                    at += n as u64;
                }
                Err(e) if e.kind() == std::io::ErrorKind::TimedOut => return Err(InspectError::read(0, &e)),
                Err(_) => {
                    broken = true;
                    break 'all;
                }
            }
        }
    }
    match result {
        Err(Stop::Child(reason)) => to.opaque(0..len, reason),
        Err(stop) => Err(stop.into()),
        Ok(()) => {
            to.send(Message::ChildEnd { complete: !broken })?;
            if broken {
                to.tell_at("corrupt", 0);
                return to.opaque(0..len, Reason::Corrupt);
            }
            to.container(0..len)
        }
    }
}

/// Reads until the buffer is full or nothing is left.
fn fill(decoder: &mut brotli_decompressor::Decompressor<BlobReader>, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match decoder.read(&mut buffer[done..]) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            // What was decoded before the fault still counts.
            Err(_) if done > 0 => break,
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests;
