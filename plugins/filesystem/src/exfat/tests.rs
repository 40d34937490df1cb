use yumen_model::Extent;

use crate::testing::*;

#[test]
fn files_are_those_that_were_written() {
    let image = read("fat", "exfat", "exfat");
    assert!(left_over(&image, MARK), "deleted content is swept");
    let label = &image.item(yumen_model::kind::kinds::FIRMWARE_IMAGE).properties["label"];
    assert_eq!(label, "exfat 标签");
    assert!(!image.noted("checksum-mismatch"), "the sums of boot region and entries fit");
    assert!(image.children.iter().any(|c| c.extents.as_ref().is_some_and(|e| e.len() > 4)), "chains are followed");
}

#[test]
fn what_lies_behind_the_valid_length_is_no_content() {
    let image = read("fat", "exfat", "exfat");
    let sparse = image.children.iter().flat_map(|c| c.extents.iter().flatten());
    // A file of the tree ends without zeros, so make one that does.
    assert!(sparse.clone().all(|e| matches!(e, Extent::Data { .. })) || sparse.clone().count() > 0);
    let mut bytes = fixture("fat", "exfat");
    let name: Vec<u8> = "hosts".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let at = memchr::memmem::find_iter(&bytes, &name).find(|&i| bytes[i - 2] == 0xC1).unwrap();
    // The valid length in the entry before becomes 4.
    let stream = at - 2 - 32;
    assert_eq!(bytes[stream], 0xC0);
    bytes[stream + 8..stream + 16].copy_from_slice(&4u64.to_le_bytes());
    let image = inspect("x.img", &bytes);
    assert_eq!(image.child("etc/hosts").bytes, [&b"127."[..], &[0; 16]].concat());
    assert!(left_over(&image, b"0.0.1 localhost"));
    assert!(image.noted("checksum-mismatch"));
}

#[test]
fn damage_never_panics_and_counts_every_byte() {
    abuse("exfat", &fixture("fat", "exfat"), 60);
}
