//! From names and parameters, as well-known text and PROJJSON give them, to a system.

use super::{Base, Crs, System};
use crate::Datum;
use crate::ellipsoid::{AIRY, AUST_SA, BESSEL, CLARKE66, Ellipsoid, GRS80, Helmert, IAG75, INTL, KRASOVSKY, WGS84};
use crate::projection::{Method, Projection};

/// A name without case, blanks and punctuation.
pub(super) fn bare(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// Datums that differ from WGS-84 by more than a metre or two, with the usual shift (for the country as a whole), by words of their names.
const SHIFTED: &[(&[&str], Ellipsoid, Option<Helmert>)] = &[
    (&["beijing1954", "beijing54", "newbeijing"], KRASOVSKY, Some(Helmert::shift(15.8, -154.4, -82.3))),
    (&["xian1980", "xian80"], IAG75, None),
    (
        &["hongkong1980", "hk80", "hk1980"],
        INTL,
        Some(Helmert { t: [-162.619, -276.959, -161.764], r: [0.067_753, -2.243_648, -1.158_828], s: -1.094_246 }),
    ),
    (
        &["korean1985", "korea1985", "koreandatum1985", "tokyo1892"],
        BESSEL,
        Some(Helmert { t: [-145.907, 505.034, 685.756], r: [-1.162, 2.347, 1.592], s: 6.342 }),
    ),
    (&["tokyo"], BESSEL, Some(Helmert::shift(-146.414, 507.337, 680.507))),
    (&["taiwandatum1967", "hutzushan", "twd67", "taiwan1967"], AUST_SA, Some(Helmert::shift(-752.0, -358.0, -179.0))),
    (
        &["osgb1936", "osgb36", "ordnancesurveyofgreatbritain1936", "airy1830"],
        AIRY,
        Some(Helmert { t: [446.448, -125.157, 542.06], r: [0.15, 0.247, 0.842], s: -20.489 }),
    ),
    (
        &["deutscheshauptdreiecksnetz", "dhdn", "potsdam"],
        BESSEL,
        Some(Helmert { t: [598.1, 73.7, 418.2], r: [0.202, 0.045, -2.455], s: 6.7 }),
    ),
    (
        &["militargeographischeinstitut", "militargeographischesinstitut", "mgi", "hermannskogel"],
        BESSEL,
        Some(Helmert { t: [577.326, 90.129, 463.919], r: [5.137, 1.474, 5.297], s: 2.4232 }),
    ),
    (
        &["amersfoort"],
        BESSEL,
        Some(Helmert { t: [565.4171, 50.3319, 465.5524], r: [-0.398_957, 0.343_988, -1.877_4], s: 4.0725 }),
    ),
    (
        &["wgs72", "worldgeodeticsystem1972", "wgs1972"],
        Ellipsoid { a: 6_378_135.0, f: 1.0 / 298.26 },
        Some(Helmert { t: [0.0, 0.0, 4.5], r: [0.0, 0.0, 0.554], s: 0.2263 }),
    ),
    (&["europeandatum1950", "european1950", "ed50"], INTL, Some(Helmert::shift(-87.0, -98.0, -121.0))),
    (&["pulkovo1942", "pulkovo1995", "s42", "sk42"], KRASOVSKY, Some(Helmert::shift(23.92, -141.27, -80.9))),
    (&["northamericandatum1927", "northamerican1927", "nad27"], CLARKE66, Some(Helmert::shift(-8.0, 160.0, 176.0))),
    (
        &["vietnam2000", "vn2000"],
        WGS84,
        Some(Helmert {
            t: [-191.904_415_75, -39.303_182_71, -111.450_328_8],
            r: [-0.009_288_36, 0.019_754_79, -0.004_273_72],
            s: 0.252_906_278,
        }),
    ),
];

/// The base of a datum by its name, and the ellipsoid where the text brings one.
pub(super) fn base(name: &str, ellipsoid: Option<Ellipsoid>, towgs84: Option<Helmert>) -> Base {
    let bare = bare(name);
    if let Some(datum @ (Datum::Gcj02 | Datum::Bd09)) = Datum::declared(name) {
        return Base { ellipsoid: WGS84, shift: None, datum, meridian: 0.0 };
    }
    if let Some((_, own, shift)) = SHIFTED.iter().find(|(words, ..)| words.iter().any(|w| bare.contains(w))) {
        let ellipsoid = ellipsoid.unwrap_or(*own);
        return Base { ellipsoid, shift: towgs84.or(*shift), datum: Datum::Other, meridian: 0.0 };
    }
    let has = |words: &[&str]| words.iter().any(|w| bare.contains(w));
    let datum = if has(&["wgs84", "wgs1984", "worldgeodeticsystem1984", "itrf", "crs84"]) {
        Datum::Wgs84
    } else if has(&[
        "china2000",
        "cgcs2000",
        "chinageodeticcoordinatesystem2000",
        "chinesegeodeticcoordinatesystem2000",
    ]) {
        Datum::Cgcs2000
    } else if bare.is_empty()
        || has(&["unknown", "notspecified", "unnamed", "undefined"])
        || bare.starts_with("dunknown")
    {
        // By its ellipsoid alone WGS-84 is likely and not told.
        match ellipsoid {
            Some(e) if e == WGS84 => Datum::Wgs84,
            _ => Datum::Unknown,
        }
    } else {
        Datum::Other
    };
    let ellipsoid = ellipsoid.unwrap_or(if datum == Datum::Wgs84 { WGS84 } else { GRS80 });
    // The modern datums (ETRS89, NAD83, JGD2011, TWD97, KGD2002…) agree with WGS-84 to a metre or two; others need their shift.
    let datum = if towgs84.is_some_and(|s| !s.is_zero()) && datum != Datum::Cgcs2000 { Datum::Other } else { datum };
    Base { ellipsoid, shift: towgs84, datum, meridian: 0.0 }
}

/// Parameters of a projection by name, in degrees and metres.
#[derive(Default)]
pub(super) struct Parameters(Vec<(String, f64)>);

impl Parameters {
    pub(super) fn add(&mut self, name: &str, value: f64) {
        if self.0.len() < 32 {
            self.0.push((bare(name), value));
        }
    }

    fn get(&self, names: &[&str]) -> Option<f64> {
        names.iter().find_map(|n| self.0.iter().find(|(have, _)| have == n)).map(|(_, v)| *v)
    }
}

/// Whether a parameter is a length or an angle, by its name.
pub(super) fn is_length(name: &str) -> bool {
    let b = bare(name);
    b.contains("easting") || b.contains("northing")
}

/// Whether it is a plain number.
pub(super) fn is_scale(name: &str) -> bool {
    let b = bare(name);
    b.contains("scale") || b.contains("sphere") || b == "option"
}

/// The projection of a method by its name.
pub(super) fn projection(method: &str, p: &Parameters) -> Option<Projection> {
    let lat0 = p
        .get(&[
            "latitudeoforigin",
            "latitudeofnaturalorigin",
            "latitudeoffalseorigin",
            "latitudeofcenter",
            "latitudeofcentre",
            "latitudeofprojectioncentre",
            "centralparallel",
        ])
        .unwrap_or(0.0);
    let lon0 = p
        .get(&[
            "centralmeridian",
            "longitudeofnaturalorigin",
            "longitudeoffalseorigin",
            "longitudeofcenter",
            "longitudeofcentre",
            "longitudeoforigin",
            "longitudeofprojectioncentre",
        ])
        .unwrap_or(0.0);
    let one = p.get(&["standardparallel1", "latitudeof1ststandardparallel"]);
    let two = p.get(&["standardparallel2", "latitudeof2ndstandardparallel"]);
    let k0 = p.get(&["scalefactor", "scalefactoratnaturalorigin", "scalefactoratprojectioncentre"]).unwrap_or(1.0);
    let fe = p.get(&["falseeasting", "eastingatfalseorigin"]).unwrap_or(0.0);
    let fnorth = p.get(&["falsenorthing", "northingatfalseorigin"]).unwrap_or(0.0);
    let m = bare(method);
    let has = |w: &str| m.contains(w);
    let method = if has("southorient") || has("oblique") && !has("stereographic") {
        return None;
    } else if has("transversemercator") || has("gausskruger") || has("gaussboaga") || m == "tmerc" || has("etmerc") {
        Method::TransverseMercator
    } else if has("pseudomercator") || has("auxiliarysphere") || has("webmercator") {
        Method::WebMercator
    } else if has("mercator") || m == "merc" {
        Method::Mercator
    } else if has("lambertconformalconic") || has("lambertconicconformal") || m == "lcc" {
        if two.is_some() && one.is_some() { Method::Lambert2 } else { Method::Lambert1 }
    } else if has("albers") || m == "aea" {
        Method::Albers
    } else if has("lambertazimuthalequalarea") || m == "laea" {
        Method::Azimuthal
    } else if has("doublestereographic") || has("obliquestereographic") || m == "sterea" {
        Method::Stereographic
    } else {
        return None;
    };
    let parallels = [one.unwrap_or(0.0), two.or(one).unwrap_or(0.0)];
    let mut lat0 = lat0;
    if method == Method::Lambert1
        && let Some(one) = one
        && p.get(&["latitudeoforigin", "latitudeofnaturalorigin"]).is_none()
    {
        lat0 = one;
    }
    let projection = Projection { method, lat0, lon0, parallels, k0, fe, fnorth };
    projection.valid().then_some(projection)
}

/// A projected system, unknown where the method is.
pub(super) fn projected(projection: Option<Projection>, base: Base, unit: f64) -> Crs {
    match projection {
        Some(p) if (1e-4..=1e4).contains(&unit) => {
            Crs { system: System::Projected(p, base, unit), code: None, plane: true }
        }
        _ => Crs { plane: true, ..Crs::UNKNOWN },
    }
}
