use yumen_model::Certainty;

use crate::testing::*;

#[test]
fn partitions_are_those_that_were_filled() {
    for (name, count) in [("mbr", 4), ("gpt", 3)] {
        let disk = read("disk", name, name);
        assert_eq!(disk.files().len(), count);
        assert!(left_over(&disk, MARK), "{name}: gaps are swept");
    }
}

#[test]
fn a_broken_table_is_read_from_its_copy() {
    let whole = read("disk", "gpt", "gpt").files();
    let bytes = fixture("disk", "gpt");
    let mut gone = bytes.clone();
    gone[512..1024].fill(0);
    let disk = inspect("x.img", &gone);
    assert_eq!(disk.format, "gpt");
    assert_eq!(disk.files(), whole);
    assert!(disk.noted("corrupt"));
    // One name is changed, so the sum does not fit.
    let mut changed = bytes;
    changed[1024 + 56] ^= 1;
    let disk = inspect("x.img", &changed);
    assert!(disk.noted("checksum-mismatch"));
    assert_eq!(disk.files(), whole, "the intact copy counts");
}

#[test]
fn a_chain_of_logical_partitions_ends() {
    let mut bytes = fixture("disk", "mbr");
    // The second extended record leads back to the first.
    let second = 10240 * 512 - 2048 * 512;
    let at = (0..bytes.len() / 512).map(|i| i * 512).skip(6145).find(|_| true).unwrap_or(second);
    let record = (6145..16000).map(|i| i * 512).find(|&o| bytes[o + 510..o + 512] == [0x55, 0xAA]).unwrap_or(at);
    bytes[record + 462..record + 478].copy_from_slice(&[0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    let disk = inspect("x.img", &bytes);
    disk.assert_counted();
    assert!(disk.noted("bad-entry"));
}

#[test]
fn a_table_must_be_sane() {
    let bytes = fixture("disk", "mbr");
    assert_eq!(identify("x", &bytes).unwrap().certainty, Certainty::Signature);
    for (at, value) in [(446, 0x12), (462, 0x33), (510, 0)] {
        let mut broken = bytes.clone();
        broken[at] = value;
        assert_eq!(identify("x", &broken), None, "byte {at}");
    }
    let mut overlapping = bytes;
    overlapping.copy_within(446..462, 462);
    assert_eq!(identify("x", &overlapping), None);
}

#[test]
fn sectors_of_4096_bytes() {
    let mut disk = vec![0u8; 4 << 20];
    disk[510..512].copy_from_slice(&[0x55, 0xAA]);
    disk[446 + 4] = 0x83;
    disk[446 + 8..446 + 12].copy_from_slice(&256u32.to_le_bytes());
    disk[446 + 12..446 + 16].copy_from_slice(&16u32.to_le_bytes());
    disk[256 * 4096..256 * 4096 + 16].copy_from_slice(b"the partition is");
    let found = inspect("x.img", &disk);
    found.assert_clear();
    assert!(found.child("p1").bytes.starts_with(b"the partition is"));
    assert_eq!(found.child("p1").bytes.len(), 65536);
}

#[test]
fn damage_never_panics_and_counts_every_byte() {
    abuse("mbr", &fixture("disk", "mbr"), 60);
    abuse("gpt", &fixture("disk", "gpt"), 60);
}
