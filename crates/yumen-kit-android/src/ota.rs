//! `META-INF/com/android/metadata` of an OTA package: lines of `key=value`.

use yumen_model::InventoryItem;
use yumen_model::kind::kinds;

/// Longest metadata that is read.
pub const LONGEST: usize = 1 << 20;
/// Keys of which a package has at least one.
const SIGNS: [&str; 7] =
    ["ota-type", "post-build", "post-timestamp", "pre-device", "pre-build", "ota-required-cache", "ota-property-files"];

/// What metadata says; none when it is none.
#[must_use]
pub fn package(bytes: &[u8]) -> Option<InventoryItem> {
    let text = std::str::from_utf8(bytes.get(..bytes.len().min(LONGEST))?).ok()?;
    let lines: Vec<(&str, &str)> = text
        .lines()
        .map(|line| line.trim_end_matches('\r'))
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.split_once('='))
        .collect::<Option<_>>()?;
    let is_key = |key: &str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if !lines.iter().all(|(key, _)| is_key(key)) || !lines.iter().any(|(key, _)| SIGNS.contains(key)) {
        return None;
    }
    // Of several devices or builds each stands between bars.
    let words = |wanted: &str| -> Vec<String> {
        lines
            .iter()
            .filter(|(key, _)| *key == wanted)
            .flat_map(|(_, value)| value.split('|'))
            .map(|w| w.trim().to_owned())
            .filter(|w| !w.is_empty())
            .collect()
    };
    let one = |wanted: &str| words(wanted).join("|");
    let kind = one("ota-type");
    let delta = lines.iter().any(|(key, _)| matches!(*key, "pre-build" | "pre-build-incremental"));
    let yes = |wanted: &str| one(wanted).eq_ignore_ascii_case("yes");
    let mut item = InventoryItem::new(kinds::SOFTWARE_PACKAGE)
        .with("target", words("pre-device"))
        .with("version", one("post-build"))
        .with("version_incremental", one("post-build-incremental"))
        .with("version_from", words("pre-build"))
        .with("sdk_level", one("post-sdk-level"))
        .with("security_patch_level", one("post-security-patch-level"))
        .with("ota_type", kind)
        .with("delta", delta);
    for (key, name) in [
        ("ota-wipe", "wipe"),
        ("ota-downgrade", "downgrade"),
        ("ota-retrofit-dynamic-partitions", "retrofit_dynamic_partitions"),
        ("spl-downgrade", "spl_downgrade"),
    ] {
        if yes(key) {
            item = item.with(name, true);
        }
    }
    Some(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_tells_device_versions_and_whether_it_is_a_difference() {
        let text = "ota-type=AB\nota-property-files=payload.bin:10:20\npost-build=a/b/c:14/X/2:user\npost-timestamp=1\npre-build=a/b/c:13/X/1:user\n\
                    pre-device=car1|car2\nota-wipe=yes\n";
        let item = package(text.as_bytes()).unwrap();
        assert_eq!(item.properties["target"], serde_json::json!(["car1", "car2"]));
        assert_eq!(item.properties["version"], "a/b/c:14/X/2:user");
        assert_eq!(item.properties["version_from"], serde_json::json!(["a/b/c:13/X/1:user"]));
        assert_eq!(item.properties["delta"], true);
        assert_eq!(item.properties["wipe"], true);
        assert_eq!(item.properties["ota_type"], "AB");
    }

    #[test]
    fn other_settings_are_no_metadata() {
        for other in ["", "a=b\n", "name: x\nota-type: y\n", "ota-type=AB\nsome prose\n", "ota type=1\npost-build=2\n"]
        {
            assert!(package(other.as_bytes()).is_none(), "{other}");
        }
    }
}
