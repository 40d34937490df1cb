//! Opens a zip by its central directory: members in the order of their place, and what lies between them.

use std::ops::Range;

use memchr::memmem;
use serde_json::Value;
use yumen_model::kind::kinds;
use yumen_model::{Artifact, ChildMeta, InspectError, Inspection, InventoryItem, Reason};

use super::codec::{Decoded, Decoder, Outcome};
use super::end::{self, END, END_LEN, End};
use super::entry::{Central, DESCRIPTOR, Header, Local};
use super::{apk, ota, walk};
use yumen_kit_container::window::num::{le32, le64};
use yumen_kit_container::window::{CHECKED_STORED, crc_of, find};
use yumen_kit_container::{Container, Place};

/// The end mark of a range coder, which a decoder that knows the length does not read.
const CODER_TAIL: u64 = 16;

/// A zip on its way.
pub(super) struct Reader<'a> {
    /// The artifact and where all goes.
    pub(super) to: Container<'a>,
    decoder: Decoder,
    /// Bytes of overlapping members that were handed over.
    overlapping: u64,
    /// Bytes that may still be searched for the ends of members whose length is not stated.
    pub(super) search: u64,
    /// It is an OTA package.
    android: bool,
}

/// An entry of the directory, remembered in 24 bytes.
struct Slot {
    /// Where its local header is.
    offset: u64,
    /// Length of its stored form.
    encoded: u64,
    /// Where its header in the directory is.
    at: u64,
}

