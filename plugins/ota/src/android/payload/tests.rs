use std::io::Write;

use sha2::{Digest as _, Sha256};
use yumen_kit_container::testing::{Engine, Recorded, abuse, fixture, identify, inspect, inspect_as, noise, prose};
use yumen_model::Reason;
use yumen_model::kind::kinds;

use super::super::pb::write::{bytes, number, varint};
use super::super::testing::{compare, strangers_are_left_alone};
use crate::OtaPlugin;

/// An operation: type, data, targets.
struct Op<'a>(u64, &'a [u8], &'a [(u64, u64)]);

/// A payload by hand, version 2 with partitions or version 1 with the two old lists.
#[derive(Default)]
struct Builder {
    manifest: Vec<u8>,
    data: Vec<u8>,
}

impl Builder {
    fn op(&mut self, op: &Op<'_>, hash: Option<[u8; 32]>) -> Vec<u8> {
        let mut out = Vec::new();
        number(&mut out, 1, op.0);
        if !op.1.is_empty() {
            number(&mut out, 2, self.data.len() as u64);
            number(&mut out, 3, op.1.len() as u64);
            self.data.extend_from_slice(op.1);
        }
        for &(start, blocks) in op.2 {
            let mut extent = Vec::new();
            number(&mut extent, 1, start);
            number(&mut extent, 2, blocks);
            bytes(&mut out, 6, &extent);
        }
        bytes(&mut out, 8, &hash.unwrap_or_else(|| Sha256::digest(op.1).into()));
        out
    }

