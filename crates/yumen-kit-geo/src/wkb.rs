//! Well-known binary, and the two ways that databases wrap it.
//!
//! Sources: OGC 06-103r4 (simple features), OGC 12-128 (GeoPackage) 2.1.3, SpatiaLite's "BLOB-Geometry" description, PostGIS's EWKB flags.

/// Geometries nest no deeper than this.
const DEEPEST: usize = 16;

/// Kinds of shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A position.
    Point,
    /// One or more lines.
    Line,
    /// An outer ring and holes.
    Area,
}

/// One position: x, y, height, measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// Longitude or easting.
    pub x: f64,
    /// Latitude or northing.
    pub y: f64,
    /// Height.
    pub z: Option<f64>,
    /// Measure: a distance, often a time.
    pub m: Option<f64>,
}

/// What a geometry is made of, in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Piece {
    /// A point, a line, an area or a surface begins.
    Begin(Shape),
    /// A line, or a ring of an area.
    Part(Shape),
    /// The next position.
    At(Shape, Position),
    /// A ring ends; whether it is a hole.
    EndRing(bool),
}

/// How a geometry is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavour {
    Wkb,
    SpatiaLite,
}

/// What stands before the geometry: the number of its reference system, and whether it is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Wrapped {
    /// Number of the reference system.
    pub srid: Option<i32>,
    /// Whether the wrapping says that it is empty.
    pub empty: bool,
}

/// Reads a geometry in any of the forms that databases keep it in. `None` where it is none; false where it ends early.
#[must_use]
pub fn read(bytes: &[u8], each: &mut dyn FnMut(Piece)) -> Option<(Wrapped, bool)> {
    let mut wrapped = Wrapped::default();
    let mut flavour = Flavour::Wkb;
    let body = if bytes.starts_with(b"GP") && bytes.len() >= 8 {
        let flags = bytes[3];
        let id: [u8; 4] = bytes[4..8].try_into().ok()?;
        wrapped.srid = Some(if flags & 1 == 1 { i32::from_le_bytes(id) } else { i32::from_be_bytes(id) });
        wrapped.empty = flags & 0x10 != 0;
        let envelope = match flags >> 1 & 7 {
            0 => 0,
            1 => 32,
            2 | 3 => 48,
            4 => 64,
            _ => return None,
        };
        // An extended geometry is the vendor's own.
        if flags & 0x20 != 0 {
            return None;
        }
        bytes.get(8 + envelope..)?
    } else if bytes.first() == Some(&0) && bytes.len() >= 45 && bytes[38] == 0x7C && bytes[1] <= 1 {
        let id: [u8; 4] = bytes[2..6].try_into().ok()?;
        wrapped.srid = Some(if bytes[1] == 1 { i32::from_le_bytes(id) } else { i32::from_be_bytes(id) });
        flavour = Flavour::SpatiaLite;
        bytes
    } else {
        bytes
    };
    let mut reader = Reader { bytes: body, at: 0, little: true, flavour, each };
    let whole = if flavour == Flavour::SpatiaLite {
        reader.little = bytes[1] == 1;
        reader.at = 39;
        let kind = reader.int()?;
        reader.shape(kind, 0, None)
    } else {
        if wrapped.empty && body.is_empty() {
            return Some((wrapped, true));
        }
        let kind = reader.head(&mut wrapped)?;
        reader.shape(kind, 0, None)
    };
    Some((wrapped, whole.is_some()))
}

struct Reader<'b, 'e> {
    bytes: &'b [u8],
    at: usize,
    little: bool,
    flavour: Flavour,
    each: &'e mut dyn FnMut(Piece),
}

/// Dimensions of a geometry's positions.
#[derive(Clone, Copy)]
struct Dims {
    z: bool,
    m: bool,
    /// Positions but the first and last are differences in single precision.
    packed: bool,
}

