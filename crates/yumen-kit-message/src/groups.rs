//! Groups of fields that mean something together: a position, a point of a cloud, a picture. Found by the names of fields first, since every maker has
//! types of its own; by the names of types where names of fields do not tell.

use std::ops::Range;

use crate::cloud::Packing;
use crate::names::{self, words};
use crate::plan::{NONE, Tree};
use crate::schema::{Many, Ty, Types};
use crate::wire::{Piece, PointField, Value, Visit};

/// Reference system of metres.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crs {
    Local,
    Ecef,
    /// UTM of a zone that the message does not tell.
    Utm,
}

/// Where a position comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Receiver,
    Odometry,
    Transform,
    Object,
    Path,
}

impl Source {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Source::Receiver => "receiver",
            Source::Odometry => "odometry",
            Source::Transform => "transform",
            Source::Object => "object",
            Source::Path => "path",
        }
    }
}

/// What bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// Pixels as they are.
    Pixels,
    /// A picture, or the frame of a video; its beginning tells which.
    Picture,
    Video,
    /// Encoded sound, or samples.
    Audio,
    /// A lidar's packet.
    Packet,
    /// To be found out.
    Unknown,
}

/// Slots of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Time {
    Pair(u32, u32),
    One(u32),
}

/// What must hold for a position to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Valid {
    AtLeast(i64),
    Equals(i64),
    NonZero,
    Odd,
    /// The text has this in it.
    Has(&'static str),
    /// The text is not this.
    Not(&'static str),
}

/// What a group is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Role {
    Geodetic { lat: u32, lon: u32, alt: u32, scale: f64, whole: bool, alt_scale: f64, dirs: [u32; 2] },
    Metres { x: u32, y: u32, z: u32, scale: f64, crs: Crs },
    Point { x: u32, y: u32, z: u32 },
    PackedField { name: u32, offset: u32, datatype: u32 },
    Cloud { width: u32, height: u32, step: u32, row: u32, big: u32, data: u32, foxglove: bool },
    Ranges { ranges: u32, size: u8 },
    Media { media: Media, data: u32, format: u32, width: u32, height: u32 },
    Size { width: u32, height: u32 },
    Origin { lat: u32, lon: u32, alt: u32, grid: u32, projector: u32 },
}

/// Fields that mean something together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) role: Role,
    /// Path of the structure.
    pub(crate) name: String,
    pub(crate) source: Source,
    pub(crate) time: Option<Time>,
    pub(crate) frame: u32,
    pub(crate) child: u32,
    pub(crate) id: u32,
    /// Comes many times in a message and has nothing that tells one from another.
    pub(crate) list: bool,
    pub(crate) valid: Vec<(u32, Valid)>,
}

/// What was found in a message.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    Fix {
        group: (u32, u32),
        xyz: [f64; 3],
        has_z: bool,
        time: Option<f64>,
        entity: u64,
        frame: Option<(u32, u32)>,
        child: Option<(u32, u32)>,
    },
    Cloud {
        packing: Packing,
        data: Piece,
        fields: Range<usize>,
    },
    Ranges(u64),
    Media {
        group: (u32, u32),
        data: Piece,
    },
    Size(u64, u64),
    Origin {
        group: (u32, u32),
        at: Option<[f64; 3]>,
    },
}

/// No more is found in one message.
const MAX_FOUND: usize = 1 << 17;

