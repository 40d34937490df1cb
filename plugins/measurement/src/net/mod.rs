//! Packets of networks, whatever file they were recorded in: from the link up to what is carried, with the protocols of vehicles recognised.

mod flow;
mod lidar;
mod pcap;
mod v2x;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde_json::{Value, json};
use yumen_kit_container::window::num::{be16, be32};
use yumen_model::{InspectError, Reason};

use crate::bus::{Bus, Frame, ROWS};
use crate::out::Out;
use flow::{Flows, Key};

pub(crate) use pcap::Pcap;

/// Nested headers (tags, tunnels) of one packet.
const MAX_DEPTH: u32 = 8;
/// Fragments that wait for the others.
const MAX_FRAGMENTED: usize = 256;

/// Packets of a recording.
#[derive(Default)]
pub(crate) struct Net {
    flows: Flows,
    lidar: lidar::Lidar,
    v2x: v2x::V2x,
    fragments: HashMap<(u128, u128, u32), Fragments>,
    protocols: BTreeMap<&'static str, u64>,
    /// Where the packet at hand begins in the artifact, if it stands there as it is.
    located: Option<u64>,
    encrypted: u64,
}

#[derive(Default)]
struct Fragments {
    parts: BTreeMap<usize, Vec<u8>>,
    len: Option<usize>,
}

/// A packet: its bytes and what is told of them.
#[derive(Clone, Copy)]
pub(crate) struct Packet<'p> {
    /// All bytes of it.
    pub(crate) all: &'p [u8],
    /// Seconds since 1970.
    pub(crate) time: f64,
    /// Offset to tell positions by.
    pub(crate) at: u64,
}

impl Net {
    /// An Ethernet frame that was decoded out of something.
    pub(crate) fn ethernet(
        &mut self,
        frame: &[u8],
        time: f64,
        at: u64,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        self.located = None;
        self.link(1, &Packet { all: frame, time, at }, bus, out)
    }

    /// A packet of a link type that stands in the artifact at `located`.
    pub(crate) fn located(
        &mut self,
        link: u32,
        packet: &Packet<'_>,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        self.located = Some(packet.at);
        self.link(link, packet, bus, out)
    }

    fn met(&mut self, protocol: &'static str) {
        *self.protocols.entry(protocol).or_default() += 1;
    }

    /// A part of the packet that is encrypted.
    fn encrypted(&mut self, range: Range<usize>, out: &mut Out<'_>) -> Result<(), InspectError> {
        self.encrypted += range.len() as u64;
        match self.located {
            Some(at) => out.to.opaque(at + range.start as u64..at + range.end as u64, Reason::Encrypted),
            None => Ok(()),
        }
    }

    /// Bytes of which nothing is known: the sweep of raw bytes sees them.
    fn swept(&mut self, p: &Packet<'_>, from: usize, out: &mut Out<'_>) -> Result<(), InspectError> {
        let bytes = p.all.get(from..).unwrap_or(&[]);
        out.raw(self.located.map_or(p.at, |at| at + from as u64), bytes)
    }

    fn link(&mut self, link: u32, p: &Packet<'_>, bus: &mut Bus, out: &mut Out<'_>) -> Result<(), InspectError> {
        let b = p.all;
        match link {
            1 if b.len() >= 14 => self.ethertype(be16(b, 12), p, 14, 0, bus, out),
            0 | 108 if b.len() >= 4 => self.ip(p, 4, 0, bus, out),
            12 | 14 | 101 | 228 | 229 => self.ip(p, 0, 0, bus, out),
            113 if b.len() >= 16 => match be16(b, 14) {
                0x0c | 0x0d => self.can(p, 16, bus, out),
                kind => self.ethertype(kind, p, 16, 0, bus, out),
            },
            276 if b.len() >= 20 => match be16(b, 0) {
                0x0c | 0x0d => self.can(p, 20, bus, out),
                kind => self.ethertype(kind, p, 20, 0, bus, out),
            },
            227 => self.can(p, 0, bus, out),
            190 if b.len() >= 16 => self.can(p, 0, bus, out),
            105 => self.wireless(p, 0, bus, out),
            127 if b.len() >= 8 => self.wireless(p, usize::from(u16::from_le_bytes([b[2], b[3]])), bus, out),
            _ => self.swept(p, 0, out),
        }
    }

