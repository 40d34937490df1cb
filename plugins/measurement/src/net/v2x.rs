//! Messages between vehicles: GeoNetworking (ETSI EN 302 636-4-1), WSMP (IEEE 1609.3) with SAE J2735 safety messages.

use std::collections::BTreeMap;

use yumen_kit_container::window::num::{be16, be32, be64};
use yumen_model::{Fix, InspectError};

use super::Packet;
use crate::out::{Out, SourceId};

#[derive(Default)]
pub(super) struct V2x {
    geo: Option<SourceId>,
    safety: Option<SourceId>,
    ports: BTreeMap<u16, u64>,
    messages: u64,
}

impl V2x {
    /// A packet of GeoNetworking: the position of its sender. False when it is encrypted.
    pub(super) fn geonetworking(&mut self, b: &[u8], p: &Packet<'_>, out: &mut Out<'_>) -> Result<bool, InspectError> {
        let Some(rest) = b.get(4..) else { return Ok(true) };
        let common = match b[0] & 0xf {
            1 => rest,
            // Secured: the payload stands in the signed data, unless it is encrypted.
            2 => {
                if rest.starts_with(&[3, 0x82]) {
                    return Ok(false);
                }
                match unsecured(rest) {
                    Some(inner) => inner,
                    None => return Ok(true),
                }
            }
            _ => return Ok(true),
        };
        if common.len() < 8 {
            return Ok(true);
        }
        let (next, kind) = (common[0] >> 4, common[1]);
        let head = match kind >> 4 {
            // Beacon; unicast, any- and broadcast with a sequence number; single hop.
            1 => 8,
            2..=4 => 12,
            5 if kind & 0xf == 0 => 8,
            5 => 12,
            _ => return Ok(true),
        };
        let Some(vector) = common.get(head..head + 24) else { return Ok(true) };
        let (address, y, x) = (be64(vector, 0), be32(vector, 12) as i32, be32(vector, 16) as i32);
        let source = *self
            .geo
            .get_or_insert_with(|| out.source("GeoNetworking long position vector", None, Some("wgs84"), false));
        let fix = Fix {
            x: f64::from(x) * 1e-7,
            y: f64::from(y) * 1e-7,
            z: None,
            time_s: Some(p.time),
            entity: address & 0xffff_ffff_ffff,
            offset: p.at,
        };
        out.fix(source, fix)?;
        // The port of the transport tells what is carried.
        let body = match kind >> 4 {
            1 => return Ok(true),
            2 => head + 24 + 20,
            3 | 4 => head + 24 + 20,
            _ => head + 28,
        };
        if matches!(next, 1 | 2) && common.len() >= body + 4 && self.ports.len() < 4096 {
            *self.ports.entry(be16(common, body)).or_default() += 1;
        }
        Ok(true)
    }

    /// A message of WSMP: a safety message somewhere behind its header, maybe in signed data.
    pub(super) fn wsmp(&mut self, b: &[u8], p: &Packet<'_>, out: &mut Out<'_>) -> Result<(), InspectError> {
        for from in 2..b.len().min(64) {
            let rest = &b[from..];
            // Identifier of a basic safety message, and a length that fits.
            if rest.starts_with(&[0, 0x14])
                && rest.get(2).is_some_and(|&n| n < 0x80 && usize::from(n) + 3 <= rest.len() && n >= 30)
            {
                self.basic_safety(rest, p, out)?;
                break;
            }
        }
        Ok(())
    }

    /// A basic safety message of SAE J2735 in packed encoding, from its identifier on.
    pub(super) fn basic_safety(&mut self, b: &[u8], p: &Packet<'_>, out: &mut Out<'_>) -> Result<bool, InspectError> {
        if be16(b, 0) != 0x14 || b.len() < 33 {
            return Ok(false);
        }
        let (from, len) = match b[2] {
            n if n < 0x80 => (3, usize::from(n)),
            n => (4, usize::from(n & 0x3f) << 8 | usize::from(b[3])),
        };
        if from + len > b.len() || len < 30 {
            return Ok(false);
        }
        let body = &b[from..];
        // Three bits of options, the count, the identifier, the second; then latitude, longitude, height.
        let id = bits(body, 10, 32);
        let y = bits(body, 58, 31) as f64 - 900_000_000.0;
        let x = bits(body, 89, 32) as f64 - 1_799_999_999.0;
        let z = bits(body, 121, 16) as f64 - 4096.0;
        if !(-9e8..=9e8).contains(&y) || !(-1.8e9..=1.8e9).contains(&x) {
            return Ok(false);
        }
        self.messages += 1;
        let source = *self.safety.get_or_insert_with(|| out.source("Basic safety message", None, Some("wgs84"), true));
        let fix = Fix { x: x * 1e-7, y: y * 1e-7, z: Some(z * 0.1), time_s: Some(p.time), entity: id, offset: p.at };
        out.fix(source, fix)?;
        Ok(true)
    }

    pub(super) fn finish(&self, protocols: &mut BTreeMap<&'static str, u64>) {
        for (port, name) in [
            (2001, "V2X CAM"),
            (2002, "V2X DENM"),
            (2003, "V2X MAP"),
            (2004, "V2X SPAT"),
            (2006, "V2X IVI"),
            (2009, "V2X CPM"),
        ] {
            if let Some(n) = self.ports.get(&port) {
                protocols.insert(name, *n);
            }
        }
        if self.messages > 0 {
            protocols.insert("V2X BSM", self.messages);
        }
    }
}

/// Bits of a packed encoding, the highest first.
fn bits(bytes: &[u8], from: usize, n: usize) -> u64 {
    (from..from + n).fold(0, |all, i| all << 1 | bytes.get(i / 8).map_or(0, |b| u64::from(b >> (7 - i % 8) & 1)))
}

/// The payload of signed data (IEEE 1609.2): `03 80` and its length, near the start.
fn unsecured(b: &[u8]) -> Option<&[u8]> {
    let at = b.windows(2).take(16).position(|w| w == [3, 0x80])? + 2;
    let (from, len) = match *b.get(at)? {
        n if n < 0x80 => (at + 1, usize::from(n)),
        0x81 => (at + 2, usize::from(*b.get(at + 1)?)),
        0x82 => (at + 3, usize::from(be16(b, at + 1))),
        _ => return None,
    };
    b.get(from..(from + len).min(b.len()))
}
