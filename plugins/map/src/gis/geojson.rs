//! GeoJSON (RFC 7946, and the older form with `crs`), GeoJSON text sequences (RFC 8142), lines of features, and TopoJSON.
//!
//! The text kit gives the records; the geometry is read by a pass of its own, in constant memory but for the feature under way.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use yumen_kit_container::FormatReader;
use yumen_kit_text::json::send_json;
use yumen_kit_text::{Decoder, Detection, Sample, detect};
use yumen_model::{
    Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InspectionExt, Note, Probe,
};

use super::emit::{Emit, Without};
use super::shapes::{Form, Sequence, Shapes, Step};
use super::tokens::{Lexer, Token};
use super::{crs, when, words};
use crate::survey::{entity, send_spatial};

/// Documentation of `geojson`.
const GEOJSON: Format = Format {
    name: "geojson",
    title: "GeoJSON",
    media_type: "application/geo+json",
    extensions: &["geojson", "geojsonl", "geojsons"],
    magic: "a JSON object whose type is FeatureCollection, Feature or a geometry with coordinates; also lines or a sequence of them",
    reference: "RFC 7946; RFC 8142; https://geojson.org/geojson-spec.html",
    evidence: "lines with times, or points in time order, as positions of tracks; other shapes as a map or as places; properties as records as of json",
    limitations: &[
        "A feature of more than two million positions is measured in full, but as a track only its first two million count.",
    ],
};

/// Documentation of `topojson`.
const TOPOJSON: Format = Format {
    name: "topojson",
    title: "TopoJSON",
    media_type: "application/json",
    extensions: &["topojson"],
    magic: "a JSON object of the type Topology with arcs and objects",
    reference: "https://github.com/topojson/topojson-specification",
    evidence: "the arcs as a map, its objects as layers; properties as records as of json",
    limitations: &[],
};

/// Reads GeoJSON and TopoJSON.
pub(crate) struct GeoJson;

/// Positions of a feature that are kept.
const MOST_POSITIONS: usize = 2 << 20;
/// Parts of a feature that are kept.
const MOST_PARTS: usize = 1 << 18;

const GEOMETRIES: [(&str, Form); 6] = [
    ("Point", Form::Point),
    ("MultiPoint", Form::Point),
    ("LineString", Form::Line),
    ("MultiLineString", Form::Line),
    ("Polygon", Form::Area),
    ("MultiPolygon", Form::Area),
];

fn form_of(name: &str) -> Option<Form> {
    GEOMETRIES.iter().find(|(n, _)| *n == name).map(|(_, f)| *f)
}

impl FormatReader for GeoJson {
    fn formats(&self) -> &'static [Format] {
        &[GEOJSON, TOPOJSON]
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let start = probe
            .head
            .iter()
            .position(|b| !b.is_ascii_whitespace() && !matches!(b, 0xEF | 0xBB | 0xBF | 0x1E | 0xFF | 0xFE | 0))?;
        if probe.head.get(start) != Some(&b'{') {
            return None;
        }
        let sample = Sample::of(probe)?;
        let format = kind_of(&sample.text)?;
        Some(Identity::new(format, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut filter = Without { out, coordinates, long: None };
        let lines = artifact.format == GEOJSON.name && is_lines(artifact)?;
        send_json(artifact, lines, &mut filter)?;
        let out = filter.out;
        if artifact.format == TOPOJSON.name {
            return topology(artifact, out);
        }
        geography(artifact, out)
    }
}

/// What the beginning of a JSON text shows: the keys of its root.
fn kind_of(text: &str) -> Option<&'static str> {
    let mut lexer = Lexer::new();
    let (mut depth, mut key, mut inner_key) = (0usize, String::new(), String::new());
    let (mut kind, mut inner_kind) = (String::new(), String::new());
    let mut keys: Vec<String> = Vec::new();
    let (mut numbers, mut feature, mut done, mut geometry) = (false, false, false, false);
    lexer.feed(text.trim_start_matches('\u{FEFF}'), 0, &mut |token, _| {
        if done {
            return;
        }
        match token {
            Token::Open(_) => depth += 1,
            Token::Close(_) => depth -= 1,
            Token::Key(k) if depth == 1 => {
                key.clear();
                key.push_str(k);
                if keys.len() < 64 {
                    keys.push(k.to_owned());
                }
            }
            Token::Key(k) => {
                inner_key.clear();
                inner_key.push_str(k);
                geometry |= depth == 3 && key == "features" && (k == "geometry" || k == "properties");
            }
            Token::Text(t) if depth == 1 && key == "type" => t.clone_into(&mut kind),
            Token::Text(t) if depth == 2 && key == "geometry" && inner_key == "type" => t.clone_into(&mut inner_kind),
            Token::Text("Feature") if depth == 3 && key == "features" && inner_key == "type" => feature = true,
            Token::Number(_) if depth > 1 && key == "coordinates" => numbers = true,
            Token::Root => done = true,
            _ => {}
        }
    });
    let has = |k: &str| keys.iter().any(|x| x == k);
    let known = |name: &str| form_of(name).is_some() || name == "GeometryCollection";
    match kind.as_str() {
        "FeatureCollection" if has("features") || !done => Some(GEOJSON.name),
        "Feature" if has("geometry") && (known(&inner_kind) || has("properties")) => Some(GEOJSON.name),
        "Topology" if has("arcs") || has("objects") => Some(TOPOJSON.name),
        "GeometryCollection" if has("geometries") => Some(GEOJSON.name),
        name if form_of(name).is_some() && numbers => Some(GEOJSON.name),
        // The type may stand behind what is too long to see.
        "" if feature && geometry && !done => Some(GEOJSON.name),
        _ => None,
    }
}

