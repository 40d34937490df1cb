//! What would lift a finding: the smallest change of the shipment after which it is no longer there.

use serde_json::Value;
use yumen_model::finding::{Finding, Remedy};
use yumen_model::kind::{KindId, kinds};
use yumen_model::verdict::Text;

/// Most remedies of one finding.
const MOST: usize = 4;

/// The remedies of a finding, the narrowest first. None where nothing but leaving the artifact out would help.
pub(crate) fn remedies(finding: &Finding) -> Vec<Remedy> {
    let mut out = Vec::new();
    let kind = finding.kind;
    let name = kind.name();
    let topics = topics(finding);
    let placed = name.starts_with("geo.") || kind == kinds::IMAGE_POSITION;
    if placed && text(finding, "region") == Some("outside") {
        return out;
    }
    for window in windows(finding) {
        out.push(remedy("cut-time", Some(window.clone()), format!("剪去 {window} 的部分"), format!("cut {window}")));
    }
    if placed || name.starts_with("sensor.") || name.starts_with("image.") {
        for topic in topics {
            out.push(remedy(
                "drop-topic",
                Some(topic.clone()),
                format!("删除话题 {topic}"),
                format!("drop topic {topic}"),
            ));
        }
    }
    if let Some((action, zh, en)) = by_kind(kind, finding) {
        out.push(remedy(action, None, zh.to_owned(), en.to_owned()));
    }
    out.truncate(MOST);
    out
}

fn remedy(action: &str, target: Option<String>, zh: String, en: String) -> Remedy {
    Remedy { action: action.to_owned(), target, text: Text::new(zh, en) }
}

fn text<'f>(finding: &'f Finding, name: &str) -> Option<&'f str> {
    finding.properties.get(name).and_then(Value::as_str)
}

/// The topics that a finding stands on.
fn topics(finding: &Finding) -> Vec<String> {
    let places = std::iter::once(&finding.location).chain(&finding.places);
    let mut topics: Vec<String> = places.filter_map(|l| l.topic.clone()).collect();
    match finding.properties.get("topic") {
        Some(Value::String(topic)) => topics.push(topic.clone()),
        Some(Value::Array(list)) => topics.extend(list.iter().filter_map(Value::as_str).map(str::to_owned)),
        _ => {}
    }
    topics.sort();
    topics.dedup();
    topics
}

/// Stretches of time in which positions lie inside the mainland, where only part of a track does.
fn windows(finding: &Finding) -> Vec<String> {
    let list = finding.properties.get("inside_times").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What helps against a kind wherever it stands.
fn by_kind(kind: KindId, finding: &Finding) -> Option<(&'static str, &'static str, &'static str)> {
    let local = text(finding, "frame") == Some("local") && text(finding, "tied_to").is_none();
    Some(match kind {
        kinds::GEO_POINT_CLOUD | kinds::GEO_MAP | kinds::GEO_INERTIAL if !local => (
            "keep-local-frame",
            "去除地理参考及定位数据，仅保留局部坐标",
            "remove the georeference and the positions beside it, and keep the local frame only",
        ),
        kinds::GEO_TRACK | kinds::GEO_POINT if !local => (
            "remove-positions",
            "删除位置字段，或改为相对起点的局部坐标",
            "remove the position fields, or make them relative to a local start",
        ),
        kinds::GEO_IMAGERY => ("remove-georeference", "去除影像的地理参考", "remove the raster's georeference"),
        kinds::GEO_SENSITIVE_AREA => ("cut-area", "剪去敏感区域内的部分", "cut what lies within the sensitive areas"),
        kinds::IMAGE_POSITION => {
            ("remove-gps-exif", "删除照片 EXIF 中的 GPS 信息", "remove the GPS entries of the pictures' EXIF")
        }
        kinds::IMAGE_FACE | kinds::IMAGE_PLATE => {
            ("blur", "对人脸和号牌作局部轮廓化或模糊处理", "blur faces and plates")
        }
        kinds::KEY_PRIVATE | kinds::KEY_PASSWORD | kinds::KEY_TOKEN => (
            "remove-and-revoke",
            "删除并在其生效处吊销、更换",
            "remove it, and revoke and replace it where it is valid",
        ),
        kinds::DOC_BOM | kinds::DOC_SECRECY_MARKING | kinds::DOC_EXPORT_CONTROL => return None,
        kind if personal(kind) => (
            "anonymise",
            "删除该字段或作匿名化处理",
            "remove the field or anonymise it (a hash without a secret key is no anonymisation)",
        ),
        _ => return None,
    })
}

fn personal(kind: KindId) -> bool {
    ["person.", "vehicle.", "device."].iter().any(|family| kind.name().starts_with(family))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use yumen_model::finding::Location;

    use super::*;
    use crate::sample;

    fn found(kind: KindId, properties: Value, topic: Option<&str>) -> Finding {
        let mut finding = sample::finding("1", kind, "a.mcap", 1, 0.9, "");
        finding.properties = serde_json::from_value(properties).unwrap();
        finding.location = Location { topic: topic.map(str::to_owned), ..Location::default() };
        finding
    }

    fn actions(finding: &Finding) -> Vec<String> {
        remedies(finding).into_iter().map(|r| format!("{} {}", r.action, r.target.unwrap_or_default())).collect()
    }

    #[test]
    fn the_narrowest_remedy_comes_first() {
        let track = found(kinds::GEO_TRACK, json!({"region": "inside", "inside_times": ["12:03–12:07"]}), Some("/fix"));
        assert_eq!(actions(&track), ["cut-time 12:03–12:07", "drop-topic /fix", "remove-positions "]);
        assert!(actions(&found(kinds::GEO_TRACK, json!({"region": "outside"}), Some("/fix"))).is_empty());
        assert_eq!(actions(&found(kinds::SENSOR_CAMERA_EXTERIOR, json!({"topic": "/cam"}), None)), ["drop-topic /cam"]);
        assert!(
            actions(&found(kinds::GEO_POINT_CLOUD, json!({"region": "unknown", "frame": "local"}), None)).is_empty()
        );
        assert_eq!(actions(&found(kinds::VEHICLE_VIN, json!({}), None)), ["anonymise "]);
        assert!(actions(&found(kinds::DIAG_DBC, json!({}), None)).is_empty());
    }
}
