//! Memo files of dBase tables: `.dbt` of dBase III and IV, `.fpt` of FoxPro. The texts go on as one child, one after another.

use yumen_kit_container::window::num::{be16, be32, le16, le32};
use yumen_kit_container::{Container, FormatReader};
use yumen_model::{
    Artifact, Certainty, ChildMeta, Context, Format, Identity, InspectError, Inspection, InspectionExt, Label, Probe,
    Stop,
};

use super::emit::Via;

/// Documentation of `dbf-memo`.
const MEMO: Format = Format {
    name: "dbf-memo",
    title: "Memo file of a dBase table",
    media_type: "application/octet-stream",
    extensions: &["fpt", "dbt"],
    magic: "named .fpt or .dbt, a number of the next free block and a block size that fit the length, and a first block that begins as one",
    reference: "https://www.clicketyclick.dk/databases/xbase/format/dbt.html; https://www.clicketyclick.dk/databases/xbase/format/fpt.html",
    evidence: "a child of all texts, a line end between them",
    limitations: &[
        "Blocks that no memo uses are read as raw bytes.",
        "Pictures and objects in memos are children of their own.",
    ],
};

/// Reads memo files.
pub(crate) struct Memo;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Texts end with 0x1A; blocks of 512 bytes.
    Three,
    /// Blocks begin with FF FF 08 00 and a length.
    Four,
    /// Blocks begin with type and length, big-endian.
    Fox,
}

struct Head {
    kind: Kind,
    block: u64,
    first: u64,
}

fn head(bytes: &[u8], extension: &str, len: u64) -> Option<Head> {
    if bytes.len() < 512 {
        return None;
    }
    let fits = |next: u32, block: u64| u64::from(next).saturating_mul(block) <= len + block && next > 0;
    if extension == "fpt" {
        let block = u64::from(be16(bytes, 6)).max(1);
        return fits(be32(bytes, 0), block).then_some(Head {
            kind: Kind::Fox,
            block,
            first: 512u64.next_multiple_of(block),
        });
    }
    if extension != "dbt" {
        return None;
    }
    let block = u64::from(le16(bytes, 20));
    let four = [512, block].into_iter().find(|&at| {
        let at = usize::try_from(at).unwrap_or(0);
        bytes.get(at..at + 4) == Some(&[0xFF, 0xFF, 8, 0])
    });
    if let Some(first) = four.filter(|&f| f > 0) {
        let block = if block == 0 { 512 } else { block };
        return fits(le32(bytes, 0), block).then_some(Head { kind: Kind::Four, block, first });
    }
    fits(le32(bytes, 0), 512).then_some(Head { kind: Kind::Three, block: 512, first: 512 })
}

impl FormatReader for Memo {
    fn formats(&self) -> &'static [Format] {
        &[MEMO]
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        head(probe.head, &probe.extension(), probe.blob.len()).map(|_| Identity::new(MEMO.name, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut c = Container::new(artifact, out);
        let result = read(artifact, &mut c);
        c.finish(result)
    }
}

/// Where a memo stands, where its block ends, and whether it is text.
fn memo(c: &mut Container<'_>, head: &Head, at: u64) -> Result<Option<(u64, u64, bool)>, InspectError> {
    let len = c.len();
    match head.kind {
        Kind::Three => {
            let end = yumen_kit_container::window::sweep(c.blob, at..len, 0, |from, bytes| {
                memchr::memchr(0x1A, bytes).map(|i| from + i as u64)
            })?;
            Ok(end.map(|end| (at, end, true)))
        }
        Kind::Four => {
            let bytes = c.window.get(at, 8)?;
            let size = u64::from(le32(bytes, 4));
            let used = bytes.starts_with(&[0xFF, 0xFF, 8, 0]) && size >= 8 && at + size <= len;
            Ok(used.then_some((at + 8, at + size, true)))
        }
        Kind::Fox => {
            let bytes = c.window.get(at, 8)?;
            let (kind, size) = (be32(bytes, 0), u64::from(be32(bytes, 4)));
            let used = kind <= 2 && size > 0 && bytes.len() == 8 && at + 8 + size <= len;
            Ok(used.then_some((at + 8, at + 8 + size, kind == 1)))
        }
    }
}

fn read(artifact: &Artifact, c: &mut Container<'_>) -> Result<(), InspectError> {
    let bytes = c.window.get(0, 4096)?.to_vec();
    let Some(head) = head(&bytes, &artifact.extension(), c.len()) else {
        return Err(InspectError::corrupt(0, "not the head of a memo file"));
    };
    let len = c.len();
    let first = head.first.min(len);
    c.container(0..first)?;
    let mut texts = Vec::new();
    let mut at = first;
    let mut objects = 0;
    while at < len {
        let Some((from, to, text)) = memo(c, &head, at)? else {
            // A block of no memo: free, or the middle of one that was given up.
            // Without an end mark from here to the end there is none further on either.
            let end = if head.kind == Kind::Three { len } else { (at + head.block).min(len) };
            c.unallocated(at..end)?;
            at = end;
            continue;
        };
        c.container(at..from)?;
        if text {
            texts.push(from..to);
        } else {
            objects += 1;
            c.hand_over_range(ChildMeta::named(format!("object-{objects}").as_bytes()), from..to)?;
        }
        let used = to - first;
        let next = (first + used.next_multiple_of(head.block).max(head.block)).min(len);
        // The end mark, and what the block held before.
        let mark = if head.kind == Kind::Three { 2.min(next.saturating_sub(to)) } else { 0 };
        c.container(to..to + mark)?;
        c.unallocated(to + mark..next)?;
        at = next.max(at + 1);
    }
    if texts.is_empty() {
        return Ok(());
    }
    let mut refused = None;
    let meta =
        ChildMeta { encoded: Some(texts.iter().map(|t| t.end - t.start).sum()), ..ChildMeta::named(b"memo.txt") };
    match Via(c).child_start(meta) {
        Ok(()) => {}
        Err(Stop::Child(reason)) => refused = Some(reason),
        Err(stop) => return Err(stop.into()),
    }
    for range in texts {
        let mut from = range.start;
        while refused.is_none() && from < range.end {
            let to = range.end.min(from + (64 << 10));
            let mut bytes = c.blob.bytes(from..to).map_err(|e| InspectError::read(from, &e))?.to_vec();
            if to == range.end {
                bytes.push(b'\n');
            }
            match Via(c).child_bytes(&bytes) {
                Ok(()) => c.container(from..to)?,
                Err(Stop::Child(reason)) => refused = Some(reason),
                Err(stop) => return Err(stop.into()),
            }
            if refused.is_none() {
                from = to;
            }
        }
        if let Some(reason) = refused {
            c.label(from..range.end, Label::Opaque(reason))?;
        }
    }
    if refused.is_none() {
        match Via(c).child_end(true) {
            Ok(()) | Err(Stop::Child(_)) => {}
            Err(stop) => return Err(stop.into()),
        }
    }
    Ok(())
}
