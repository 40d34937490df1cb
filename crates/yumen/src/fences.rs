//! The sensitive areas that an organisation's configuration names.

use std::path::Path;
use std::sync::Arc;

use yumen_kit_geo::{Datum, Fences};
use yumen_model::Watch;
use yumen_model::verdict::Text;
use yumen_report::CodedText;
use yumen_rules::Rulebook;

use crate::error::Failure;

struct Watched(Fences);

impl Watch for Watched {
    fn around(&self, lat: f64, lon: f64) -> Vec<&str> {
        self.0.around(lat, lon)
    }
}

/// The fences of a configuration.
pub(crate) struct Loaded {
    /// What positions are watched for.
    pub(crate) watch: Option<Arc<dyn Watch>>,
    /// Which files were applied, by their digests, for the report. Names and places of areas are told nowhere.
    pub(crate) note: Option<CodedText>,
}

/// Reads the files that a configuration names.
pub(crate) fn load(rulebook: &Rulebook, config: Option<&Path>) -> Result<Loaded, Failure> {
    let mut fences = Fences::default();
    let mut told = Vec::new();
    let folder = config.and_then(Path::parent).unwrap_or_else(|| Path::new(""));
    for source in rulebook.fences() {
        let path = folder.join(&source.file);
        let shown = path.display().to_string();
        let bytes =
            std::fs::read(&path).map_err(|e| Failure::Read { path: shown.clone(), cause: e.kind().to_string() })?;
        let bad = |cause: String| Failure::Fences { path: shown.clone(), cause };
        let geojson = serde_json::from_slice(&bytes)
            .map_err(|e| bad(format!("not JSON at line {}, column {}", e.line(), e.column())))?;
        let datum = Datum::declared(&source.datum).unwrap_or_default();
        fences.add(&geojson, &source.name, source.buffer_m, datum).map_err(|e| bad(e.to_string()))?;
        told.push(format!("{} (blake3:{})", source.name, blake3::hash(&bytes).to_hex()));
    }
    let note = (!told.is_empty()).then(|| {
        let list = told.join(", ");
        CodedText {
            code: "fences-applied".to_owned(),
            text: Text::new(
                format!("已按本单位提供的敏感区域围栏检查位置：{list}。"),
                format!("Positions were checked against the organisation's fences: {list}."),
            ),
        }
    });
    let watch = (!fences.is_empty()).then(|| Arc::new(Watched(fences)) as _);
    Ok(Loaded { watch, note })
}
