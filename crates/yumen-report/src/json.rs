//! The report as JSON, there and back, and its schema.

use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::report::{Report, SCHEMA};

/// Why a report could not be read. Never quotes the input.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It is not JSON, or misses what a report must have.
    #[error("not a report: line {line}, column {column}")]
    Malformed {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// It is another form than this build reads.
    #[error("the report does not have the schema {SCHEMA}")]
    Schema,
}

impl From<serde_json::Error> for ReadError {
    fn from(e: serde_json::Error) -> Self {
        ReadError::Malformed { line: e.line(), column: e.column() }
    }
}

impl Report {
    /// The report as JSON, on one line or indented; ends with a line break when indented. The order of keys and lists is fixed, and so
    /// is the text of numbers: the same report gives the same bytes.
    #[must_use]
    pub fn to_json(&self, pretty: bool) -> String {
        let json = if pretty { serde_json::to_string_pretty(self) } else { serde_json::to_string(self) };
        let mut json = json.expect("a report has only text keys");
        if pretty {
            json.push('\n');
        }
        json
    }

    /// Reads a report. Fields that this build does not know are passed over.
    ///
    /// # Errors
    /// When it is not a report, or one of another schema.
    pub fn from_json(json: &str) -> Result<Self, ReadError> {
        #[derive(Deserialize)]
        struct Head {
            #[serde(default)]
            schema: String,
        }
        let head: Head = serde_json::from_str(json)?;
        if head.schema != SCHEMA {
            return Err(ReadError::Schema);
        }
        Ok(serde_json::from_str(json)?)
    }
}

/// The JSON Schema (2020-12) of a report as [`Report::to_json`] writes it.
#[must_use]
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<Report>();
    schema.insert("$id".to_owned(), Value::from("https://yumen.example/schemas/report.json"));
    schema.insert("title".to_owned(), Value::from(SCHEMA));
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample;

    fn checks(report: &Report) {
        let schema = schema();
        let validator = jsonschema::draft202012::new(&schema).expect("the schema is one");
        let value: Value = serde_json::from_str(&report.to_json(false)).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }

    #[test]
    fn every_sample_validates_and_reads_back_the_same() {
        for report in [sample::empty(), sample::pass(), sample::hold(), sample::many(300)] {
            checks(&report);
            for pretty in [false, true] {
                let json = report.to_json(pretty);
                let back = Report::from_json(&json).unwrap();
                assert_eq!(back, report);
                assert_eq!(back.to_json(pretty), json);
            }
        }
    }

    #[test]
    fn the_schema_is_strict_where_it_matters() {
        let schema = schema();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let good: Value = serde_json::from_str(&sample::hold().to_json(false)).unwrap();
        let broken: [(&str, Value); 5] = [
            ("/schema", "yumen-report/2".into()),
            ("/verdict/outcome", "maybe".into()),
            ("/findings/0/kind", "key.unheard-of".into()),
            ("/coverage/total", (-1).into()),
            ("/opaque/0/reason", "shy".into()),
        ];
        for (at, value) in broken {
            let mut bad = good.clone();
            *bad.pointer_mut(at).unwrap() = value;
            assert!(!validator.is_valid(&bad), "{at}");
        }
        for field in ["coverage", "verdict", "findings", "complete"] {
            let mut bad = good.clone();
            bad.as_object_mut().unwrap().remove(field);
            assert!(!validator.is_valid(&bad), "{field}");
        }
    }

    /// The sample that the contract with other programs gives, `…` and all.
    const CONTRACT: &str = r#"{
      "schema": "yumen-report/1", "complete": true,
      "tool": {"name": "yumen", "version": "…"}, "rulebook": {"id": "cn-auto-2026", "digest": "…", "annex": "not-verified"},
      "artifacts": [{"path": "ota.zip!/payload.bin!/system.img", "format": "ext4", "bytes": 1048576, "digest": "blake3:…",
                     "notes": [{"code": "name-lies"}]}],
      "findings": [{"id": "…", "kind": "key.private", "artifact": "ota.zip!/keys/a.pem", "count": 1, "confidence": 0.99,
                    "location": {"line": 12, "column": 5, "bytes": [301, 1975]}, "places": [], "sample": "-----BEGIN PRIV…",
                    "properties": {}}],
      "opaque": [{"artifact": "ota.zip!/x.enc", "bytes": 4096, "reason": "encrypted", "digest": "blake3:…"}],
      "subjects": {"personal": 0, "sensitive": 0, "vehicles": 0},
      "coverage": {"total": 0, "inspected": 0, "container": 0, "opaque": 0, "opaque_by_reason": {"encrypted": 0}},
      "classifications": [{"row": "OTA-1", "class": "important", "because": ["<finding id>", "fact:upgrade.vehicles-in-china"], "provenance": {}}],
      "verdict": {"outcome": "pass", "route": "free", "classes": [], "reasons": [], "as_of": "2026-11-23",
                  "questions": [{"fact": "…", "key": "facts.upgrade.vehicles-in-china", "text": {"zh": "…", "en": "…"}}]}
    }"#;

    #[test]
    fn the_contracts_sample_is_read_and_nothing_of_it_is_lost() {
        let report = Report::from_json(CONTRACT).unwrap();
        let ours: Value = serde_json::from_str(&report.to_json(false)).unwrap();
        fn within(part: &Value, whole: &Value, at: &str) {
            match (part, whole) {
                (Value::Object(p), Value::Object(w)) => {
                    p.iter().for_each(|(k, v)| within(v, w.get(k).unwrap_or(&Value::Null), &format!("{at}/{k}")));
                }
                (Value::Array(p), Value::Array(w)) if p.len() == w.len() => {
                    p.iter().zip(w).for_each(|(p, w)| within(p, w, at));
                }
                _ => assert_eq!(part, whole, "{at}"),
            }
        }
        within(&serde_json::from_str(CONTRACT).unwrap(), &ours, "");
        checks(&report);
    }

    #[test]
    fn what_is_no_report_is_refused_without_a_quotation() {
        assert!(matches!(Report::from_json("{"), Err(ReadError::Malformed { line: 1, .. })));
        assert!(matches!(Report::from_json("{\"schema\": \"yumen-report/2\"}"), Err(ReadError::Schema)));
        assert!(matches!(Report::from_json("{}"), Err(ReadError::Schema)));
        let bad = CONTRACT.replace("\"count\": 1,", "\"count\": \"13800000000\",");
        assert!(!Report::from_json(&bad).unwrap_err().to_string().contains("138"));
    }

    #[test]
    fn a_report_without_run_does_not_mention_it() {
        let mut report = sample::hold();
        assert!(report.to_json(false).contains("\"run\":"));
        report.run = None;
        assert!(!report.to_json(false).contains("\"run\""));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(s in "\\PC{0,80}") {
            let _ = Report::from_json(&s);
        }

        #[test]
        fn a_truncated_report_is_refused(cut in 0usize..4000) {
            let json = sample::hold().to_json(true);
            let cut = (0..=cut.min(json.len() - 3)).rev().find(|&n| json.is_char_boundary(n)).unwrap_or(0);
            prop_assert!(Report::from_json(&json[..cut]).is_err());
        }
    }
}
