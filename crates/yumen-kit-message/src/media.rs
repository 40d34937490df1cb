//! Pictures, videos, sound and other bytes in messages: handed over as children, or told to be not looked into.

use std::ops::Range;

use yumen_model::{ChildMeta, Extent, Inspection, InspectionExt, Label, Message, Reason, Stop};

use crate::groups::Media;

/// A part of a stream (video, sound) is handed over when it is so long, at a key frame as far as one comes, and in any case here.
const PART: usize = 8 << 20;
const LONGEST: usize = 32 << 20;
/// Bytes of all streams that are held.
const HELD: usize = 64 << 20;
/// Pieces of a stream.
const PIECES: usize = 1 << 16;
/// Bytes of no known form that are so few are numbers rather than something to open.
const FEW: usize = 256;

/// A stream of one topic that is gathered from its messages.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    extents: Vec<Extent>,
    bytes: Vec<u8>,
    len: usize,
    parts: u32,
    extension: &'static str,
    name: String,
}

/// The payload of a message and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payload<'a> {
    pub(crate) bytes: &'a [u8],
    /// Where in the message; none where it was decoded out of it.
    pub(crate) at: Option<usize>,
    /// Where the message stands in the artifact byte for byte.
    pub(crate) exact: Option<u64>,
}

impl Payload<'_> {
    fn extent(&self, range: Range<usize>) -> Option<Extent> {
        let start = self.exact? + self.at? as u64 + range.start as u64;
        Some(Extent::of(start..start + range.len() as u64))
    }
}

/// The form of an encoded picture, sound or file by its first bytes.
pub(crate) fn sniff(b: &[u8]) -> Option<&'static str> {
    let riff = |kind: &[u8]| b.starts_with(b"RIFF") && b.get(8..12) == Some(kind);
    Some(match b {
        [0xFF, 0xD8, 0xFF, ..] => "jpg",
        [0x89, b'P', b'N', b'G', 13, 10, 26, 10, ..] => "png",
        _ if riff(b"WEBP") => "webp",
        _ if riff(b"WAVE") => "wav",
        [b'G', b'I', b'F', b'8', ..] => "gif",
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => "tif",
        [b'O', b'g', b'g', b'S', ..] => "ogg",
        [b'f', b'L', b'a', b'C', ..] => "flac",
        [b'I', b'D', b'3', ..] => "mp3",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "mp4",
        [0xFF, 0x0A, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => "jxl",
        [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] => "jp2",
        [b'B', b'M', ..] if b.len() > 54 && b.get(6..10) == Some(&[0; 4]) => "bmp",
        [b'P', b'K', 3, 4, ..] => "zip",
        [0x1F, 0x8B, 8, ..] => "gz",
        [b'%', b'P', b'D', b'F', ..] => "pdf",
        _ => return None,
    })
}

fn annex_b(b: &[u8]) -> bool {
    b.starts_with(&[0, 0, 1]) || b.starts_with(&[0, 0, 0, 1])
}

/// Which codec the word of a format names.
fn codec(format: &str, b: &[u8]) -> Option<&'static str> {
    let f = format.to_ascii_lowercase();
    let has = |names: &[&str]| names.iter().any(|n| f.contains(n));
    Some(match () {
        () if has(&["h264", "avc", "x264"]) => "h264",
        () if has(&["h265", "hevc", "x265"]) => "h265",
        () if has(&["vp9"]) => "vp9",
        () if has(&["av1"]) => "av1",
        () if annex_b(b) => "h264",
        () => return None,
    })
}

/// Whether a frame can be decoded without those before it.
fn is_key(b: &[u8], codec: &str) -> bool {
    let head = &b[..b.len().min(256)];
    head.windows(4).any(|w| {
        w[..3] == [0, 0, 1]
            && match codec {
                "h264" => matches!(w[3] & 0x1F, 5 | 7),
                "h265" => matches!(w[3] >> 1 & 0x3F, 16..=21 | 32..=34),
                _ => false,
            }
    })
}

fn sound(b: &[u8]) -> Option<&'static str> {
    match b {
        [0xFF, 0xF0 | 0xF1 | 0xF8 | 0xF9, ..] => Some("aac"),
        // MPEG audio, layer 3, bit rate and sampling rate that exist.
        [0xFF, 0xE2 | 0xE3 | 0xF2 | 0xF3 | 0xFA | 0xFB, c, ..] if c >> 4 != 15 && c >> 4 != 0 && c >> 2 & 3 != 3 => {
            Some("mp3")
        }
        _ => sniff(b).filter(|e| matches!(*e, "ogg" | "flac" | "mp3" | "wav")),
    }
}

