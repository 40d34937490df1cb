use yumen_model::kind::kinds;
use yumen_model::{Certainty, Reason};

use super::looks_random;
use crate::testing::{abuse, fixture, identify, inspect, noise, prose, truth};

const IMAGES: [&str; 3] = ["plain.swu", "signed.swu", "rsa.swu"];

#[test]
fn images_hold_what_bsdtar_finds() {
    for name in IMAGES {
        let bytes = fixture("swupdate", name);
        let got = identify("update.bin", &bytes).unwrap();
        assert_eq!((got.format, got.certainty), ("swupdate", Certainty::Specific));
        let r = inspect(name, &bytes);
        r.assert_clear();
        let mut files = truth("swupdate", name);
        // A signature without a structure is no child.
        files.retain(|f| name != "rsa.swu" || f.2 != "sw-description.sig");
        assert_eq!(r.files(), files, "{name}");
        assert_eq!(r.item(kinds::SOFTWARE_PACKAGE).properties["signed"], name != "plain.swu");
        assert!(
            !r.noted("checksum-mismatch") && !r.noted("truncated") && !r.noted("gap-data"),
            "{name}: {:?}",
            r.notes
        );
    }
}

#[test]
fn what_is_signed_and_encrypted_is_told() {
    let r = inspect("plain.swu", &fixture("swupdate", "plain.swu"));
    let p = &r.item(kinds::SOFTWARE_PACKAGE).properties;
    assert_eq!((&p["signed"], &p["encrypted"]), (&false.into(), &false.into()));
    assert!(r.children.iter().all(|c| c.meta.opaque.is_none()));
    let r = inspect("signed.swu", &fixture("swupdate", "signed.swu"));
    let p = &r.item(kinds::SOFTWARE_PACKAGE).properties;
    assert_eq!((&p["signed"], &p["encrypted"]), (&true.into(), &true.into()));
    for child in &r.children {
        let opaque = (child.name() == "rootfs.ext4.enc").then_some(Reason::Encrypted);
        assert_eq!(child.meta.opaque, opaque, "{}", child.name());
    }
}

#[test]
fn a_member_that_is_only_called_encrypted_is_read() {
    let mut bytes = fixture("swupdate", "signed.swu");
    // What is encrypted in truth gives way to text, of the same length.
    let mut header = memchr::memmem::rfind(&bytes, b"rootfs.ext4.enc\0").unwrap();
    let size =
        usize::from_str_radix(std::str::from_utf8(&bytes[header - 110 + 54..header - 110 + 62]).unwrap(), 16).unwrap();
    header = (header + 16).next_multiple_of(4);
    bytes[header..header + size].copy_from_slice(&prose(size));
    let r = inspect("x.swu", &bytes);
    assert_eq!(r.child("rootfs.ext4.enc").meta.opaque, None);
    assert_eq!(r.item(kinds::SOFTWARE_PACKAGE).properties["encrypted"], false);
}

#[test]
fn random_is_told_from_the_rest() {
    for len in [16, 32, 100, 1000, 1024, 5000, 65536] {
        assert!(looks_random(&noise(len as u64, len)), "{len}");
        assert!(!looks_random(&prose(len)), "{len}");
        assert!(!looks_random(&vec![0; len]), "{len}");
        let half = [noise(2, len / 2), vec![0; len - len / 2]].concat();
        assert!(!looks_random(&half), "{len}");
    }
    assert!(!looks_random(&[&b"\x1f\x8b"[..], &noise(1, 4096)].concat()));
}

#[test]
fn damaged_images_are_read_without_harm() {
    for name in IMAGES {
        abuse("swupdate", name, &fixture("swupdate", name), 60);
    }
}
