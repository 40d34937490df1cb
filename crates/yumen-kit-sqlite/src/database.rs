//! An open database: its schema, its rows, and what is known of its pages.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use yumen_model::{Blob, InspectError};

use crate::create::{Column, Created, Generated, parse};
use crate::header::{HEADER, Header};
use crate::node::{Kind, Node};
use crate::pages::{Entry, PageMap, Use};
use crate::record::{Field, Row, Value};
use crate::walk::Walk;

/// What a table is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// A table with rows of its own.
    Stored,
    /// A virtual table of this module: its content, if any, is in other tables.
    Virtual(String),
    /// A view.
    View,
}

/// A table, a virtual table or a view.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: TableKind,
    /// Its columns. None where the statement that made it can't be read: rows have as many values as their records then.
    pub columns: Vec<Column>,
    /// The column that is the rowid.
    pub rowid_column: Option<usize>,
    /// Whether it is kept by its primary key.
    pub without_rowid: bool,
    pub(crate) root: u32,
    /// Which column each value of a record is of.
    order: Vec<usize>,
    /// Whether that is the order of the columns.
    straight: bool,
}

impl Table {
    /// The number of a column, by its name in any case.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name.eq_ignore_ascii_case(name))
    }

    fn new(name: String, root: u32, sql: &str, view: bool) -> Table {
        let created = if view { None } else { parse(sql) }.unwrap_or_default();
        let Created { columns, key, rowid, without_rowid, module } = created;
        let kind = match module {
            Some(module) => TableKind::Virtual(module),
            None if view => TableKind::View,
            None => TableKind::Stored,
        };
        let mut order: Vec<usize> = if without_rowid { key.clone() } else { Vec::new() };
        let kept = |n: &usize| columns[*n].generated != Generated::Virtual && !(without_rowid && key.contains(n));
        order.extend((0..columns.len()).filter(kept));
        let straight = order.iter().copied().eq(0..columns.len());
        Table { name, kind, columns, rowid_column: rowid, without_rowid, root, order, straight }
    }
}

/// An entry of the schema.
#[derive(Clone, Debug)]
pub struct Object {
    /// `table`, `index`, `view` or `trigger`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The table it belongs to.
    pub table: String,
    /// The statement that made it; empty for indexes that a constraint made.
    pub sql: String,
    /// Where the statement stands, and whether it stands there byte for byte.
    pub place: (Range<u64>, bool),
    root: u32,
}

/// Something broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, in bytes.
    pub offset: u64,
    /// What. A fixed text.
    pub message: &'static str,
}

/// Faults that are kept; more are counted.
const KEPT_FAULTS: usize = 1000;
/// Most entries of a schema, and bytes of their statements.
const MOST_OBJECTS: usize = 1 << 16;
const MOST_SQL: usize = 32 << 20;

pub(crate) enum Pages {
    /// All pages of a file.
    File(u32),
    /// Some pages, where they stand.
    Some(HashMap<u32, u64>),
}

pub(crate) struct State {
    pub(crate) map: PageMap,
    /// The root of the tree of each pass.
    passes: Vec<u32>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) fault_count: u64,
}

/// An open database.
pub struct Database {
    pub(crate) blob: Blob,
    pub(crate) header: Header,
    pub(crate) pages: Pages,
    pub(crate) state: RefCell<State>,
    pub(crate) objects: Vec<Object>,
    tables: Vec<Table>,
}

impl Database {
    /// Opens a database and reads its schema. Damage to pages is no error, see [`Database::faults`].
    ///
    /// # Errors
    /// There is no valid header, or the bytes can't be read.
    pub fn open(blob: &Blob) -> Result<Database, InspectError> {
        let head = blob.bytes(0..HEADER as u64).map_err(|e| InspectError::read(0, &e))?;
        let header = Header::parse(&head).ok_or(InspectError::corrupt(0, "no header of a database"))?;
        let there = blob.len().div_ceil(u64::from(header.page_size));
        let pages = Pages::File(u32::try_from(there).unwrap_or(u32::MAX - 1));
        Database::of(blob, header, pages)
    }

    pub(crate) fn of(blob: &Blob, header: Header, pages: Pages) -> Result<Database, InspectError> {
        let state = State { map: PageMap::default(), passes: vec![0], faults: Vec::new(), fault_count: 0 };
        let mut database = Database {
            blob: blob.clone(),
            header,
            pages,
            state: RefCell::new(state),
            objects: Vec::new(),
            tables: Vec::new(),
        };
        if database.offset(1).is_some() {
            database.read_schema()?;
        }
        Ok(database)
    }