/// A picture's size, where its first bytes tell it (JPEG, PNG).
pub(crate) fn size(b: &[u8]) -> Option<(u32, u32)> {
    let be = |at: usize, n: usize| b.get(at..at + n).map(|b| b.iter().fold(0u32, |v, &b| v << 8 | u32::from(b)));
    if b.starts_with(&[0x89, b'P', b'N', b'G']) {
        return Some((be(16, 4)?, be(20, 4)?));
    }
    if !b.starts_with(&[0xFF, 0xD8]) {
        return None;
    }
    let mut at = 2;
    for _ in 0..64 {
        let marker = *b.get(at + 1).filter(|_| b.get(at) == Some(&0xFF))?;
        if matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC) {
            return Some((be(at + 7, 2)?, be(at + 5, 2)?));
        }
        at += 2 + be(at + 2, 2)? as usize;
    }
    None
}

/// What became of the bytes: the label of the piece.
pub(crate) struct Taken {
    pub(crate) label: Label,
    pub(crate) part: Range<usize>,
}

/// The streams that are gathered, and how many children a topic has.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    list: Vec<(u32, Gathered)>,
    held: usize,
}

/// The topic that something is of, and which message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Of<'a> {
    pub(crate) topic: u32,
    pub(crate) name: &'a str,
    pub(crate) number: u64,
    /// Which of several in one message.
    pub(crate) nth: u32,
    pub(crate) time_s: f64,
}

impl Streams {
    /// Takes the bytes of a message.
    pub(crate) fn take(
        &mut self,
        media: Media,
        format: &str,
        p: &Payload<'_>,
        of: &Of<'_>,
        out: &mut dyn Inspection,
    ) -> Result<Taken, Stop> {
        let all = 0..p.bytes.len();
        let labelled = |label| Ok(Taken { label, part: 0..p.bytes.len() });
        match media {
            Media::Packet => labelled(Label::Inspected),
            Media::Pixels => match sniff(p.bytes).filter(|e| matches!(*e, "jpg" | "png")) {
                // Some nodes put encoded pictures into raw ones.
                Some(ext) => child(p, all, ext, of, out),
                None => labelled(Label::Opaque(Reason::NoModel)),
            },
            Media::Picture | Media::Video => {
                if let Some(ext) = sniff(p.bytes) {
                    return child(p, all, ext, of, out);
                }
                // compressed_depth_image_transport puts twelve bytes before the picture.
                if let Some(rest) = p.bytes.get(12..)
                    && let Some(ext) = sniff(rest)
                {
                    return child(p, 12..p.bytes.len(), ext, of, out);
                }
                match codec(format, p.bytes) {
                    Some(codec) => self.gather(codec, is_key(p.bytes, codec), p, of, out),
                    None if media == Media::Picture => child(p, all, "bin", of, out),
                    None => labelled(Label::Opaque(Reason::NoModel)),
                }
            }
            Media::Audio => {
                let known = sound(p.bytes).or_else(|| self.open(of.topic));
                let named =
                    ["mp3", "opus", "flac", "aac"].into_iter().find(|n| format.to_ascii_lowercase().contains(n));
                match known.or(named) {
                    Some(ext) => self.gather(ext, true, p, of, out),
                    None => labelled(Label::Opaque(Reason::NoModel)),
                }
            }
            Media::Unknown => {
                if p.bytes.len() <= FEW || p.bytes.iter().all(|&b| b == 0) {
                    return labelled(Label::Inspected);
                }
                if let Some(ext) = sniff(p.bytes) {
                    return child(p, all, ext, of, out);
                }
                let text = std::str::from_utf8(p.bytes)
                    .is_ok_and(|t| !t.trim_end_matches('\0').chars().any(|c| c.is_control() && !c.is_whitespace()));
                if text {
                    return child(p, all, "txt", of, out);
                }
                labelled(Label::Opaque(Reason::UnknownFormat))
            }
        }
    }

