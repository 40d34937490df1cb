//! The manifest of a bundle, `manifest.raucm`: groups of settings as GLib writes them.

use yumen_kit_container::FormatReader;
use yumen_model::kind::kinds;
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, InventoryItem, Probe};

use crate::metadata::{beginning, send_text, unite, whole};

/// Reads manifests.
pub(crate) struct Manifest;

const FORMATS: &[Format] = &[Format {
    name: "rauc-manifest",
    title: "RAUC bundle manifest",
    media_type: "text/plain",
    extensions: &["raucm"],
    magic: "a group `[update]` with a setting `compatible` first",
    reference: "RAUC documentation, Manifest",
    evidence: "text; the package with version, compatible, slots, hooks and bundle format",
    limitations: &[],
}];

impl FormatReader for Manifest {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        // Cheap: most artifacts are something else.
        let start =
            probe.head.iter().find(|b| !b.is_ascii_whitespace() && **b != 0xEF && **b != 0xBB && **b != 0xBF)?;
        if !matches!(start, b'[' | b'#') {
            return None;
        }
        is_manifest(&beginning(probe)?).then(|| Identity::new("rauc-manifest", Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let item = whole(artifact)?.map(|text| Settings::parse(&text).item());
        send_text(artifact, item, out)
    }
}

/// Whether a text is a manifest: its groups are those of manifests, `[update]` with a `compatible` among them.
pub(super) fn is_manifest(text: &str) -> bool {
    let settings = Settings::parse(text);
    let known = |group: &str| {
        matches!(group, "update" | "bundle" | "hooks" | "handler" | "keyring" | "casync" | "files")
            || group.starts_with("image.")
            || group.starts_with("meta.")
            || group.starts_with("file.")
            || group.starts_with("artifact")
    };
    settings.get("update", "compatible").is_some() && settings.0.iter().all(|(group, _, _)| known(group))
}

/// Settings: group, key, value.
pub(super) struct Settings(Vec<(String, String, String)>);

impl Settings {
    pub(super) fn parse(text: &str) -> Settings {
        let mut group = String::new();
        let mut all = Vec::new();
        for line in text.trim_start_matches('\u{FEFF}').lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                group = name.to_owned();
                // A group without settings is one all the same.
                all.push((group.clone(), String::new(), String::new()));
            } else if let Some((key, value)) = line.split_once('=') {
                all.push((group.clone(), key.trim().to_owned(), value.trim().to_owned()));
            } else {
                all.push((group.clone(), line.to_owned(), String::new()));
            }
        }
        Settings(all)
    }

    /// The value of a setting that is not empty.
    pub(super) fn get(&self, group: &str, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|(g, k, v)| g == group && k == key && !v.is_empty());
        found.map(|(_, _, value)| value.as_str())
    }

    /// `plain`, `verity` or `crypt`.
    pub(super) fn format(&self) -> &str {
        self.get("bundle", "format").unwrap_or("plain")
    }

    /// What it tells of the package.
    pub(super) fn item(&self) -> InventoryItem {
        let (mut partitions, mut variants, mut types, mut hooks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut hashed, mut images) = (true, 0u64);
        let list = |text: &str| text.split(';').map(|w| w.trim().to_owned()).collect::<Vec<_>>();
        for (group, key, value) in &self.0 {
            let Some(slot) = group.strip_prefix("image.").or_else(|| group.strip_prefix("artifact.")) else { continue };
            // Slot class, then perhaps a variant.
            let (class, variant) = slot.split_once('.').unwrap_or((slot, ""));
            match key.as_str() {
                "" => {
                    images += 1;
                    unite(&mut partitions, [class.to_owned()]);
                    unite(&mut variants, [variant.to_owned()]);
                    hashed &= self.get(group, "sha256").is_some();
                }
                "hooks" => unite(&mut hooks, list(value)),
                "adaptive" => unite(&mut types, list(value)),
                "variant" => unite(&mut variants, [value.clone()]),
                _ => {}
            }
        }
        unite(&mut hooks, self.get("hooks", "hooks").map(list).unwrap_or_default());
        let mut scripts = Vec::new();
        unite(&mut scripts, ["hooks", "handler"].iter().filter_map(|g| self.get(g, "filename")).map(str::to_owned));
        let compatible: Vec<String> = self.get("update", "compatible").into_iter().map(str::to_owned).collect();
        let format = self.format();
        let mut item = InventoryItem::new(kinds::SOFTWARE_PACKAGE)
            .with("compatible", compatible)
            .with("version", self.get("update", "version").unwrap_or_default())
            .with("description", self.get("update", "description").unwrap_or_default())
            .with("build", self.get("update", "build").unwrap_or_default())
            .with("partitions", partitions)
            .with("variants", variants)
            .with("adaptive", types)
            .with("hooks", hooks)
            .with("scripts", scripts)
            .with("images", images)
            .with("hashed", hashed && images > 0)
            .with("format", format)
            .with("encrypted", format == "crypt");
        if self.get("bundle", "crypt-key").is_some() {
            // Whoever has the bundle can open it.
            item = item.with("crypt_key_in_clear", true);
        }
        item
    }
}
