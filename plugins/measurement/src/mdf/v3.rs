//! MDF 2.x and 3.x: blocks of fixed layout in either byte order.
//!
//! Source: Vector, "Format specification MDF format version 3.3".

use std::collections::HashSet;
use std::ops::Range;

use yumen_kit_container::window::num::{be16, be32, be64, le16, le32, le64};
use yumen_kit_container::{Cover, FormatReader};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Label, Probe};

use super::channel::{Channel, Conversion, Kind, Stored, plain};
use super::measure::{Group, Measure};
use crate::bus::Bus;
use crate::out::Out;
use crate::time;

pub(crate) struct Mdf3;

const FORMATS: &[Format] = &[Format {
    name: "mdf3",
    title: "ASAM MDF 3",
    media_type: "application/octet-stream",
    extensions: &["mdf"],
    magic: "`MDF     2.` or `MDF     3.`, and the header block `HD` at 64",
    reference: "https://www.asam.net/standards/detail/mdf/wiki/",
    evidence: "positions and motion in channels; texts in channels, names, comments; author, project and vehicle of the header; bus.log with channels",
    limitations: &["Values that a formula computes are not used for positions."],
}];

/// Most channels, groups and blocks of text.
const MAX_CHANNELS: usize = 1 << 18;
const MAX_PAIRS: usize = 1 << 14;
const PIECE: usize = 1 << 20;

impl FormatReader for Mdf3 {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let h = probe.head;
        let named = [&b"MDF     2."[..], b"MDF     3.", b"UnFinMF 2.", b"UnFinMF 3."].iter().any(|m| h.starts_with(m));
        let sure = named && h.get(64..66).is_none_or(|id| id == b"HD");
        sure.then(|| Identity::new("mdf3", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut out = Out::new(artifact, out);
        let mut bus = Bus::new(context);
        let mut reader = Reader::default();
        let result = reader.run(&mut bus, &mut out);
        if out.to.is_stopped() {
            return out.finish(result);
        }
        let end = bus.finish(&mut out).and_then(|()| {
            let len = out.to.len();
            let gaps = reader.cover.gaps(0..len);
            gaps.into_iter().try_for_each(|gap| out.to.unallocated(gap))
        });
        out.finish(result.and(end))
    }
}

#[derive(Default)]
struct Reader {
    big: bool,
    unfinalised: bool,
    cover: Cover,
    texts: HashSet<u64>,
    channels: usize,
    /// Bytes of data read: blocks may overlap, though not without end.
    read: u64,
}

/// Records of one data block.
struct Data {
    at: u64,
    ids: u16,
    /// Number of the group, identifier, size and count of its records.
    layouts: Vec<(usize, u16, usize, u64)>,
}

impl Reader {
    fn u16(&self, b: &[u8], at: usize) -> u16 {
        if self.big { be16(b, at) } else { le16(b, at) }
    }

    fn u32(&self, b: &[u8], at: usize) -> u32 {
        if self.big { be32(b, at) } else { le32(b, at) }
    }

    fn link(&self, b: &[u8], at: usize) -> u64 {
        u64::from(self.u32(b, at))
    }

    fn f64(&self, b: &[u8], at: usize) -> f64 {
        f64::from_bits(if self.big { be64(b, at) } else { le64(b, at) })
    }

    fn own(&mut self, range: Range<u64>, out: &mut Out<'_>) -> Result<(), InspectError> {
        self.cover.add(range.start..range.end.min(out.to.len()));
        out.to.container(range)
    }

    /// A block of an id at an address; none where there is none. Labelled as structure.
    fn block(&mut self, at: u64, id: &[u8; 2], out: &mut Out<'_>) -> Result<Option<Vec<u8>>, InspectError> {
        let head = out.to.window.get(at, 4)?;
        if at == 0 || head.get(..2) != Some(id) {
            if at != 0 {
                out.to.tell_at("bad-entry", at.min(out.to.len()));
            }
            return Ok(None);
        }
        let size = if self.big { be16(head, 2) } else { le16(head, 2) };
        let bytes = out.to.window.get(at, usize::from(size.max(4)))?.to_vec();
        self.own(at..at + bytes.len() as u64, out)?;
        Ok(Some(bytes))
    }

    /// A text of a block, shown to the detectors once.
    fn text(&mut self, at: u64, out: &mut Out<'_>) -> Result<String, InspectError> {
        let Some(block) = self.block(at, b"TX", out)? else { return Ok(String::new()) };
        if self.texts.len() < MAX_CHANNELS && self.texts.insert(at) {
            self.show(at + 4, &block[4..], out)?;
        }
        Ok(plain(&block[4..]))
    }

    /// Shows a text field, in UTF-8 or a code page.
    fn show(&self, at: u64, bytes: &[u8], out: &mut Out<'_>) -> Result<(), InspectError> {
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        if end > 0 { out.to.comment(at..at + end as u64) } else { Ok(()) }
    }

