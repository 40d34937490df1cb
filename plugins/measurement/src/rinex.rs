//! RINEX: observations and navigation data of receivers. The header tells where the receiver stood, of whom the data are, and with what it was recorded.
//!
//! Source: RINEX 2.11, 3.05 and 4.01 (IGS); compact form by Hatanaka.

use yumen_kit_container::FormatReader;
use yumen_kit_text::{Sample, send_text};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe, Spatial,
};

use crate::out::Out;

pub(crate) struct Rinex;

/// Longest header that is read, in bytes.
const HEADER: u64 = 256 << 10;

const FORMATS: &[Format] = &[Format {
    name: "rinex",
    title: "RINEX",
    media_type: "text/plain",
    extensions: &["rnx", "crx"],
    magic: "`RINEX VERSION / TYPE` or `CRINEX VERS   / TYPE` in columns 61 to 80 of the first line",
    reference: "https://igs.org/formats-and-standards/",
    evidence: "the whole text; the approximate position of the marker (ECEF); sensor.recording with type, version and satellite system",
    limitations: &["No position is computed from observations."],
}];

impl FormatReader for Rinex {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let text = Sample::of(probe)?.text;
        let label = text.lines().next().and_then(|line| line.get(60..)).map(str::trim_end)?;
        matches!(label, "RINEX VERSION / TYPE" | "CRINEX VERS   / TYPE")
            .then(|| Identity::new("rinex", Certainty::Specific))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        send_text(artifact, out)?;
        let head = artifact.blob.bytes(0..artifact.blob.len().min(HEADER)).map_err(|e| InspectError::read(0, &e))?;
        let head = String::from_utf8_lossy(&head);
        let mut to = Out::new(artifact, out);
        let mut item = InventoryItem::new(kinds::SENSOR_RECORDING);
        let mut offset = 0u64;
        for line in head.split_inclusive('\n') {
            let (value, label) = line.trim_end().split_at_checked(60).unwrap_or((line, ""));
            match label.trim() {
                "RINEX VERSION / TYPE" => {
                    let field = |from: usize, to: usize| value.get(from..to).unwrap_or("").trim().to_owned();
                    item = item.with("version", field(0, 20)).with("type", field(20, 40)).with("system", field(40, 60));
                }
                "APPROX POSITION XYZ" => {
                    let xyz: Vec<f64> = value.split_whitespace().filter_map(|n| n.parse().ok()).collect();
                    if let [x, y, z] = xyz[..]
                        && x.hypot(y).hypot(z) > 6e6
                    {
                        let mut point = Spatial::new(kinds::GEO_POINT).with("source", "marker");
                        point.crs = Some("ecef".to_owned());
                        point.samples = vec![[x, y, z]];
                        point.bytes = Some((offset, offset + line.len() as u64));
                        to.spatial(point);
                    }
                }
                "INTERVAL" => {
                    if let Some(interval) = value.trim().parse::<f64>().ok().filter(|n| *n > 0.0) {
                        item = item.with("rate_hz", 1.0 / interval);
                    }
                }
                "END OF HEADER" => break,
                _ => {}
            }
            offset += line.len() as u64;
        }
        to.to.inventory(item);
        to.finish(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use yumen_kit_container::testing::{abuse, identify, inspect, prose};

    use super::*;
    use crate::MeasurementPlugin;

    #[test]
    fn the_marker_s_position_is_told() {
        let text = "     3.04           OBSERVATION DATA    M                   RINEX VERSION / TYPE\n\
                    convbin 2.4.3       LI MING             20260725 010203 UTC PGM / RUN BY / DATE\n\
                    BJFS                                                        MARKER NAME\n\
                    \u{20}-2148744.0000  4426641.0000  4044656.0000                  APPROX POSITION XYZ\n\
                    \u{20}    1.000                                                  INTERVAL\n\
                    \u{20}                                                           END OF HEADER\n\
                    > 2026 07 25 01 02  3.0000000  0  1\nG01  20000000.000\n";
        assert_eq!(identify(&MeasurementPlugin, "bjfs2060.26o", text.as_bytes()).map(|i| i.format), Some("rinex"));
        let recorded = inspect(&MeasurementPlugin, "bjfs2060.26o", text.as_bytes());
        recorded.assert_clear();
        assert_eq!(recorded.spatial[0].samples, [[-2_148_744.0, 4_426_641.0, 4_044_656.0]]);
        assert_eq!(recorded.item(kinds::SENSOR_RECORDING).properties["rate_hz"], 1.0);
        assert!(recorded.texts.concat().contains("LI MING"));
        abuse(&MeasurementPlugin, "rinex", "a.rnx", text.as_bytes(), 20);
        assert!(identify(&MeasurementPlugin, "a.rnx", &prose(2000)).is_none());
    }
}
