//! Settings of Autoware's maps: where the local frame of the map and the cloud beside it lies (`map_projector_info.yaml`, `map_config.yaml`).

use serde_json::{Value, json};
use yumen_kit_container::FormatReader;
use yumen_kit_text::{RecordWriter, Spot};
use yumen_model::evidence::NO_NAME;
use yumen_model::{
    Artifact, Certainty, Context, Format, GroupFact, Grouper, Identity, InspectError, Inspection, InspectionExt,
    Member, Message, Need, Probe, Spatial,
};

use crate::xml::number;

pub(crate) struct Autoware;

const FORMATS: &[Format] = &[Format {
    name: "autoware-map-config",
    title: "Autoware map projector settings",
    media_type: "application/yaml",
    extensions: &[],
    magic: "YAML of a few lines with projector_type, or with latitude and longitude under map_origin",
    reference: "https://autowarefoundation.github.io/autoware-documentation/main/design/autoware-architecture/map/map-requirements/",
    evidence: "records of keys and values; the origin of local frames for the files beside it",
    limitations: &[],
}];

/// Settings are short.
const MOST: u64 = 64 << 10;

impl FormatReader for Autoware {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if probe.blob.len() > MOST || !matches!(probe.extension().as_str(), "yaml" | "yml") {
            return None;
        }
        let text = std::str::from_utf8(probe.head).ok()?;
        let settings = Settings::of(text)?;
        (settings.projector.is_some() || settings.origin.is_some())
            .then(|| Identity::new("autoware-map-config", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let len = artifact.blob.len();
        let bytes = artifact.blob.bytes(0..len.min(MOST)).map_err(|e| InspectError::read(0, &e))?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|e| InspectError::corrupt(e.valid_up_to() as u64, "the settings are no UTF-8"))?;
        let mut writer = RecordWriter::new(artifact);
        for (i, line) in Line::all(text).enumerate() {
            let at = |from: usize, column: usize| Spot {
                byte: from as u64,
                line: i as u64 + 1,
                column: u32::try_from(column + 1).unwrap_or(u32::MAX),
            };
            let end = (line.start + line.text.len()) as u64;
            match line.pair() {
                Some((_, value, offset)) => {
                    let name = writer.name(&line.path);
                    writer.cell(value, name, 0, at(line.start + offset, offset), end, true);
                }
                None => writer.cell(line.text, NO_NAME, 0, at(line.start, 0), end, true),
            }
        }
        writer.end_record(out)?;
        writer.finish(out)?;
        out.inspected(0..bytes.len() as u64)?;
        if let Some(value) = Settings::of(text).and_then(|s| s.value()) {
            out.send(Message::Export(GroupFact { key: KEY.to_owned(), value }))?;
        }
        Ok(())
    }
}

/// A line with the path of its key: keys of lines above that are less indented.
struct Line<'t> {
    start: usize,
    text: &'t str,
    path: String,
}

