//! Compressed vectors: packets that hold, for each field of a record, a piece of its stream of bits.

use std::ops::Range;

use yumen_kit_container::Container;
use yumen_kit_container::window::num::{le16, le64};
use yumen_model::InspectError;

use super::document::Node;
use super::pages::Pages;

/// Streams that wait for others to catch up grow no longer than this.
const MOST_WAITING: usize = 64 << 20;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Single,
    Double,
    Integer { min: i64, scale: f64, offset: f64 },
}

#[derive(Clone, Debug)]
struct Field {
    name: String,
    kind: Kind,
    bits: u32,
}

/// The fields of a record.
#[derive(Clone, Debug, Default)]
pub(super) struct Prototype {
    fields: Vec<Field>,
    /// There are fields that are not numbers.
    pub opaque: bool,
}

impl Prototype {
    pub(super) fn of(vector: &Node) -> Prototype {
        let mut prototype = Prototype::default();
        if let Some(node) = vector.child("prototype") {
            prototype.add(node, "", 0);
        }
        prototype
    }

    /// Structures may nest; their leaves are the fields, in order.
    fn add(&mut self, node: &Node, path: &str, depth: usize) {
        for child in &node.children {
            let name = if path.is_empty() { child.name.clone() } else { format!("{path}.{}", child.name) };
            let number = |key: &str| child.attribute(key).and_then(|v| v.trim().parse::<f64>().ok());
            let whole =
                |key: &str, or: i64| child.attribute(key).and_then(|v| v.trim().parse::<i64>().ok()).unwrap_or(or);
            match child.attribute("type").unwrap_or("") {
                "Float" => {
                    let single = child.attribute("precision") == Some("single");
                    let (kind, bits) = if single { (Kind::Single, 32) } else { (Kind::Double, 64) };
                    self.fields.push(Field { name, kind, bits });
                }
                scaled @ ("Integer" | "ScaledInteger") => {
                    let (min, max) = (whole("minimum", i64::MIN), whole("maximum", i64::MAX));
                    let span = max.wrapping_sub(min) as u64;
                    let (scale, offset) = match scaled {
                        "Integer" => (1.0, 0.0),
                        _ => (number("scale").unwrap_or(1.0), number("offset").unwrap_or(0.0)),
                    };
                    if max < min {
                        self.opaque = true;
                    }
                    self.fields.push(Field {
                        name,
                        kind: Kind::Integer { min, scale, offset },
                        bits: 64 - span.leading_zeros(),
                    });
                }
                "Structure" if depth < 8 => self.add(child, &name, depth + 1),
                _ => self.opaque = true,
            }
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|f| f.name == name)
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.name == name)
    }

    /// Step of scaled coordinates.
    pub(super) fn resolution(&self) -> Option<f64> {
        ["cartesianX", "cartesianY", "sphericalRange"].iter().find_map(|n| {
            match self.fields.get(self.index(n)?)?.kind {
                Kind::Integer { scale, .. } => Some(scale.abs()),
                _ => None,
            }
        })
    }

    /// Coordinates are 32-bit floats.
    pub(super) fn is_single(&self) -> bool {
        ["cartesianX", "sphericalRange"]
            .iter()
            .any(|n| self.index(n).is_some_and(|i| self.fields[i].kind == Kind::Single))
    }
}

/// One vector in the file.
#[derive(Clone, Debug)]
pub(super) struct Vector {
    /// Its logical bytes.
    pub section: Range<u64>,
    data: u64,
}

/// Bits of one field that were read and not used yet.
#[derive(Default)]
struct Stream {
    bytes: Vec<u8>,
    bit: usize,
}

impl Stream {
    fn available(&self, bits: u32) -> u64 {
        if bits == 0 { u64::MAX } else { ((self.bytes.len() * 8 - self.bit) / bits as usize) as u64 }
    }

    fn take(&mut self, bits: u32) -> u64 {
        let mut value = 0u64;
        let mut got = 0;
        while got < bits {
            let byte = u64::from(self.bytes.get(self.bit / 8).copied().unwrap_or(0)) >> (self.bit % 8);
            let n = (8 - (self.bit % 8) as u32).min(bits - got);
            value |= (byte & ((1 << n) - 1)) << got;
            got += n;
            self.bit += n as usize;
        }
        value
    }

    fn drop_used(&mut self) {
        let whole = self.bit / 8;
        self.bytes.drain(..whole.min(self.bytes.len()));
        self.bit %= 8;
    }
}

