//! Simplified geometry for reports: in hundredths of a degree (about 1 km), so that it shows the area and no precise position. And areas.

/// A vertex in hundredths of a degree: longitude, latitude.
pub type Vertex = (i16, i16);

/// Most vertices of one path while it is gathered.
const GATHERED: usize = 512;

/// A position as a vertex; none out of range.
#[must_use]
pub fn vertex(lat: f64, lon: f64) -> Option<Vertex> {
    let to = |v: f64, most: f64| {
        // In range by the test, so the conversion is exact.
        #[allow(clippy::cast_possible_truncation)]
        (v.abs() <= most).then(|| (v * 100.0).round() as i16)
    };
    Some((to(lon, 180.0)?, to(lat, 90.0)?))
}

/// A path thinned while it is gathered: a vertex for each cell of a hundredth of a degree that is entered; when there are too many, every other
/// is left out from then on. The last position is always kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path {
    vertices: Vec<Vertex>,
    last: Option<Vertex>,
    stride: u32,
    skipped: u32,
}

impl Path {
    /// Adds a position.
    pub fn add(&mut self, lat: f64, lon: f64) {
        let Some(v) = vertex(lat, lon) else { return };
        if self.last == Some(v) {
            return;
        }
        self.last = Some(v);
        self.skipped += 1;
        if self.skipped < self.stride.max(1) {
            return;
        }
        self.skipped = 0;
        self.vertices.push(v);
        if self.vertices.len() >= GATHERED {
            let mut keep = false;
            self.vertices.retain(|_| {
                keep = !keep;
                keep
            });
            self.stride = self.stride.max(1) * 2;
        }
    }

    /// The path of at most `most` vertices (Douglas-Peucker, tolerance doubled until they are few enough).
    #[must_use]
    pub fn simplified(&self, most: usize) -> Vec<Vertex> {
        let mut all = self.vertices.clone();
        if let Some(last) = self.last.filter(|l| all.last() != Some(l)) {
            all.push(last);
        }
        // The staircase of rounding lies within a vertex's width of the line.
        let mut tolerance = 1.0;
        loop {
            let kept = peucker(&all, tolerance);
            if kept.len() <= most.max(2) {
                return kept;
            }
            tolerance *= 2.0;
        }
    }
}

/// Vertices that are further than `tolerance` from the line through the others.
fn peucker(points: &[Vertex], tolerance: f64) -> Vec<Vertex> {
    if points.len() < 3 {
        return points.to_vec();
    }
    let mut keep = vec![false; points.len()];
    keep[0] = true;
    keep[points.len() - 1] = true;
    let mut spans = vec![(0, points.len() - 1)];
    while let Some((from, to)) = spans.pop() {
        let far = (from + 1..to).map(|i| (i, distance(points[i], points[from], points[to]))).fold(
            None::<(usize, f64)>,
            |best, (i, d)| if best.is_none_or(|(_, b)| d > b) { Some((i, d)) } else { best },
        );
        if let Some((i, d)) = far
            && d > tolerance
        {
            keep[i] = true;
            spans.push((from, i));
            spans.push((i, to));
        }
    }
    points.iter().zip(keep).filter(|(_, k)| *k).map(|(p, _)| *p).collect()
}

fn distance(p: Vertex, a: Vertex, b: Vertex) -> f64 {
    let f = |v: Vertex| (f64::from(v.0), f64::from(v.1));
    let ((px, py), (ax, ay), (bx, by)) = (f(p), f(a), f(b));
    let (dx, dy) = (bx - ax, by - ay);
    let length = dx.hypot(dy);
    if length == 0.0 {
        return (px - ax).hypot(py - ay);
    }
    let t = (((px - ax) * dx + (py - ay) * dy) / (length * length)).clamp(0.0, 1.0);
    (px - ax - t * dx).hypot(py - ay - t * dy)
}

