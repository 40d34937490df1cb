use yumen_kit_container::testing::{abuse, fixture, identify, inspect, noise};
use yumen_model::kind::kinds;

use super::super::testing::{compare, strangers_are_left_alone};
use crate::OtaPlugin;

#[test]
fn images_of_mkbootimg_are_what_unpack_bootimg_makes_of_them() {
    for name in ["boot-v0.img", "boot-v1.img", "boot-v2.img", "boot-v3.img", "vendor_boot-v3.img"] {
        let out = compare(name, "android-boot");
        let item = out.item(kinds::FIRMWARE_IMAGE);
        if name.starts_with("boot") {
            assert!(out.texts[0].contains("androidboot.vin=LSVAA4182E2184847"), "{name}");
            assert_eq!(item.properties["os_version"], "14.0.0", "{name}");
            assert_eq!(item.properties["security_patch_level"], "2024-03", "{name}");
        } else {
            assert!(out.texts[0].contains("androidboot.hardware=car"), "{name}");
        }
    }
}

fn pad(out: &mut Vec<u8>, page: usize) {
    out.resize(out.len().next_multiple_of(page), 0);
}

/// A boot image of version 4.
fn v4(kernel: &[u8], ramdisk: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut out = b"ANDROID!".to_vec();
    for n in [kernel.len() as u32, ramdisk.len() as u32, 0, 1584, 0, 0, 0, 0, 4] {
        out.extend(n.to_le_bytes());
    }
    out.extend(b"console=null");
    out.resize(1580, 0);
    out.extend((signature.len() as u32).to_le_bytes());
    for part in [&[][..], kernel, ramdisk, signature] {
        pad(&mut out, 4096);
        out.extend(part);
    }
    pad(&mut out, 4096);
    out
}

#[test]
fn version_4_has_a_signature_and_no_kernel_in_init_boot() {
    let out = inspect(&OtaPlugin, "boot.img", &v4(b"kernel", b"ramdisk", b"signature"));
    out.assert_clear();
    assert_eq!(out.names(), ["kernel", "ramdisk", "signature"]);
    assert_eq!(out.child("signature").bytes, b"signature");
    let out = inspect(&OtaPlugin, "init_boot.img", &v4(b"", b"ramdisk", b""));
    out.assert_clear();
    assert_eq!(out.names(), ["ramdisk"]);
    abuse(&OtaPlugin, "android-boot", "boot.img", &v4(b"kernel", b"ramdisk", b"signature"), 60);
}

/// A vendor_boot image of version 4 with two ramdisks.
fn vendor_v4() -> Vec<u8> {
    let (first, second) = (b"first ramdisk", b"second");
    let mut out = b"VNDRBOOT".to_vec();
    for n in [4u32, 4096, 0, 0, (first.len() + second.len()) as u32] {
        out.extend(n.to_le_bytes());
    }
    out.extend(b"vendor words");
    out.resize(2080, 0);
    out.extend(b"board7");
    out.resize(2096, 0);
    for n in [2128u32, 3, 0, 0, 216, 2, 108, 30] {
        out.extend(n.to_le_bytes());
    }
    pad(&mut out, 4096);
    out.extend(first);
    out.extend(second);
    pad(&mut out, 4096);
    out.extend(b"dtb");
    pad(&mut out, 4096);
    for (len, offset, kind, name) in [(13u32, 0u32, 1u32, &b""[..]), (6, 13, 3, b"dlkm/modules")] {
        let at = out.len();
        for n in [len, offset, kind] {
            out.extend(n.to_le_bytes());
        }
        out.extend(name);
        out.resize(at + 108, 0);
    }
    pad(&mut out, 4096);
    out.extend(b"androidboot.a = \"b\"\nx.y = 1\n\n\n");
    pad(&mut out, 4096);
    out
}

#[test]
fn vendor_ramdisks_have_the_names_of_the_table() {
    let image = vendor_v4();
    let out = inspect(&OtaPlugin, "vendor_boot.img", &image);
    out.assert_clear();
    assert_eq!(out.names(), ["vendor_ramdisk/platform", "vendor_ramdisk/dlkm/modules", "dtb", "bootconfig"]);
    assert_eq!(out.child("vendor_ramdisk/dlkm/modules").bytes, b"second");
    assert_eq!(out.child("dtb").bytes, b"dtb");
    assert!(out.child("bootconfig").bytes.starts_with(b"androidboot.a"));
    assert!(out.texts[0].contains("vendor words"));
    abuse(&OtaPlugin, "android-boot", "vendor_boot.img", &image, 80);
}

