//! LAS 1.0 to 1.4 and LAZ: header, variable length records, points of every record format, what follows the points.
//!
//! Source: ASPRS LAS Specification 1.4 R15; LASzip specification; COPC 1.0.

mod chunks;
mod geokeys;
mod header;
mod points;
mod records;

use serde_json::Value;
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe, Reason, Spatial};

use crate::cloud::{neighbours_crs, round, send_spatial};
use crate::crs::Frame;
use crate::text::field;
use header::Header;
use points::Points;
use records::Records;

/// Reads LAS and LAZ.
pub(crate) struct Las;

const FORMATS: &[Format] = &[
    Format {
        name: "las",
        title: "LAS point cloud",
        media_type: "application/vnd.las",
        extensions: &["las"],
        magic: "`LASF`, a version from 1.0 to 1.4, a point format from 0 to 10",
        reference: "ASPRS LAS Specification 1.4 R15",
        evidence: "the cloud with extent, area, density, reference system; texts of header and variable length records; records of others as children",
        limitations: &["waveform samples are counted, not drawn", "waveforms in a file beside it are not looked for"],
    },
    Format {
        name: "laz",
        title: "LAZ compressed point cloud",
        media_type: "application/vnd.laszip",
        extensions: &["laz"],
        magic: "`LASF` with the compression bit in the point format",
        reference: "LASzip specification; COPC 1.0",
        evidence: "as LAS; every point is decoded",
        limitations: &["chunks of more than 128 MiB are not decoded"],
    },
];

impl FormatReader for Las {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let compressed = header::recognise(probe.head)?;
        let certainty = if probe.head.len() >= header::SHORTEST { Certainty::Signature } else { Certainty::Structure };
        Some(Identity::new(if compressed { "laz" } else { "las" }, certainty))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = run(&mut to, artifact, context);
        to.finish(result)
    }
}

fn run(to: &mut Container<'_>, artifact: &Artifact, context: &Context) -> Result<(), InspectError> {
    let header = Header::read(to)?;
    header.texts(to)?;
    let mut records = Records::default();
    // A broken list of records does not keep the points from being read.
    let listed = records.variable(to, &header);
    if to.stopped() {
        return listed;
    }
    let extended = records.extended(to, &header);
    if to.stopped() {
        return extended;
    }
    let mut crs = records.crs(header.wkt_flag());
    if crs.text.is_none() {
        crs = neighbours_crs(to, context)?;
    }
    let mut points = Points::new(&header, crs);
    let read = if header.compressed {
        chunks::read(to, &header, &records, &mut points)
    } else {
        plain(to, &header, &records, &mut points)
    };
    if to.stopped() {
        return read;
    }
    let item = describe(&header, &records, points);
    send_spatial(to, artifact, vec![item])?;
    listed.and(extended).and(read)
}

/// Uncompressed points, and what lies between and behind them and the records.
fn plain(to: &mut Container<'_>, header: &Header, records: &Records, points: &mut Points) -> Result<(), InspectError> {
    let end = records.points_end(header, to.len());
    let len = u64::from(header.record_len);
    let room = end.saturating_sub(header.data) / len;
    let mut count = header.points;
    if count == 0 && room > 0 && (end - header.data).is_multiple_of(len) && records.starts.is_empty() {
        // A writer that was stopped leaves zeros where the numbers belong.
        to.tell_at("rebuilt", 247.min(u64::from(header.header_len)));
        count = room;
    }
    let here = count.min(room);
    let mut at = header.data;
    let stop = header.data + here * len;
    let piece = ((1 << 20) / len).max(1) * len;
    while at < stop {
        let next = stop.min(at + piece);
        let bytes = to.blob.bytes(at..next).map_err(|e| InspectError::read(at, &e))?;
        bytes.chunks_exact(usize::from(header.record_len)).for_each(|record| points.add(record));
        to.label(at..next, yumen_model::Label::Inspected)?;
        at = next;
    }
    if here < count {
        let partial = stop..end;
        if partial.start < partial.end {
            to.opaque(partial, Reason::Corrupt)?;
        }
        return Err(InspectError::corrupt(stop, "fewer points than the header tells"));
    }
    records.after(to, stop, header)
}

fn describe(header: &Header, records: &Records, points: Points) -> Spatial {
    let scale = header.scale;
    let degrees = points.frame() == Some(Frame::Geodetic);
    let unit = points.unit_m();
    let told = points.told;
    let mut item = points.cloud.spatial();
    item = item.with("format_version", format!("1.{}", header.minor)).with("point_format", header.format);
    let step = scale[0].max(scale[1]).abs();
    item = if degrees { item.with("precision_deg", step) } else { item.with("precision_m", step * unit) };
    item = item.with("intensity", told.intensity).with("rgb", told.colour).with("gps_time", told.times > 0);
    if told.infrared {
        item = item.with("near_infrared", true);
    }
    let classes: Vec<Value> =
        told.classes.iter().enumerate().filter(|(_, n)| **n > 0).map(|(class, _)| class.into()).collect();
    item = item.with("classes", classes).with("returns", told.returns);
    if told.times > 0 && told.last >= told.first {
        item = item.with("duration_s", round(told.last - told.first));
        if header.absolute_time() {
            item = item.with("time_from", unix(told.first).round()).with("time_to", unix(told.last).round());
        }
    }
    if !header.bounds_hold(item.extent) {
        item = item.with("header_extent_differs", true);
    }
    if records.copc {
        item = item.with("copc", true);
    }
    if records.waveforms || header.has_waveform_format() {
        item = item.with("waveforms", true);
    }
    if !records.extra.is_empty() {
        let names: Vec<Value> = records.extra.iter().map(|n| n.as_str().into()).collect();
        item = item.with("extra_dimensions", names);
    }
    item.bytes = Some((0, u64::from(header.header_len)));
    item
}

/// Adjusted standard GPS time to seconds since 1970.
fn unix(adjusted: f64) -> f64 {
    let gps = adjusted + 1e9;
    gps + 315_964_800.0 - leap_seconds(gps)
}

/// Seconds by which GPS time is ahead of UTC, by seconds since the start of GPS.
fn leap_seconds(gps: f64) -> f64 {
    const STEPS: &[f64] = &[
        46_828_800.0,
        78_364_801.0,
        109_900_802.0,
        173_059_203.0,
        252_028_804.0,
        315_187_205.0,
        346_723_206.0,
        393_984_007.0,
        425_520_008.0,
        457_056_009.0,
        504_489_610.0,
        551_750_411.0,
        599_184_012.0,
        820_108_813.0,
        914_803_214.0,
        1_025_136_015.0,
        1_119_744_016.0,
        1_167_264_017.0,
    ];
    STEPS.iter().filter(|&&step| gps >= step).count() as f64
}

/// What lies between what is known: named so that it is found again.
fn gap(to: &mut Container<'_>, start: u64, end: u64) -> Result<(), InspectError> {
    to.residue(start..end, Place::Between)
}

/// A text field of the header or of a record's head.
fn label_text(to: &mut Container<'_>, start: u64, len: u64, name: &str) -> Result<(), InspectError> {
    field(to, start..start + len, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gps_time_becomes_utc() {
        // 2020-01-01T00:00:00Z is 1577836800; GPS was 18 s ahead.
        let gps = 1_577_836_800.0 - 315_964_800.0 + 18.0;
        assert_eq!(unix(gps - 1e9), 1_577_836_800.0);
        // 2010-06-01T00:00:00Z, 15 s.
        let gps = 1_275_350_400.0 - 315_964_800.0 + 15.0;
        assert_eq!(unix(gps - 1e9), 1_275_350_400.0);
    }
}
