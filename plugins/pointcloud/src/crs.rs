//! What a declared reference system says of its own: an EPSG code, the kind of coordinates, the unit. Nothing is projected here.

use yumen_model::Spatial;

/// The kind of coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Geodetic,
    Projected,
    Ecef,
    Local,
}

/// A reference system as declared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Crs {
    /// `EPSG:n`, WKT, a PROJ string, `ecef`, `local`; none where nothing is told.
    pub text: Option<String>,
    pub frame: Option<Frame>,
    pub datum: Option<&'static str>,
    /// Metres of one unit of length.
    pub unit_m: f64,
    /// Told by a file beside it.
    pub sidecar: bool,
}

impl Default for Crs {
    fn default() -> Self {
        Crs { text: None, frame: None, datum: None, unit_m: 1.0, sidecar: false }
    }
}

/// Longer texts are no reference system.
const MAX_TEXT: usize = 64 << 10;

impl Crs {
    pub(crate) fn local() -> Self {
        Crs { text: Some("local".into()), frame: Some(Frame::Local), ..Crs::default() }
    }

    pub(crate) fn epsg(code: u32) -> Self {
        let frame = match code {
            4978 | 4479 | 4328 | 4936 | 4896 | 5011 => Frame::Ecef,
            // Among the geographic systems stand the grids of CGCS2000, New Beijing and others.
            4026
            | 4037..=4038
            | 4048..=4051
            | 4056..=4063
            | 4071
            | 4082..=4083
            | 4087..=4088
            | 4390..=4462
            | 4467
            | 4471
            | 4474
            | 4484..=4489
            | 4491..=4554
            | 4559
            | 4568..=4589
            | 4647
            | 4652..=4656
            | 4766..=4800
            | 4826
            | 4839
            | 4855..=4880 => Frame::Projected,
            4000..=4999 => Frame::Geodetic,
            9000..=9099 | 7000..=7999 if !(7405..=7423).contains(&code) => Frame::Geodetic,
            _ => Frame::Projected,
        };
        let datum = match code {
            4326 | 4978 | 4979 | 3857 | 32_601..=32_660 | 32_701..=32_760 | 3395 => Some("wgs84"),
            4479 | 4480 | 4490..=4554 => Some("cgcs2000"),
            _ => None,
        };
        let unit_m = match code {
            2225..=2230 | 2236..=2238 | 2240 | 2241 | 2249 | 2263 | 2264 | 2274..=2279 | 2283 | 2284 | 2285..=2289 => {
                1200.0 / 3937.0
            }
            2222..=2224 | 2251..=2253 | 2256 | 2266..=2269 | 2273 | 2992 | 2994 => 0.3048,
            _ => 1.0,
        };
        Crs { text: Some(format!("EPSG:{code}")), frame: Some(frame), datum, unit_m, sidecar: false }
    }

    /// A text of any of the usual forms.
    pub(crate) fn of_text(text: &str) -> Self {
        let text = text.trim().trim_end_matches('\0').trim();
        if text.is_empty() || text.len() > MAX_TEXT {
            return Crs::default();
        }
        let lower = text.to_ascii_lowercase();
        if let Some(code) = code_of_name(&lower) {
            return Crs::epsg(code);
        }
        match lower.as_str() {
            "local" => return Crs::local(),
            "ecef" => return Crs { text: Some(lower), frame: Some(Frame::Ecef), ..Crs::default() },
            "wgs84" | "gcj02" | "bd09" => {
                return Crs { text: Some(lower), frame: Some(Frame::Geodetic), ..Crs::default() };
            }
            _ => {}
        }
        if lower.contains("+proj=") || lower.contains("+init=") {
            let frame = match () {
                () if lower.contains("+proj=longlat") || lower.contains("+proj=latlong") => Frame::Geodetic,
                () if lower.contains("+proj=geocent") => Frame::Ecef,
                () => Frame::Projected,
            };
            let init = lower.split("+init=epsg:").nth(1);
            let code = init.and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
            return code.map_or(
                Crs { text: Some(text.to_owned()), frame: Some(frame), datum: datum_of(&lower), ..Crs::default() },
                Crs::epsg,
            );
        }
        wkt(text).unwrap_or_default()
    }

