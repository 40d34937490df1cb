use std::io::Write;

use yumen_kit_container::testing::{abuse, identify, inspect, noise, prose};
use yumen_model::kind::kinds;

use super::super::testing::strangers_are_left_alone;
use super::stream;
use crate::OtaPlugin;

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(data).unwrap();
    out.finish().unwrap()
}

/// Something like the code of a kernel.
fn code(len: usize) -> Vec<u8> {
    let mut out = noise(8, len);
    out[1000..1060].copy_from_slice(b"Linux version 5.10.101-android12-9-gabc (builder@host) clang");
    out
}

fn cpio() -> Vec<u8> {
    let mut out = Vec::new();
    for (name, data) in [("init", &b"#!/bin/sh\n"[..]), ("TRAILER!!!", b"")] {
        out.extend(format!("070701{:08x}{:08x}", 1, 0o100_755).bytes());
        for n in [0, 0, 1, 0, data.len(), 0, 0, 0, 0, name.len() + 1, 0] {
            out.extend(format!("{n:08x}").bytes());
        }
        out.extend(name.bytes());
        out.push(0);
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend(data);
        out.resize(out.len().next_multiple_of(4), 0);
    }
    out
}

/// An arm64 image with a configuration, an initramfs in the clear and one in gzip.
fn image() -> Vec<u8> {
    let mut out = vec![0; 64];
    out[..8].copy_from_slice(b"MZ\x40\xfa\0\0\0\x14");
    out[0x38..0x3c].copy_from_slice(b"ARM\x64");
    out.extend(code(50_000));
    out.extend(b"IKCFG_ST");
    out.extend(gzip(b"CONFIG_ARM64=y\nCONFIG_SECRET=\"x\"\n"));
    out.extend(b"IKCFG_ED");
    out.extend(code(10_000));
    out.resize(out.len().next_multiple_of(4), 0);
    out.extend(cpio());
    out.extend(noise(4, 3000));
    out.extend(gzip(&[cpio(), prose(5000)].concat()));
    out.extend(noise(5, 3000));
    out
}

#[test]
fn an_arm64_image_shows_configuration_initramfs_and_code() {
    let image = image();
    let out = inspect(&OtaPlugin, "kernel", &image);
    assert_eq!(out.format, "linux-kernel");
    out.assert_clear();
    assert_eq!(out.child("ikconfig.gz").bytes, gzip(b"CONFIG_ARM64=y\nCONFIG_SECRET=\"x\"\n"));
    assert_eq!(out.child("initramfs.cpio").bytes, cpio());
    assert_eq!(out.child("embedded-3.gz").bytes, gzip(&[cpio(), prose(5000)].concat()));
    let p = &out.item(kinds::FIRMWARE_IMAGE).properties;
    assert_eq!(p["version"], "5.10.101-android12-9-gabc");
    assert_eq!(p["architecture"], serde_json::json!(["arm64"]));
    assert!(out.labels.inspected > 60_000);
    abuse(&OtaPlugin, "linux-kernel", "kernel", &image, 30);
}

fn packed(kind: &str, data: &[u8]) -> Vec<u8> {
    match kind {
        "gz" => gzip(data),
        "xz" => {
            let options = lzma_rust2::XzOptions::with_preset(6);
            let mut out = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
            out.write_all(data).unwrap();
            out.finish().unwrap()
        }
        "zst" => zstd::encode_all(data, 3).unwrap(),
        "bz2" => {
            let mut out = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
            out.write_all(data).unwrap();
            out.finish().unwrap()
        }
        _ => {
            // Legacy lz4: literals only.
            let mut block = vec![0xf0];
            let mut left = data.len() - 15;
            while left >= 255 {
                block.push(255);
                left -= 255;
            }
            block.push(left as u8);
            block.extend(data);
            [&b"\x02\x21\x4c\x18"[..], &(block.len() as u32).to_le_bytes(), &block].concat()
        }
    }
}

