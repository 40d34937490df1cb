use yumen_model::Reason;

use crate::testing::*;

#[test]
fn the_disk_is_that_of_qemu_img() {
    for name in ["qcow2-v2", "qcow2-v3", "qcow2-deflate", "qcow2-zstd", "qcow2-extl2", "qcow2-small"] {
        let image = read("disk", name, "qcow2");
        let packed = matches!(name, "qcow2-deflate" | "qcow2-zstd");
        assert_eq!(image.child("disk").extents.is_none(), packed, "{name}: only compressed clusters are copied");
    }
    let named = inspect("guest.raw.qcow2", &fixture("disk", "qcow2-v3"));
    assert_eq!(named.names(), ["guest.raw"]);
}

#[test]
fn a_table_that_serves_twice_is_followed_once() {
    let mut bytes = fixture("disk", "qcow2-small");
    let l1 = u64::from_be_bytes(bytes[40..48].try_into().unwrap()) as usize;
    let entries: Vec<usize> = (0..128).map(|i| l1 + i * 8).filter(|&i| bytes[i..i + 8] != [0; 8]).collect();
    assert!(entries.len() > 1);
    bytes.copy_within(entries[0]..entries[0] + 8, entries[1]);
    let image = inspect("x.img", &bytes);
    image.assert_counted();
    assert!(image.noted("incomplete-child"));
}

#[test]
fn encrypted_clusters_are_told() {
    let mut bytes = fixture("disk", "qcow2-v2");
    bytes[35] = 1;
    let image = inspect("x.img", &bytes);
    assert_eq!(image.labels.opaque[&Reason::Encrypted], 524_288);
    assert!(image.noted("encrypted") && image.children.iter().all(|c| c.meta.free_space));
}

#[test]
fn a_backing_file_is_told() {
    let mut bytes = fixture("disk", "qcow2-v2");
    let name = b"base-of-the-vehicle.raw";
    bytes[1024..1024 + name.len()].copy_from_slice(name);
    bytes[8..16].copy_from_slice(&1024u64.to_be_bytes());
    bytes[16..20].copy_from_slice(&(name.len() as u32).to_be_bytes());
    let image = inspect("x.img", &bytes);
    assert!(image.noted("backing-file"));
    assert!(image.texts.concat().contains("base-of-the-vehicle.raw"));
    image.assert_clear();
}

#[test]
fn freed_clusters_are_swept() {
    let mut bytes = fixture("disk", "qcow2-v3");
    let l1 = u64::from_be_bytes(bytes[40..48].try_into().unwrap()) as usize;
    let l2 = (u64::from_be_bytes(bytes[l1..l1 + 8].try_into().unwrap()) & 0x00FF_FFFF_FFFF_FE00) as usize;
    bytes[l2..l2 + 8].fill(0);
    let image = inspect("x.img", &bytes);
    image.assert_clear();
    assert!(left_over(&image, b"content of partition 1"));
}

#[test]
fn damage_never_panics_and_counts_every_byte() {
    for name in ["qcow2-v2", "qcow2-deflate", "qcow2-zstd", "qcow2-extl2", "qcow2-small"] {
        abuse("qcow2", &fixture("disk", name), 80);
    }
}
