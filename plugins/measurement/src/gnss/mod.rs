//! Streams of GNSS receivers: NMEA 0183, UBX, NovAtel, SBF, RTCM 3, each alone, or mixed, behind leading junk, in lines of a log.

mod binary;
mod epoch;
mod nmea;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use yumen_kit_container::{FormatReader, Window};
use yumen_kit_geo::ecef;
use yumen_kit_text::send_text;
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Blob, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Label, Probe,
    Reason, Spatial,
};

use crate::out::Out;
use binary::{Frame, Protocol};
use epoch::{Epochs, When};
use nmea::Sentence;

pub(crate) struct Gnss;

const FORMATS: &[Format] = &[
    Format {
        name: "nmea",
        title: "NMEA 0183 log",
        media_type: "text/plain",
        extensions: &["nmea"],
        magic: "sentences `$TTSSS,…*hh` with right checksums, at the start of lines or behind a time",
        reference: "https://gpsd.gitlab.io/gpsd/NMEA.html",
        evidence: "positions of GGA, RMC, GLL, GNS, PUBX, GGK, KSXT, FPD, CHC and NovAtel's ASCII logs, one for each moment; the whole text",
        limitations: &["Positions that AIS messages tell of ships are not read."],
    },
    Format {
        name: "ubx",
        title: "u-blox UBX stream",
        media_type: "application/octet-stream",
        extensions: &["ubx"],
        magic: "0xB5 0x62 and a right Fletcher checksum",
        reference: "https://www.u-blox.com/en/docs/UBX-18010854",
        evidence: "positions of NAV-PVT, NAV-POSLLH, NAV-HPPOSLLH, NAV-POSECEF, NAV-SOL, HNR-PVT; sentences mixed in; versions as text; inertial data counted",
        limitations: &["Raw observations (RXM) are counted; no position is computed from them."],
    },
    Format {
        name: "novatel",
        title: "NovAtel OEM binary stream",
        media_type: "application/octet-stream",
        extensions: &[],
        magic: "0xAA 0x44 0x12 or 0x13 and a right CRC-32",
        reference: "https://docs.novatel.com/OEM7/",
        evidence: "positions of BESTPOS, BESTGNSSPOS, PSRPOS, RTKPOS, INSPVA, INSPVAS, INSPVAX; inertial data counted",
        limitations: &["Raw observations are counted; no position is computed from them."],
    },
    Format {
        name: "sbf",
        title: "Septentrio binary stream",
        media_type: "application/octet-stream",
        extensions: &["sbf"],
        magic: "`$@` and a right CRC-16",
        reference: "https://www.septentrio.com/",
        evidence: "positions of PVTGeodetic and PVTCartesian; texts of ReceiverSetup; inertial data counted",
        limitations: &["Raw observations are counted; no position is computed from them."],
    },
    Format {
        name: "rtcm3",
        title: "RTCM 3 stream",
        media_type: "application/octet-stream",
        extensions: &["rtcm3"],
        magic: "0xD3, six zero bits and a right CRC-24Q",
        reference: "https://rtcm.myshopify.com/",
        evidence: "the position of the reference station (1005, 1006); messages counted",
        limitations: &["Raw observations are counted; no position is computed from them."],
    },
];

/// One piece of a stream.
enum Piece<'b> {
    Sentence(Sentence<'b>),
    Frame(Frame<'b>),
    /// So many bytes of something else.
    Junk(usize),
}

/// The next piece. Junk ends before the next byte that could begin something.
fn next(bytes: &[u8]) -> Piece<'_> {
    if let Some(frame) = Frame::at(bytes) {
        return Piece::Frame(frame);
    }
    if let Some(sentence) = Sentence::at(bytes) {
        return Piece::Sentence(sentence);
    }
    let begins = |b: &u8| matches!(b, b'$' | b'!' | b'#' | b'%' | 0xB5 | 0xAA | 0xD3);
    Piece::Junk(bytes.iter().skip(1).position(begins).map_or(bytes.len(), |n| n + 1).max(1))
}