/// Names of the cells that hold what is told as positions.
fn coordinates(name: &str) -> bool {
    matches!(name.rsplit('.').next(), Some("coordinates" | "bbox" | "arcs" | "scale" | "translate"))
}

/// Whether several values stand one after another.
fn is_lines(artifact: &Artifact) -> Result<bool, InspectError> {
    let detection = detect(&artifact.blob).map_err(|e| InspectError::read(0, &e))?.unwrap_or(Detection::UTF8);
    let sample = Sample::with(&artifact.blob, detection, 64 << 10).map_err(|e| InspectError::read(0, &e))?;
    let (mut roots, mut more) = (0, false);
    let mut lexer = Lexer::new();
    lexer.feed(&sample.text, 0, &mut |token, _| match token {
        Token::Root => roots += 1,
        Token::Open(_) if roots > 0 => more = true,
        _ => {}
    });
    // A value for each line: an object that is spread over lines is none.
    let first = sample.text.trim_start_matches(['\u{FEFF}', '\u{1E}', '\n', '\r', ' ']).lines().next().unwrap_or("");
    Ok(more && roots > 0 && first.trim_end().ends_with('}'))
}

/// Feeds the whole text to a lexer.
fn lex(
    artifact: &Artifact,
    out: &mut dyn Inspection,
    mut each: impl FnMut(Token<'_>, u64, &mut dyn Inspection) -> Result<(), InspectError>,
) -> Result<bool, InspectError> {
    let detection = detect(&artifact.blob).map_err(|e| InspectError::read(0, &e))?.unwrap_or(Detection::UTF8);
    let mut decoder = Decoder::new(&artifact.blob, detection);
    let mut lexer = Lexer::new();
    let mut at = 0;
    loop {
        let chunk = decoder.next_chunk().map_err(|e| InspectError::read(at, &e))?;
        let Some(chunk) = chunk else { break };
        at = chunk.range.end;
        let mut result = Ok(());
        lexer.feed(chunk.text, chunk.range.start, &mut |token, offset| {
            if result.is_ok() {
                result = each(token, offset, out);
            }
        });
        result?;
        if lexer.wrong() {
            break;
        }
    }
    Ok(!lexer.wrong() && !lexer.is_open())
}

/// Where the lexer stands in the document.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    /// An object that may be a feature, a collection or a geometry: all have a `type`.
    Object,
    /// `features`, `geometries`.
    List,
    Coordinates,
    /// `properties`, and what lies in them: the number of levels below.
    Properties(u16),
    /// An array of times beside the line's positions.
    Times,
    Crs,
    Other,
}

/// A geometry under way or read.
#[derive(Default)]
struct Geometry {
    kind: Option<Form>,
    positions: Vec<[f64; 3]>,
    dims: u8,
    /// Where parts begin in `positions`, and whether the part is the first ring of its polygon.
    parts: Vec<(usize, bool)>,
    offset: u64,
    levels: u8,
    more: u64,
}

