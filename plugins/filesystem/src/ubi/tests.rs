use yumen_kit_container::testing::{Recorded, abuse, fixture, identify, inspect, noise, prose, truth};
use yumen_model::kind::kinds;
use yumen_model::{Certainty, Extent};

use super::header::{EC, VID};
use crate::FilesystemPlugin;
use crate::flash::crc_ones;

/// Length of an erase block, where the second header stands, and where data begins, of each fixture.
const ALL: [(&str, usize, usize, usize); 3] =
    [("nand", 131_072, 2048, 4096), ("subpage", 131_072, 512, 2048), ("nor", 65_536, 64, 128)];

fn open(bytes: &[u8]) -> Recorded {
    inspect(&FilesystemPlugin, "flash.ubi", bytes)
}

/// Changes a header and mends its checksum.
fn edit(image: &mut [u8], at: usize, change: impl FnOnce(&mut [u8])) {
    let header = &mut image[at..at + 64];
    change(header);
    let crc = crc_ones(&header[..60]);
    header[60..].copy_from_slice(&crc.to_be_bytes());
}

fn blocks(image: &[u8], block: usize) -> Vec<Vec<u8>> {
    image.chunks(block).map(<[u8]>::to_vec).collect()
}

/// The number of the block that holds a logical block of a volume.
fn holder(image: &[u8], (block, vid): (usize, usize), volume: u32, number: u32) -> usize {
    let wanted = [volume.to_be_bytes(), number.to_be_bytes()].concat();
    let mut all = (0..image.len() / block).map(|i| &image[i * block + vid..]);
    all.position(|v| v.starts_with(VID) && v[8..16] == wanted).expect("the block is there")
}

/// What the truth tells, apart from erased space at the end of a volume, and from volumes without any block.
fn same(got: &Recorded, name: &str) {
    let volumes = truth("ubi", name);
    for (_, size, path) in &volumes {
        if *size == 0 {
            assert!(!got.names().contains(&path.as_str()));
            continue;
        }
        let mut bytes = got.child(path).bytes.clone();
        assert!(bytes.len() as u64 <= *size, "{name} {path}");
        bytes.resize(*size as usize, 0xFF);
        let hash = yumen_kit_container::testing::sha256(&bytes);
        assert!(volumes.contains(&(hash, *size, path.clone())), "{name} {path}");
    }
}

#[test]
fn real_images_give_what_an_independent_tool_finds() {
    for (name, ..) in ALL {
        let image = fixture("ubi", name);
        assert_eq!(
            identify(&FilesystemPlugin, "x", &image).map(|i| (i.format, i.certainty)),
            Some(("ubi", Certainty::Signature))
        );
        let got = open(&image);
        same(&got, name);
        got.assert_clear();
        assert!(got.notes.is_empty(), "{name}: {:?}", got.notes);
        assert!(got.children.iter().all(|c| c.extents.is_some()), "volumes lie where they are");
        // A UBIFS in a volume opens as such.
        let rootfs = got.child("rootfs");
        let inner = inspect(&FilesystemPlugin, "rootfs", &rootfs.bytes);
        assert_eq!(inner.format, "ubifs");
        inner.assert_clear();
        assert_eq!(inner.files(), truth("ubifs", "lzo"), "{name}");
    }
    let got = open(&fixture("ubi", "nand"));
    let item = got.item(kinds::FIRMWARE_IMAGE);
    assert_eq!(item.properties["partitions"], serde_json::json!(["rootfs", "app", "env"]));
    assert_eq!(item.properties["empty_partitions"], serde_json::json!(["data"]));
    assert!(got.child("env").bytes.starts_with(b"bootargs="));
}

