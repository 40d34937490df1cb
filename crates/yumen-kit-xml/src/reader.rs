//! The reader: one tolerant lexer with positions for XML and HTML. What is not well-formed is text, nothing is lost.

use yumen_kit_text::{Open, Reader, To, is_plain_name, tells_more_than_a_name};
use yumen_model::{Artifact, InspectError, Inspection, InspectionExt, Note};

use crate::tag::{Attribute, Tag};
use crate::{Place, Visitor, entity, tag};

/// Deeper elements share the path of the one above.
const MAX_DEPTH: usize = 400;
const MAX_PATH: usize = 1024;

/// Which of the two languages it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Markup {
    /// XML: every element ends, a record is an element whose children are leaves.
    Xml,
    /// HTML: elements need not end, a record is a row of a table.
    Html,
}

/// Reads an artifact to the end: records as evidence, and every element to a visitor. HTML has none but [`()`](Visitor).
///
/// # Errors
/// A read failed, or the engine takes no more.
pub fn inspect(
    artifact: &Artifact,
    markup: Markup,
    visitor: &mut dyn Visitor,
    out: &mut dyn Inspection,
) -> Result<(), InspectError> {
    read(Reader::open(artifact, out)?, markup, visitor)
}

/// As [`inspect`], from an open reader.
///
/// # Errors
/// A read failed, or the engine takes no more.
pub fn read(reader: Reader<'_>, markup: Markup, visitor: &mut dyn Visitor) -> Result<(), InspectError> {
    let html = markup == Markup::Html;
    let mut xml = Xml {
        r: reader,
        visitor,
        html,
        levels: Vec::new(),
        deeper: 0,
        path: String::new(),
        names: String::new(),
        text: None,
        plain_until: 0,
        scratch: String::new(),
        misses: 0,
        columns: Vec::new(),
        column: 0,
    };
    while xml.step()? {}
    xml.end_text(false)?;
    if !xml.levels.is_empty() && !html {
        xml.r.out.note(Note::new("truncated"))?;
    }
    while xml.pop_open()? {}
    xml.r.finish()
}

struct Level {
    /// Length of the path and of the stack of names outside of it.
    path: usize,
    names: usize,
    /// Other elements lie in it.
    parent: bool,
    attributes: usize,
    /// It has a record of its own.
    record: bool,
}

struct Xml<'o, 'v> {
    r: Reader<'o>,
    visitor: &'v mut dyn Visitor,
    html: bool,
    levels: Vec<Level>,
    /// Open elements below [`MAX_DEPTH`].
    deeper: u64,
    path: String,
    /// Names of the open elements, one after another.
    names: String,
    /// Text under construction.
    text: Option<Open>,
    /// Before this byte no tag ends: looked for already.
    plain_until: u64,
    scratch: String,
    /// Document types that did not end within reach; after many of them less is looked at.
    misses: usize,
    /// Of an HTML table: the header's names, and the number of the cell.
    columns: Vec<String>,
    column: u32,
}

impl Xml<'_, '_> {
    fn step(&mut self) -> Result<bool, InspectError> {
        if self.r.peek(0)?.is_none() {
            return Ok(false);
        }
        let bytes = self.r.window.bytes();
        match memchr::memchr2(b'<', b'&', bytes) {
            None => {
                let n = bytes.len();
                self.grow(n)?;
            }
            Some(0) if bytes[0] == b'&' => self.entity()?,
            Some(0) => self.markup()?,
            Some(n) => self.grow(n)?,
        }
        Ok(true)
    }

    /// Where text goes: a value may become a leaf's, or mixed text; long parts go without a name.
    fn open_text(&mut self) -> Open {
        match self.text {
            Some(open) => open,
            None => {
                self.r.records.drop_value();
                self.r.begin()
            }
        }
    }

