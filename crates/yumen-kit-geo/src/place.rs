//! Where a position lies, by real boundaries.

use std::sync::OnceLock;

use country_boundaries::{BOUNDARIES_ODBL_360X180, BoundingBox, CountryBoundaries, LatLon};

/// Inside of mainland China or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Region {
    /// The mainland: China without Hong Kong, Macau and Taiwan, to which other rules apply.
    Inside,
    /// In another country or one of those three.
    Outside,
    /// On no land: open sea, or no position at all.
    Unknown,
}

impl Region {
    /// Its word in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Region::Inside => "inside",
            Region::Outside => "outside",
            Region::Unknown => "unknown",
        }
    }
}

/// What is known of the place of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Inside, outside or unknown.
    pub region: Region,
    /// ISO 3166-2 code of the province (`CN-GD`), inside.
    pub province: Option<&'static str>,
    /// ISO 3166-1 code of the country (`CN`, `HK`, `DE`).
    pub country: Option<&'static str>,
}

/// Nowhere: open sea, `0, 0`, not a position.
pub const NOWHERE: Placement = Placement { region: Region::Unknown, province: None, country: None };

/// Degrees of one cell of the raster.
const WIDTH: usize = 360;
const HEIGHT: usize = 180;

struct World {
    boundaries: CountryBoundaries,
    cells: Vec<OnceLock<Cell>>,
}

