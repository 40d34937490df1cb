use yumen_kit_container::testing::{Engine, identify, inspect, inspect_as, noise};
use yumen_model::Extent;

use super::super::testing::{compare, strangers_are_left_alone};
use crate::OtaPlugin;

fn chunk(kind: u16, blocks: u32, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(kind.to_le_bytes());
    out.extend([0, 0]);
    out.extend(blocks.to_le_bytes());
    out.extend((12 + data.len() as u32).to_le_bytes());
    out.extend(data);
    out
}

fn image(blocks: u32, checksum: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut out = 0xed26_ff3a_u32.to_le_bytes().to_vec();
    for n in [1u16, 0, 28, 12] {
        out.extend(n.to_le_bytes());
    }
    for n in [4096, blocks, chunks.len() as u32, checksum] {
        out.extend(n.to_le_bytes());
    }
    out.extend(chunks.concat());
    out
}

#[test]
fn images_of_img2simg_are_what_simg2img_makes_of_them() {
    let out = compare("system-sparse.img", "android-sparse");
    let child = out.child("system-sparse");
    let pieces = child.extents.as_ref().expect("nothing is copied");
    assert!(pieces.iter().any(|e| matches!(e, Extent::Zero { .. })));
    let filled = compare("filled-sparse.img", "android-sparse");
    assert!(filled.child("filled-sparse").extents.is_none());
}

#[test]
fn checksums_count_skipped_blocks_as_zeros_or_not_at_all() {
    let data = noise(1, 4096);
    let fill = chunk(0xcac2, 2, b"abcd");
    let chunks = |sum: u32| {
        vec![chunk(0xcac1, 1, &data), chunk(0xcac3, 3, &[]), fill.clone(), chunk(0xcac4, 0, &sum.to_le_bytes())]
    };
    let crc = |pieces: &[&[u8]]| {
        let mut crc = flate2::Crc::new();
        pieces.iter().for_each(|p| crc.update(p));
        crc.sum()
    };
    let (zeros, words) = (vec![0; 3 * 4096], b"abcd".repeat(2048));
    for (sum, good) in [(crc(&[&data, &zeros, &words]), true), (crc(&[&data, &words]), true), (77, false)] {
        let out = inspect(&OtaPlugin, "x.img", &image(6, sum, &chunks(sum)));
        out.assert_clear();
        assert_eq!(out.noted("checksum-mismatch"), !good);
        assert_eq!(out.child("x").bytes, [&data[..], &zeros, &words].concat());
    }
}

#[test]
fn figures_that_do_not_fit_are_told_and_what_is_there_is_kept() {
    // The header promises more blocks.
    let out = inspect(&OtaPlugin, "x.simg", &image(9, 0, &[chunk(0xcac1, 1, &[7; 4096])]));
    assert!(out.noted("corrupt"));
    assert_eq!(out.child("x").bytes, [7; 4096]);
    // The last chunk is cut.
    let mut cut = image(3, 0, &[chunk(0xcac1, 1, &[7; 4096]), chunk(0xcac1, 2, &[8; 8192])]);
    cut.truncate(cut.len() - 100);
    let out = inspect(&OtaPlugin, "x.simg", &cut);
    assert!(out.noted("truncated"));
    assert_eq!(out.child("x").bytes.len(), 3 * 4096);
    // Something behind the last chunk.
    let mut more = image(1, 0, &[chunk(0xcac1, 1, &[7; 4096])]);
    more.extend(b"left behind");
    let out = inspect(&OtaPlugin, "x.simg", &more);
    out.assert_clear();
    assert_eq!(out.child("[after]").bytes, b"left behind");
    // A chunk of an unknown kind ends the list.
    let odd = image(2, 0, &[chunk(0xcac1, 1, &[7; 4096]), chunk(0xcaff, 1, &[1; 100])]);
    let out = inspect(&OtaPlugin, "x.simg", &odd);
    assert!(out.noted("corrupt"));
    out.assert_counted();
}

#[test]
fn an_image_that_claims_terabytes_costs_nothing() {
    let skip = image(u32::MAX, 0, &[chunk(0xcac3, u32::MAX, &[])]);
    let identity = identify(&OtaPlugin, "x.img", &skip).unwrap();
    let blob = yumen_model::Blob::from_bytes(skip);
    assert_eq!(identity.format, "android-sparse");
    drop(blob);
    let fill = image(1 << 20, 0, &[chunk(0xcac2, 1 << 20, b"abcd")]);
    let engine = Engine { stop_child_at: Some(1 << 20), ..Engine::default() };
    let out = inspect_as(&OtaPlugin, "android-sparse", "x.img", &fill, engine);
    assert!(out.opaque() > 0);
}

#[test]
fn other_things_are_left_alone() {
    strangers_are_left_alone(&["system.img", "x.simg"]);
    // The magic alone, or another version.
    assert_eq!(identify(&OtaPlugin, "x.img", &0xed26_ff3a_u32.to_le_bytes()), None);
    let mut other = image(1, 0, &[]);
    other[4] = 2;
    assert_eq!(identify(&OtaPlugin, "x.img", &other), None);
}
