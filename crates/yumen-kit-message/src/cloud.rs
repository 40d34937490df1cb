//! Point clouds in messages: how many points, and how far they reach.

use crate::wire::PointField;

/// Bounds of points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) points: u64,
    /// Points without a place: not finite, or no return.
    pub(crate) invalid: u64,
    pub(crate) min: [f64; 3],
    pub(crate) max: [f64; 3],
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { points: 0, invalid: 0, min: [f64::INFINITY; 3], max: [f64::NEG_INFINITY; 3] }
    }
}

impl Bounds {
    /// Adds a point.
    #[inline]
    pub(crate) fn add(&mut self, p: [f64; 3]) {
        if !(p[0] + p[1] + p[2]).is_finite() {
            self.invalid += 1;
            return;
        }
        self.points += 1;
        for (i, v) in p.into_iter().enumerate() {
            self.min[i] = self.min[i].min(v);
            self.max[i] = self.max[i].max(v);
        }
    }

    /// Adds those of another part.
    pub(crate) fn merge(&mut self, other: &Bounds) {
        self.points += other.points;
        self.invalid += other.invalid;
        for i in 0..3 {
            self.min[i] = self.min[i].min(other.min[i]);
            self.max[i] = self.max[i].max(other.max[i]);
        }
    }
}

/// How points are packed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Packing {
    pub(crate) width: u64,
    pub(crate) height: u64,
    pub(crate) step: u64,
    pub(crate) row: u64,
    pub(crate) big: bool,
    /// Numbers of types as foxglove.PackedElementField has them rather than sensor_msgs/PointField.
    pub(crate) foxglove: bool,
}

/// The points of a packed cloud (sensor_msgs/PointCloud2, foxglove.PointCloud). None where the layout does not fit the data.
pub(crate) fn packed(data: &[u8], packing: &Packing, fields: &[PointField]) -> Option<Bounds> {
    let mut axes = [None; 3];
    for f in fields {
        if let Some(axis) = axes.get_mut(usize::from(f.axis)) {
            let ty = reader(f.datatype, packing.foxglove)?;
            *axis = Some((usize::try_from(f.offset).ok()?, ty));
        }
    }
    let step = usize::try_from(packing.step).ok()?;
    let fits = axes.iter().flatten().all(|(offset, ty)| offset.checked_add(ty.size()).is_some_and(|end| end <= step));
    if step == 0 {
        return (data.is_empty()).then(Bounds::default);
    }
    if !fits {
        return None;
    }
    let mut bounds = Bounds::default();
    let (height, width) = (packing.height.max(1), usize::try_from(packing.width).ok()?);
    let row = if packing.row == 0 { width.checked_mul(step)? } else { usize::try_from(packing.row).ok()? };
    if width.checked_mul(step)? > row && height > 1 {
        return None;
    }
    let rows = usize::try_from(height).ok()?;
    if rows > 1 && row == 0 {
        return Some(bounds);
    }
    if (rows - 1).checked_mul(row)?.checked_add(width.checked_mul(step)?)? > data.len() {
        return None;
    }
    let [x, y, z] = axes;
    // Almost all clouds are little-endian single floats, one after another.
    if let (Some((x, Kind::F32)), Some((y, Kind::F32)), Some((z, Kind::F32))) = (x, y, z)
        && !packing.big
    {
        for line in data.chunks(row.max(1)).take(rows) {
            for p in line.chunks_exact(step).take(width) {
                bounds.add([single(p, x), single(p, y), single(p, z)]);
            }
        }
        return Some(bounds);
    }
    let read = |axis: Option<(usize, Kind)>, p: &[u8]| axis.map_or(0.0, |(at, ty)| ty.read(&p[at..], packing.big));
    for line in data.chunks(row.max(1)).take(rows) {
        for p in line.chunks_exact(step).take(width) {
            bounds.add([read(x, p), read(y, p), read(z, p)]);
        }
    }
    Some(bounds)
}

#[inline]
fn single(p: &[u8], at: usize) -> f64 {
    p[at..].first_chunk().map_or(f64::NAN, |b| f64::from(f32::from_le_bytes(*b)))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    F32,
    F64,
}

