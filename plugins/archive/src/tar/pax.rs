//! Extended headers of pax: records of `length key=value\n`.

use std::ops::Range;

/// Longest extended header that is read; a longer one is handed over as it is.
pub(super) const LONGEST: u64 = 1 << 20;
/// Most pieces of a sparse map that extended headers may give.
const MOST_PIECES: usize = 1 << 20;
/// Values that are not text are told apart only when they are longer than this.
const SHORT_VALUE: usize = 64;

/// What extended headers say of the next member.
#[derive(Clone, Debug, Default)]
pub(super) struct Pax {
    /// Its name.
    pub(super) path: Option<Vec<u8>>,
    /// Length of its content in the archive.
    pub(super) size: Option<u64>,
    /// Whether the map stands before its content (sparse 1.0).
    pub(super) sparse_map_inside: bool,
    /// Sparse map (0.0 and 0.1).
    pub(super) sparse: Option<Vec<(u64, u64)>>,
    /// Length of the whole, holes included.
    pub(super) real_size: Option<u64>,
    /// Whether the name is the one that sparse headers give, which the path of the same header must not replace.
    sparse_name: bool,
    /// Offset of a piece of a map 0.0 whose length comes next.
    piece: Option<u64>,
}

impl Pax {
    /// Takes the records of a header. Returns the ranges of values, within `data`, that are no structure, and whether all could be read.
    pub(super) fn read(&mut self, data: &[u8]) -> (Vec<Range<usize>>, bool) {
        let mut other = Vec::new();
        let mut at = 0;
        while at < data.len() {
            if data[at] == 0 {
                // Some programs pad with NULs inside the stated length.
                return (other, data[at..].iter().all(|&b| b == 0));
            }
            let rest = &data[at..];
            let Some(space) = rest.iter().take(20).position(|&b| b == b' ') else { return (other, false) };
            let len = std::str::from_utf8(&rest[..space]).ok().and_then(|s| s.parse::<usize>().ok());
            let Some(record) = len.filter(|&n| n > space + 1).and_then(|n| rest.get(space + 1..n)) else {
                return (other, false);
            };
            let Some(equals) = record.iter().position(|&b| b == b'=') else { return (other, false) };
            let Some((b'\n', value)) = record[equals + 1..].split_last() else { return (other, false) };
            if !self.take(&record[..equals], value) && !value.is_empty() {
                let start = at + space + 1 + equals + 1;
                if value.len() > SHORT_VALUE || std::str::from_utf8(value).is_ok() {
                    other.push(start..start + value.len());
                }
            }
            at += space + 1 + record.len();
        }
        (other, true)
    }

    /// Takes a record; false when its value is no structure.
    fn take(&mut self, key: &[u8], value: &[u8]) -> bool {
        let number = || std::str::from_utf8(value).ok().and_then(|s| s.trim().parse::<u64>().ok());
        match key {
            b"path" if !self.sparse_name => self.path = Some(value.to_vec()),
            b"GNU.sparse.name" => {
                self.path = Some(value.to_vec());
                self.sparse_name = true;
            }
            b"size" => self.size = number(),
            b"GNU.sparse.size" | b"GNU.sparse.realsize" | b"SCHILY.realsize" => self.real_size = number(),
            b"GNU.sparse.major" => self.sparse_map_inside = number() == Some(1),
            b"GNU.sparse.offset" => self.piece = number(),
            b"GNU.sparse.numbytes" => {
                if let (Some(offset), Some(len)) = (self.piece.take(), number()) {
                    let map = self.sparse.get_or_insert_with(Vec::new);
                    if map.len() < MOST_PIECES {
                        map.push((offset, len));
                    }
                }
            }
            b"GNU.sparse.map" => {
                let numbers: Option<Vec<u64>> = std::str::from_utf8(value)
                    .ok()
                    .and_then(|s| s.split(',').filter(|p| !p.is_empty()).map(|p| p.trim().parse().ok()).collect());
                self.sparse = numbers.map(|n| n.chunks_exact(2).map(|p| (p[0], p[1])).collect());
            }
            b"path"
            | b"linkpath"
            | b"mtime"
            | b"atime"
            | b"ctime"
            | b"uid"
            | b"gid"
            | b"uname"
            | b"gname"
            | b"charset"
            | b"hdrcharset"
            | b"GNU.sparse.minor"
            | b"GNU.sparse.numblocks"
            | b"LIBARCHIVE.creationtime"
            | b"SCHILY.dev"
            | b"SCHILY.ino"
            | b"SCHILY.nlink"
            | b"SCHILY.filetype"
            | b"SCHILY.fflags"
            | b"SCHILY.devmajor"
            | b"SCHILY.devminor"
            | b"SCHILY.offset"
            | b"SCHILY.volhdr.dumpvers" => {}
            _ => return false,
        }
        true
    }

    /// What global headers say, overlaid with what the member's own say.
    pub(super) fn over(self, global: &Pax) -> Pax {
        Pax { path: self.path.or_else(|| global.path.clone()), size: self.size.or(global.size), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, value: &str) -> String {
        let body = key.len() + value.len() + 3;
        let mut len = body + 1;
        while len != body + len.to_string().len() {
            len = body + len.to_string().len();
        }
        format!("{len} {key}={value}\n")
    }

    #[test]
    fn records_are_read_and_other_values_are_pointed_at() {
        let data = record("path", "a b/车.csv") + &record("comment", "built by 张三") + &record("size", "123456789012");
        let mut pax = Pax::default();
        let (other, whole) = pax.read(data.as_bytes());
        assert!(whole);
        assert_eq!(pax.path.as_deref(), Some("a b/车.csv".as_bytes()));
        assert_eq!(pax.size, Some(123_456_789_012));
        assert_eq!(other.len(), 1);
        assert_eq!(&data[other[0].clone()], "built by 张三");
    }

    #[test]
    fn broken_records_end_the_reading() {
        for bad in ["", "x", "5 a=b", "999 a=b\n", "6 ab\n\n", "3 =", "0 a=b\n", "18446744073709551616 a=b\n"] {
            let (_, whole) = Pax::default().read(bad.as_bytes());
            assert_eq!(whole, bad.is_empty(), "{bad:?}");
        }
    }
}