#[derive(Default)]
struct Feature {
    geometries: Vec<Geometry>,
    time: Option<f64>,
    entity: u64,
    name: String,
    track: bool,
    motion: bool,
    times: Vec<f64>,
}

struct Walk<'a> {
    shapes: Shapes,
    points: Sequence,
    emit: Emit<'a>,
    file_track: bool,
    stack: Vec<At>,
    key: String,
    feature: Feature,
    geometry: Geometry,
    tuple: [f64; 3],
    filled: usize,
    depth: u8,
    fresh: [bool; 2],
    crs: Option<String>,
    track_entities: u64,
    limited: bool,
}

fn geography(artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
    let mut walk = Walk {
        shapes: Shapes::default(),
        points: Sequence::default(),
        emit: Emit::new(artifact, None),
        file_track: words::track_like(stem(artifact.base_name())),
        stack: Vec::new(),
        key: String::new(),
        feature: Feature::default(),
        geometry: Geometry::default(),
        tuple: [0.0; 3],
        filled: 0,
        depth: 0,
        fresh: [false; 2],
        crs: None,
        track_entities: 0,
        limited: false,
    };
    if words::map_like(stem(artifact.base_name())) {
        walk.shapes.name(stem(artifact.base_name()));
    }
    let whole = lex(artifact, out, |token, offset, out| walk.token(token, offset, out))?;
    if !whole {
        // What was under way counts.
        walk.end_feature(out)?;
    }
    walk.finish(artifact, out)
}

