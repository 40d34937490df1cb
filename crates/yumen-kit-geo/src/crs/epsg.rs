//! Codes of the EPSG registry (and some of Esri's): zones by rule, single systems by a short table. A code that is not here is unknown.

use super::build::base;
use super::{BASE_WGS84, Base, Crs, System, proj};
use crate::Datum;
use crate::projection::{Method, Projection};

const CGCS2000: &str = "CGCS2000";
const XIAN80: &str = "Xian 1980";
const BEIJING54: &str = "Beijing 1954";
const PULKOVO: &str = "Pulkovo 1942";
/// Datums that agree with WGS-84 to a metre or two.
const MODERN: &str = "modern";

/// Single systems, as PROJ strings; `+datum` is a name that [`base`] knows.
const SINGLE: &[(u32, &str)] = &[
    // Hong Kong, Macau, Taiwan.
    (2326, "+proj=tmerc +lat_0=22.3121333333333 +lon_0=114.178555555556 +x_0=836694.05 +y_0=819069.8 +datum=hk80"),
    (
        8433,
        "+proj=tmerc +lat_0=22.2123972222222 +lon_0=113.536469444444 +x_0=20000 +y_0=20000 +ellps=intl +towgs84=-163.613,-315.803,-193.959,34.079,-76.126,-32.66,6.096",
    ),
    (3825, "+proj=tmerc +lon_0=119 +k=0.9999 +x_0=250000 +datum=modern"),
    (3826, "+proj=tmerc +lon_0=121 +k=0.9999 +x_0=250000 +datum=modern"),
    (3827, "+proj=tmerc +lon_0=119 +k=0.9999 +x_0=250000 +datum=twd67"),
    (3828, "+proj=tmerc +lon_0=121 +k=0.9999 +x_0=250000 +datum=twd67"),
    // Korea.
    (5178, "+proj=tmerc +lat_0=38 +lon_0=127.5 +k=0.9996 +x_0=1000000 +y_0=2000000 +datum=korean1985"),
    (5179, "+proj=tmerc +lat_0=38 +lon_0=127.5 +k=0.9996 +x_0=1000000 +y_0=2000000 +datum=modern"),
    (5180, "+proj=tmerc +lat_0=38 +lon_0=125 +x_0=200000 +y_0=500000 +datum=modern"),
    (5181, "+proj=tmerc +lat_0=38 +lon_0=127 +x_0=200000 +y_0=500000 +datum=modern"),
    (5182, "+proj=tmerc +lat_0=38 +lon_0=127 +x_0=200000 +y_0=550000 +datum=modern"),
    (5183, "+proj=tmerc +lat_0=38 +lon_0=129 +x_0=200000 +y_0=500000 +datum=modern"),
    (5184, "+proj=tmerc +lat_0=38 +lon_0=131 +x_0=200000 +y_0=500000 +datum=modern"),
    (5173, "+proj=tmerc +lat_0=38 +lon_0=125.002890277778 +x_0=200000 +y_0=500000 +datum=korean1985"),
    (5174, "+proj=tmerc +lat_0=38 +lon_0=127.002890277778 +x_0=200000 +y_0=500000 +datum=korean1985"),
    (5175, "+proj=tmerc +lat_0=38 +lon_0=127.002890277778 +x_0=200000 +y_0=550000 +datum=korean1985"),
    (5176, "+proj=tmerc +lat_0=38 +lon_0=129.002890277778 +x_0=200000 +y_0=500000 +datum=korean1985"),
    (5177, "+proj=tmerc +lat_0=38 +lon_0=131.002890277778 +x_0=200000 +y_0=500000 +datum=korean1985"),
    (2096, "+proj=tmerc +lat_0=38 +lon_0=129 +x_0=200000 +y_0=500000 +datum=korean1985"),
    (2097, "+proj=tmerc +lat_0=38 +lon_0=127 +x_0=200000 +y_0=500000 +datum=korean1985"),
    (2098, "+proj=tmerc +lat_0=38 +lon_0=125 +x_0=200000 +y_0=500000 +datum=korean1985"),
    // Singapore, Vietnam, India.
    (3414, "+proj=tmerc +lat_0=1.36666666666667 +lon_0=103.833333333333 +x_0=28001.642 +y_0=38744.572 +datum=modern"),
    (3405, "+proj=utm +zone=48 +datum=vn2000"),
    (3406, "+proj=utm +zone=49 +datum=vn2000"),
    (
        7755,
        "+proj=lcc +lat_0=24 +lon_0=80 +lat_1=12.472955 +lat_2=35.1728044444444 +x_0=4000000 +y_0=4000000 +datum=WGS84",
    ),
    // Europe.
    (3034, "+proj=lcc +lat_0=52 +lon_0=10 +lat_1=35 +lat_2=65 +x_0=4000000 +y_0=2800000 +datum=modern"),
    (3035, "+proj=laea +lat_0=52 +lon_0=10 +x_0=4321000 +y_0=3210000 +datum=modern"),
    (5243, "+proj=lcc +lat_0=51 +lon_0=10.5 +lat_1=48.6666666666667 +lat_2=53.6666666666667 +datum=modern"),
    (4647, "+proj=tmerc +lon_0=9 +k=0.9996 +x_0=32500000 +datum=modern"),
    (5555, "+proj=utm +zone=32 +datum=modern"),
    (5556, "+proj=utm +zone=33 +datum=modern"),
    (27700, "+proj=tmerc +lat_0=49 +lon_0=-2 +k=0.9996012717 +x_0=400000 +y_0=-100000 +datum=osgb36"),
    (2157, "+proj=tmerc +lat_0=53.5 +lon_0=-8 +k=0.99982 +x_0=600000 +y_0=750000 +datum=modern"),
    (2154, "+proj=lcc +lat_0=46.5 +lon_0=3 +lat_1=49 +lat_2=44 +x_0=700000 +y_0=6600000 +datum=modern"),
    (
        3812,
        "+proj=lcc +lat_0=50.797815 +lon_0=4.35921583333333 +lat_1=49.8333333333333 +lat_2=51.1666666666667 +x_0=649328 +y_0=665262 +datum=modern",
    ),
    (
        28992,
        "+proj=sterea +lat_0=52.1561605555556 +lon_0=5.38763888888889 +k=0.9999079 +x_0=155000 +y_0=463000 +datum=amersfoort",
    ),
    (2180, "+proj=tmerc +lon_0=19 +k=0.9993 +x_0=500000 +y_0=-5300000 +datum=modern"),
    (3006, "+proj=utm +zone=33 +datum=modern"),
    (3067, "+proj=utm +zone=35 +datum=modern"),
    (31254, "+proj=tmerc +lon_0=10.3333333333333 +y_0=-5000000 +datum=mgi"),
    (31255, "+proj=tmerc +lon_0=13.3333333333333 +y_0=-5000000 +datum=mgi"),
    (31256, "+proj=tmerc +lon_0=16.3333333333333 +y_0=-5000000 +datum=mgi"),
    (31257, "+proj=tmerc +lon_0=10.3333333333333 +x_0=150000 +y_0=-5000000 +datum=mgi"),
    (31258, "+proj=tmerc +lon_0=13.3333333333333 +x_0=450000 +y_0=-5000000 +datum=mgi"),
    (31259, "+proj=tmerc +lon_0=16.3333333333333 +x_0=750000 +y_0=-5000000 +datum=mgi"),
    // America, Oceania.
    (5070, "+proj=aea +lat_0=23 +lon_0=-96 +lat_1=29.5 +lat_2=45.5 +datum=modern"),
    (
        3347,
        "+proj=lcc +lat_0=63.390675 +lon_0=-91.8666666666667 +lat_1=49 +lat_2=77 +x_0=6200000 +y_0=3000000 +datum=modern",
    ),
    (2992, "+proj=lcc +lat_0=41.75 +lon_0=-120.5 +lat_1=43 +lat_2=45.5 +x_0=399999.9999984 +units=ft +datum=modern"),
    (2994, "+proj=lcc +lat_0=41.75 +lon_0=-120.5 +lat_1=43 +lat_2=45.5 +x_0=399999.9999984 +units=ft +datum=modern"),
    (2193, "+proj=tmerc +lon_0=173 +k=0.9996 +x_0=1600000 +y_0=10000000 +datum=modern"),
    // Esri's names of China.
    (102_012, "+proj=lcc +lon_0=105 +lat_1=30 +lat_2=62 +datum=WGS84"),
    (102_025, "+proj=aea +lat_0=30 +lon_0=95 +lat_1=15 +lat_2=65 +datum=WGS84"),
];

