use yumen_model::Certainty;

use crate::testing::*;

#[test]
fn files_are_those_that_mcopy_finds() {
    for (name, bits) in [("fat12", "fat12"), ("fat16", "fat16"), ("fat16-4k", "fat16"), ("fat32", "fat32")] {
        let image = read("fat", name, "fat");
        assert!(left_over(&image, MARK), "{name}: deleted content is swept");
        assert!(left_over(&image, b"IRST   TXT"), "{name}: so are deleted names");
        let item = image.item(yumen_model::kind::kinds::FIRMWARE_IMAGE);
        assert_eq!(item.properties["format"], bits);
        assert_eq!(item.properties["label"], "LABEL");
    }
}

#[test]
fn a_chain_that_goes_round_ends() {
    let mut bytes = fixture("fat", "fat16");
    // Reserved sectors of 512 bytes, as mkfs.fat lays them out: every entry of the first FAT leads to cluster 2.
    let fat = usize::from(u16::from_le_bytes([bytes[14], bytes[15]])) * 512;
    for entry in bytes[fat + 4..fat + 4000].chunks_exact_mut(2) {
        entry.copy_from_slice(&[2, 0]);
    }
    let image = inspect("x.img", &bytes);
    image.assert_counted();
    assert_eq!(image.opaque(), 0);
}

#[test]
fn the_boot_sectors_of_others_are_not_fat() {
    let bytes = fixture("fat", "fat16");
    assert_eq!(identify("x", &bytes).unwrap().certainty, Certainty::Signature);
    let mut ntfs = bytes.clone();
    ntfs[3..11].copy_from_slice(b"NTFS    ");
    assert_ne!(identify("x", &ntfs).map(|i| i.format), Some("fat"));
    let mut media = bytes;
    media[21] = 0x12;
    assert_eq!(identify("x", &media), None, "no media byte is that");
}

#[test]
fn a_cut_image_gives_what_is_there() {
    let bytes = fixture("fat", "fat32");
    let image = inspect("x.img", &bytes[..bytes.len() / 2]);
    assert!(image.noted("truncated"));
    assert_eq!(image.opaque(), 0);
    assert_eq!(image.files().len(), truth("fat", "fat32").len());
}

#[test]
fn damage_never_panics_and_counts_every_byte() {
    for (name, flips) in [("fat12", 80), ("fat16", 40), ("fat32", 8)] {
        abuse("fat", &fixture("fat", name), flips);
    }
}