#[test]
fn verified_boot_behind_the_parts_is_structure() {
    let image = fixture("android", "boot-avb.img");
    let out = inspect(&OtaPlugin, "boot.img", &image);
    out.assert_clear();
    assert!(out.notes.is_empty(), "{:?}", out.notes);
    assert_eq!(out.names(), ["kernel", "ramdisk"]);
    let told: Vec<_> = out.inventory.iter().filter_map(|i| i.properties.get("verified_boot")).collect();
    assert_eq!(told, ["avbtool 1.2.0"]);
    // A byte of the kernel is not what the descriptor says.
    let mut changed = image.clone();
    changed[4100] ^= 1;
    let out = inspect(&OtaPlugin, "boot.img", &changed);
    assert!(out.noted("checksum-mismatch"));
    // Something in the free space between.
    let mut hidden = image;
    let n = hidden.len();
    hidden[n - 5000..n - 4990].copy_from_slice(b"remembered");
    let out = inspect(&OtaPlugin, "boot.img", &hidden);
    out.assert_clear();
    assert!(out.child("[unallocated]").bytes.windows(10).any(|w| w == b"remembered"));
}

#[test]
fn vendors_put_headers_before_and_marks_behind() {
    // MediaTek's header before the ramdisk.
    let mut mtk = vec![0x88, 0x16, 0x88, 0x58, 4, 0, 0, 0];
    mtk.extend(b"ROOTFS");
    mtk.resize(40, 0);
    mtk.resize(512, 0xff);
    mtk.extend(b"data");
    let mut image = v4(b"kernel", &mtk, b"");
    image.extend(b"SEANDROIDENFORCE");
    image.resize(image.len() + 100, 0);
    let out = inspect(&OtaPlugin, "recovery.img", &image);
    out.assert_clear();
    assert_eq!(out.child("ramdisk").bytes, b"data");
    // Verified boot 1.0: a certificate in a DER sequence behind the parts.
    let mut image = v4(b"kernel", b"ramdisk", b"");
    let certificate = [&[0x30, 0x82, 0x01, 0x00][..], &[7; 256]].concat();
    let rest = [&[0x30, 3, 6, 1, 1][..], &[4, 0x81, 200], &[9; 200]].concat();
    let body = [&[2, 1, 1][..], &certificate, &rest].concat();
    image.extend([0x30, 0x82]);
    image.extend((body.len() as u16).to_be_bytes());
    image.extend(&body);
    image.resize(image.len().next_multiple_of(4096) + 8192, 0);
    let out = inspect(&OtaPlugin, "boot.img", &image);
    out.assert_clear();
    assert_eq!(out.child("[boot-signature]/certificate.der").bytes, certificate);
}

#[test]
fn device_trees_behind_a_kernel_are_parted_from_it() {
    let tree = |n: usize| {
        let mut t = 0xd00d_feed_u32.to_be_bytes().to_vec();
        for w in [n as u32, 56, 60, 40, 17, 16, 0, 0, 0] {
            t.extend(w.to_be_bytes());
        }
        t.resize(n, 3);
        t
    };
    let kernel = [&noise(1, 5000)[..], &tree(100), &tree(204)].concat();
    let out = inspect(&OtaPlugin, "boot.img", &v4(&kernel, b"r", b""));
    out.assert_clear();
    assert_eq!(out.names(), ["kernel", "kernel-dtb-1", "kernel-dtb-2", "ramdisk"]);
    assert_eq!(out.child("kernel-dtb-2").bytes, tree(204));
    assert_eq!(out.child("kernel").bytes.len(), 5000);
}

#[test]
fn other_things_are_left_alone() {
    strangers_are_left_alone(&["boot.img", "vendor_boot.img"]);
    let mut text = b"ANDROID! is a magic word. ".repeat(200);
    assert_eq!(identify(&OtaPlugin, "boot.img", &text), None);
    text.splice(..8, *b"VNDRBOOT");
    assert_eq!(identify(&OtaPlugin, "boot.img", &text), None);
}