    fn run(&mut self, bus: &mut Bus, out: &mut Out<'_>) -> Result<(), InspectError> {
        let head = out.to.window.get(0, 64)?.to_vec();
        self.own(0..64, out)?;
        self.big = le16(&head, 24) != 0;
        self.unfinalised = head.starts_with(b"UnFin");
        if self.unfinalised {
            out.to.tell("unfinalised");
        }
        let Some(hd) = self.block(64, b"HD", out)? else {
            return Err(InspectError::corrupt(64, "the header block is missing"));
        };
        let mut cells = Vec::new();
        for (name, from, to) in
            [("author", 36, 68), ("organization", 68, 100), ("project", 100, 132), ("subject", 132, 164)]
        {
            let value = plain(hd.get(from..to.min(hd.len())).unwrap_or(&[]));
            if !value.trim().is_empty() {
                cells.push((name, value.trim().to_owned()));
            }
        }
        out.record(cells.iter().map(|(n, v)| (*n, v.as_str())), 100, 228)?;
        let date = plain(hd.get(18..28).unwrap_or(&[]));
        let day = plain(hd.get(28..36).unwrap_or(&[]));
        let local = time::parse(&format!("{} {}", date.replace(':', "."), day));
        // From 3.2 on, nanoseconds of local time, and the hours of its zone.
        let stamp = if hd.len() >= 176 { if self.big { be64(&hd, 164) } else { le64(&hd, 164) } } else { 0 };
        bus.base = if stamp != 0 {
            stamp as f64 * 1e-9 - f64::from(self.u16(&hd, 172) as i16) * 3600.0
        } else {
            local.unwrap_or(0.0)
        };
        self.text(self.link(&hd, 8), out)?;
        if let Some(pr) = Some(self.link(&hd, 12)).filter(|&a| a != 0)
            && let Some(block) = self.block(pr, b"PR", out)?
        {
            self.show(pr + 4, &block[4..], out)?;
        }
        let mut groups = Vec::new();
        let mut data = Vec::new();
        let mut seen = HashSet::new();
        let mut next = self.link(&hd, 4);
        while next != 0 && seen.insert(next) && data.len() < MAX_CHANNELS {
            let Some(dg) = self.block(next, b"DG", out)? else { break };
            next = self.link(&dg, 4);
            let mut d = Data { at: self.link(&dg, 16), ids: self.u16(&dg, 22), layouts: Vec::new() };
            let trigger = self.link(&dg, 12);
            if trigger != 0
                && let Some(tr) = self.block(trigger, b"TR", out)?
            {
                self.text(self.link(&tr, 4), out)?;
            }
            let mut at = self.link(&dg, 8);
            while at != 0 && seen.insert(at) && groups.len() < MAX_CHANNELS {
                let Some(cg) = self.block(at, b"CG", out)? else { break };
                at = self.link(&cg, 4);
                let name = self.text(self.link(&cg, 12), out)?;
                let records = u64::from(self.u32(&cg, 22));
                let mut group = Group { name, channels: Vec::new(), records };
                self.channel_list(self.link(&cg, 8), &mut group, &mut seen, out)?;
                d.layouts.push((groups.len(), self.u16(&cg, 16), usize::from(self.u16(&cg, 20)), records));
                groups.push(group);
            }
            data.push(d);
        }
        let mut measure = Measure::new(&groups, out);
        for d in &data {
            self.data(d, &groups, &mut measure, bus, out)?;
        }
        measure.finish(bus, out)
    }

    fn channel_list(
        &mut self,
        first: u64,
        group: &mut Group,
        seen: &mut HashSet<u64>,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        let mut next = first;
        while next != 0 && seen.insert(next) && self.channels < MAX_CHANNELS {
            let at = next;
            let Some(cn) = self.block(at, b"CN", out)? else { break };
            self.channels += 1;
            next = self.link(&cn, 4);
            self.text(self.link(&cn, 20), out)?;
            for source in [12, 16].map(|i| self.link(&cn, i)) {
                if source == 0 {
                    continue;
                }
                // The source's extension, and what the channel depends on.
                let id: &[u8; 2] = if source == self.link(&cn, 12) { b"CE" } else { b"CD" };
                if let Some(block) = self.block(source, id, out)?
                    && id == b"CE"
                    && self.texts.insert(source)
                {
                    let (a, b) = if self.u16(&block, 4) == 2 { (12, 80) } else { (14, 78) };
                    for part in [a..b.min(block.len()), b.min(block.len())..block.len()] {
                        if part.start < part.end {
                            self.show(source + part.start as u64, &block[part], out)?;
                        }
                    }
                }
            }
            let mut name = plain(cn.get(26..58).unwrap_or(&[]));
            self.show(at + 58, cn.get(58..186).unwrap_or(&[]), out)?;
            let long = if cn.len() >= 222 { self.link(&cn, 218) } else { 0 };
            if long != 0 {
                name = self.text(long, out)?;
            } else {
                self.show(at + 26, cn.get(26..58).unwrap_or(&[]), out)?;
            }
            let display = if cn.len() >= 226 { self.link(&cn, 222) } else { 0 };
            if display != 0 {
                self.text(display, out)?;
            }
            let more = if cn.len() >= 228 { self.u16(&cn, 226) } else { 0 };
            let start = usize::from(self.u16(&cn, 186));
            let bits = u32::from(self.u16(&cn, 188));
            let (kind, big_endian) = match self.u16(&cn, 190) {
                0 => (Kind::Unsigned, self.big),
                1 => (Kind::Signed, self.big),
                2 | 3 => (Kind::Float, self.big),
                7 => (Kind::Text, false),
                8 => (Kind::Bytes, false),
                9 => (Kind::Unsigned, true),
                10 => (Kind::Signed, true),
                11 | 12 => (Kind::Float, true),
                13 => (Kind::Unsigned, false),
                14 => (Kind::Signed, false),
                15 | 16 => (Kind::Float, false),
                _ => (Kind::Other, false),
            };
            let (conversion, unit) = self.conversion(self.link(&cn, 8), out)?;
            group.channels.push(Channel {
                name,
                unit,
                kind,
                big_endian,
                byte: usize::from(more) + start / 8,
                bit: (start % 8) as u32,
                bits,
                conversion,
                time: self.u16(&cn, 24) == 1,
                stored: Stored::Record,
            });
        }
        Ok(())
    }

