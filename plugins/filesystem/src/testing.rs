//! What the tests of this family share.

pub(crate) use yumen_kit_container::testing::{Engine, Recorded, fixture, noise, prose, truth};

use yumen_kit_container::testing;
use yumen_model::{Certainty, Identity};

use crate::FilesystemPlugin;

/// What marks left-over content in the fixtures.
pub(crate) const MARK: &[u8] = b"free space tells tales";

pub(crate) fn identify(name: &str, bytes: &[u8]) -> Option<Identity> {
    testing::identify(&FilesystemPlugin, name, bytes)
}

#[track_caller]
pub(crate) fn inspect(name: &str, bytes: &[u8]) -> Recorded {
    testing::inspect(&FilesystemPlugin, name, bytes)
}

pub(crate) fn inspect_as(format: &'static str, bytes: &[u8]) -> Recorded {
    testing::inspect_as(&FilesystemPlugin, format, "image", bytes, Engine::default())
}

pub(crate) fn abuse(format: &'static str, bytes: &[u8], flips: usize) {
    testing::abuse(&FilesystemPlugin, format, "image", bytes, flips);
}

/// Reads a fixture, checks that it is `format`, that nothing is left opaque, and that its files are those that an independent tool found.
#[track_caller]
pub(crate) fn read(topic: &str, name: &str, format: &str) -> Recorded {
    let bytes = fixture(topic, name);
    let identity = identify(name, &bytes).expect("the family knows it");
    assert_eq!(identity.format, format, "{name}");
    assert!(identity.certainty >= Certainty::Signature, "{name}");
    let recorded = inspect(name, &bytes);
    recorded.assert_clear();
    let mut want = truth(topic, name);
    want.sort_by(|a, b| a.2.cmp(&b.2));
    assert_eq!(recorded.files(), want, "{name}");
    recorded
}

/// Whether free space holds these bytes.
pub(crate) fn left_over(recorded: &Recorded, what: &[u8]) -> bool {
    recorded.children.iter().filter(|c| c.meta.free_space).any(|c| memchr::memmem::find(&c.bytes, what).is_some())
}

/// Text and noise are none of the family's formats.
#[test]
fn text_noise_and_boot_code_are_not_taken_for_images() {
    for (name, bytes) in [
        ("a.img", prose(300_000)),
        ("a.img", noise(7, 300_000)),
        ("a.img", vec![0; 300_000]),
        ("a.iso", b"an ISO image was to be here\n".to_vec()),
        ("a.img", Vec::new()),
        ("a.img", vec![0x55]),
    ] {
        assert_eq!(identify(name, &bytes), None, "{name}");
    }
    // A boot loader: code, no table, and the mark at its end.
    let mut loader = noise(11, 65536);
    loader[510..512].copy_from_slice(&[0x55, 0xAA]);
    assert_eq!(identify("boot.bin", &loader), None);
}
