//! A sliding view of decoded text for lexers.

use yumen_model::{Artifact, ByteMap, InspectError, Inspection, TextEncoding};

use crate::charset::{chars, encoded_len};
use crate::decode::{CHUNK, Decoder};
use crate::detect::{Detection, detect};
use crate::evidence::{Accounts, TextStream};
use crate::records::Spot;

/// Up to so many bytes are counted one by one.
const SHORT: usize = 32;

/// Decoded text from the current place on, and where that place is. A lexer looks at [`Window::rest`], asks for [`Window::more`] when it
/// needs to see further, and takes what it has read with [`Window::skip`]. Bytes are labelled and binary stretches sent as they are
/// decoded.
#[derive(Debug)]
pub struct Window {
    artifact: Artifact,
    decoder: Decoder,
    accounts: Accounts,
    /// Everything decoded goes out as running text too.
    running: Option<TextStream>,
    /// Decoded text; what lies before `at` was taken.
    text: String,
    at: usize,
    /// As in a [`ByteMap`], for `text`.
    anchors: Vec<(usize, u64)>,
    /// Byte after the last sign taken that does not stand in the artifact as it stands in the text (malformed, another encoding).
    odd: u64,
    /// Anchors that are there only since a piece begins: they rise, like those of `anchors`.
    starts: std::collections::VecDeque<usize>,
    /// Index of the last anchor at or before `at`.
    anchor: usize,
    /// Place of the one after it.
    next_anchor: usize,
    encoding: TextEncoding,
    byte: u64,
    line: u64,
    column: u32,
    end: bool,
    newline: u8,
}

impl Window {
    /// A window at the start of an artifact.
    ///
    /// # Errors
    /// A read failed.
    pub fn open(artifact: &Artifact) -> Result<Self, InspectError> {
        Window::with_chunk(artifact, CHUNK)
    }

    /// A window that is filled in steps of about `chunk` bytes.
    ///
    /// # Errors
    /// A read failed.
    pub fn with_chunk(artifact: &Artifact, chunk: usize) -> Result<Self, InspectError> {
        let detection = detect(&artifact.blob).map_err(|e| InspectError::read(0, &e))?.unwrap_or(Detection::UTF8);
        let decoder = Decoder::with_chunk(&artifact.blob, detection, chunk);
        Ok(Window {
            artifact: artifact.clone(),
            encoding: decoder.charset().map_encoding(),
            decoder,
            accounts: Accounts::default(),
            running: None,
            text: String::new(),
            at: 0,
            anchors: vec![(0, detection.bom as u64)],
            odd: 0,
            starts: std::collections::VecDeque::from([0]),
            anchor: 0,
            next_anchor: usize::MAX,
            byte: detection.bom as u64,
            line: 1,
            column: 1,
            end: false,
            newline: b'\n',
        })
    }