/// What a first look counts.
#[derive(Default)]
struct Look {
    sentences: usize,
    /// Sentences in lines of their own, or behind nothing but a time.
    clean: usize,
    text: usize,
    binary: BTreeMap<Protocol, (usize, usize)>,
}

impl Look {
    fn at(bytes: &[u8]) -> Look {
        let mut look = Look::default();
        let mut at = 0;
        let mut line = 0;
        while at < bytes.len() {
            let len = match next(&bytes[at..]) {
                Piece::Sentence(sentence) => {
                    look.sentences += 1;
                    look.text += sentence.len;
                    let before = &bytes[line..at];
                    let stamp = |b: &u8| b.is_ascii_digit() || b" \t-:.TZ+/,[]()|>".contains(b);
                    let after = bytes.get(at + sentence.len);
                    let ends = after.is_none_or(|b| matches!(b, b'\r' | b'\n' | b' ' | b'\t' | 0 | b'$' | 0xB5));
                    look.clean += usize::from(ends && before.len() < 64 && before.iter().all(stamp));
                    sentence.len
                }
                Piece::Frame(frame) => {
                    let count = look.binary.entry(frame.protocol).or_default();
                    *count = (count.0 + 1, count.1 + frame.len);
                    frame.len
                }
                Piece::Junk(len) => len,
            };
            if let Some(n) = bytes[at..at + len].iter().rposition(|b| matches!(b, b'\n' | b'\r')) {
                line = at + n + 1;
            } else if !matches!(next(&bytes[at..]), Piece::Junk(_)) {
                line = at + len;
            }
            at += len;
        }
        look
    }

    fn format(&self, len: usize) -> Option<&'static str> {
        let (protocol, &(frames, bytes)) = self.binary.iter().max_by_key(|(_, count)| count.1)?;
        // A short CRC comes about by chance; several frames in a row do not.
        let sure = frames >= 2 && bytes * 10 >= len || frames >= 1 && bytes * 10 >= len * 9 && bytes >= 16;
        let more = bytes >= self.text;
        (sure && more).then_some(match protocol {
            Protocol::Ubx => "ubx",
            Protocol::Novatel => "novatel",
            Protocol::Sbf => "sbf",
            Protocol::Rtcm => "rtcm3",
        })
    }

    fn nmea(&self, len: usize) -> bool {
        let share = |n: usize| self.text * 10 >= len * n;
        self.clean * 2 >= self.sentences
            && (self.sentences >= 3 && share(2) || self.sentences >= 20 && share(1) || self.sentences >= 1 && share(6))
    }
}

impl FormatReader for Gnss {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        // The tail tells what begins with more junk than a head holds.
        [probe.head, probe.tail].into_iter().find_map(|bytes| {
            let look = Look::at(bytes);
            if let Some(format) = look.format(bytes.len()) {
                return Some(Identity::new(format, Certainty::Signature));
            }
            look.nmea(bytes.len()).then(|| Identity::new("nmea", Certainty::Specific))
        })
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let text = artifact.format == "nmea" && !holds_binary(&artifact.blob)?;
        let mut to = Out::new(artifact, out);
        let result = read(&mut to, &artifact.blob, text);
        to.finish(result)?;
        // Lines and encodings are the text reader's.
        if text { send_text(artifact, out) } else { Ok(()) }
    }
}

/// Whether frames stand among the first sentences.
fn holds_binary(blob: &Blob) -> Result<bool, InspectError> {
    let bytes = blob.bytes(0..blob.len().min(64 << 10)).map_err(|e| InspectError::read(0, &e))?;
    Ok(!Look::at(&bytes).binary.is_empty())
}

/// Counts of one kind of message.
#[derive(Default)]
struct Row {
    messages: u64,
    bytes: u64,
}

