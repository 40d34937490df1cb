//! OpenStreetMap data in the protobuf form: a sequence of compressed blobs, each a block of nodes, ways and relations with a table of their strings.

use std::borrow::Cow;
use std::io::Read as _;

use yumen_kit_container::{FormatReader, Window};
use yumen_kit_proto::{Field, Fields, Wire, is_message, varints, zigzag};
use yumen_kit_text::RecordWriter;
use yumen_model::evidence::NO_NAME;
use yumen_model::{
    Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InspectionExt, Note, Probe, Reason,
};

use crate::osm::{At, Seen, Survey, Tag, add_cell, tag_cell};
use crate::survey::{send_spatial, tell};

pub(crate) struct OsmPbf;

const FORMATS: &[Format] = &[Format {
    name: "osm-pbf",
    title: "OpenStreetMap PBF",
    media_type: "application/vnd.openstreetmap.data+protobuf",
    extensions: &["pbf"],
    magic: "a blob header of type OSMHeader or OSMData behind its length",
    reference: "https://wiki.openstreetmap.org/wiki/PBF_Format",
    evidence: "records: the tags of an element, and each contributor and role once; geo.map with roads, nodes, ways, relations, length of roads, extent",
    limitations: &[
        "Blobs compressed by LZMA or bzip2 are not opened.",
        "Of maps with more than four million nodes no lengths are told.",
        "Places of findings are those of the compressed blob.",
    ],
}];

/// Longest header and blob, by the format.
const MOST_HEADER: usize = 64 << 10;
const MOST_BLOB: usize = 32 << 20;
/// Most strings of a block, and numbers of one element: as many as no program writes.
const MOST_STRINGS: usize = 1 << 20;
const MOST_NUMBERS: usize = 1 << 18;
/// Text of a block beyond which strings are told once only: a block may refer to a long string a million times.
const MOST_TEXT: usize = 64 << 20;

impl FormatReader for OsmPbf {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let len = u32::from_be_bytes(probe.head.get(..4)?.try_into().ok()?) as usize;
        let header = probe.head.get(4..4 + len).filter(|_| len <= MOST_HEADER)?;
        let header = BlobHeader::read(header).filter(|_| is_message(header, 3))?;
        let known = matches!(header.kind, b"OSMHeader" | b"OSMData") && header.size <= MOST_BLOB;
        known.then(|| Identity::new("osm-pbf", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader = Reader {
            survey: Survey::default(),
            writer: RecordWriter::new(artifact),
            users: Seen::default(),
            roles: Seen::default(),
            refs: Vec::new(),
            features: Vec::new(),
        };
        let result = reader.blobs(artifact, out);
        if !matches!(&result, Err(e) if e.offset.is_none()) {
            reader.writer.finish(out)?;
            let mut map = reader.survey.into_map();
            tell(&mut map, "features", reader.features);
            send_spatial(artifact, vec![map], out)?;
        }
        result
    }
}

struct BlobHeader<'a> {
    kind: &'a [u8],
    size: usize,
}

impl BlobHeader<'_> {
    fn read(bytes: &[u8]) -> Option<BlobHeader<'_>> {
        let (mut kind, mut size) = (None, None);
        for field in Fields::new(bytes) {
            let field = field.ok()?;
            match field.number {
                1 => kind = field.value.bytes(),
                3 => size = field.value.int(),
                _ => {}
            }
        }
        Some(BlobHeader { kind: kind?, size: usize::try_from(size?).ok()? })
    }
}

/// Why a blob was not decoded.
enum Failed {
    Corrupt,
    Unsupported,
}

/// The content of a blob, decompressed.
fn content(blob: &[u8]) -> Result<Cow<'_, [u8]>, Failed> {
    let mut size = None;
    let mut data = None;
    for field in Fields::new(blob) {
        let field = field.map_err(|_| Failed::Corrupt)?;
        match field.number {
            2 => size = field.value.int(),
            1 | 3..=7 => data = field.value.bytes().map(|b| (field.number, b)),
            _ => {}
        }
    }
    let (method, data) = data.ok_or(Failed::Corrupt)?;
    let size = size.map(|s| usize::try_from(s).unwrap_or(usize::MAX));
    if method == 1 {
        return Ok(Cow::Borrowed(data));
    }
    let size = size.filter(|&s| s <= MOST_BLOB).ok_or(Failed::Corrupt)?;
    let out = match method {
        3 => {
            let mut out = Vec::new();
            let mut decoder = flate2::read::ZlibDecoder::new(data).take(size as u64 + 1);
            decoder.read_to_end(&mut out).map_err(|_| Failed::Corrupt)?;
            out
        }
        6 => lz4_flex::block::decompress(data, size).map_err(|_| Failed::Corrupt)?,
        7 => zstd::bulk::decompress(data, size).map_err(|_| Failed::Corrupt)?,
        _ => return Err(Failed::Unsupported),
    };
    if out.len() == size { Ok(Cow::Owned(out)) } else { Err(Failed::Corrupt) }
}