    /// A window whose whole text goes out as running text, as [`crate::send_text`] sends it: for readers that look for structure in text. The stream ends when all
    /// is decoded, so the reader must come to the end.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn open_as_text(artifact: &Artifact, out: &mut dyn Inspection) -> Result<Self, InspectError> {
        let mut window = Window::open(artifact)?;
        window.running = Some(TextStream::open(artifact, 1, 1, out)?);
        Ok(window)
    }

    /// Lines end with a lone carriage return (old Mac OS) instead of a line feed.
    pub fn lines_end_with_cr(&mut self) {
        self.newline = b'\r';
    }

    /// What was decoded and not yet taken.
    #[must_use]
    #[inline]
    pub fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// The same as bytes.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// The byte at `offset` of the rest; decodes more when it must. None at the end of the artifact.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    #[inline]
    pub fn peek(&mut self, offset: usize, out: &mut dyn Inspection) -> Result<Option<u8>, InspectError> {
        if let Some(&byte) = self.text.as_bytes().get(self.at + offset) {
            return Ok(Some(byte));
        }
        while self.text.len() - self.at <= offset {
            if !self.more(out)? {
                return Ok(None);
            }
        }
        Ok(Some(self.text.as_bytes()[self.at + offset]))
    }

    /// Makes sure that the rest holds `n` bytes if the artifact does.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn want(&mut self, n: usize, out: &mut dyn Inspection) -> Result<(), InspectError> {
        while self.text.len() - self.at < n {
            if !self.more(out)? {
                break;
            }
        }
        Ok(())
    }

    /// Decodes the next piece and appends it to the rest. False when there is none.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn more(&mut self, out: &mut dyn Inspection) -> Result<bool, InspectError> {
        if self.end {
            return Ok(false);
        }
        self.drop_taken();
        let old = self.text.len();
        let at = self.byte;
        match self.decoder.next_chunk().map_err(|e| InspectError::read(at, &e))? {
            None => {
                self.end = true;
                if let Some(stream) = self.running.take() {
                    stream.close(out)?;
                }
                self.accounts.finish(&self.decoder, out)?;
                Ok(false)
            }
            Some(chunk) => {
                self.text.push_str(chunk.text);
                let joins = self.anchors.last().is_some_and(|a| a.0 == old);
                if chunk.map.anchors.first() == Some(&(0, chunk.range.start)) && !joins {
                    self.starts.push_back(old);
                }
                for &(t, b) in &chunk.map.anchors {
                    let t = old + t as usize;
                    match self.anchors.last_mut() {
                        Some(last) if last.0 == t => last.1 = b,
                        _ => self.anchors.push((t, b)),
                    }
                }
                self.accounts.piece(&self.artifact, chunk.range, chunk.binary, out)?;
                if let Some(stream) = &mut self.running {
                    stream.send(chunk.text, chunk.map, out)?;
                }
                self.see_next_anchor();
                Ok(true)
            }
        }
    }

    /// Whether all of the artifact is decoded.
    #[must_use]
    pub fn at_end(&self) -> bool {
        self.end
    }

    fn drop_taken(&mut self) {
        if self.at == 0 {
            return;
        }
        self.text.drain(..self.at);
        self.anchors.drain(..self.anchor);
        for a in &mut self.anchors {
            a.0 = a.0.saturating_sub(self.at);
        }
        for s in &mut self.starts {
            *s = s.saturating_sub(self.at);
        }
        // The first anchor lay at or before the place: now it is the place.
        if let Some(first) = self.anchors.first_mut() {
            *first = (0, self.byte);
        }
        self.anchor = 0;
        self.at = 0;
        self.see_next_anchor();
    }

    /// Where the rest begins.
    #[must_use]
    #[inline]
    pub fn spot(&self) -> Spot {
        Spot { byte: self.byte, line: self.line, column: self.column }
    }

    /// The byte of the artifact at which the rest begins.
    #[must_use]
    #[inline]
    pub fn byte(&self) -> u64 {
        self.byte
    }

    /// The place of offset `from` of the rest, and the byte of offset `to`, without taking anything. Costs time in proportion to `to`.
    #[must_use]
    pub fn place_of(&self, from: usize, to: usize) -> (Spot, u64) {
        let text = &self.text.as_bytes()[self.at..self.at + from];
        let mut spot = Spot { byte: self.byte_at(from), line: self.line, column: self.column };
        match memchr::memrchr(self.newline, text) {
            None => spot.column = spot.column.saturating_add(u32::try_from(chars(text)).unwrap_or(u32::MAX)),
            Some(last) => {
                spot.line += memchr::memchr_iter(self.newline, text).count() as u64;
                spot.column = u32::try_from(chars(&text[last + 1..])).unwrap_or(u32::MAX - 1).saturating_add(1);
            }
        }
        (spot, self.byte_at(to))
    }

    fn byte_at(&self, offset: usize) -> u64 {
        let to = self.at + offset;
        let after = self.anchors.partition_point(|a| a.0 <= to);
        match after.checked_sub(1) {
            Some(i) if i > self.anchor => {
                let (t, b) = self.anchors[i];
                b + encoded_len(self.encoding, &self.text[t..to])
            }
            _ => self.byte + encoded_len(self.encoding, &self.text[self.at..to]),
        }
    }

    /// Takes `n` bytes of the rest, which must end at a character.
    pub fn skip(&mut self, n: usize) {
        let newline = self.newline;
        let taken = &self.text.as_bytes()[self.at..self.at + n];
        if n <= SHORT {
            for &b in taken {
                if b == newline {
                    self.line += 1;
                    self.column = 1;
                } else {
                    self.column = self.column.saturating_add(u32::from((b & 0xC0) != 0x80));
                }
            }
            return self.advance(n);
        }
        match memchr::memrchr(newline, taken) {
            None => self.column = self.column.saturating_add(u32::try_from(chars(taken)).unwrap_or(u32::MAX)),
            Some(last) => {
                self.line += memchr::memchr_iter(newline, taken).count() as u64;
                let n = chars(&taken[last + 1..]);
                self.column = u32::try_from(n).unwrap_or(u32::MAX - 1).saturating_add(1);
            }
        }
        self.advance(n);
    }

    /// Takes `n` bytes that hold no line end.
    #[inline]
    pub fn skip_in_line(&mut self, n: usize) {
        let taken = &self.text.as_bytes()[self.at..self.at + n];
        let count = if n == 1 { 1 } else { chars(taken) };
        self.column = self.column.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        self.advance(n);
    }

    #[inline]
    fn advance(&mut self, n: usize) {
        let to = self.at + n;
        if to < self.next_anchor {
            self.byte += encoded_len(self.encoding, &self.text[self.at..to]);
            self.at = to;
        } else {
            self.advance_over(to);
        }
    }

    /// Advances to a place at or after an anchor.
    fn advance_over(&mut self, to: usize) {
        while self.anchors.get(self.anchor + 1).is_some_and(|a| a.0 <= to) {
            self.anchor += 1;
            let (t, b) = self.anchors[self.anchor];
            while self.starts.front().is_some_and(|&s| s < t) {
                self.starts.pop_front();
            }
            if self.starts.front() != Some(&t) {
                self.odd = b;
            }
        }
        let (t, b) = self.anchors[self.anchor];
        self.byte = b + encoded_len(self.encoding, &self.text[t..to]);
        self.at = to;
        self.see_next_anchor();
    }

    fn see_next_anchor(&mut self) {
        self.next_anchor = self.anchors.get(self.anchor + 1).map_or(usize::MAX, |a| a.0);
    }

    /// Whether text of `len` bytes stands in the artifact byte for byte: the text just taken, read from the bytes `from..to`.
    #[must_use]
    pub fn verbatim(&self, len: usize, from: u64, to: u64) -> bool {
        self.encoding == TextEncoding::Utf8 && to - from == len as u64 && self.odd <= from
    }

    /// Whether the artifact is UTF-8, so that text is as long as its bytes but for odd places.
    #[must_use]
    pub fn is_utf8(&self) -> bool {
        self.encoding == TextEncoding::Utf8
    }

    /// Sends everything from here to the end as running text.
    ///
    /// # Errors
    /// A read failed, or the engine takes no more.
    pub fn rest_as_text(&mut self, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut stream = TextStream::open(&self.artifact, self.line, self.column, out)?;
        loop {
            self.drop_taken();
            // Anchors of a map are 32 bits wide; a window is never that long.
            let anchors = self.anchors.iter().map(|&(t, b)| (u32::try_from(t).unwrap_or(u32::MAX), b)).collect();
            stream.send(&self.text, ByteMap { encoding: self.encoding, anchors }, out)?;
            self.skip(self.text.len());
            if !self.more(out)? {
                break;
            }
        }
        stream.close(out)
    }
}