impl<'t> Line<'t> {
    fn all(text: &'t str) -> impl Iterator<Item = Line<'t>> {
        let mut open: Vec<(usize, &str)> = Vec::new();
        let mut at = 0;
        text.split_inclusive('\n').map(move |raw| {
            let start = at;
            at += raw.len();
            let text = raw.trim_end();
            let indent = text.len() - text.trim_start().len();
            let mut path = String::new();
            if let Some((key, _)) = text.split_once(':')
                && !key.trim_start().starts_with('#')
            {
                open.retain(|(i, _)| *i < indent);
                if open.len() < 16 {
                    open.push((indent, key.trim()));
                }
                path = open.iter().map(|(_, k)| *k).collect::<Vec<_>>().join(".");
            }
            Line { start, text, path }
        })
    }

    /// Key, value, and where the value begins; none where there is no value.
    fn pair(&self) -> Option<(&str, &'t str, usize)> {
        if self.path.is_empty() {
            return None;
        }
        let (_, value) = self.text.split_once(':')?;
        let value = value.trim();
        let offset = self.text.len() - value.len();
        let last = self.path.rsplit('.').next().unwrap_or("");
        (!value.is_empty()).then_some((last, value, offset))
    }
}

#[derive(Default)]
struct Settings {
    projector: Option<String>,
    square: Option<String>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    altitude: Option<f64>,
    origin: Option<(f64, f64)>,
}

impl Settings {
    fn of(text: &str) -> Option<Settings> {
        let mut settings = Settings::default();
        for line in Line::all(text).take(1000) {
            let Some((key, value, _)) = line.pair() else { continue };
            let bare = value.split(" #").next().unwrap_or("").trim().trim_matches(['"', '\'']);
            match key {
                "projector_type" | "type" if line.path == key => settings.projector = Some(bare.to_owned()),
                "mgrs_grid" => settings.square = Some(bare.to_owned()),
                "latitude" if line.path.contains("map_origin") => settings.latitude = number(bare),
                "longitude" if line.path.contains("map_origin") => settings.longitude = number(bare),
                "altitude" | "elevation" if line.path.contains("map_origin") => settings.altitude = number(bare),
                _ => {}
            }
        }
        settings.origin = settings.latitude.zip(settings.longitude);
        // `type` alone says nothing.
        let known = ["MGRS", "LocalCartesian", "LocalCartesianUTM", "TransverseMercator", "Local", "local", "UTM"];
        settings.projector = settings.projector.filter(|p| known.contains(&p.as_str()));
        let ours = settings.origin.is_some() || settings.projector.is_some() && text.contains("projector_type");
        ours.then_some(settings)
    }

    /// The fact `origin`.
    fn value(&self) -> Option<Value> {
        if let (Some("MGRS"), Some(square)) = (self.projector.as_deref(), &self.square) {
            return square_system(square).map(Value::from);
        }
        let (lat, lon) = self.origin.filter(|(lat, lon)| (*lat, *lon) != (0.0, 0.0))?;
        if self.projector.as_deref().is_some_and(|p| p.eq_ignore_ascii_case("local")) {
            return None;
        }
        Some(json!({"lat": lat, "lon": lon, "alt": self.altitude.unwrap_or(0.0)}))
    }
}

/// The reference system of metres within a 100 km square of MGRS (`54SUE`).
pub(crate) fn square_system(square: &str) -> Option<String> {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
    const BANDS: &[u8] = b"CDEFGHJKLMNPQRSTUVWX";
    let square = square.trim().to_ascii_uppercase();
    let digits = square.bytes().take_while(u8::is_ascii_digit).count();
    let zone: u32 = square.get(..digits)?.parse().ok().filter(|z| (1..=60).contains(z))?;
    let &[band, column, row, ..] = square.as_bytes().get(digits..)? else { return None };
    let band = BANDS.iter().position(|&b| b == band)? as f64;
    let column = LETTERS.iter().position(|&l| l == column)? as u32;
    let row = LETTERS[..20].iter().position(|&l| l == row)? as u32;
    // Columns go on over three zones, rows begin at A and F in turn.
    let column = column.checked_sub((zone - 1) % 3 * 8).filter(|c| *c < 8)?;
    let row = if zone.is_multiple_of(2) { (row + 15) % 20 } else { row };
    let east = f64::from(column + 1) * 100_000.0;
    // The row repeats every 2000 km: the one within the band.
    let south = band < 10.0;
    let lowest = (band - 10.0) * 8.0 * 110_600.0 + if south { 10_000_000.0 } else { 0.0 };
    let mut north = f64::from(row) * 100_000.0;
    while north < lowest - 150_000.0 {
        north += 2_000_000.0;
    }
    let meridian = f64::from(zone) * 6.0 - 183.0;
    let base = if south { 10_000_000.0 } else { 0.0 };
    Some(format!(
        "+proj=tmerc +lat_0=0 +lon_0={meridian} +k=0.9996 +x_0={} +y_0={} +datum=WGS84 +units=m",
        500_000.0 - east,
        base - north
    ))
}

/// The kind of fact.
const KEY: &str = "origin";

/// Asks for the origin of a local frame.
pub(crate) fn need(out: &mut dyn Inspection) -> Result<(), InspectError> {
    Ok(out.send(Message::Need(Need { key: KEY.to_owned() }))?)
}

/// Ties a thing in a local frame to the origin that was granted.
pub(crate) fn tie(item: &mut Spatial, context: &Context) {
    let system = context.facts(KEY).find_map(|value| match value {
        Value::String(system) => Some(system.clone()),
        value => {
            let (lat, lon) = (value.get("lat")?.as_f64()?, value.get("lon")?.as_f64()?);
            // A frame in metres about a point is a Mercator there, to a few centimetres in ten kilometres.
            Some(format!("+proj=tmerc +lat_0={lat} +lon_0={lon} +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m"))
        }
    });
    if let Some(system) = system.filter(|_| item.crs.as_deref() == Some("local")) {
        item.crs = Some(system);
        item.properties.insert("tied_to".to_owned(), KEY.into());
        item.properties.insert("georeferenced".to_owned(), true.into());
    }
}

/// Gives a local frame the origin that lies beside it, where there is one and no other.
pub(crate) struct OriginGrouper;

impl Grouper for OriginGrouper {
    fn key(&self) -> &'static str {
        KEY
    }