/// Origins of Japan's plane rectangular systems I to XIX.
const JAPAN: [(f64, f64); 19] = [
    (33.0, 129.5),
    (33.0, 131.0),
    (36.0, 132.0 + 1.0 / 6.0),
    (33.0, 133.5),
    (36.0, 134.0 + 1.0 / 3.0),
    (36.0, 136.0),
    (36.0, 137.0 + 1.0 / 6.0),
    (36.0, 138.5),
    (36.0, 139.0 + 5.0 / 6.0),
    (40.0, 140.0 + 5.0 / 6.0),
    (44.0, 140.25),
    (44.0, 142.25),
    (44.0, 144.25),
    (26.0, 142.0),
    (26.0, 127.5),
    (26.0, 124.0),
    (26.0, 131.0),
    (20.0, 136.0),
    (26.0, 154.0),
];

fn named(name: &str) -> Base {
    base(name, None, None)
}

fn tm(name: &str, lon0: f64, fe: f64) -> Crs {
    Crs::projected(Projection::tm(0.0, lon0, 1.0, fe, 0.0), named(name))
}

/// China's grids: the i-th zone of six degrees from 13, or of three from 25, with or without the zone before the easting.
fn six(name: &str, i: u32, zoned: bool) -> Crs {
    let zone = f64::from(13 + i);
    tm(name, zone * 6.0 - 3.0, if zoned { zone * 1e6 } else { 0.0 } + 500_000.0)
}