#[test]
fn the_payload_of_a_bzimage_is_where_its_header_says() {
    for kind in ["gz", "xz", "zst", "bz2", "lz4"] {
        let inner = [&b"\x7fELF"[..], &noise(2, 40_000)].concat();
        let mut payload = packed(kind, &inner);
        let stream = payload.clone();
        if kind != "gz" {
            payload.extend((inner.len() as u32).to_le_bytes());
        }
        let mut image = vec![0x90; 512 * 5];
        image[0x1f1] = 4;
        image[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x206..0x208].copy_from_slice(&0x20f_u16.to_le_bytes());
        image[0x20e..0x210].copy_from_slice(&0x400_u16.to_le_bytes());
        image[0x600..0x610].copy_from_slice(b"6.6.30-car (x@y)");
        image[0x248..0x24c].copy_from_slice(&1000u32.to_le_bytes());
        image[0x24c..0x250].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        image.extend(noise(1, 1000));
        image.extend(&payload);
        image.extend(noise(3, 700));
        let out = inspect(&OtaPlugin, "vmlinuz", &image);
        assert_eq!(out.format, "linux-kernel");
        out.assert_clear();
        assert_eq!(out.child(&format!("vmlinux.{kind}")).bytes, stream, "{kind}");
        assert_eq!(out.item(kinds::FIRMWARE_IMAGE).properties["version"], "6.6.30-car", "{kind}");
        abuse(&OtaPlugin, "linux-kernel", "vmlinuz", &image, 10);
    }
}

#[test]
fn the_payload_of_a_zimage_is_searched_for_and_trees_follow_it() {
    let inner = code(30_000);
    let payload = gzip(&inner);
    let mut image = vec![0xe1; 0x30];
    image[0x24..0x28].copy_from_slice(&super::ZIMAGE.to_le_bytes());
    image.extend(noise(1, 2000));
    image.extend(&payload);
    image.extend(noise(2, 300));
    let end = image.len() as u32;
    image[0x28..0x2c].copy_from_slice(&0u32.to_le_bytes());
    image[0x2c..0x30].copy_from_slice(&end.to_le_bytes());
    let mut tree = 0xd00d_feed_u32.to_be_bytes().to_vec();
    for w in [100u32, 56, 60, 40, 17, 16, 0, 0, 0] {
        tree.extend(w.to_be_bytes());
    }
    tree.resize(100, 1);
    image.extend(&tree);
    let out = inspect(&OtaPlugin, "zImage", &image);
    out.assert_clear();
    assert_eq!(out.names(), ["vmlinux.gz", "dtb-1"]);
    assert_eq!(out.child("vmlinux.gz").bytes, payload);
    // What comes out of it has no header, and is known by name and banner.
    let raw = inspect(&OtaPlugin, "vmlinux", &inner);
    assert_eq!(raw.format, "linux-kernel");
    raw.assert_clear();
    assert_eq!(identify(&OtaPlugin, "other", &inner), None);
    abuse(&OtaPlugin, "linux-kernel", "zImage", &image, 20);
}

#[test]
fn an_efi_zboot_image_says_where_its_payload_is() {
    let payload = packed("zst", &image());
    let mut file = b"MZ\0\0zimg".to_vec();
    file.extend(512u32.to_le_bytes());
    file.extend((payload.len() as u32).to_le_bytes());
    file.resize(24, 0);
    file.extend(b"zstd");
    file.resize(512, 0);
    file.extend(&payload);
    file.extend(noise(7, 1000));
    let out = inspect(&OtaPlugin, "vmlinuz.efi", &file);
    out.assert_clear();
    assert_eq!(out.child("vmlinux.zst").bytes, payload);
}

#[test]
fn streams_end_where_they_end() {
    for kind in ["gz", "xz", "zst", "bz2", "lz4"] {
        let data = packed(kind, &noise(1, 20_000));
        let all = [&noise(2, 100)[..], &data, &[0xff; 500]].concat();
        let blob = yumen_model::Blob::from_bytes(all.clone());
        let found = stream::at(&blob, 100, all.len() as u64, &mut stream::BUDGET.clone()).unwrap().unwrap();
        assert_eq!(found.range, 100..100 + data.len() as u64, "{kind}");
        // Cut short it is none.
        let blob = yumen_model::Blob::from_bytes(all[..5000].to_vec());
        if kind != "lz4" {
            assert_eq!(stream::at(&blob, 100, 5000, &mut stream::BUDGET.clone()).unwrap(), None, "{kind}");
        }
    }
}

#[test]
fn other_things_are_left_alone() {
    strangers_are_left_alone(&["kernel", "vmlinux", "Image"]);
    let text = b"Linux version 5.10 is described in this text called kernel.\n".repeat(200);
    assert_eq!(identify(&OtaPlugin, "kernel", &text), None);
}
