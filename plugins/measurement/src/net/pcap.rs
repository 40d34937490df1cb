//! pcap and pcapng, the files that packets are recorded in.
//!
//! Source: IETF draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng.

use std::ops::Range;

use yumen_kit_container::FormatReader;
use yumen_kit_container::window::num::{be16, be32, be64, le16, le32, le64};
use yumen_model::{
    Artifact, Certainty, ChildMeta, Context, Format, Identity, InspectError, Inspection, Label, Probe, Reason,
};

use super::{Net, Packet};
use crate::bus::Bus;
use crate::out::Out;

pub(crate) struct Pcap;

const EVIDENCE: &str = "text and known formats carried by UDP and TCP as children; other payloads as raw bytes; positions, vehicle numbers and messages of CAN, DoIP, V2X and lidars; bus.log with protocols and flows, sensor.lidar";
const LIMITS: &[&str] = &[
    "Streams are put together in order; what was not recorded leaves no gap.",
    "Encrypted payloads stay opaque also when the file holds their keys.",
    "SOME/IP, AVTP and DLT payloads are swept as raw bytes, not decoded.",
];

const FORMATS: &[Format] = &[
    Format {
        name: "pcap",
        title: "Packet capture",
        media_type: "application/vnd.tcpdump.pcap",
        extensions: &["pcap"],
        magic: "`a1b2c3d4` or `a1b23c4d` in either byte order, version 2.4, a snapshot length",
        reference: "https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/",
        evidence: EVIDENCE,
        limitations: LIMITS,
    },
    Format {
        name: "pcapng",
        title: "Packet capture, next generation",
        media_type: "application/x-pcapng",
        extensions: &["pcapng"],
        magic: "a section header block `0a0d0d0a` with its byte-order mark and a length that is repeated",
        reference: "https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/",
        evidence: EVIDENCE,
        limitations: LIMITS,
    },
];

/// Largest packet.
const MAX_PACKET: u64 = 16 << 20;
/// Most interfaces of a section.
const MAX_INTERFACES: usize = 4096;

impl FormatReader for Pcap {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let h = probe.head;
        if h.len() >= 24
            && let Some((big, _)) = magic(h)
        {
            let major = if big { be16(h, 4) } else { le16(h, 4) };
            let minor = if big { be16(h, 6) } else { le16(h, 6) };
            return (major == 2 && minor <= 4).then(|| Identity::new("pcap", Certainty::Signature));
        }
        let order = h.get(8..12)?;
        let mark = order == [0x1a, 0x2b, 0x3c, 0x4d] || order == [0x4d, 0x3c, 0x2b, 0x1a];
        (h.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) && mark).then(|| Identity::new("pcapng", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader =
            Reader { out: Out::new(artifact, out), bus: Bus::new(context), net: Net::default(), buffer: Vec::new() };
        let result = if artifact.format == "pcap" { reader.old() } else { reader.new_generation() };
        let Reader { mut out, mut bus, mut net, .. } = reader;
        if out.to.is_stopped() {
            return out.finish(result);
        }
        let end = net.finish(&mut bus, &mut out).and_then(|()| bus.finish(&mut out));
        out.finish(result.and(end))
    }
}

/// Byte order, and whether times are in nanoseconds.
fn magic(h: &[u8]) -> Option<(bool, bool)> {
    match be32(h, 0) {
        0xa1b2_c3d4 => Some((true, false)),
        0xd4c3_b2a1 => Some((false, false)),
        0xa1b2_3c4d => Some((true, true)),
        0x4d3c_b2a1 => Some((false, true)),
        _ => None,
    }
}

struct Reader<'a> {
    out: Out<'a>,
    bus: Bus,
    net: Net,
    buffer: Vec<u8>,
}

/// An interface of a section.
struct Interface {
    link: u32,
    /// Ticks in a second.
    resolution: f64,
    offset: f64,
    name: String,
}

fn is_can(link: u32) -> bool {
    matches!(link, 190 | 227)
}