    fn read_schema(&mut self) -> Result<(), InspectError> {
        let schema =
            Table::new("sqlite_schema".to_owned(), 1, "CREATE TABLE x(type,name,tbl_name,rootpage,sql)", false);
        let mut objects = Vec::new();
        let mut tables = Vec::new();
        let mut bytes = 0;
        self.rows(&schema, &mut |row| {
            let text = |n: usize| row.values.get(n).and_then(Value::text).unwrap_or_default();
            let root = row.values.get(3).and_then(Value::int).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
            let (kind, name, sql) = (text(0), text(1), text(4));
            bytes += name.len() + sql.len() + 64;
            if objects.len() >= MOST_OBJECTS || bytes > MOST_SQL {
                self.fault(row.start, "a schema of too many tables");
                return Ok(());
            }
            if kind == "table" || kind == "view" {
                tables.push(Table::new(name.clone().into_owned(), root, &sql, kind == "view"));
            }
            let place = match row.values.get(4) {
                Some(Value::Text(field)) => {
                    let (place, whole) = field.place();
                    (place, whole && matches!(sql, std::borrow::Cow::Borrowed(_)))
                }
                _ => (row.start..row.end, false),
            };
            objects.push(Object {
                kind: kind.into_owned(),
                name: name.into_owned(),
                table: text(2).into_owned(),
                sql: sql.into_owned(),
                place,
                root,
            });
            Ok(())
        })?;
        self.objects = objects;
        self.tables = tables;
        Ok(())
    }

    /// The first 100 bytes.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The bytes it is in.
    #[must_use]
    pub fn blob(&self) -> &Blob {
        &self.blob
    }

