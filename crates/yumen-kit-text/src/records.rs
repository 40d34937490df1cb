//! Flat records as evidence: rows, settings, lone values.

use std::borrow::Cow;
use std::collections::HashMap;

use yumen_model::evidence::NO_NAME;
use yumen_model::{
    Artifact, Batch, Cell, EvidenceHeader, EvidenceKind, InspectError, Inspection, InspectionExt, Message, RecordBatch,
    RecordOrigin, Seconds,
};

use crate::evidence::header;

/// Number of the stream that records go into.
const RECORD_STREAM: u32 = 1;
/// Number of the stream that names go into.
const NAME_STREAM: u32 = 3;
/// A batch goes out when it holds so many bytes of text or cells…
const BATCH_TEXT: usize = 512 << 10;
const BATCH_CELLS: usize = 32 << 10;
/// …and a record that is not complete by then is cut here.
const RECORD_TEXT: usize = 1 << 20;
const RECORD_CELLS: usize = 64 << 10;
/// Longest value in bytes: a longer one is sent in parts.
pub const MAX_CELL: usize = 1 << 20;
/// So many different names, or bytes of them, are remembered.
const MAX_NAMES: usize = 16 << 10;
const MAX_NAME_BYTES: usize = 512 << 10;

/// A place in an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Byte from 0.
    pub byte: u64,
    /// Line from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u32,
}

/// Gathers records into batches and sends them. Values are written piece by piece, names are told by number.
#[derive(Debug)]
pub struct RecordWriter {
    header: Option<EvidenceHeader>,
    stream: u32,
    batch_text: usize,
    text: String,
    cells: Vec<Cell>,
    records: Vec<u32>,
    origins: Vec<RecordOrigin>,
    /// The message that is read.
    origin: Option<(String, Seconds)>,
    /// Cell with which the open record begins.
    record: usize,
    /// Start of the open value in `text`.
    value: usize,
    names: Vec<String>,
    name_bytes: usize,
    numbers: HashMap<String, u32>,
    /// After a name usually comes the name that came after it before.
    follows: Vec<u32>,
    last: u32,
    /// Numbers of names in the batch, by their number here; valid where the epoch is the batch's.
    local: Vec<(u32, u32)>,
    epoch: u32,
    batch_names: Vec<u32>,
}

impl RecordWriter {
    /// A writer of one stream of an artifact. Nothing is sent before the first record.
    #[must_use]
    pub fn new(artifact: &Artifact) -> Self {
        RecordWriter::with_header(header(artifact, RECORD_STREAM, EvidenceKind::Records))
    }

    /// A writer of one stream of an artifact that has several of them, by the number of the stream.
    #[must_use]
    pub fn numbered(artifact: &Artifact, stream: u32) -> Self {
        RecordWriter::with_header(header(artifact, stream, EvidenceKind::Records))
    }

    /// A writer of names (of signals, services, functions…) with what is said of them: the role of the stream is `names`. Its text is part of
    /// what another stream shows, so detectors of personal data and keys pass it by.
    #[must_use]
    pub fn names(artifact: &Artifact) -> Self {
        let mut header = header(artifact, NAME_STREAM, EvidenceKind::Records);
        header.properties.insert("role".to_owned(), "names".into());
        RecordWriter::with_header(header)
    }

    /// A writer of a stream of this number, for artifacts of several tables; `properties` tell what is known of it (`table`…).
    #[must_use]
    pub fn stream(
        artifact: &Artifact,
        stream: u32,
        properties: std::collections::BTreeMap<String, serde_json::Value>,
    ) -> Self {
        let mut header = header(artifact, stream, EvidenceKind::Records);
        header.properties = properties;
        RecordWriter::with_header(header)
    }

    fn with_header(header: EvidenceHeader) -> Self {
        RecordWriter {
            stream: header.stream,
            header: Some(header),
            batch_text: BATCH_TEXT,
            text: String::new(),
            cells: Vec::new(),
            records: Vec::new(),
            origins: Vec::new(),
            origin: None,
            record: 0,
            value: 0,
            names: Vec::new(),
            name_bytes: 0,
            numbers: HashMap::new(),
            follows: Vec::new(),
            last: 0,
            local: Vec::new(),
            epoch: 0,
            batch_names: Vec::new(),
        }
    }

    /// Sends batches of about `bytes` instead of half a mebibyte.
    pub fn set_batch(&mut self, bytes: usize) {
        self.batch_text = bytes;
    }

    /// Tells of which message of a recording the values are that follow, up to the next call.
    pub fn origin(&mut self, topic: &str, time_s: f64) {
        let time = Seconds::new(time_s);
        match &mut self.origin {
            Some((t, s)) => {
                if t != topic {
                    topic.clone_into(t);
                }
                *s = time;
            }
            None => self.origin = Some((topic.to_owned(), time)),
        }
    }

    /// The number of a name.
    pub fn name(&mut self, name: &str) -> u32 {
        if let Some(&guess) = self.follows.get(self.last as usize)
            && self.names.get(guess as usize).is_some_and(|n| n == name)
        {
            self.last = guess;
            return guess;
        }
        let number = match self.numbers.get(name) {
            Some(&n) => n,
            None => {
                let n = u32::try_from(self.names.len()).unwrap_or(NO_NAME);
                self.names.push(name.to_owned());
                self.name_bytes += name.len();
                self.follows.push(0);
                self.local.push((u32::MAX, 0));
                self.numbers.insert(name.to_owned(), n);
                n
            }
        };
        if let Some(follow) = self.follows.get_mut(self.last as usize) {
            *follow = number;
        }
        self.last = number;
        number
    }

