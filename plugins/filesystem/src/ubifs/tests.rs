use yumen_kit_container::testing::{
    Engine, Recorded, abuse, fixture, identify, inspect, inspect_as, noise, prose, truth,
};
use yumen_model::kind::kinds;
use yumen_model::{Certainty, Reason};

use super::node::Kind;
use crate::FilesystemPlugin;
use crate::flash::crc_ones;

const LEB: usize = 126_976;
const ALL: [&str; 6] = ["lzo", "zlib", "zstd", "none", "favor", "nor"];

fn open(bytes: &[u8]) -> Recorded {
    inspect(&FilesystemPlugin, "rootfs.ubifs", bytes)
}

/// A node of our own: header and checksum around a body.
fn node(kind: Kind, sequence: u64, body: &[u8]) -> Vec<u8> {
    let mut n = super::node::MAGIC.to_vec();
    n.extend([0; 4]);
    n.extend(sequence.to_le_bytes());
    n.extend((24 + body.len() as u32).to_le_bytes());
    n.extend([kind as u8, 0, 0, 0]);
    n.extend(body);
    let crc = crc_ones(&n[8..]);
    n[4..8].copy_from_slice(&crc.to_le_bytes());
    n.resize(n.len().next_multiple_of(8), 0);
    n
}

fn dent(sequence: u64, parent: u32, name: &str, inode: u64) -> Vec<u8> {
    let mut body = [parent.to_le_bytes(), (2u32 << 29 | 77).to_le_bytes()].concat();
    body.extend([0; 8]);
    body.extend(inode.to_le_bytes());
    body.extend([0, 0]);
    body.extend((name.len() as u16).to_le_bytes());
    body.extend([0; 4]);
    body.extend(name.as_bytes());
    body.push(0);
    node(Kind::Dent, sequence, &body)
}

fn inode(sequence: u64, number: u32, size: u64, links: u32) -> Vec<u8> {
    let mut body = vec![0; 136];
    body[..4].copy_from_slice(&number.to_le_bytes());
    body[24..32].copy_from_slice(&size.to_le_bytes());
    body[68..72].copy_from_slice(&links.to_le_bytes());
    body[80..84].copy_from_slice(&0o100_644u32.to_le_bytes());
    node(Kind::Inode, sequence, &body)
}

fn data(sequence: u64, number: u32, block: u32, bytes: &[u8]) -> Vec<u8> {
    let mut body = [number.to_le_bytes(), (1u32 << 29 | block).to_le_bytes()].concat();
    body.extend([0; 8]);
    body.extend((bytes.len() as u32).to_le_bytes());
    body.extend([0; 4]);
    body.extend(bytes);
    node(Kind::Data, sequence, &body)
}

fn attribute(sequence: u64, of: u32, name: &str, inode: u64) -> Vec<u8> {
    let mut n = dent(sequence, of, name, inode);
    let len = 56 + name.len() + 1;
    n[20] = Kind::Xent as u8;
    let crc = crc_ones(&n[8..len]);
    n[4..8].copy_from_slice(&crc.to_le_bytes());
    n
}

fn value(sequence: u64, number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut body = inode(sequence, number, bytes.len() as u64, 1)[24..160].to_vec();
    body[84] = 0x20;
    body[88..92].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    body.extend(bytes);
    node(Kind::Inode, sequence, &body)
}

fn truncation(sequence: u64, number: u32, size: u64) -> Vec<u8> {
    let mut body = number.to_le_bytes().to_vec();
    body.extend([0; 12]);
    body.extend([0; 8]);
    body.extend(size.to_le_bytes());
    node(Kind::Truncate, sequence, &body)
}

/// The number of the inode of a path's last part, and the highest sequence number.
fn facts(image: &[u8], name: &str) -> (u32, u64) {
    let (mut number, mut sequence) = (0, 0);
    for at in (0..image.len() - 64).step_by(8) {
        if image[at..].starts_with(&super::node::MAGIC) {
            sequence = sequence.max(u64::from_le_bytes(image[at + 8..at + 16].try_into().unwrap()));
            if image[at + 20] == Kind::Dent as u8 && image[at + 56..].starts_with(name.as_bytes()) {
                number = u32::from_le_bytes(image[at + 40..at + 44].try_into().unwrap());
            }
        }
    }
    (number, sequence)
}

/// Writes nodes to a new erase block, and refers to it in the log as an image has it that was not unmounted.
fn journal(image: &mut Vec<u8>, nodes: &[Vec<u8>], sequence: u64) {
    let block = (image.len() / LEB) as u32;
    let mut body = block.to_le_bytes().to_vec();
    body.extend([0; 36]);
    let reference = node(Kind::Reference, sequence, &body);
    // Behind the commit start node, in the next page.
    let log = 3 * LEB + 2048;
    assert!(image[log..log + 64].iter().all(|&b| b == 0xFF), "the log is used there");
    image[log..log + 64].copy_from_slice(&reference);
    let mut leb = nodes.concat();
    leb.resize(LEB, 0xFF);
    image.extend(leb);
}