    /// Tables, virtual tables and views in the order of the schema.
    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The first table of a name, in any case.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|t| t.name.eq_ignore_ascii_case(name))
    }

    /// Everything the schema names: tables, indexes, views, triggers.
    #[must_use]
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// What was found broken so far (the first thousand).
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.state.borrow().faults.clone()
    }

    /// How much was found broken so far.
    #[must_use]
    pub fn fault_count(&self) -> u64 {
        self.state.borrow().fault_count
    }

    /// Tells each row of a table, in the order of its key. A broken page or row is a fault; the rest goes on. Views and virtual tables have no rows.
    ///
    /// # Errors
    /// The bytes can't be read, or what `each` returns.
    pub fn rows(
        &self,
        table: &Table,
        each: &mut dyn FnMut(&Row<'_>) -> Result<(), InspectError>,
    ) -> Result<(), InspectError> {
        if table.root == 0 || table.kind != TableKind::Stored {
            return Ok(());
        }
        let Some(pass) = self.pass(table.root) else {
            self.fault(0, "too many passes");
            return Ok(());
        };
        let most = if table.columns.is_empty() { usize::MAX } else { table.order.len() };
        Walk::new(self, pass, Use::Tree).tree(table.root, table.without_rowid, &mut |rowid, record, place| {
            let Some((stored, whole)) = record.values(most) else { return Ok(false) };
            let mut values = if table.straight || table.columns.is_empty() {
                let mut values = stored;
                values.resize(table.columns.len().max(values.len()), Value::Null);
                values
            } else {
                let mut values = vec![Value::Null; table.columns.len()];
                for (&column, value) in table.order.iter().zip(stored) {
                    values[column] = value;
                }
                values
            };
            if let (Some(column), Some(rowid)) = (table.rowid_column, rowid)
                && let Some(value @ Value::Null) = values.get_mut(column)
            {
                *value = Value::Int(rowid);
            }
            for (value, column) in values.iter_mut().zip(&table.columns) {
                if column.real
                    && let Some(number) = value.number()
                {
                    *value = Value::Real(number);
                }
            }
            each(&Row { rowid, values: &values, start: place.start, end: place.end })?;
            Ok(whole)
        })
    }

    /// Rows on pages that look like a table's and that no tree leads to, where the database is damaged: what can be saved of a table whose upper pages
    /// are lost. To be called when all tables were read. Their columns are not known.
    ///
    /// # Errors
    /// The bytes can't be read, or what `each` returns.
    pub fn stray_rows(&self, each: &mut dyn FnMut(&Row<'_>) -> Result<(), InspectError>) -> Result<(), InspectError> {
        let last = match &self.pages {
            Pages::File(count) if self.fault_count() > 0 => *count,
            _ => return Ok(()),
        };
        let size = u64::from(self.header.page_size);
        for stored in self.blob.stored() {
            let first = u32::try_from(stored.start / size + 1).unwrap_or(u32::MAX);
            let end = u32::try_from(stored.end / size).unwrap_or(u32::MAX).min(last);
            for page in first..=end {
                if self.entry(page).is_none() {
                    self.stray_page(page, each)?;
                }
            }
        }
        Ok(())
    }

    /// The rows of one leaf page of a table, if it is one and nobody's.
    pub(crate) fn stray_page(
        &self,
        page: u32,
        each: &mut dyn FnMut(&Row<'_>) -> Result<(), InspectError>,
    ) -> Result<bool, InspectError> {
        let Some(offset) = self.offset(page) else { return Ok(false) };
        let bytes = self.blob.bytes(offset..offset + u64::from(self.header.page_size));
        let bytes = bytes.map_err(|e| InspectError::read(offset, &e))?;
        let node = Node::parse(&bytes, page == 1, self.header.usable()).ok();
        let Some(node) = node.filter(|n| n.kind == Kind::LeafTable && !n.damaged && !n.cells.is_empty()) else {
            return Ok(false);
        };
        drop((node, bytes));
        let Some(pass) = self.pass(page) else { return Ok(false) };
        Walk::new(self, pass, Use::Tree).tree(page, false, &mut |rowid, record, place| {
            let Some((values, whole)) = record.values(usize::MAX) else { return Ok(false) };
            each(&Row { rowid, values: &values, start: place.start, end: place.end })?;
            Ok(whole)
        })?;
        Ok(true)
    }

    /// Where a page stands.
    pub(crate) fn offset(&self, page: u32) -> Option<u64> {
        match &self.pages {
            Pages::File(count) => {
                (page >= 1 && page <= *count).then(|| u64::from(page - 1) * u64::from(self.header.page_size))
            }
            Pages::Some(map) => map.get(&page).copied(),
        }
    }

    /// Whether pages may be missing without anything being broken.
    pub(crate) fn is_partial(&self) -> bool {
        matches!(self.pages, Pages::Some(_))
    }

    pub(crate) fn entry(&self, page: u32) -> Option<Entry> {
        self.state.borrow().map.get(page)
    }

    /// Begins a pass over the tree of a root.
    pub(crate) fn pass(&self, root: u32) -> Option<u16> {
        let mut state = self.state.borrow_mut();
        let pass = u16::try_from(state.passes.len()).ok()?;
        state.passes.push(root);
        Some(pass)
    }

    /// Takes a page for a pass over a tree; false where it is another tree's, or this pass met it before.
    pub(crate) fn claim(&self, page: u32, used: Use, pass: u16) -> bool {
        let mut state = self.state.borrow_mut();
        let mut entry = Entry { used, gaps: false, pass };
        if let Some(old) = state.map.get(page) {
            let owner = |pass: u16| state.passes.get(usize::from(pass)).copied();
            if old.pass == pass || owner(old.pass) != owner(pass) {
                return false;
            }
            entry.gaps = old.gaps;
            if old.used == Use::Damaged {
                entry.used = Use::Damaged;
            }
        }
        state.map.set(page, entry);
        true
    }

    /// Marks a page as holding bytes that belong to nothing.
    pub(crate) fn has_gaps(&self, page: u32) {
        let mut state = self.state.borrow_mut();
        if let Some(entry) = state.map.get(page) {
            state.map.set(page, Entry { gaps: true, ..entry });
        }
    }

    /// Marks a page as broken.
    pub(crate) fn broken(&self, page: u32, offset: u64, message: &'static str) {
        self.fault(offset, message);
        let mut state = self.state.borrow_mut();
        let pass = state.map.get(page).map_or(0, |e| e.pass);
        state.map.set(page, Entry { used: Use::Damaged, gaps: false, pass });
    }

    pub(crate) fn fault(&self, offset: u64, message: &'static str) {
        let mut state = self.state.borrow_mut();
        state.fault_count += 1;
        if state.faults.len() < KEPT_FAULTS {
            state.faults.push(Fault { offset, message });
        }
    }

    /// The roots of trees that nobody read yet: whether each is a table, and whether it is kept as an index is.
    pub(crate) fn unread(&self) -> Vec<(u32, bool, bool)> {
        let mut out = Vec::new();
        let tables = self.tables.iter().filter(|t| t.kind == TableKind::Stored);
        out.extend(tables.map(|t| (t.root, true, t.without_rowid)));
        out.extend(self.objects.iter().filter(|o| o.kind == "index").map(|o| (o.root, false, true)));
        let state = self.state.borrow();
        let read: std::collections::HashSet<u32> = state.passes.iter().copied().collect();
        out.retain(|(root, ..)| *root != 0 && !read.contains(root));
        out
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("header", &self.header).field("tables", &self.tables.len()).finish()
    }
}

/// A value's bytes: see [`Field`].
impl<'a> Field<'a> {
    /// Its first bytes, at most `n`.
    #[must_use]
    pub fn first(&self, n: usize) -> &'a [u8] {
        let head = self.head();
        &head[..head.len().min(n)]
    }
}
