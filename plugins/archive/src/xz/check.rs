//! The checks of xz blocks.

pub(super) use flate2::Crc as Crc32;
use sha2::{Digest, Sha256};

/// CRC-32 of a few bytes.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc32::new();
    crc.update(bytes);
    crc.sum()
}

/// A check as it is computed.
pub(super) struct Check {
    size: usize,
    sum: Sum,
}

enum Sum {
    None,
    Crc32(Crc32),
    Crc64(u64),
    Sha256(Box<Sha256>),
    /// Of a kind that no specification defines yet: its size is known.
    Unknown,
}

impl Check {
    /// By the number in the stream's flags.
    pub(super) fn new(kind: u8) -> Self {
        // xz-file-format 2.1.1.2
        const SIZES: [usize; 16] = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];
        let sum = match kind {
            0 => Sum::None,
            1 => Sum::Crc32(Crc32::new()),
            4 => Sum::Crc64(!0),
            10 => Sum::Sha256(Box::default()),
            _ => Sum::Unknown,
        };
        Check { size: SIZES[usize::from(kind & 0xF)], sum }
    }

    /// Length of the stored check.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Takes the next bytes of the block.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match &mut self.sum {
            Sum::None | Sum::Unknown => {}
            Sum::Crc32(crc) => crc.update(bytes),
            Sum::Crc64(crc) => *crc = crc64(*crc, bytes),
            Sum::Sha256(sha) => sha.update(bytes),
        }
    }

    /// Whether the stored check matches; none when it can't be computed.
    pub(super) fn verify(self, stored: &[u8]) -> Option<bool> {
        match self.sum {
            Sum::None => Some(true),
            Sum::Crc32(crc) => Some(stored == crc.sum().to_le_bytes()),
            Sum::Crc64(crc) => Some(stored == (!crc).to_le_bytes()),
            Sum::Sha256(sha) => Some(stored == sha.finalize().as_slice()),
            Sum::Unknown => None,
        }
    }
}

/// ECMA-182, reflected. Eight tables: eight bytes at a step.
static TABLES: [[u64; 256]; 8] = tables();

const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0u64; 256]; 8];
    let mut i = 0;
    while i < 256 {
        let mut crc = i as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xC96C_5795_D787_0F42 } else { crc >> 1 };
            bit += 1;
        }
        tables[0][i] = crc;
        i += 1;
    }
    let mut t = 1;
    while t < 8 {
        let mut i = 0;
        while i < 256 {
            let before = tables[t - 1][i];
            tables[t][i] = tables[0][(before & 0xFF) as usize] ^ before >> 8;
            i += 1;
        }
        t += 1;
    }
    tables
}

fn crc64(mut crc: u64, bytes: &[u8]) -> u64 {
    let (chunks, rest) = bytes.as_chunks::<8>();
    for chunk in chunks {
        let x = (crc ^ u64::from_le_bytes(*chunk)).to_le_bytes();
        crc = 0;
        for (byte, table) in x.iter().zip(TABLES.iter().rev()) {
            crc ^= table[usize::from(*byte)];
        }
    }
    for byte in rest {
        crc = TABLES[0][usize::from(crc as u8 ^ byte)] ^ crc >> 8;
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_values_of_the_catalogue() {
        assert_eq!(!crc64(!0, b"123456789"), 0x995D_C9BB_DF19_39FA);
        let long: Vec<u8> = (0..=255).cycle().take(1001).collect();
        let bytewise = long.iter().fold(!0, |crc, b| crc64(crc, &[*b]));
        assert_eq!(crc64(!0, &long), bytewise);
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