    /// A frame of SocketCAN.
    fn can(&mut self, p: &Packet<'_>, from: usize, bus: &mut Bus, out: &mut Out<'_>) -> Result<(), InspectError> {
        let Some(b) = p.all.get(from..).filter(|b| b.len() >= 8) else { return self.swept(p, from, out) };
        let id = be32(b, 0);
        let channel = bus.channel("can", "CAN");
        if id & 0x2000_0000 != 0 {
            bus.error(channel, p.time - bus.base);
            return Ok(());
        }
        let len = usize::from(b[4]).min(64);
        let frame = Frame {
            time_s: p.time - bus.base,
            channel,
            id: id & 0x1fff_ffff,
            extended: id & 0x8000_0000 != 0,
            fd: b[5] & 4 != 0 || len > 8,
            remote: id & 0x4000_0000 != 0,
            data: b.get(8..8 + len).unwrap_or(&[]),
            offset: p.at,
        };
        bus.frame(&frame, out)
    }

    /// IEEE 802.11.
    fn wireless(&mut self, p: &Packet<'_>, from: usize, bus: &mut Bus, out: &mut Out<'_>) -> Result<(), InspectError> {
        let Some(b) = p.all.get(from..).filter(|b| b.len() >= 24) else { return Ok(()) };
        self.met("IEEE 802.11");
        let data = b[0] & 0x0c == 0x08;
        let mut head = 24;
        if b[1] & 3 == 3 {
            head += 6;
        }
        if b[0] & 0x80 != 0 {
            head += 2;
        }
        if !data {
            return self.swept(p, from, out);
        }
        if b[1] & 0x40 != 0 {
            return self.encrypted(from + head.min(b.len())..p.all.len(), out);
        }
        match b.get(head..head + 8) {
            Some(&[0xaa, 0xaa, 3, 0, 0, 0, a, c]) => {
                self.ethertype(u16::from_be_bytes([a, c]), p, from + head + 8, 0, bus, out)
            }
            _ => self.swept(p, from, out),
        }
    }

    fn ethertype(
        &mut self,
        kind: u16,
        p: &Packet<'_>,
        from: usize,
        depth: u32,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        let b = p.all.get(from..).unwrap_or(&[]);
        match kind {
            0x0800 | 0x86dd => self.ip(p, from, depth, bus, out),
            0x8100 | 0x88a8 | 0x9100 if b.len() >= 4 && depth < MAX_DEPTH => {
                self.ethertype(be16(b, 2), p, from + 4, depth + 1, bus, out)
            }
            0x8947 => {
                self.met("GeoNetworking");
                if self.v2x.geonetworking(b, p, out)? {
                    Ok(())
                } else {
                    self.encrypted(from + 4.min(b.len())..p.all.len(), out)
                }
            }
            0x88dc => {
                self.met("WSMP");
                self.v2x.wsmp(b, p, out)?;
                self.swept(p, from, out)
            }
            0x22f0 => {
                self.met("AVTP");
                self.swept(p, from, out)
            }
            0x88f7 => {
                self.met("PTP");
                Ok(())
            }
            0x88e5 => {
                self.met("MACsec");
                self.encrypted(from + 8.min(b.len())..p.all.len(), out)
            }
            0x0806 => {
                self.met("ARP");
                Ok(())
            }
            // A length: LLC.
            _ => self.swept(p, from, out),
        }
    }

    fn ip(
        &mut self,
        p: &Packet<'_>,
        from: usize,
        depth: u32,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        let b = p.all.get(from..).unwrap_or(&[]);
        if depth >= MAX_DEPTH {
            return self.swept(p, from, out);
        }
        match b.first().map(|v| v >> 4) {
            Some(4) if b.len() >= 20 => {
                let head = usize::from(b[0] & 0xf) * 4;
                let total = usize::from(be16(b, 2));
                // Offload leaves the length at zero.
                let end = if total >= head && total <= b.len() { total } else { b.len() };
                if head < 20 || head > end {
                    return self.swept(p, from, out);
                }
                let (source, destination) = (u128::from(be32(b, 12)), u128::from(be32(b, 16)));
                let fragment = be16(b, 6);
                let place = Some(from + head..from + end);
                if fragment & 0x3fff == 0 {
                    return self.transport(
                        b[9],
                        &b[head..end],
                        place.as_ref(),
                        [source, destination],
                        p,
                        depth,
                        bus,
                        out,
                    );
                }
                let key = (source, destination, u32::from(be16(b, 4)) << 8 | u32::from(b[9]));
                let offset = usize::from(fragment & 0x1fff) * 8;
                match self.fragment(key, offset, fragment & 0x2000 != 0, &b[head..end]) {
                    Some(whole) => self.transport(b[9], &whole, None, [source, destination], p, depth, bus, out),
                    None => Ok(()),
                }
            }
            Some(6) if b.len() >= 40 => {
                let address =
                    |at: usize| b.get(at..at + 16).and_then(|a| a.try_into().ok()).map_or(0, u128::from_be_bytes);
                let (source, destination) = (address(8), address(24));
                let total = usize::from(be16(b, 4));
                let end = if total > 0 && 40 + total <= b.len() { 40 + total } else { b.len() };
                let (mut next, mut at) = (b[6], 40);
                // Extension headers.
                for _ in 0..MAX_DEPTH {
                    match (next, b.get(at..at + 8)) {
                        (0 | 43 | 60, Some(h)) => {
                            next = h[0];
                            at += 8 + usize::from(h[1]) * 8;
                        }
                        (44, Some(h)) => {
                            let (kind, offset) = (h[0], be16(h, 2));
                            let id = be32(h, 4);
                            let Some(part) = b.get(at + 8..end) else { return Ok(()) };
                            if offset & 0xfff9 == 0 {
                                next = kind;
                                at += 8;
                                continue;
                            }
                            return match self.fragment(
                                (source, destination, id),
                                usize::from(offset & 0xfff8),
                                offset & 1 != 0,
                                part,
                            ) {
                                Some(whole) => {
                                    self.transport(kind, &whole, None, [source, destination], p, depth, bus, out)
                                }
                                None => Ok(()),
                            };
                        }
                        _ => break,
                    }
                }
                let Some(payload) = b.get(at..end) else { return self.swept(p, from, out) };
                self.transport(next, payload, Some(&(from + at..from + end)), [source, destination], p, depth, bus, out)
            }
            _ => self.swept(p, from, out),
        }
    }

