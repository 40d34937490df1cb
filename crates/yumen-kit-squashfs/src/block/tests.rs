use super::*;
use lzma_rust2::MicroLzmaEncoder;
use proptest::prelude::*;

fn mixed() -> impl Strategy<Value = Vec<u8>> {
    // Runs of repeated and of random bytes.
    proptest::collection::vec((any::<u8>(), 1usize..300, any::<bool>()), 0..40).prop_map(|runs| {
        let mut out = Vec::new();
        for (seed, len, noisy) in runs {
            let noise = yumen_kit_container::testing::noise(u64::from(seed), len);
            out.extend((0..len).map(|i| if noisy { noise[i] } else { seed }));
        }
        out
    })
}

proptest! {
    #[test]
    fn lz4_gives_back_what_another_encoder_packed(data in mixed(), part in 0usize..5000) {
        let packed = lz4_flex::block::compress(&data);
        let mut out = Vec::new();
        prop_assert_eq!(lz4(&packed, data.len().max(1), &mut out), Ok(packed.len()));
        prop_assert_eq!(&out, &data);
        let part = part.min(data.len());
        lz4(&packed, part, &mut out).unwrap();
        prop_assert_eq!(&out[..], &data[..part]);
    }

    #[test]
    fn noise_breaks_no_decoder(data in proptest::collection::vec(any::<u8>(), 0..600), most in 0usize..4096) {
        let mut out = Vec::new();
        let mut states = Decoders::default();
        let _ = lz4(&data, most, &mut out);
        prop_assert!(out.len() <= most);
        let _ = lzo(&data, most, &mut out);
        prop_assert!(out.len() <= most);
        let _ = states.zlib(&data, most, &mut out);
        let _ = states.deflate(&data, most, &mut out);
        prop_assert!(out.len() <= most);
        let _ = states.zstd(&data, most, &mut out);
        let _ = lzma_alone(&data, most, &mut out);
        let _ = micro_lzma(&data, most, &mut out);
        let _ = lzma_raw(&data, 0x5d, None, most, &mut out);
        let _ = xz(&data, most, &mut out);
        prop_assert!(out.len() <= most + 1);
    }

    #[test]
    fn micro_lzma_gives_back_what_was_packed(data in mixed(), lc in 0u32..=3, pb in 0u32..=4) {
        let options = lzma_rust2::LzmaOptions { dict_size: 65536, lc, pb, ..Default::default() };
        let mut encoder = MicroLzmaEncoder::new(&options).unwrap();
        let mut packed = vec![0; data.len() + 1000];
        if !data.is_empty() {
            let (consumed, written) = encoder.compress_prefix(&data, &mut packed).unwrap();
            packed.truncate(written);
            let mut out = Vec::new();
            prop_assert_eq!(micro_lzma(&packed, consumed, &mut out), Ok(()));
            prop_assert_eq!(&out[..], &data[..consumed]);
        }
    }
}

/// A block that `lzop -1` made of four lines, cut out of its file: literals, near and far matches, the end marker.
#[test]
fn lzo_follows_the_description() {
    // 4 literals "abcd" (first byte 21), M2 match of 8 bytes 4 back, end marker.
    let packed = [21, b'a', b'b', b'c', b'd', 0xec, 0, 0x11, 0, 0];
    let mut out = Vec::new();
    assert_eq!(lzo(&packed, 100, &mut out), Ok(()));
    assert_eq!(out, b"abcdabcdabcd");
    assert_eq!(lzo(&packed, 11, &mut out), Err(Broken), "longer than it may be");
    assert_eq!(lzo(&packed[..7], 100, &mut out), Err(Broken), "cut short");
}
