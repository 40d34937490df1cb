//! Tokens of text formats: words, quoted texts, signs; with their places, in bounded memory, whatever the text holds.

use yumen_kit_text::{Sample, Spot, Window};
use yumen_model::{Artifact, InspectError, Inspection, InspectionExt, Note, Probe};

use crate::names::{LONGEST, Named};

/// What differs between formats.
#[derive(Clone, Copy)]
pub(crate) struct Syntax {
    /// Signs that end a word and stand for themselves.
    pub(crate) signs: &'static [u8],
    /// `/* … */` is a comment.
    pub(crate) blocks: bool,
    /// A quote is written by doubling it.
    pub(crate) doubled: bool,
    /// A line that can't stand inside a quoted text: there the text ends whose closing quote is missing.
    pub(crate) breaks: fn(&str) -> bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    Quoted,
    Sign(u8),
    End,
}

/// The token that was read last.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// Word or quoted text, cut at [`LONGEST`].
    pub(crate) text: String,
    /// Nothing but blanks before it in its line.
    pub(crate) first: bool,
    /// A quoted text has its end.
    pub(crate) closed: bool,
    spot: Spot,
    byte_end: u64,
    verbatim: bool,
}

impl Token {
    pub(crate) fn named(&self) -> Named {
        Named { text: self.text.clone(), spot: self.spot, byte_end: self.byte_end, verbatim: self.verbatim }
    }

    pub(crate) fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }
}

/// The first lines of a text for identification. Where the encoding is not clear (a few signs of an old code page in a short file), what is ASCII is
/// enough to know a format by.
pub(crate) fn sample(probe: &Probe<'_>) -> Option<String> {
    if let Some(sample) = Sample::of(probe) {
        return Some(sample.text);
    }
    let head = probe.head;
    let control = head.iter().any(|&b| b < b' ' && !matches!(b, b'\n' | b'\r' | b'\t' | 0x0C | 0x1A));
    let high = head.iter().filter(|b| !b.is_ascii()).count();
    (!head.is_empty() && !control && high * 3 <= head.len()).then(|| String::from_utf8_lossy(head).into_owned())
}

/// Reads tokens; the whole text goes out as running text on the way.
pub(crate) struct Lexer<'o> {
    window: Window,
    pub(crate) out: &'o mut dyn Inspection,
    syntax: Syntax,
    pub(crate) token: Token,
    /// The token is to be read once more.
    again: bool,
    first: bool,
    errors: u64,
    error_line: u64,
}

impl<'o> Lexer<'o> {
    pub(crate) fn open(artifact: &Artifact, syntax: Syntax, out: &'o mut dyn Inspection) -> Result<Self, InspectError> {
        let window = open_window(artifact, out)?;
        let spot = window.spot();
        let token = Token {
            kind: Kind::End,
            text: String::new(),
            first: true,
            closed: true,
            spot,
            byte_end: 0,
            verbatim: false,
        };
        Ok(Lexer { window, out, syntax, token, again: false, first: true, errors: 0, error_line: 0 })
    }

    /// The next token is the same once more.
    pub(crate) fn back(&mut self) {
        self.again = true;
    }

    /// Reads the next token.
    pub(crate) fn next(&mut self) -> Result<Kind, InspectError> {
        if std::mem::take(&mut self.again) {
            return Ok(self.token.kind);
        }
        loop {
            let bytes = self.window.bytes();
            let blank = bytes.iter().take_while(|&&b| b <= b' ').count();
            if blank > 0 {
                self.first |= bytes[..blank].iter().any(|b| matches!(b, b'\n' | b'\r'));
                self.window.skip(blank);
                continue;
            }
            let Some(&b) = bytes.first() else {
                if self.window.more(self.out)? {
                    continue;
                }
                self.begin(Kind::End);
                return Ok(Kind::End);
            };
            if b == b'/' {
                match self.window.peek(1, self.out)? {
                    Some(b'/') => {
                        self.skip_line()?;
                        continue;
                    }
                    Some(b'*') if self.syntax.blocks => {
                        self.skip_block()?;
                        continue;
                    }
                    _ => {}
                }
            }
            if b == b'"' {
                self.quoted()?;
            } else if self.syntax.signs.contains(&b) {
                self.begin(Kind::Sign(b));
                self.window.skip_in_line(1);
                self.token.byte_end = self.window.byte();
            } else {
                self.word()?;
            }
            return Ok(self.token.kind);
        }
    }

    fn begin(&mut self, kind: Kind) {
        self.token.kind = kind;
        self.token.text.clear();
        self.token.first = std::mem::take(&mut self.first);
        self.token.closed = true;
        self.token.spot = self.window.spot();
        self.token.byte_end = self.token.spot.byte;
        self.token.verbatim = false;
    }