/// Opens a zip.
pub(super) fn open(artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
    let mut reader = Reader {
        to: Container::new(artifact, out),
        decoder: Decoder::new(),
        overlapping: 0,
        search: 0,
        android: artifact.format == "android-ota",
    };
    reader.search = reader.to.len().saturating_mul(4).saturating_add(64 << 20);
    let result = reader.run();
    reader.to.finish(result)
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), InspectError> {
        let len = self.to.len();
        let Some(end) = end::locate(self.to.blob, &mut self.to.window)? else {
            // No directory: what is there is found by its local headers.
            self.to.tell_at("truncated", len);
            return walk::walk(self, 0..len, Place::After);
        };
        if end.spanned {
            self.to.tell("spanned");
        }
        if end.encrypted {
            self.to.tell("encrypted");
            self.to.opaque(end.directory.clone(), Reason::Encrypted)?;
            walk::walk(self, 0..end.directory.start, Place::Between)?;
        } else {
            let slots = self.directory(&end)?;
            if self.android {
                let signed = end::whole_file_signature(&mut self.to.window, &end.comment)?.is_some();
                let mut told = false;
                for slot in &slots {
                    told = ota::tell(&mut self.to, slot.at, slot.offset, end.directory.clone(), signed)?;
                    if told {
                        break;
                    }
                }
                if !told {
                    // An old or odd package; that it is one is worth telling all the same.
                    self.to.inventory(InventoryItem::new(kinds::SOFTWARE_PACKAGE).with("signed", signed));
                }
            }
            self.members(&end, &slots)?;
        }
        self.records(&end)
    }

    /// Reads the directory once: labels it, takes its comments, remembers where the members are, in the order of their place.
    fn directory(&mut self, end: &End) -> Result<Vec<Slot>, InspectError> {
        let mut slots = Vec::new();
        let mut at = end.directory.start;
        while let Some(central) = Central::read(&mut self.to.window, at, end.directory.end)? {
            self.to.container(at..central.end)?;
            if central.comment.start < central.comment.end {
                self.to.comment(central.comment.clone())?;
            }
            for piece in central.header.foreign {
                self.to.slack(piece)?;
            }
            if central.disk == end.disk || central.disk == 0xffff {
                match central.offset.checked_add(end.base) {
                    Some(offset) => slots.push(Slot { offset, encoded: central.header.encoded, at }),
                    None => self.to.tell_at("bad-entry", at),
                }
            } else {
                // It begins on another volume.
                self.to.tell("spanned");
            }
            at = central.end;
        }
        // A digital signature may close the directory.
        if self.to.window.get(at, 4)? == *b"PK\x05\x05" && at + 6 <= end.directory.end {
            let head = self.to.window.get(at + 4, 2)?;
            let after = at + 6 + u64::from(yumen_kit_container::window::num::le16(head, 0));
            if after <= end.directory.end {
                self.to.container(at..after)?;
                at = after;
            }
        }
        if at < end.directory.end {
            self.to.tell_at("corrupt", at);
            self.between(at..end.directory.end, Place::Between)?;
        } else if slots.len() as u64 % 65536 != end.entries % 65536 && !end.spanned {
            self.to.tell_at("bad-entry", end.at);
        }
        slots.sort_by_key(|s| (s.offset, s.at));
        Ok(slots)
    }

    fn members(&mut self, end: &End, slots: &[Slot]) -> Result<(), InspectError> {
        let limit = end.directory.start;
        // Everything before this offset is accounted for.
        let mut done = 0;
        let mut first = true;
        let mut before: Option<(u64, u64, u16)> = None;
        for slot in slots {
            let Some(central) = Central::read(&mut self.to.window, slot.at, end.directory.end)? else { continue };
            let local = Local::read(&mut self.to.window, slot.offset, limit)?;
            let Some(local) = local else {
                self.to.tell_at("bad-entry", slot.at);
                continue;
            };
            if slot.offset < done {
                let this = (slot.offset, slot.encoded, central.header.method);
                if before == Some(this) {
                    // The same stored bytes under a second entry.
                    self.to.child(&central.header.name);
                } else {
                    self.overlap(&central, &local, limit)?;
                }
                continue;
            }
            if slot.offset > done {
                self.between(done..slot.offset, if first { Place::Before } else { Place::Between })?;
            }
            first = false;
            before = Some((slot.offset, slot.encoded, central.header.method));
            done = self.member(slot.offset, &central, &local, limit)?;
        }
        let place = if first { Place::Before } else { Place::Between };
        match apk::signing_block(&mut self.to, done..limit)? {
            Some(block) => {
                self.between(done..block.start, place)?;
                apk::open(&mut self.to, block)
            }
            None => self.between(done..limit, place),
        }
    }

    /// Opens a member whose two headers were read; returns the offset behind it.
    fn member(&mut self, at: u64, central: &Central, local: &Local, limit: u64) -> Result<u64, InspectError> {
        self.to.container(at..local.data)?;
        for piece in &local.header.foreign {
            self.to.slack(piece.clone())?;
        }
        let mut header = central.header.clone();
        if disagree(&header, &local.header) {
            self.to.tell_at("bad-entry", at);
        }
        // Both must say that it is encrypted: a bit in the directory alone stops no reader.
        if header.encrypted() != local.header.encrypted() {
            header.flags &= !1;
        }
        header.aes |= local.header.aes;
        let data = local.data..local.data.saturating_add(header.encoded).min(limit);
        let cut = data.end - data.start < header.encoded;
        if cut {
            self.to.tell_at("truncated", data.end);
        }
        self.content(&header, central.symlink(), data.clone(), cut)?;
        let after = if local.header.streamed() || header.streamed() {
            self.descriptor(data.end, limit, &header)?
        } else {
            data.end
        };
        self.to.container(data.end..after)?;
        Ok(after)
    }

    /// Hands over or decodes the content of a member that fills `data`.
    pub(super) fn content(
        &mut self,
        header: &Header,
        symlink: bool,
        data: Range<u64>,
        cut: bool,
    ) -> Result<(), InspectError> {
        let len = data.end - data.start;
        let mut name = header.name.as_slice();
        while let [rest @ .., b'/'] = name {
            name = rest;
        }
        if name.len() < header.name.len() && (len == 0 || header.decoded == 0 && header.method == 8 && len <= 2) {
            self.to.check_path(name);
            self.to.tell("directory-entries");
            return self.to.container(data);
        }
        let mut meta = self.to.child(name);
        if symlink {
            self.to.tell("link");
            meta.attributes.insert("symlink".to_owned(), Value::Bool(true));
        }
        if header.encrypted() && len > 0 {
            self.to.tell("encrypted");
            meta.opaque = Some(Reason::Encrypted);
            return self.to.hand_over_range(meta, data);
        }
        if header.method == 0 || len == 0 && header.decoded == 0 {
            if cut {
                self.to.tell("incomplete-child");
            } else if len <= CHECKED_STORED && self.crc(data.clone())? != header.crc {
                self.to.tell_at("checksum-mismatch", data.start);
            }
            return self.to.hand_over_range(meta, data);
        }
        if !Decoder::knows(header.method) {
            self.to.tell("unsupported-method");
            meta.opaque = Some(Reason::Unsupported);
            return self.to.hand_over_range(meta, data);
        }
        meta.encoded = Some(len);
        let (used, _) = self.decode(header, Some(header.decoded), meta, data.clone(), true)?;
        if matches!(header.method, 14 | 98) && data.end - used <= CODER_TAIL {
            return self.to.container(used..data.end);
        }
        // What the decoder did not need is padding, or something hidden.
        self.to.padding(used..data.end)
    }

    /// Decodes a member and labels its encoded bytes; returns the offset up to which they bear a label. `bounded` says that all of
    /// `data` belongs to the member; else `data` ends with what may hold the member.
    pub(super) fn decode(
        &mut self,
        header: &Header,
        size: Option<u64>,
        meta: ChildMeta,
        data: Range<u64>,
        bounded: bool,
    ) -> Result<(u64, Decoded), InspectError> {
        let end_marker = header.flags & 2 != 0;
        let decoded = self.decoder.decode(header.method, end_marker, size, meta, data.clone(), &mut self.to)?;
        let used = (data.start + decoded.consumed).min(data.end);
        let reason = match decoded.outcome {
            Outcome::Complete => {
                if size.is_some_and(|n| n != decoded.produced || header.crc != decoded.crc) {
                    self.to.tell_at("checksum-mismatch", data.start);
                }
                self.to.container(data.start..used)?;
                return Ok((used, decoded));
            }
            Outcome::Failed(reason) => {
                self.to.tell_at("incomplete-child", data.start);
                reason
            }
            Outcome::Stopped(reason) => {
                self.to.tell_at("limit", data.start);
                reason
            }
        };
        let end = if bounded { data.end } else { used.max(data.start + 1).min(data.end) };
        // A stream that did not come to its end has an undecoded rest, if only of some bits.
        let good = used.min(end.saturating_sub(1)).max(data.start);
        self.to.container(data.start..good)?;
        self.to.opaque(good..end, reason)?;
        Ok((end, decoded))
    }

    fn crc(&self, range: Range<u64>) -> Result<u32, InspectError> {
        crc_of(self.to.blob, range)
    }

    /// A member that lies within another: not opened, since nested quotes make bombs; its bytes are opaque.
    fn overlap(&mut self, central: &Central, local: &Local, limit: u64) -> Result<(), InspectError> {
        self.to.tell_at("bad-entry", local.data);
        let data = local.data..local.data.saturating_add(central.header.encoded).min(limit);
        self.overlapping = self.overlapping.saturating_add(data.end - data.start);
        if self.overlapping > self.to.len() && self.overlapping > data.end - data.start {
            // Enough of them are held already.
            self.to.tell("limit");
            return Ok(());
        }
        let mut meta = self.to.child(&central.header.name);
        meta.opaque = Some(Reason::Corrupt);
        self.to.hand_over_range(meta, data)
    }

    /// The end of the data descriptor at `at`, or `at` when there is none that fits.
    pub(super) fn descriptor(&mut self, at: u64, limit: u64, header: &Header) -> Result<u64, InspectError> {
        let room = usize::try_from(limit.saturating_sub(at)).unwrap_or(usize::MAX).min(24);
        let bytes = self.to.window.get(at, room)?;
        let signed = if bytes.starts_with(&DESCRIPTOR) { 4 } else { 0 };
        let body = &bytes[signed..];
        // CRC, both sizes; the sizes in eight bytes with zip64.
        let wide = body.len() >= 20 && le64(body, 4) == header.encoded && le64(body, 12) == header.decoded;
        let narrow = body.len() >= 12
            && u64::from(le32(body, 4)) == header.encoded & 0xffff_ffff
            && u64::from(le32(body, 8)) == header.decoded & 0xffff_ffff;
        let len = match (wide, narrow) {
            (true, _) => signed + 20,
            (_, true) => signed + 12,
            _ if signed > 0 && body.len() >= 12 => 16,
            _ => 0,
        };
        Ok(at + len as u64)
    }

    /// Data between members: members that the directory does not list are opened, anything else is handed over.
    pub(super) fn between(&mut self, range: Range<u64>, place: Place) -> Result<(), InspectError> {
        if range.start >= range.end {
            return Ok(());
        }
        let hidden = walk::next_local(&mut self.to, range.clone())?.is_some();
        let whole_zip = hidden && find(self.to.blob, range.clone(), &memmem::Finder::new(&END))?.is_some();
        if hidden && !whole_zip {
            self.to.tell_bytes("gap-data", range.start, range.end - range.start);
            return walk::walk(self, range, place);
        }
        self.to.residue(range, place)
    }

    /// The records behind the directory, the comment, and what follows them.
    fn records(&mut self, end: &End) -> Result<(), InspectError> {
        let len = self.to.len();
        if end.directory.end < end.records {
            self.between(end.directory.end..end.records, Place::Between)?;
        }
        self.to.container(end.records..(end.at + END_LEN).min(len))?;
        match end::whole_file_signature(&mut self.to.window, &end.comment)? {
            Some(signature) => {
                // The text before it ends with a NUL.
                let mut text = end.comment.start..signature.start;
                if text.start < text.end && self.to.window.get(text.end - 1, 1)? == [0] {
                    text.end -= 1;
                }
                self.to.container(text.end..signature.start)?;
                self.to.comment(text)?;
                self.to.container(signature.end..end.comment.end)?;
                self.to.hand_over_range(ChildMeta::named(b"[signature].p7s"), signature)?;
            }
            None => self.to.comment(end.comment.clone())?,
        }
        self.between(end.comment.end..len, Place::After)
    }
}

/// Whether what the two headers say differs where both say something.
fn disagree(central: &Header, local: &Header) -> bool {
    // With a masked or streamed local header the sizes and the CRC stand in the directory only.
    let masked = central.flags & (1 << 13) != 0;
    if masked {
        return false;
    }
    let sizes = local.encoded != central.encoded || local.decoded != central.decoded || local.crc != central.crc;
    central.method != local.method
        || central.encrypted() != local.encrypted()
        || (sizes && !local.streamed())
        || !same_name(&central.name, &local.name)
}

fn same_name(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x == y || matches!((x, y), (b'/', b'\\') | (b'\\', b'/')))
}