impl Reader<'_, '_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = self.bytes.get(self.at..)?.get(..N)?.try_into().ok()?;
        self.at += N;
        Some(bytes)
    }

    fn int(&mut self) -> Option<u32> {
        let b = self.take::<4>()?;
        Some(if self.little { u32::from_le_bytes(b) } else { u32::from_be_bytes(b) })
    }

    fn double(&mut self) -> Option<f64> {
        let b = self.take::<8>()?;
        Some(if self.little { f64::from_le_bytes(b) } else { f64::from_be_bytes(b) })
    }

    fn float(&mut self) -> Option<f64> {
        let b = self.take::<4>()?;
        Some(f64::from(if self.little { f32::from_le_bytes(b) } else { f32::from_be_bytes(b) }))
    }

    /// Byte order and type of a geometry or a member of one.
    fn head(&mut self, wrapped: &mut Wrapped) -> Option<u32> {
        let [order] = self.take::<1>()?;
        if self.flavour == Flavour::SpatiaLite {
            return if order == 0x69 { self.int() } else { None };
        }
        self.little = match order {
            0 => false,
            1 => true,
            _ => return None,
        };
        let kind = self.int()?;
        if kind & 0x2000_0000 != 0 {
            let id = self.int()?;
            wrapped.srid = Some(id.cast_signed());
        }
        dims(kind).map(|_| kind)
    }

    /// Rings, lines and members are counted by what can be there.
    fn count(&mut self, least: usize) -> Option<u32> {
        let n = self.int()?;
        let room = self.bytes.len() - self.at;
        (n as usize <= room / least).then_some(n)
    }

    fn position(&mut self, d: Dims) -> Option<Position> {
        let (x, y) = (self.double()?, self.double()?);
        let z = if d.z { Some(self.double()?) } else { None };
        let m = if d.m { Some(self.double()?) } else { None };
        Some(Position { x, y, z, m })
    }

    fn positions(&mut self, form: Shape, d: Dims) -> Option<()> {
        let wide = 8 * (2 + usize::from(d.z) + usize::from(d.m));
        // A count that can't be is cut to what is there.
        let n = self.int()? as usize;
        let mut last = Position { x: 0.0, y: 0.0, z: None, m: None };
        for i in 0..n {
            let p = if d.packed && i > 0 && i + 1 < n {
                let (x, y) = (last.x + self.float()?, last.y + self.float()?);
                let z = if d.z { Some(last.z.unwrap_or(0.0) + self.float()?) } else { None };
                let m = if d.m { Some(self.double()?) } else { None };
                Position { x, y, z, m }
            } else {
                if self.bytes.len() - self.at < wide {
                    return None;
                }
                self.position(d)?
            };
            last = p;
            (self.each)(Piece::At(form, p));
        }
        Some(())
    }

    /// A geometry whose head was read; `within`: it is a part of a line or a ring.
    fn shape(&mut self, kind: u32, depth: usize, within: Option<Shape>) -> Option<()> {
        let (base, d) = dims(kind)?;
        if depth > DEEPEST {
            return None;
        }
        match base {
            1 => {
                (self.each)(Piece::Begin(Shape::Point));
                let p = self.position(d)?;
                (self.each)(Piece::At(Shape::Point, p));
            }
            2 | 8 => {
                if within.is_none() {
                    (self.each)(Piece::Begin(Shape::Line));
                }
                let form = within.unwrap_or(Shape::Line);
                (self.each)(Piece::Part(form));
                self.positions(form, d)?;
            }
            3 | 17 => {
                (self.each)(Piece::Begin(Shape::Area));
                for ring in 0..self.count(4)? {
                    (self.each)(Piece::Part(Shape::Area));
                    self.positions(Shape::Area, d)?;
                    (self.each)(Piece::EndRing(ring > 0));
                }
            }
            4..=7 | 9..=12 | 15 | 16 => {
                let inner = match base {
                    5 | 9 | 11 => Some(within.unwrap_or(Shape::Line)),
                    10 => Some(Shape::Area),
                    _ => None,
                };
                if inner.is_some() && within.is_none() {
                    (self.each)(Piece::Begin(if base == 10 { Shape::Area } else { Shape::Line }));
                }
                let mut ignored = Wrapped::default();
                for n in 0..self.count(5)? {
                    let kind = self.head(&mut ignored)?;
                    self.shape(kind, depth + 1, inner)?;
                    if base == 10 {
                        (self.each)(Piece::EndRing(n > 0));
                    }
                }
            }
            _ => return None,
        }
        Some(())
    }
}

