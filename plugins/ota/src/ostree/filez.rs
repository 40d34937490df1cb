//! A file of an archive repository: length of the header in four bytes and four zeros, the header, content as a raw deflate stream.

use flate2::{Decompress, FlushDecompress, Status};
use serde_json::Value;
use yumen_kit_container::window::num::{be32, be64};
use yumen_kit_container::{Container, Place};
use yumen_model::{Artifact, Blob, ChildMeta, InspectError, Message, Reason, Stop};

use super::Object;
use crate::gvariant::{Node, parse};

/// Longest header, in bytes.
const LONGEST: u64 = 1 << 20;
/// Where the header begins.
const START: u64 = 8;
const PIECE: usize = 64 << 10;

/// What stands before the content.
pub(super) struct Header {
    bytes: Vec<u8>,
    node: Node,
}

impl Header {
    /// The header, when there is one.
    pub(super) fn of(blob: &Blob) -> Option<Header> {
        let head = blob.bytes(0..START).ok()?;
        let len = u64::from(be32(&head, 0));
        if head.len() < 8 || be32(&head, 4) != 0 || !(24..=LONGEST).contains(&len) {
            return None;
        }
        let bytes = blob.bytes(0..START + len).ok().filter(|b| b.len() as u64 == START + len)?;
        let node = parse("(tuuuusa(ayay))", bytes.get(8..)?)?;
        let header = Header { bytes, node };
        matches!(header.number(3) & 0o170_000, 0o100_000 | 0o120_000).then_some(header)
    }

    /// A number of 32 bits, big-endian.
    fn number(&self, i: usize) -> u32 {
        match self.node.list().get(i) {
            Some(Node::Fixed(range)) => be32(&self.bytes, 8 + range.start),
            _ => 0,
        }
    }

    fn end(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// Opens a file.
pub(super) fn open(to: &mut Container<'_>, artifact: &Artifact) -> Result<(), InspectError> {
    let header = Header::of(&artifact.blob).ok_or(InspectError::corrupt(0, "the header of the file is broken"))?;
    let at = header.end();
    to.container(0..at)?;
    // Texts of the header stand 8 bytes behind their place in it.
    let shifted = shift(&header.node);
    let mut object = Object { to, bytes: &header.bytes };
    object.node(shifted.list().get(5))?;
    object.attributes(shifted.list().get(6).map(Node::list).unwrap_or_default())?;
    let link = header.number(3) & 0o170_000 == 0o120_000;
    if link {
        to.tell("link");
    }
    if at >= to.len() {
        if !link {
            to.tell_at("truncated", at);
        }
        return Ok(());
    }
    let size = be64(&header.bytes, 8);
    let name = artifact.base_name();
    let mut meta = ChildMeta::named(name.strip_suffix(".filez").unwrap_or(name).as_bytes());
    meta.encoded = Some(to.len() - at);
    meta.attributes = [("mode", header.number(3) & 0o7777), ("uid", header.number(1)), ("gid", header.number(2))]
        .into_iter()
        .map(|(k, v)| (k.to_owned(), Value::from(v)))
        .collect();
    inflate(to, meta, at, size)
}

fn shift(node: &Node) -> Node {
    match node {
        Node::Fixed(r) => Node::Fixed(r.start + 8..r.end + 8),
        Node::Text(r) => Node::Text(r.start + 8..r.end + 8),
        Node::Bytes(r) => Node::Bytes(r.start + 8..r.end + 8),
        Node::List(list) => Node::List(list.iter().map(shift).collect()),
        Node::Variant(inner) => Node::Variant(Box::new(shift(inner))),
    }
}

/// Decodes the content, `size` bytes by what the header says.
fn inflate(to: &mut Container<'_>, meta: ChildMeta, from: u64, size: u64) -> Result<(), InspectError> {
    let len = to.len();
    to.send(Message::ChildStart { meta })?;
    let mut inflater = Decompress::new(false);
    let mut output = vec![0; PIECE];
    let (mut at, mut whole) = (from, false);
    loop {
        let input = to.window.get(at, PIECE)?.to_vec();
        let (before_in, before_out) = (inflater.total_in(), inflater.total_out());
        let status = inflater.decompress(&input, &mut output, FlushDecompress::None);
        let taken = inflater.total_in() - before_in;
        let made = usize::try_from(inflater.total_out() - before_out).unwrap_or(0);
        at += taken;
        if made > 0 {
            let piece = output.get(..made).unwrap_or_default();
            match to.send(Message::ChildBytes(piece.into())) {
                Ok(()) => {}
                // The engine has closed the child.
                Err(Stop::Child(reason)) => return to.opaque(from..len, reason),
                Err(stop) => return Err(stop.into()),
            }
        }
        match status {
            Ok(Status::StreamEnd) => {
                whole = true;
                break;
            }
            Ok(_) if taken > 0 || made > 0 => {}
            _ => break,
        }
    }
    let right = whole && inflater.total_out() == size;
    to.send(Message::ChildEnd { complete: whole })?;
    to.container(from..at)?;
    if !whole {
        to.tell_at(if at >= len { "truncated" } else { "corrupt" }, at);
        to.tell("incomplete-child");
        return to.opaque(at..len, Reason::Corrupt);
    }
    if !right {
        to.tell_at("checksum-mismatch", from);
    }
    to.residue(at..len, Place::After)
}
