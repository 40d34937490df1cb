//! Points along the reference line of a road.

/// Where a piece of a line begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pose {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) heading: f64,
    pub(crate) length: f64,
}

/// What the piece is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Curvature at start and end: line, arc and clothoid.
    Spiral(f64, f64),
    /// v as a cubic of u.
    Cubic([f64; 4]),
    /// u and v as cubics of a parameter that goes to 1, or to the length.
    Parametric {
        /// Coefficients along the heading.
        u: [f64; 4],
        /// Coefficients to its left.
        v: [f64; 4],
        /// The parameter is the length.
        by_length: bool,
    },
}

fn cubic(c: [f64; 4], p: f64) -> f64 {
    c[0] + p * (c[1] + p * (c[2] + p * c[3]))
}

impl Pose {
    /// Shares of the length at which points are taken: every 50 m or so, the end always.
    pub(crate) fn parts(&self) -> impl Iterator<Item = f64> + use<> {
        let n = if self.length.is_finite() { (self.length / 50.0).ceil().clamp(1.0, 64.0) } else { 1.0 };
        (1..=n as u32).map(move |i| f64::from(i) / n)
    }

    /// The point at a share of the length.
    pub(crate) fn at(&self, shape: Shape, part: f64) -> (f64, f64) {
        let s = self.length * part;
        let (u, v) = match shape {
            Shape::Spiral(from, to) if from == to && from.abs() < 1e-12 => (s, 0.0),
            Shape::Spiral(from, to) if from == to => ((from * s).sin() / from, (1.0 - (from * s).cos()) / from),
            Shape::Spiral(from, to) => {
                // Simpson's rule over the heading, which is a quadratic of the way.
                let rate = if self.length > 0.0 { (to - from) / self.length } else { 0.0 };
                let steps = 64;
                let (mut u, mut v) = (0.0, 0.0);
                for i in 0..=steps {
                    let w = s * f64::from(i) / f64::from(steps);
                    let weight = match i {
                        0 => 1.0,
                        n if n == steps => 1.0,
                        n if n % 2 == 1 => 4.0,
                        _ => 2.0,
                    };
                    let (sin, cos) = (from * w + rate * w * w / 2.0).sin_cos();
                    u += weight * cos;
                    v += weight * sin;
                }
                let step = s / f64::from(steps) / 3.0;
                (u * step, v * step)
            }
            Shape::Cubic(c) => (s, cubic(c, s)),
            Shape::Parametric { u, v, by_length } => {
                let p = if by_length { s } else { part };
                (cubic(u, p), cubic(v, p))
            }
        };
        let (sin, cos) = self.heading.sin_cos();
        (self.x + u * cos - v * sin, self.y + u * sin + v * cos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const QUARTER: f64 = std::f64::consts::FRAC_PI_2;

    #[test]
    fn an_arc_of_a_quarter_turn_ends_to_the_left() {
        let pose = Pose { x: 10.0, y: 20.0, heading: 0.0, length: 100.0 * QUARTER };
        let (x, y) = pose.at(Shape::Spiral(0.01, 0.01), 1.0);
        assert!((x - 110.0).abs() < 1e-9 && (y - 120.0).abs() < 1e-9, "{x} {y}");
    }

    proptest! {
        #[test]
        fn a_spiral_of_nearly_even_curvature_is_an_arc(k in -0.05f64..0.05, length in 1.0f64..60.0, heading in -3.0f64..3.0) {
            let pose = Pose { x: 0.0, y: 0.0, heading, length };
            let (a, b) = (pose.at(Shape::Spiral(k, k), 1.0), pose.at(Shape::Spiral(k, k + 1e-9), 1.0));
            prop_assert!((a.0 - b.0).abs() < 1e-3 && (a.1 - b.1).abs() < 1e-3);
        }

        #[test]
        fn a_straight_cubic_is_a_line(length in 0.0f64..1e4, heading in -3.0f64..3.0, part in 0.0f64..1.0) {
            let pose = Pose { x: 1.0, y: 2.0, heading, length };
            let line = pose.at(Shape::Spiral(0.0, 0.0), part);
            let u = [0.0, length, 0.0, 0.0];
            for shape in [Shape::Cubic([0.0; 4]), Shape::Parametric { u, v: [0.0; 4], by_length: false }] {
                let p = pose.at(shape, part);
                prop_assert!((p.0 - line.0).abs() < 1e-6 && (p.1 - line.1).abs() < 1e-6);
            }
        }
    }
}
