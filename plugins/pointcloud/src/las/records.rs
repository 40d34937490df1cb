//! Variable length records, extended ones, and what lies around them.

use std::ops::Range;

use yumen_kit_container::window::num::{le16, le64};
use yumen_kit_container::{Container, Place};
use yumen_model::{InspectError, Label, Reason};

use super::geokeys::GeoKeys;
use super::header::Header;
use super::{gap, label_text};
use crate::crs::Crs;
use crate::text::field;

/// Records beyond this number are not looked at one by one.
const MOST: u32 = 20_000;
/// Names of extra dimensions that are told.
const MOST_EXTRA: usize = 64;
/// Records of a reference system that are longer are handed on as children only.
const MOST_CRS: u64 = 256 << 10;

/// What the records tell.
#[derive(Debug, Default)]
pub(super) struct Records {
    geokeys: GeoKeys,
    wkt: Option<String>,
    /// Content of the LASzip record.
    pub laszip: Option<Vec<u8>>,
    pub copc: bool,
    pub waveforms: bool,
    pub extra: Vec<String>,
    /// Where extended records (and waveforms) lie, in the order of the file.
    pub starts: Vec<Range<u64>>,
    waveform_compressed: bool,
}

struct Head {
    user: String,
    id: u16,
    start: u64,
    len: u64,
    data: u64,
    extended: bool,
}

impl Records {
    /// The records between the header and the points.
    pub(super) fn variable(&mut self, to: &mut Container<'_>, header: &Header) -> Result<(), InspectError> {
        let mut at = u64::from(header.header_len);
        for i in 0..header.records {
            if i >= MOST || at + 54 > header.data {
                gap(to, at, header.data)?;
                return Err(InspectError::corrupt(at, "more variable length records than there is room for"));
            }
            let h = to.window.get(at, 54)?;
            let head = Head {
                user: user_id(h),
                id: le16(h, 18),
                len: u64::from(le16(h, 20)),
                start: at,
                data: at + 54,
                extended: false,
            };
            if head.data + head.len > header.data {
                gap(to, at, header.data)?;
                return Err(InspectError::corrupt(at, "a variable length record reaches into the points"));
            }
            self.record(to, &head)?;
            at = head.data + head.len;
        }
        // LAS 1.0 marks the end of the records.
        if header.minor == 0 && header.data == at + 2 && to.window.get(at, 2)? == [0xDD, 0xCC] {
            return to.container(at..header.data);
        }
        to.padding(at..header.data)
    }

    /// The records behind the points.
    pub(super) fn extended(&mut self, to: &mut Container<'_>, header: &Header) -> Result<(), InspectError> {
        let mut at = header.extended;
        let len = to.len();
        for i in 0..header.extended_count {
            if i >= MOST || at < header.data || at.checked_add(60).is_none_or(|end| end > len) {
                return Err(InspectError::corrupt(235, "the extended records lie outside of the file"));
            }
            let h = to.window.get(at, 60)?;
            let head =
                Head { user: user_id(h), id: le16(h, 18), len: le64(h, 20), start: at, data: at + 60, extended: true };
            let Some(end) = head.data.checked_add(head.len).filter(|&end| end <= len) else {
                self.starts.push(at..len);
                return Err(InspectError::corrupt(at, "an extended record is cut short"));
            };
            self.starts.push(at..end);
            self.record(to, &head)?;
            at = end;
        }
        // Version 1.3 has a waveform record whose place the header tells.
        let start = header.waveform;
        if start >= header.data && start.checked_add(60).is_some_and(|end| end <= len) && header.minor >= 3 {
            let inside = self.starts.iter().any(|r| r.contains(&start));
            let h = to.window.get(start, 60)?;
            if !inside && user_id(h) == "LASF_Spec" && le16(h, 18) == 65535 {
                let data = start + 60;
                let end = data.saturating_add(le64(h, 20)).min(len);
                let head = Head { user: user_id(h), id: 65535, len: end - data, start, data, extended: true };
                self.starts.push(start..end);
                self.record(to, &head)?;
            }
        }
        self.starts.sort_by_key(|r| r.start);
        Ok(())
    }

