//! Reference systems between the files of a folder: `.prj`, `.qpj` and `.aux.xml` tell them, shapes and rasters of the same stem get them.

use serde_json::Value;
use yumen_model::{Context, Grouper, Member};

/// The fact of a reference system: its text.
pub(crate) const CRS: &str = "crs";
/// The fact of a world file: its six numbers.
pub(crate) const WORLD: &str = "world-file";
/// The fact of an attribute table: `{"names": […], "rows": n}`.
pub(crate) const ATTRIBUTES: &str = "attributes";
/// The fact of a code page: its name.
pub(crate) const ENCODING: &str = "encoding";

/// The granted reference system.
pub(crate) fn granted(context: &Context) -> Option<String> {
    context.facts(CRS).find_map(Value::as_str).map(str::to_owned)
}

/// The system that a name stands for (`urn:ogc:def:crs:EPSG::4547`, `http://www.opengis.net/def/crs/EPSG/0/4326`, `EPSG:4326`, `…CRS84`), as
/// `EPSG:n` where it is one.
pub(crate) fn named(name: &str) -> Option<String> {
    let name = name.trim();
    if name.is_empty() || name.len() > 4096 {
        return None;
    }
    if name.ends_with("CRS84") || name.ends_with("CRS84h") {
        return Some("EPSG:4326".to_owned());
    }
    epsg(name).map(|n| format!("EPSG:{n}")).or_else(|| Some(name.to_owned()))
}

/// The EPSG number in the name of a system.
pub(crate) fn epsg(name: &str) -> Option<u32> {
    let upper = name.trim().to_ascii_uppercase();
    if upper.contains('[') {
        return None;
    }
    let at = upper.find("EPSG")?;
    let tail = upper[at + 4..].rsplit([':', '/', '#']).next()?;
    tail.parse().ok().filter(|n| (1000..1_000_000).contains(n))
}

/// Whether the axes of a system stand north first when it is named by a URN: geographic ones, and plane ones of the Gauss-Krüger kind in China.
pub(crate) fn north_first(name: &str) -> bool {
    let formal = name.contains("urn:") || name.contains("/def/crs/");
    formal
        && epsg(name).is_some_and(
            |n| matches!(n, 4001..=4999 | 2327..=2442 | 21413..=21463 | 7789..=7900 | 31466..=31469 | 3034..=3035),
        )
}

/// Lends a fact to the files of the same stem.
pub(crate) struct SameStem(pub(crate) &'static str);

impl Grouper for SameStem {
    fn key(&self) -> &'static str {
        self.0
    }

    fn grant(&self, needy: &Member<'_>, neighbours: &[Member<'_>]) -> Vec<Value> {
        let own = stem(needy.name);
        let whole = needy.name.to_lowercase();
        let mut found: Vec<_> = neighbours
            .iter()
            .filter(|m| m.name != needy.name && !m.exports.is_empty())
            .filter(|m| {
                stem(m.name) == own || m.name.to_lowercase().strip_prefix(&whole).is_some_and(|r| r.starts_with('.'))
            })
            .collect();
        // What is named after the whole name, then `.prj`, is nearer than others.
        found.sort_by_key(|m| {
            let name = m.name.to_lowercase();
            (!name.starts_with(&whole), !name.ends_with(".prj"), name)
        });
        found.iter().flat_map(|m| m.exports.iter().map(|v| (*v).clone())).take(1).collect()
    }
}

/// A name without its endings, in lower case: `Roads.shp.xml` and `roads.SHP` are one.
fn stem(name: &str) -> String {
    let lower = name.rsplit('/').next().unwrap_or(name).to_lowercase();
    let mut stem = lower.as_str();
    for end in [".aux.xml", ".shp.xml"] {
        stem = stem.strip_suffix(end).unwrap_or(stem);
    }
    match stem.rsplit_once('.') {
        Some((s, ext)) if !s.is_empty() && ext.len() <= 5 => s.to_owned(),
        _ => stem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_named_alike() {
        for (name, want) in [
            ("urn:ogc:def:crs:EPSG::4547", "EPSG:4547"),
            ("urn:ogc:def:crs:EPSG:6.9:4326", "EPSG:4326"),
            ("http://www.opengis.net/def/crs/EPSG/0/4490", "EPSG:4490"),
            ("http://www.opengis.net/gml/srs/epsg.xml#4326", "EPSG:4326"),
            ("EPSG:32650", "EPSG:32650"),
            ("urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326"),
            ("gcj02", "gcj02"),
        ] {
            assert_eq!(named(name).as_deref(), Some(want), "{name}");
        }
        assert!(north_first("urn:ogc:def:crs:EPSG::4326") && !north_first("EPSG:4326"));
        assert!(!north_first("urn:ogc:def:crs:EPSG::32650"));
    }

    #[test]
    fn files_of_one_stem_belong_together() {
        let wkt = Value::from("GEOGCS");
        let other = Value::from("PROJCS");
        let neighbours = [
            Member { name: "roads.qpj", format: "prj", exports: vec![&other] },
            Member { name: "Roads.prj", format: "prj", exports: vec![&wkt] },
            Member { name: "lakes.prj", format: "prj", exports: vec![&other] },
        ];
        let grant = |name: &str| SameStem(CRS).grant(&Member { name, format: "x", exports: vec![] }, &neighbours);
        assert!(grant("rivers.shp").is_empty());
        assert_eq!(grant("roads.shp"), std::slice::from_ref(&wkt));
    }
}
