//! LZO1X blocks. Reference: the kernel's Documentation/staging/lzo.rst.

use super::Broken;
use super::lz4::repeat;

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Input<'_> {
    fn byte(&mut self) -> Result<usize, Broken> {
        let b = *self.bytes.get(self.at).ok_or(Broken)?;
        self.at += 1;
        Ok(usize::from(b))
    }

    fn word(&mut self) -> Result<usize, Broken> {
        Ok(self.byte()? | self.byte()? << 8)
    }

    /// A length that did not fit its bits: zero bytes count 255 each.
    fn long(&mut self, base: usize) -> Result<usize, Broken> {
        let mut n = base;
        loop {
            match self.byte()? {
                0 => n = n.checked_add(255).ok_or(Broken)?,
                b => return n.checked_add(b).ok_or(Broken),
            }
        }
    }

    fn copy(&mut self, n: usize, most: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
        let bytes = self.at.checked_add(n).and_then(|end| self.bytes.get(self.at..end)).ok_or(Broken)?;
        if bytes.len() > most - out.len() {
            return Err(Broken);
        }
        out.extend_from_slice(bytes);
        self.at += n;
        Ok(())
    }
}

/// Decodes a block of at most `most` bytes.
///
/// # Errors
/// When it is broken, cut short or longer.
pub fn lzo(input: &[u8], most: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
    out.clear();
    out.reserve(most);
    let mut input = Input { bytes: input, at: 0 };
    // Literals that the last instruction copied: 0, 1 to 3, or 4 for more.
    let mut state = 0;
    let first = usize::from(*input.bytes.first().ok_or(Broken)?);
    if first > 17 {
        input.at = 1;
        input.copy(first - 17, most, out)?;
        state = (first - 17).min(4);
    }
    loop {
        let code = input.byte()?;
        let (distance, len, literals) = match code {
            0..=15 if state == 0 => {
                let n = if code == 0 { input.long(15)? } else { code }.checked_add(3).ok_or(Broken)?;
                input.copy(n, most, out)?;
                state = 4;
                continue;
            }
            0..=15 => {
                let near = (input.byte()? << 2) + (code >> 2) + 1;
                if state == 4 { (near + 2048, 3, code & 3) } else { (near, 2, code & 3) }
            }
            16..=31 => {
                let n = if code & 7 == 0 { input.long(7)? } else { code & 7 };
                let word = input.word()?;
                let distance = 16384 + ((code & 8) << 11) + (word >> 2);
                if distance == 16384 {
                    return if n == 1 { Ok(()) } else { Err(Broken) };
                }
                (distance, n + 2, word & 3)
            }
            32..=63 => {
                let n = if code & 31 == 0 { input.long(31)? } else { code & 31 };
                let word = input.word()?;
                ((word >> 2) + 1, n + 2, word & 3)
            }
            _ => {
                let high = input.byte()? << 3;
                (high + (code >> 2 & 7) + 1, (code >> 5) + 1, code & 3)
            }
        };
        if len > most - out.len() {
            return Err(Broken);
        }
        repeat(out, distance, len)?;
        input.copy(literals, most, out)?;
        state = literals;
    }
}
