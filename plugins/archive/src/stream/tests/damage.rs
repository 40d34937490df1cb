//! Streams that are cut short or altered: nothing panics or hangs, every byte is counted, and what was good comes out.

use proptest::prelude::*;

use super::*;

#[test]
fn a_cut_stream_delivers_what_came_before() {
    let data = [prose(200_000), noise(2, 400_000)].concat();
    for (format, suffix, encode, _) in ALL {
        let packed = encode(&data);
        let cut = packed.len() * 9 / 10;
        let r = inspect_as(format, &format!("t.{suffix}"), &packed[..cut], Engine::default());
        r.assert_counted();
        let child = r.child("t");
        assert!(!child.complete, "{format}");
        assert!(data.starts_with(&child.bytes), "{format} delivers other data");
        assert!(r.noted("truncated"), "{format}: {:?}", r.notes);
        // A legacy LZ4 block and a bzip2 block are all or nothing.
        if !matches!(*format, "lz4" | "bzip2") {
            assert!(child.bytes.len() > 300_000, "{format} delivers {} bytes", child.bytes.len());
        }
        // What was taken in and did not come out is not accounted as decoded.
        let out = child.bytes.len() as u64;
        assert!(r.labels.container <= out + 1024, "{format}: {:?} for {out} bytes", r.labels);
    }
}

#[test]
fn damage_in_the_middle_leaves_the_rest_opaque() {
    let data = noise(11, 600_000);
    for (format, suffix, encode, _) in ALL {
        // Stored data does not break: checksums tell.
        if matches!(*suffix, "lz4" | "gz" | "zz") {
            continue;
        }
        let mut packed = encode(&[prose(100_000), data.clone(), prose(1000)].concat());
        let middle = packed.len() / 2;
        for byte in &mut packed[middle..middle + 64] {
            *byte ^= 0x5A;
        }
        let r = inspect_as(format, &format!("m.{suffix}"), &packed, Engine::default());
        r.assert_counted();
        let told = r.noted("corrupt") || r.noted("checksum-mismatch");
        assert!(told || *format == "lzma", "{format}: {:?}", r.notes);
    }
}

#[test]
fn damage_in_deflate_keeps_what_is_good() {
    // A header, a stored block, a fixed block that ends, then a block of the type that does not exist.
    let mut packed = gzip(b"")[..10].to_vec();
    packed.extend(b"\x00\x04\x00\xfb\xffgood");
    packed.push(0x07);
    packed.extend(noise(1, 500));
    let r = inspect("g.gz", &packed);
    r.assert_counted();
    assert_eq!(r.child("g").bytes, b"good");
    assert!(!r.child("g").complete && r.noted("corrupt"));
    assert!((19..=20).contains(&r.labels.container), "{:?}", r.labels);
    assert_eq!(r.labels.opaque[&Reason::Corrupt], r.len - r.labels.container);
    assert_eq!(r.names(), ["g"]);
}

fn sample() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let data = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..600),
        (0usize..40_000).prop_map(prose),
        (0usize..20_000, any::<u64>()).prop_map(|(n, seed)| noise(seed, n)),
    ];
    (0..ALL.len(), data)
}

fn engine() -> Engine {
    Engine { most_output: 64 << 20, ..Engine::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_is_encoded_comes_back((which, data) in sample()) {
        let (format, _, encode, _) = ALL[which];
        let r = inspect_as(format, "x", &encode(&data), engine());
        prop_assert_eq!(r.result, Ok(()));
        prop_assert!(r.child("x").bytes == data);
        prop_assert_eq!(r.labels.container, r.len);
    }

    #[test]
    fn a_cut_anywhere_is_accounted_for((which, data) in sample(), at in 0.0f64..1.0) {
        let (format, _, encode, _) = ALL[which];
        let packed = encode(&data);
        let cut = (packed.len() as f64 * at) as usize;
        let r = inspect_as(format, "x", &packed[..cut], engine());
        r.assert_counted();
        if let Some(child) = r.children.iter().find(|c| c.name() == "x") {
            prop_assert!(data.starts_with(&child.bytes));
        }
        let _ = identify("x", &packed[..cut]);
    }

    #[test]
    fn flipped_bits_are_survived(
        (which, data) in sample(),
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), 0u8..8), 1..4),
    ) {
        let (format, _, encode, _) = ALL[which];
        let mut packed = encode(&data);
        for (index, bit) in flips {
            let at = index.index(packed.len());
            packed[at] ^= 1 << bit;
        }
        inspect_as(format, "x", &packed, engine()).assert_counted();
        let _ = identify("x", &packed);
    }

    #[test]
    fn random_bytes_as_any_format(which in 0..ALL.len(), head in 0usize..24, body in proptest::collection::vec(any::<u8>(), 0..4000)) {
        let (format, _, encode, _) = ALL[which];
        let mut packed = encode(b"a head that is right");
        packed.truncate(head);
        packed.extend(body);
        inspect_as(format, "x", &packed, engine()).assert_counted();
        inspect_as("compress", "x", &packed, engine()).assert_counted();
        let _ = identify("x", &packed);
    }

    #[test]
    fn random_codes_as_compress(width in 9u8..17, block in any::<bool>(), body in proptest::collection::vec(any::<u8>(), 0..4000)) {
        let packed = [&[0x1F, 0x9D, width | u8::from(block) << 7][..], &body].concat();
        inspect_as("compress", "x", &packed, engine()).assert_counted();
    }
}

#[test]
fn very_many_frames_cost_no_memory_and_hide_nothing() {
    let frame = zstd(b"x");
    let mut packed = Vec::new();
    for _ in 0..20_000 {
        packed.extend(skippable(b"smuggled"));
        packed.extend(&frame);
    }
    let r = inspect("m.zst", &packed);
    assert_eq!(r.result, Ok(()));
    r.assert_counted();
    assert_eq!(r.child("m").bytes.len(), 20_000);
    assert_eq!(r.children.len(), 1 + 1024);
    // Each of the rest is opaque.
    assert!(r.labels.opaque[&Reason::Limit] >= (20_000 - 1024) * 8);
    let members = gzip(b"y").repeat(30_000);
    is_whole(&inspect("m.gz", &members), "m", &b"y".repeat(30_000));
}