/// One cell of the raster.
enum Cell {
    /// No boundary runs through it.
    Uniform(Placement),
    /// The ids that reach into it, in the order in which they decide: the first that holds the position settles its place.
    Mixed(Box<[&'static str]>),
}

/// The boundaries, read on first use (some 20 ms). None only if the crate's own data were broken; then every region is unknown.
fn world() -> Option<&'static World> {
    static WORLD: OnceLock<Option<World>> = OnceLock::new();
    WORLD
        .get_or_init(|| {
            let boundaries = CountryBoundaries::from_reader(BOUNDARIES_ODBL_360X180).ok()?;
            let cells = std::iter::repeat_with(OnceLock::new).take(WIDTH * HEIGHT).collect();
            Some(World { boundaries, cells })
        })
        .as_ref()
}

/// The place of a position in degrees on WGS-84.
///
/// The boundaries are simplified to about 200 m. A position on another datum is shifted by up to 1.2 km, so a position near the border whose
/// datum is not known can fall on the wrong side: the answer is the one at face value, and [`near_mainland`] tells such positions apart.
/// Countries reach to the edge of their territorial sea (12 nautical miles); positions further out have the region `unknown`.
/// Where a boundary is disputed, the line is OpenStreetMap's, which follows control on the ground.
#[must_use]
pub fn place(lat: f64, lon: f64) -> Placement {
    if !crate::plausible(lat, lon) {
        return NOWHERE;
    }
    let Some(world) = world() else { return NOWHERE };
    let (x, y) = cell_of(lat, lon);
    let Some(cell) = world.cells.get(y * WIDTH + x) else { return NOWHERE };
    match cell.get_or_init(|| world.cell(x, y)) {
        Cell::Uniform(placement) => *placement,
        Cell::Mixed(ids) => {
            let Ok(position) = LatLon::new(lat, lon) else { return NOWHERE };
            ids.iter().find(|id| world.boundaries.is_in(position, id)).map_or(NOWHERE, |id| placement_of(&[*id]))
        }
    }
}

/// The cell of a position, as the boundaries' own raster reckons it.
fn cell_of(lat: f64, lon: f64) -> (usize, usize) {
    let lon = if lon >= 180.0 { lon - 360.0 } else { lon };
    let x = (WIDTH as f64 * (180.0 + lon) / 360.0).floor();
    let y = (HEIGHT as f64 * (90.0 - lat) / 180.0).ceil() - 1.0;
    ((x.max(0.0) as usize).min(WIDTH - 1), (y.max(0.0) as usize).min(HEIGHT - 1))
}

impl World {
    fn cell(&'static self, x: usize, y: usize) -> Cell {
        let (west, north) = (x as f64 - 180.0, 90.0 - y as f64);
        // A box within the cell touches no other cell.
        let Ok(inner) = BoundingBox::new(north - 0.75, west + 0.25, north - 0.25, west + 0.75) else {
            return Cell::Uniform(NOWHERE);
        };
        let all = self.boundaries.intersecting_ids(inner);
        let mut ids: Vec<&'static str> = all.into_iter().filter(|id| rank(id).is_some()).collect();
        ids.sort_unstable_by_key(|id| (rank(id), *id));
        let whole = self.boundaries.containing_ids(inner);
        match ids.first() {
            None => Cell::Uniform(NOWHERE),
            Some(first) if whole.contains(first) => Cell::Uniform(placement_of(&ids[..1])),
            Some(_) => Cell::Mixed(ids.into()),
        }
    }
}

/// In which order ids decide: Hong Kong, Macau and Taiwan before the mainland, which the boundaries may count them to; provinces before
/// the country, since they say more; then the other countries. Other subdivisions say nothing here.
fn rank(id: &str) -> Option<u8> {
    match id {
        "HK" | "MO" | "TW" | "CN-HK" | "CN-MO" | "CN-TW" => Some(0),
        "CN" => Some(2),
        _ if id.starts_with("CN-") => Some(1),
        _ if id.len() == 2 => Some(3),
        _ => None,
    }
}

/// The placement by the first of the ids that decides.
fn placement_of(ids: &[&'static str]) -> Placement {
    let Some(&id) = ids.iter().min_by_key(|id| (rank(id).unwrap_or(u8::MAX), **id)) else { return NOWHERE };
    let (region, province, country) = match rank(id) {
        Some(0) => (Region::Outside, None, Some(id.trim_start_matches("CN-"))),
        Some(1) => (Region::Inside, Some(id), Some("CN")),
        Some(2) => (Region::Inside, None, Some(id)),
        Some(_) => (Region::Outside, None, Some(id)),
        None => (Region::Unknown, None, None),
    };
    Placement { region, province, country }
}

/// Compass directions that are tried around a position.
const BEARINGS: u32 = 16;

fn mainland_at(lat: f64, lon: f64, metres: f64) -> Option<Placement> {
    let dlat = (metres / crate::EARTH_RADIUS_M).to_degrees();
    let dlon = dlat / lat.to_radians().cos().abs().max(0.01);
    (0..BEARINGS).find_map(|i| {
        let (sin, cos) = (f64::from(i) * std::f64::consts::TAU / f64::from(BEARINGS)).sin_cos();
        let p = place((lat + dlat * cos).clamp(-90.0, 90.0), lon + dlon * sin);
        (p.region == Region::Inside).then_some(p)
    })
}

/// Whether a position that is not in the mainland lies within about 1.2 km of it, so that a shifted datum could have moved it out.
#[must_use]
pub fn near_mainland(lat: f64, lon: f64) -> bool {
    in_reach(lat, lon)
        && mainland_in_cells(lat, lon)
        && [400.0, 800.0, 1200.0].iter().any(|&m| mainland_at(lat, lon, m).is_some())
}

/// Whether any cell of the raster within reach of a position holds a piece of the mainland; most of the neighbours' land lies in cells that do not.
fn mainland_in_cells(lat: f64, lon: f64) -> bool {
    let Some(world) = world() else { return false };
    let reach = 0.02;
    [(reach, reach), (reach, -reach), (-reach, reach), (-reach, -reach)].iter().any(|(a, o)| {
        let (x, y) = cell_of(lat + a, lon + o);
        world.cells.get(y * WIDTH + x).is_some_and(|cell| match cell.get_or_init(|| world.cell(x, y)) {
            Cell::Uniform(placement) => placement.region == Region::Inside,
            Cell::Mixed(ids) => ids.iter().any(|id| matches!(rank(id), Some(1 | 2))),
        })
    })
}

/// A box around everything that [`near_mainland`] can say yes to.
fn in_reach(lat: f64, lon: f64) -> bool {
    (3.0..=54.0).contains(&lat) && (73.0..=136.0).contains(&lon)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn province(lat: f64, lon: f64) -> &'static str {
        let p = place(lat, lon);
        assert_eq!(p.region, Region::Inside, "{lat} {lon}");
        assert_eq!(p.country, Some("CN"));
        p.province.unwrap_or("none")
    }

    #[test]
    fn the_mainland_is_inside_to_its_corners() {
        assert_eq!(province(39.9042, 116.4074), "CN-BJ");
        assert_eq!(province(39.4704, 75.9897), "CN-XJ"); // Kashgar
        assert_eq!(province(18.2528, 109.5119), "CN-HI"); // Sanya
        assert_eq!(province(52.9721, 122.5380), "CN-HL"); // Mohe
        assert_eq!(province(22.5431, 114.0579), "CN-GD"); // Futian, 4 km from Hong Kong
        assert_eq!(province(31.2304, 121.4737), "CN-SH");
        assert_eq!(province(29.6525, 91.1721), "CN-XZ");
        assert_eq!(province(24.4798, 118.0894), "CN-FJ");
        assert_eq!(province(40.1240, 124.3830), "CN-LN"); // Dandong, at the Yalu
        assert_eq!(province(22.2710, 113.5767), "CN-GD"); // Zhuhai
    }

    #[test]
    fn neighbours_in_the_box_around_china_are_outside() {
        for (name, lat, lon, country) in [
            ("Hong Kong", 22.3193, 114.1694, "HK"),
            ("Macau", 22.1987, 113.5439, "MO"),
            ("Taipei", 25.0330, 121.5654, "TW"),
            ("Busan", 35.1796, 129.0756, "KR"),
            ("Seoul", 37.5665, 126.9780, "KR"),
            ("Ulaanbaatar", 47.8864, 106.9057, "MN"),
            ("Hanoi", 21.0278, 105.8342, "VN"),
            ("Vientiane", 17.9757, 102.6331, "LA"),
            ("Almaty", 43.2220, 76.8512, "KZ"),
            ("Vladivostok", 43.1155, 131.8855, "RU"),
            ("Singapore", 1.3521, 103.8198, "SG"),
            ("Delhi", 28.6139, 77.2090, "IN"),
            ("Karlsruhe", 49.0069, 8.4037, "DE"),
            ("Des Moines", 41.5868, -93.6250, "US"),
        ] {
            let p = place(lat, lon);
            assert_eq!((p.region, p.country, p.province), (Region::Outside, Some(country), None), "{name}");
        }
    }

    #[test]
    fn sea_and_nonsense_are_unknown() {
        for (lat, lon) in [(0.0, 0.0), (30.0, -40.0), (15.0, 135.0), (f64::NAN, 1.0), (1.0, f64::INFINITY), (99.0, 0.0)]
        {
            assert_eq!(place(lat, lon), NOWHERE, "{lat} {lon}");
        }
        let _ = (place(90.0, 180.0), place(-90.0, -180.0), place(90.0, -180.0), place(0.0, 180.0));
    }

    #[test]
    fn the_cells_answer_as_the_boundaries_do() {
        let world = world().unwrap();
        let mut seed = 12345u64;
        let mut next = |span: f64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 11) as f64 / (1u64 << 53) as f64 * span
        };
        for i in 0..20_000 {
            let (mut lat, mut lon) = (next(60.0), 70.0 + next(70.0));
            if i % 7 == 0 {
                // Edges of cells.
                (lat, lon) = (lat.round(), lon.round());
            }
            let ids = world.boundaries.ids(LatLon::new(lat, lon).unwrap());
            assert_eq!(place(lat, lon), placement_of(&ids), "{lat} {lon}");
        }
    }

    #[test]
    fn the_border_and_the_coast_are_told() {
        assert!(near_mainland(22.5140, 114.0660)); // Lok Ma Chau, at the Shenzhen river
        assert!(!near_mainland(22.2793, 114.1628)); // Central
        assert!(!near_mainland(49.0, 8.4));
        assert_eq!(province(35.95, 120.45), "CN-SD"); // 10 km off Qingdao
    }
}
