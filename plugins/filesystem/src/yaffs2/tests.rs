use yumen_kit_container::testing::{Recorded, abuse, fixture, identify, inspect, noise, prose, truth};
use yumen_model::Certainty;
use yumen_model::kind::kinds;

use crate::FilesystemPlugin;

const ALL: [(&str, usize, usize, usize); 5] = [
    ("small", 2048, 64, 0),
    ("marked", 2048, 64, 2),
    ("wide", 4096, 128, 0),
    ("huge", 8192, 256, 0),
    ("big", 2048, 64, 0),
];

fn open(bytes: &[u8]) -> Recorded {
    inspect(&FilesystemPlugin, "system.img", bytes)
}

/// A page of an image of 2048 and 64 bytes, little-endian.
fn page(sequence: u32, object: u32, chunk: u32, len: u32, content: &[u8]) -> Vec<u8> {
    let mut page = content.to_vec();
    page.resize(2048, 0xFF);
    for word in [sequence, object, chunk, len] {
        page.extend(word.to_le_bytes());
    }
    page.resize(2048 + 64, 0xFF);
    page
}

fn header(kind: u32, parent: u32, name: &str, size: u32) -> Vec<u8> {
    let mut h = [kind.to_le_bytes(), parent.to_le_bytes()].concat();
    h.extend([0xFF; 2]);
    h.extend(name.as_bytes());
    h.resize(268, 0);
    h.extend(0o100_644u32.to_le_bytes());
    h.resize(292, 0);
    h.extend(size.to_le_bytes());
    h.resize(496, 0);
    h.resize(512, 0xFF);
    h
}

#[test]
fn images_give_what_independent_tools_find() {
    for (name, page, spare, _) in ALL {
        let image = fixture("yaffs2", name);
        assert_eq!(
            identify(&FilesystemPlugin, "x", &image).map(|i| (i.format, i.certainty)),
            Some(("yaffs2", Certainty::Signature)),
            "{name}"
        );
        let got = open(&image);
        assert_eq!(got.files(), truth("yaffs2", name), "{name}");
        got.assert_clear();
        let item = got.item(kinds::FIRMWARE_IMAGE);
        assert_eq!(item.properties["page_size"][0], page as u64, "{name}");
        assert_eq!(item.properties["spare_size"][0], spare as u64, "{name}");
        assert!(got.texts.concat().contains("../etc/hosts"));
        assert!(got.children.iter().all(|c| c.extents.is_some() || c.bytes.is_empty()));
        assert!(got.noted("link") && got.noted("directory-entries"));
    }
}

#[test]
fn the_newest_pages_count_and_the_others_are_swept() {
    let image = [
        page(0x1000, 1, 0, 0xFFFF, &header(3, 1, "", 0)),
        page(0x1000, 300, 0, 0xFFFF, &header(1, 1, "file", 2058)),
        page(0x1000, 300, 1, 2048, &[b'a'; 2048]),
        page(0x1000, 300, 2, 10, b"old ending"),
        page(0x1000, 301, 0, 0xFFFF, &header(1, 1, "gone", 11)),
        page(0x1000, 301, 1, 11, b"13800138000"),
        // A block that was written later stands before an older one.
        page(0x1002, 300, 2, 10, b"new ending"),
        page(0x1001, 300, 2, 10, b"mid ending"),
        // Deleted: it moves to the directory of deleted objects. Tags with more in them.
        page(0x1003, 301 | 1 << 28, 0x8000_0000 | 4, 0, &header(1, 4, "deleted", 11)),
        // Written and not closed, then a power cut: the header does not know of the content.
        page(0x1003, 302, 0, 0xFFFF, &header(1, 1, "unclosed", 0)),
        page(0x1003, 302, 1, 7, b"content"),
        // Content of a file without a header, and pages that are erased or make no sense.
        page(0x1003, 400, 1, 6, b"orphan"),
        vec![0xFF; 2112],
        noise(4, 2112),
    ]
    .concat();
    let got = open(&image);
    got.assert_clear();
    assert_eq!(got.child("file").bytes, [&[b'a'; 2048][..], b"new ending"].concat());
    assert_eq!(got.child("unclosed").bytes, b"content");
    assert_eq!(got.child("[object-400]").bytes, b"orphan");
    assert!(!got.names().contains(&"gone") && !got.names().contains(&"deleted"));
    let free = String::from_utf8_lossy(&got.child("[unallocated]").bytes).into_owned();
    assert!(free.contains("13800138000") && free.contains("old ending") && free.contains("mid ending"));
    assert!(got.noted("bad-entry"));
}

#[test]
fn the_tags_of_yaffs1_are_read() {
    let spare = |object: u32, chunk: u32, len: u32, deleted: bool| {
        let (low, high) = ((chunk | 1 << 20 | len << 22).to_le_bytes(), object.to_le_bytes());
        let mut s = low.to_vec();
        s.extend([if deleted { 0 } else { 0xFF }, 0xFF, high[0], high[1], 0, 0, 0, high[2], high[3], 0, 0, 0]);
        s
    };
    let image = [
        header(3, 1, "", 0),
        spare(1, 0, 1023, false),
        header(1, 1, "name", 515),
        spare(260, 0, 1023, false),
        vec![b'x'; 512],
        spare(260, 1, 512, false),
        [b"old".to_vec(), vec![0xFF; 509]].concat(),
        spare(260, 2, 3, true),
        [b"end".to_vec(), vec![0xFF; 509]].concat(),
        spare(260, 2, 3, false),
    ]
    .concat();
    let got = open(&image);
    got.assert_clear();
    assert_eq!(got.child("name").bytes, [&[b'x'; 512][..], b"end"].concat());
    assert!(got.child("[unallocated]").bytes.windows(3).any(|w| w == b"old"));
}

#[test]
fn other_data_is_not_taken_for_it() {
    for mut bytes in [prose(90_000), noise(3, 90_000), vec![0; 90_000], vec![0xFF; 90_000]] {
        assert_eq!(identify(&FilesystemPlugin, "x.yaffs2", &bytes), None);
        // A header alone proves nothing.
        bytes[..512].copy_from_slice(&header(3, 1, "", 0));
        assert_eq!(identify(&FilesystemPlugin, "x.yaffs2", &bytes), None);
    }
}

#[test]
fn damage_never_panics() {
    for (name, ..) in ALL {
        abuse(&FilesystemPlugin, "yaffs2", "x", &fixture("yaffs2", name), 12);
    }
}
