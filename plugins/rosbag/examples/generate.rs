//! Writes a long recording, to see that memory stays flat: `generate FILE.mcap|FILE.bag MIB none|lz4|zstd|bz2|unchunked`.
#![allow(clippy::unwrap_used)]

#[path = "../benches/generate/mod.rs"]
mod generate;

use std::io::BufWriter;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().unwrap_or_default();
    let (path, mib, how) = (next(), next(), next());
    let bytes = mib.parse::<u64>().unwrap() << 20;
    let mut out = BufWriter::with_capacity(1 << 20, std::fs::File::create(&path).unwrap());
    if path.ends_with(".bag") {
        generate::bag(&mut out, bytes, &how);
    } else {
        generate::mcap(&mut out, bytes, &how);
    }
}
