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