/// The convex hull of vertices, counter-clockwise, without repeating the first; of collinear ones the two ends.
#[must_use]
pub fn hull(vertices: &[Vertex]) -> Vec<Vertex> {
    let mut points = vertices.to_vec();
    points.sort_unstable();
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    let turn = |a: Vertex, b: Vertex, c: Vertex| {
        let d = |p: Vertex, q: Vertex| (i64::from(q.0) - i64::from(p.0), i64::from(q.1) - i64::from(p.1));
        let ((x1, y1), (x2, y2)) = (d(a, b), d(a, c));
        x1 * y2 - y1 * x2
    };
    let half = |points: &mut dyn Iterator<Item = Vertex>| {
        let mut chain: Vec<Vertex> = Vec::new();
        for p in points {
            while chain.len() >= 2 && turn(chain[chain.len() - 2], chain[chain.len() - 1], p) <= 0 {
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        chain
    };
    let mut lower = half(&mut points.iter().copied());
    let upper = half(&mut points.iter().rev().copied());
    lower.extend(upper);
    lower
}

/// The hull of at most `most` vertices: every n-th of it.
#[must_use]
pub fn hull_of(vertices: &[Vertex], most: usize) -> Vec<Vertex> {
    let all = hull(vertices);
    let step = all.len().div_ceil(most.max(1)).max(1);
    all.into_iter().step_by(step).collect()
}

/// The area that positions (x, y in metres) cover, in square metres: a grid is laid over their box, with about four positions for each of its
/// cells (32 by 32 at most), and the cells that hold any are added up.
#[must_use]
pub fn area_by_cells(positions: &[(f64, f64)]) -> f64 {
    let fold = |of: fn(&(f64, f64)) -> f64| {
        positions.iter().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)))
    };
    let ((w, e), (s, n)) = (fold(|p| p.0), fold(|p| p.1));
    let (width, height) = (e - w, n - s);
    if !(width > 0.0 && height > 0.0 && width.is_finite() && height.is_finite()) {
        return 0.0;
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let side = ((positions.len() as f64 / 4.0).sqrt() as usize).clamp(1, 32);
    let mut cells = vec![false; side * side];
    for (x, y) in positions {
        // Within 0 and `side`; conversions saturate.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let at = |v: f64, span: f64| ((v / span * side as f64) as usize).min(side - 1);
        cells[at(y - s, height) * side + at(x - w, width)] = true;
    }
    let taken = cells.iter().filter(|c| **c).count();
    width * height * taken as f64 / (side * side) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_and_hulls_are_simple() {
        let mut path = Path::default();
        for i in 0..100_000 {
            path.add(30.0 + f64::from(i) * 1e-4, 110.0 + f64::from(i) * 1e-4);
        }
        assert_eq!(path.simplified(256), [(11_000, 3000), (12_000, 4000)]);
        path.add(40.0, 110.0);
        assert_eq!(path.simplified(256).last(), Some(&(11_000, 4000)));
        assert_eq!(hull(&[(0, 0), (2, 0), (1, 1), (2, 2), (0, 2), (1, 0)]), [(0, 0), (2, 0), (2, 2), (0, 2)]);
        assert_eq!(hull(&[(0, 0), (1, 1), (2, 2)]), [(0, 0), (2, 2)]);
        assert_eq!(vertex(91.0, 0.0), None);
    }

    #[test]
    fn areas_are_of_what_is_covered() {
        let square: Vec<(f64, f64)> = (0..4096).map(|i| (f64::from(i % 64), f64::from(i / 64))).collect();
        assert!((area_by_cells(&square) - 63.0 * 63.0).abs() < 1.0);
        // A diagonal road covers a small part of its box.
        let road: Vec<(f64, f64)> = (0..4096).map(|i| (f64::from(i), f64::from(i))).collect();
        assert!(area_by_cells(&road) < 4095.0 * 4095.0 / 20.0);
        assert_eq!(area_by_cells(&[(1.0, 1.0)]), 0.0);
    }

    proptest! {
        #[test]
        fn simplified_paths_keep_their_ends(steps in proptest::collection::vec((-0.5f64..0.5, -0.5f64..0.5), 1..2000)) {
            let (mut lat, mut lon) = (30.0f64, 110.0f64);
            let mut path = Path::default();
            let (mut first, mut last) = (None, None);
            for (a, o) in steps {
                (lat, lon) = ((lat + a).clamp(-89.0, 89.0), (lon + o).clamp(-179.0, 179.0));
                path.add(lat, lon);
                first = first.or(vertex(lat, lon));
                last = vertex(lat, lon);
            }
            let thin = path.simplified(64);
            prop_assert!(thin.len() <= 64);
            prop_assert_eq!((thin.first().copied(), thin.last().copied()), (first, last));
        }
    }
}