#[test]
fn real_images_give_what_an_independent_tool_finds() {
    for name in ALL {
        let image = fixture("ubifs", name);
        assert_eq!(
            identify(&FilesystemPlugin, "x", &image).map(|i| (i.format, i.certainty)),
            Some(("ubifs", Certainty::Signature))
        );
        let got = open(&image);
        assert_eq!(got.files(), truth("ubifs", name), "{name}");
        got.assert_clear();
        assert!(!got.noted("rebuilt") && !got.noted("corrupt") && !got.noted("truncated"), "{name}: {:?}", got.notes);
        let compression = &got.item(kinds::FIRMWARE_IMAGE).properties["compression"];
        assert_eq!(
            compression[0],
            if name == "nor" {
                "zlib"
            } else if name == "favor" {
                "lzo"
            } else {
                name
            }
        );
        // Nothing was replaced in a fresh image.
        assert!(!got.names().contains(&"[obsolete]"), "{name}");
        assert!(got.texts.concat().contains("../etc/hosts"));
    }
}

#[test]
fn content_without_compression_is_handed_over_where_it_lies() {
    let got = open(&fixture("ubifs", "none"));
    let large = got.child("usr/share/large.txt");
    assert_eq!(large.extents.as_ref().map(Vec::len), Some(375_992usize.div_ceil(4096)));
    assert_eq!(large.meta.attributes["mode"], 0o100_644);
    assert_eq!(large.meta.attributes["mtime"], 1_767_225_600);
}

#[test]
fn without_an_index_the_nodes_themselves_tell() {
    for name in ["lzo", "nor", "none"] {
        let mut image = fixture("ubifs", name);
        // Every index node loses a bit.
        for at in (0..image.len() - 64).step_by(8) {
            if image[at..].starts_with(&super::node::MAGIC) && image[at + 20] == Kind::Index as u8 {
                image[at + 30] ^= 1;
            }
        }
        let got = open(&image);
        assert_eq!(got.files(), truth("ubifs", name), "{name}");
        assert!(got.noted("rebuilt"));
        assert!(got.opaque() > 0, "broken nodes are opaque");
        got.assert_counted();
        // And without the superblock, which tells the length of erase blocks.
        image[100] ^= 1;
        let got = open(&image);
        assert_eq!(got.files(), truth("ubifs", name), "{name}");
    }
}

#[test]
fn the_journal_of_an_image_that_was_not_unmounted_is_replayed() {
    let mut image = fixture("ubifs", "zlib");
    let (hosts, newest) = facts(&image, "hosts\0");
    let (large, _) = facts(&image, "large.txt");
    let (etc, _) = facts(&image, "etc\0");
    assert!(hosts > 0 && large > 0 && etc > 0);
    let nodes = [
        // Replaced, removed, cut short, new; a file of which only an older version was deleted.
        inode(newest + 2, hosts, 17, 1),
        data(newest + 3, hosts, 0, b"10.0.0.1 replaced"),
        dent(newest + 4, etc, "opt", 0),
        truncation(newest + 5, large, 8192),
        inode(newest + 6, large, 8192, 1),
        inode(newest + 7, 5000, 3, 1),
        dent(newest + 8, etc, "new", 5000),
        data(newest + 9, 5000, 0, b"old"),
        data(newest + 10, 5000, 0, b"new"),
        inode(newest + 11, 5001, 6, 1),
        dent(newest + 12, etc, "secret", 5001),
        data(newest + 13, 5001, 0, b"13800138000 was here"),
        dent(newest + 14, etc, "secret", 0),
        inode(newest + 15, 5001, 0, 0),
        attribute(newest + 16, 5000, "user.owner", 5002),
        value(newest + 17, 5002, b"13900139000"),
        attribute(newest + 18, 5000, "user.old", 5003),
        value(newest + 19, 5003, b"binary \x01\xFF 13700137000"),
    ];
    journal(&mut image, &nodes, newest + 1);
    let got = open(&image);
    got.assert_clear();
    assert_eq!(got.child("etc/hosts").bytes, b"10.0.0.1 replaced");
    assert_eq!(got.child("etc/new").bytes, b"new");
    assert_eq!(got.child("usr/share/large.txt").bytes.len(), 8192);
    assert!(!got.names().contains(&"etc/secret"));
    assert_eq!(got.child("etc/new").meta.attributes["xattrs"], serde_json::json!(["user.old", "user.owner"]));
    assert!(got.texts.concat().contains("13900139000"));
    assert!(!got.noted("rebuilt") && !got.noted("corrupt"), "{:?}", got.notes);
    // The directory's name is gone; its file is still there.
    assert!(got.names().contains(&"[lost]/empty"), "{:?}", got.names());
    // What was replaced is swept: decoded where it was compressed, else as it stands.
    let old = got.child("[obsolete]");
    assert!(old.meta.free_space);
    let text = String::from_utf8_lossy(&old.bytes);
    assert!(text.contains("the vehicle entered yard"));
    let free = String::from_utf8_lossy(&got.child("[unallocated]").bytes);
    assert!(
        free.contains("13800138000 was here")
            && free.contains("127.0.0.1 localhost")
            && free.contains("13700137000")
            && free.contains("secret")
    );
}

