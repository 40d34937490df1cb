//! A sliding window over decoded text: what recognisers look at, and where it stands in the artifact.

use std::collections::VecDeque;

use encoding_rs::GB18030;
use yumen_model::{ByteMap, TextEncoding};

use super::fold;

/// Text that has been scanned, with its surroundings, and the way back to lines, columns and bytes of the artifact.
pub(crate) struct Window {
    /// The text, full-width letters and digits folded.
    text: String,
    /// Offset in the stream (of the folded text) of the first byte of `text`.
    base: u64,
    encoding: TextEncoding,
    /// Rising pairs (offset in the stream, byte in the artifact); the first is at or before every offset that is still asked for.
    anchors: VecDeque<(u64, u64)>,
    /// Lines and columns up to here are counted.
    counted: Counted,
}

/// A place in the stream with its line and column.
#[derive(Clone, Copy)]
struct Counted {
    offset: u64,
    line: u64,
    column: u64,
}

impl Window {
    pub(crate) fn new() -> Self {
        Window {
            text: String::new(),
            base: 0,
            encoding: TextEncoding::Utf8,
            anchors: VecDeque::new(),
            counted: Counted { offset: 0, line: 1, column: 1 },
        }
    }

    /// The stream begins at a line and column other than the first.
    pub(crate) fn begin_at(&mut self, line: u64, column: u64) {
        self.counted = Counted { offset: 0, line: line.max(1), column: column.max(1) };
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Offset in the stream of the window's first byte.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// The text of a span of the stream, as far as it is in the window.
    pub(crate) fn slice(&self, start: u64, end: u64) -> &str {
        let at = |offset: u64| usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX);
        self.text.get(at(start)..at(end)).unwrap_or("")
    }

    /// Appends `text[from..to]` of a batch.
    pub(crate) fn push(&mut self, map: &ByteMap, text: &str, from: usize, to: usize) {
        self.encoding = map.encoding;
        let (mut from, end) = (from, to);
        let first = map.anchors.partition_point(|a| a.0 as usize <= from);
        if let Some(&(at, byte)) = first.checked_sub(1).and_then(|i| map.anchors.get(i)) {
            // Where the batch continues the piece before it, the positions follow already; an anchor more costs nothing.
            let byte = byte + self.encoded(text.get(at as usize..from).unwrap_or(""));
            self.anchor(byte);
        }
        let inside = map.anchors.iter().skip(first).take_while(|a| (a.0 as usize) < end);
        for &(at, byte) in inside {
            self.append(text.get(from..at as usize).unwrap_or(""));
            from = at as usize;
            self.anchor(byte);
        }
        self.append(text.get(from..end).unwrap_or(""));
    }

    fn end(&self) -> u64 {
        self.base + self.text.len() as u64
    }

    fn anchor(&mut self, byte: u64) {
        let at = self.end();
        if self.anchors.back().is_some_and(|a| a.0 == at) {
            self.anchors.pop_back();
        }
        self.anchors.push_back((at, byte));
    }

    fn append(&mut self, text: &str) {
        let Some(mut at) = fold::first(text) else {
            self.text.push_str(text);
            return;
        };
        let start = self.anchors.back().copied().unwrap_or((self.end(), 0));
        let mut byte = start.1 + self.encoded(self.slice(start.0, self.end()));
        byte += self.encoded(&text[..at]);
        self.text.push_str(&text[..at]);
        // A folded character is shorter than what stands in the artifact: an anchor after it sets that right.
        while let Some(c) = text[at..].chars().next() {
            let next = at + c.len_utf8();
            byte += self.encoded(&text[at..next]);
            at = next;
            if let Some(ascii) = fold::fold_char(c) {
                self.text.push(ascii);
                self.anchor(byte);
                continue;
            }
            self.text.push(c);
            match fold::first(&text[at..]) {
                Some(n) => {
                    byte += self.encoded(&text[at..at + n]);
                    self.text.push_str(&text[at..at + n]);
                    at += n;
                }
                None => {
                    self.text.push_str(&text[at..]);
                    return;
                }
            }
        }
    }

    /// Length of a text in the artifact's encoding.
    fn encoded(&self, text: &str) -> u64 {
        let n = match self.encoding {
            TextEncoding::Utf8 => text.len(),
            TextEncoding::Utf16Le | TextEncoding::Utf16Be => 2 * text.chars().map(char::len_utf16).sum::<usize>(),
            TextEncoding::SingleByte => text.chars().count(),
            TextEncoding::Gb18030 if text.is_ascii() => text.len(),
            TextEncoding::Gb18030 => GB18030.encode(text).0.len(),
        };
        n as u64
    }

