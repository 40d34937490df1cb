//! Packets of lidars: which maker's, how many, and the position that some of them carry.

use std::collections::BTreeMap;

use yumen_model::kind::kinds;
use yumen_model::{Fix, InspectError, InventoryItem, Spatial};

use crate::out::{Out, SourceId, rounded};

#[derive(Default)]
pub(super) struct Lidar {
    seen: BTreeMap<(&'static str, u16), Seen>,
    source: Option<SourceId>,
}

struct Seen {
    packets: u64,
    points: u64,
    bytes: u64,
    first: f64,
    last: f64,
}

/// Maker and points of a packet. A length and a port alone are believed only where no mark exists.
fn maker(ports: [u16; 2], data: &[u8]) -> Option<(&'static str, u64)> {
    let port = ports[1];
    match data {
        // Twelve blocks of 100 bytes, each beginning with a flag.
        [0xff, 0xee, ..] | [0xff, 0xdd, ..] if data.len() == 1206 && data.get(100) == Some(&0xff) => {
            Some(("Velodyne", 384))
        }
        [0xee, 0xff, major @ 1..=8, minor, ..] if data.len() >= 500 && *minor < 16 => {
            // Lasers and blocks stand in the header.
            let _ = major;
            Some(("Hesai", u64::from(data[6]) * u64::from(data[7])))
        }
        [0x55, 0xaa, 0x05, 0x0a, 0x5a, 0xa5, 0x50, 0xa0, ..] if data.len() == 1248 => Some(("RoboSense", 384)),
        [0x55, 0xaa, 0x05, 0x5a, ..] if data.len() >= 1000 => Some(("RoboSense", 0)),
        [0xa5, 0xff, 0x00, 0x5a, ..] if data.len() >= 200 => Some(("RoboSense", 0)),
        _ if matches!(port, 7502)
            && matches!(data.len(), 3392 | 6464 | 8448 | 12608 | 16640 | 24832 | 24896 | 33024) =>
        {
            Some(("Ouster", 0))
        }
        _ if matches!(port, 56300..=56301 | 57000 | 55000 | 56001)
            && matches!(data.len(), 1380 | 1362 | 1318 | 1304 | 1104) =>
        {
            Some(("Livox", 96))
        }
        _ => None,
    }
}

impl Lidar {
    /// Whether a datagram is of a lidar.
    pub(super) fn packet(
        &mut self,
        ports: [u16; 2],
        data: &[u8],
        time: f64,
        at: u64,
        out: &mut Out<'_>,
    ) -> Result<bool, InspectError> {
        // Velodyne's position packets: a sentence of the receiver at a fixed place.
        if data.len() == 512 && ports[1] == 8308 {
            let end = data[206..].iter().position(|&b| b == b'\r' || b == 0).map_or(512, |n| 206 + n);
            if let Some((x, y, z)) = std::str::from_utf8(&data[206..end]).ok().and_then(sentence) {
                let source = *self
                    .source
                    .get_or_insert_with(|| out.source("Velodyne position packet", None, Some("wgs84"), false));
                out.fix(source, Fix { x, y, z, time_s: Some(time), entity: 0, offset: at })?;
            }
            return Ok(true);
        }
        let Some((maker, points)) = maker(ports, data) else { return Ok(false) };
        let seen = self.seen.entry((maker, ports[1])).or_insert(Seen {
            packets: 0,
            points: 0,
            bytes: 0,
            first: time,
            last: time,
        });
        seen.packets += 1;
        seen.points += points;
        seen.bytes += data.len() as u64;
        seen.last = seen.last.max(time);
        Ok(true)
    }

    pub(super) fn finish(&mut self, out: &mut Out<'_>) {
        for ((maker, port), seen) in std::mem::take(&mut self.seen) {
            let duration = rounded((seen.last - seen.first).max(0.0));
            let mut item = InventoryItem::new(kinds::SENSOR_LIDAR)
                .with("maker", vec![maker])
                .with("ports", vec![port.to_string()])
                .with("packets", seen.packets)
                .with("bytes", seen.bytes)
                .with("duration_s", duration);
            let mut cloud = Spatial::new(kinds::GEO_POINT_CLOUD)
                .with("name", format!("{maker}, port {port}"))
                .with("packets", seen.packets)
                .with("duration_s", duration);
            if seen.points > 0 {
                item = item.with("points", seen.points);
                cloud = cloud.with("points", seen.points);
            }
            out.to.inventory(item);
            out.spatial(cloud);
        }
    }
}

/// Longitude, latitude and height of an NMEA 0183 sentence (RMC, GGA) that says it has a fix.
fn sentence(text: &str) -> Option<(f64, f64, Option<f64>)> {
    let body = text.strip_prefix('$')?.split('*').next()?;
    let f: Vec<&str> = body.split(',').collect();
    let angle = |value: &str, side: &str| {
        let dot = value.find('.').unwrap_or(value.len());
        let (degrees, minutes) = value.split_at_checked(dot.checked_sub(2)?)?;
        let angle = degrees.parse::<f64>().ok()? + minutes.parse::<f64>().ok()? / 60.0;
        Some(if matches!(side, "S" | "W") { -angle } else { angle })
    };
    match f.first()?.get(2..)? {
        "RMC" if f.get(2) == Some(&"A") => Some((angle(f.get(5)?, f.get(6)?)?, angle(f.get(3)?, f.get(4)?)?, None)),
        "GGA" if f.get(6).is_some_and(|q| *q != "0") => {
            Some((angle(f.get(4)?, f.get(5)?)?, angle(f.get(2)?, f.get(3)?)?, f.get(9).and_then(|z| z.parse().ok())))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn sentences_with_a_fix_give_a_position() {
        let (x, y, _) = sentence("$GPRMC,023044,A,3954.252,N,11624.444,E,0.0,0.0,140726,,,A*6A").unwrap();
        assert!((x - 116.4074).abs() < 1e-9 && (y - 39.9042).abs() < 1e-9);
        assert_eq!(sentence("$GPRMC,023044,V,3954.252,N,11624.444,E,0.0,0.0,140726,,,A*6A"), None);
        assert_eq!(sentence("$GPRMC,A,A,,,,"), None);
        assert_eq!(sentence(""), None);
    }
}
