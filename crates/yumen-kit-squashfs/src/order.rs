//! Numbers in either byte order, and the bit fields of the versions before 4.

use yumen_kit_container::window::num;

/// The byte order of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> u16 {
        if self == Order::Big { num::be16(bytes, at) } else { num::le16(bytes, at) }
    }

    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        if self == Order::Big { num::be32(bytes, at) } else { num::le32(bytes, at) }
    }

    pub(crate) fn u64(self, bytes: &[u8], at: usize) -> u64 {
        if self == Order::Big { num::be64(bytes, at) } else { num::le64(bytes, at) }
    }

    /// Takes fields of these widths in bits, one after the other: from the lowest bit in little-endian images, from the highest in big-endian ones.
    pub(crate) fn fields<const N: usize>(self, bytes: &[u8], widths: [u32; N]) -> [u64; N] {
        let mut at = 0usize;
        widths.map(|width| {
            let mut value = 0u64;
            for i in 0..width {
                let byte = u64::from(bytes.get(at / 8).copied().unwrap_or(0));
                match self {
                    Order::Little => value |= (byte >> (at % 8) & 1) << i,
                    Order::Big => value = value << 1 | (byte >> (7 - at % 8) & 1),
                }
                at += 1;
            }
            value
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_fields_stand_as_compilers_lay_them_out() {
        // type 2, mode 0644, then a byte.
        let little = [0x42, 0x1a, 0x07];
        assert_eq!(Order::Little.fields(&little, [4, 12, 8]), [2, 0o644, 7]);
        let big = [0x21, 0xa4, 0x07];
        assert_eq!(Order::Big.fields(&big, [4, 12, 8]), [2, 0o644, 7]);
        assert_eq!(Order::Little.fields(&[0x78, 0x56, 0x34, 0x12], [32]), [0x1234_5678]);
        assert_eq!(Order::Big.fields(&[0x12, 0x34, 0x56, 0x78], [32]), [0x1234_5678]);
    }
}
