//! x
/// x
pub fn schema() -> serde_json::Value { serde_json::Value::Null }
/// x
pub fn overlay_schema() -> serde_json::Value { serde_json::Value::Null }
