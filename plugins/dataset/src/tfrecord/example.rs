//! tf.train.Example and SequenceExample.

use yumen_kit_proto::{Fields, Wire, floats, varints};
use yumen_model::{ChildMeta, Fix, InspectError, Label, Reason};

use super::{MOST_FEATURES, Reader};
use crate::arrays::{FixStream, words};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Single,
    Sequence,
}

/// A field of bytes with its offset.
type Part<'b> = (&'b [u8], usize);

/// The submessages of one number; none when another field or a broken one is met.
fn parts<'b>(message: &'b [u8], number: u32, base: usize) -> Option<Vec<Part<'b>>> {
    let mut out = Vec::new();
    for field in Fields::new(message) {
        let field = field.ok()?;
        match (field.number == number, field.value) {
            (true, Wire::Bytes(bytes)) => out.push((bytes, base + field.offset)),
            _ => return None,
        }
    }
    Some(out)
}

/// Key and value of an entry of a map.
fn entry(bytes: &[u8], base: usize) -> Option<(&str, Part<'_>)> {
    let (mut key, mut value) = (None, (&[][..], base + bytes.len()));
    for field in Fields::new(bytes) {
        let field = field.ok()?;
        match (field.number, field.value) {
            (1, Wire::Bytes(b)) => key = std::str::from_utf8(b).ok(),
            (2, Wire::Bytes(b)) => value = (b, base + field.offset),
            _ => return None,
        }
    }
    Some((key?, value))
}

/// A feature is one list of bytes, floats or integers.
fn is_feature(bytes: &[u8]) -> bool {
    let mut fields = Fields::new(bytes);
    match fields.next() {
        None => true,
        Some(Ok(f)) => matches!((f.number, f.value), (1..=3, Wire::Bytes(_))) && fields.next().is_none(),
        Some(Err(_)) => false,
    }
}

fn is_map(bytes: &[u8], list: bool) -> bool {
    parts(bytes, 1, 0).is_some_and(|entries| {
        entries.iter().all(|(e, _)| {
            entry(e, 0).is_some_and(|(_, (value, _))| {
                if list {
                    parts(value, 1, 0).is_some_and(|l| l.iter().all(|(f, _)| is_feature(f)))
                } else {
                    is_feature(value)
                }
            })
        })
    })
}

/// Whether the bytes are an example, and of which form.
pub(super) fn recognise(bytes: &[u8]) -> Option<Form> {
    let (mut single, mut lists) = (0, 0);
    for field in Fields::new(bytes) {
        let field = field.ok()?;
        match (field.number, field.value) {
            (1, Wire::Bytes(b)) if is_map(b, false) => single += 1,
            (2, Wire::Bytes(b)) if is_map(b, true) => lists += 1,
            _ => return None,
        }
    }
    match (single, lists) {
        (_, 1..) => Some(Form::Sequence),
        (1.., 0) => Some(Form::Single),
        _ => None,
    }
}

/// Values of one record that may be a position.
#[derive(Default)]
struct Place {
    lat: Vec<f64>,
    lon: Vec<f64>,
    alt: Vec<f64>,
    offset: u64,
}

