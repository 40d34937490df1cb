use yumen_kit_container::testing::{Engine, fixture, inspect_as};

use crate::FilesystemPlugin;
use crate::readonly::ReadOnly;

const IMAGES: ReadOnly = ReadOnly {
    format: "squashfs",
    magic_at: 0,
    images: &[
        "bcj",
        "gzip",
        "large-blocks",
        "lz4",
        "lzma",
        "lzo",
        "no-fragments",
        "plain",
        "small-blocks",
        "tails",
        "xz",
        "zstd",
    ],
};

#[test]
fn every_image_reads_as_the_independent_tool_reads_it() {
    IMAGES.every_image_reads_as_the_independent_tool_reads_it();
}

#[test]
fn broken_images_are_counted_and_break_nothing() {
    IMAGES.broken_images_are_counted_and_break_nothing();
}

#[test]
fn what_follows_the_image_is_handed_over() {
    IMAGES.what_follows_the_image_is_handed_over();
}

#[test]
fn other_data_is_not_taken_for_it() {
    IMAGES.other_data_is_not_taken_for_it();
}

#[test]
fn of_a_broken_file_the_others_are_read() {
    IMAGES.of_a_broken_file_the_others_are_read();
}

#[test]
fn of_an_image_without_its_tables_the_blocks_are_read() {
    for name in ["gzip", "xz", "zstd", "bcj"] {
        let bytes = fixture("squashfs", name);
        let cut = &bytes[..bytes.len() * 9 / 10];
        let found = inspect_as(&FilesystemPlugin, "squashfs", "a.img", cut, Engine::default());
        found.assert_counted();
        assert!(found.noted("truncated"), "{name}");
        assert!(found.labels.opaque[&yumen_model::Reason::Corrupt] > 0);
        let child = found.child("[recovered]");
        assert!(!child.complete);
        let text = b"100 the vehicle entered yard ";
        assert!(child.bytes.windows(text.len()).any(|w| w == text), "{name}");
    }
}
