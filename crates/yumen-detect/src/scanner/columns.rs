//! What the columns of a table hold, judged by their content.

use std::collections::HashMap;

use yumen_model::kind::kinds as k;
use yumen_model::{Cell, KindId, RecordBatch};

use super::engine::Engine;
use super::fold;
use crate::recogniser::PROVISIONAL;

/// Columns beyond these share one entry without typing, so that a file with a million keys costs no memory.
const MOST: usize = 4096;
/// Confidence at which a match needs nobody's support: its label or checksum says enough.
const SURE: f64 = 0.85;

/// What was seen in a column so far.
#[derive(Default)]
pub(crate) struct Column {
    /// Recognisers that want every value.
    pub(crate) wanting: Vec<usize>,
    /// The header is there.
    named: bool,
    /// Values that are not empty.
    values: u64,
    /// Values of at least eight bytes that begin with a digit.
    numbers: u64,
    /// Values of 17 bytes.
    seventeen: u64,
    /// Values that are a match as a whole, by kind.
    whole: Vec<(KindId, u64)>,
}

impl Column {
    /// Counts a value that is a match as a whole.
    pub(crate) fn count(&mut self, kind: KindId) {
        match self.whole.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, n)) => *n += 1,
            None => self.whole.push((kind, 1)),
        }
    }

    fn whole(&self, kind: KindId) -> u64 {
        self.whole.iter().find(|(known, _)| *known == kind).map_or(0, |&(_, n)| n)
    }

    /// Whether values without any trigger are still worth a look.
    pub(crate) fn worth(&self) -> bool {
        self.named || self.values < 512 || self.whole.iter().map(|(_, n)| n).sum::<u64>() * 2 > self.values
    }

    /// The confidence that a match has in this column, or none when the column speaks against it.
    pub(crate) fn judge(&self, kind: KindId, confidence: f64, whole: bool) -> Option<f64> {
        if !typed(kind) {
            return Some(confidence);
        }
        let hits = self.whole(kind);
        if confidence < PROVISIONAL {
            let enough = self.values >= 8 && hits * 10 >= self.values * 9;
            return (whole && enough).then_some(0.75);
        }
        if confidence >= SURE || !whole {
            return Some(confidence);
        }
        let comparable = if kind == k::VEHICLE_VIN { self.seventeen } else { self.numbers }.max(hits);
        if comparable >= 10 && hits * 2 < comparable {
            return None;
        }
        Some(if comparable >= 10 && hits * 10 >= comparable * 9 { confidence.max(0.9) } else { confidence })
    }
}

/// Kinds whose values look like other numbers, so that the column has a say.
fn typed(kind: KindId) -> bool {
    [
        k::VEHICLE_VIN,
        k::PERSON_PHONE,
        k::PERSON_BANK_CARD,
        k::PERSON_NAME,
        k::PERSON_ADDRESS,
        k::PERSON_ID_NUMBER,
        k::PERSON_PASSPORT,
        k::DEVICE_IMEI,
        k::DEVICE_IMSI,
        k::DEVICE_ICCID,
        k::DEVICE_MAC,
        k::ORG_USCC,
    ]
    .contains(&kind)
}

/// All columns of a stream.
pub(crate) struct Columns {
    columns: Vec<Column>,
    names: HashMap<String, usize>,
    unnamed: HashMap<u32, usize>,
}

impl Columns {
    pub(crate) fn new() -> Self {
        Columns { columns: vec![Column::default()], names: HashMap::new(), unnamed: HashMap::new() }
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Column> {
        self.columns.get(at)
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut Column> {
        self.columns.get_mut(at)
    }

    /// Whether this is the entry that stands for all columns that are too many.
    pub(crate) fn pooled(at: usize) -> bool {
        at == 0
    }

    fn add(&mut self, name: &str, engine: &Engine) -> usize {
        if self.columns.len() >= MOST {
            return 0;
        }
        let wanting = engine.wanting_column(&fold::fold(name));
        self.columns.push(Column { wanting, named: !name.is_empty(), ..Column::default() });
        self.columns.len() - 1
    }

    /// The columns of a batch's names.
    pub(crate) fn of_names(&mut self, names: &[String], engine: &Engine) -> Vec<usize> {
        names
            .iter()
            .map(|name| match self.names.get(name) {
                Some(&at) => at,
                None => {
                    let at = self.add(name, engine);
                    if at != 0 {
                        self.names.insert(name.clone(), at);
                    }
                    at
                }
            })
            .collect()
    }

    /// The column of a cell.
    pub(crate) fn of_cell(&mut self, cell: &Cell, by_name: &[usize], engine: &Engine) -> usize {
        if let Some(&at) = by_name.get(cell.name as usize) {
            return at;
        }
        if let Some(&at) = self.unnamed.get(&cell.column_index) {
            return at;
        }
        let at = self.add("", engine);
        if at != 0 {
            self.unnamed.insert(cell.column_index, at);
        }
        at
    }

    /// Counts a value.
    pub(crate) fn count(&mut self, at: usize, batch: &RecordBatch<'_>, cell: &Cell) {
        let Some(column) = self.columns.get_mut(at) else { return };
        let len = cell.end.saturating_sub(cell.start);
        if len == 0 {
            return;
        }
        column.values += 1;
        column.seventeen += u64::from(len == 17);
        if len >= 8 && batch.text.as_bytes().get(cell.start as usize).is_some_and(u8::is_ascii_digit) {
            column.numbers += 1;
        }
    }
}
