//! x
/// JSON Schema.
#[must_use]
pub fn schema() -> serde_json::Value { serde_json::Value::Null }
