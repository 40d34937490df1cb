//! Formats that are zips: told by the names of their members.

use yumen_model::Probe;

use super::end;
use super::entry::{Central, LOCAL, LOCAL_LEN};
use yumen_kit_container::Window;
use yumen_kit_container::window::num::le16;

/// How much of the directory is read to tell them apart.
const ENOUGH: u64 = 1 << 20;

/// What the names say.
#[derive(Default)]
struct Signs {
    content_types: bool,
    word: bool,
    sheet: bool,
    slides: bool,
    mimetype: Option<&'static str>,
    android_manifest: bool,
    dex: bool,
    classes_jar: bool,
    resources: bool,
    bundle_config: bool,
    apex: bool,
    ota: bool,
    payload: bool,
    jar: bool,
    wheel: bool,
    kml: bool,
    odx: bool,
    catalog: bool,
    pickle: bool,
    torch: bool,
    arrays: bool,
    others: bool,
    fmu: bool,
    ios: bool,
}

impl Signs {
    fn see(&mut self, name: &[u8]) {
        let lower = name.to_ascii_lowercase();
        let base = lower.rsplit(|&b| b == b'/').next().unwrap_or(&lower);
        let is = |s: &str| lower == s.as_bytes();
        let under = |s: &str| lower.starts_with(s.as_bytes());
        let ends = |s: &str| lower.ends_with(s.as_bytes());
        let top = !lower.contains(&b'/');
        self.content_types |= is("[content_types].xml");
        self.word |= under("word/document");
        self.sheet |= under("xl/workbook");
        self.slides |= under("ppt/presentation");
        self.android_manifest |= is("androidmanifest.xml");
        self.dex |= top && under("classes") && ends(".dex");
        self.classes_jar |= is("classes.jar") || is("r.txt");
        self.resources |= is("resources.arsc");
        self.bundle_config |= is("bundleconfig.pb");
        self.apex |= is("apex_payload.img") || is("apex_manifest.pb");
        self.ota |= is("meta-inf/com/android/metadata") || is("meta-inf/com/google/android/update-binary");
        self.payload |= is("payload.bin") || is("payload_properties.txt");
        self.jar |= is("meta-inf/manifest.mf");
        self.wheel |= ends(".dist-info/wheel");
        self.kml |= top && ends(".kml");
        self.odx |= top && base.windows(4).any(|w| w == b".odx");
        self.catalog |= is("index.xml");
        self.pickle |= base == b"data.pkl";
        self.torch |= base == b"version" || ends("/data/0") || under("archive/") || ends(".data/serialization_id");
        self.arrays |= ends(".npy");
        self.others |= !ends(".npy");
        self.fmu |= is("modeldescription.xml");
        self.ios |= under("payload/") && ends(".app/info.plist");
    }

    fn name(&self) -> &'static str {
        let open_document = self.mimetype;
        match () {
            () if open_document.is_some() => open_document.unwrap_or("zip"),
            () if self.content_types && self.word => "docx",
            () if self.content_types && self.sheet => "xlsx",
            () if self.content_types && self.slides => "pptx",
            () if self.ota || self.payload && self.android_ota_payload() => "android-ota",
            () if self.apex => "apex",
            () if self.bundle_config => "aab",
            () if self.android_manifest && self.classes_jar && !self.dex => "aar",
            () if self.android_manifest && (self.dex || self.resources || self.jar) => "apk",
            () if self.android_manifest => "apk",
            () if self.ios => "ipa",
            () if self.wheel => "whl",
            () if self.odx => "pdx",
            () if self.pickle && self.torch => "pytorch",
            () if self.fmu => "fmu",
            () if self.jar => "jar",
            () if self.kml => "kmz",
            () if self.arrays && !self.others => "npz",
            () => "zip",
        }
    }

    /// A package for A/B devices holds both the payload and its properties, and nothing of an application.
    fn android_ota_payload(&self) -> bool {
        self.payload && !self.android_manifest && !self.jar
    }

    /// The type that the first member states, when it is `mimetype` and stored (OpenDocument, EPUB).
    fn stated(&mut self, head: &[u8]) {
        if !head.starts_with(&LOCAL) || le16(head, 8) != 0 {
            return;
        }
        let (name_len, extra_len) = (usize::from(le16(head, 26)), usize::from(le16(head, 28)));
        let name_at = LOCAL_LEN as usize;
        if head.get(name_at..name_at + name_len) != Some(&b"mimetype"[..]) {
            return;
        }
        let Some(content) = head.get(name_at + name_len + extra_len..) else { return };
        const TYPES: [(&str, &str); 8] = [
            ("application/epub+zip", "epub"),
            ("application/vnd.oasis.opendocument.text", "odt"),
            ("application/vnd.oasis.opendocument.spreadsheet", "ods"),
            ("application/vnd.oasis.opendocument.presentation", "odp"),
            ("application/vnd.oasis.opendocument.graphics", "odg"),
            ("application/vnd.oasis.opendocument.formula", "odf"),
            ("application/vnd.sun.xml.writer", "odt"),
            ("application/vnd.sun.xml.calc", "ods"),
        ];
        self.mimetype = TYPES.iter().find(|(t, _)| content.starts_with(t.as_bytes())).map(|(_, f)| *f);
    }
}

/// The name of the format: that of the special case, else `zip`.
pub(super) fn name(probe: &Probe<'_>) -> &'static str {
    let mut signs = Signs::default();
    signs.stated(probe.head);
    if signs.mimetype.is_none() && !from_directory(probe, &mut signs) {
        from_head(probe.head, &mut signs);
    }
    signs.name()
}

fn from_directory(probe: &Probe<'_>, signs: &mut Signs) -> bool {
    let len = probe.blob.len();
    let mut window = Window::new(probe.blob);
    let from = len - probe.tail.len() as u64;
    let Ok(Some(end)) = end::locate_in(probe.tail, from, len, &mut window) else { return false };
    signs.ota |= matches!(end::whole_file_signature(&mut window, &end.comment), Ok(Some(_)));
    let mut at = end.directory.start;
    while at < end.directory.start.saturating_add(ENOUGH) {
        let Ok(Some(central)) = Central::read(&mut window, at, end.directory.end) else { break };
        signs.see(&central.header.name);
        at = central.end;
    }
    true
}

/// Without a directory: the local headers among the first bytes.
fn from_head(head: &[u8], signs: &mut Signs) {
    for i in memchr::memmem::find_iter(head, &LOCAL) {
        let name_len = usize::from(le16(head, i + 26));
        if let Some(name) = head.get(i + LOCAL_LEN as usize..).and_then(|h| h.get(..name_len)) {
            signs.see(name);
        }
    }
}