/// Runs the groups of a scope.
pub(crate) fn run(tree: &Tree, scope: u32, v: &mut Visit) {
    let Some(s) = tree.scopes.get(scope as usize) else { return };
    for (i, group) in s.groups.iter().enumerate() {
        let at = (scope, i as u32);
        match &group.role {
            Role::Point { x, y, z } => {
                let p = [v.real(*x).unwrap_or(0.0), v.real(*y).unwrap_or(0.0), v.real(*z).unwrap_or(0.0)];
                v.bounds.add(p);
                continue;
            }
            Role::PackedField { name, offset, datatype } => {
                let axis = match v.str(*name) {
                    Some("x") => 0,
                    Some("y") => 1,
                    Some("z") => 2,
                    _ => continue,
                };
                let offset = v.int(*offset).unwrap_or(0);
                let datatype = v.int(*datatype).unwrap_or(0);
                if let (Ok(offset), Ok(datatype)) = (u32::try_from(offset), u8::try_from(datatype)) {
                    v.fields.push(PointField { axis, offset, datatype });
                }
                continue;
            }
            _ if v.found.len() >= MAX_FOUND => return,
            _ => {}
        }
        let found = match &group.role {
            Role::Geodetic { .. } => geodetic(group, at, v),
            Role::Metres { x, y, z, scale, crs } => metres(group, at, v, (*x, *y, *z), *scale, *crs),
            Role::Cloud { width, height, step, row, big, data, foxglove } => v.piece(*data).map(|data| {
                let n = |slot: u32| v.int(slot).and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
                let mut packing = Packing {
                    width: n(*width),
                    height: n(*height),
                    step: n(*step),
                    row: n(*row),
                    big: n(*big) != 0,
                    foxglove: *foxglove,
                };
                if *foxglove && packing.step > 0 {
                    packing.width = data.len as u64 / packing.step;
                    packing.height = 1;
                }
                Found::Cloud { packing, data, fields: 0..v.fields.len() }
            }),
            Role::Ranges { ranges, size } => {
                v.piece(*ranges).map(|p| Found::Ranges(p.len as u64 / u64::from((*size).max(1))))
            }
            Role::Media { data, .. } => {
                v.piece(*data).filter(|p| p.len > 0).map(|data| Found::Media { group: at, data })
            }
            Role::Size { width, height } => match (v.int(*width), v.int(*height)) {
                (Some(w @ 1..100_000), Some(h @ 1..100_000)) => Some(Found::Size(w as u64, h as u64)),
                _ => None,
            },
            Role::Origin { lat, lon, alt, .. } => {
                let place = match (v.real(*lat), v.real(*lon)) {
                    (Some(lat), Some(lon)) if plausible(lat, lon) => Some([lon, lat, v.real(*alt).unwrap_or(0.0)]),
                    _ => None,
                };
                Some(Found::Origin { group: at, at: place })
            }
            Role::Point { .. } | Role::PackedField { .. } => None,
        };
        v.found.extend(found);
    }
}

/// Whether these may be degrees of a place: near 0, 0 receivers without a fix are.
pub(crate) fn plausible(lat: f64, lon: f64) -> bool {
    lat.is_finite() && lon.is_finite() && lat.abs() <= 90.0 && lon.abs() <= 180.0 && (lat != 0.0 || lon != 0.0)
}

fn geodetic(group: &Group, at: (u32, u32), v: &Visit) -> Option<Found> {
    let Role::Geodetic { lat, lon, alt, scale, whole, alt_scale, dirs } = group.role else { return None };
    let (y, x) = (v.real(lat), v.real(lon));
    if y.is_none() && x.is_none() || !holds(group, v) {
        return None;
    }
    // Protobuf leaves out zeros.
    let (mut y, mut x) = (y.unwrap_or(0.0), x.unwrap_or(0.0));
    let is_whole = |slot: u32| matches!(v.values.get(slot as usize), Some(Value::I(_) | Value::U(_)));
    if whole || scale == 1.0 && is_whole(lat) && is_whole(lon) && (y.abs() > 90.0 || x.abs() > 180.0) {
        (y, x) = (y * 1e-7, x * 1e-7);
    } else {
        (y, x) = (y * scale, x * scale);
    }
    for (value, dir) in [(&mut y, dirs[0]), (&mut x, dirs[1])] {
        if let Some(dir) = v.str(dir) {
            if value.abs() > 180.0 || (value.abs() > 90.0 && dir.starts_with(['N', 'S'])) {
                *value = (*value / 100.0).trunc() + (*value % 100.0) / 60.0;
            }
            if dir.starts_with(['S', 'W', 's', 'w']) {
                *value = -value.abs();
            }
        }
    }
    if !plausible(y, x) {
        return None;
    }
    let z = v.real(alt).map(|z| z * alt_scale).filter(|z| z.is_finite() && z.abs() < 1e5);
    Some(fix(group, at, v, [x, y, z.unwrap_or(0.0)], z.is_some()))
}

fn metres(group: &Group, at: (u32, u32), v: &Visit, (x, y, z): (u32, u32, u32), scale: f64, crs: Crs) -> Option<Found> {
    let (px, py, pz) = (v.real(x), v.real(y), v.real(z));
    if px.is_none() && py.is_none() || !holds(group, v) {
        return None;
    }
    let p = [px, py, pz].map(|n| n.unwrap_or(0.0) * scale);
    if !p.iter().all(|n| n.is_finite() && n.abs() < 1e9) || (crs != Crs::Local && p[0] == 0.0 && p[1] == 0.0) {
        return None;
    }
    Some(fix(group, at, v, p, pz.is_some()))
}

