//! A channel: where its value lies in a record, and what brings it to a physical one.

/// What stands in the bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Unsigned,
    Signed,
    Float,
    /// Text in one byte a character or UTF-8.
    Text,
    Utf16Le,
    Utf16Be,
    Bytes,
    Other,
}

/// From raw to physical.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Conversion {
    #[default]
    None,
    /// `a + b * x`.
    Linear(f64, f64),
    /// `(a x² + b x + c) / (d x² + e x + f)`.
    Rational([f64; 6]),
    /// Keys and values, interpolated or by the nearest.
    Table(Vec<(f64, f64)>, bool),
    /// From, to and value.
    Ranges(Vec<(f64, f64, f64)>),
    /// The value is a text, or is computed by a formula.
    Other,
}

impl Conversion {
    pub(super) fn apply(&self, x: f64) -> Option<f64> {
        match self {
            Conversion::None => Some(x),
            Conversion::Linear(a, b) => Some(a + b * x),
            Conversion::Rational([a, b, c, d, e, f]) => {
                let below = (d * x + e) * x + f;
                (below != 0.0).then(|| ((a * x + b) * x + c) / below)
            }
            Conversion::Table(pairs, interpolate) => {
                let at = pairs.partition_point(|p| p.0 <= x);
                let (low, high) = (at.checked_sub(1).and_then(|i| pairs.get(i)), pairs.get(at));
                match (low, high) {
                    (Some(l), Some(h)) if *interpolate => Some(l.1 + (h.1 - l.1) * (x - l.0) / (h.0 - l.0)),
                    (Some(l), Some(h)) => Some(if x - l.0 <= h.0 - x { l.1 } else { h.1 }),
                    (Some(p), None) | (None, Some(p)) => Some(p.1),
                    (None, None) => None,
                }
            }
            Conversion::Ranges(list) => list.iter().find(|r| x >= r.0 && x <= r.1).map(|r| r.2),
            Conversion::Other => None,
        }
    }
}

/// Where values of varying length stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stored {
    /// In the record.
    #[default]
    Record,
    /// In signal data at this address; the record holds the offset in it.
    Signal(u64),
    /// In the records of the group with this address.
    Group(u64),
}

#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) kind: Kind,
    pub(super) big_endian: bool,
    /// First byte in the record, and first bit in it.
    pub(super) byte: usize,
    pub(super) bit: u32,
    pub(super) bits: u32,
    pub(super) conversion: Conversion,
    /// It is the time of the records.
    pub(super) time: bool,
    pub(super) stored: Stored,
}

impl Channel {
    fn bytes<'r>(&self, record: &'r [u8]) -> Option<&'r [u8]> {
        let n = (self.bit + self.bits).div_ceil(8) as usize;
        record.get(self.byte..self.byte.checked_add(n)?)
    }

    /// The bits as they stand in the record; none for more than 64 of them.
    pub(super) fn raw(&self, record: &[u8]) -> Option<u64> {
        if self.bits == 0 || self.bits > 64 {
            return None;
        }
        let bytes = self.bytes(record)?;
        let mut all = 0u128;
        if self.big_endian {
            bytes.iter().for_each(|&b| all = all << 8 | u128::from(b));
        } else {
            bytes.iter().rev().for_each(|&b| all = all << 8 | u128::from(b));
        }
        let mask = if self.bits == 64 { u64::MAX } else { (1 << self.bits) - 1 };
        Some((all >> self.bit) as u64 & mask)
    }

    /// The physical value.
    pub(super) fn value(&self, record: &[u8]) -> Option<f64> {
        let raw = self.raw(record)?;
        let x = match self.kind {
            Kind::Unsigned => raw as f64,
            Kind::Signed => {
                let shift = 64 - self.bits;
                ((raw << shift) as i64 >> shift) as f64
            }
            Kind::Float if self.bits == 32 => f64::from(f32::from_bits(raw as u32)),
            Kind::Float if self.bits == 64 => f64::from_bits(raw),
            _ => return None,
        };
        self.conversion.apply(x)
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self.kind, Kind::Unsigned | Kind::Signed | Kind::Float)
            && self.bits <= 64
            && self.stored == Stored::Record
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::Utf16Le | Kind::Utf16Be)
    }

    /// The bytes of a value in the record.
    pub(super) fn content<'r>(&self, record: &'r [u8]) -> Option<&'r [u8]> {
        self.bytes(record)
    }

    /// A text out of its bytes, up to the first zero.
    pub(super) fn text(&self, bytes: &[u8]) -> String {
        let wide = |f: fn([u8; 2]) -> u16| {
            let units = bytes.chunks_exact(2).map(|c| f([c[0], c[1]])).take_while(|&u| u != 0);
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        };
        match self.kind {
            Kind::Utf16Le => wide(u16::from_le_bytes),
            Kind::Utf16Be => wide(u16::from_be_bytes),
            _ => plain(bytes),
        }
    }
}

/// A text in UTF-8, or else in windows-1252 as far as its letters go, up to the first zero.
pub(super) fn plain(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    match std::str::from_utf8(&bytes[..end]) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes[..end].iter().map(|&b| b as char).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_taken_out_and_converted() {
        let channel = |kind, big_endian, byte, bit, bits| Channel {
            name: String::new(),
            unit: String::new(),
            kind,
            big_endian,
            byte,
            bit,
            bits,
            conversion: Conversion::None,
            time: false,
            stored: Stored::Record,
        };
        let record = [0x12, 0x34, 0xf6, 0x00];
        assert_eq!(channel(Kind::Unsigned, false, 0, 0, 16).value(&record), Some(f64::from(0x3412)));
        assert_eq!(channel(Kind::Unsigned, true, 0, 0, 16).value(&record), Some(f64::from(0x1234)));
        assert_eq!(channel(Kind::Unsigned, false, 0, 4, 8).value(&record), Some(f64::from(0x41)));
        assert_eq!(channel(Kind::Signed, false, 2, 0, 8).value(&record), Some(-10.0));
        assert_eq!(channel(Kind::Unsigned, false, 3, 0, 16).value(&record), None);
        assert_eq!(Conversion::Linear(1.0, 2.0).apply(3.0), Some(7.0));
        assert_eq!(Conversion::Rational([0.0, 1.0, 0.0, 0.0, 0.0, 2.0]).apply(3.0), Some(1.5));
        let table = |i| Conversion::Table(vec![(0.0, 0.0), (10.0, 100.0)], i);
        assert_eq!(
            (table(true).apply(2.0), table(false).apply(2.0), table(true).apply(20.0)),
            (Some(20.0), Some(0.0), Some(100.0))
        );
        assert_eq!(Conversion::Ranges(vec![(0.0, 1.0, 5.0)]).apply(2.0), None);
    }
}
