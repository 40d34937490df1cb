use yumen_kit_container::testing::{Engine, abuse, fixture, identify, inspect, inspect_as};
use yumen_model::kind::kinds;

use super::super::testing::strangers_are_left_alone;
use crate::OtaPlugin;

#[test]
fn a_vbmeta_image_tells_its_descriptors() {
    let image = fixture("android", "vbmeta.img");
    let out = inspect(&OtaPlugin, "vbmeta.img", &image);
    assert_eq!(out.format, "vbmeta");
    out.assert_clear();
    assert!(out.notes.is_empty(), "{:?}", out.notes);
    let p = &out.item(kinds::FIRMWARE_IMAGE).properties;
    assert_eq!(p["partitions"], serde_json::json!(["dtbo"]));
    assert_eq!(p["chained_partitions"], serde_json::json!(["boot"]));
    assert_eq!(p["signature_algorithm"], serde_json::json!(["sha256-rsa2048"]));
    assert_eq!(p["key_bits"], serde_json::json!(["2048"]));
    assert_eq!(p["rollback_index"], serde_json::json!(["7"]));
    assert_eq!(p["verification_disabled"], true);
    assert_eq!(p["signed"], true);
    assert!(out.texts[0].contains("root=/dev/dm-0"));
    assert!(out.texts[0].contains("2024-03-05"));
    // A descriptor changed after it was signed.
    let at = image.windows(10).position(|w| w == b"2024-03-05").unwrap();
    let mut changed = image.clone();
    changed[at] = b'3';
    assert!(inspect(&OtaPlugin, "vbmeta.img", &changed).noted("checksum-mismatch"));
    abuse(&OtaPlugin, "vbmeta", "vbmeta.img", &image, 120);
}

#[test]
fn an_image_with_a_footer_has_the_image_before_it_as_its_child() {
    let image = fixture("android", "system-avb.img");
    let out = inspect(&OtaPlugin, "system.img", &image);
    assert_eq!(out.format, "avb-image");
    out.assert_clear();
    assert!(out.notes.is_empty(), "{:?}", out.notes);
    assert_eq!(out.names(), ["system"]);
    assert_eq!(out.child("system").bytes.len(), 2 << 20);
    // The tree was made by veritysetup; it matches, so none of it is swept.
    assert!(out.raw.is_empty());
    assert!(out.texts[0].contains("maker/car/car:14/UP1A/1:user/release-keys"));
    // Data that is not what the tree says.
    let mut changed = image.clone();
    changed[5000] ^= 1;
    let out = inspect(&OtaPlugin, "system.img", &changed);
    out.assert_clear();
    assert!(out.noted("checksum-mismatch"));
    assert_eq!(out.raw.iter().map(|r| r.1.len()).sum::<usize>(), 5 * 4096);
    abuse(&OtaPlugin, "avb-image", "system.img", &image, 20);
}

#[test]
fn the_metadata_before_android_8_is_read_behind_an_image() {
    let image = fixture("android", "verity.img");
    let out = Trailing(2 << 20).open(&image);
    out.assert_counted();
    assert!(out.texts[0].contains("/dev/block/system"));
    assert!(out.raw.is_empty() && !out.noted("checksum-mismatch"), "{:?}", out.notes);
    assert_eq!(out.opaque(), 2 << 20);
    let mut changed = image;
    changed[100_000] ^= 1;
    assert!(Trailing(2 << 20).open(&changed).noted("checksum-mismatch"));
}

/// Calls the kit as a reader of file systems would.
struct Trailing(u64);

impl Trailing {
    fn open(self, bytes: &[u8]) -> yumen_kit_container::testing::Recorded {
        struct Caller(u64);
        impl yumen_model::Plugin for Caller {
            fn formats(&self) -> &'static [yumen_model::Format] {
                &[]
            }
            fn identify(&self, _: &yumen_model::Probe<'_>) -> Option<yumen_model::Identity> {
                None
            }
            fn inspect(
                &self,
                artifact: &yumen_model::Artifact,
                _: &yumen_model::Context,
                out: &mut dyn yumen_model::Inspection,
            ) -> Result<(), yumen_model::InspectError> {
                let mut to = yumen_kit_container::Container::new(artifact, out);
                let result = yumen_kit_android::trailer(&mut to, self.0).map(|found| assert!(found));
                to.finish(result)
            }
        }
        inspect_as(&Caller(self.0), "ext4", "x.img", bytes, Engine::default())
    }
}

#[test]
fn other_things_are_left_alone() {
    strangers_are_left_alone(&["vbmeta.img", "system.img"]);
    // A footer that leads nowhere.
    let mut lost = vec![1; 8192];
    lost[8128..8136].copy_from_slice(b"AVBf\0\0\0\x01");
    assert_eq!(identify(&OtaPlugin, "x.img", &lost), None);
    let text = b"AVB0 is the magic of vbmeta".repeat(40);
    assert_eq!(identify(&OtaPlugin, "x.img", &text), None);
}
