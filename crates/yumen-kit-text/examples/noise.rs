fn main() {
    let mut x = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x
    };
    for (lo, hi) in [(0u64, 256u64), (0x80, 256), (0xA1, 0xFF), (0x20, 256), (0x20, 0xFF), (0x30, 0xD0), (0x81, 0xF0)] {
        let mut by = std::collections::BTreeMap::new();
        for k in 0..20000 {
            let n = if k % 2 == 0 { 1 + next() % 64 } else { 1 + next() % 4096 };
            let b: Vec<u8> = (0..n).map(|_| (lo + (next() >> 20) % (hi - lo)) as u8).collect();
            let d = yumen_kit_text::detect(&yumen_model::Blob::from_bytes(b)).unwrap();
            if let Some(d) = d {
                by.entry(d.charset.name()).or_insert_with(Vec::new).push(n);
            }
        }
        let by: Vec<_> = by
            .into_iter()
            .map(|(k, mut v)| {
                v.sort();
                (k, v.len(), v.iter().filter(|&&n| n > 4).count(), v[v.len() - 1])
            })
            .collect();
        println!("{lo:x}..{hi:x}: {by:?}");
    }
}
