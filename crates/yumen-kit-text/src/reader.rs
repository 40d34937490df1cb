//! What the readers of structured text share: a window on the text, the records under construction, and how values grow.

use yumen_model::{Artifact, InspectError, Inspection, InspectionExt, Note};

use crate::nested::Nested;
use crate::records::{MAX_CELL, Spot};
use crate::window::Window;

/// Where evidence under construction goes when a value gets too long for one cell, and when it ends.
#[derive(Clone, Copy, Debug)]
pub enum To<'n> {
    /// Into the innermost record, under a name; empty for none.
    Name(&'n str, u32),
    /// Into a record of its own.
    Lone,
}

/// A value under construction.
#[derive(Clone, Copy, Debug)]
pub struct Open {
    /// Where it begins.
    pub spot: Spot,
    /// Everything so far stands in the artifact as it stands in the value.
    pub plain: bool,
}

/// How characters are escaped in a quoted value.
#[derive(Clone, Copy, Debug)]
pub enum Escapes {
    /// By a backslash.
    Backslash,
    /// The quote by doubling it.
    Doubled(u8),
}

/// The character of the escape at the start of `text`, which begins with a backslash, and its length. None for an escaped line end.
#[must_use]
pub fn backslash(text: &str) -> (Option<char>, usize) {
    let hex = |from: usize, n: usize| {
        text.get(from..from + n)
            .filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|h| u32::from_str_radix(h, 16).ok())
    };
    let Some(next) = text[1..].chars().next() else { return (Some('\\'), 1) };
    let simple = match next {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        '0' => '\0',
        '\n' => return (None, 2),
        'u' | 'U' | 'x' => {
            let n = match next {
                'u' => 4,
                'U' => 8,
                _ => 2,
            };
            let Some(code) = hex(2, n) else { return (Some('\\'), 1) };
            if let 0xD800..=0xDBFF = code
                && text.get(6..8) == Some("\\u")
                && let Some(low @ 0xDC00..=0xDFFF) = hex(8, 4)
            {
                return (char::from_u32(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)), 12);
            }
            return (Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)), n + 2);
        }
        other => other,
    };
    (Some(simple), 1 + next.len_utf8())
}

/// Window, records and engine in one.
pub struct Reader<'o> {
    /// The text.
    pub window: Window,
    /// The records under construction.
    pub records: Nested,
    /// The engine.
    pub out: &'o mut dyn Inspection,
    /// Places told as wrong so far.
    errors: u32,
}

impl<'o> Reader<'o> {
    /// A reader at the start of an artifact.
    ///
    /// # Errors
    /// A read failed.
    pub fn open(artifact: &Artifact, out: &'o mut dyn Inspection) -> Result<Self, InspectError> {
        Ok(Reader { window: Window::open(artifact)?, records: Nested::new(artifact), out, errors: 0 })
    }

    /// A reader that is filled in steps of about `chunk` bytes and sends batches of about `batch`.
    ///
    /// # Errors
    /// A read failed.
    pub fn with_sizes(
        artifact: &Artifact,
        chunk: usize,
        batch: usize,
        out: &'o mut dyn Inspection,
    ) -> Result<Self, InspectError> {
        let mut records = Nested::new(artifact);
        records.set_batch(batch);
        Ok(Reader { window: Window::with_chunk(artifact, chunk)?, records, out, errors: 0 })
    }