    /// The artifact's byte at an offset of the stream.
    pub(crate) fn byte_at(&self, offset: u64) -> u64 {
        let after = self.anchors.partition_point(|a| a.0 <= offset);
        let Some(&(at, byte)) = after.checked_sub(1).and_then(|i| self.anchors.get(i)) else { return offset };
        byte + match self.encoding {
            TextEncoding::Utf8 => offset - at,
            _ => self.encoded(self.slice(at, offset)),
        }
    }

    /// Adds an anchor at an offset, so that positions after it need not be counted from further back.
    fn settle_anchor(&mut self, offset: u64) {
        let after = self.anchors.partition_point(|a| a.0 <= offset);
        if after == 0 {
            return;
        }
        let byte = self.byte_at(offset);
        self.anchors.drain(..after);
        self.anchors.push_front((offset, byte));
    }

    /// Line and column (in characters) of an offset, both from 1. Offsets must not fall.
    pub(crate) fn line_column(&mut self, offset: u64) -> (u64, u64) {
        if offset > self.counted.offset {
            let passed = self.slice(self.counted.offset, offset).as_bytes();
            let Counted { mut line, mut column, .. } = self.counted;
            let tail = match memchr::memrchr(b'\n', passed) {
                Some(last) => {
                    line += memchr::memchr_iter(b'\n', passed).count() as u64;
                    column = 1;
                    &passed[last + 1..]
                }
                None => passed,
            };
            column += characters(tail);
            self.counted = Counted { offset, line, column };
        }
        (self.counted.line, self.counted.column)
    }

    /// Forgets the text before an offset of the stream.
    pub(crate) fn forget(&mut self, offset: u64) {
        let mut n = usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.text.len());
        while !self.text.is_char_boundary(n) {
            n -= 1;
        }
        let offset = self.base + n as u64;
        self.line_column(offset);
        self.settle_anchor(offset);
        self.text.drain(..n);
        self.base = offset;
    }
}

/// Characters of valid UTF-8.
pub(crate) fn characters(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&b| b & 0xC0 != 0x80).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(encoding: TextEncoding, text: &str, cuts: &[usize]) -> Window {
        let map = ByteMap { encoding, anchors: vec![(0, 100)] };
        let mut w = Window::new();
        let mut from = 0;
        for &cut in cuts.iter().chain([&text.len()]) {
            w.push(&map, text, from, cut);
            from = cut;
        }
        w
    }

    #[test]
    fn folded_text_keeps_its_bytes_in_every_encoding() {
        let text = "车ＶＩＮ：１3\n８x";
        for (encoding, step) in
            [(TextEncoding::Utf8, [3u64, 3]), (TextEncoding::Utf16Le, [2, 2]), (TextEncoding::Gb18030, [2, 2])]
        {
            for cut in [0, 3, 6, 9, 12] {
                let w = window(encoding, text, &[cut]);
                assert_eq!(w.text(), "车VIN：13\n8x");
                assert_eq!(w.byte_at(3), 100 + step[0]);
                assert_eq!(w.byte_at(4), 100 + step[0] + step[1]);
                let end = w.byte_at(w.text().len() as u64);
                let len = match encoding {
                    TextEncoding::Utf8 => text.len(),
                    TextEncoding::Gb18030 => GB18030.encode(text).0.len(),
                    _ => text.encode_utf16().count() * 2,
                };
                assert_eq!(end, 100 + len as u64);
            }
        }
    }

    #[test]
    fn lines_and_columns_go_on_from_where_the_stream_begins() {
        let mut w = Window::new();
        w.begin_at(7, 3);
        w.push(&ByteMap::identity(0), "ab\ncd", 0, 5);
        assert_eq!(w.line_column(1), (7, 4));
        assert_eq!(w.line_column(4), (8, 2));
    }

    #[test]
    fn lines_and_columns_are_counted_across_what_is_forgotten() {
        let mut w = window(TextEncoding::Utf8, "ab\n车c\nd车e", &[]);
        assert_eq!(w.line_column(3), (2, 1));
        w.forget(4);
        assert_eq!(w.base(), 3);
        assert_eq!(w.line_column(7), (2, 3));
        w.forget(9);
        assert_eq!(w.line_column(13), (3, 4));
        assert_eq!(w.byte_at(9), 109);
    }
}