fn holds(group: &Group, v: &Visit) -> bool {
    group.valid.iter().all(|&(slot, rule)| match rule {
        // What is left out (protobuf) is zero.
        Valid::AtLeast(n) => v.int(slot).unwrap_or(0) >= n,
        Valid::Equals(n) => v.int(slot).unwrap_or(0) == n,
        Valid::NonZero => v.int(slot).unwrap_or(0) != 0,
        Valid::Odd => v.int(slot).unwrap_or(0) & 1 == 1,
        Valid::Has(text) => v.str(slot).is_none_or(|t| t.is_empty() || t.eq_ignore_ascii_case(text)),
        Valid::Not(text) => v.str(slot).is_none_or(|t| !t.eq_ignore_ascii_case(text)),
    })
}

fn fix(group: &Group, at: (u32, u32), v: &Visit, xyz: [f64; 3], has_z: bool) -> Found {
    let span = |slot: u32| match v.values.get(slot as usize) {
        Some(&Value::Text(s, e)) => Some((s, e)),
        _ => None,
    };
    let entity = match v.values.get(group.id as usize) {
        Some(&Value::I(n)) => n.cast_unsigned(),
        Some(&Value::U(n)) => n,
        Some(&Value::F(n)) => n as u64,
        Some(&Value::Text(s, e)) => hash(v.said.get(s as usize..e as usize).unwrap_or("").as_bytes()),
        Some(Value::Bytes(piece)) => piece.mark,
        _ => 0,
    };
    Found::Fix {
        group: at,
        xyz,
        has_z,
        time: time(group.time, v),
        entity,
        frame: span(group.frame),
        child: span(group.child),
    }
}

/// A time in seconds since 1970, if it is one.
pub(crate) fn time(time: Option<Time>, v: &Visit) -> Option<f64> {
    let seconds = match time? {
        Time::Pair(s, n) => v.real(s)? + v.real(n).unwrap_or(0.0) * 1e-9,
        Time::One(slot) => {
            let n = v.real(slot)?;
            match n.abs() {
                n_abs if n_abs >= 1e17 => n * 1e-9,
                n_abs if n_abs >= 1e14 => n * 1e-6,
                n_abs if n_abs >= 1e11 => n * 1e-3,
                _ => n,
            }
        }
    };
    // 1990 to 2100.
    (6.3e8..4.2e9).contains(&seconds).then_some(seconds)
}

/// FNV-1a.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// Finds the groups of a type.
pub(crate) fn assign(tree: &mut Tree, types: &Types, type_name: &str, topic: &str, json: bool) {
    let mut a = Assign { tree, types, root_type: names::type_key(type_name), topic: topic.to_lowercase(), json };
    a.all(type_name);
    tree.settle();
}

struct Assign<'a> {
    tree: &'a mut Tree,
    types: &'a Types,
    root_type: String,
    topic: String,
    json: bool,
}