fn stem(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

impl Walk<'_> {
    fn token(&mut self, token: Token<'_>, offset: u64, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let top = self.stack.last().copied();
        match token {
            Token::Open(object) => {
                let next = match (top, object) {
                    (None, true) | (Some(At::List), true) => At::Object,
                    (Some(At::Object), true) if self.key == "geometry" => At::Object,
                    (Some(At::Object), true) if self.key == "properties" => At::Properties(0),
                    (Some(At::Object), true) if self.key == "crs" => At::Crs,
                    (Some(At::Object), false) if matches!(self.key.as_str(), "features" | "geometries") => At::List,
                    (Some(At::Object), false) if self.key == "coordinates" => {
                        self.geometry.offset = offset;
                        self.depth = 1;
                        self.filled = 0;
                        self.fresh = [true, true];
                        At::Coordinates
                    }
                    (Some(At::Coordinates), false) => {
                        self.depth = self.depth.saturating_add(1);
                        self.filled = 0;
                        At::Coordinates
                    }
                    (Some(At::Properties(_)), false) if self.key_is_times() => At::Times,
                    (Some(At::Times), false) => At::Times,
                    (Some(At::Properties(n)), _) => At::Properties(n.saturating_add(1)),
                    (Some(At::Crs), true) => At::Crs,
                    _ => At::Other,
                };
                self.stack.push(next);
            }
            Token::Close(_) => {
                let gone = self.stack.pop();
                let now = self.stack.last().copied();
                match gone {
                    Some(At::Coordinates) => self.end_level(now),
                    Some(At::Object) => {
                        self.end_geometry();
                        // Features stand in a list or at the root.
                        if now != Some(At::Object) && !self.in_collection() {
                            self.end_feature(out)?;
                        }
                    }
                    _ => {}
                }
            }
            Token::Key(key) => {
                self.key.clear();
                self.key.push_str(key);
                if top == Some(At::Properties(0)) {
                    self.shapes.name(key);
                    self.feature.motion |= words::motion_like(key);
                }
            }
            Token::Text(text) => self.value(top, text, None),
            Token::Number(number) => match top {
                Some(At::Coordinates) => {
                    if let Some(place) = self.tuple.get_mut(self.filled) {
                        *place = number;
                    }
                    self.filled += 1;
                }
                _ => self.value(top, "", Some(number)),
            },
            Token::Word | Token::Root => {}
        }
        Ok(())
    }

    /// Whether the innermost object lies in `geometries`.
    fn in_collection(&self) -> bool {
        // [.., Object(collection), List] with a collection that is itself a geometry: its members are no features.
        self.stack.last() == Some(&At::List) && self.stack.len() > 2
    }

    fn key_is_times(&self) -> bool {
        matches!(self.key.as_str(), "coordTimes" | "times" | "timestamps" | "coord_times" | "coordinateProperties")
            || words::time_like(&self.key)
    }

    fn value(&mut self, top: Option<At>, text: &str, number: Option<f64>) {
        match top {
            Some(At::Object) if self.key == "type" => {
                if let Some(form) = form_of(text) {
                    self.geometry.kind = Some(form);
                }
            }
            Some(At::Object) if self.key == "name" => self.shapes.layer(text),
            Some(At::Crs) if self.key == "name" => self.crs = crs::named(text),
            Some(At::Times) if self.feature.times.len() < MOST_POSITIONS => {
                self.feature.times.push(number.map_or_else(|| when::parse(text), time_of).unwrap_or(f64::NAN));
            }
            Some(At::Properties(0)) => {
                if self.feature.time.is_none() && words::time_like(&self.key) {
                    self.feature.time = match number {
                        Some(n) => when::epoch(n),
                        None => when::parse(text),
                    };
                }
                if words::entity_like(&self.key) {
                    self.feature.entity = number.map_or_else(|| entity(text), |n| entity(&n.to_string()));
                }
                if matches!(self.key.as_str(), "name" | "Name" | "title" | "type" | "名称") {
                    if self.key != "type" {
                        text.clone_into(&mut self.feature.name);
                    }
                    self.feature.track |= words::track_like(text);
                }
            }
            _ => {}
        }
    }

    /// An array of coordinates ended: a position, a part, or a polygon.
    fn end_level(&mut self, now: Option<At>) {
        let g = &mut self.geometry;
        let level = self.depth;
        self.depth = self.depth.saturating_sub(1);
        if self.filled >= 2 {
            if g.positions.len() < MOST_POSITIONS {
                if self.fresh[0] && g.parts.len() < MOST_PARTS {
                    g.parts.push((g.positions.len(), self.fresh[1]));
                }
                g.dims = g.dims.max(u8::try_from(self.filled.min(3)).unwrap_or(3));
                g.positions.push(if self.filled > 2 { self.tuple } else { [self.tuple[0], self.tuple[1], f64::NAN] });
            } else {
                g.more += 1;
                self.limited = true;
            }
            self.fresh = [false, false];
            g.levels = g.levels.max(level);
            self.filled = 0;
            return;
        }
        self.filled = 0;
        // A level above the positions ended: the next position begins a part; two above, a polygon.
        let above = g.levels.saturating_sub(level);
        if above >= 1 {
            self.fresh[0] = true;
        }
        if above >= 2 || now != Some(At::Coordinates) {
            self.fresh[1] = true;
        }
    }

    fn end_geometry(&mut self) {
        let g = std::mem::take(&mut self.geometry);
        if !g.positions.is_empty() {
            self.feature.geometries.push(g);
        }
    }

    fn end_feature(&mut self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.end_geometry();
        let feature = std::mem::take(&mut self.feature);
        if feature.geometries.is_empty() {
            return Ok(());
        }
        self.shapes.features += 1;
        for g in &feature.geometries {
            let form = g.kind.unwrap_or(match g.levels {
                0 | 1 => Form::Point,
                2 => Form::Line,
                _ => Form::Area,
            });
            match form {
                Form::Point => {
                    self.shapes.begin(Form::Point);
                    for (i, p) in g.positions.iter().enumerate() {
                        self.shapes.point(p[0], p[1], height(p));
                        let time = feature.times.get(i).copied().filter(|t| t.is_finite()).or(feature.time);
                        let step = step(p, time, feature.entity, g.offset);
                        if i == 0 {
                            self.tell_crs(g);
                        }
                        let hint = self.file_track || feature.motion || feature.track;
                        self.points.push(step, hint, &mut self.emit, out)?;
                    }
                }
                Form::Line if self.is_track(&feature, g) => self.track(&feature, g, out)?,
                _ => draw(&mut self.shapes, form, g),
            }
        }
        Ok(())
    }

    /// Whether a line is one that was driven: it has a time for each position, or its feature tells movement and is called so.
    fn is_track(&self, feature: &Feature, g: &Geometry) -> bool {
        if self.shapes.map_like() && feature.times.is_empty() {
            return false;
        }
        let timed = feature.times.len() >= 2
            && feature.times.len() >= g.positions.len() / 2
            && feature.times.iter().any(|t| t.is_finite());
        timed || feature.track || feature.motion || self.file_track
    }

    fn track(&mut self, feature: &Feature, g: &Geometry, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.track_entities += 1;
        self.tell_crs(g);
        for (i, p) in g.positions.iter().enumerate() {
            let time = feature.times.get(i).copied().filter(|t| t.is_finite());
            let id = if feature.entity == 0 { self.track_entities } else { feature.entity };
            self.emit.fix(step(p, time, id, g.offset).into(), out)?;
        }
        Ok(())
    }

    /// Positions go out before the end is seen: the reference system is what is known by now.
    fn tell_crs(&mut self, g: &Geometry) {
        let degrees = g.positions.first().is_some_and(|p| p[0].abs() <= 360.0 && p[1].abs() <= 90.0);
        match &self.crs {
            Some(crs) => self.emit.property("crs", crs),
            None if degrees => self.emit.property("crs", "wgs84"),
            None => {}
        }
    }

    fn finish(mut self, artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let crs = self.crs.clone().or_else(|| {
            let degrees = super::shapes::is_geographic(None, self.shapes.extent());
            degrees.then(|| "wgs84".to_owned())
        });
        let hint = self.file_track || self.shapes.motion_like();
        let told = self.points.finish(hint, &mut self.emit, out)?;
        if self.limited {
            out.note(Note::new("limit"))?;
        }
        self.emit.finish(out)?;
        send_spatial(artifact, self.shapes.finish(crs, told).into_iter().collect(), out)
    }
}

