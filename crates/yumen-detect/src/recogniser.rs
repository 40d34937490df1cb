//! What makes a candidate, and what makes a candidate a match. One struct a family of values, one list of all.

use std::borrow::Cow;

use yumen_model::{KindId, Mask, Props};

/// Bytes of text before a candidate that a recogniser can count on, where the stream has them.
pub const BACK: usize = 256;
/// Bytes of text after a candidate that a recogniser can count on, where the stream has them.
pub const AHEAD: usize = 64 << 10;

/// Longest run that makes a candidate.
pub const LONGEST_RUN: usize = 4 << 10;
/// Matches in a cell with less confidence than this are provisional: the scanner keeps them only in a column that holds hardly anything else.
/// Holds for the kinds of [`crate::identifiers`]; anywhere else they are dropped.
pub const PROVISIONAL: f64 = 0.3;

/// A maximal run of ASCII letters and digits (`[0-9A-Za-z]+`). Full-width letters and digits count as their ASCII forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Length in bytes.
    pub len: usize,
    /// How many are digits.
    pub digits: usize,
    /// How many are upper-case letters.
    pub upper: usize,
    /// How many are lower-case letters.
    pub lower: usize,
    /// Whether `digit` `.` stands before it (the fraction of a decimal number).
    pub fraction: bool,
}

/// Where a candidate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Running text: prose, source, logs.
    Prose,
    /// A value of a record.
    Cell {
        /// The field's name (header, key with its path); empty when it has none.
        name: &'a str,
        /// Where the value begins in [`Candidate::text`].
        start: usize,
        /// Where the value ends in [`Candidate::text`].
        end: usize,
    },
    /// A printable stretch of a binary artifact: be strict.
    Binary,
    /// The artifact's own name.
    Name,
}

/// A candidate with its surroundings.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The text around it: [`BACK`] bytes before and [`AHEAD`] after, as far as the stream has them. In records it is the text of the one record,
    /// the values separated by [`yumen_model::RecordBatch::CELL_END`]. Full-width letters, digits and `＠．－＋＿` stand as their ASCII forms.
    pub text: &'a str,
    /// Where the candidate begins in `text`.
    pub start: usize,
    /// Where it ends in `text`.
    pub end: usize,
    /// The run, when a run made the candidate.
    pub run: Option<Run>,
    /// Index into the recogniser's literals, when a literal made it.
    pub literal: Option<usize>,
    /// Where it stands.
    pub place: Place<'a>,
    /// Format of the artifact (`csv`, `json`, `text`…).
    pub format: &'a str,
    /// The artifact's lower-case extension; of names without one the lower-case name (`license`, `makefile`).
    pub extension: &'a str,
    /// The artifact's lower-case name without the folders it lies in.
    pub file: &'a str,
}

impl<'a> Candidate<'a> {
    /// The candidate itself.
    #[must_use]
    pub fn value(&self) -> &'a str {
        self.text.get(self.start..self.end).unwrap_or("")
    }
    /// The text before it, as far as it is there.
    #[must_use]
    pub fn before(&self) -> &'a str {
        self.text.get(..self.start).unwrap_or("")
    }
    /// The text after it, as far as it is there.
    #[must_use]
    pub fn after(&self) -> &'a str {
        self.text.get(self.end..).unwrap_or("")
    }
}

/// A match. Positions are in [`Candidate::text`]; the scanner turns them into places in the artifact.
pub struct Match {
    /// The kind.
    pub kind: KindId,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// 0 to 1. Of two matches that overlap the surer stays, then the longer.
    pub confidence: f64,
    /// How the sample is masked.
    pub mask: Mask,
    /// Distinguishing properties.
    pub distinct: Props,
    /// Words gathered into list properties.
    pub collect: Vec<(&'static str, Cow<'static, str>)>,
    /// The normalised value, when it names a subject (`yumen_model::KindId::rank`): upper case, without spaces and hyphens. None keeps the match out of the
    /// subject count (a value told with `checksum: false`).
    pub identifier: Option<String>,
    /// Latitude and longitude in degrees on WGS-84, of a match that tells a position.
    pub position: Option<(f64, f64)>,
}

/// One family of values: what makes a candidate, and what makes a candidate a match. Stateless: a candidate and its surroundings decide.
pub trait Recogniser: Send + Sync {
    /// Data kinds it can report.
    fn kinds(&self) -> &'static [KindId];
    /// Literals that make a candidate; ASCII letters match in either case.
    fn literals(&self) -> &'static [&'static str] {
        &[]
    }
    /// Whether a run makes a candidate, by its counts alone. Runs of up to four bytes (fractions apart) are offered only where they begin groups that
    /// the same byte joins: `xx:xx:xx:`, `138-1234-`, `6222 0212 `.
    fn wants(&self, run: &Run) -> bool {
        let _ = run;
        false
    }
    /// Whether every value of a column or key of this name makes a candidate (one without run and literal). Asked once a name; an empty name asks
    /// for columns without a header.
    fn wants_column(&self, name: &str) -> bool {
        let _ = name;
        false
    }
    /// Examines a candidate. The matches need not lie at the candidate itself (a label makes the candidate, the value after it the match).
    fn examine(&self, candidate: &Candidate<'_>, out: &mut Vec<Match>);
}
