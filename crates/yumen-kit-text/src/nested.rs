//! Nested records: objects in objects, elements in elements, sections in sections.

use yumen_model::evidence::NO_NAME;
use yumen_model::{Artifact, InspectError, Inspection};

use crate::records::{RecordWriter, Spot};

/// Values of one open record, kept until it closes, since values of inner records come in between.
#[derive(Debug, Default)]
struct Frame {
    text: String,
    cells: Vec<Held>,
}

#[derive(Debug)]
struct Held {
    name: u32,
    column: u32,
    end: usize,
    spot: Spot,
    byte_end: u64,
    verbatim: bool,
}

/// Where a record is cut because it does not end, in bytes and cells; and all open records together.
const FRAME_TEXT: usize = 1 << 20;
const FRAME_CELLS: usize = 16 << 10;
const ALL_TEXT: usize = 3 << 20;
/// What a held cell counts beside its text.
const CELL_COST: usize = 48;

/// A [`RecordWriter`] for records that lie in each other: values go to the innermost open record, a record goes out when it closes.
#[derive(Debug)]
pub struct Nested {
    writer: RecordWriter,
    frames: Vec<Frame>,
    spare: Vec<Frame>,
    /// The open value.
    value: String,
    held: usize,
}

impl Nested {
    /// A writer with one open record for what lies in no other.
    #[must_use]
    pub fn new(artifact: &Artifact) -> Self {
        Nested {
            writer: RecordWriter::new(artifact),
            frames: vec![Frame::default()],
            spare: Vec::new(),
            value: String::new(),
            held: 0,
        }
    }

    /// Sends batches of about `bytes` instead of half a mebibyte.
    pub fn set_batch(&mut self, bytes: usize) {
        self.writer.set_batch(bytes);
    }

    /// Opens a record inside the innermost one.
    pub fn open(&mut self) {
        let frame = self.spare.pop().unwrap_or_default();
        self.frames.push(frame);
    }

    /// Closes the innermost record.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn close(&mut self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.emit(self.frames.len() - 1, out)?;
        if self.frames.len() > 1
            && let Some(frame) = self.frames.pop()
            && self.spare.len() < 16
        {
            self.spare.push(frame);
        }
        Ok(())
    }

    /// Ends the innermost record and begins another at the same depth.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn next_record(&mut self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        self.emit(self.frames.len() - 1, out)
    }

    /// Number of open records; never 0.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.frames.len()
    }

    /// Number of values in the innermost record.
    #[must_use]
    pub fn innermost(&self) -> usize {
        self.frames.last().map_or(0, |f| f.cells.len())
    }

    /// Appends to the open value.
    pub fn push(&mut self, text: &str) {
        self.value.push_str(text);
    }

    /// Appends a character to the open value.
    pub fn push_char(&mut self, c: char) {
        self.value.push(c);
    }

    /// The open value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Takes the open value back.
    pub fn drop_value(&mut self) {
        self.value.clear();
    }

    /// Shortens the open value.
    pub fn truncate_value(&mut self, len: usize) {
        self.value.truncate(len);
    }

    /// Ends the open value: a value of the innermost record under `name`. An empty one is dropped.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn end_cell(
        &mut self,
        name: &str,
        column: u32,
        spot: Spot,
        byte_end: u64,
        verbatim: bool,
        out: &mut dyn Inspection,
    ) -> Result<(), InspectError> {
        let mut value = std::mem::take(&mut self.value);
        let result = self.cell(&value, name, column, spot, byte_end, verbatim, out);
        value.clear();
        self.value = value;
        result
    }

    /// Adds a value to the innermost record, past the open value.
    ///
    /// # Errors
    /// The engine takes no more.
    #[allow(clippy::too_many_arguments)]
    pub fn cell(
        &mut self,
        value: &str,
        name: &str,
        column: u32,
        spot: Spot,
        byte_end: u64,
        verbatim: bool,
        out: &mut dyn Inspection,
    ) -> Result<(), InspectError> {
        if value.is_empty() {
            return Ok(());
        }
        if self.writer.too_many_names() {
            for i in 0..self.frames.len() {
                self.emit(i, out)?;
            }
            self.writer.forget_names(out)?;
        }
        let name = if name.is_empty() { NO_NAME } else { self.writer.name(name) };
        let top = self.frames.len() - 1;
        let frame = &mut self.frames[top];
        frame.text.push_str(value);
        self.held += value.len() + CELL_COST;
        frame.cells.push(Held { name, column, end: frame.text.len(), spot, byte_end, verbatim });
        if frame.text.len() > FRAME_TEXT || frame.cells.len() >= FRAME_CELLS {
            self.emit(top, out)?;
        }
        if self.held > ALL_TEXT {
            for i in 0..self.frames.len() {
                self.emit(i, out)?;
            }
        }
        Ok(())
    }

    /// Closes the innermost record; its values go to the one around it.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn merge(&mut self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        if self.frames.len() < 2 {
            return self.close(out);
        }
        let Some(mut inner) = self.frames.pop() else { return Ok(()) };
        let top = self.frames.len() - 1;
        let outer = &mut self.frames[top];
        let base = outer.text.len();
        outer.text.push_str(&inner.text);
        inner.text.clear();
        outer.cells.extend(inner.cells.drain(..).map(|c| Held { end: c.end + base, ..c }));
        if outer.text.len() > FRAME_TEXT || outer.cells.len() >= FRAME_CELLS {
            self.emit(top, out)?;
        }
        if self.spare.len() < 16 {
            self.spare.push(inner);
        }
        Ok(())
    }

    /// The open value becomes a record of its own, without a name, whatever is open. An empty one is dropped.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn end_lone(
        &mut self,
        spot: Spot,
        byte_end: u64,
        verbatim: bool,
        out: &mut dyn Inspection,
    ) -> Result<(), InspectError> {
        if !self.value.trim().is_empty() {
            self.writer.lone(&self.value, spot, byte_end, verbatim, out)?;
        }
        self.value.clear();
        Ok(())
    }

    fn emit(&mut self, frame: usize, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let frame = &mut self.frames[frame];
        self.held = self.held.saturating_sub(frame.text.len() + CELL_COST * frame.cells.len());
        let mut from = 0;
        for held in &frame.cells {
            let value = &frame.text[from..held.end];
            self.writer.cell(value, held.name, held.column, held.spot, held.byte_end, held.verbatim);
            from = held.end;
        }
        frame.text.clear();
        frame.cells.clear();
        self.writer.end_record(out)
    }

    /// Closes everything and ends the stream.
    ///
    /// # Errors
    /// The engine takes no more.
    pub fn finish(&mut self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        while self.frames.len() > 1 {
            self.close(out)?;
        }
        self.emit(0, out)?;
        self.writer.finish(out)
    }
}