    /// The byte at `offset` of the rest; none at the end.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn peek(&mut self, offset: usize) -> Result<Option<u8>, InspectError> {
        if let Some(&b) = self.window.bytes().get(offset) {
            return Ok(Some(b));
        }
        self.window.peek(offset, self.out)
    }

    /// Makes sure that the rest holds `n` bytes if the artifact does.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn want(&mut self, n: usize) -> Result<(), InspectError> {
        if self.window.bytes().len() < n { self.window.want(n, self.out) } else { Ok(()) }
    }

    /// Decodes the next piece. False when there is none.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn more(&mut self) -> Result<bool, InspectError> {
        self.window.more(self.out)
    }

    /// Begins a value at the window's start.
    #[must_use]
    pub fn begin(&self) -> Open {
        Open { spot: self.window.spot(), plain: true }
    }

    /// Appends the next `n` bytes of the window, which must be there, to the open value. What is too long for a cell is ended on the way.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn grow(&mut self, mut n: usize, open: &mut Open, to: To<'_>) -> Result<(), InspectError> {
        loop {
            let room = MAX_CELL.saturating_sub(self.records.value().len());
            let rest = self.window.rest();
            let now = if n <= room { n } else { rest.floor_char_boundary(room) };
            let from = self.window.byte();
            self.records.push(&rest[..now]);
            self.window.skip(now);
            open.plain &= self.window.verbatim(now, from, self.window.byte());
            n -= now;
            if n == 0 {
                return Ok(());
            }
            self.part(open, to)?;
        }
    }

    /// Appends a character that stands for something else in the artifact.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn put(&mut self, c: char, open: &mut Open, to: To<'_>) -> Result<(), InspectError> {
        open.plain = false;
        if self.records.value().len() + 4 > MAX_CELL {
            self.part(open, to)?;
            open.plain = false;
        }
        self.records.push_char(c);
        Ok(())
    }

    /// Ends a part of a long value, and begins the next one; at a blank or a sign if one is near, so that no word is cut.
    fn part(&mut self, open: &mut Open, to: To<'_>) -> Result<(), InspectError> {
        let value = self.records.value();
        let near = value.floor_char_boundary(value.len() - value.len() / 16);
        let cut = value[near..].rfind(|c: char| !c.is_alphanumeric()).map_or(value.len(), |i| near + i);
        let carried = value[cut..].to_owned();
        let here = self.window.spot();
        let mut next = Open { spot: here, plain: true };
        if !carried.is_empty()
            && open.plain
            && !carried.contains('\n')
            && here.column as usize > carried.chars().count()
        {
            let back = carried.len() as u64;
            let columns = u32::try_from(carried.chars().count()).unwrap_or(0);
            next.spot = Spot { byte: here.byte - back, line: here.line, column: here.column - columns };
            self.records.truncate_value(cut);
            self.end_at(*open, next.spot.byte, to)?;
            self.records.push(&carried);
        } else {
            self.end_at(*open, here.byte, to)?;
        }
        next.plain = true;
        *open = next;
        Ok(())
    }

    /// Ends the open value at the window's start.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn end(&mut self, open: Open, to: To<'_>) -> Result<(), InspectError> {
        self.end_at(open, self.window.byte(), to)
    }

    /// Ends the open value, whose last byte stands before `byte_end`.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn end_at(&mut self, open: Open, byte_end: u64, to: To<'_>) -> Result<(), InspectError> {
        match to {
            To::Name(name, column) => self.records.end_cell(name, column, open.spot, byte_end, open.plain, self.out),
            To::Lone => self.records.end_lone(open.spot, byte_end, open.plain, self.out),
        }
    }

    /// Appends the next `n` bytes of the window with escapes replaced.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn grow_escaped(
        &mut self,
        n: usize,
        escapes: Escapes,
        open: &mut Open,
        to: To<'_>,
    ) -> Result<(), InspectError> {
        let mut left = n;
        while left > 0 {
            let bytes = &self.window.bytes()[..left];
            let special = match escapes {
                Escapes::Backslash => memchr::memchr(b'\\', bytes),
                Escapes::Doubled(quote) => memchr::memchr(quote, bytes),
            };
            let Some(plain) = special else { return self.grow(left, open, to) };
            self.grow(plain, open, to)?;
            left -= plain;
            let (c, len) = match escapes {
                Escapes::Backslash => backslash(&self.window.rest()[..left]),
                Escapes::Doubled(quote) => (Some(char::from(quote)), 2.min(left)),
            };
            self.window.skip(len);
            left -= len;
            open.plain = false;
            if let Some(c) = c {
                self.put(c, open, to)?;
            }
        }
        Ok(())
    }

    /// The next `n` bytes of the window as a value.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn take(&mut self, n: usize, to: To<'_>) -> Result<(), InspectError> {
        let mut open = self.begin();
        self.grow(n, &mut open, to)?;
        self.end(open, to)
    }

    /// Everything up to the end of the line as a record of its own, blanks before it left out; the line end is taken too. False at the end of the
    /// artifact.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn lone_line(&mut self) -> Result<bool, InspectError> {
        while matches!(self.peek(0)?, Some(b' ' | b'\t')) {
            let blank = self.window.bytes().iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
            self.window.skip_in_line(blank);
        }
        let mut open = self.begin();
        loop {
            let bytes = self.window.bytes();
            if let Some(n) = memchr::memchr(b'\n', bytes) {
                let len = n - usize::from(n > 0 && bytes[n - 1] == b'\r');
                self.grow(len, &mut open, To::Lone)?;
                self.end(open, To::Lone)?;
                self.window.skip(n - len + 1);
                return Ok(true);
            }
            let all = bytes.len();
            self.grow(all, &mut open, To::Lone)?;
            if !self.more()? {
                self.end(open, To::Lone)?;
                return Ok(false);
            }
        }
    }

    /// Length of the line at the window's start without its end, and of the end; none when it is longer than a cell may be.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn line(&mut self) -> Result<Option<(usize, usize)>, InspectError> {
        let mut from = 0;
        loop {
            let bytes = self.window.bytes();
            if let Some(n) = memchr::memchr(b'\n', &bytes[from..]) {
                let n = from + n;
                let cr = usize::from(n > 0 && bytes[n - 1] == b'\r');
                return Ok(Some((n - cr, 1 + cr)));
            }
            from = bytes.len();
            if from > MAX_CELL {
                return Ok(None);
            }
            if !self.more()? {
                return Ok(Some((from, 0)));
            }
        }
    }

    /// Tells that the syntax is wrong at the window's start; a few times at most.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn syntax_error(&mut self) -> Result<(), InspectError> {
        self.errors += 1;
        if self.errors == 1 {
            self.out.note(Note::new("syntax-error").with("line", self.window.spot().line))?;
        }
        Ok(())
    }

    /// Ends all records; what is left of the artifact goes out as running text.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn give_up(mut self) -> Result<(), InspectError> {
        self.syntax_error()?;
        self.records.drop_value();
        self.records.finish(self.out)?;
        self.window.rest_as_text(self.out)
    }

    /// Ends all records.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn finish(mut self) -> Result<(), InspectError> {
        while self.more()? {}
        self.records.finish(self.out)
    }
}