    /// Puts fragments together; the whole once all are there.
    fn fragment(&mut self, key: (u128, u128, u32), offset: usize, more: bool, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.fragments.len() >= MAX_FRAGMENTED && !self.fragments.contains_key(&key) {
            self.fragments.clear();
        }
        let f = self.fragments.entry(key).or_default();
        if offset + bytes.len() > 0x1_0000 || f.parts.len() > 100 {
            self.fragments.remove(&key);
            return None;
        }
        f.parts.insert(offset, bytes.to_vec());
        if !more {
            f.len = Some(offset + bytes.len());
        }
        let there: usize = f.parts.values().map(Vec::len).sum();
        if f.len.is_none_or(|len| there < len) {
            return None;
        }
        let mut whole = Vec::new();
        for (at, part) in &f.parts {
            if *at > whole.len() {
                return None;
            }
            whole.truncate(*at);
            whole.extend_from_slice(part);
        }
        if f.len != Some(whole.len()) {
            return None;
        }
        self.fragments.remove(&key);
        Some(whole)
    }

    #[allow(clippy::too_many_arguments, reason = "what a segment is, and where it goes")]
    fn transport(
        &mut self,
        protocol: u8,
        b: &[u8],
        place: Option<&Range<usize>>,
        [source, destination]: [u128; 2],
        p: &Packet<'_>,
        depth: u32,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        let located = self.located;
        if place.is_none() {
            // Put together of several packets: it stands nowhere as it is.
            self.located = None;
        }
        let shift = place.map_or(0, |r| r.start);
        let payload = |head: usize| place.map(|r| (r.start + head).min(r.end)..r.end);
        let result = match protocol {
            17 if b.len() >= 8 => {
                let key = Key { tcp: false, source, destination, ports: [be16(b, 0), be16(b, 2)] };
                self.payload(key, None, &b[8..], payload(8), p, bus, out)
            }
            6 if b.len() >= 20 => {
                let head = (usize::from(b[12] >> 4) * 4).clamp(20, b.len());
                let key = Key { tcp: true, source, destination, ports: [be16(b, 0), be16(b, 2)] };
                let sequence = be32(b, 4).wrapping_add(u32::from(b[13] & 2 != 0));
                self.payload(key, Some(sequence), &b[head..], payload(head), p, bus, out)
            }
            4 | 41 if place.is_some() => self.ip(p, shift, depth + 1, bus, out),
            50 => {
                self.met("IPsec");
                match payload(8) {
                    Some(range) => self.encrypted(range, out),
                    None => Ok(()),
                }
            }
            1 | 2 | 58 => {
                self.met("ICMP");
                out.raw(self.located.map_or(p.at, |at| at + shift as u64), b)
            }
            _ => out.raw(self.located.map_or(p.at, |at| at + shift as u64), b),
        };
        self.located = located;
        result
    }