fn time_of(number: f64) -> Option<f64> {
    when::epoch(number).or_else(|| number.is_finite().then_some(number))
}

fn height(p: &[f64; 3]) -> Option<f64> {
    p[2].is_finite().then_some(p[2])
}

fn step(p: &[f64; 3], time: Option<f64>, entity: u64, offset: u64) -> Step {
    Step { x: p[0], y: p[1], z: height(p), time, entity, offset }
}

/// Adds a geometry to the shapes.
fn draw(shapes: &mut Shapes, form: Form, g: &Geometry) {
    shapes.begin(form);
    let ends = g.parts.iter().skip(1).map(|p| p.0).chain([g.positions.len()]);
    for (&(start, outer), end) in g.parts.iter().zip(ends) {
        shapes.part();
        for p in g.positions.get(start..end).unwrap_or_default() {
            shapes.vertex(form, p[0], p[1], height(p));
        }
        if form == Form::Area {
            shapes.end_ring(Some(!outer));
        }
    }
}

/// A topology: the transform may stand behind the arcs, so it is looked for first.
fn topology(artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
    let mut transform = Transform::default();
    let (mut depth, mut keys): (usize, [String; 3]) = (0, Default::default());
    let mut index = 0;
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    let mut shapes = Shapes::default();
    lex(artifact, out, |token, _, _| {
        match token {
            Token::Open(_) => {
                depth += 1;
                index = 0;
            }
            Token::Close(_) => depth = depth.saturating_sub(1),
            Token::Key(k) => {
                if let Some(key) = depth.checked_sub(1).and_then(|d| keys.get_mut(d)) {
                    k.clone_into(key);
                }
                if depth == 2 && keys[0] == "objects" {
                    shapes.layer(k);
                }
                if depth >= 4
                    && keys[0] == "objects"
                    && !matches!(k, "type" | "arcs" | "properties" | "id" | "geometries")
                {
                    shapes.name(k);
                }
            }
            Token::Text(t) if keys[0] == "objects" && form_of(t).is_some() => {
                *kinds.entry(t.to_owned()).or_default() += 1;
            }
            Token::Number(n) if depth == 3 && keys[0] == "transform" && index < 2 => {
                match keys[1].as_str() {
                    "scale" => transform.scale[index] = n,
                    "translate" => transform.translate[index] = n,
                    _ => {}
                }
                transform.told = true;
                index += 1;
            }
            _ => {}
        }
        Ok(())
    })?;
    let forms = |f: Form| kinds.iter().filter(|(k, _)| form_of(k) == Some(f)).map(|(_, n)| n).sum::<u64>();
    let (areas, lines, points) = (forms(Form::Area), forms(Form::Line), forms(Form::Point));
    // Arcs are lines; whether they bound areas is told by the objects.
    let form = if areas > 0 && lines == 0 { Form::Area } else { Form::Line };
    let (mut depth, mut key) = (0usize, String::new());
    let (mut x, mut y, mut at, mut pair) = (0.0, 0.0, 0usize, [0.0; 2]);
    let mut in_points = false;
    lex(artifact, out, |token, _, _| {
        match token {
            Token::Open(_) => {
                depth += 1;
                at = 0;
                if depth == 3 && key == "arcs" {
                    (x, y) = (0.0, 0.0);
                    shapes.part();
                }
            }
            Token::Close(_) => {
                depth = depth.saturating_sub(1);
                if key == "arcs" && depth == 3 && at >= 2 {
                    let place = if transform.told {
                        x += pair[0];
                        y += pair[1];
                        transform.apply(x, y)
                    } else {
                        (pair[0], pair[1])
                    };
                    shapes.vertex(form, place.0, place.1, None);
                } else if in_points && at >= 2 {
                    let (px, py) = if transform.told { transform.apply(pair[0], pair[1]) } else { (pair[0], pair[1]) };
                    shapes.point(px, py, None);
                }
                at = 0;
            }
            Token::Key(k) => {
                if depth == 1 {
                    k.clone_into(&mut key);
                }
                in_points = key == "objects" && k == "coordinates";
            }
            Token::Number(n) => {
                if let Some(place) = pair.get_mut(at) {
                    *place = n;
                }
                at += 1;
            }
            _ => {}
        }
        Ok(())
    })?;
    shapes.features = areas + lines + points;
    let geographic = super::shapes::is_geographic(None, shapes.extent());
    let mut items: Vec<_> = shapes.finish(geographic.then(|| "wgs84".to_owned()), false).into_iter().collect();
    if let Some(item) = items.first_mut() {
        for (name, n) in [("areas", areas), ("lines", lines), ("point_features", points)] {
            if n > 0 {
                item.properties.insert(name.to_owned(), json!(n));
            }
        }
        // Arcs are shared: neither length nor area follows from their sum.
        item.properties.remove("length_km");
        item.properties.remove("area_km2");
        if areas > 0 && lines == 0 && item.confidence > 0.5 && item.confidence < 0.9 {
            item.confidence = 0.5;
        }
        item.properties.retain(|_, v| *v != Value::Null);
    }
    send_spatial(artifact, items, out)
}