    fn grow(&mut self, n: usize) -> Result<(), InspectError> {
        let mut open = self.open_text();
        // Blanks before text are left out.
        let mut n = n;
        if self.r.records.value().is_empty() {
            let rest = &self.r.window.rest()[..n];
            let blank = n - rest.trim_start().len();
            if blank > 0 {
                self.r.window.skip(blank);
                n -= blank;
                open = self.r.begin();
            }
        }
        self.r.grow(n, &mut open, To::Lone)?;
        self.text = Some(open);
        Ok(())
    }

    fn entity(&mut self) -> Result<(), InspectError> {
        self.r.want(16)?;
        match entity::decode(self.r.window.rest()) {
            Some((c, n)) => {
                let mut open = self.open_text();
                self.r.window.skip_in_line(n);
                self.r.put(c, &mut open, To::Lone)?;
                self.text = Some(open);
                Ok(())
            }
            None => self.grow(1),
        }
    }

    /// Ends the text under construction: a leaf's value, or mixed text.
    fn end_text(&mut self, leaf: bool) -> Result<(), InspectError> {
        let Some(mut open) = self.text.take() else { return Ok(()) };
        let value = self.r.records.value();
        let kept = value.trim_end().len();
        let cut = value.len() - kept;
        if kept == 0 {
            self.r.records.drop_value();
            return Ok(());
        }
        // The blanks at the end are plain, so the end of the value is known; with entities among them it need not be to the byte.
        let blanks = &value[kept..];
        let byte_end = self.r.window.byte() - if open.plain && blanks.is_ascii() { cut as u64 } else { 0 };
        open.plain &= blanks.is_ascii();
        if cut > 0 && open.plain || cut == 0 {
            self.r.records.truncate_value(kept);
        }
        if !self.html && self.deeper == 0 {
            let place = Place { spot: open.spot, byte_end, verbatim: open.plain };
            self.visitor.text(self.r.records.value().trim_end(), leaf, place, self.r.out)?;
        }
        let in_row = self.html && self.levels.iter().any(|l| l.record);
        if in_row {
            let name = self.columns.get(self.column as usize).map_or("", String::as_str);
            self.r.records.end_cell(name, self.column, open.spot, byte_end, open.plain, self.r.out)
        } else if leaf && !self.html {
            self.r.records.end_cell(&self.path, 0, open.spot, byte_end, open.plain, self.r.out)
        } else {
            self.r.records.end_lone(open.spot, byte_end, open.plain, self.r.out)
        }
    }

    fn markup(&mut self) -> Result<(), InspectError> {
        self.r.want(12)?;
        let rest = self.r.window.rest();
        if rest.starts_with("<!--") {
            self.end_text(false)?;
            return self.lone_until("-->");
        }
        if rest.starts_with("<![CDATA[") {
            self.r.window.skip_in_line(9);
            return self.cdata();
        }
        if rest.starts_with("<?") {
            let declaration = rest.starts_with("<?xml ");
            self.end_text(false)?;
            return if declaration { self.declaration() } else { self.lone_until("?>") };
        }
        if rest.starts_with("<!") {
            self.end_text(false)?;
            return self.doctype();
        }
        let here = self.r.window.byte();
        if here < self.plain_until {
            return self.grow(1);
        }
        let tag = loop {
            match tag::parse(self.r.window.rest()) {
                tag::Parsed::Tag(tag) => break tag,
                tag::Parsed::NoTag => return self.grow(1),
                tag::Parsed::Open => {
                    let seen = self.r.window.rest().len();
                    if seen > tag::MAX_TAG || !self.r.more()? {
                        self.plain_until = here + seen as u64;
                        return self.grow(1);
                    }
                }
            }
        };
        if tag.end { self.close(&tag) } else { self.start(&tag) }
    }

    /// Takes everything up to and with `end` as a record of its own.
    fn lone_until(&mut self, end: &str) -> Result<(), InspectError> {
        let mut open = self.r.begin();
        loop {
            if let Some(n) = memchr::memmem::find(self.r.window.bytes(), end.as_bytes()) {
                self.r.grow(n + end.len(), &mut open, To::Lone)?;
                break;
            }
            let all = self.r.window.rest().len();
            let n = self.r.window.rest().floor_char_boundary(all.saturating_sub(end.len() - 1));
            self.r.grow(n, &mut open, To::Lone)?;
            if !self.r.more()? {
                let all = self.r.window.rest().len();
                self.r.grow(all, &mut open, To::Lone)?;
                break;
            }
        }
        self.r.end(open, To::Lone)
    }