struct Reader<'o, 'a> {
    out: &'o mut Out<'a>,
    epochs: Epochs,
    rows: BTreeMap<(&'static str, String), Row>,
    /// Sentences and messages that tell a position.
    fixes: u64,
    motion: Option<usize>,
    moved: u64,
    stations: Vec<[f64; 3]>,
    /// Whether all bytes go to the text reader.
    text: bool,
    junk: Option<u64>,
}

fn read(out: &mut Out<'_>, blob: &Blob, text: bool) -> Result<(), InspectError> {
    let day = first_day(blob)?;
    let source = out.source("gnss", None, Some("wgs84"), false);
    let mut reader = Reader {
        out,
        epochs: Epochs::new(source, day),
        rows: BTreeMap::new(),
        fixes: 0,
        motion: None,
        moved: 0,
        stations: Vec::new(),
        text,
        junk: None,
    };
    let mut window = Window::new(blob);
    let mut at = 0;
    while at < blob.len() {
        let bytes = window.get(at, binary::LONGEST + nmea::LONGEST)?;
        let mut used = 0;
        // What begins in the second half may be cut; it is read again from its start.
        let cut = at + bytes.len() as u64 >= blob.len();
        while used < bytes.len() && (cut || used <= nmea::LONGEST) {
            used += reader.piece(&bytes[used..], at + used as u64)?;
        }
        at += used as u64;
    }
    reader.finish(blob.len())
}

impl Reader<'_, '_> {
    /// Takes the next piece and gives its length.
    fn piece(&mut self, bytes: &[u8], at: u64) -> Result<usize, InspectError> {
        match next(bytes) {
            Piece::Junk(len) => {
                self.junk.get_or_insert(at);
                Ok(len)
            }
            Piece::Sentence(sentence) => {
                self.end_junk(at)?;
                self.sentence(sentence, at)?;
                if !self.text {
                    let len = sentence.len;
                    self.out.to.decoded_text(at, &bytes[..len])?;
                    self.out.to.label(at..at + len as u64, Label::Inspected)?;
                }
                Ok(sentence.len)
            }
            Piece::Frame(frame) => {
                self.end_junk(at)?;
                self.frame(frame, at)?;
                self.out.to.label(at..at + frame.len as u64, Label::Inspected)?;
                Ok(frame.len)
            }
        }
    }

    fn count(&mut self, protocol: &'static str, name: String, len: usize) {
        // Names come out of the stream: no more of them than a table holds.
        if self.rows.len() < 1000 || self.rows.contains_key(&(protocol, name.clone())) {
            let row = self.rows.entry((protocol, name)).or_default();
            row.messages += 1;
            row.bytes += len as u64;
        }
    }

    fn sentence(&mut self, sentence: Sentence<'_>, at: u64) -> Result<(), InspectError> {
        self.count("NMEA 0183", sentence.name(), sentence.len);
        match sentence.told() {
            nmea::Told::Position { when, day, lat, lon, height } => {
                if let Some(day) = day {
                    self.epochs.date(day);
                }
                self.fixes += 1;
                self.epochs.position(when, lat, lon, height, at, self.out)?;
            }
            nmea::Told::Date(day) => self.epochs.date(day),
            nmea::Told::Motion(_) => self.motion("imu"),
            nmea::Told::Other => {}
        }
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>, at: u64) -> Result<(), InspectError> {
        self.count(frame.protocol.name(), frame.name(), frame.len);
        match frame.told() {
            binary::Told::Position { when, lat, lon, height } => {
                self.fixes += 1;
                self.epochs.position(when, lat, lon, height, at, self.out)?;
            }
            binary::Told::Ecef { when, xyz: [x, y, z] } => {
                if let Some((lat, lon)) = ecef::to_geodetic(x, y, z) {
                    self.fixes += 1;
                    self.epochs.position(when, lat, lon, None, at, self.out)?;
                }
            }
            binary::Told::Station(xyz) => {
                if !self.stations.contains(&xyz) && self.stations.len() < 64 {
                    self.stations.push(xyz);
                }
            }
            binary::Told::Motion => self.motion(frame.protocol.name()),
            binary::Told::Texts(bytes) => {
                for text in bytes.split(|b| !(b' '..=b'~').contains(b)).filter(|t| t.len() >= 3) {
                    self.out.to.decoded_text(at, text)?;
                }
            }
            binary::Told::Other => {}
        }
        Ok(())
    }