impl Reader<'_> {
    pub(super) fn example(&mut self, bytes: &[u8], start: u64, _form: Form) -> Result<(), InspectError> {
        let mut place = Place::default();
        for field in Fields::new(bytes).flatten() {
            let Some(map) = field.value.bytes() else { continue };
            for (e, at) in parts(map, 1, field.offset).unwrap_or_default() {
                let Some((key, (value, at))) = entry(e, at) else { continue };
                if field.number == 1 {
                    self.feature(key, value, start + at as u64, &mut place)?;
                } else {
                    for (feature, at) in parts(value, 1, at).unwrap_or_default() {
                        self.feature(key, feature, start + at as u64, &mut place)?;
                    }
                }
            }
        }
        self.end_record()?;
        if !place.lat.is_empty() && place.lat.len() == place.lon.len() {
            if self.positions.is_none() {
                self.positions =
                    Some(FixStream::open(&mut self.to, self.artifact, 0, "wgs84", "receiver", "features")?);
            }
            if let Some(mut stream) = self.positions.take() {
                for (i, (y, x)) in place.lat.iter().zip(&place.lon).enumerate() {
                    let plausible = y.abs() <= 90.0 && x.abs() <= 180.0 && (*x != 0.0 || *y != 0.0);
                    if plausible {
                        let z = place.alt.get(i).copied();
                        stream.push(
                            &mut self.to,
                            Fix { x: *x, y: *y, z, time_s: None, entity: 0, offset: place.offset },
                        )?;
                    }
                }
                self.positions = Some(stream);
            }
        }
        Ok(())
    }

    fn feature(&mut self, key: &str, feature: &[u8], start: u64, place: &mut Place) -> Result<(), InspectError> {
        let Some(Ok(list)) = Fields::new(feature).next() else { return Ok(()) };
        let Some(values) = list.value.bytes() else { return Ok(()) };
        let base = start + list.offset as u64;
        let kind = match list.number {
            1 => "bytes",
            2 => "float",
            _ => "int64",
        };
        if self.told.features.contains_key(key) || self.told.features.len() < MOST_FEATURES {
            let told = self.told.features.entry(key.to_owned()).or_insert((kind, 0, 0));
            told.1 += 1;
            told.2 += values.len() as u64;
        }
        let names = words(key);
        let any = |list: &[&str]| names.iter().any(|w| list.contains(&w.as_str()));
        self.told.labelled |= any(&["label", "labels", "class", "bbox", "annotation", "category"]);
        match list.number {
            1 => {
                for (i, (bytes, at)) in parts(values, 1, 0).unwrap_or_default().into_iter().enumerate() {
                    self.value(key, i, bytes, base + at as u64)?;
                }
            }
            2 => {
                let slot = match () {
                    () if any(&["lat", "latitude"]) && !any(&["lon", "longitude"]) => Some(&mut place.lat),
                    () if any(&["lon", "lng", "longitude"]) => Some(&mut place.lon),
                    () if any(&["alt", "altitude"]) => Some(&mut place.alt),
                    () => None,
                };
                if let Some(slot) = slot {
                    place.offset = base;
                    for field in Fields::new(values).flatten() {
                        floats(field.value, true, |v| {
                            if v.is_finite() && slot.len() < 100_000 {
                                slot.push(v);
                            }
                        });
                    }
                }
            }
            _ => {
                // Single whole numbers may be numbers of persons and things.
                let mut ints = Vec::new();
                for field in Fields::new(values).flatten() {
                    varints(field.value, |v| {
                        if ints.len() < 5 {
                            ints.push(v as i64);
                        }
                    });
                }
                if ints.len() <= 4 {
                    for v in ints {
                        self.cell(key, &v.to_string(), base, base + values.len() as u64);
                    }
                }
            }
        }
        Ok(())
    }

    fn value(&mut self, key: &str, index: usize, bytes: &[u8], start: u64) -> Result<(), InspectError> {
        let end = start + bytes.len() as u64;
        let record = self.told.records - 1;
        let suffix = match bytes {
            [0xFF, 0xD8, 0xFF, ..] => ".jpg",
            [0x89, b'P', b'N', b'G', ..] => ".png",
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => ".webp",
            _ => "",
        };
        self.told.pictures += u64::from(!suffix.is_empty());
        let text = std::str::from_utf8(bytes).ok();
        let readable = text.filter(|t| !t.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')));
        if let Some(text) = readable.filter(|_| suffix.is_empty() && bytes.len() <= 256 << 10) {
            self.cell(key, text, start, end);
            return Ok(());
        }
        // Small pieces that are no text are numbers in disguise.
        if suffix.is_empty() && bytes.len() < 64 {
            return Ok(());
        }
        let raw = suffix.is_empty() && words(key).iter().any(|w| matches!(w.as_str(), "raw" | "pixels" | "audio"));
        if raw {
            return self.to.label(start..end, Label::Opaque(Reason::NoModel));
        }
        let number = if index == 0 { String::new() } else { format!("-{index}") };
        let name = format!("record-{record}/{key}{number}{suffix}");
        self.to.hand_over_range(ChildMeta::named(name.as_bytes()), start..end)
    }
}
