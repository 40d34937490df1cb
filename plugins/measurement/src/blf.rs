//! BLF, the binary recordings of Vector's CANalyzer and CANoe.
//!
//! A header, then objects; most lie in containers that zlib compresses, and one may begin in a container and end in the next.
//! Source: the object layouts as `vector_blf` and python-can document them.

mod object;

use std::io::Read as _;

use yumen_kit_container::FormatReader;
use yumen_kit_container::window::num::{le16, le32};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Label, Probe, Reason};

use crate::bus::Bus;
use crate::out::Out;
use crate::time;

pub(crate) struct Blf;

const FORMATS: &[Format] = &[Format {
    name: "blf",
    title: "Vector BLF bus recording",
    media_type: "application/octet-stream",
    extensions: &["blf"],
    magic: "`LOGG`, the size of the header, and `LOBJ` behind it",
    reference: "https://python-can.readthedocs.io/en/stable/file_io.html#blf-binary-logging-format",
    evidence: "positions, motion and vehicle numbers in frames; GPS events and variables; texts, markers and comments; Ethernet payloads; bus.log with channels and identifiers",
    limitations: &[
        "LIN, FlexRay, MOST and A429 messages are counted, their signals are not decoded.",
        "Objects of kinds that are not known are a child of their own, which stays opaque.",
    ],
}];

const OBJECT: &[u8; 4] = b"LOBJ";
/// Kind of an object that holds others.
const CONTAINER: u32 = 10;
/// Largest container, decompressed; recorders make them of 128 KiB.
const MAX_CONTAINER: u64 = 64 << 20;
/// Largest object.
const MAX_OBJECT: usize = 32 << 20;

impl FormatReader for Blf {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        if !probe.head.starts_with(b"LOGG") {
            return None;
        }
        let size = le32(probe.head, 4) as usize;
        let sure = (32..=1024).contains(&size)
            && (probe.head.get(size..size + 4) == Some(OBJECT) || probe.blob.len() <= size as u64);
        sure.then(|| Identity::new("blf", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut reader = Reader {
            out: Out::new(artifact, out),
            bus: Bus::new(context),
            objects: object::Objects::default(),
            buffer: Vec::new(),
        };
        let result = reader.run();
        let Reader { mut out, mut bus, mut objects, .. } = reader;
        if out.to.is_stopped() {
            return out.finish(result);
        }
        let end = objects.finish(&mut bus, &mut out).and_then(|()| bus.finish(&mut out));
        out.finish(result.and(end))
    }
}

struct Reader<'a> {
    out: Out<'a>,
    bus: Bus,
    objects: object::Objects,
    /// Objects out of containers that are not read yet.
    buffer: Vec<u8>,
}