#[test]
fn the_order_of_erase_blocks_does_not_matter() {
    for (name, block, ..) in ALL {
        let mut shuffled = blocks(&fixture("ubi", name), block);
        let n = shuffled.len();
        let order = noise(9, n);
        for i in (1..n).rev() {
            shuffled.swap(i, usize::from(order[i]) % (i + 1));
        }
        // Among them an erased one, a free one and one that is worn out.
        shuffled.insert(1, vec![0xFF; block]);
        let mut free = shuffled[0][..64].to_vec();
        free.resize(block, 0xFF);
        shuffled.insert(3, free);
        shuffled.insert(n / 2, noise(77, block));
        let got = open(&shuffled.concat());
        same(&got, name);
        got.assert_clear();
        assert!(got.child("[unallocated]").bytes.len() >= block - 512, "the worn out block is swept");
    }
}

#[test]
fn of_two_copies_the_newer_one_counts_and_the_other_is_swept() {
    for (name, block, vid, data) in ALL {
        let image = fixture("ubi", name);
        let at = holder(&image, (block, vid), 0, 9);
        let mut new = image[at * block..(at + 1) * block].to_vec();
        new[data..data + 20].copy_from_slice(b"the newer content...");
        edit(&mut new, vid, |h| h[40..48].copy_from_slice(&77u64.to_be_bytes()));
        let before = open(&image);
        let leb = block - data;
        for first in [true, false] {
            let mut all = blocks(&image, block);
            all.insert(if first { 2 } else { all.len() }, new.clone());
            let got = open(&all.concat());
            got.assert_clear();
            assert!(got.child("rootfs").bytes[9 * leb..].starts_with(b"the newer content..."), "{name}");
            let old = &before.child("rootfs").bytes[9 * leb..9 * leb + 512];
            if old.iter().any(|&b| b != 0xFF) {
                assert!(got.child("[unallocated]").bytes.windows(512).any(|w| w == old), "{name}");
            }
        }
        // A copy whose checksum does not hold was interrupted: the older one counts.
        edit(&mut new, vid, |h| {
            h[6] = 1;
            h[20..24].copy_from_slice(&20u32.to_be_bytes());
        });
        let mut all = blocks(&image, block);
        all.push(new);
        let got = open(&all.concat());
        same(&got, name);
        assert!(got.child("[unallocated]").bytes.windows(20).any(|w| w == b"the newer content..."));
    }
}

#[test]
fn a_gap_in_a_dynamic_volume_reads_as_erased() {
    let (name, block, vid, data) = ALL[0];
    let image = fixture("ubi", name);
    let gone = holder(&image, (block, vid), 0, 8);
    let mut all = blocks(&image, block);
    all[gone][vid..].fill(0xFF);
    let got = open(&all.concat());
    got.assert_clear();
    let leb = block - data;
    let rootfs = got.child("rootfs");
    assert!(rootfs.bytes[8 * leb..9 * leb].iter().all(|&b| b == 0xFF));
    assert_eq!(rootfs.bytes.len(), open(&image).child("rootfs").bytes.len());
    assert!(rootfs.extents.as_ref().unwrap().iter().all(|e| matches!(e, Extent::Data { .. })));
    // A stray number does not make a volume of terabytes.
    let mut image = image;
    edit(&mut image, gone * block + vid, |h| h[12..16].copy_from_slice(&0x7000_0000u32.to_be_bytes()));
    let got = open(&image);
    got.assert_clear();
    assert!(got.child("rootfs").bytes.len() < 20 * leb);
    assert!(got.noted("bad-entry"));
}

#[test]
fn a_static_volume_that_is_damaged_or_incomplete_is_told() {
    let (name, block, vid, data) = ALL[0];
    let mut image = fixture("ubi", name);
    let app = holder(&image, (block, vid), 2, 0);
    image[app * block + data + 5000] ^= 1;
    assert!(open(&image).noted("checksum-mismatch"));
    image.truncate(app * block + data + 5000);
    let got = open(&image);
    assert!(got.noted("truncated"), "{:?}", got.notes);
    got.assert_counted();
}