    /// Whether there are so many names that they should be forgotten: [`RecordWriter::forget_names`] when no number is held elsewhere.
    #[must_use]
    pub fn too_many_names(&self) -> bool {
        self.names.len() > MAX_NAMES || self.name_bytes > MAX_NAME_BYTES
    }

    /// Sends what is there and forgets all names; numbers given out before mean nothing then.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn forget_names(&mut self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.close_record();
        self.flush(out)?;
        self.names.clear();
        self.name_bytes = 0;
        self.numbers.clear();
        self.follows.clear();
        self.local.clear();
        self.last = 0;
        Ok(())
    }

    /// Appends to the open value.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Length of the open value in bytes.
    #[must_use]
    pub fn value_len(&self) -> usize {
        self.text.len() - self.value
    }

    /// The open value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.text[self.value..]
    }

    /// Takes back the end of the open value so that it is `len` bytes long.
    pub fn truncate_value(&mut self, len: usize) {
        self.text.truncate(self.value + len);
    }

    /// Ends the open value and adds it to the open record; an empty one is dropped. A record that grows too long is cut.
    pub fn end_cell(&mut self, name: u32, column_index: u32, start: Spot, byte_end: u64, verbatim: bool) {
        if self.text.len() == self.value {
            return;
        }
        let name = self.local_name(name);
        if let Some((topic, time_s)) = &self.origin
            && self.origins.last().is_none_or(|o| o.topic != *topic || o.time_s != *time_s)
        {
            let cell = offset(self.cells.len());
            self.origins.push(RecordOrigin { cell, topic: topic.clone(), time_s: *time_s });
        }
        self.cells.push(Cell {
            name,
            column_index,
            start: offset(self.value),
            end: offset(self.text.len()),
            byte_start: start.byte,
            byte_end,
            line: start.line,
            column: start.column,
            verbatim,
        });
        self.text.push(RecordBatch::CELL_END);
        self.value = self.text.len();
    }

    /// Adds a value in one go.
    pub fn cell(&mut self, value: &str, name: u32, column_index: u32, start: Spot, byte_end: u64, verbatim: bool) {
        self.text.push_str(value);
        self.end_cell(name, column_index, start, byte_end, verbatim);
    }

    /// A record of one value without a name, after closing the open one.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn lone(
        &mut self,
        value: &str,
        start: Spot,
        byte_end: u64,
        verbatim: bool,
        out: &mut dyn Inspection,
    ) -> Result<(), InspectError> {
        self.end_record(out)?;
        self.cell(value, NO_NAME, 0, start, byte_end, verbatim);
        self.end_record(out)
    }

    fn local_name(&mut self, name: u32) -> u32 {
        let Some(entry) = self.local.get_mut(name as usize) else { return NO_NAME };
        if entry.0 != self.epoch {
            *entry = (self.epoch, offset(self.batch_names.len()));
            self.batch_names.push(name);
        }
        entry.1
    }

    fn close_record(&mut self) {
        if self.cells.len() > self.record {
            self.records.push(offset(self.record));
            self.record = self.cells.len();
        }
    }

    /// Ends the open record; one without values leaves no trace. Sends the batch when it is full.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn end_record(&mut self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.close_record();
        if self.text.len() >= self.batch_text || self.cells.len() >= BATCH_CELLS {
            self.flush(out)?;
        }
        Ok(())
    }

    /// Cuts the open record if it is too long to go on: to be called between cells. Whether it was cut.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn cut_long_record(&mut self, out: &mut dyn Inspection) -> Result<bool, InspectError> {
        let text = self.cells.get(self.record).map_or(0, |c| self.text.len() - c.start as usize);
        if text < RECORD_TEXT && self.cells.len() - self.record < RECORD_CELLS {
            return Ok(false);
        }
        self.end_record(out)?;
        Ok(true)
    }

    fn flush(&mut self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if self.records.is_empty() {
            return Ok(());
        }
        if let Some(header) = self.header.take() {
            out.send(Message::Evidence(header))?;
        }
        let names = self.batch_names.iter().filter_map(|&n| self.names.get(n as usize)).cloned().collect();
        let batch = RecordBatch {
            names,
            text: Cow::Borrowed(&self.text),
            cells: std::mem::take(&mut self.cells),
            records: std::mem::take(&mut self.records),
            origins: std::mem::take(&mut self.origins),
        };
        out.batch(self.stream, Batch::Records(batch))?;
        self.text.clear();
        self.value = 0;
        self.record = 0;
        self.batch_names.clear();
        self.epoch += 1;
        Ok(())
    }

    /// Sends what is left and ends the stream.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn finish(&mut self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.close_record();
        self.flush(out)?;
        if self.header.is_none() {
            out.send(Message::EvidenceEnd { stream: self.stream })?;
        }
        Ok(())
    }
}

/// A batch is far below 4 GiB.
fn offset(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
