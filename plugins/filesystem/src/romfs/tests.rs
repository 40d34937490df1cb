use yumen_kit_container::testing::{Engine, abuse, fixture, identify, inspect, inspect_as, noise, truth};

use crate::FilesystemPlugin;

const IMAGES: &[&str] = &["aligned", "plain"];

#[test]
fn every_image_reads_as_the_independent_tool_reads_it() {
    for name in IMAGES {
        let bytes = fixture("romfs", name);
        let found = inspect(&FilesystemPlugin, "a.img", &bytes);
        assert_eq!(found.format, "romfs", "{name}");
        assert_eq!(found.files(), truth("romfs", name), "{name}");
        assert!(!truth("romfs", name).is_empty(), "{name}");
        assert_eq!(found.result, Ok(()), "{name}");
        found.assert_counted();
        assert_eq!(found.opaque(), 0, "{name}: {:?} {:?}", found.labels, found.notes);
        assert!(
            found.texts.iter().any(|t| t.contains("usr/hosts.link -> ../etc/hosts\n")),
            "{name}: {:?}",
            found.texts
        );
    }
}

#[test]
fn broken_images_are_counted_and_break_nothing() {
    for name in IMAGES {
        abuse(&FilesystemPlugin, "romfs", "a.img", &fixture("romfs", name), 60);
    }
}

#[test]
fn what_follows_the_image_is_handed_over() {
    let mut bytes = fixture("romfs", IMAGES[0]);
    let room = bytes.len().next_multiple_of(4096) + 8192;
    bytes.resize(room, 0);
    let found = inspect(&FilesystemPlugin, "a.img", &bytes);
    found.assert_clear();
    bytes.extend_from_slice(b"a signature of some kind");
    let found = inspect(&FilesystemPlugin, "a.img", &bytes);
    assert!(found.child("[unallocated]").bytes.starts_with(b"a signature"));
    found.assert_counted();
}

#[test]
fn other_data_is_not_taken_for_it() {
    let image = fixture("romfs", IMAGES[0]);
    let magic = if "romfs" == "erofs" { &image[1024..1028] } else { &image[..4] };
    let at = if "romfs" == "erofs" { 1024 } else { 0 };
    for filler in [vec![b' '; 8192], noise(5, 8192), vec![0; 8192], vec![0xff; 8192]] {
        let mut data = filler;
        assert_eq!(identify(&FilesystemPlugin, "a.romfs", &data), None);
        data[at..at + 4].copy_from_slice(magic);
        assert_eq!(identify(&FilesystemPlugin, "a.romfs", &data), None);
    }
}

#[test]
fn of_a_broken_file_the_others_are_read() {
    for name in IMAGES {
        let bytes = fixture("romfs", name);
        let mut last = 0;
        // Somewhere in the first half lies data in all of them.
        for at in [bytes.len() / 8, bytes.len() / 4, bytes.len() / 3] {
            let mut broken = bytes.clone();
            broken[at..at + 16].copy_from_slice(&noise(at as u64, 16));
            let found = inspect_as(&FilesystemPlugin, "romfs", "a.img", &broken, Engine::default());
            found.assert_counted();
            last = last.max(found.children.len());
        }
        assert!(last >= truth("romfs", name).len() - 1, "{name}: {last}");
    }
}