    /// The form of a stream that is open.
    fn open(&self, topic: u32) -> Option<&'static str> {
        self.list.iter().find(|(t, _)| *t == topic).map(|(_, g)| g.extension)
    }

    fn gather(
        &mut self,
        ext: &'static str,
        key: bool,
        p: &Payload<'_>,
        of: &Of<'_>,
        out: &mut dyn Inspection,
    ) -> Result<Taken, Stop> {
        let n = match self.list.iter().position(|(t, _)| *t == of.topic) {
            Some(n) => n,
            None => {
                self.list.push((of.topic, Gathered { name: of.name.to_owned(), ..Gathered::default() }));
                self.list.len() - 1
            }
        };
        let extent = p.extent(0..p.bytes.len());
        let g = &self.list[n].1;
        // Pieces of the artifact and decoded bytes do not mix, nor do codecs.
        let mixed = g.len > 0 && (extent.is_some() == g.extents.is_empty() || g.extension != ext);
        let full = g.len + p.bytes.len() > LONGEST || g.extents.len() >= PIECES || (key && g.len >= PART);
        if mixed || full {
            self.send(n, out)?;
        }
        if extent.is_none() && self.held + p.bytes.len() > HELD {
            for n in 0..self.list.len() {
                self.send(n, out)?;
            }
        }
        let g = &mut self.list[n].1;
        g.extension = ext;
        g.len += p.bytes.len();
        let delegated = extent.is_some();
        match extent {
            Some(extent) => g.extents.push(extent),
            None => {
                g.bytes.extend_from_slice(p.bytes);
                self.held += p.bytes.len();
            }
        }
        // The engine labels the pieces when the part is handed over.
        let label = if delegated { Label::Delegated } else { Label::Inspected };
        Ok(Taken { label, part: 0..p.bytes.len() })
    }

    fn send(&mut self, n: usize, out: &mut dyn Inspection) -> Result<(), Stop> {
        let g = &mut self.list[n].1;
        if g.len == 0 {
            return Ok(());
        }
        let path = format!("{}/part-{:04}.{}", g.name.trim_matches('/'), g.parts, g.extension);
        g.parts += 1;
        g.len = 0;
        let meta = ChildMeta::named(path.as_bytes());
        let extents = std::mem::take(&mut g.extents);
        let bytes = std::mem::take(&mut g.bytes);
        self.held -= bytes.len();
        if extents.is_empty() {
            return match whole(meta, &bytes, out) {
                Err(Stop::Child(_)) => Ok(()),
                other => other,
            };
        }
        let pieces = extents.clone();
        match out.send(Message::ChildExtents { meta, extents }) {
            Err(Stop::Child(reason)) => pieces.iter().try_for_each(|e| match e {
                Extent::Data { offset, len } => out.opaque(*offset..offset + len, reason),
                Extent::Zero { .. } => Ok(()),
            }),
            other => other,
        }
    }

    /// Hands over what is left.
    pub(crate) fn finish(&mut self, out: &mut dyn Inspection) -> Result<(), Stop> {
        (0..self.list.len()).try_for_each(|n| self.send(n, out))
    }
}

fn whole(meta: ChildMeta, bytes: &[u8], out: &mut dyn Inspection) -> Result<(), Stop> {
    out.child_start(meta)?;
    for piece in bytes.chunks(1 << 20) {
        out.child_bytes(piece)?;
    }
    out.child_end(true)
}

/// Hands over a piece of a message.
pub(crate) fn child(
    p: &Payload<'_>,
    range: Range<usize>,
    ext: &str,
    of: &Of<'_>,
    out: &mut dyn Inspection,
) -> Result<Taken, Stop> {
    let nth = if of.nth == 0 { String::new() } else { format!("-{}", of.nth) };
    let path = format!("{}/{:06}{nth}.{ext}", of.name.trim_matches('/'), of.number);
    let mut meta = ChildMeta::named(path.as_bytes());
    meta.attributes.insert("time_s".to_owned(), of.time_s.into());
    let (result, label) = match p.extent(range.clone()) {
        Some(extent) => (out.send(Message::ChildExtents { meta, extents: vec![extent] }), Label::Delegated),
        None => (whole(meta, p.bytes.get(range.clone()).unwrap_or(&[]), out), Label::Inspected),
    };
    match result {
        Ok(()) => Ok(Taken { label, part: range }),
        Err(Stop::Child(reason)) => Ok(Taken { label: Label::Opaque(reason), part: range }),
        Err(stop) => Err(stop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_by_their_beginning() {
        assert_eq!(sniff(b"\xFF\xD8\xFF\xE0"), Some("jpg"));
        assert_eq!(sniff(b"RIFF\0\0\0\0WEBP"), Some("webp"));
        assert_eq!(sniff(b"BMW drives"), None);
        assert_eq!(codec("", &[0, 0, 0, 1, 0x67]), Some("h264"));
        assert_eq!(codec("hevc_nvenc;yuv420p", &[]), Some("h265"));
        assert!(is_key(&[0, 0, 0, 1, 0x67], "h264") && !is_key(&[0, 0, 0, 1, 0x41], "h264"));
        assert_eq!(sound(&[0xFF, 0xFB, 0x90, 0]), Some("mp3"));
        assert_eq!(sound(&[0, 1, 0, 2]), None);
    }

    #[test]
    fn sizes_stand_in_headers() {
        let jpeg = [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 0, 0, 0xFF, 0xC0, 0, 11, 8, 0x04, 0x38, 0x07, 0x80, 1];
        assert_eq!(size(&jpeg), Some((1920, 1080)));
        assert_eq!(size(&jpeg[..12]), None);
        assert_eq!(size(b"\xFF\xD8\xFF\xFF"), None);
    }
}
