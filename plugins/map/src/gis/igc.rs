//! IGC flight recordings: B records hold a position each.

use yumen_kit_container::FormatReader;
use yumen_kit_text::{Decoder, Detection, detect, send_text};
use yumen_model::{Artifact, Certainty, Context, Fix, Format, Identity, InspectError, Inspection, Probe};

use super::emit::Emit;
use super::when;

/// Documentation of `igc`.
const IGC: Format = Format {
    name: "igc",
    title: "IGC flight recording",
    media_type: "text/plain",
    extensions: &["igc"],
    magic: "an A record of a manufacturer, then H records and B records of 35 characters or more",
    reference: "FAI IGC technical specification for GNSS flight recorders, appendix A",
    evidence: "positions of B records; text",
    limitations: &["Task declarations (C records) are read as text."],
};

/// Reads IGC.
pub(crate) struct Igc;

/// Seconds of the day, latitude, longitude, height and whether the fix is valid.
fn fix(line: &str) -> Option<(f64, f64, f64, Option<f64>, bool)> {
    let b = line.as_bytes();
    if b.len() < 35 || b[0] != b'B' || !line.is_ascii() {
        return None;
    }
    let n = |r: std::ops::Range<usize>| line.get(r)?.parse::<f64>().ok();
    let time = n(1..3)? * 3600.0 + n(3..5)? * 60.0 + n(5..7)?;
    let lat = n(7..9)? + n(9..14)? / 60_000.0;
    let lon = n(15..18)? + n(18..23)? / 60_000.0;
    let lat = match b[14] {
        b'N' => lat,
        b'S' => -lat,
        _ => return None,
    };
    let lon = match b[23] {
        b'E' => lon,
        b'W' => -lon,
        _ => return None,
    };
    matches!(b[24], b'A' | b'V').then(|| {
        (time, lat, lon, n(30..35).or_else(|| n(25..30)), n(30..35).is_some_and(|h| h != 0.0) || b[24] == b'A')
    })
}

impl FormatReader for Igc {
    fn formats(&self) -> &'static [Format] {
        &[IGC]
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let b = probe.head;
        if b.first() != Some(&b'A') || !b.get(1..4)?.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let text = String::from_utf8_lossy(&b[..b.len().min(32 << 10)]);
        let heads =
            text.lines().take(30).filter(|l| l.starts_with("HF") || l.starts_with("HO") || l.starts_with("HP")).count();
        let fixes = text.lines().filter(|l| fix(l).is_some()).count();
        (heads >= 1 && fixes >= 2).then(|| Identity::new(IGC.name, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        send_text(artifact, out)?;
        let detection = detect(&artifact.blob).map_err(|e| InspectError::read(0, &e))?.unwrap_or(Detection::UTF8);
        let mut decoder = Decoder::new(&artifact.blob, detection);
        let mut emit = Emit::new(artifact, Some("wgs84"));
        let (mut line, mut offset, mut at) = (String::new(), 0, 0);
        let (mut midnight, mut last) = (None, f64::MIN);
        loop {
            let chunk = decoder.next_chunk().map_err(|e| InspectError::read(at, &e))?;
            let end = chunk.is_none();
            let (text, base) = chunk.as_ref().map_or(("\n", at), |c| (c.text, c.range.start));
            let mut from = 0;
            while let Some(n) = memchr::memchr(b'\n', &text.as_bytes()[from..]) {
                if line.len() < 256 {
                    line.push_str(text[from..from + n].get(..256).unwrap_or(&text[from..from + n]));
                }
                if let Some(date) = line.strip_prefix("HFDTEDATE:").or_else(|| line.strip_prefix("HFDTE")) {
                    let two = |r: std::ops::Range<usize>| date.get(r)?.parse::<i64>().ok();
                    if let (Some(d), Some(m), Some(y)) = (two(0..2), two(2..4), two(4..6)) {
                        let year = if y < 80 { 2000 + y } else { 1900 + y };
                        midnight = Some(when::days(year, m.clamp(1, 12), d.clamp(1, 31)) as f64 * 86_400.0);
                    }
                } else if let Some((time, y, x, z, valid)) = fix(line.trim_end()) {
                    // A flight may last past midnight.
                    if time < last - 43_200.0 {
                        midnight = midnight.map(|m| m + 86_400.0);
                    }
                    last = time;
                    if valid {
                        let time_s = midnight.map(|m| m + time);
                        emit.fix(Fix { x, y, z, time_s, entity: 1, offset }, out)?;
                    }
                }
                line.clear();
                from += n + 1;
                offset = base + from as u64;
            }
            if line.len() < 256 {
                line.push_str(text[from..].get(..256).unwrap_or(&text[from..]));
            }
            if end {
                break;
            }
            at = chunk.map_or(at, |c| c.range.end);
        }
        emit.finish(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b_records_are_positions() {
        let (time, lat, lon, z, valid) = fix("B1101355206343N00006198WA0058700558").unwrap();
        assert_eq!((time, z, valid), (39_695.0, Some(558.0), true));
        assert!((lat - 52.105_716_7).abs() < 1e-6 && (lon + 0.1033).abs() < 1e-6);
        assert!(fix("B110135").is_none() && fix("Battery was charged to full on the day").is_none());
    }
}
