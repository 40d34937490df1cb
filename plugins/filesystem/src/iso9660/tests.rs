use yumen_model::Certainty;

use crate::testing::*;

#[test]
fn files_are_those_that_xorriso_and_7z_find() {
    for name in ["xorriso-rock", "geniso-rock", "joliet", "plain"] {
        let image = read("iso", name, "iso9660");
        assert!(!image.noted("bad-entry"), "{name}");
    }
}

#[test]
fn rock_ridge_tells_modes_and_targets() {
    let image = read("iso", "geniso-rock", "iso9660");
    assert_eq!(image.child("etc/hosts").meta.attributes["mode"], 0o100_644);
    assert_eq!(image.child("etc/hosts").meta.attributes["mtime"], 1_767_225_600);
    let text = image.texts.concat();
    assert!(text.contains("a-long-target-of-a-link") && text.contains("A PUBLISHER") || text.contains("a publisher"));
    image.child("a/b/c/d/e/f/g/h/i/j/deep file with a long name.txt");
}

#[test]
fn a_hybrid_image_stays_an_iso_and_its_boot_code_is_swept() {
    let mut bytes = fixture("iso", "xorriso-rock");
    bytes[510..512].copy_from_slice(&[0x55, 0xAA]);
    bytes[446..462].copy_from_slice(&[0x80, 0, 1, 0, 0x17, 0, 0, 0, 64, 0, 0, 0, 0, 2, 0, 0]);
    bytes[..40].copy_from_slice(b"a loader that the hybrid image begins wi");
    let identity = identify("x.iso", &bytes).unwrap();
    assert_eq!((identity.format, identity.certainty), ("iso9660", Certainty::Specific));
    let image = inspect("x.iso", &bytes);
    image.assert_clear();
    assert!(left_over(&image, b"a loader that the hybrid"));
}

#[test]
fn a_boot_image_without_a_name_is_a_child() {
    let mut bytes = fixture("iso", "xorriso-rock");
    // The catalog names another sector: the last one of the image.
    let record = (16..20).map(|i| i * 2048).find(|&i| bytes[i] == 0).unwrap();
    let catalog = u32::from_le_bytes(bytes[record + 71..record + 75].try_into().unwrap()) as usize * 2048;
    let last = bytes.len() / 2048 - 1;
    bytes[last * 2048..last * 2048 + 11].copy_from_slice(b"loader code");
    bytes[catalog + 40..catalog + 44].copy_from_slice(&(last as u32).to_le_bytes());
    let image = inspect("x.iso", &bytes);
    image.assert_clear();
    assert!(image.child("[boot]/1").bytes.starts_with(b"loader code"));
}

#[test]
fn a_cut_image_gives_what_is_there() {
    let bytes = fixture("iso", "geniso-rock");
    let image = inspect("x.iso", &bytes[..bytes.len() / 2]);
    assert!(image.noted("truncated"));
    assert_eq!(image.opaque(), 0);
}

#[test]
fn damage_never_panics_and_counts_every_byte() {
    for name in ["xorriso-rock", "joliet", "plain"] {
        let bytes = fixture("iso", name);
        abuse("iso9660", &bytes, 60);
        // Most of the structure is behind the system area.
        let mut broken = bytes;
        for (i, at) in (32768..bytes_end(&broken)).step_by(37).enumerate() {
            broken[at] ^= 1 << (i % 8);
            if i % 60 == 0 {
                inspect_as("iso9660", &broken).assert_counted();
            }
        }
    }
}

fn bytes_end(bytes: &[u8]) -> usize {
    bytes.len().min(32768 + 40 * 2048)
}
