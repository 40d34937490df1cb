//! Positions out of signals: which signals of a recording make up one position, and when one is complete.

use yumen_kit_bus::{Part, Role, role};

/// A signal that may be part of a position.
#[derive(Clone, Debug)]
pub(crate) struct Candidate<'n> {
    /// Number of the message or channel group it comes in.
    pub(crate) group: usize,
    pub(crate) name: &'n str,
    pub(crate) unit: &'n str,
    /// What brings a fraction of a minute to less than one, where the number is whole.
    pub(crate) fraction: f64,
    /// Values that mean south or west.
    pub(crate) negative: &'n [u64],
}

/// Which part of which position a signal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Latitude(usize, usize),
    Longitude(usize, usize),
    Altitude(usize),
}

impl Slot {
    pub(crate) fn source(self) -> usize {
        let (Slot::Latitude(s, _) | Slot::Longitude(s, _) | Slot::Altitude(s)) = self;
        s
    }
}

#[derive(Clone, Debug)]
struct Piece {
    part: Part,
    fraction: f64,
    negative: Vec<u64>,
    value: f64,
    fresh: bool,
}

#[derive(Clone, Debug, Default)]
struct Axis(Vec<Piece>);

/// A position in the making.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// Name of its latitude.
    pub(crate) name: String,
    /// The group of its latitude.
    pub(crate) group: usize,
    latitude: Axis,
    longitude: Axis,
    altitude: Option<f64>,
}

impl Axis {
    fn fresh(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|p| p.fresh || matches!(p.part, Part::Hemisphere(_)))
    }

    fn degrees(&self, most: f64) -> f64 {
        let mut sum = 0.0;
        let mut negative = false;
        for p in &self.0 {
            let v = p.value;
            match p.part {
                Part::Whole(scale) => {
                    let mut degrees = v * scale;
                    // Whole numbers of 1e-7 or 1e-6 degrees without a unit that says so.
                    if scale == 1.0 && degrees.abs() > 1e6 {
                        degrees *=
                            if degrees.abs() * 1e-7 > most * 0.1 || degrees.abs() > most * 1e6 { 1e-7 } else { 1e-6 };
                    }
                    sum += degrees;
                }
                Part::Degrees => sum += v,
                Part::Minutes => sum += v / 60.0,
                Part::Fraction => sum += if v.abs() >= 1.0 { v * p.fraction } else { v } / 60.0,
                Part::Seconds => sum += v / 3600.0,
                Part::Hemisphere(one_is_negative) => {
                    let letter = matches!(v as u32, 78 | 69 | 83 | 87);
                    negative = if p.fresh && !p.negative.is_empty() {
                        p.negative.contains(&(v as u64))
                    } else if letter {
                        matches!(v as u32, 83 | 87)
                    } else {
                        p.fresh && (v == 1.0) == one_is_negative
                    };
                }
            }
        }
        if negative { -sum.abs() } else { sum }
    }
}

impl Place {
    /// Takes the value of a part.
    pub(crate) fn set(&mut self, slot: Slot, value: f64) {
        let piece = match slot {
            Slot::Latitude(_, part) => self.latitude.0.get_mut(part),
            Slot::Longitude(_, part) => self.longitude.0.get_mut(part),
            Slot::Altitude(_) => {
                self.altitude = Some(value).filter(|v| v.is_finite() && (-1e4..1e5).contains(v));
                None
            }
        };
        if let Some(piece) = piece {
            (piece.value, piece.fresh) = (value, true);
        }
    }

    /// A part is not known in this frame.
    pub(crate) fn unset(&mut self, slot: Slot) {
        let axis = match slot {
            Slot::Latitude(..) => &mut self.latitude,
            Slot::Longitude(..) => &mut self.longitude,
            Slot::Altitude(_) => return,
        };
        axis.0.iter_mut().filter(|p| !matches!(p.part, Part::Hemisphere(_))).for_each(|p| p.fresh = false);
    }

