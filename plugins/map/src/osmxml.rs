//! OpenStreetMap XML: data, changes, and the Lanelet2 maps that are written in it.

use std::collections::HashMap;

use yumen_kit_container::FormatReader;
use yumen_kit_xml::Root;
use yumen_model::evidence::NO_NAME;
use yumen_model::{
    Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Message, Probe, RecordBatch,
};

use crate::autoware;
use crate::osm::{At, Kind, Seen, Survey, Tag, tag_cell};
use crate::survey::send_spatial;
use crate::xml::{Element, Elements, Kept, Path, Sieve, number, read, with_root};

pub(crate) struct OsmXml;

const FORMATS: &[Format] = &[
    Format {
        name: "osm-xml",
        title: "OpenStreetMap XML",
        media_type: "application/vnd.openstreetmap.data+xml",
        extensions: &["osm"],
        magic: "the root element osm or osmChange, with a version or nodes, ways, relations",
        reference: "https://wiki.openstreetmap.org/wiki/OSM_XML",
        evidence: "records: the tags of an element, and each contributor and role once; geo.map with roads, nodes, ways, relations, length of roads, extent",
        limitations: &["Of maps with more than four million nodes no lengths are told."],
    },
    Format {
        name: "lanelet2",
        title: "Lanelet2 map",
        media_type: "application/vnd.openstreetmap.data+xml",
        extensions: &["osm"],
        magic: "OpenStreetMap XML with relations that are lanelets or regulatory elements",
        reference: "https://github.com/fzi-forschungszentrum-informatik/Lanelet2",
        evidence: "as of osm-xml; geo.map with lanelets, regulatory elements, length of lanelets, and positions, or a local frame where they lie about 0, 0",
        limitations: &["A local frame is tied to the origin of Autoware's settings beside it, and to no other."],
    },
];

const MARKS: &[&[u8]] = &[b"\"lanelet\"", b"'lanelet'", b"\"regulatory_element\"", b"'regulatory_element'"];

impl FormatReader for OsmXml {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let ours = |root: &Root<'_>| {
            let elements = ["<node", "<way", "<relation", "<bounds", "<changeset", "<note", "<user"];
            let holds = elements.iter().any(|w| root.body.contains(w));
            let told = root.attribute("version").is_some() || root.attribute("generator").is_some();
            match root.local() {
                "osm" => (holds || told).then_some(()),
                "osmChange" => {
                    (told || ["<create", "<modify", "<delete"].iter().any(|w| root.body.contains(w))).then_some(())
                }
                _ => None,
            }
        };
        with_root(probe, ours)?;
        let marked = |bytes: &[u8]| MARKS.iter().any(|m| memchr::memmem::find(bytes, m).is_some());
        let lanelets = marked(probe.tail) || marked(probe.head);
        Some(Identity::new(if lanelets { "lanelet2" } else { "osm-xml" }, Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader = Reader::default();
        read(artifact, &mut reader, &mut Tags::default(), out)?;
        let survey = reader.survey;
        let named = if survey.is_lanelet2() { "lanelet2" } else { "osm-xml" };
        if named != artifact.format {
            out.send(Message::Format(named.into()))?;
        }
        let mut map = survey.into_map();
        if map.crs.as_deref() == Some("local") {
            autoware::need(out)?;
            autoware::tie(&mut map, context);
        }
        let empty = map.extent.is_none() && ["nodes", "ways", "relations"].iter().all(|n| map.properties[*n] == 0);
        if empty { Ok(()) } else { send_spatial(artifact, vec![map], out) }
    }
}

/// References of one way, and tags of one element, that are kept.
const MOST_REFS: usize = 1 << 16;
const MOST_TAGS: usize = 1 << 12;

#[derive(Default)]
struct Reader {
    survey: Survey,
    open: Option<Kind>,
    depth: usize,
    id: i64,
    at: At,
    refs: Vec<i64>,
    places: Vec<(f64, f64)>,
    tags: Vec<(String, String)>,
    used: usize,
    local: [Option<f64>; 3],
}

