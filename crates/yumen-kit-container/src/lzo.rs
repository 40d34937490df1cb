//! LZO1X, as lzop, squashfs, UBIFS and JFFS2 use it. Output is bounded by what the caller asks for, and no input makes it panic.
//!
//! Source: the kernel's Documentation/staging/lzo.rst (the stream as its decompressor understands it; version 0, without run length encoding).

/// Why a stream can't be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LzoError {
    /// The input ends before the end marker.
    Truncated,
    /// A match reaches back before the first byte, or the end marker is wrong.
    Corrupt,
    /// There is more than the caller asked for.
    TooLong,
}

struct Decoder<'a> {
    input: &'a [u8],
    at: usize,
    most: usize,
}

impl Decoder<'_> {
    fn byte(&mut self) -> Result<usize, LzoError> {
        let b = *self.input.get(self.at).ok_or(LzoError::Truncated)?;
        self.at += 1;
        Ok(usize::from(b))
    }

    fn word(&mut self) -> Result<usize, LzoError> {
        Ok(self.byte()? | self.byte()? << 8)
    }

    /// A length that does not fit its field: zero bytes count 255 each, the byte behind them ends it.
    fn long(&mut self, base: usize) -> Result<usize, LzoError> {
        let mut n = base;
        loop {
            match self.byte()? {
                0 => n += 255,
                b => return Ok(n + b),
            }
        }
    }

    fn literals(&mut self, n: usize, out: &mut Vec<u8>) -> Result<(), LzoError> {
        let end = self.at.checked_add(n).ok_or(LzoError::Truncated)?;
        let bytes = self.input.get(self.at..end).ok_or(LzoError::Truncated)?;
        if bytes.len() > self.most - out.len() {
            return Err(LzoError::TooLong);
        }
        out.extend_from_slice(bytes);
        self.at = end;
        Ok(())
    }

    fn copy(&self, distance: usize, n: usize, out: &mut Vec<u8>) -> Result<(), LzoError> {
        if n > self.most - out.len() {
            return Err(LzoError::TooLong);
        }
        let start = out.len().checked_sub(distance).ok_or(LzoError::Corrupt)?;
        if distance >= n {
            out.extend_from_within(start..start + n);
        } else {
            // What is copied may be what was just written.
            for i in start..start + n {
                out.push(out[i]);
            }
        }
        Ok(())
    }

    fn run(&mut self, out: &mut Vec<u8>) -> Result<(), LzoError> {
        // Literals behind the last instruction: 0 to 3, or 4 for a long run of them.
        let mut state = 0;
        match self.input.first() {
            Some(&first @ 18..) => {
                self.at = 1;
                let n = usize::from(first) - 17;
                self.literals(n, out)?;
                state = n.min(4);
            }
            Some(_) => {}
            None => return Err(LzoError::Truncated),
        }
        loop {
            let code = self.byte()?;
            let (distance, n, follow) = match code {
                0..=15 if state == 0 => {
                    let n = if code == 0 { self.long(18)? } else { code + 3 };
                    self.literals(n, out)?;
                    state = 4;
                    continue;
                }
                0..=15 => {
                    let far = (code >> 2) + (self.byte()? << 2);
                    if state == 4 { (far + 2049, 3, code) } else { (far + 1, 2, code) }
                }
                16..=31 => {
                    let n = match code & 7 {
                        0 => self.long(9)?,
                        n => n + 2,
                    };
                    let word = self.word()?;
                    let distance = 16384 + ((code & 8) << 11) + (word >> 2);
                    if distance == 16384 {
                        return if n == 3 { Ok(()) } else { Err(LzoError::Corrupt) };
                    }
                    (distance, n, word)
                }
                32..=63 => {
                    let n = match code & 31 {
                        0 => self.long(33)?,
                        n => n + 2,
                    };
                    let word = self.word()?;
                    ((word >> 2) + 1, n, word)
                }
                64..=127 => ((self.byte()? << 3) + (code >> 2 & 7) + 1, 3 + (code >> 5 & 1), code),
                _ => ((self.byte()? << 3) + (code >> 2 & 7) + 1, 5 + (code >> 5 & 3), code),
            };
            self.copy(distance, n, out)?;
            state = follow & 3;
            self.literals(state, out)?;
        }
    }
}

/// Appends the decoded stream, at most `most` bytes of it, to `out`; returns how many bytes of the input it took. What was decoded before an error stays.
///
/// # Errors
/// Why the stream can't be decoded to its end.
pub fn decompress(input: &[u8], most: usize, out: &mut Vec<u8>) -> Result<usize, LzoError> {
    let mut fresh = Vec::with_capacity(most.min(input.len().saturating_mul(4)));
    let mut decoder = Decoder { input, at: 0, most };
    let result = decoder.run(&mut fresh);
    if out.is_empty() {
        *out = fresh;
    } else {
        out.append(&mut fresh);
    }
    result.map(|()| decoder.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_matches_and_the_end_marker() {
        // "abcd" as a first literal run, a match of 5 bytes at distance 4, the end.
        let stream = [21, b'a', b'b', b'c', b'd', 0x8C, 0, 17, 0, 0];
        let mut out = Vec::new();
        assert_eq!(decompress(&stream, 100, &mut out), Ok(10));
        assert_eq!(out, b"abcdabcda");
        for cut in 0..stream.len() {
            assert_eq!(decompress(&stream[..cut], 100, &mut Vec::new()), Err(LzoError::Truncated), "{cut}");
        }
        assert_eq!(decompress(&stream, 8, &mut Vec::new()), Err(LzoError::TooLong));
        let reaches_back = [21, b'a', b'b', b'c', b'd', 0x90, 0, 17, 0, 0];
        assert_eq!(decompress(&reaches_back, 100, &mut Vec::new()), Err(LzoError::Corrupt));
    }

    #[cfg(feature = "testing")]
    #[test]
    fn no_noise_makes_it_panic_or_swell() {
        for seed in 0..2000 {
            let noise = crate::testing::noise(seed, 300);
            let mut out = Vec::new();
            let _ = decompress(&noise, 4096, &mut out);
            assert!(out.len() <= 4096);
        }
    }
}