/// Decompresses a container. What could be decompressed is there also when it breaks.
fn inflate(packed: &[u8], most: u64, into: &mut Vec<u8>) -> bool {
    let before = into.len() as u64;
    let read = flate2::read::ZlibDecoder::new(packed).take(most.min(MAX_CONTAINER)).read_to_end(into);
    read.is_ok() && into.len() as u64 - before == most
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), InspectError> {
        let len = self.out.to.len();
        let head = self.out.to.window.get(0, 144)?.to_vec();
        let size = u64::from(le32(&head, 4)).clamp(32, 1024).min(len);
        self.out.to.container(0..size)?;
        if head.len() >= 56 {
            self.bus.base = system_time(&head[40..56]).unwrap_or(0.0);
            // The number of the interface's version tells the layout that says which tool wrote it.
            let tool = if le32(&head, 8) >= 1_000_000 { head[12] } else { 0 };
            let name = match tool {
                1 => "CANalyzer",
                2 => "CANoe",
                3 => "CANstress",
                4 => "CANlog",
                5 => "CANape",
                6 => "CANcaseXL log",
                7 => "Vector Logger Configurator",
                200 => "Porsche Remote Logger",
                201 => "CAETEC Logger",
                202 => "Vector Network Simulator",
                203 => "IPETRONIK logger",
                204 => "RT PK",
                205 => "PikeTec",
                206 => "Sparks",
                _ => "",
            };
            if !name.is_empty() {
                self.bus.tell("recorder", name);
            }
        }
        let mut at = size;
        while at < len {
            let head = self.out.to.window.get(at, 40)?.to_vec();
            let size = u64::from(le32(&head, 8));
            if head.len() < 16 || &head[..4] != OBJECT || size < 16 {
                match self.next_object(at)? {
                    Some(next) => {
                        self.skip(at..next)?;
                        at = next;
                        continue;
                    }
                    None => {
                        // The file was allocated ahead, or ends in something else.
                        return self.out.to.trailing(at..len);
                    }
                }
            }
            let end = at + size;
            if end > len {
                self.container_or_object(at, len, le32(&head, 12))?;
                return Err(InspectError::corrupt(at, "the last object is cut short"));
            }
            self.container_or_object(at, end, le32(&head, 12))?;
            // Padding: recorders pad by the rest of the size or to a multiple of four.
            let padding = self.out.to.window.get(end, 8)?.windows(4).take(4).position(|w| w == OBJECT);
            let next = end + padding.unwrap_or(0) as u64;
            self.out.to.container(end..next)?;
            at = next;
            if padding.is_none() && len - end < 4 {
                self.out.to.container(end..len)?;
                break;
            }
        }
        if self.buffer.iter().any(|&b| b != 0) && !self.buffer.is_empty() {
            self.out.to.tell_at("truncated", len);
        }
        Ok(())
    }

    fn next_object(&mut self, from: u64) -> Result<Option<u64>, InspectError> {
        let needle = memchr::memmem::Finder::new(OBJECT);
        yumen_kit_container::window::find(self.out.to.blob, from + 1..self.out.to.len(), &needle)
    }

    fn skip(&mut self, range: std::ops::Range<u64>) -> Result<(), InspectError> {
        let zero = yumen_kit_container::window::first_nonzero(self.out.to.blob, range.clone())?.is_none();
        if zero {
            return self.out.to.container(range);
        }
        self.out.to.tell_at("bad-entry", range.start);
        self.out.to.opaque(range, Reason::Corrupt)
    }

    fn container_or_object(&mut self, at: u64, end: u64, kind: u32) -> Result<(), InspectError> {
        if kind != CONTAINER {
            if end - at > MAX_OBJECT as u64 {
                return self.out.to.opaque(at..end, Reason::Limit);
            }
            let bytes = self.out.to.window.get(at, usize::try_from(end - at).unwrap_or(0))?.to_vec();
            self.objects.object(&bytes, at, &mut self.bus, &mut self.out)?;
            return self.out.to.label(at..end, Label::Inspected);
        }
        let head = self.out.to.window.get(at, 32)?.to_vec();
        let header = u64::from(le16(&head, 4)).clamp(16, 32);
        let body = at + header + 16;
        let info = self.out.to.window.get(at + header, 16)?.to_vec();
        let (method, size) = (le16(&info, 0), u64::from(le32(&info, 8)));
        if body > end || end - body > MAX_CONTAINER {
            return self.out.to.opaque(at..end, Reason::Corrupt);
        }
        self.out.to.container(at..body)?;
        let packed = self.out.to.blob.slice(&[yumen_model::Extent::of(body..end)]);
        let mut bytes = vec![0; usize::try_from(end - body).unwrap_or(0)];
        packed.read_exact_at(0, &mut bytes).map_err(|e| InspectError::read(body, &e))?;
        let good = match method {
            0 => {
                let n = bytes.len().min(usize::try_from(size).unwrap_or(0));
                self.buffer.extend_from_slice(if size == 0 { &bytes } else { &bytes[..n] });
                true
            }
            2 => inflate(&bytes, size, &mut self.buffer),
            _ => {
                self.out.to.tell_at("unsupported-method", at);
                return self.out.to.opaque(body..end, Reason::Unsupported);
            }
        };
        self.drain(at)?;
        if good {
            self.out.to.label(body..end, Label::Inspected)
        } else {
            // The objects that go on in the next container are lost.
            self.buffer.clear();
            self.out.to.tell_at("bad-entry", at);
            self.out.to.opaque(body..end, Reason::Corrupt)
        }
    }

    /// Reads the objects that are complete.
    fn drain(&mut self, at: u64) -> Result<(), InspectError> {
        let mut from = 0;
        let finder = memchr::memmem::Finder::new(OBJECT);
        while self.buffer.len() - from >= 16 {
            let rest = &self.buffer[from..];
            if &rest[..4] != OBJECT {
                match finder.find(rest) {
                    Some(n) => {
                        // A few bytes are padding.
                        if n > 7 {
                            self.out.to.tell_at("bad-entry", at);
                        }
                        from += n;
                        continue;
                    }
                    None => {
                        from = self.buffer.len() - 3;
                        break;
                    }
                }
            }
            let size = le32(rest, 8) as usize;
            if !(16..=MAX_OBJECT).contains(&size) {
                from += 4;
                self.out.to.tell_at("bad-entry", at);
                continue;
            }
            let Some(bytes) = rest.get(..size) else { break };
            self.objects.object(bytes, at, &mut self.bus, &mut self.out)?;
            from += size;
        }
        self.buffer.drain(..from);
        Ok(())
    }
}

/// A SYSTEMTIME, read as if it were UTC: recorders write local time without its zone.
fn system_time(bytes: &[u8]) -> Option<f64> {
    let part = |i: usize| u32::from(le16(bytes, i * 2));
    let (year, month, day) = (part(0), part(1), part(3));
    let seconds = f64::from(part(4) * 3600 + part(5) * 60 + part(6)) + f64::from(part(7)) / 1000.0;
    ((1990..2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day))
        .then(|| time::unix(i64::from(year), month, day, seconds))
}