    /// The XML declaration says nothing that is not known, unless it holds more than it should.
    fn declaration(&mut self) -> Result<(), InspectError> {
        self.r.want(256)?;
        let bytes = self.r.window.bytes();
        match memchr::memmem::find(&bytes[..bytes.len().min(256)], b"?>") {
            Some(n) if bytes[..n].iter().filter(|b| b.is_ascii_digit()).count() < 8 && bytes[..n].is_ascii() => {
                self.r.window.skip(n + 2);
                Ok(())
            }
            _ => self.lone_until("?>"),
        }
    }

    fn cdata(&mut self) -> Result<(), InspectError> {
        let mut open = self.open_text();
        if self.r.records.value().is_empty() {
            open = self.r.begin();
        }
        // The marks around it stand in the artifact, not in the value.
        let mut inner = open;
        inner.plain &= open.spot == self.r.window.spot();
        loop {
            if let Some(n) = memchr::memmem::find(self.r.window.bytes(), b"]]>") {
                self.r.grow(n, &mut inner, To::Lone)?;
                self.text = Some(inner);
                let ends_here = matches!(self.r.window.bytes().get(3..5), Some(b"</"));
                let leaf = ends_here && self.levels.last().is_some_and(|l| !l.parent);
                if leaf || self.html {
                    self.end_text(leaf)?;
                }
                self.r.window.skip_in_line(3);
                if let Some(open) = &mut self.text {
                    open.plain = false;
                }
                return Ok(());
            }
            let all = self.r.window.rest().len();
            let n = self.r.window.rest().floor_char_boundary(all.saturating_sub(4));
            self.r.grow(n, &mut inner, To::Lone)?;
            if !self.r.more()? {
                let all = self.r.window.rest().len();
                self.r.grow(all, &mut inner, To::Lone)?;
                self.text = Some(inner);
                return Ok(());
            }
        }
    }

    /// A document type with its declarations.
    fn doctype(&mut self) -> Result<(), InspectError> {
        let reach = (64usize << 10).min((16 << 20) / (self.misses + 1)).max(256);
        self.r.want(reach)?;
        let bytes = self.r.window.bytes();
        let bytes = &bytes[..bytes.len().min(reach)];
        let mut depth = 0usize;
        let mut end = None;
        for (i, b) in bytes.iter().enumerate() {
            match b {
                b'[' => depth += 1,
                b']' => depth = depth.saturating_sub(1),
                b'>' if depth == 0 => {
                    end = Some(i + 1);
                    break;
                }
                _ => {}
            }
        }
        match end {
            Some(n) => self.r.take(n, To::Lone),
            None => {
                self.misses += 1;
                self.lone_until(">")
            }
        }
    }

    fn start(&mut self, tag: &Tag) -> Result<(), InspectError> {
        let name = tag.name(self.r.window.rest()).to_owned();
        let lower = name.to_ascii_lowercase();
        if !is_plain_name(&name) {
            let (spot, end) = self.r.window.place_of(1, 1 + name.len());
            self.r.records.open();
            self.r.records.cell(&name, "", 0, spot, end, false, self.r.out)?;
            self.r.records.close(self.r.out)?;
        }
        if self.html {
            return self.start_html(tag, &lower);
        }
        self.end_text(false)?;
        if let Some(parent) = self.levels.last_mut() {
            parent.parent = true;
        }
        if self.levels.len() >= MAX_DEPTH {
            let done = self.attributes(tag, "")?;
            self.deeper += u64::from(!tag.empty);
            self.r.window.skip(tag.len - done);
            return Ok(());
        }
        let path = self.path.len();
        let names = self.names.len();
        let local = name.rsplit(':').next().unwrap_or(&name);
        if !tells_more_than_a_name(local) && self.path.len() < MAX_PATH {
            if path > 0 {
                self.path.push('.');
            }
            self.path.push_str(local);
        }
        self.names.push_str(&name);
        let (spot, byte_end) = self.r.window.place_of(1, 1 + name.len());
        self.visitor.start(&name, Place { spot, byte_end, verbatim: self.r.window.is_utf8() }, self.r.out)?;
        self.r.records.open();
        let base = self.path.clone();
        self.levels.push(Level { path, names, parent: false, attributes: tag.attributes.len(), record: true });
        let done = self.attributes(tag, &base)?;
        self.r.window.skip(tag.len - done);
        if tag.empty { self.pop() } else { Ok(()) }
    }