#[derive(Default)]
struct Transform {
    told: bool,
    scale: [f64; 2],
    translate: [f64; 2],
}

impl Transform {
    fn apply(&self, x: f64, y: f64) -> (f64, f64) {
        (x * self.scale[0] + self.translate[0], y * self.scale[1] + self.translate[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_geojson_is_taken_for_it() {
        for (yes, format) in [
            (r#"{"type":"FeatureCollection","features":[]}"#, "geojson"),
            (
                r#"{"features":[{"type":"Feature","properties":{},"geometry":null}],"type":"FeatureCollection"}"#,
                "geojson",
            ),
            (r#"{"type":"Feature","properties":{"a":1},"geometry":{"type":"Point","coordinates":[1,2]}}"#, "geojson"),
            (r#"{"geometry":{"coordinates":[1,2],"type":"Point"},"type":"Feature"}"#, "geojson"),
            (r#"{"type":"MultiPolygon","coordinates":[[[[1,2],[3,4]]]]}"#, "geojson"),
            (r#"{"type":"Topology","objects":{},"arcs":[]}"#, "topojson"),
            (r#"{"features":[{"type":"Feature","properties":{},"geometry":{"type":"Point","coo"#, "geojson"),
        ] {
            assert_eq!(kind_of(yes), Some(format), "{yes}");
        }
        for no in [
            r#"{"type":"Point","x":1}"#,
            r#"{"type":"object","properties":{"geometry":{"type":"string"}}}"#,
            r#"{"type":"Feature","story":"x"}"#,
            r#"{"images":[],"annotations":[{"bbox":[1,2,3,4]}]}"#,
            r#"{"features":["a","b"]}"#,
            r#"{"type":"Topology"}"#,
        ] {
            assert_eq!(kind_of(no), None, "{no}");
        }
    }
}
