//! ZIP, and the many formats that are zips: jar, Office documents, APK, wheels.
//!
//! A reader of its own over the central directory and the local headers, since every byte must be accounted for: what one reader skips,
//! another opens.

mod apk;
mod codec;
mod end;
mod entry;
mod ota;
mod read;
mod special;
#[cfg(test)]
mod tests;
mod walk;

use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use yumen_kit_container::FormatReader;
use yumen_kit_container::Window;

/// Reads zips.
pub(crate) struct Zip;

const REFERENCE: &str = "PKWARE APPNOTE.TXT 6.3.10";
const EVIDENCE: &str = "its members as children; comments as text; data between members as children";
const LIMITATIONS: &[&str] = &[
    "encrypted members are not opened",
    "members compressed by Shrink, Reduce, Implode, IBM TERSE, LZ77, MP3, JPEG and WavPack are not opened",
    "of an archive in several volumes only the volume at hand is read",
    "the CRC of stored members longer than 64 MiB is not checked",
    "names that are not UTF-8 and bear no Unicode field are shown percent-escaped",
];

const fn zip(
    name: &'static str,
    title: &'static str,
    media_type: &'static str,
    extensions: &'static [&'static str],
    magic: &'static str,
) -> Format {
    Format {
        name,
        title,
        media_type,
        extensions,
        magic,
        reference: REFERENCE,
        evidence: EVIDENCE,
        limitations: LIMITATIONS,
    }
}

const FORMATS: &[Format] = &[
    zip(
        "zip",
        "ZIP archive",
        "application/zip",
        &["zip"],
        "`PK\\3\\4` at the start, or an end of central directory record behind other data",
    ),
    zip("jar", "Java archive", "application/java-archive", &["jar", "war", "ear"], "a zip with META-INF/MANIFEST.MF"),
    zip(
        "docx",
        "Word document (OOXML)",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        &["docx", "docm", "dotx"],
        "a zip with word/document.xml",
    ),
    zip(
        "xlsx",
        "Excel workbook (OOXML)",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        &["xlsx", "xlsm", "xlsb", "xltx"],
        "a zip with xl/workbook",
    ),
    zip(
        "pptx",
        "PowerPoint presentation (OOXML)",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        &["pptx", "pptm", "ppsx"],
        "a zip with ppt/presentation.xml",
    ),
    zip(
        "odt",
        "OpenDocument text",
        "application/vnd.oasis.opendocument.text",
        &["odt", "ott"],
        "a zip whose first member is mimetype",
    ),
    zip(
        "ods",
        "OpenDocument spreadsheet",
        "application/vnd.oasis.opendocument.spreadsheet",
        &["ods", "ots"],
        "a zip whose first member is mimetype",
    ),
    zip(
        "odp",
        "OpenDocument presentation",
        "application/vnd.oasis.opendocument.presentation",
        &["odp", "otp"],
        "a zip whose first member is mimetype",
    ),
    zip(
        "odg",
        "OpenDocument drawing",
        "application/vnd.oasis.opendocument.graphics",
        &["odg"],
        "a zip whose first member is mimetype",
    ),
    zip(
        "odf",
        "OpenDocument formula",
        "application/vnd.oasis.opendocument.formula",
        &["odf"],
        "a zip whose first member is mimetype",
    ),
    zip("epub", "EPUB book", "application/epub+zip", &["epub"], "a zip whose first member is mimetype"),
    zip(
        "apk",
        "Android package",
        "application/vnd.android.package-archive",
        &["apk"],
        "a zip with AndroidManifest.xml",
    ),
    zip(
        "aar",
        "Android library",
        "application/octet-stream",
        &["aar"],
        "a zip with AndroidManifest.xml and classes.jar",
    ),
    zip("aab", "Android app bundle", "application/octet-stream", &["aab"], "a zip with BundleConfig.pb"),
    zip("apex", "Android APEX module", "application/octet-stream", &["apex"], "a zip with apex_payload.img"),
    zip(
        "android-ota",
        "Android OTA package",
        "application/zip",
        &[],
        "a zip with META-INF/com/android/metadata, an update-binary, payload.bin, or a signature over the whole file",
    ),
    zip("ipa", "iOS application", "application/octet-stream", &["ipa"], "a zip with Payload/*.app/Info.plist"),
    zip("whl", "Python wheel", "application/zip", &["whl"], "a zip with *.dist-info/WHEEL"),
    zip("kmz", "Google Earth archive", "application/vnd.google-earth.kmz", &["kmz"], "a zip with a KML at its top"),
    zip("pdx", "Packaged ODX", "application/zip", &["pdx"], "a zip with ODX files at its top"),
    zip("pytorch", "PyTorch weights (zip form)", "application/octet-stream", &[], "a zip with data.pkl"),
    zip("npz", "NumPy arrays", "application/octet-stream", &["npz"], "a zip of .npy members"),
    zip("fmu", "Functional mock-up unit", "application/octet-stream", &["fmu"], "a zip with modelDescription.xml"),
];

impl FormatReader for Zip {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let head = probe.head;
        // The last two are how a split archive begins.
        let signed = [&b"PK\x03\x04"[..], b"PK\x05\x06", b"PK\x07\x08PK\x03\x04", b"PK00PK\x03\x04"]
            .iter()
            .any(|s| head.starts_with(s));
        if signed {
            return Some(match special::name(probe) {
                "zip" => Identity::new("zip", Certainty::Signature),
                name => Identity::new(name, Certainty::Specific),
            });
        }
        let len = probe.blob.len();
        let from = len - probe.tail.len() as u64;
        let end = end::locate_in(probe.tail, from, len, &mut Window::new(probe.blob)).ok()??;
        // A record alone, in the midst of something else, is no archive.
        (end.directory.start < end.directory.end).then(|| Identity::new(special::name(probe), Certainty::Structure))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        read::open(artifact, out)
    }
}