    fn record(&mut self, to: &mut Container<'_>, head: &Head) -> Result<(), InspectError> {
        // Reserved, user, number, length; then the description.
        to.container(head.start..head.start + 2)?;
        label_text(to, head.start + 2, 16, "record-user")?;
        let description = head.start + if head.extended { 28 } else { 22 };
        to.container(head.start + 18..description)?;
        label_text(to, description, 32, "record-description")?;
        let range = head.data..head.data + head.len;
        let keep = |to: &Container<'_>| -> Result<Vec<u8>, InspectError> {
            if head.len > MOST_CRS {
                return Ok(Vec::new());
            }
            to.blob.bytes(range.clone()).map_err(|e| InspectError::read(head.data, &e))
        };
        let name = format!("records/{}-{}", head.user, head.id);
        match (head.user.as_str(), head.id) {
            ("LASF_Projection", 34735) => {
                self.geokeys.directory = keep(to)?;
                to.label(range, Label::Inspected)
            }
            ("LASF_Projection", 34736) => {
                self.geokeys.doubles = keep(to)?;
                to.label(range, Label::Inspected)
            }
            ("LASF_Projection", 34737) => {
                self.geokeys.ascii = keep(to)?;
                field(to, range, &name)
            }
            // WKT; some writers of old put it under their own name.
            ("LASF_Projection", 2111 | 2112) | ("liblas", 2112) => {
                if head.id == 2112 {
                    let text = keep(to)?;
                    let text = String::from_utf8_lossy(&text).trim_end_matches('\0').trim().to_owned();
                    self.wkt = Some(text).filter(|t| !t.is_empty());
                }
                field(to, range, &name)
            }
            ("laszip encoded", 22204) => {
                self.laszip = Some(keep(to)?);
                to.container(range)
            }
            ("copc", 1 | 1000) => {
                self.copc = true;
                to.label(range, Label::Inspected)
            }
            ("LASF_Spec", 0) => self.classes(to, range),
            ("LASF_Spec", 4) => self.extra_bytes(to, range),
            ("LASF_Spec", 100..=354) => {
                let packet = to.window.get(head.data, 26)?;
                self.waveforms = true;
                self.waveform_compressed |= packet.get(1).is_some_and(|&c| c != 0);
                to.label(range, Label::Inspected)
            }
            ("LASF_Spec", 65535) => {
                self.waveforms = true;
                let label = match self.waveform_compressed {
                    true => Label::Opaque(Reason::Unsupported),
                    false => Label::Inspected,
                };
                to.label(range, label)
            }
            _ if head.len == 0 => Ok(()),
            _ => field(to, range, &name),
        }
    }

    /// Names of classes, 16 bytes each.
    fn classes(&mut self, to: &mut Container<'_>, range: Range<u64>) -> Result<(), InspectError> {
        let mut at = range.start;
        while at + 16 <= range.end && at < range.start + 256 * 16 {
            to.container(at..at + 1)?;
            field(to, at + 1..at + 16, "class-name")?;
            at += 16;
        }
        to.padding(at..range.end)
    }

    /// Descriptions of extra dimensions, 192 bytes each.
    fn extra_bytes(&mut self, to: &mut Container<'_>, range: Range<u64>) -> Result<(), InspectError> {
        let mut at = range.start;
        while at + 192 <= range.end && at < range.start + 1024 * 192 {
            let name = to.window.get(at + 4, 32)?;
            let name = String::from_utf8_lossy(name).trim_end_matches('\0').to_owned();
            if self.extra.len() < MOST_EXTRA && !name.is_empty() {
                self.extra.push(name);
            }
            to.container(at..at + 4)?;
            field(to, at + 4..at + 36, "dimension-name")?;
            to.container(at + 36..at + 160)?;
            field(to, at + 160..at + 192, "dimension-description")?;
            at += 192;
        }
        to.padding(at..range.end)
    }

    /// The reference system that the records tell. Where both forms are there, the header says which counts.
    pub(super) fn crs(&self, prefers_wkt: bool) -> Crs {
        let wkt = self.wkt.as_deref().map(Crs::of_text).filter(|crs| crs.text.is_some());
        let keys = Some(self.geokeys.crs()).filter(|crs| crs.text.is_some());
        let found = if prefers_wkt { wkt.or(keys) } else { keys.or(wkt) };
        found.unwrap_or_default()
    }

    /// Where the points end at the latest.
    pub(super) fn points_end(&self, header: &Header, len: u64) -> u64 {
        self.starts.iter().map(|r| r.start).filter(|&s| s >= header.data).min().unwrap_or(len)
    }

    /// What lies between the end of the points, the extended records and the end of the file.
    pub(super) fn after(&self, to: &mut Container<'_>, points_end: u64, _header: &Header) -> Result<(), InspectError> {
        let mut at = points_end;
        for range in &self.starts {
            if range.start > at {
                to.residue(at..range.start, Place::Between)?;
            }
            at = at.max(range.end);
        }
        to.residue(at..to.len(), Place::After)
    }
}

fn user_id(head: &[u8]) -> String {
    let bytes = head.get(2..18).unwrap_or(&[]);
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).trim_end().to_owned()
}