#[test]
fn nodes_that_no_bud_refers_to_do_not_count() {
    let mut image = fixture("ubifs", "lzo");
    let (hosts, newest) = facts(&image, "hosts\0");
    let mut leb = data(newest + 3, hosts, 0, b"stale replacement");
    leb.resize(LEB, 0xFF);
    image.extend(leb);
    let got = open(&image);
    got.assert_clear();
    assert_eq!(got.child("etc/hosts").bytes, b"127.0.0.1 localhost\n");
    assert!(String::from_utf8_lossy(&got.child("[unallocated]").bytes).contains("stale replacement"));
}

#[test]
fn a_node_that_is_needed_and_broken_is_told() {
    let clean = fixture("ubifs", "lzo");
    let (large, _) = facts(&clean, "large.txt");
    let wanted = (0..clean.len() - 64).step_by(8).find(|&at| {
        clean[at..].starts_with(&super::node::MAGIC)
            && clean[at + 20] == Kind::Data as u8
            && clean[at + 24..at + 28] == large.to_le_bytes()
            && clean[at + 28] == 5
    });
    let mut image = clean;
    image[wanted.expect("the fifth block") + 100] ^= 4;
    let got = open(&image);
    let child = got.child("usr/share/large.txt");
    assert!(!child.complete);
    assert_eq!(child.bytes.len(), 375_992);
    assert!(child.bytes[5 * 4096..6 * 4096].iter().all(|&b| b == 0));
    assert_eq!(got.labels.opaque.keys().copied().collect::<Vec<_>>(), [Reason::Corrupt]);
    assert!(got.noted("checksum-mismatch") && got.noted("incomplete-child"));
}

#[test]
fn links_devices_and_attributes_are_told() {
    let got = open(&fixture("ubifs", "extras"));
    got.assert_clear();
    assert_eq!(got.child("d/first").bytes, b"one file, two names\n");
    assert_eq!(got.files().len(), 2);
    assert!(got.noted("link") && got.noted("special-file") && got.noted("directory-entries"));
    let text = got.texts.concat();
    assert!(text.contains("../first/13800138000"));
}

#[test]
fn encrypted_files_are_opaque_and_signed_images_open() {
    let got = open(&fixture("ubifs", "encrypted"));
    assert!(got.children.iter().any(|c| c.meta.opaque == Some(Reason::Encrypted)), "{:?}", got.names());
    assert!(got.noted("encrypted"), "the link's target is encrypted too");
    assert!(!got.children.iter().any(|c| c.bytes.windows(9).any(|w| w == b"an owner\n")));
    assert_eq!(got.item(kinds::FIRMWARE_IMAGE).properties["encrypted"], true);
    let got = open(&fixture("ubifs", "signed"));
    got.assert_clear();
    assert!(!got.noted("rebuilt"), "{:?}", got.notes);
    assert_eq!(got.child("d/first").bytes, b"one file, two names\n");
    assert_eq!(got.item(kinds::FIRMWARE_IMAGE).properties["authenticated"], true);
}

#[test]
fn nothing_that_is_hidden_between_nodes_is_passed_over() {
    let mut image = fixture("ubifs", "lzo");
    let end = image.len();
    let free =
        (0..end - 4096).rev().step_by(512).find(|&at| image[at - 512..at + 4096].iter().all(|&b| b == 0xFF)).unwrap();
    image[free..free + 18].copy_from_slice(b"hidden 13800138000");
    let got = open(&image);
    got.assert_clear();
    assert!(got.child("[unallocated]").bytes.windows(18).any(|w| w == b"hidden 13800138000"));
}

#[test]
fn other_data_is_not_taken_for_it() {
    assert_eq!(identify(&FilesystemPlugin, "x.ubifs", &prose(9000)), None);
    assert_eq!(identify(&FilesystemPlugin, "x.ubifs", &noise(3, 9000)), None);
    let mut magic = noise(4, 9000);
    magic[..4].copy_from_slice(&super::node::MAGIC);
    assert_eq!(identify(&FilesystemPlugin, "x.ubifs", &magic), None);
}

#[test]
fn damage_never_panics() {
    for name in ["lzo", "encrypted", "extras"] {
        abuse(&FilesystemPlugin, "ubifs", "x", &fixture("ubifs", name), 12);
    }
    let image = fixture("ubifs", "zstd");
    for cut in [image.len() / 10, image.len() / 2, image.len() * 99 / 100] {
        let got = inspect_as(&FilesystemPlugin, "ubifs", "x", &image[..cut], Engine::default());
        got.assert_counted();
        assert!(
            got.noted("truncated") || got.noted("corrupt") || got.noted("rebuilt") || cut > image.len() * 9 / 10,
            "{cut}"
        );
    }
}