#[test]
fn images_behind_other_data_and_several_in_one_file() {
    let (nand, nor) = (fixture("ubi", "nand"), fixture("ubi", "nor"));
    let mut both = noise(5, 256 << 10);
    both.extend(&nand);
    both.extend(vec![0xFF; 128 << 10]);
    both.extend(&nor);
    both.extend(b"the end of the flash 13800138000");
    assert_eq!(identify(&FilesystemPlugin, "dump.bin", &both).map(|i| i.certainty), Some(Certainty::Structure));
    let got = open(&both);
    got.assert_counted();
    assert_eq!(got.opaque(), 0);
    let names: Vec<_> = got.names().into_iter().filter(|n| !n.starts_with('[')).collect();
    assert_eq!(names, ["rootfs", "app", "env", "rootfs"]);
    assert_eq!(got.child("[before]").bytes.len(), 256 << 10);
    assert!(got.child("[after]").bytes.starts_with(b"the end"));
}

#[test]
fn an_image_kept_in_a_volume_is_not_taken_for_the_outer_one() {
    let (_, block, vid, data) = ALL[0];
    let outer = fixture("ubi", "nand");
    let inner = fixture("ubi", "subpage");
    // The inner image as content of the static volume `app`, over as many erase blocks as it takes.
    let app = holder(&outer, (block, vid), 2, 0);
    let mut all = blocks(&outer, block);
    let header = all.remove(app)[..data].to_vec();
    let pieces: Vec<_> = inner.chunks(block - data).collect();
    for (n, piece) in pieces.iter().enumerate() {
        let mut new = header.clone();
        edit(&mut new, vid, |h| {
            h[12..16].copy_from_slice(&(n as u32).to_be_bytes());
            h[20..24].copy_from_slice(&(piece.len() as u32).to_be_bytes());
            h[24..28].copy_from_slice(&(pieces.len() as u32).to_be_bytes());
            h[32..36].copy_from_slice(&crc_ones(piece).to_be_bytes());
        });
        new.extend(*piece);
        new.resize(block, 0xFF);
        all.push(new);
    }
    let got = open(&all.concat());
    got.assert_clear();
    assert!(got.child("app").bytes == inner);
    assert!(got.notes.is_empty(), "{:?}", got.notes);
}

/// Puts spare areas behind the pages.
fn with_spare(image: &[u8], page: usize, spare: usize) -> Vec<u8> {
    let areas = noise(6, spare);
    image
        .chunks(page)
        .flat_map(|p| [p, if p.iter().all(|&b| b == 0xFF) { &[0xFF; 1280][..spare] } else { &areas }].concat())
        .collect()
}

#[test]
fn dumps_with_spare_areas_are_told_and_opened() {
    let image = fixture("ubi", "nand");
    for (page, spare) in [(2048, 64), (2048, 128)] {
        let dump = with_spare(&image, page, spare);
        assert_eq!(identify(&FilesystemPlugin, "dump.bin", &dump).map(|i| i.format), Some("nand"));
        let got = open(&dump);
        got.assert_clear();
        assert!(got.child("data").bytes == image);
        same(&open(&got.child("data").bytes), "nand");
    }
    abuse(&FilesystemPlugin, "nand", "x", &with_spare(&image, 2048, 64), 6);
}

#[test]
fn other_data_is_not_taken_for_it() {
    assert_eq!(identify(&FilesystemPlugin, "x.ubi", &prose(300_000)), None);
    assert_eq!(identify(&FilesystemPlugin, "x.ubi", &noise(3, 300_000)), None);
    let mut text = prose(300_000);
    text[..4].copy_from_slice(EC);
    text[131_072..131_076].copy_from_slice(EC);
    assert_eq!(identify(&FilesystemPlugin, "x.ubi", &text), None);
}

#[test]
fn damage_never_panics() {
    for (name, ..) in ALL {
        abuse(&FilesystemPlugin, "ubi", "x", &fixture("ubi", name), 16);
    }
}