    fn partition(&mut self, name: &str, image: &[u8], ops: &[Op<'_>]) {
        let mut part = Vec::new();
        bytes(&mut part, 1, name.as_bytes());
        bytes(&mut part, 7, &info(image));
        for op in ops {
            let op = self.op(op, None);
            bytes(&mut part, 8, &op);
        }
        bytes(&mut self.manifest, 13, &part);
    }

    fn build(&self, version: u64) -> Vec<u8> {
        let mut manifest = Vec::new();
        number(&mut manifest, 3, 4096);
        manifest.extend_from_slice(&self.manifest);
        let mut out = b"CrAU".to_vec();
        out.extend(version.to_be_bytes());
        out.extend((manifest.len() as u64).to_be_bytes());
        if version == 2 {
            out.extend(0u32.to_be_bytes());
        }
        out.extend(manifest);
        out.extend(&self.data);
        out
    }
}

fn info(image: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    number(&mut out, 1, image.len() as u64);
    bytes(&mut out, 2, &Sha256::digest(image));
    out
}

fn bz(data: &[u8]) -> Vec<u8> {
    let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    out.write_all(data).unwrap();
    out.finish().unwrap()
}

fn blocks(seed: u64, n: usize) -> Vec<u8> {
    noise(seed, n * 4096)
}

fn open(bytes: &[u8]) -> Recorded {
    inspect(&OtaPlugin, "payload.bin", bytes)
}

#[test]
fn full_payloads_are_what_an_independent_dumper_makes_of_them() {
    let out = compare("payload-v2.bin", "android-payload");
    let item = out.item(kinds::SOFTWARE_PACKAGE);
    assert_eq!(item.properties["partitions"], serde_json::json!(["system", "vendor"]));
    assert_eq!(item.properties["delta"], false);
    assert_eq!(item.properties["signed"], true);
    assert_eq!(item.properties["groups"], serde_json::json!(["main_dynamic_partitions"]));
    assert_eq!(item.properties["apex_packages"], serde_json::json!(["com.android.car@340000000"]));
    assert_eq!(item.properties["security_patch_level"], "2024-03-05");
    assert!(out.texts[0].contains("system/bin/otapreopt_script"));
    let plain = compare("payload-plain.bin", "android-payload");
    assert!(plain.child("vendor.img").extents.is_some(), "nothing is copied");
}

#[test]
fn a_delta_payload_shows_what_it_carries_and_holds_the_rest() {
    let bytes = fixture("android", "payload-delta.bin");
    let out = open(&bytes);
    assert_eq!(out.result, Ok(()));
    out.assert_counted();
    assert_eq!(out.item(kinds::SOFTWARE_PACKAGE).properties["delta"], true);
    assert_eq!(out.labels.opaque.keys().collect::<Vec<_>>(), [&Reason::NeedsOldImage]);
    assert!(out.opaque().is_multiple_of(208) && out.opaque() > 0);
    assert_eq!(out.children[0].name(), "vendor.img[op-0]");
    assert!(out.children.iter().all(|c| c.bytes.len() == 65536 && c.complete));
    let system = fixture("android", "payload-plain.bin");
    let whole = open(&system).child("vendor.img").bytes.clone();
    assert_eq!(out.children[0].bytes, whole[..65536]);
    abuse(&OtaPlugin, "android-payload", "payload.bin", &bytes, 60);
}

#[test]
fn operations_in_any_order_interleaved_and_overlapping_make_one_image() {
    let (a, b, c) = (blocks(1, 4), prose(3 * 4096), blocks(3, 2));
    let mut image = vec![0; 12 * 4096];
    let mut put = |at: usize, data: &[u8]| image[at * 4096..at * 4096 + data.len()].copy_from_slice(data);
    // Block 9 first, then the pieces of a and b in turn; c comes last and lies over a.
    put(9, &a[..4096]);
    put(2, &a[4096..8192]);
    put(0, &a[8192..]);
    put(3, &b[..8192]);
    put(7, &b[8192..]);
    put(1, &c);
    let (packed_a, packed_b, packed_c) = (bz(&a), bz(&b), zstd::encode_all(&c[..], 3).unwrap());
    let mut builder = Builder::default();
    let ops = [
        Op(1, &packed_a, &[(9, 1), (2, 1), (0, 2)]),
        Op(1, &packed_b, &[(3, 2), (7, 1)]),
        Op(14, &packed_c, &[(1, 2)]),
        Op(6, &[], &[(10, 2)]),
    ];
    builder.partition("system", &image, &ops);
    let out = open(&builder.build(2));
    out.assert_clear();
    assert!(out.notes.is_empty(), "{:?}", out.notes);
    assert_eq!(out.child("system.img").bytes, image);
    // The same with nothing compressed: no copy is made, and what lies under c is handed over too.
    let mut builder = Builder::default();
    builder.partition(
        "system",
        &image,
        &[Op(0, &a, ops[0].2), Op(0, &b, ops[1].2), Op(0, &c, ops[2].2), Op(6, &[], &[(10, 2)])],
    );
    let out = open(&builder.build(2));
    out.assert_clear();
    assert_eq!(out.child("system.img").bytes, image);
    assert!(out.child("system.img").extents.is_some());
    assert_eq!(out.child("[slack]").bytes, [&a[4096..8192], &a[12288..]].concat());
}

#[test]
fn a_short_last_block_is_cut_and_missing_output_is_zero() {
    let image = prose(2 * 4096 + 100);
    let packed = bz(&image);
    let mut builder = Builder::default();
    builder.partition("a", &image, &[Op(1, &packed, &[(0, 3)])]);
    builder.partition("b", &image, &[Op(0, &image, &[(0, 3)])]);
    let out = open(&builder.build(2));
    out.assert_clear();
    assert!(out.notes.is_empty(), "{:?}", out.notes);
    assert_eq!(out.child("a.img").bytes, image);
    assert_eq!(out.child("b.img").bytes, image);
}

#[test]
fn version_1_has_a_root_and_a_kernel_and_signs_by_an_operation_that_writes_nothing() {
    let (root, kernel) = (prose(8192), blocks(9, 1));
    let mut builder = Builder::default();
    let packed = bz(&root);
    let op = builder.op(&Op(1, &packed, &[(0, 2)]), None);
    bytes(&mut builder.manifest, 1, &op);
    let op = builder.op(&Op(0, &kernel, &[(0, 1)]), None);
    bytes(&mut builder.manifest, 2, &op);
    bytes(&mut builder.manifest, 7, &info(&kernel));
    bytes(&mut builder.manifest, 9, &info(&root));
    let mut signature = Vec::new();
    number(&mut signature, 1, 1);
    bytes(&mut signature, 2, &[5; 256]);
    let mut signatures = Vec::new();
    bytes(&mut signatures, 1, &signature);
    let mut board = Vec::new();
    bytes(&mut board, 1, b"car-board");
    bytes(&mut board, 4, b"4711.0.0");
    bytes(&mut builder.manifest, 11, &board);
    let at = builder.data.len() as u64;
    let op = builder.op(&Op(0, &signatures, &[(u64::MAX, 1)]), None);
    bytes(&mut builder.manifest, 2, &op);
    number(&mut builder.manifest, 4, at);
    number(&mut builder.manifest, 5, signatures.len() as u64);
    let bytes = builder.build(1);
    let out = open(&bytes);
    out.assert_clear();
    assert!(out.notes.is_empty(), "{:?}", out.notes);
    assert_eq!(out.child("root.img").bytes, root);
    assert_eq!(out.child("kernel.img").bytes, kernel);
    assert_eq!(out.names(), ["kernel.img", "root.img"]);
    let item = out.item(kinds::SOFTWARE_PACKAGE);
    assert_eq!(item.properties["version"], "4711.0.0");
    assert_eq!(item.properties["target"], serde_json::json!(["car-board"]));
    abuse(&OtaPlugin, "android-payload", "payload.bin", &bytes, 60);
}

#[test]
fn digests_that_do_not_match_and_data_without_an_owner_are_told() {
    let image = blocks(4, 2);
    let mut builder = Builder::default();
    builder.partition("a", &blocks(5, 2), &[Op(0, &image, &[(0, 2)])]);
    builder.data.extend(b"nobody refers to this");
    let out = open(&builder.build(2));
    out.assert_clear();
    assert!(out.noted("checksum-mismatch"));
    assert_eq!(out.child("[after]").bytes, b"nobody refers to this");
    assert_eq!(out.child("a.img").bytes, image);
}

#[test]
fn a_broken_operation_leaves_the_others_in_their_places() {
    let (a, b) = (prose(8192), blocks(7, 2));
    let mut broken = bz(&a);
    let n = broken.len();
    broken[n / 2] ^= 0x55;
    let packed = bz(&b);
    let mut builder = Builder::default();
    let image = [&a[..], &b].concat();
    builder.partition("a", &image, &[Op(1, &broken, &[(0, 2)]), Op(1, &packed, &[(2, 2)])]);
    let out = open(&builder.build(2));
    out.assert_counted();
    assert_eq!(out.labels.opaque[&Reason::Corrupt], broken.len() as u64);
    let child = out.child("a.img");
    assert!(!child.complete);
    assert_eq!(child.bytes.len(), image.len());
    assert_eq!(child.bytes[8192..], b);
    // The engine takes no more: all of the partition's data is held, the next one goes on.
    let mut builder = Builder::default();
    builder.partition("big", &a, &[Op(1, &bz(&a), &[(0, 2)])]);
    builder.partition("small", &b[..100], &[Op(0, &b[..100], &[(0, 1)])]);
    let engine = Engine { stop_child_at: Some(4096), ..Engine::default() };
    let out = inspect_as(&OtaPlugin, "android-payload", "p", &builder.build(2), engine);
    assert_eq!(out.result, Ok(()));
    assert_eq!(out.labels.opaque[&Reason::Limit], bz(&a).len() as u64);
    assert_eq!(out.child("small.img").bytes, b[..100]);
}

#[test]
fn hostile_figures_end_in_an_error_or_a_note() {
    // Blocks that no image has.
    for targets in [&[(u64::MAX - 1, 2)][..], &[(1 << 60, 1)], &[(0, u64::MAX)], &[(1 << 50, 1)]] {
        let mut builder = Builder::default();
        builder.partition("a", b"x", &[Op(0, b"x", targets)]);
        let out = open(&builder.build(2));
        out.assert_counted();
        assert!(!out.notes.is_empty() || out.result.is_err());
    }
    // A manifest that is longer than the file, one that is rubbish, an operation beyond the data.
    let mut builder = Builder::default();
    builder.partition("a", &blocks(1, 1), &[Op(0, &blocks(1, 1), &[(0, 1)])]);
    let good = builder.build(2);
    let mut long = good.clone();
    long[15] = 1;
    let out = inspect_as(&OtaPlugin, "android-payload", "p", &long, Engine::default());
    assert!(out.result.is_err());
    let mut rubbish = good.clone();
    rubbish[30] = 0xff;
    inspect_as(&OtaPlugin, "android-payload", "p", &rubbish, Engine::default()).assert_counted();
    let cut = &good[..good.len() - 1000];
    let out = open(cut);
    assert!(out.noted("truncated"));
    out.assert_counted();
}

#[test]
fn unknown_operations_are_unsupported_not_zero() {
    let mut builder = Builder::default();
    builder.partition("a", &blocks(1, 1), &[Op(99, b"what is this", &[(0, 1)])]);
    let out = open(&builder.build(2));
    assert_eq!(out.labels.opaque[&Reason::Unsupported], 12);
    assert!(out.noted("unsupported-method"));
}

#[test]
fn other_things_are_left_alone() {
    strangers_are_left_alone(&["payload.bin"]);
    let mut text = b"CrAU is how a payload begins, and this is prose".to_vec();
    assert_eq!(identify(&OtaPlugin, "payload.bin", &text), None);
    text.resize(10_000, b' ');
    assert_eq!(identify(&OtaPlugin, "payload.bin", &text), None);
    let mut out = Vec::new();
    varint(&mut out, 300);
    assert_eq!(out, [0xac, 2]);
}
