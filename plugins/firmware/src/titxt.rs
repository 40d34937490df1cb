//! TI-TXT and Verilog memory images: `@` and an address, then bytes or words in hexadecimal.
//!
//! Source: Texas Instruments SLAU131 (TI-TXT); IEEE 1364 (`$readmemh`), as objcopy and Vivado write it.

use crate::hexfile::{Dialect, Line, Parsed, census, digit};

/// The state of a file being read.
#[derive(Default)]
pub(crate) struct TiTxt {
    address: Option<u64>,
    verilog: bool,
    /// Bytes of a word, known with the first data.
    width: usize,
}

impl TiTxt {
    /// For the Verilog form: words of any width, comments, no end.
    pub(crate) fn verilog() -> Self {
        TiTxt { verilog: true, ..TiTxt::default() }
    }
}

/// Whether a head is one of both; by its end or by its width they are told apart.
pub(crate) fn looks(head: &[u8]) -> Option<&'static str> {
    let text = head.trim_ascii_start();
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    if !matches!(text, [b'@', ..] | [b'/', b'/' | b'*', ..]) {
        return None;
    }
    let lines = census(head, TiTxt::verilog());
    if lines.records < 2 || lines.foreign > lines.records {
        return None;
    }
    // An address and data, or it might be anything.
    let mut dialect = TiTxt::verilog();
    let (mut addresses, mut data_lines, mut wide) = (false, 0, false);
    let mut data = Vec::new();
    for line in text.split(|&b| b == b'\n' || b == b'\r').take(64) {
        data.clear();
        match dialect.line(crate::hexfile::trim_end(line), &mut data).line {
            Line::Other => addresses |= line.trim_ascii_start().starts_with(b"@"),
            Line::Data(_) if addresses || line.trim_ascii_start().starts_with(b"@") => {
                addresses = true;
                data_lines += 1;
                wide |= dialect.width > 1;
            }
            Line::Data(_) => return None,
            _ => {}
        }
    }
    if !addresses || data_lines == 0 {
        return None;
    }
    let comments = memchr::memmem::find(head, b"//").is_some() || memchr::memmem::find(head, b"/*").is_some();
    let at_digits = text.iter().skip(1).take_while(|b| b.is_ascii_hexdigit()).count();
    Some(if wide || comments || at_digits > 6 { "verilog-hex" } else { "ti-txt" })
}

impl Dialect for TiTxt {
    fn line(&mut self, line: &[u8], data: &mut Vec<u8>) -> Parsed {
        let skipped = line.iter().take_while(|b| matches!(b, b' ' | b'\t' | 0x1a)).count();
        let rest = &line[skipped..];
        let (mut skipped, mut rest) = (skipped, rest);
        match rest {
            [] => return Parsed::of(Line::Blank, line.len()),
            [b'q' | b'Q'] => return Parsed { last: true, ..Parsed::of(Line::Other, line.len()) },
            [b'@', digits @ ..] => {
                let n = digits.iter().take_while(|b| b.is_ascii_hexdigit()).count();
                if n == 0 || n > 16 || digits.get(n).is_some_and(|b| !b.is_ascii_whitespace()) {
                    return Parsed::foreign();
                }
                let address = digits[..n].iter().filter_map(|&b| digit(b)).fold(0, |a, d| a << 4 | u64::from(d));
                self.address = Some(address);
                let blanks = digits[n..].iter().take_while(|b| b.is_ascii_whitespace()).count();
                // Data may follow on the same line.
                if digits.get(n + blanks).is_none_or(|b| !b.is_ascii_hexdigit()) {
                    return Parsed::of(Line::Other, skipped + 1 + n);
                }
                skipped += 1 + n + blanks;
                rest = &digits[n + blanks..];
            }
            _ => {}
        }
        let start = data.len();
        let mut used = skipped;
        let mut at = 0;
        while at < rest.len() {
            let n = rest[at..].iter().take_while(|b| b.is_ascii_hexdigit()).count();
            let width = n / 2;
            let whole = rest.get(at + n).is_none_or(u8::is_ascii_whitespace);
            if n == 0 && self.verilog && rest[at..].starts_with(b"//") && data.len() > start {
                break;
            }
            let known = self.width == 0 || self.width == width;
            if !whole || n % 2 == 1 || !matches!(width, 1 | 2 | 4 | 8 | 16) || (width > 1 && !self.verilog) || !known {
                data.truncate(start);
                return Parsed::foreign();
            }
            self.width = width;
            crate::hexfile::pairs(&rest[at..at + n], width, data);
            at += n;
            used = skipped + at;
            at += rest[at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        }
        // Addresses count words.
        let address = self.address.unwrap_or(0);
        let width = self.width.max(1) as u64;
        self.address = Some(address.wrapping_add((data.len() - start) as u64 / width));
        Parsed::of(Line::Data(address.wrapping_mul(width)), used)
    }

    fn has_end(&self) -> bool {
        !self.verilog
    }
}