impl Vector {
    pub(super) fn open(to: &Container<'_>, pages: &Pages, offset: u64) -> Result<Option<Vector>, InspectError> {
        let start = pages.logical(offset);
        let head = pages.bytes(to, start..start.saturating_add(32))?;
        if head.len() < 32 || head[0] != 1 {
            return Ok(None);
        }
        let end = start.saturating_add(le64(&head, 8));
        let data = pages.logical(le64(&head, 16));
        let fits = end <= pages.logical_len() && end >= start + 32 && (start..=end).contains(&data);
        Ok(fits.then_some(Vector { section: start..end, data }))
    }

    /// Decodes all records and gives each point with a valid position.
    pub(super) fn decode(
        &self,
        to: &Container<'_>,
        pages: &Pages,
        prototype: &Prototype,
        count: u64,
        point: &mut dyn FnMut([f64; 3]),
    ) -> Result<(), InspectError> {
        let three = |names: [&str; 3]| -> Option<[usize; 3]> {
            Some([prototype.index(names[0])?, prototype.index(names[1])?, prototype.index(names[2])?])
        };
        let cartesian = three(["cartesianX", "cartesianY", "cartesianZ"]);
        let spherical = three(["sphericalRange", "sphericalAzimuth", "sphericalElevation"]);
        let invalid = match cartesian {
            Some(_) => prototype.index("cartesianInvalidState"),
            None => prototype.index("sphericalInvalidState"),
        };
        let place = cartesian.or(spherical);
        let mut wanted: Vec<usize> = place.into_iter().flatten().chain(invalid).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let fields = &prototype.fields;
        // What takes no bits at all can't say how many there are.
        let counts = wanted.iter().any(|&i| fields[i].bits > 0);
        let mut streams: Vec<Stream> = fields.iter().map(|_| Stream::default()).collect();
        let (mut at, mut left) = (self.data, count);
        while at + 4 <= self.section.end {
            let head = pages.bytes(to, at..at + 6)?;
            let len = u64::from(le16(&head, 2)) + 1;
            let physical = pages.physical(at);
            if at + len > self.section.end || len < 4 {
                return Err(InspectError::corrupt(physical, "a packet reaches past its section"));
            }
            match head.first() {
                Some(1) => {
                    let packet = pages.bytes(to, at..at + len)?;
                    let n = usize::from(le16(&packet, 4));
                    if n != fields.len() {
                        return Err(InspectError::corrupt(physical, "a packet has not the fields of its vector"));
                    }
                    let mut from = 6 + 2 * n;
                    for (i, stream) in streams.iter_mut().enumerate() {
                        let size = usize::from(le16(&packet, 6 + 2 * i));
                        let Some(bytes) = packet.get(from..from + size) else {
                            return Err(InspectError::corrupt(physical, "a packet is shorter than its streams"));
                        };
                        from += size;
                        if wanted.contains(&i) {
                            stream.bytes.extend_from_slice(bytes);
                        }
                    }
                    if counts {
                        let ready = wanted.iter().map(|&i| streams[i].available(fields[i].bits)).min().unwrap_or(0);
                        for _ in 0..ready.min(left) {
                            let mut values = [0.0; 3];
                            let mut valid = true;
                            for &i in &wanted {
                                let raw = streams[i].take(fields[i].bits);
                                let value = match fields[i].kind {
                                    Kind::Single => f64::from(f32::from_bits(raw as u32)),
                                    Kind::Double => f64::from_bits(raw),
                                    Kind::Integer { min, scale, offset } => {
                                        min.wrapping_add_unsigned(raw) as f64 * scale + offset
                                    }
                                };
                                if Some(i) == invalid && value != 0.0 {
                                    valid = false;
                                }
                                for (slot, index) in values.iter_mut().zip(place.into_iter().flatten()) {
                                    if index == i {
                                        *slot = value;
                                    }
                                }
                            }
                            if cartesian.is_none() {
                                let [range, azimuth, elevation] = values;
                                values = [
                                    range * elevation.cos() * azimuth.cos(),
                                    range * elevation.cos() * azimuth.sin(),
                                    range * elevation.sin(),
                                ];
                            }
                            point(if valid { values } else { [f64::NAN; 3] });
                        }
                        left -= ready.min(left);
                    }
                    for &i in &wanted {
                        streams[i].drop_used();
                        if streams[i].bytes.len() > MOST_WAITING {
                            return Err(InspectError::corrupt(physical, "the fields of a vector do not go together"));
                        }
                    }
                }
                Some(0 | 2) => {}
                _ => return Err(InspectError::corrupt(physical, "a packet of no known kind")),
            }
            at += len;
        }
        if counts && left > 0 {
            return Err(InspectError::corrupt(pages.physical(self.section.end), "fewer points than the header tells"));
        }
        Ok(())
    }
}