impl Assign<'_> {
    fn all(&mut self, type_name: &str) {
        let apollo = type_name.starts_with("apollo.");
        for id in 0..self.tree.nodes.len() as u32 {
            self.leaf(id);
        }
        let structs: Vec<u32> = (0..self.tree.nodes.len() as u32)
            .filter(|&n| matches!(self.tree.nodes[n as usize].ty, Ty::Struct(_)))
            .collect();
        for id in structs {
            let node = &self.tree.nodes[id as usize];
            if node.cut || node.kids.is_empty() {
                continue;
            }
            self.geodetic(id);
            self.ecef(id);
            self.grid(id);
            if node_is_entity(self.tree, id) {
                self.metres(id, apollo);
            }
            self.cloud(id);
            self.media(id);
        }
        self.sizes();
    }

    /// The type of a structure; JSON does not name those within a message.
    fn type_of(&self, id: u32) -> String {
        let name = match self.tree.nodes[id as usize].ty {
            Ty::Struct(n) => self.types.structs.get(n as usize).map_or("", |s| s.name.as_str()),
            _ => "",
        };
        if name.is_empty() && id == 0 { self.root_type.clone() } else { names::type_key(name) }
    }

    fn add(&mut self, id: u32, role: Role, source: Source, valid: Vec<(u32, Valid)>) {
        let scope = self.tree.scope_of(id);
        let time = self.find_time(id);
        let frame = self.up(id, &["header.frameid", "frameid", "parentframeid", "header.frame"]);
        let child = self.up(id, &["childframeid"]);
        let own = self.tree.around(id);
        let in_list = own != 0;
        let id_slot = if in_list { self.find_id(own) } else { NONE };
        let [frame, child] = [frame, child].map(|n| n.map_or(NONE, |n| self.tree.slot(n)));
        let list = in_list && id_slot == NONE && child == NONE;
        let name = self.tree.full_name(id);
        let group = Group { role, name, source, time, frame, child, id: id_slot, list, valid };
        self.tree.scopes[scope as usize].groups.push(group);
    }

    /// A text by its path in a structure, or in one around it.
    fn up(&self, id: u32, paths: &[&str]) -> Option<u32> {
        let mut at = id;
        loop {
            let hit =
                paths.iter().find_map(|p| self.tree.path(at, p)).filter(|&n| self.tree.nodes[n as usize].is_text());
            if hit.is_some() || at == 0 {
                return hit;
            }
            at = self.tree.nodes[at as usize].parent;
        }
    }

    fn find_time(&mut self, id: u32) -> Option<Time> {
        let mut at = id;
        loop {
            for path in [
                "header.stamp",
                "stamp",
                "header.timestampsec",
                "timestamp",
                "header.timestamp",
                "timestampsec",
                "timestampns",
                "stampns",
                "time",
                "utctime",
            ] {
                let Some(n) = self.tree.path(at, path) else { continue };
                let node = &self.tree.nodes[n as usize];
                if node.many != Many::One {
                    continue;
                }
                if matches!(node.ty, Ty::Struct(_)) {
                    let pick = |keys: &[&str]| keys.iter().find_map(|k| self.tree.kid(n, k));
                    let s = pick(&["sec", "secs", "seconds"]);
                    let ns = pick(&["nanosec", "nsec", "nsecs", "nanos", "nanoseconds", "nanosecs"]);
                    if let (Some(s), Some(ns)) = (s, ns) {
                        return Some(Time::Pair(self.tree.slot(s), self.tree.slot(ns)));
                    }
                } else if node.ty == Ty::Time || node.is_number() && node.ty.size() >= 4 || node.ty == Ty::Zigzag {
                    return Some(Time::One(self.tree.slot(n)));
                }
            }
            if at == 0 {
                return None;
            }
            at = self.tree.nodes[at as usize].parent;
        }
    }

    fn find_id(&mut self, id: u32) -> u32 {
        const IDS: [&str; 14] = [
            "id",
            "trackid",
            "objectid",
            "trackingid",
            "obstacleid",
            "entityid",
            "perceptionid",
            "uuid",
            "trackuuid",
            "objid",
            "targetid",
            "agentid",
            "vehicleid",
            "uid",
        ];
        for key in IDS {
            let Some(n) = self.tree.kid(id, key) else { continue };
            let node = &self.tree.nodes[n as usize];
            if node.is_number() || node.is_text() || node.is_bytes() {
                return self.tree.slot(n);
            }
            // unique_identifier_msgs/UUID
            if let Some(inner) = self.tree.path(n, "uuid").or_else(|| self.tree.path(n, "id")) {
                return self.tree.slot(inner);
            }
        }
        NONE
    }

    fn leaf(&mut self, id: u32) {
        let name = self.tree.nodes[id as usize].name.clone();
        let node = &mut self.tree.nodes[id as usize];
        node.say = node.ty.is_number() && names::is_identity(&name);
        node.say_bytes = node.is_bytes();
    }

    fn numeric(&self, id: u32) -> bool {
        let node = &self.tree.nodes[id as usize];
        node.is_number() && node.ty != Ty::Bool || (self.json && node.is_text())
    }

    fn geodetic(&mut self, id: u32) {
        let kids = self.tree.nodes[id as usize].kids.clone();
        let own = self.type_of(id);
        let origin = self.is_origin(id, &own);
        for lat in kids.clone() {
            if !self.numeric(lat) {
                continue;
            }
            let name = self.tree.nodes[lat as usize].name.clone();
            let Some(partners) = names::longitude_of(&name) else { continue };
            let Some(lon) = kids.clone().find(|&k| partners.contains(&self.tree.nodes[k as usize].key)) else {
                continue;
            };
            if !self.numeric(lon) {
                continue;
            }
            let w = words(&name);
            // px4_msgs/VehicleLocalPosition has its origin as `ref_lat`, `ref_lon`.
            let origin = origin || w.iter().any(|w| matches!(w.as_str(), "ref" | "reference" | "origin" | "datum"));
            let has = |list: &[&str]| w.iter().any(|w| list.contains(&w.as_str()));
            let ty = self.tree.nodes[lat as usize].ty;
            let integer = !matches!(ty, Ty::F32 | Ty::F64 | Ty::Text);
            if integer && ty.size() < 4 && ty != Ty::Zigzag {
                continue;
            }
            let radians = has(&["rad", "rads", "radian", "radians"])
                || (self.root_type.starts_with("septentrio") || own.starts_with("septentrio"))
                    && matches!(ty, Ty::F64)
                    && ["pvtgeodetic", "poscovgeodetic", "insnavgeod"].iter().any(|t| own.ends_with(t));
            let (scale, whole) = match () {
                () if radians => (180.0 / std::f64::consts::PI, false),
                () if has(&["e6", "1e6", "microdeg", "microdegrees", "udeg"]) => (1e-6, false),
                () if has(&["e7", "1e7"]) || integer => (1.0, true),
                () => (1.0, false),
            };
            let alt =
                names::altitudes(&name).into_iter().find_map(|k| self.tree.kid(id, &k)).filter(|&a| self.numeric(a));
            let alt_scale = match alt.map(|a| self.tree.nodes[a as usize].ty) {
                Some(Ty::F32 | Ty::F64 | Ty::Text) | None => 1.0,
                Some(_) => 1e-3,
            };
            let base = &self.tree.nodes[lat as usize].key;
            let dirs = [(base.clone(), lat), (self.tree.nodes[lon as usize].key.clone(), lon)].map(|(key, _)| {
                ["dir", "direction", "hemisphere"]
                    .iter()
                    .find_map(|s| self.tree.kid(id, &format!("{key}{s}")))
                    .filter(|&n| self.tree.nodes[n as usize].is_text())
            });
            let valid = self.validity(id, &own);
            let [lat, lon] = [lat, lon].map(|n| self.tree.slot(n));
            let alt = alt.map_or(NONE, |a| self.tree.slot(a));
            if origin {
                let parent = self.tree.nodes[id as usize].parent;
                let from = if parent == NONE { id } else { parent };
                let text = |a: &Self, key| a.tree.kid(from, key).filter(|&n| a.tree.nodes[n as usize].is_text());
                let grid = text(self, "mgrsgrid");
                let projector = text(self, "projectortype").or_else(|| text(self, "type"));
                let [grid, projector] = [grid, projector].map(|n| n.map_or(NONE, |n| self.tree.slot(n)));
                self.add(id, Role::Origin { lat, lon, alt, grid, projector }, Source::Receiver, valid);
                return;
            }
            let dirs = dirs.map(|d| d.map_or(NONE, |d| self.tree.slot(d)));
            let source = if self.tree.around(id) != 0 && self.has_id(id) { Source::Object } else { Source::Receiver };
            self.add(id, Role::Geodetic { lat, lon, alt, scale, whole, alt_scale, dirs }, source, valid);
        }
    }

    fn has_id(&mut self, id: u32) -> bool {
        let own = self.tree.around(id);
        own != 0 && self.find_id(own) != NONE
    }

    /// Whether a position is the origin of a local frame and not where something is.
    fn is_origin(&self, id: u32, own: &str) -> bool {
        let node = &self.tree.nodes[id as usize];
        let told = |name: &str| {
            words(name).iter().any(|w| matches!(w.as_str(), "origin" | "datum" | "projector" | "georeference"))
        };
        told(&node.name)
            || own.contains("projectorinfo")
            || self.root_type.contains("projectorinfo")
            || self.topic.rsplit('/').next().is_some_and(told)
    }

    fn validity(&mut self, id: u32, own: &str) -> Vec<(u32, Valid)> {
        let mut out = Vec::new();
        let parent = self.tree.nodes[id as usize].parent;
        let nodes: Vec<u32> = std::iter::once(id).chain((parent != NONE).then_some(parent)).collect();
        for at in nodes {
            let kids: Vec<u32> = self.tree.nodes[at as usize].kids.clone().collect();
            for kid in kids {
                let node = &self.tree.nodes[kid as usize];
                if node.many != Many::One {
                    continue;
                }
                let key = node.key.as_str();
                let inner = matches!(node.ty, Ty::Struct(_)).then(|| self.type_of(kid));
                let target = match &inner {
                    // A structure with one number in it (novatel_oem7_msgs/SolutionStatus).
                    Some(_) => match ["status", "type", "value"].iter().find_map(|k| self.tree.kid(kid, k)) {
                        Some(n) => n,
                        None => continue,
                    },
                    None => kid,
                };
                let leaf = &self.tree.nodes[target as usize];
                let (number, text) = (leaf.is_number(), leaf.is_text());
                let rule = match key {
                    "status" | "fixstatus" | "navsatstatus"
                        if number
                            && (inner
                                .as_deref()
                                .is_some_and(|t| t.contains("navsatstatus") || t.contains("gpsstatus"))
                                || own.ends_with("navsatfix")
                                || own.ends_with("gpsfix")) =>
                    {
                        Valid::AtLeast(0)
                    }
                    "fixtype" | "gpsfixtype" | "gnssfixtype" if number => Valid::AtLeast(2),
                    "gpsqual" | "gpsquality" | "fixquality" | "gnssquality" | "qualityindicator" if number => {
                        Valid::AtLeast(1)
                    }
                    "solstatus" | "solutionstatus" | "solstat" if number => Valid::Equals(0),
                    "solstatus" | "solutionstatus" if text => Valid::Has("SOL_COMPUTED"),
                    "postype" | "soltype" | "positiontype" | "solutiontype" if number => Valid::NonZero,
                    "postype" | "soltype" | "positiontype" | "solutiontype" if text => Valid::Not("NONE"),
                    "positionstatus" if text => Valid::Has("A"),
                    "flags" if number && own.contains("navpvt") => Valid::Odd,
                    "error" if number && own.contains("pvt") => Valid::Equals(0),
                    "gpsvalid" | "isvalid" | "valid" | "positionvalid" | "fixvalid" | "hasfix" | "gnssvalid"
                    | "gnssfixok"
                        if number =>
                    {
                        Valid::NonZero
                    }
                    _ => continue,
                };
                out.push((self.tree.slot(target), rule));
            }
        }
        out
    }

    fn ecef(&mut self, id: u32) {
        let own = self.type_of(id);
        let cartesian = own.starts_with("septentrio") && own.ends_with("cartesian");
        for x in self.tree.nodes[id as usize].kids.clone() {
            let node = &self.tree.nodes[x as usize];
            let key = node.key.clone();
            let named =
                key.contains("ecef") && !["v", "acc", "std", "dev", "cov", "err"].iter().any(|w| key.contains(w));
            let partner = |axis: char| -> Option<String> {
                if let Some(front) = key.strip_suffix('x') {
                    return Some(format!("{front}{axis}"));
                }
                key.strip_prefix('x').map(|back| format!("{axis}{back}"))
            };
            if !self.numeric(x) || !(named && key != "ecef" || cartesian && key == "x") {
                continue;
            }
            let (Some(y), Some(z)) = (partner('y'), partner('z')) else { continue };
            let (Some(y), Some(z)) = (self.tree.kid(id, &y), self.tree.kid(id, &z)) else { continue };
            if !self.numeric(y) || !self.numeric(z) {
                continue;
            }
            let scale = if matches!(self.tree.nodes[x as usize].ty, Ty::F32 | Ty::F64) { 1.0 } else { 0.01 };
            let valid = self.validity(id, &own);
            let [x, y, z] = [x, y, z].map(|n| self.tree.slot(n));
            self.add(id, Role::Metres { x, y, z, scale, crs: Crs::Ecef }, Source::Receiver, valid);
        }
    }

    /// Eastings and northings.
    fn grid(&mut self, id: u32) {
        const PAIRS: [(&str, &str); 5] = [
            ("easting", "northing"),
            ("utmeasting", "utmnorthing"),
            ("utmx", "utmy"),
            ("utmeast", "utmnorth"),
            ("east", "north"),
        ];
        let own = self.type_of(id);
        for (x, y) in PAIRS {
            let (Some(x), Some(y)) = (self.tree.kid(id, x), self.tree.kid(id, y)) else { continue };
            let double = |n: u32| matches!(self.tree.nodes[n as usize].ty, Ty::F64 | Ty::Text) && self.numeric(n);
            // East and north alone may be a velocity or an offset.
            if !double(x) || !double(y) || self.tree.nodes[x as usize].key == "east" && !own.contains("utm") {
                continue;
            }
            let z = ["height", "altitude", "hgt", "utmz", "up", "z"]
                .iter()
                .find_map(|k| self.tree.kid(id, k))
                .filter(|&z| self.numeric(z));
            let valid = self.validity(id, &own);
            let [x, y] = [x, y].map(|n| self.tree.slot(n));
            let z = z.map_or(NONE, |z| self.tree.slot(z));
            self.add(id, Role::Metres { x, y, z, scale: 1.0, crs: Crs::Utm }, Source::Receiver, valid);
            return;
        }
    }

    fn xyz(&self, id: u32) -> Option<[u32; 3]> {
        let [x, y] = [self.tree.kid(id, "x")?, self.tree.kid(id, "y")?];
        if !self.numeric(x) || !self.numeric(y) {
            return None;
        }
        Some([x, y, self.tree.kid(id, "z").filter(|&z| self.numeric(z)).unwrap_or(NONE)])
    }

    fn metres(&mut self, id: u32, apollo: bool) {
        let intent =
            ["goal", "target", "cmd", "command", "clicked", "waypoint", "initialpose", "setpoint", "marker", "grasp"];
        if intent.iter().any(|w| self.topic.contains(w))
            || self.root_type.contains("marker")
            || self.root_type.contains("occupancygrid")
        {
            return;
        }
        let own = self.type_of(id);
        let listed = id != 0 && self.tree.nodes[id as usize].many != Many::One;
        let transform = self
            .tree
            .path(id, "transform.translation")
            .or_else(|| self.tree.kid(id, "parentframeid").and_then(|_| self.tree.kid(id, "translation")));
        let (at, source) = if let Some(at) = transform {
            (at, Source::Transform)
        } else if listed {
            const PLACES: [&str; 11] = [
                "pose.pose.position",
                "kinematics.posewithcovariance.pose.position",
                "kinematics.initialposewithcovariance.pose.position",
                "state.posecovariance.pose.position",
                "state.pose.pose.position",
                "pose.position",
                "position",
                "bbox.center.position",
                "box.center.position",
                "center",
                "location",
            ];
            let Some(at) = PLACES.iter().find_map(|p| self.tree.path(id, p)) else { return };
            if self.find_id(id) != NONE {
                (at, Source::Object)
            } else if self.root_type.ends_with("path") && id != 0 {
                (at, Source::Path)
            } else {
                return;
            }
        } else {
            const PLACES: [&str; 4] =
                ["pose.pose.position", "pose.position", "localization.position", "posewithcovariance.pose.position"];
            let point = || self.root_type.ends_with("pointstamped").then(|| self.tree.kid(id, "point")).flatten();
            let pose = || self.tree.kid(id, "orientation").and_then(|_| self.tree.kid(id, "position"));
            let Some(at) = PLACES.iter().find_map(|p| self.tree.path(id, p)).or_else(pose).or_else(point) else {
                return;
            };
            // A cloud or a picture with a pose is not a track.
            if self.root_type.contains("cloud") || self.root_type.contains("grid") || self.root_type.contains("image") {
                return;
            }
            (at, Source::Odometry)
        };
        let Some(kids) = self.xyz(at) else { return };
        let crs = if apollo { Crs::Utm } else { Crs::Local };
        let [x, y, z] = kids.map(|n| if n == NONE { NONE } else { self.tree.slot(n) });
        let valid = if listed { Vec::new() } else { self.validity(id, &own) };
        self.add(id, Role::Metres { x, y, z, scale: 1.0, crs }, source, valid);
    }

    fn cloud(&mut self, id: u32) {
        let kid = |key: &str| self.tree.kid(id, key);
        let data = kid("data")
            .filter(|&n| self.tree.nodes[n as usize].is_bytes() || self.json && self.tree.nodes[n as usize].is_text());
        let fields = kid("fields").filter(|&n| matches!(self.tree.nodes[n as usize].ty, Ty::Struct(_)));
        let step = kid("pointstep").or_else(|| kid("pointstride"));
        if let (Some(data), Some(fields), Some(step)) = (data, fields, step) {
            let foxglove = kid("pointstride").is_some();
            let parts = [kid("width"), kid("height"), kid("rowstep"), kid("isbigendian")];
            let name = self.tree.kid(fields, "name");
            let offset = self.tree.kid(fields, "offset");
            let ty = self.tree.kid(fields, "datatype").or_else(|| self.tree.kid(fields, "type"));
            if let (Some(name), Some(offset), Some(ty)) = (name, offset, ty) {
                let [name, offset, datatype] = [name, offset, ty].map(|n| self.tree.slot(n));
                self.add(fields, Role::PackedField { name, offset, datatype }, Source::Receiver, Vec::new());
                let [width, height, row, big] = parts.map(|p| p.map_or(NONE, |n| self.tree.slot(n)));
                self.take_bytes(data);
                let [step, data] = [step, data].map(|n| self.tree.slot(n));
                let role = Role::Cloud { width, height, step, row, big, data, foxglove };
                self.add(id, role, Source::Receiver, Vec::new());
            }
        }
        if self.root_type.contains("laserscan")
            && let Some(ranges) = self.tree.kid(id, "ranges")
            && self.tree.nodes[ranges as usize].ty.size() > 0
        {
            let size = self.tree.nodes[ranges as usize].ty.size() as u8;
            let ranges = self.tree.slot(ranges);
            self.add(id, Role::Ranges { ranges, size }, Source::Receiver, Vec::new());
        }
        // Points as structures.
        let node = &self.tree.nodes[id as usize];
        let own = self.type_of(id);
        let points = node.many != Many::One
            && (["pointcloud", "custommsg", "lidarscan"].iter().any(|t| self.root_type.contains(t))
                || ["pointxyz", "lidarpoint", "custompoint"].iter().any(|t| own.contains(t)));
        if points
            && let Some([x, y, z]) = self.xyz(id)
            && z != NONE
        {
            let [x, y, z] = [x, y, z].map(|n| self.tree.slot(n));
            self.add(id, Role::Point { x, y, z }, Source::Receiver, Vec::new());
        }
    }

    /// Bytes with a meaning are not looked through for text.
    fn take_bytes(&mut self, id: u32) {
        let json = self.json;
        let node = &mut self.tree.nodes[id as usize];
        node.say_bytes = false;
        node.base64 = json && node.is_text();
    }

    fn media(&mut self, id: u32) {
        let kids = self.tree.nodes[id as usize].kids.clone();
        let own = self.type_of(id);
        let all = format!("{own} {}", self.root_type);
        for data in kids {
            let node = &self.tree.nodes[data as usize];
            let data_key = matches!(
                node.key.as_str(),
                "data" | "image" | "imagedata" | "video" | "frame" | "payload" | "buffer" | "audio"
            );
            let base64 = self.json
                && node.is_text()
                && data_key
                && self.tree.kid(id, "format").or_else(|| self.tree.kid(id, "encoding")).is_some();
            if node.slot != NONE || !(node.is_bytes() || base64) || node.say {
                continue;
            }
            let small = matches!(node.many, Many::Fixed(n) if n <= 256);
            let text = |key| self.tree.kid(id, key).filter(|&n| self.tree.nodes[n as usize].is_text());
            let number = |key| self.tree.kid(id, key).filter(|&n| self.tree.nodes[n as usize].is_number());
            let (encoding, format) = (text("encoding"), text("format"));
            let (mut width, mut height) = (number("width"), number("height"));
            let media = if small {
                continue;
            } else if all.contains("audio") || all.contains("voice") || all.contains("microphone") {
                Media::Audio
            } else if all.contains("compressedvideo")
                || all.contains("ffmpegpacket")
                || all.contains("h264")
                || all.contains("h265")
                || all.contains("theora")
                || all.contains("videoframe")
            {
                Media::Video
            } else if all.contains("compressedimage") || format.is_some() && data_key {
                Media::Picture
            } else if width.is_some() && height.is_some() && data_key && (encoding.is_some() || all.contains("image")) {
                Media::Pixels
            } else if ["velodyne", "lidar", "rslidar", "ouster", "hesai", "pandar", "livox", "robosense", "packet"]
                .iter()
                .any(|w| all.contains(w))
                && all.contains("packet")
                || ["velodynescan", "hesaiscan", "pandarscan", "rslidarscan", "suteng"].iter().any(|w| all.contains(w))
            {
                Media::Packet
            } else if node.ty == Ty::I8 {
                // Cells of a grid.
                continue;
            } else {
                Media::Unknown
            };
            if media == Media::Unknown {
                (width, height) = (None, None);
            }
            let format = format.or(encoding).map_or(NONE, |n| self.tree.slot(n));
            let [width, height] = [width, height].map(|n| n.map_or(NONE, |n| self.tree.slot(n)));
            if media != Media::Unknown {
                self.take_bytes(data);
            }
            let data = self.tree.slot(data);
            self.add(id, Role::Media { media, data, format, width, height }, Source::Receiver, Vec::new());
        }
    }

    fn sizes(&mut self) {
        if !self.root_type.contains("camerainfo") && !self.root_type.contains("cameracalibration") {
            return;
        }
        let (Some(w), Some(h)) = (self.tree.kid(0, "width"), self.tree.kid(0, "height")) else { return };
        let [width, height] = [w, h].map(|n| self.tree.slot(n));
        self.add(0, Role::Size { width, height }, Source::Receiver, Vec::new());
    }
}

fn node_is_entity(tree: &Tree, id: u32) -> bool {
    let node = &tree.nodes[id as usize];
    id == 0 || node.many != Many::One
}