impl Reader<'_> {
    /// The packet at a range: read and labelled.
    fn packet(&mut self, link: u32, name: &str, range: Range<u64>, time: f64) -> Result<(), InspectError> {
        let n = usize::try_from(range.end - range.start).unwrap_or(0);
        self.buffer.clear();
        let bytes = self.out.to.window.get(range.start, n)?;
        self.buffer.extend_from_slice(bytes);
        self.out.to.label(range.clone(), Label::Inspected)?;
        if !is_can(link) {
            let bus = match link {
                105 | 127 => "IEEE 802.11",
                _ => "Ethernet",
            };
            let channel = self.bus.channel(name, bus);
            self.bus.other(channel, time, n);
        }
        let packet = Packet { all: &self.buffer, time, at: range.start };
        self.net.located(link, &packet, &mut self.bus, &mut self.out)
    }

    fn old(&mut self) -> Result<(), InspectError> {
        let len = self.out.to.len();
        let head = self.out.to.window.get(0, 24)?.to_vec();
        let Some((big, nano)) = magic(&head) else { return Err(InspectError::corrupt(0, "the file header is broken")) };
        let u32_at = |b: &[u8], at| if big { be32(b, at) } else { le32(b, at) };
        self.out.to.container(0..24.min(len))?;
        let link = u32_at(&head, 20) & 0xffff;
        let mut at = 24;
        while at < len {
            let head = self.out.to.window.get(at, 16)?.to_vec();
            if head.len() < 16 {
                return self.cut(at);
            }
            let size = u64::from(u32_at(&head, 8));
            if size > MAX_PACKET {
                self.out.to.opaque(at..len, Reason::Corrupt)?;
                return Err(InspectError::corrupt(at, "a packet longer than any can be"));
            }
            if at + 16 + size > len {
                return self.cut(at);
            }
            let part = f64::from(u32_at(&head, 4)) * if nano { 1e-9 } else { 1e-6 };
            self.out.to.container(at..at + 16)?;
            self.packet(link, "link", at + 16..at + 16 + size, f64::from(u32_at(&head, 0)) + part)?;
            at += 16 + size;
        }
        Ok(())
    }

    /// The file ends within a packet, as captures do that were cut off: the rest is read as bytes.
    fn cut(&mut self, at: u64) -> Result<(), InspectError> {
        let len = self.out.to.len();
        self.out.to.tell_at("truncated", at);
        self.out.to.opaque(at..len, Reason::Corrupt)
    }

    fn new_generation(&mut self) -> Result<(), InspectError> {
        let len = self.out.to.len();
        let mut big = false;
        let mut interfaces: Vec<Interface> = Vec::new();
        let mut at = 0;
        while at < len {
            let head = self.out.to.window.get(at, 28)?.to_vec();
            if head.len() < 12 {
                return self.cut(at);
            }
            if head[..4] == [0x0a, 0x0d, 0x0d, 0x0a] {
                big = match head[8..12] {
                    [0x1a, 0x2b, 0x3c, 0x4d] => true,
                    [0x4d, 0x3c, 0x2b, 0x1a] => false,
                    _ => {
                        self.out.to.opaque(at..len, Reason::Corrupt)?;
                        return Err(InspectError::corrupt(at, "a section without its byte-order mark"));
                    }
                };
                interfaces.clear();
            }
            let u32_at = |b: &[u8], at| if big { be32(b, at) } else { le32(b, at) };
            let u16_at = |b: &[u8], at| if big { be16(b, at) } else { le16(b, at) };
            let kind = u32_at(&head, 0);
            let size = u64::from(u32_at(&head, 4));
            if size < 12 || !size.is_multiple_of(4) || size > MAX_PACKET * 4 {
                self.out.to.opaque(at..len, Reason::Corrupt)?;
                return Err(InspectError::corrupt(at, "a block of an impossible length"));
            }
            let end = at + size;
            if end > len {
                return self.cut(at);
            }
            let body = at + 8..end - 4;
            self.out.to.container(at..at + 8)?;
            self.out.to.container(end - 4..end)?;
            match kind {
                0x0a0d_0d0a => {
                    self.out.to.container(body.start..(body.start + 16).min(body.end))?;
                    self.options((body.start + 16).min(body.end)..body.end, big)?;
                }
                // Interface description.
                1 => {
                    let link = u32::from(u16_at(&head, 8));
                    self.out.to.container(body.start..(body.start + 8).min(body.end))?;
                    let options = self.options((body.start + 8).min(body.end)..body.end, big)?;
                    let mut interface =
                        Interface { link, resolution: 1e6, offset: 0.0, name: interfaces.len().to_string() };
                    for (code, value) in options {
                        match (code, value.as_slice()) {
                            (2, name) => {
                                interface.name = String::from_utf8_lossy(name).trim_end_matches('\0').to_owned();
                            }
                            (9, [r, ..]) if r & 0x80 == 0 => interface.resolution = 10f64.powi(i32::from(*r)),
                            (9, [r, ..]) => interface.resolution = 2f64.powi(i32::from(r & 0x7f)),
                            (14, v) if v.len() >= 8 => {
                                interface.offset = (if big { be64(v, 0) } else { le64(v, 0) }) as i64 as f64;
                            }
                            _ => {}
                        }
                    }
                    if interfaces.len() < MAX_INTERFACES {
                        interfaces.push(interface);
                    }
                }
                // Enhanced packet, and the obsolete one.
                2 | 6 => {
                    let number = if kind == 6 { u32_at(&head, 8) as usize } else { usize::from(u16_at(&head, 8)) };
                    let ticks = (u64::from(u32_at(&head, 12)) << 32 | u64::from(u32_at(&head, 16))) as f64;
                    let n = u64::from(u32_at(&head, 20));
                    let from = (body.start + 20).min(body.end);
                    let to = (from + n).min(body.end);
                    self.out.to.container(body.start..from)?;
                    if from + n > body.end {
                        self.out.to.tell_at("bad-entry", at);
                    }
                    match interfaces.get(number) {
                        Some(i) => {
                            let (link, name) = (i.link, i.name.clone());
                            let time = ticks / i.resolution + i.offset;
                            self.packet(link, &name, from..to, time)?;
                        }
                        None => {
                            self.out.to.tell_at("bad-entry", at);
                            self.out.to.opaque(from..to, Reason::Corrupt)?;
                        }
                    }
                    let options = to.next_multiple_of(4).min(body.end);
                    self.out.to.container(to..options)?;
                    self.options(options..body.end, big)?;
                }
                // Simple packet.
                3 => {
                    let n = u64::from(u32_at(&head, 8));
                    let from = (body.start + 4).min(body.end);
                    let to = (from + n).min(body.end);
                    self.out.to.container(body.start..from)?;
                    self.out.to.container(to..body.end)?;
                    let (link, name) = interfaces.first().map_or((1, "0".to_owned()), |i| (i.link, i.name.clone()));
                    self.packet(link, &name, from..to, f64::NAN)?;
                }
                // Name resolution: addresses with names behind them.
                4 => self.names(body, big)?,
                // Statistics.
                5 => {
                    self.out.to.container(body.start..(body.start + 12).min(body.end))?;
                    self.options((body.start + 12).min(body.end)..body.end, big)?;
                }
                // Journal entries, as text.
                9 => self.out.to.hand_over_range(ChildMeta::named(b"[journal].txt"), body)?,
                // Secrets: key logs of TLS are text.
                10 => {
                    let n = u64::from(u32_at(&head, 12));
                    let from = (body.start + 8).min(body.end);
                    let to = (from + n).min(body.end);
                    self.out.to.container(body.start..from)?;
                    self.out.to.hand_over_range(ChildMeta::named(b"[secrets].txt"), from..to)?;
                    let options = to.next_multiple_of(4).min(body.end);
                    self.out.to.container(to..options)?;
                    self.options(options..body.end, big)?;
                }
                _ => {
                    self.out.to.tell_at("unsupported-method", at);
                    self.out.to.opaque(body, Reason::Unsupported)?;
                }
            }
            at = end;
        }
        Ok(())
    }

    /// Options of a block: texts are shown, all are given back with what they hold.
    fn options(&mut self, range: Range<u64>, big: bool) -> Result<Vec<(u16, Vec<u8>)>, InspectError> {
        let mut found = Vec::new();
        let mut at = range.start;
        while at + 4 <= range.end {
            let head = self.out.to.window.get(at, 4)?;
            let (code, n) = if big { (be16(head, 0), be16(head, 2)) } else { (le16(head, 0), le16(head, 2)) };
            self.out.to.container(at..at + 4)?;
            let (from, to) = (at + 4, (at + 4 + u64::from(n)).min(range.end));
            at = to.next_multiple_of(4).min(range.end);
            if code == 0 {
                break;
            }
            let value = self.out.to.window.get(from, usize::try_from(to - from).unwrap_or(0))?.to_vec();
            let printable = std::str::from_utf8(&value)
                .is_ok_and(|t| !t.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\0')));
            if printable && value.len() > 1 {
                self.out.to.comment(from..to)?;
            } else {
                self.out.to.label(from..to, Label::Inspected)?;
            }
            self.out.to.container(to..at)?;
            if found.len() < 64 {
                found.push((code, value));
            }
        }
        self.out.to.padding(at..range.end)?;
        Ok(found)
    }

    fn names(&mut self, range: Range<u64>, big: bool) -> Result<(), InspectError> {
        let mut at = range.start;
        while at + 4 <= range.end {
            let head = self.out.to.window.get(at, 4)?;
            let (kind, n) = if big { (be16(head, 0), be16(head, 2)) } else { (le16(head, 0), le16(head, 2)) };
            self.out.to.container(at..at + 4)?;
            let (from, to) = (at + 4, (at + 4 + u64::from(n)).min(range.end));
            at = to.next_multiple_of(4).min(range.end);
            if kind == 0 {
                break;
            }
            let address = match kind {
                1 => 4,
                2 => 16,
                _ => 0,
            };
            let names = (from + address).min(to);
            self.out.to.label(from..names, Label::Inspected)?;
            let value = self.out.to.window.get(names, usize::try_from(to - names).unwrap_or(0))?.to_vec();
            for (i, name) in value.split(|&b| b == 0).filter(|n| !n.is_empty()).enumerate().take(64) {
                let _ = i;
                self.out.to.decoded_text(names, name)?;
            }
            self.out.to.label(names..to, Label::Inspected)?;
            self.out.to.container(to..at)?;
        }
        self.options(at..range.end, big)?;
        Ok(())
    }
}
