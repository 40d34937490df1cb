use yumen_model::{Certainty, Reason};

use crate::testing::*;

const ALL: [&str; 9] = [
    "ext2-1k",
    "ext2-rev0",
    "ext3-4k",
    "ext4-1k",
    "ext4-4k",
    "ext4-inline",
    "ext4-bigalloc",
    "ext4-metabg",
    "ext4-64k",
];

#[test]
fn files_are_those_that_debugfs_finds_whatever_the_features() {
    for name in ALL {
        let image = read("ext4", name, "ext4");
        assert!(image.texts.concat().contains("../etc/hosts"), "{name}: link targets are text");
        assert!(image.texts.concat().contains("a-long-target/a-long-target"), "{name}: long ones too");
        // A deleted short file in an inode is overwritten by zeros; all others leave their blocks.
        assert!(name == "ext4-inline" || left_over(&image, MARK), "{name}: deleted content is swept");
        assert!(left_over(&image, b"gone.txt"), "{name}: so are deleted names");
        let sparse = image.child("usr/share/sparse.bin");
        let extents = sparse.extents.as_ref().unwrap();
        assert!(extents.iter().any(|e| matches!(e, yumen_model::Extent::Zero { .. })), "{name}: holes stay holes");
    }
}

#[test]
fn modes_and_times_are_told() {
    let image = read("ext4", "ext4-4k", "ext4");
    let hosts = image.child("etc/hosts");
    assert_eq!(hosts.meta.attributes["mode"], 0o100_644);
    assert_eq!(hosts.meta.attributes["mtime"], 1_767_225_600);
    assert!(image.noted("special-file") && image.noted("link"));
    assert_eq!(image.child("etc/hosts.again").bytes, hosts.bytes, "a second name, the same content");
}

#[test]
fn what_only_debugfs_makes() {
    let bytes = fixture("ext4", "ext4-odd");
    let image = inspect("ext4-odd.img", &bytes);
    image.assert_clear();
    assert!(image.noted("journal-not-replayed") && image.noted("orphan-inodes") && image.noted("encrypted"));
    let orphan = image.children.iter().find(|c| c.name().starts_with("[orphan]/")).unwrap();
    assert_eq!(orphan.bytes, b"orphan: a file without a name\n");
    let sealed = image.child("sealed");
    assert_eq!(sealed.meta.opaque, Some(Reason::Encrypted));
    assert_eq!(sealed.bytes.len(), 1024, "encrypted blocks are whole");
    let text = image.texts.concat();
    assert!(text.contains("kept by Zhang San, 13900139000"));
    // Allocated and not written: zeros, while the blocks' old content is free space.
    let reserved = image.child("reserved");
    assert!(reserved.bytes.len() == 10240 && reserved.bytes.iter().all(|&b| b == 0));
    assert!(left_over(&image, b"stale content of freed blocks"));
}

#[test]
fn a_copy_of_the_superblock_serves_where_the_first_is_gone() {
    let mut bytes = fixture("ext4", "ext4-1k");
    bytes[1024..2048].fill(0);
    assert_eq!(identify("x.img", &bytes).unwrap().certainty, Certainty::Structure);
    let image = inspect("x.img", &bytes);
    assert_eq!(image.files().len(), truth("ext4", "ext4-1k").len());
    assert!(image.noted("corrupt"));
    assert_eq!(image.opaque(), 0);
}

#[test]
fn a_truncated_image_gives_what_is_there() {
    let bytes = fixture("ext4", "ext4-4k");
    let whole = truth("ext4", "ext4-4k");
    let image = inspect("x.img", &bytes[..bytes.len() * 6 / 10]);
    assert!(image.noted("truncated"));
    assert_eq!(
        image.files(),
        {
            let mut w = whole;
            w.sort_by(|a, b| a.2.cmp(&b.2));
            w
        },
        "all files lie before the cut"
    );
    // Cut within the large file.
    let large = inspect("x.img", &bytes).child("usr/share/large.txt").extents.clone().unwrap();
    let yumen_model::Extent::Data { offset, .. } = large[0] else { panic!() };
    let image = inspect("x.img", &bytes[..offset as usize + 10_000]);
    assert!(image.noted("incomplete-child"));
    assert_eq!(image.child("usr/share/large.txt").bytes.len(), 10_000);
}

#[test]
fn what_follows_the_file_system_is_accounted_for() {
    let mut bytes = fixture("ext4", "ext2-1k");
    let end = bytes.len();
    bytes.resize(end + 8192, 0);
    inspect("x.img", &bytes).assert_clear();
    bytes.extend_from_slice(b"behind the image: free space tells a tale");
    let image = inspect("x.img", &bytes);
    image.assert_clear();
    assert!(left_over(&image, b"behind the image"));
}

#[test]
fn a_verity_tree_behind_is_structure() {
    let mut bytes = fixture("ext4", "ext2-1k");
    let end = bytes.len();
    let mut head = vec![0u8; 4096];
    head[..8].copy_from_slice(b"verity\0\0");
    head[8..12].copy_from_slice(&1u32.to_le_bytes());
    head[12..16].copy_from_slice(&1u32.to_le_bytes());
    head[32..38].copy_from_slice(b"sha256");
    head[64..68].copy_from_slice(&4096u32.to_le_bytes());
    head[68..72].copy_from_slice(&4096u32.to_le_bytes());
    head[72..80].copy_from_slice(&(end as u64 / 4096).to_le_bytes());
    bytes.extend_from_slice(&head);
    // 1,024 blocks: eight blocks of hashes and one above.
    bytes.extend_from_slice(&noise(1, 9 * 4096));
    let with = inspect("x.img", &bytes);
    with.assert_clear();
    assert!(!left_over(&with, &noise(1, 64)));
    bytes.extend_from_slice(b"and more");
    assert!(left_over(&inspect("x.img", &bytes), b"and more"));
}

#[test]
fn a_directory_that_holds_itself_is_read_once() {
    let mut bytes = fixture("ext4", "ext2-1k");
    // The inode that `many` leads to becomes the root.
    let at = memchr::memmem::find(&bytes, b"\x04\x02many").unwrap() - 6;
    bytes[at..at + 4].copy_from_slice(&2u32.to_le_bytes());
    let image = inspect("x.img", &bytes);
    image.assert_counted();
    assert!(image.noted("bad-entry"));
    assert!(image.children.iter().any(|c| c.name().starts_with("[orphan]/")), "what is no longer reached is an orphan");
}

#[test]
fn damage_never_panics_and_counts_every_byte() {
    for (name, flips) in [("ext2-1k", 60), ("ext4-1k", 60), ("ext4-inline", 60), ("ext4-odd", 40), ("ext4-metabg", 20)]
    {
        abuse("ext4", &fixture("ext4", name), flips);
    }
}