    /// Adds what the system itself tells.
    pub(crate) fn tell(&self, mut item: Spatial) -> Spatial {
        if let Some(frame) = self.frame {
            item = item.with(
                "frame",
                match frame {
                    Frame::Geodetic => "geodetic",
                    Frame::Projected => "projected",
                    Frame::Ecef => "ecef",
                    Frame::Local => "local",
                },
            );
        }
        if let Some(datum) = self.datum {
            item = item.with("datum", datum);
        }
        if self.sidecar {
            item = item.with("crs_source", "sidecar");
        }
        item
    }
}

/// `EPSG:4326`, `urn:ogc:def:crs:EPSG::4326`, `http://www.opengis.net/def/crs/EPSG/0/4326`.
fn code_of_name(lower: &str) -> Option<u32> {
    let rest = lower.strip_prefix("urn:ogc:def:crs:").unwrap_or(lower);
    let rest = match rest.find("/def/crs/") {
        Some(at) => &rest[at + 9..],
        None => rest,
    };
    let rest = rest.strip_prefix("epsg")?;
    let last = rest.rsplit([':', '/']).next()?;
    last.parse().ok().filter(|&code| (1024..=999_999).contains(&code))
}

fn datum_of(lower: &str) -> Option<&'static str> {
    let has = |words: &[&str]| words.iter().any(|w| lower.contains(w));
    if has(&["wgs_1984", "wgs 84", "wgs84", "world geodetic system 1984"]) {
        Some("wgs84")
    } else if has(&["cgcs2000", "china_2000", "china 2000", "cgcs 2000"]) {
        Some("cgcs2000")
    } else {
        None
    }
}

/// The horizontal part of a WKT, by its EPSG code where it states one.
fn wkt(text: &str) -> Option<Crs> {
    const HEADS: &[(&str, Frame)] = &[
        ("PROJCS", Frame::Projected),
        ("PROJCRS", Frame::Projected),
        ("PROJECTEDCRS", Frame::Projected),
        ("GEOCCS", Frame::Ecef),
        ("GEODCRS", Frame::Geodetic),
        ("GEODETICCRS", Frame::Geodetic),
        ("GEOGCRS", Frame::Geodetic),
        ("GEOGRAPHICCRS", Frame::Geodetic),
        ("GEOGCS", Frame::Geodetic),
        ("LOCAL_CS", Frame::Local),
        ("ENGCRS", Frame::Local),
    ];
    let upper = text.to_ascii_uppercase();
    let (at, &(_, mut frame)) = HEADS.iter().find_map(|head| {
        let mut from = 0;
        while let Some(i) = upper[from..].find(head.0) {
            let at = from + i;
            let after = upper.as_bytes().get(at + head.0.len());
            let before = at.checked_sub(1).and_then(|i| upper.as_bytes().get(i));
            if matches!(after, Some(b'[' | b'(')) && !before.is_some_and(u8::is_ascii_alphanumeric) {
                return Some((at, head));
            }
            from = at + head.0.len();
        }
        None
    })?;
    let part = object(text.get(at..)?);
    let lower = part.to_ascii_lowercase();
    if frame == Frame::Local {
        return Some(Crs { text: Some("local".into()), ..Crs::local() });
    }
    if frame == Frame::Geodetic && lower.contains("cartesian") {
        frame = Frame::Ecef;
    }
    let unit_m = match frame {
        Frame::Projected => members(part, &["UNIT", "LENGTHUNIT"]).last().copied().and_then(number).unwrap_or(1.0),
        _ => 1.0,
    };
    let code = members(part, &["AUTHORITY", "ID"]).last().copied().and_then(|m| {
        let mut parts = m.split(',').map(|p| p.trim().trim_matches(['"', ']', ')', '[', '(']));
        let owner = parts.next()?.rsplit(['"', '[', '(']).next()?;
        owner.eq_ignore_ascii_case("EPSG").then_some(())?;
        parts.next()?.trim_matches('"').parse().ok()
    });
    let mut crs = match code {
        Some(code) => Crs::epsg(code),
        None => Crs { text: Some(part.to_owned()), ..Crs::default() },
    };
    crs.frame = Some(frame);
    crs.datum = crs.datum.or_else(|| datum_of(&lower));
    if (1e-3..1e4).contains(&unit_m) {
        crs.unit_m = unit_m;
    }
    Some(crs)
}

/// The object that begins at the start of the text, to its closing bracket.
fn object(text: &str) -> &str {
    let mut depth = 0u32;
    let mut quoted = false;
    for (i, b) in text.bytes().enumerate() {
        match b {
            b'"' => quoted = !quoted,
            b'[' | b'(' if !quoted => depth += 1,
            b']' | b')' if !quoted => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return &text[..=i];
                }
            }
            _ => {}
        }
    }
    text
}