    fn conversion(&mut self, at: u64, out: &mut Out<'_>) -> Result<(Conversion, String), InspectError> {
        if at == 0 {
            return Ok((Conversion::None, String::new()));
        }
        let Some(cc) = self.block(at, b"CC", out)? else { return Ok((Conversion::None, String::new())) };
        let unit = plain(cc.get(22..42).unwrap_or(&[]));
        let kind = self.u16(&cc, 42);
        let n = usize::from(self.u16(&cc, 44));
        let p = |i: usize| self.f64(&cc, 46 + 8 * i);
        let conversion = match kind {
            0 => Conversion::Linear(p(0), p(1)),
            1 | 2 => Conversion::Table((0..n.min(MAX_PAIRS)).map(|i| (p(2 * i), p(2 * i + 1))).collect(), kind == 1),
            9 => Conversion::Rational([p(0), p(1), p(2), p(3), p(4), p(5)]),
            65535 => Conversion::None,
            _ => Conversion::Other,
        };
        if self.texts.insert(at) {
            match kind {
                10 => self.show(at + 46, cc.get(46..).unwrap_or(&[]), out)?,
                11 => {
                    for i in 0..n.min(MAX_PAIRS) {
                        let from = 46 + 40 * i + 8;
                        self.show(at + from as u64, cc.get(from..from + 32).unwrap_or(&[]), out)?;
                    }
                }
                12 => {
                    for i in 0..n.min(MAX_PAIRS) {
                        let text = self.link(&cc, 46 + 20 * i + 16);
                        if text != 0 {
                            self.text(text, out)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok((conversion, unit.trim().to_owned()))
    }

    fn data(
        &mut self,
        d: &Data,
        groups: &[Group],
        measure: &mut Measure,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        let len = out.to.len();
        if d.at == 0 || d.at >= len {
            return Ok(());
        }
        let ids = u64::from(d.ids.min(2));
        let known: u64 = d.layouts.iter().map(|l| l.3.saturating_mul(l.2 as u64 + ids)).fold(0, u64::saturating_add);
        let mut end = d.at.saturating_add(known).min(len);
        if self.unfinalised && known == 0 {
            end = len;
        } else if d.at.saturating_add(known) > len {
            out.to.tell_at("truncated", len);
        }
        self.read = self.read.saturating_add(end - d.at);
        if self.read > len.saturating_mul(4) {
            out.to.tell_at("limit", d.at);
            return Ok(());
        }
        self.cover.add(d.at..end);
        let mut at = d.at;
        let mut buffer = Vec::new();
        let (mut start, mut filled) = (at, 0usize);
        while at < end {
            let i = usize::try_from(at - start).unwrap_or(usize::MAX);
            if filled < i + 70_000 && start + (filled as u64) < end {
                start = at;
                filled = usize::try_from(end - at).unwrap_or(PIECE).min(PIECE);
                buffer.resize(filled, 0);
                out.to.blob.read_exact_at(start, &mut buffer).map_err(|e| InspectError::read(start, &e))?;
                continue;
            }
            let layout = if ids == 0 {
                d.layouts.first()
            } else {
                let id = buffer.get(i).copied().unwrap_or(0);
                d.layouts.iter().find(|l| l.1 & 0xff == u16::from(id))
            };
            let Some(&(number, _, size, _)) = layout else {
                out.to.tell_at("bad-entry", at);
                break;
            };
            let from = i + usize::from(ids > 0);
            let (Some(record), Some(group)) = (buffer.get(from..from + size), groups.get(number)) else { break };
            if size as u64 + ids == 0 {
                break;
            }
            measure.record(number, group, record, at, bus, out)?;
            at += size as u64 + ids;
        }
        out.to.label(d.at..end, Label::Inspected)
    }
}