struct Reader {
    survey: Survey,
    writer: RecordWriter,
    users: Seen,
    roles: Seen,
    refs: Vec<i64>,
    features: Vec<String>,
}

impl Reader {
    fn blobs(&mut self, artifact: &Artifact, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let blob = &artifact.blob;
        let mut window = Window::new(blob);
        let mut at = 0;
        let mut broken: Option<(u64, u64)> = None;
        let mut unsupported = 0u64;
        while at < blob.len() {
            let Some(len) = window.array::<4>(at)?.map(u32::from_be_bytes) else {
                return Err(InspectError::corrupt(at, "the length of a blob is cut short"));
            };
            let len = len as usize;
            if len > MOST_HEADER {
                return Err(InspectError::corrupt(at, "the header of a blob is too long"));
            }
            let bytes = window.get(at + 4, len)?;
            if bytes.len() < len {
                return Err(InspectError::corrupt(at, "the header of a blob is cut short"));
            }
            let Some((kind, size)) = BlobHeader::read(bytes).map(|h| (h.kind.to_vec(), h.size)) else {
                return Err(InspectError::corrupt(at, "the header of a blob is broken"));
            };
            let start = at + 4 + len as u64;
            if size > MOST_BLOB {
                return Err(InspectError::corrupt(at, "a blob is too long"));
            }
            let end = start + size as u64;
            if end > blob.len() {
                out.container(at..start)?;
                return Err(InspectError::corrupt(start, "a blob is cut short"));
            }
            out.container(at..start)?;
            let mut data = vec![0; size];
            blob.read_exact_at(start, &mut data).map_err(|e| InspectError::read(start, &e))?;
            let told = match content(&data) {
                Ok(content) => match kind.as_slice() {
                    b"OSMHeader" => self.header(&content).map_err(|()| Failed::Corrupt),
                    b"OSMData" => match self.block(&content, start..end, out)? {
                        true => Ok(()),
                        false => Err(Failed::Corrupt),
                    },
                    // Other blobs may stand between them and are to be passed over.
                    _ => Err(Failed::Unsupported),
                },
                Err(failed) => Err(failed),
            };
            match told {
                Ok(()) => out.inspected(start..end)?,
                Err(Failed::Corrupt) => {
                    broken.get_or_insert((start, 0)).1 += 1;
                    out.opaque(start..end, Reason::Corrupt)?;
                }
                Err(Failed::Unsupported) => {
                    unsupported += 1;
                    out.opaque(start..end, Reason::Unsupported)?;
                }
            }
            at = end;
        }
        if let Some((offset, count)) = broken {
            out.note(Note::new("bad-entry").with("count", count).with("offset", offset))?;
        }
        if unsupported > 0 {
            out.note(Note::new("unsupported-method").with("count", unsupported))?;
        }
        Ok(())
    }