fn reader(datatype: u8, foxglove: bool) -> Option<Kind> {
    Some(match (datatype, foxglove) {
        (1, false) | (2, true) => Kind::I8,
        (2, false) | (1, true) => Kind::U8,
        (3, false) | (4, true) => Kind::I16,
        (4, false) | (3, true) => Kind::U16,
        (5, false) | (6, true) => Kind::I32,
        (6, false) | (5, true) => Kind::U32,
        (7, _) => Kind::F32,
        (8, _) => Kind::F64,
        _ => return None,
    })
}

impl Kind {
    fn size(self) -> usize {
        match self {
            Kind::I8 | Kind::U8 => 1,
            Kind::I16 | Kind::U16 => 2,
            Kind::I32 | Kind::U32 | Kind::F32 => 4,
            Kind::F64 => 8,
        }
    }

    fn read(self, b: &[u8], big: bool) -> f64 {
        macro_rules! number {
            ($t:ty) => {
                b.first_chunk()
                    .map_or(f64::NAN, |b| (if big { <$t>::from_be_bytes(*b) } else { <$t>::from_le_bytes(*b) }) as f64)
            };
        }
        match self {
            Kind::I8 => number!(i8),
            Kind::U8 => number!(u8),
            Kind::I16 => number!(i16),
            Kind::U16 => number!(u16),
            Kind::I32 => number!(i32),
            Kind::U32 => number!(u32),
            Kind::F32 => number!(f32),
            Kind::F64 => number!(f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xyz(ty: u8, size: u32) -> Vec<PointField> {
        (0..3).map(|axis| PointField { axis, offset: u32::from(axis) * size, datatype: ty }).collect()
    }

    #[test]
    fn points_of_every_type_are_measured() {
        let packing = Packing { width: 2, height: 1, step: 12, ..Packing::default() };
        let floats: Vec<u8> = [1f32, -2.0, 3.0, f32::NAN, 0.0, 0.0].iter().flat_map(|f| f.to_le_bytes()).collect();
        let b = packed(&floats, &packing, &xyz(7, 4)).unwrap();
        assert_eq!((b.points, b.invalid, b.min, b.max), (1, 1, [1.0, -2.0, 3.0], [1.0, -2.0, 3.0]));
        let big: Vec<u8> = [5i16, -6, 7].iter().flat_map(|f| f.to_be_bytes()).collect();
        let packing = Packing { width: 1, height: 1, step: 6, big: true, ..Packing::default() };
        assert_eq!(packed(&big, &packing, &xyz(3, 2)).unwrap().max, [5.0, -6.0, 7.0]);
        let double: Vec<u8> = [1f64, 2.0, 3.0].iter().flat_map(|f| f.to_le_bytes()).collect();
        let packing = Packing { width: 1, height: 1, step: 24, foxglove: true, ..Packing::default() };
        assert_eq!(packed(&double, &packing, &xyz(8, 8)).unwrap().min, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn organised_clouds_have_rows_with_padding() {
        let mut data = vec![0u8; 40];
        for (row, x) in [(0, 1f32), (20, 9.0)] {
            data[row..row + 4].copy_from_slice(&x.to_le_bytes());
        }
        let packing = Packing { width: 1, height: 2, step: 12, row: 20, ..Packing::default() };
        let b = packed(&data, &packing, &xyz(7, 4)).unwrap();
        assert_eq!((b.points, b.max[0]), (2, 9.0));
    }

    #[test]
    fn layouts_that_do_not_fit_are_refused() {
        for (data, width, height, step, row) in
            [(12, 2, 1, 12, 0), (24, 1, 2, 12, 4), (12, u64::MAX, 1, 12, 0), (12, 1, 1, 8, 0), (12, 1, 1 << 40, 12, 12)]
        {
            let packing = Packing { width, height, step, row, ..Packing::default() };
            assert_eq!(packed(&vec![0; data], &packing, &xyz(7, 4)), None, "{width} {height} {step} {row}");
        }
    }
}
