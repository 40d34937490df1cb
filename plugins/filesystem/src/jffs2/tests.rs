use yumen_kit_container::testing::{Recorded, abuse, fixture, identify, inspect, noise, prose, truth};
use yumen_model::kind::kinds;
use yumen_model::{Certainty, Reason};

use crate::FilesystemPlugin;
use crate::flash::crc_zero;

const ALL: [&str; 7] = ["little", "big", "padded", "lzo", "rtime", "none", "summary"];

fn open(bytes: &[u8]) -> Recorded {
    inspect(&FilesystemPlugin, "rootfs.jffs2", bytes)
}

fn header(kind: u16, len: usize) -> Vec<u8> {
    let mut n = [0x1985u16.to_le_bytes(), kind.to_le_bytes()].concat();
    n.extend((len as u32).to_le_bytes());
    let crc = crc_zero(&n);
    n.extend(crc.to_le_bytes());
    n
}

fn dent(parent: u32, version: u32, inode: u32, name: &str) -> Vec<u8> {
    let mut n = header(0xE001, 40 + name.len());
    for word in [parent, version, inode, 0] {
        n.extend(word.to_le_bytes());
    }
    n.extend([name.len() as u8, 8, 0, 0]);
    n.extend(crc_zero(&n[..32]).to_le_bytes());
    n.extend(crc_zero(name.as_bytes()).to_le_bytes());
    n.extend(name.as_bytes());
    n.resize(n.len().next_multiple_of(4), 0xFF);
    n
}

struct Write<'a> {
    inode: u32,
    version: u32,
    size: u32,
    offset: u32,
    unpacked: u32,
    method: u8,
    bytes: &'a [u8],
}

fn write(w: &Write<'_>) -> Vec<u8> {
    let mut n = header(0xE002, 68 + w.bytes.len());
    for word in [w.inode, w.version, 0o100_644, 0, w.size, 1, 2, 3, w.offset, w.bytes.len() as u32, w.unpacked] {
        n.extend(word.to_le_bytes());
    }
    n.extend([w.method, 0, 0, 0]);
    n.extend(crc_zero(w.bytes).to_le_bytes());
    n.extend(crc_zero(&n[..60]).to_le_bytes());
    // The data's checksum stands before the node's own, which does not cover it.
    n.extend(w.bytes);
    n.resize(n.len().next_multiple_of(4), 0xFF);
    n
}

fn stored(inode: u32, version: u32, size: u32, offset: u32, bytes: &[u8]) -> Vec<u8> {
    write(&Write { inode, version, size, offset, unpacked: bytes.len() as u32, method: 0, bytes })
}

#[test]
fn real_images_give_what_an_independent_tool_finds() {
    for name in ALL {
        let image = fixture("jffs2", name);
        assert_eq!(
            identify(&FilesystemPlugin, "x", &image).map(|i| (i.format, i.certainty)),
            Some(("jffs2", Certainty::Signature))
        );
        let got = open(&image);
        assert_eq!(got.files(), truth("jffs2", name), "{name}");
        got.assert_clear();
        assert!(got.texts.concat().contains("../etc/hosts"));
        assert!(!got.names().iter().any(|n| n.starts_with('[')), "{name}: {:?}", got.names());
        let order = if matches!(name, "big" | "none") { "big" } else { "little" };
        assert_eq!(got.item(kinds::FIRMWARE_IMAGE).properties["byte_order"][0], order);
    }
    let got = open(&fixture("jffs2", "none"));
    assert!(got.child("usr/share/large.txt").extents.is_some(), "content that is not compressed stays where it lies");
}

#[test]
fn links_and_devices_are_told() {
    let got = open(&fixture("jffs2", "extras"));
    got.assert_clear();
    assert_eq!(got.files().len(), 1);
    assert_eq!(got.child("d/first").bytes, b"one file, two names\n");
    assert!(got.noted("link") && got.noted("special-file") && got.noted("directory-entries"));
    assert!(got.texts.concat().contains("../first/13800138000"));
    assert!(got.texts.concat().contains("车主 13900139000"), "an extended attribute");
}