fn three(name: &str, i: u32, zoned: bool) -> Crs {
    let zone = f64::from(25 + i);
    tm(name, zone * 3.0, if zoned { zone * 1e6 } else { 0.0 } + 500_000.0)
}

fn utm(name: &str, zone: u32, south: bool) -> Crs {
    Projection::utm(zone, south).map_or(Crs::UNKNOWN, |p| Crs::projected(p, named(name)))
}

/// The system of a code.
pub(super) fn system(code: u32) -> Crs {
    if let Some((_, text)) = SINGLE.iter().find(|(c, _)| *c == code) {
        return proj::parse(text);
    }
    match code {
        4326 | 4979 | 4329 | 7665 | 9753..=9757 => Crs::WGS84,
        4978 => Crs::ECEF,
        4490 | 4480 => Crs::on(Datum::Cgcs2000),
        4479 => Crs { system: System::Geocentric(named(CGCS2000)), code: None, plane: false },
        4214 => Crs::geographic(named(BEIJING54)),
        4555 => Crs::geographic(named(BEIJING54)),
        4610 => Crs::geographic(named(XIAN80)),
        4611 => Crs::geographic(named("hk80")),
        4284 => Crs::geographic(named(PULKOVO)),
        4301 => Crs::geographic(named("tokyo")),
        4162 => Crs::geographic(named("korean1985")),
        4277 => Crs::geographic(named("osgb36")),
        4314 => Crs::geographic(named("dhdn")),
        4267 => Crs::geographic(named("nad27")),
        4230 => Crs::geographic(named("ed50")),
        4312 => Crs::geographic(named("mgi")),
        4289 => Crs::geographic(named("amersfoort")),
        4756 => Crs::geographic(named("vn2000")),
        3821 => Crs::geographic(named("twd67")),
        // ETRS89, NAD83, JGD2000, JGD2011, KGD2002, TWD97, GDA94, GDA2020, RGF93, SIRGAS 2000, SVY21, Hong Kong Geodetic.
        4258 | 4937 | 4269 | 6318 | 6319 | 4612 | 6668 | 6697 | 4737 | 4927 | 3824 | 3823 | 4283 | 7844 | 4171
        | 4674 | 4757 | 8427 | 8426 | 8428 | 8431 | 4617 | 4167 => Crs::on(Datum::Other),
        4936 | 5011 | 4954 | 4926 | 6666 => Crs { system: System::Geocentric(named(MODERN)), code: None, plane: false },
        3857 | 900_913 | 102_100 | 102_113 | 3785 => Crs::projected(Projection::new(Method::WebMercator), BASE_WGS84),
        3395 | 54_004 => Crs::projected(Projection::new(Method::Mercator), BASE_WGS84),
        32_601..=32_660 => utm("wgs84", code - 32_600, false),
        32_701..=32_760 => utm("wgs84", code - 32_700, true),
        32_201..=32_260 => utm("wgs72", code - 32_200, false),
        32_301..=32_360 => utm("wgs72", code - 32_300, true),
        4491..=4501 => six(CGCS2000, code - 4491, true),
        4502..=4512 => six(CGCS2000, code - 4502, false),
        4513..=4533 => three(CGCS2000, code - 4513, true),
        4534..=4554 => three(CGCS2000, code - 4534, false),
        2327..=2337 => six(XIAN80, code - 2327, true),
        2338..=2348 => six(XIAN80, code - 2338, false),
        2349..=2369 => three(XIAN80, code - 2349, true),
        2370..=2390 => three(XIAN80, code - 2370, false),
        21_413..=21_423 => six(BEIJING54, code - 21_413, true),
        21_453..=21_463 => six(BEIJING54, code - 21_453, false),
        21_473..=21_483 => six(BEIJING54, code - 21_473, false),
        2401..=2421 => three(BEIJING54, code - 2401, true),
        2422..=2442 => three(BEIJING54, code - 2422, false),
        4568..=4578 => six(BEIJING54, code - 4568, true),
        4579..=4589 => six(BEIJING54, code - 4579, false),
        4652..=4656 => three(BEIJING54, code - 4652, true),
        4766..=4781 => three(BEIJING54, code - 4766 + 5, true),
        4782..=4800 => three(BEIJING54, code - 4782, false),
        5185..=5188 => {
            let lon0 = 125.0 + 2.0 * f64::from(code - 5185);
            Crs::projected(Projection::tm(38.0, lon0, 1.0, 200_000.0, 600_000.0), named(MODERN))
        }
        3097..=3101 => utm(MODERN, code - 3097 + 51, false),
        6688..=6692 => utm(MODERN, code - 6688 + 51, false),
        2443..=2461 => japan(code - 2443, MODERN),
        6669..=6687 => japan(code - 6669, MODERN),
        30_161..=30_179 => japan(code - 30_161, "tokyo"),
        25_828..=25_838 => utm(MODERN, code - 25_800, false),
        23_028..=23_038 => utm("ed50", code - 23_000, false),
        26_901..=26_923 => utm(MODERN, code - 26_900, false),
        26_701..=26_722 => utm("nad27", code - 26_700, false),
        6330..=6348 => utm(MODERN, code - 6329, false),
        3740..=3749 => utm(MODERN, code - 3730, false),
        28_348..=28_358 => utm(MODERN, code - 28_300, true),
        7846..=7859 => utm(MODERN, code - 7800, true),
        31_965..=31_976 => utm(MODERN, code - 31_954, false),
        31_977..=31_985 => utm(MODERN, code - 31_960, true),
        31_466..=31_469 => {
            let zone = f64::from(code - 31_464);
            tm("dhdn", zone * 3.0, zone * 1e6 + 500_000.0)
        }
        28_402..=28_432 => {
            let zone = f64::from(code - 28_400);
            let lon0 = zone * 6.0 - 3.0;
            tm(PULKOVO, if lon0 > 180.0 { lon0 - 360.0 } else { lon0 }, zone * 1e6 + 500_000.0)
        }
        3873..=3885 => {
            let zone = f64::from(code - 3873 + 19);
            tm(MODERN, zone, zone * 1e6 + 500_000.0)
        }
        2176..=2179 => {
            let zone = f64::from(code - 2171);
            let p = Projection::tm(0.0, zone * 3.0, 0.999_923, zone * 1e6 + 500_000.0, 0.0);
            Crs::projected(p, named(MODERN))
        }
        _ => Crs::UNKNOWN,
    }
}

fn japan(i: u32, datum: &str) -> Crs {
    JAPAN.get(i as usize).map_or(Crs::UNKNOWN, |(lat0, lon0)| {
        Crs::projected(Projection::tm(*lat0, *lon0, 0.9999, 0.0, 0.0), named(datum))
    })
}