    fn grant(&self, _: &Member<'_>, neighbours: &[Member<'_>]) -> Vec<Value> {
        let mut all = neighbours.iter().flat_map(|m| m.exports.iter().copied());
        match all.next() {
            Some(first) if all.all(|v| v == first) => vec![first.clone()],
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_of_the_grid_are_where_they_should_be() {
        // Tokyo: 54S UE begins at 300 km E, 3900 km N; Beijing: 50T MK at 400 km E, 4400 km N; Sydney: 56H LH at 300 km E, 6200 km N.
        for (square, lon, x, y) in [
            ("54SUE", 141, 200_000, -3_900_000),
            ("50TMK", 117, 100_000, -4_400_000),
            ("56HLH", 153, 200_000, 3_800_000),
        ] {
            let system = square_system(square).unwrap();
            assert!(system.contains(&format!("+lon_0={lon} ")), "{system}");
            assert!(system.contains(&format!("+x_0={x} +y_0={y} ")), "{square} {system}");
        }
        for none in ["", "54", "61SUE", "54IUE", "54SIE", "54SAE", "汉字汉字"] {
            assert_eq!(square_system(none), None, "{none}");
        }
    }

    #[test]
    fn settings_of_both_kinds_give_an_origin() {
        let value = |text: &str| Settings::of(text).and_then(|s| s.value());
        let info = "projector_type: MGRS\nvertical_datum: WGS84\nmgrs_grid: 50TMK # made up\n";
        assert!(value(info).unwrap().as_str().unwrap().starts_with("+proj=tmerc"));
        let local =
            "projector_type: LocalCartesianUTM\nmap_origin:\n  latitude: 39.9\n  longitude: 116.4\n  altitude: 40.0\n";
        assert_eq!(value(local), Some(json!({"lat": 39.9, "lon": 116.4, "alt": 40.0})));
        let old = "/**:\n  ros__parameters:\n    map_origin:\n      latitude: 35.2\n      longitude: 139.9\n      elevation: 0.0\n";
        assert_eq!(value(old), Some(json!({"lat": 35.2, "lon": 139.9, "alt": 0.0})));
        assert_eq!(value("projector_type: Local\n"), None);
        assert!(Settings::of("type: MGRS\n").is_none() && Settings::of("latitude: 1\nlongitude: 2\n").is_none());
    }
}