#[test]
fn the_highest_version_counts_and_the_others_are_swept() {
    let image = [
        stored(10, 1, 12, 0, b"aaaabbbbcccc"),
        stored(10, 3, 12, 4, b"BBBB"),
        dent(1, 1, 10, "file"),
        // An older write that was moved behind newer ones.
        stored(10, 2, 12, 2, b"xxxx"),
        // A hole, then content; then cut short.
        stored(11, 1, 20, 16, b"tail"),
        dent(1, 2, 11, "holes"),
        stored(11, 2, 18, 0, b""),
        // Deleted, and its name used again.
        stored(12, 1, 20, 0, b"deleted: 13800138000"),
        dent(1, 3, 12, "gone"),
        dent(1, 4, 0, "gone"),
        write(&Write {
            inode: 13,
            version: 1,
            size: 6,
            offset: 0,
            unpacked: 6,
            method: 2,
            bytes: &[b'a', 0, b'b', 0, b'a', 3],
        }),
        dent(1, 5, 13, "again"),
        dent(1, 6, 10, "again"),
        write(&Write { inode: 14, version: 1, size: 9, offset: 0, unpacked: 9, method: 5, bytes: b"rubin" }),
        dent(1, 7, 14, "rubin"),
        vec![0xFF; 300],
        stored(15, 1, 7, 0, b"no name"),
    ]
    .concat();
    let got = open(&image);
    assert_eq!(got.child("again").bytes, b"aaxxBBBBcccc");
    assert!(got.noted("link"), "`file` is the same inode");
    assert_eq!(got.child("holes").bytes, [&[0; 16][..], b"ta"].concat());
    assert_eq!(got.child("[inode-15]").bytes, b"no name");
    let names = got.names();
    assert!(!names.contains(&"gone"));
    let free = String::from_utf8_lossy(&got.child("[unallocated]").bytes).into_owned();
    assert!(free.contains("deleted: 13800138000") && free.contains("aaaabbbb"), "{free}");
    assert!(got.child("[obsolete]").bytes.starts_with(b"ababab"));
    assert!(!got.child("rubin").complete);
    assert_eq!(got.labels.opaque.keys().copied().collect::<Vec<_>>(), [Reason::Unsupported]);
    assert!(got.noted("unsupported-method"));
}

#[test]
fn broken_nodes_are_told_and_the_rest_is_read() {
    let mut image = fixture("jffs2", "little");
    let clean = open(&image);
    let n = image.len();
    // Content in the middle, and the tail cut off.
    image[n / 2] ^= 1;
    image.truncate(n - 100);
    let got = open(&image);
    got.assert_counted();
    assert!(got.noted("checksum-mismatch") || got.noted("truncated"));
    assert!(got.opaque() > 0);
    assert!(got.children.len() >= clean.children.len() - 2);
    assert_eq!(got.child("etc/hosts").bytes, b"127.0.0.1 localhost\n");
}

#[test]
fn erased_blocks_and_other_data_around_it() {
    let image = fixture("jffs2", "lzo");
    let mut dump = vec![0xFF; 128 << 10];
    dump.extend(&image);
    dump.extend(vec![0xFF; 64 << 10]);
    dump.extend(b"left over: 13800138000");
    assert_eq!(identify(&FilesystemPlugin, "x", &dump).map(|i| i.format), Some("jffs2"));
    let got = open(&dump);
    got.assert_clear();
    assert_eq!(got.files(), truth("jffs2", "lzo"));
    assert!(got.child("[unallocated]").bytes.ends_with(b"left over: 13800138000"));
}

#[test]
fn other_data_is_not_taken_for_it() {
    for mut bytes in [prose(90_000), noise(3, 90_000), vec![0xFF; 90_000]] {
        assert_eq!(identify(&FilesystemPlugin, "x.jffs2", &bytes), None);
        bytes[..4].copy_from_slice(&[0x85, 0x19, 0x02, 0xE0]);
        assert_eq!(identify(&FilesystemPlugin, "x.jffs2", &bytes), None);
    }
}

#[test]
fn damage_never_panics() {
    for name in ["lzo", "big", "rtime", "extras", "summary"] {
        abuse(&FilesystemPlugin, "jffs2", "x", &fixture("jffs2", name), 16);
    }
}