impl Reader {
    fn tags(tags: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
        tags.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }
}

impl Elements for Reader {
    fn open(&mut self, path: &Path, e: &Element, _: &mut dyn Inspection) -> Result<(), InspectError> {
        match path.up(0) {
            "osm" | "osmChange" if path.depth() == 1 => {
                self.survey.generator = e.get("generator").unwrap_or("").to_owned();
                self.survey.version = e.get("version").unwrap_or("").to_owned();
                self.survey.changes = path.up(0) == "osmChange";
            }
            "bounds" | "bound" => {
                let box_: Option<Vec<f64>> = e.get("box").map(|b| b.split(',').filter_map(number).collect());
                let [s, w, n, ea] = match box_.as_deref() {
                    Some([s, w, n, e]) => [*s, *w, *n, *e].map(Some),
                    _ => ["minlat", "minlon", "maxlat", "maxlon"].map(|k| e.num(k)),
                };
                if let (Some(s), Some(w), Some(n), Some(ea)) = (s, w, n, ea) {
                    self.survey.bounds.add(w, s, 0.0);
                    self.survey.bounds.add(ea, n, 0.0);
                }
            }
            name @ ("node" | "way" | "relation") => {
                self.open = Some(match name {
                    "node" => Kind::Node,
                    "way" => Kind::Way,
                    _ => Kind::Relation,
                });
                self.depth = path.depth();
                self.refs.clear();
                self.places.clear();
                self.used = 0;
                self.local = [None; 3];
                self.id = e.get("id").and_then(|v| v.trim().parse().ok()).unwrap_or(0);
                let degrees = e.num("lon").zip(e.num("lat"));
                self.at = At { degrees: degrees.filter(|(x, y)| x.abs() <= 180.0 && y.abs() <= 90.0), ..At::default() };
                if let Some(user) = e.get("user").or_else(|| e.get("uid")) {
                    self.survey.users.is_new(user);
                }
                if let Some(time) = e.get("timestamp").filter(|t| is_time(t)) {
                    self.survey.time(time);
                }
            }
            "nd" => {
                if let Some(place) = e.num("lon").zip(e.num("lat"))
                    && self.places.len() < MOST_REFS
                {
                    self.places.push(place);
                }
                if let Some(id) = e.get("ref").and_then(|v| v.trim().parse().ok())
                    && self.refs.len() < MOST_REFS
                {
                    self.refs.push(id);
                }
            }
            "member" => {
                if matches!(e.get("role"), Some("left" | "right"))
                    && let Some(id) = e.get("ref").and_then(|v| v.trim().parse().ok())
                    && self.refs.len() < MOST_REFS
                {
                    self.refs.push(id);
                }
            }
            "tag" if self.open.is_some() && self.used < MOST_TAGS => {
                let (key, value) = (e.get("k").unwrap_or(""), e.get("v").unwrap_or(""));
                match key {
                    "local_x" => self.local[0] = number(value),
                    "local_y" => self.local[1] = number(value),
                    "ele" => self.local[2] = number(value),
                    _ => {}
                }
                if self.used == self.tags.len() {
                    self.tags.push(Default::default());
                }
                if let Some((k, v)) = self.tags.get_mut(self.used) {
                    key.clone_into(k);
                    value.clone_into(v);
                    self.used += 1;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, path: &Path, _: &mut dyn Inspection) -> Result<(), InspectError> {
        if self.depth != path.depth() {
            return Ok(());
        }
        let tags = &self.tags[..self.used];
        match self.open.take() {
            Some(Kind::Node) => {
                self.at.metres = self.local[0].zip(self.local[1]);
                self.at.height = self.local[2].unwrap_or(0.0);
                self.survey.node(self.id, self.at, Self::tags(tags));
            }
            Some(Kind::Way) => self.survey.way(self.id, &self.refs, &self.places, || Self::tags(tags)),
            Some(Kind::Relation) => self.survey.relation(&self.refs, Self::tags(tags)),
            None => {}
        }
        self.depth = 0;
        Ok(())
    }
}

/// `2018-10-31T10:20:19Z`
pub(crate) fn is_time(text: &str) -> bool {
    text.len() >= 10 && text.len() <= 30 && text.bytes().all(|b| b.is_ascii_digit() || b"-:TZ.+".contains(&b))
}

/// Makes one record of an element: its tags under their keys, and contributors and roles that are new. Ids, versions and positions are numbers that
/// are told otherwise.
#[derive(Default)]
struct Tags {
    users: Seen,
    roles: Seen,
}

/// What a column is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Key,
    Value,
    /// Numbers, times and the like of an element.
    Structure,
    User,
    Role,
    Other,
}

/// The column, and whether the record is part of the element around it.
fn column(name: &str) -> (Column, bool) {
    let mut parts = name.rsplit('.');
    let (last, element) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let column = match (element, last) {
        ("tag", "k") => Column::Key,
        ("tag", "v") => Column::Value,
        (
            "node" | "way" | "relation",
            "id" | "lat" | "lon" | "version" | "changeset" | "visible" | "timestamp" | "action",
        )
        | ("nd" | "member", "ref" | "type" | "lat" | "lon")
        | ("bounds" | "bound", _) => Column::Structure,
        ("node" | "way" | "relation", "user" | "uid") => Column::User,
        ("member", "role") => Column::Role,
        _ => Column::Other,
    };
    (column, matches!(element, "tag" | "nd" | "member"))
}

fn is_structure(value: &str) -> bool {
    matches!(value, "true" | "false" | "node" | "way" | "relation" | "modify" | "delete" | "create")
        || number(value).is_some()
        || is_time(value)
        || value.split(',').all(|p| number(p).is_some())
}

impl Sieve for Tags {
    fn sieve<'b>(&mut self, batch: RecordBatch<'b>) -> RecordBatch<'b> {
        let columns: Vec<(Column, bool)> = batch.names.iter().map(|n| column(n)).collect();
        let mut names = batch.names.clone();
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut kept = Kept::default();
        for row in batch.rows() {
            let mut part = !row.is_empty();
            let mut key: Option<&yumen_model::Cell> = None;
            for cell in row {
                let value = batch.value(cell);
                let (column, inner) = columns.get(cell.name as usize).copied().unwrap_or((Column::Other, false));
                part &= inner;
                // A key without a value is content.
                if column != Column::Value
                    && let Some(key) = key.take()
                {
                    kept.cell(batch.value(key), NO_NAME, key);
                }
                match column {
                    Column::Key => key = Some(cell),
                    Column::Value => match key.take().map(|k| (k, tag_cell(batch.value(k), value))) {
                        Some((_, Tag::Position)) => {}
                        Some((_, Tag::Named(name))) => {
                            let number = *numbers.entry(name.to_owned()).or_insert_with(|| {
                                names.push(name.to_owned());
                                u32::try_from(names.len() - 1).unwrap_or(NO_NAME)
                            });
                            kept.cell(value, number, cell);
                        }
                        Some((k, Tag::Content)) => {
                            kept.cell(batch.value(k), NO_NAME, k);
                            kept.cell(value, NO_NAME, cell);
                        }
                        None => kept.cell(value, NO_NAME, cell),
                    },
                    Column::Structure if is_structure(value) => {}
                    Column::User if !self.users.is_new(value) => {}
                    Column::Role if !self.roles.is_new(value) => {}
                    _ => kept.cell(value, cell.name, cell),
                }
            }
            if let Some(key) = key {
                kept.cell(batch.value(key), NO_NAME, key);
            }
            if !part {
                kept.end_record();
            }
        }
        kept.batch(names)
    }
}