    /// Attributes as values. Returns how much of the tag was taken for it.
    fn attributes(&mut self, tag: &Tag, base: &str) -> Result<usize, InspectError> {
        let mut done = 0;
        for Attribute { name, value } in &tag.attributes {
            let rest = self.r.window.rest();
            let local = rest[name.start - done..name.end - done].rsplit(':').next().unwrap_or("");
            let mut full = base.to_owned();
            if !full.is_empty() {
                full.push('.');
            }
            let own = full.len();
            full.push_str(local);
            let odd = name != value && !is_plain_name(local);
            if odd {
                self.r.window.skip(name.start - done);
                done = name.end;
                self.whole(name.len())?;
            }
            self.r.window.skip(value.start - done);
            let spot = self.r.window.spot();
            let escaped = entity::decode_all(&self.r.window.rest()[..value.len()], &mut self.scratch);
            self.r.window.skip(value.len());
            let end = self.r.window.byte();
            let plain = !escaped && self.r.window.verbatim(value.len(), spot.byte, end);
            if !self.html && self.deeper == 0 && self.levels.len() < MAX_DEPTH {
                let place = Place { spot, byte_end: end, verbatim: plain };
                self.visitor.attribute(&full[own..], &self.scratch, place, self.r.out)?;
            }
            self.r.records.cell(&self.scratch, &full, 0, spot, end, plain, self.r.out)?;
            done = value.end;
        }
        Ok(done)
    }

    /// The next `n` bytes as a record of their own, past the text under construction.
    fn whole(&mut self, n: usize) -> Result<(), InspectError> {
        let spot = self.r.window.spot();
        self.scratch.clear();
        self.scratch.push_str(&self.r.window.rest()[..n]);
        self.r.window.skip(n);
        let end = self.r.window.byte();
        let plain = self.r.window.verbatim(n, spot.byte, end);
        self.r.records.open();
        self.r.records.cell(&self.scratch, "", 0, spot, end, plain, self.r.out)?;
        self.r.records.close(self.r.out)
    }

    /// Ends the innermost element.
    fn pop(&mut self) -> Result<(), InspectError> {
        let Some(level) = self.levels.pop() else { return Ok(()) };
        self.visitor.end(&self.names[level.names..], self.r.out)?;
        self.path.truncate(level.path);
        self.names.truncate(level.names);
        // A leaf's value belongs to the element around it; one of several attributes is a record itself.
        if self.levels.is_empty()
            || level.parent
            || (level.attributes > 1 && self.r.records.innermost() == level.attributes)
        {
            self.r.records.close(self.r.out)
        } else {
            self.r.records.merge(self.r.out)
        }
    }

    fn close(&mut self, tag: &Tag) -> Result<(), InspectError> {
        let name = tag.name(self.r.window.rest()).to_owned();
        if self.html {
            return self.close_html(tag, &name.to_ascii_lowercase());
        }
        if self.deeper > 0 {
            self.end_text(false)?;
            self.deeper -= 1;
            return self.skip_end(tag);
        }
        let found = (0..self.levels.len()).rev().take(64).find(|&i| self.name_of(i) == name);
        let leaf = found == self.levels.len().checked_sub(1) && self.levels.last().is_some_and(|l| !l.parent);
        self.end_text(leaf)?;
        match found {
            None => self.r.syntax_error()?,
            Some(i) => {
                if i + 1 < self.levels.len() {
                    self.r.syntax_error()?;
                }
                while self.levels.len() > i {
                    self.pop()?;
                }
            }
        }
        self.skip_end(tag)
    }