/// The contents of the members of these names that lie directly in the object.
fn members<'t>(object_text: &'t str, names: &[&str]) -> Vec<&'t str> {
    let bytes = object_text.as_bytes();
    let mut found = Vec::new();
    let (mut depth, mut quoted, mut word) = (0u32, false, 0);
    for (i, &b) in bytes.iter().enumerate() {
        match b {
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'(' => {
                let name = object_text.get(word..i).unwrap_or("").trim();
                if depth == 1 && names.iter().any(|n| n.eq_ignore_ascii_case(name)) {
                    found.push(object(object_text.get(i..).unwrap_or("")));
                }
                depth += 1;
                word = i + 1;
            }
            b']' | b')' => {
                depth = depth.saturating_sub(1);
                word = i + 1;
            }
            b',' => word = i + 1,
            _ => {}
        }
    }
    found
}

/// The number of `["metre",1,…]`.
fn number(member: &str) -> Option<f64> {
    let after = member.rsplit_once('"').map_or(member, |_| {
        let close = member.match_indices('"').nth(1).map_or(0, |(i, _)| i + 1);
        member.get(close..).unwrap_or("")
    });
    after.split([',', '[', ']', '(', ')']).find_map(|p| p.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_in_every_form() {
        for text in
            ["EPSG:32650", "epsg:32650", "urn:ogc:def:crs:EPSG::32650", "http://www.opengis.net/def/crs/EPSG/0/32650"]
        {
            assert_eq!(Crs::of_text(text).text.as_deref(), Some("EPSG:32650"), "{text}");
        }
        assert_eq!(Crs::of_text("+init=epsg:4490 +no_defs").text.as_deref(), Some("EPSG:4490"));
        assert_eq!(Crs::of_text("+proj=utm +zone=50 +datum=WGS84").frame, Some(Frame::Projected));
        assert_eq!(Crs::of_text("no system at all"), Crs::default());
        for (code, frame) in
            [(4490, Frame::Geodetic), (4527, Frame::Projected), (4979, Frame::Geodetic), (4978, Frame::Ecef)]
        {
            assert_eq!(Crs::epsg(code).frame, Some(frame), "{code}");
        }
    }

    #[test]
    fn the_horizontal_part_of_a_compound_system_counts() {
        let text = r#"COMPD_CS["a + b",PROJCS["NAD83 / Oregon GIC Lambert (ft)",GEOGCS["NAD83",DATUM["x",SPHEROID["GRS 1980",6378137,298.25,AUTHORITY["EPSG","7019"]],AUTHORITY["EPSG","6269"]],AUTHORITY["EPSG","4269"]],PROJECTION["Lambert_Conformal_Conic_2SP"],UNIT["foot",0.3048,AUTHORITY["EPSG","9002"]],AUTHORITY["EPSG","2992"]],VERT_CS["h",VERT_DATUM["d",2005],UNIT["metre",1],AUTHORITY["EPSG","5703"]]]"#;
        let crs = Crs::of_text(text);
        assert_eq!((crs.text.as_deref(), crs.frame, crs.unit_m), (Some("EPSG:2992"), Some(Frame::Projected), 0.3048));
        let wkt2 = r#"PROJCRS["CGCS2000 / 3-degree Gauss-Kruger CM 117E",BASEGEOGCRS["CGCS2000",DATUM["China 2000",ELLIPSOID["CGCS2000",6378137,298.257222101]],ID["EPSG",4490]],CONVERSION["x",METHOD["Transverse Mercator"]],CS[Cartesian,2],AXIS["x",north],AXIS["y",east],LENGTHUNIT["metre",1],ID["EPSG",4548]]"#;
        let crs = Crs::of_text(wkt2);
        assert_eq!((crs.text.as_deref(), crs.datum), (Some("EPSG:4548"), Some("cgcs2000")));
        let nameless = r#"PROJCS["site",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257]]],PROJECTION["Transverse_Mercator"],UNIT["metre",1]]"#;
        let crs = Crs::of_text(nameless);
        assert!(crs.text.is_some_and(|t| t.starts_with("PROJCS[") && t.ends_with(']')));
        assert_eq!(crs.datum, Some("wgs84"));
    }
}