    fn motion(&mut self, name: &str) {
        self.moved += 1;
        if self.motion.is_none() {
            self.motion = Some(self.out.motion(name, Vec::new()));
        }
    }

    /// Bytes between pieces: line breaks and text are read as text, the rest is nothing that is known.
    fn end_junk(&mut self, end: u64) -> Result<(), InspectError> {
        let Some(start) = self.junk.take().filter(|_| !self.text) else { return Ok(()) };
        let mut at = start;
        while at < end {
            let len = usize::try_from((end - at).min(64 << 10)).unwrap_or(0);
            let bytes = self.out.to.window.get(at, len)?.to_vec();
            let is_text = |b: &u8| matches!(b, b'\t' | b'\r' | b'\n' | b' '..=b'~');
            let piece = at..at + bytes.len() as u64;
            if bytes.iter().all(is_text) {
                self.out.to.decoded_text(at, &bytes)?;
                self.out.to.label(piece.clone(), Label::Inspected)?;
            } else if bytes.iter().all(|&b| b == 0) {
                self.out.to.container(piece.clone())?;
            } else {
                self.out.to.opaque(piece.clone(), Reason::UnknownFormat)?;
            }
            if piece.is_empty() {
                break;
            }
            at = piece.end;
        }
        Ok(())
    }

    fn finish(mut self, len: u64) -> Result<(), InspectError> {
        self.end_junk(len)?;
        self.epochs.flush(self.out)?;
        if let Some(motion) = self.motion {
            self.out.moved(motion, self.moved, 0.0, 0.0);
        }
        if !self.stations.is_empty() {
            let mut item = Spatial::new(kinds::GEO_POINT).with("source", "reference station");
            item.crs = Some("ecef".to_owned());
            item.samples = std::mem::take(&mut self.stations);
            self.out.spatial(item);
        }
        let topics: Vec<Value> = self
            .rows
            .iter()
            .map(|((protocol, name), row)| json!({"name": name, "type": protocol, "messages": row.messages, "bytes": row.bytes}))
            .collect();
        let messages: u64 = self.rows.values().map(|r| r.messages).sum();
        let item = InventoryItem::new(kinds::SENSOR_RECORDING)
            .with("messages", messages)
            .with("fixes", self.fixes)
            .with("moments", self.epochs.moments)
            .with("topics", topics);
        self.out.to.inventory(item);
        Ok(())
    }
}

/// Midnight of the first date that the stream tells near its beginning, in seconds since 1970.
fn first_day(blob: &Blob) -> Result<Option<f64>, InspectError> {
    let bytes = blob.bytes(0..blob.len().min(1 << 20)).map_err(|e| InspectError::read(0, &e))?;
    let midnight = |t: f64| (t / 86_400.0).floor() * 86_400.0;
    let mut at = 0;
    while at < bytes.len() {
        let len = match next(&bytes[at..]) {
            Piece::Sentence(sentence) => {
                match sentence.told() {
                    nmea::Told::Date(day) | nmea::Told::Position { day: Some(day), .. } => return Ok(Some(day)),
                    nmea::Told::Position { when: When::Unix(t), .. } => return Ok(Some(midnight(t))),
                    _ => {}
                }
                sentence.len
            }
            Piece::Frame(frame) => {
                if let binary::Told::Position { when: When::Unix(t), .. }
                | binary::Told::Ecef { when: When::Unix(t), .. } = frame.told()
                {
                    return Ok(Some(midnight(t)));
                }
                frame.len
            }
            Piece::Junk(len) => len,
        };
        at += len;
    }
    Ok(None)
}