    /// Takes an end tag; what it should not hold is evidence.
    fn skip_end(&mut self, tag: &Tag) -> Result<(), InspectError> {
        if tag.attributes.is_empty() {
            self.r.window.skip(tag.len);
            return Ok(());
        }
        self.whole(tag.len)
    }

    /// Tells the visitor of an element that does not end before the artifact does. False when there is none.
    fn pop_open(&mut self) -> Result<bool, InspectError> {
        if self.html {
            return Ok(false);
        }
        let Some(level) = self.levels.pop() else { return Ok(false) };
        self.visitor.end(&self.names[level.names..], self.r.out)?;
        self.names.truncate(level.names);
        Ok(true)
    }

    fn name_of(&self, level: usize) -> &str {
        let end = self.levels.get(level + 1).map_or(self.names.len(), |l| l.names);
        &self.names[self.levels[level].names..end]
    }

    fn start_html(&mut self, tag: &Tag, name: &str) -> Result<(), InspectError> {
        let inline = tag::is_inline(name);
        if !inline {
            self.end_text(false)?;
        }
        match name {
            "table" => self.columns.clear(),
            "tr" => {
                self.close_row()?;
                self.r.records.open();
                self.levels.push(Level { path: 0, names: 0, parent: false, attributes: 0, record: true });
                self.column = u32::MAX;
            }
            "td" | "th" => self.column = self.column.wrapping_add(1),
            _ => {}
        }
        let mut done = 0;
        if !tag.attributes.is_empty() {
            self.r.records.open();
            done = self.attributes(tag, name)?;
            self.r.records.close(self.r.out)?;
        }
        self.r.window.skip(tag.len - done);
        if let Some(open) = &mut self.text {
            open.plain = false;
        }
        if name == "th" {
            // Its text is the name of the column; it is read as a value too, below.
            let rest = self.r.window.rest();
            let text = &rest[..rest.len().min(rest.find('<').unwrap_or(0))];
            if self.columns.len() < 4096 && self.columns.len() == self.column as usize && text.len() < 256 {
                self.columns.push(text.trim().to_owned());
            }
        }
        if matches!(name, "script" | "style") && !tag.empty {
            let end = if name == "script" { "</script" } else { "</style" };
            return self.raw_text(end);
        }
        Ok(())
    }

    /// Script and style: text as it stands, up to the end tag.
    fn raw_text(&mut self, end: &str) -> Result<(), InspectError> {
        let mut open = self.r.begin();
        loop {
            let rest = self.r.window.rest();
            match rest.find('<') {
                Some(n) => {
                    self.r.grow(n, &mut open, To::Lone)?;
                    self.r.want(end.len())?;
                    let rest = self.r.window.rest();
                    if rest.get(..end.len()).is_some_and(|s| s.eq_ignore_ascii_case(end)) {
                        return self.r.end(open, To::Lone);
                    }
                    self.r.grow(1, &mut open, To::Lone)?;
                }
                None => {
                    let n = rest.len();
                    self.r.grow(n, &mut open, To::Lone)?;
                    if !self.r.more()? {
                        return self.r.end(open, To::Lone);
                    }
                }
            }
        }
    }

    fn close_row(&mut self) -> Result<(), InspectError> {
        if self.levels.pop().is_some() {
            self.r.records.close(self.r.out)?;
        }
        Ok(())
    }

    fn close_html(&mut self, tag: &Tag, name: &str) -> Result<(), InspectError> {
        if !tag::is_inline(name) {
            self.end_text(false)?;
        }
        if matches!(name, "tr" | "table") {
            self.close_row()?;
        }
        self.skip_end(tag)?;
        if let Some(open) = &mut self.text {
            open.plain = false;
        }
        Ok(())
    }
}
