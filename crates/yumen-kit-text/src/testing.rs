//! For the tests of plugins: records what an inspection sends, in a form that does not depend on how batches are cut.

use std::sync::Arc;

use yumen_model::evidence::{MAX_BATCH, NO_NAME};
use yumen_model::{
    Artifact, Batch, Blob, GroupFact, Inspection, LabelMap, Message, Need, Note, Reason, Stop, TextEncoding,
    coverage::Labelled,
};

use crate::position;

/// A value with everything that a detector is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Name, empty when it has none.
    pub name: String,
    /// The value.
    pub text: String,
    /// Column index.
    pub column_index: u32,
    /// Bytes in the artifact.
    pub bytes: (u64, u64),
    /// Line and column.
    pub place: (u64, u32),
    /// Stands there byte for byte.
    pub verbatim: bool,
}

/// What an inspection sent.
#[derive(Debug, Default)]
pub struct Recorder {
    /// The artifact's bytes, to check verbatim values against.
    pub source: Vec<u8>,
    /// All records.
    pub records: Vec<Vec<Value>>,
    /// All text, and of each character its offset in the artifact.
    pub text: String,
    /// Offsets of the characters of `text`.
    pub offsets: Vec<u64>,
    /// Line of the first character of the text stream.
    pub first_line: u64,
    /// Raw pieces.
    pub raw: Vec<(u64, Vec<u8>)>,
    /// Notes.
    pub notes: Vec<Note>,
    /// Facts lent.
    pub exports: Vec<GroupFact>,
    /// Needs told.
    pub needs: Vec<Need>,
    labels: LabelMap,
    open: Vec<u32>,
    seen: Vec<u32>,
}

impl Recorder {
    /// An artifact in memory, and a recorder for it.
    #[must_use]
    pub fn of(name: &str, format: &'static str, bytes: &[u8]) -> (Artifact, Recorder) {
        let artifact = Artifact {
            blob: Blob::from_bytes(Arc::<[u8]>::from(bytes)),
            name: name.to_owned(),
            format,
            attributes: Default::default(),
            inside: Vec::new(),
        };
        (artifact, Recorder { source: bytes.to_vec(), ..Recorder::default() })
    }

    /// Records as lists of `name=value`; values without a name stand alone.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<String>> {
        let show = |v: &Value| if v.name.is_empty() { v.text.clone() } else { format!("{}={}", v.name, v.text) };
        self.records.iter().map(|r| r.iter().map(show).collect()).collect()
    }

    /// The first value with this text.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&Value> {
        self.records.iter().flatten().find(|v| v.text == text)
    }

    /// Whether a note was sent.
    #[must_use]
    pub fn noted(&self, code: &str) -> bool {
        self.notes.iter().any(|n| n.code == code)
    }

    /// The labels, each byte counted once; bytes without a label count as opaque (`unsupported`).
    ///
    /// # Panics
    /// If a stream was left open.
    #[must_use]
    pub fn labelled(&self) -> Labelled {
        assert!(self.open.is_empty(), "streams are closed");
        self.labels.clone().resolve(self.source.len() as u64, Reason::Unsupported)
    }

    /// Everything seen, in one text, for tests that nothing goes unseen.
    #[must_use]
    pub fn everything(&self) -> String {
        let mut all = self.text.clone();
        for value in self.records.iter().flatten() {
            all.push('\n');
            all.push_str(&value.name);
            all.push('=');
            all.push_str(&value.text);
        }
        all
    }
}

impl Inspection for Recorder {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        match message {
            Message::Note(note) => self.notes.push(note),
            Message::Label { range, label } => self.labels.add(range, label),
            Message::Export(fact) => self.exports.push(fact),
            Message::Need(need) => self.needs.push(need),
            Message::Evidence(header) => {
                assert!(!self.seen.contains(&header.stream), "a stream is opened once");
                self.open.push(header.stream);
                self.seen.push(header.stream);
                if header.stream == 0 {
                    self.first_line = header.properties.get("first_line").and_then(|v| v.as_u64()).unwrap_or(1);
                }
            }
            Message::EvidenceEnd { stream } => {
                assert!(self.open.contains(&stream), "only an open stream ends");
                self.open.retain(|&s| s != stream);
            }
            Message::Batch { stream, batch } => {
                assert!(self.open.contains(&stream), "a batch belongs to an open stream");
                self.batch(batch);
            }
            _ => panic!("no other message is expected"),
        }
        Ok(())
    }
}

impl Recorder {
    fn batch(&mut self, batch: Batch<'_>) {
        match batch {
            Batch::Text(b) => {
                assert!(b.text.len() <= MAX_BATCH);
                for (i, c) in b.text.char_indices() {
                    let at = position(&b.map, &b.text, i);
                    self.offsets.push(at);
                    if b.map.encoding == TextEncoding::Utf8 && c.is_ascii() {
                        assert_eq!(self.source[at as usize], c as u8, "a position is exact");
                    }
                }
                self.text.push_str(&b.text);
            }
            Batch::Raw(b) => self.raw.push((b.offset, b.bytes.into_owned())),
            Batch::Records(b) => {
                assert!(b.text.len() <= MAX_BATCH);
                assert_eq!(b.records.first(), Some(&0));
                assert!(b.records.windows(2).all(|w| w[0] < w[1]));
                let mut at = 0;
                for cell in &b.cells {
                    assert_eq!(cell.start as usize, at, "values follow each other");
                    at = cell.end as usize + 1;
                    assert_eq!(b.text.as_bytes()[cell.end as usize], 0x1F);
                    assert!(cell.name == NO_NAME || (cell.name as usize) < b.names.len());
                    assert!(cell.byte_start <= cell.byte_end && cell.byte_end <= self.source.len() as u64);
                    if cell.verbatim && !b.value(cell).contains('\u{FFFD}') {
                        let bytes = &self.source[cell.byte_start as usize..cell.byte_end as usize];
                        assert!(bytes == b.value(cell).as_bytes(), "a verbatim value stands in the artifact");
                    }
                }
                assert_eq!(at, b.text.len());
                for row in b.rows() {
                    let value = |c: &yumen_model::Cell| Value {
                        name: b.name(c).to_owned(),
                        text: b.value(c).to_owned(),
                        column_index: c.column_index,
                        bytes: (c.byte_start, c.byte_end),
                        place: (c.line, c.column),
                        verbatim: c.verbatim,
                    };
                    self.records.push(row.iter().map(value).collect());
                }
            }
            _ => panic!("text holds no binary keys"),
        }
    }
}