    fn header(&mut self, bytes: &[u8]) -> Result<(), ()> {
        for field in Fields::new(bytes) {
            let field = field.map_err(|_| ())?;
            match (field.number, field.value) {
                (1, Wire::Bytes(bbox)) => {
                    let mut sides = [0.0; 4];
                    for field in Fields::new(bbox) {
                        let field = field.map_err(|_| ())?;
                        if let (1..=4, Some(v)) = (field.number, field.value.sint()) {
                            sides[field.number as usize - 1] = v as f64 * 1e-9;
                        }
                    }
                    let [left, right, top, bottom] = sides;
                    self.survey.bounds.add(left, bottom, 0.0);
                    self.survey.bounds.add(right, top, 0.0);
                }
                (4 | 5, value) => {
                    if let Some(text) = value.text().filter(|_| self.features.len() < 50) {
                        self.features.push(text[..text.floor_char_boundary(200)].to_owned());
                    }
                }
                (16, value) => {
                    let text = value.text().unwrap_or("");
                    text[..text.floor_char_boundary(200)].clone_into(&mut self.survey.generator);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// One block of elements; false when it is broken.
    fn block(
        &mut self,
        bytes: &[u8],
        place: std::ops::Range<u64>,
        out: &mut dyn Inspection,
    ) -> Result<bool, InspectError> {
        let mut block = Block {
            place,
            strings: Vec::new(),
            used: Vec::new(),
            granularity: 100.0,
            offset: (0.0, 0.0),
            seconds: 1.0,
            told: 0,
        };
        let mut whole = true;
        // The scale stands behind the groups.
        for field in Fields::new(bytes) {
            let Ok(Field { number, value, .. }) = field else {
                whole = false;
                break;
            };
            match (number, value) {
                (1, Wire::Bytes(table)) => {
                    let room = MOST_STRINGS - block.strings.len();
                    block.strings.extend(
                        Fields::new(table)
                            .flatten()
                            .filter(|f| f.number == 1)
                            .filter_map(|f| f.value.bytes())
                            .map(String::from_utf8_lossy)
                            .take(room),
                    );
                }
                (17, v) => block.granularity = v.int().map_or(100.0, |v| v as f64),
                (18, v) => block.seconds = v.int().map_or(1.0, |v| v as f64 / 1000.0),
                (19, v) => block.offset.1 = v.int().map_or(0.0, |v| v as f64),
                (20, v) => block.offset.0 = v.int().map_or(0.0, |v| v as f64),
                _ => {}
            }
        }
        block.used = vec![false; block.strings.len()];
        for group in Fields::new(bytes).flatten().filter(|f| f.number == 2).filter_map(|f| f.value.bytes()) {
            for field in Fields::new(group) {
                let Ok(Field { number, value, .. }) = field else {
                    whole = false;
                    break;
                };
                let Some(bytes) = value.bytes() else { continue };
                match number {
                    1 => self.node(&mut block, bytes, out)?,
                    2 => whole &= self.dense(&mut block, bytes, out)?,
                    3 => self.way(&mut block, bytes, out)?,
                    4 => self.relation(&mut block, bytes, out)?,
                    5 => self.survey.counts.add("changesets"),
                    _ => {}
                }
            }
        }
        for (text, used) in block.strings.iter().zip(&block.used) {
            if !used && !text.is_empty() {
                add_cell(&mut self.writer, text, NO_NAME, &block.place, false, out)?;
                self.writer.end_record(out)?;
            }
        }
        whole &= block.strings.len() < MOST_STRINGS;
        if self.writer.too_many_names() {
            self.writer.forget_names(out)?;
        }
        Ok(whole)
    }

    fn finish_element(
        &mut self,
        block: &mut Block<'_>,
        tags: &[(u32, u32)],
        info: Info,
        out: &mut dyn Inspection,
    ) -> Result<(), InspectError> {
        let place = block.place.clone();
        for &(k, v) in tags {
            let again = block.is_marked(k) && block.is_marked(v);
            block.mark(k);
            block.mark(v);
            let (key, value) = (block.string(k), block.string(v));
            if again && block.told > MOST_TEXT {
                continue;
            }
            let bytes = key.len() + value.len();
            match tag_cell(key, value) {
                Tag::Position => {}
                Tag::Named(name) => {
                    let name = self.writer.name(name);
                    add_cell(&mut self.writer, value, name, &place, false, out)?;
                }
                Tag::Content => {
                    add_cell(&mut self.writer, key, NO_NAME, &place, false, out)?;
                    add_cell(&mut self.writer, value, NO_NAME, &place, false, out)?;
                }
            }
            block.told += bytes;
        }
        if let Some(user) = info.user {
            // The same contributor comes a thousand times in a block.
            if !block.is_marked(user) {
                block.mark(user);
                let text = block.string(user);
                if !text.is_empty() && self.users.is_new(text) {
                    self.survey.users.is_new(text);
                    let name = self.writer.name("user");
                    add_cell(&mut self.writer, text, name, &place, false, out)?;
                }
            }
        }
        if let Some(seconds) = info.seconds.filter(|s| *s > 0) {
            self.survey.time(&iso(seconds));
        }
        self.writer.end_record(out)
    }

    fn node(&mut self, block: &mut Block<'_>, bytes: &[u8], out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut common = Common::default();
        let (mut lat, mut lon) = (None, None);
        for Field { number, value, .. } in Fields::new(bytes).flatten() {
            match number {
                1 => common.id = value.sint().unwrap_or(0),
                8 => lat = value.sint(),
                9 => lon = value.sint(),
                _ => common.field(number, value, block),
            }
        }
        let degrees = lon.zip(lat).filter(|_| common.info.visible).and_then(|(x, y)| block.degrees(x, y));
        let tags = common.tags();
        self.survey.node(common.id, At { degrees, ..At::default() }, block.texts(&tags));
        self.finish_element(block, &tags, common.info, out)
    }

    fn dense(&mut self, block: &mut Block<'_>, bytes: &[u8], out: &mut dyn Inspection) -> Result<bool, InspectError> {
        let [mut ids, mut lats, mut lons, mut tags] = [&[][..]; 4];
        let mut info = [&[][..]; 6];
        for Field { number, value, .. } in Fields::new(bytes).flatten() {
            let Some(bytes) = value.bytes() else { continue };
            match number {
                1 => ids = bytes,
                8 => lats = bytes,
                9 => lons = bytes,
                10 => tags = bytes,
                5 => {
                    for Field { number, value, .. } in Fields::new(bytes).flatten() {
                        if let (1..=6, Some(bytes)) = (number, value.bytes()) {
                            info[number as usize - 1] = bytes;
                        }
                    }
                }
                _ => {}
            }
        }
        let mut at = [0usize; 4];
        let mut info_at = [0usize; 6];
        let (mut id, mut lat, mut lon, mut seconds, mut user) = (0i64, 0i64, 0i64, 0i64, 0i64);
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        let next = |bytes: &[u8], at: &mut usize| yumen_kit_proto::varint(bytes, at);
        while at[0] < ids.len() {
            let (Some(i), Some(y), Some(x)) = (next(ids, &mut at[0]), next(lats, &mut at[1]), next(lons, &mut at[2]))
            else {
                return Ok(false);
            };
            id = id.wrapping_add(zigzag(i));
            lat = lat.wrapping_add(zigzag(y));
            lon = lon.wrapping_add(zigzag(x));
            pairs.clear();
            while at[3] < tags.len() {
                match next(tags, &mut at[3]) {
                    Some(0) => break,
                    Some(k) => {
                        let Some(v) = next(tags, &mut at[3]) else { return Ok(false) };
                        push(&mut pairs, (k as u32, v as u32));
                    }
                    None => return Ok(false),
                }
            }
            let mut told = Info { visible: true, ..Info::default() };
            if let Some(delta) = next(info[1], &mut info_at[1]) {
                seconds = seconds.wrapping_add(zigzag(delta));
                told.seconds = Some((seconds as f64 * block.seconds) as i64);
            }
            if let Some(delta) = next(info[4], &mut info_at[4]) {
                user = user.wrapping_add(zigzag(delta));
                told.user = u32::try_from(user).ok().filter(|u| *u > 0);
            }
            if let Some(visible) = next(info[5], &mut info_at[5]) {
                told.visible = visible != 0;
            }
            let degrees = if told.visible { block.degrees(lon, lat) } else { None };
            self.survey.node(id, At { degrees, ..At::default() }, block.texts(&pairs));
            self.finish_element(block, &pairs, told, out)?;
        }
        Ok(true)
    }

    fn way(&mut self, block: &mut Block<'_>, bytes: &[u8], out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut common = Common::default();
        let mut refs = std::mem::take(&mut self.refs);
        refs.clear();
        let mut id = 0i64;
        let (mut lats, mut lons) = (Vec::new(), Vec::new());
        let deltas = |value: Wire<'_>, into: &mut Vec<i64>| {
            let mut sum = 0i64;
            varints(value, |v| {
                sum = sum.wrapping_add(zigzag(v));
                push(into, sum);
            });
        };
        for Field { number, value, .. } in Fields::new(bytes).flatten() {
            match number {
                1 => common.id = value.int().unwrap_or(0),
                // Repeated only where it is not packed.
                8 => varints(value, |v| {
                    id = id.wrapping_add(zigzag(v));
                    push(&mut refs, id);
                }),
                9 => deltas(value, &mut lats),
                10 => deltas(value, &mut lons),
                _ => common.field(number, value, block),
            }
        }
        let tags = common.tags();
        let places: Vec<(f64, f64)> = lons.iter().zip(&lats).filter_map(|(&x, &y)| block.degrees(x, y)).collect();
        self.survey.way(common.id, &refs, &places, || block.texts(&tags));
        self.refs = refs;
        self.finish_element(block, &tags, common.info, out)
    }

    fn relation(&mut self, block: &mut Block<'_>, bytes: &[u8], out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut common = Common::default();
        let (mut roles, mut members) = (Vec::new(), Vec::new());
        let mut member = 0i64;
        for Field { number, value, .. } in Fields::new(bytes).flatten() {
            match number {
                1 => common.id = value.int().unwrap_or(0),
                8 => varints(value, |v| push(&mut roles, v as u32)),
                9 => varints(value, |v| {
                    member = member.wrapping_add(zigzag(v));
                    push(&mut members, member);
                }),
                _ => common.field(number, value, block),
            }
        }
        let sides = |(&role, &id): (&u32, &i64)| matches!(block.string(role), "left" | "right").then_some(id);
        let bounds: Vec<i64> = roles.iter().zip(&members).filter_map(sides).collect();
        let tags = common.tags();
        self.survey.relation(&bounds, block.texts(&tags));
        let place = block.place.clone();
        for role in roles {
            if !block.is_marked(role) {
                block.mark(role);
                let text = block.string(role);
                if !text.is_empty() && self.roles.is_new(text) {
                    let name = self.writer.name("role");
                    add_cell(&mut self.writer, text, name, &place, false, out)?;
                }
            }
        }
        self.finish_element(block, &tags, common.info, out)
    }
}

/// Adds to a list of one element, up to a length.
fn push<T>(list: &mut Vec<T>, value: T) {
    if list.len() < MOST_NUMBERS {
        list.push(value);
    }
}

#[derive(Clone, Copy, Default)]
struct Info {
    user: Option<u32>,
    seconds: Option<i64>,
    visible: bool,
}

/// What nodes, ways and relations have alike.
struct Common {
    id: i64,
    keys: Vec<u32>,
    values: Vec<u32>,
    info: Info,
}

impl Default for Common {
    fn default() -> Self {
        Common { id: 0, keys: Vec::new(), values: Vec::new(), info: Info { visible: true, ..Info::default() } }
    }
}

impl Common {
    fn field(&mut self, number: u32, value: Wire<'_>, block: &Block<'_>) {
        match number {
            2 => varints(value, |v| push(&mut self.keys, v as u32)),
            3 => varints(value, |v| push(&mut self.values, v as u32)),
            4 => {
                for Field { number, value, .. } in value.bytes().into_iter().flat_map(Fields::new).flatten() {
                    match number {
                        2 => self.info.seconds = value.int().map(|v| (v as f64 * block.seconds) as i64),
                        5 => self.info.user = value.uint().and_then(|v| u32::try_from(v).ok()).filter(|v| *v > 0),
                        6 => self.info.visible = value.uint() != Some(0),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn tags(&self) -> Vec<(u32, u32)> {
        self.keys.iter().copied().zip(self.values.iter().copied()).collect()
    }
}

struct Block<'b> {
    place: std::ops::Range<u64>,
    strings: Vec<Cow<'b, str>>,
    /// Strings that something refers to.
    used: Vec<bool>,
    granularity: f64,
    /// Longitude and latitude in 1e-9 degrees.
    offset: (f64, f64),
    seconds: f64,
    /// Bytes of text told so far.
    told: usize,
}

impl Block<'_> {
    fn string(&self, i: u32) -> &str {
        self.strings.get(i as usize).map_or("", |s| s)
    }

    fn mark(&mut self, i: u32) {
        if let Some(used) = self.used.get_mut(i as usize) {
            *used = true;
        }
    }

    fn is_marked(&self, i: u32) -> bool {
        self.used.get(i as usize).copied().unwrap_or(true)
    }

    fn texts<'s>(&'s self, tags: &'s [(u32, u32)]) -> impl Iterator<Item = (&'s str, &'s str)> {
        tags.iter().map(|&(k, v)| (self.string(k), self.string(v)))
    }

    fn degrees(&self, x: i64, y: i64) -> Option<(f64, f64)> {
        let x = (self.offset.0 + x as f64 * self.granularity) * 1e-9;
        let y = (self.offset.1 + y as f64 * self.granularity) * 1e-9;
        (x.abs() <= 180.0 && y.abs() <= 90.0).then_some((x, y))
    }
}

/// `2018-10-31T10:20:19Z`; the year is kept within four digits.
fn iso(seconds: i64) -> String {
    let seconds = seconds.clamp(0, 253_402_300_799);
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since 1 March of year 0, in eras of 400 years.
    let z = days + 719_468;
    let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_in_xml() {
        assert_eq!(iso(0), "1970-01-01T00:00:00Z");
        assert_eq!(iso(1_540_981_219), "2018-10-31T10:20:19Z");
        assert_eq!(iso(951_782_400), "2000-02-29T00:00:00Z");
        assert!(iso(i64::MAX).starts_with("9999-12-31"));
    }
}