    /// Longitude, latitude and height, once all parts of both have come since the last time.
    pub(crate) fn take(&mut self) -> Option<(f64, f64, Option<f64>)> {
        if !self.latitude.fresh() || !self.longitude.fresh() {
            return None;
        }
        let (y, x) = (self.latitude.degrees(90.0), self.longitude.degrees(180.0));
        let pieces = self.latitude.0.iter_mut().chain(&mut self.longitude.0);
        pieces.filter(|p| !matches!(p.part, Part::Hemisphere(_))).for_each(|p| p.fresh = false);
        Some((x, y, self.altitude))
    }
}

struct Axes {
    latitude: bool,
    part: Part,
    stem: String,
}

/// Which signals make up positions. Of each candidate: the part it is.
pub(crate) fn plan(candidates: &[Candidate<'_>]) -> (Vec<Place>, Vec<Option<Slot>>) {
    let mut slots: Vec<Option<Slot>> = vec![None; candidates.len()];
    let mut places: Vec<Place> = Vec::new();
    let roles: Vec<Option<Axes>> = candidates
        .iter()
        .map(|c| {
            let named = role(c.name, c.unit)?;
            match named.role {
                Role::Latitude(part) => Some(Axes { latitude: true, part, stem: named.stem }),
                Role::Longitude(part) => Some(Axes { latitude: false, part, stem: named.stem }),
                _ => None,
            }
        })
        .collect();
    let is_side = |a: &Axes| matches!(a.part, Part::Hemisphere(_));
    // In one message first, by stem; then whatever a message has one of each of; then by stem over all messages.
    for round in 0..3 {
        for i in 0..candidates.len() {
            let Some(lat) = roles[i].as_ref().filter(|a| a.latitude && !is_side(a)) else { continue };
            if slots[i].is_some() {
                continue;
            }
            let fits = |j: usize, latitude: bool| {
                roles[j].as_ref().is_some_and(|a| {
                    a.latitude == latitude
                        && !is_side(a)
                        && slots[j].is_none()
                        && (round == 2 || candidates[j].group == candidates[i].group)
                        && (round == 1 || a.stem == lat.stem)
                })
            };
            let lons: Vec<usize> = (0..candidates.len()).filter(|&j| fits(j, false)).collect();
            let lats: Vec<usize> = (0..candidates.len()).filter(|&j| fits(j, true)).collect();
            if lons.is_empty() {
                continue;
            }
            let n = places.len();
            let mut place =
                Place { name: candidates[i].name.to_owned(), group: candidates[i].group, ..Place::default() };
            for (list, latitude) in [(lats, true), (lons, false)] {
                let part = |j: usize| roles[j].as_ref().map_or(Part::Degrees, |a| a.part);
                let whole = list.iter().copied().find(|&j| matches!(part(j), Part::Whole(_)));
                let chosen: Vec<usize> = match whole {
                    Some(j) => vec![j],
                    None => list,
                };
                let axis = if latitude { &mut place.latitude } else { &mut place.longitude };
                for j in chosen {
                    if axis.0.iter().any(|p| std::mem::discriminant(&p.part) == std::mem::discriminant(&part(j))) {
                        continue;
                    }
                    let k = axis.0.len();
                    let c = &candidates[j];
                    axis.0.push(Piece {
                        part: part(j),
                        fraction: c.fraction,
                        negative: c.negative.to_vec(),
                        value: 0.0,
                        fresh: false,
                    });
                    slots[j] = Some(if latitude { Slot::Latitude(n, k) } else { Slot::Longitude(n, k) });
                }
            }
            // Minutes alone are no position.
            let based = |axis: &Axis| axis.0.iter().any(|p| matches!(p.part, Part::Whole(_) | Part::Degrees));
            if based(&place.latitude) && based(&place.longitude) {
                places.push(place);
            } else {
                slots.iter_mut().filter(|s| s.is_some_and(|s| s.source() == n)).for_each(|s| *s = None);
            }
        }
    }
    for (i, c) in candidates.iter().enumerate() {
        if let Some(side) = roles[i].as_ref().filter(|a| is_side(a)) {
            let Some(n) =
                places.iter().position(|p| p.group == c.group).or(if places.len() == 1 { Some(0) } else { None })
            else {
                continue;
            };
            let axis = if side.latitude { &mut places[n].latitude } else { &mut places[n].longitude };
            let k = axis.0.len();
            axis.0.push(Piece {
                part: side.part,
                fraction: 1.0,
                negative: c.negative.to_vec(),
                value: 0.0,
                fresh: false,
            });
            slots[i] = Some(if side.latitude { Slot::Latitude(n, k) } else { Slot::Longitude(n, k) });
        } else if role(c.name, c.unit).is_some_and(|n| n.role == Role::Altitude) {
            let same = places.iter().position(|p| p.group == c.group);
            let named = c.name.to_lowercase().contains("gps") || c.name.to_lowercase().contains("alt");
            slots[i] = same.or(if places.len() == 1 && named { Some(0) } else { None }).map(Slot::Altitude);
        }
    }
    (places, slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates<'n>(list: &[(usize, &'n str, &'n str)]) -> Vec<Candidate<'n>> {
        list.iter().map(|&(group, name, unit)| Candidate { group, name, unit, fraction: 1e-4, negative: &[] }).collect()
    }

    fn run(list: &[(usize, &str, &str, f64)]) -> Vec<(f64, f64)> {
        let names: Vec<_> = list.iter().map(|&(g, n, u, _)| (g, n, u)).collect();
        let (mut places, slots) = plan(&candidates(&names));
        for (slot, &(.., value)) in slots.iter().zip(list) {
            if let Some(slot) = slot {
                places[slot.source()].set(*slot, value);
            }
        }
        places.iter_mut().filter_map(Place::take).map(|(x, y, _)| (x, y)).collect()
    }

    #[test]
    fn parts_make_up_positions() {
        assert_eq!(run(&[(0, "GPS_Lat", "deg", 39.9), (1, "GPS_Long", "deg", 116.4)]), [(116.4, 39.9)]);
        assert_eq!(
            run(&[(0, "Lat", "deg", 39.9), (0, "Lon", "deg", 116.4), (1, "Lat", "deg", 1.0), (1, "Lon", "deg", 2.0)])
                .len(),
            2
        );
        let split = [
            (0, "GPS_Latitude_Degrees", "Degrees", 33.0),
            (0, "GPS_Latitude_Minutes", "Minutes", 30.0),
            (0, "GPS_Latitude_Min_dec", "Minutes", 6000.0),
            (0, "GPS_Longitude_Degrees", "Degrees", 70.0),
            (0, "GPS_Longitude_Minutes", "Minutes", 15.0),
            (0, "GPS_Longitude_Min_dec", "Minutes", 0.5),
            (0, "GpsHsphLattSth_D_Actl", "", 1.0),
            (0, "GpsHsphLongEast_D_Actl", "", 0.0),
        ];
        let (x, y) = run(&split)[0];
        assert!((y + 33.51).abs() < 1e-9 && (x + 70.2583333).abs() < 1e-6, "{x} {y}");
        assert_eq!(run(&[(0, "LatAcc", "m/s^2", 1.0), (0, "LongAcc", "m/s^2", 1.0)]), []);
        assert_eq!(run(&[(0, "Lat_Min", "min", 1.0), (0, "Lon_Min", "min", 1.0)]), []);
        assert_eq!(run(&[(0, "Lat", "deg", 39.9)]), []);
        let (x, y) = run(&[(0, "Lat", "", 399_042_000.0), (0, "Lon", "", 1_164_074_000.0)])[0];
        assert!((x - 116.4074).abs() < 1e-9 && (y - 39.9042).abs() < 1e-9);
    }

    #[test]
    fn a_position_is_told_once() {
        let (mut places, slots) = plan(&candidates(&[(0, "Lat", "deg"), (1, "Lon", "deg")]));
        let (lat, lon) = (slots[0].unwrap(), slots[1].unwrap());
        places[0].set(lat, 39.0);
        assert_eq!(places[0].take(), None);
        places[0].set(lon, 116.0);
        assert_eq!(places[0].take(), Some((116.0, 39.0, None)));
        places[0].set(lat, 39.1);
        assert_eq!(places[0].take(), None);
    }
}