    #[allow(clippy::too_many_arguments, reason = "what a payload is, and where it goes")]
    fn payload(
        &mut self,
        key: Key,
        sequence: Option<u32>,
        data: &[u8],
        place: Option<Range<usize>>,
        p: &Packet<'_>,
        bus: &mut Bus,
        out: &mut Out<'_>,
    ) -> Result<(), InspectError> {
        self.met(if key.tcp { "TCP" } else { "UDP" });
        if data.is_empty() {
            return Ok(());
        }
        let at = place.as_ref().and_then(|r| self.located.map(|at| at + r.start as u64));
        let ports = key.ports;
        let any = |port: u16| ports.contains(&port);
        if !key.tcp {
            if self.lidar.packet(ports, data, p.time, p.at, out)? {
                return Ok(());
            }
            if any(319) || any(320) {
                self.met("PTP");
                return Ok(());
            }
        }
        if doip(data).is_some() && (any(13400) || data.len() >= 8) {
            self.met("DoIP");
            return self.doip(data, p, bus, out);
        }
        if some_ip(data) {
            self.met(if be16(data, 0) == 0xffff && be16(data, 2) == 0x8100 { "SOME/IP-SD" } else { "SOME/IP" });
            self.flows.count(key, "SOME/IP", data.len());
            return out.raw(at.unwrap_or(p.at), data);
        }
        if (any(3490) || any(3491)) && (data[0] >> 5 == 1 || data.starts_with(b"DLT\x01")) {
            self.met("DLT");
            self.flows.count(key, "DLT", data.len());
            return out.raw(at.unwrap_or(p.at), data);
        }
        if data.len() > 2 && be16(data, 0) == 0x0014 && self.v2x.basic_safety(data, p, out)? {
            self.met("V2X BSM");
        }
        match self.flows.take(key, sequence, data, out)? {
            flow::Kind::Encrypted(name) => {
                self.met(name);
                match place {
                    Some(range) => self.encrypted(range, out),
                    None => Ok(()),
                }
            }
            flow::Kind::Kept => Ok(()),
            flow::Kind::Binary => out.raw(at.unwrap_or(p.at), data),
        }
    }

    /// Diagnostics over IP (ISO 13400-2): messages one after another.
    fn doip(&mut self, data: &[u8], p: &Packet<'_>, bus: &mut Bus, out: &mut Out<'_>) -> Result<(), InspectError> {
        let mut rest = data;
        while let Some((kind, len)) = doip(rest) {
            let body = rest.get(8..8 + len.min(rest.len() - 8)).unwrap_or(&[]);
            match kind {
                // Request by number, announcement or answer with it.
                0x0003 | 0x0004 => bus.vin(body.get(..17).unwrap_or(&[]), p.at, out)?,
                0x8001 if body.len() > 4 => bus.diagnostic(&body[4..], p.at, out)?,
                _ => {}
            }
            rest = rest.get(8 + len..).unwrap_or(&[]);
        }
        Ok(())
    }

    /// Hands over what was gathered, and tells what was met.
    pub(crate) fn finish(&mut self, bus: &mut Bus, out: &mut Out<'_>) -> Result<(), InspectError> {
        self.flows.finish(out)?;
        self.lidar.finish(out);
        self.v2x.finish(&mut self.protocols);
        for name in self.protocols.keys() {
            bus.protocol(name);
        }
        if self.encrypted > 0 {
            out.to.tell("encrypted");
        }
        let rows: Vec<Value> = self
            .flows
            .rows()
            .into_iter()
            .take(ROWS)
            .map(|(tcp, ports, kind, packets, bytes)| {
                json!({"protocol": if tcp { "TCP" } else { "UDP" }, "source_port": ports[0], "destination_port": ports[1], "content": kind, "messages": packets, "bytes": bytes})
            })
            .collect();
        if !rows.is_empty() {
            bus.tell("flows", rows);
        }
        Ok(())
    }
}

/// Kind and length of a message of diagnostics over IP.
fn doip(data: &[u8]) -> Option<(u16, usize)> {
    let &[version, inverse, _, _, _, _, _, _, ..] = data else { return None };
    let kind = be16(data, 2);
    let len = be32(data, 4) as usize;
    let known = matches!(kind, 0..=8 | 0x4001..=0x4004 | 0x8001..=0x8003);
    (version == !inverse && matches!(version, 1..=4 | 0xff) && known && len < 1 << 24).then_some((kind, len))
}

/// Whether a payload is a message of SOME/IP.
fn some_ip(data: &[u8]) -> bool {
    if data.len() < 16 {
        return false;
    }
    let len = be32(data, 4) as usize;
    let kind = data[14] & !0x20;
    len >= 8
        && len <= data.len() - 8
        && data[12] == 1
        && matches!(kind, 0..=2 | 0x40..=0x42 | 0x80 | 0x81 | 0xc0 | 0xc1)
        && data[15] <= 0x5e
}
