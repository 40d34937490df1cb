//! The reference system out of GeoTIFF keys.

use yumen_kit_container::window::num::{le16, le64};

use crate::crs::{Crs, Frame};

const USER_DEFINED: u16 = 32767;

/// The GeoTIFF key directory with the two records that its values may stand in.
#[derive(Clone, Debug, Default)]
pub(super) struct GeoKeys {
    pub directory: Vec<u8>,
    pub doubles: Vec<u8>,
    pub ascii: Vec<u8>,
}

impl GeoKeys {
    fn entry(&self, key: u16) -> Option<(u16, u16, u16)> {
        let count = usize::from(le16(&self.directory, 6)).min(self.directory.len() / 8);
        (1..=count)
            .map(|i| i * 8)
            .find(|&at| le16(&self.directory, at) == key && at + 8 <= self.directory.len())
            .map(|at| (le16(&self.directory, at + 2), le16(&self.directory, at + 4), le16(&self.directory, at + 6)))
    }

    fn short(&self, key: u16) -> Option<u16> {
        self.entry(key).filter(|e| e.0 == 0).map(|e| e.2)
    }

    fn double(&self, key: u16) -> Option<f64> {
        let (place, _, index) = self.entry(key)?;
        let at = usize::from(index) * 8;
        let value = f64::from_bits(le64(&self.doubles, at));
        (place == 34736 && at + 8 <= self.doubles.len() && value.is_finite()).then_some(value)
    }

    fn text(&self, key: u16) -> Option<&str> {
        let (place, count, index) = self.entry(key)?;
        let bytes = self.ascii.get(usize::from(index)..usize::from(index) + usize::from(count));
        let text = bytes.filter(|_| place == 34737).and_then(|b| std::str::from_utf8(b).ok())?;
        Some(text.trim_end_matches(['|', '\0', ' ']))
    }

    /// The system, as far as the keys tell it.
    pub(super) fn crs(&self) -> Crs {
        if self.directory.len() < 16 {
            return Crs::default();
        }
        let code = |key| self.short(key).filter(|&code| (1024..USER_DEFINED).contains(&code)).map(u32::from);
        let model = self.short(1024);
        let mut crs = match (code(3072), code(2048), model) {
            (Some(projected), _, Some(1) | None) => Crs::epsg(projected),
            (_, Some(base), Some(3)) => match Crs::epsg(base) {
                crs if crs.frame == Some(Frame::Ecef) => crs,
                crs => Crs { text: Some("ecef".into()), frame: Some(Frame::Ecef), ..crs },
            },
            (_, Some(base), Some(2) | None) => Crs::epsg(base),
            _ => self.projection().unwrap_or_default(),
        };
        match self.short(3076) {
            Some(9002) => crs.unit_m = 0.3048,
            Some(9003) => crs.unit_m = 1200.0 / 3937.0,
            Some(9001) => crs.unit_m = 1.0,
            _ => {}
        }
        crs
    }

    /// A projection that is written out (transverse Mercator, as national grids are), or named in a citation.
    fn projection(&self) -> Option<Crs> {
        let datum = match self.short(2048) {
            Some(4490) => "+ellps=GRS80",
            Some(4269 | 4258) => "+ellps=GRS80",
            Some(4214) => "+ellps=krass",
            _ => "+datum=WGS84",
        };
        if self.short(3075) == Some(1) {
            let central = self.double(3080).or_else(|| self.double(3088))?;
            let text = format!(
                "+proj=tmerc +lat_0={} +lon_0={central} +k={} +x_0={} +y_0={} {datum} +units=m +no_defs",
                self.double(3081).unwrap_or(0.0),
                self.double(3092).unwrap_or(1.0),
                self.double(3082).unwrap_or(0.0),
                self.double(3083).unwrap_or(0.0),
            );
            let mut crs = Crs::of_text(&text);
            if self.short(2048) == Some(4490) {
                crs.datum = Some("cgcs2000");
            }
            return Some(crs);
        }
        [3073, 1026, 2049].iter().filter_map(|&key| self.text(key)).find_map(named_zone)
    }
}

/// `WGS 84 / UTM zone 50N`, `UTM Zone 50, Northern Hemisphere`.
fn named_zone(text: &str) -> Option<Crs> {
    let lower = text.to_ascii_lowercase();
    let rest = lower.split("utm").nth(1)?;
    let rest = rest.trim_start().strip_prefix("zone").unwrap_or(rest).trim_start();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let zone: u32 = digits.parse().ok().filter(|z| (1..=60).contains(z))?;
    let after = rest[digits.len()..].trim_start_matches([',', ' ']);
    let south = after.starts_with('s');
    let wgs = lower.contains("wgs") || !lower.contains("nad");
    wgs.then(|| Crs::epsg(if south { 32_700 } else { 32_600 } + zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(entries: &[[u16; 4]]) -> GeoKeys {
        let mut all = vec![[1, 1, 0, entries.len() as u16]];
        all.extend_from_slice(entries);
        GeoKeys { directory: all.iter().flatten().flat_map(|v| v.to_le_bytes()).collect(), ..GeoKeys::default() }
    }

    #[test]
    fn the_model_says_which_key_counts() {
        let crs = keys(&[[1024, 0, 1, 1], [2048, 0, 1, 4326], [3072, 0, 1, 32650], [3076, 0, 1, 9001]]).crs();
        assert_eq!(crs.text.as_deref(), Some("EPSG:32650"));
        let crs = keys(&[[1024, 0, 1, 2], [2048, 0, 1, 4490]]).crs();
        assert_eq!((crs.text.as_deref(), crs.frame), (Some("EPSG:4490"), Some(Frame::Geodetic)));
        let crs = keys(&[[1024, 0, 1, 3], [2048, 0, 1, 4326]]).crs();
        assert_eq!(crs.text.as_deref(), Some("ecef"));
        assert_eq!(keys(&[[3072, 0, 1, 32767]]).crs(), Crs::default());
    }

    #[test]
    fn a_zone_may_be_named_only() {
        let mut keys = keys(&[[1024, 0, 1, 1], [1026, 34737, 22, 0], [3072, 0, 1, 32767]]);
        keys.ascii = b"WGS 84 / UTM zone 50N|".to_vec();
        assert_eq!(keys.crs().text.as_deref(), Some("EPSG:32650"));
        assert_eq!(named_zone("NAD83 / UTM zone 10N"), None);
    }
}