/// The base type and dimensions of a type number.
fn dims(kind: u32) -> Option<(u32, Dims)> {
    let packed = (1_000_001..=1_003_999).contains(&kind);
    let kind = if packed { kind - 1_000_000 } else { kind };
    let (low, flags) = (kind & 0x0FFF_FFFF, kind >> 28);
    let thousands = low / 1000;
    let base = low % 1000;
    if thousands > 3 || base == 0 || base > 17 {
        return None;
    }
    let z = thousands & 1 == 1 || flags & 8 != 0;
    let m = thousands & 2 == 2 || flags & 4 != 0;
    Some((base, Dims { z, m, packed }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(bytes: &[u8]) -> Option<(Wrapped, bool, Vec<Piece>)> {
        let mut out = Vec::new();
        let (wrapped, whole) = read(bytes, &mut |p| out.push(p))?;
        Some((wrapped, whole, out))
    }

    fn point(x: f64, y: f64) -> Vec<u8> {
        let mut b = vec![1, 1, 0, 0, 0];
        b.extend(x.to_le_bytes());
        b.extend(y.to_le_bytes());
        b
    }

    #[test]
    fn points_in_all_wrappings() {
        let at = Piece::At(Shape::Point, Position { x: 116.5, y: 39.5, z: None, m: None });
        let plain = point(116.5, 39.5);
        let mut gp = vec![b'G', b'P', 0, 0x03];
        gp.extend(4326i32.to_le_bytes());
        gp.extend([0; 32]);
        gp.extend(&plain);
        let mut ewkb = vec![1, 1, 0, 0, 0x20];
        ewkb.extend(4326i32.to_le_bytes());
        ewkb.extend(&plain[5..]);
        let mut lite = vec![0, 1];
        lite.extend(4326i32.to_le_bytes());
        lite.extend([0; 32]);
        lite.push(0x7C);
        lite.extend(&plain[1..]);
        lite.push(0xFE);
        for (bytes, srid) in [(plain, None), (gp, Some(4326)), (ewkb, Some(4326)), (lite, Some(4326))] {
            let (wrapped, whole, all) = pieces(&bytes).unwrap();
            assert_eq!((wrapped.srid, whole, &all[..]), (srid, true, &[Piece::Begin(Shape::Point), at][..]));
            for n in 0..bytes.len() {
                assert!(
                    !pieces(&bytes[..n]).is_some_and(|(_, whole, _)| whole) || srid.is_some() && n + 1 == bytes.len()
                );
            }
        }
    }

    #[test]
    fn big_endian_heights_and_holes() {
        // POLYGON Z with two rings of one position each.
        let mut b = vec![0];
        b.extend(1003u32.to_be_bytes());
        b.extend(2u32.to_be_bytes());
        for ring in 0..2 {
            b.extend(1u32.to_be_bytes());
            for v in [1.0 + f64::from(ring), 2.0, 3.0] {
                b.extend(v.to_be_bytes());
            }
        }
        let (_, whole, all) = pieces(&b).unwrap();
        assert!(whole);
        assert_eq!(all.len(), 7);
        assert_eq!(all[2], Piece::At(Shape::Area, Position { x: 1.0, y: 2.0, z: Some(3.0), m: None }));
        assert_eq!((all[3], all[6]), (Piece::EndRing(false), Piece::EndRing(true)));
    }

    #[test]
    fn nesting_and_counts_are_bounded() {
        let mut deep = Vec::new();
        for _ in 0..1000 {
            deep.extend([1, 7, 0, 0, 0, 1, 0, 0, 0]);
        }
        assert!(!pieces(&deep).unwrap().1);
        let mut many = vec![1, 2, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF];
        many.extend([0; 64]);
        let (_, whole, all) = pieces(&many).unwrap();
        assert!(!whole && all.len() == 2 + 4);
        assert!(
            pieces(b"").is_none()
                && pieces(b"\x01\x63\0\0\0").is_none()
                && pieces(b"plain text, no geometry").is_none()
        );
    }
}