    fn skip_line(&mut self) -> Result<(), InspectError> {
        loop {
            let bytes = self.window.bytes();
            match memchr::memchr2(b'\n', b'\r', bytes) {
                Some(n) => {
                    self.window.skip(n);
                    return Ok(());
                }
                None => {
                    let n = bytes.len();
                    self.window.skip(n);
                    if !self.window.more(self.out)? {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn skip_block(&mut self) -> Result<(), InspectError> {
        self.window.skip(2);
        loop {
            let bytes = self.window.bytes();
            match memchr::memchr(b'*', bytes) {
                Some(n) => {
                    self.first |= bytes[..n].contains(&b'\n');
                    self.window.skip(n + 1);
                    if self.window.peek(0, self.out)? == Some(b'/') {
                        self.window.skip(1);
                        return Ok(());
                    }
                }
                None => {
                    let n = bytes.len();
                    self.window.skip(n);
                    if !self.window.more(self.out)? {
                        return self.error();
                    }
                }
            }
        }
    }

    fn word(&mut self) -> Result<(), InspectError> {
        self.begin(Kind::Word);
        let mut len = 0;
        let len = loop {
            let bytes = self.window.bytes();
            let mut end = None;
            while let Some(&b) = bytes.get(len) {
                let comment = b == b'/'
                    && len > 0
                    && (bytes.get(len + 1) == Some(&b'/') || self.syntax.blocks && bytes.get(len + 1) == Some(&b'*'));
                if b <= b' ' || b == b'"' || self.syntax.signs.contains(&b) || comment {
                    end = Some(len);
                    break;
                }
                len += 1;
            }
            if let Some(end) = end {
                break end;
            }
            if len >= LONGEST {
                break self.window.rest().floor_char_boundary(LONGEST);
            }
            if !self.window.more(self.out)? {
                break self.window.rest().len();
            }
        };
        self.token.text.push_str(&self.window.rest()[..len]);
        self.window.skip_in_line(len);
        self.ended(len);
        Ok(())
    }

    fn ended(&mut self, len: usize) {
        self.token.byte_end = self.window.byte();
        self.token.verbatim = self.window.verbatim(len, self.token.spot.byte, self.token.byte_end);
    }

    fn quoted(&mut self) -> Result<(), InspectError> {
        self.begin(Kind::Quoted);
        self.window.skip_in_line(1);
        self.token.spot = self.window.spot();
        let mut plain = true;
        loop {
            let bytes = self.window.bytes();
            let Some(n) = memchr::memchr3(b'"', b'\\', b'\n', bytes) else {
                let n = bytes.len();
                self.take(n);
                if !self.window.more(self.out)? {
                    self.token.closed = false;
                    break;
                }
                continue;
            };
            let b = bytes[n];
            self.take(n);
            match b {
                b'"' => {
                    if self.syntax.doubled && self.window.peek(1, self.out)? == Some(b'"') {
                        plain = false;
                        self.push("\"");
                        self.window.skip(2);
                        continue;
                    }
                    break;
                }
                b'\\' => {
                    // Only a quote is escaped; a path that ends in a backslash is not.
                    if self.window.peek(1, self.out)? == Some(b'"') && self.escapes_quote()? {
                        plain = false;
                        self.push("\"");
                        self.window.skip(2);
                    } else {
                        self.take(1);
                    }
                }
                _ => {
                    self.window.want(161, self.out)?;
                    let rest = &self.window.rest()[1..];
                    let line = &rest[..rest.floor_char_boundary(160)];
                    let line = line.lines().next().unwrap_or("");
                    if (self.syntax.breaks)(line) {
                        self.token.closed = false;
                        break;
                    }
                    self.take(1);
                }
            }
        }
        let len = self.token.text.len();
        self.ended(len);
        self.token.verbatim &= plain;
        if self.token.closed {
            self.window.skip_in_line(1);
        } else {
            self.error()?;
        }
        Ok(())
    }

    /// Whether the quote behind the backslash at the window's start is part of the text: not where the line or the item ends behind it.
    fn escapes_quote(&mut self) -> Result<bool, InspectError> {
        self.window.want(4, self.out)?;
        let after = self.window.bytes().get(2..).unwrap_or(&[]);
        let ends = matches!(after, [] | [b';' | b'\r' | b'\n', ..] | [b' ', b';', ..]);
        Ok(!ends)
    }

    /// Appends the next `n` bytes of the window to the token.
    fn take(&mut self, n: usize) {
        let room = LONGEST.saturating_sub(self.token.text.len());
        let rest = &self.window.rest()[..n];
        self.token.text.push_str(&rest[..rest.floor_char_boundary(room)]);
        self.window.skip(n);
    }

    fn push(&mut self, text: &str) {
        if self.token.text.len() < LONGEST {
            self.token.text.push_str(text);
        }
    }

    /// Counts a syntax error at the token.
    pub(crate) fn error(&mut self) -> Result<(), InspectError> {
        self.error_at(self.token.spot.line)
    }

    /// Counts a syntax error in a line.
    pub(crate) fn error_at(&mut self, line: u64) -> Result<(), InspectError> {
        if self.errors == 0 {
            self.error_line = line;
        }
        self.errors += 1;
        Ok(())
    }

    /// Line of the token.
    pub(crate) fn line(&self) -> u64 {
        self.token.spot.line
    }

    /// Reads on to the end and tells of errors.
    pub(crate) fn finish(mut self) -> Result<&'o mut dyn Inspection, InspectError> {
        while self.window.more(self.out)? {
            let n = self.window.rest().len();
            self.window.skip(n);
        }
        tell_errors(self.errors, self.error_line, self.out)?;
        Ok(self.out)
    }
}

/// Tells of syntax errors.
pub(crate) fn tell_errors(errors: u64, line: u64, out: &mut dyn Inspection) -> Result<(), InspectError> {
    if errors > 0 {
        out.note(Note::new("syntax-error").with("line", line).with("count", errors))?;
    }
    Ok(())
}

/// A window that sends the text on, and counts the lines of old Mac OS.
fn open_window(artifact: &Artifact, out: &mut dyn Inspection) -> Result<Window, InspectError> {
    let mut window = Window::open_as_text(artifact, out)?;
    window.want(64 << 10, out)?;
    let head = window.bytes();
    let head = &head[..head.len().min(64 << 10)];
    if memchr::memchr(b'\n', head).is_none() && memchr::memchr(b'\r', head).is_some() {
        window.lines_end_with_cr();
    }
    Ok(window)
}

/// Reads lines; the whole text goes out as running text on the way.
pub(crate) struct Lines<'o> {
    window: Window,
    pub(crate) out: &'o mut dyn Inspection,
    len: usize,
    /// Length with the line end.
    whole: usize,
    errors: u64,
    error_line: u64,
}

impl<'o> Lines<'o> {
    pub(crate) fn open(artifact: &Artifact, out: &'o mut dyn Inspection) -> Result<Self, InspectError> {
        let window = open_window(artifact, out)?;
        Ok(Lines { window, out, len: 0, whole: 0, errors: 0, error_line: 0 })
    }

    /// Goes to the next line; one that is very long is cut. False at the end.
    pub(crate) fn next(&mut self) -> Result<bool, InspectError> {
        self.window.skip(self.whole);
        let mut from = 0;
        loop {
            let bytes = self.window.bytes();
            if let Some(n) = memchr::memchr2(b'\n', b'\r', &bytes[from..]) {
                self.len = from + n;
                let pair = bytes[self.len] == b'\r' && self.window.peek(self.len + 1, self.out)? == Some(b'\n');
                self.whole = self.len + 1 + usize::from(pair);
                return Ok(true);
            }
            from = bytes.len();
            if from > LONGEST {
                self.len = self.window.rest().floor_char_boundary(LONGEST);
                self.whole = self.len;
                return Ok(true);
            }
            if !self.window.more(self.out)? {
                self.len = self.window.rest().len();
                self.whole = self.len;
                return Ok(self.len > 0);
            }
        }
    }

    /// The line without its end.
    pub(crate) fn text(&self) -> &str {
        &self.window.rest()[..self.len]
    }

    /// A part of the line, which must be a slice of [`Lines::text`].
    pub(crate) fn named(&self, from: usize, to: usize) -> Named {
        let (spot, byte_end) = self.window.place_of(from, to);
        let text = self.text()[from..to].to_owned();
        let verbatim = self.window.is_utf8() && byte_end - spot.byte == text.len() as u64 && !text.contains('\u{FFFD}');
        Named { text, spot, byte_end, verbatim }
    }

    pub(crate) fn error(&mut self) {
        if self.errors == 0 {
            self.error_line = self.window.spot().line;
        }
        self.errors += 1;
    }

    pub(crate) fn finish(mut self) -> Result<&'o mut dyn Inspection, InspectError> {
        while self.window.more(self.out)? {
            let n = self.window.rest().len();
            self.window.skip(n);
        }
        tell_errors(self.errors, self.error_line, self.out)?;
        Ok(self.out)
    }
}
