use yumen_kit_container::testing::{self, Engine, Recorded, abuse, fixture, identify, inspect, noise, prose, truth};
use yumen_model::kind::kinds;
use yumen_model::{Certainty, Reason};

use crate::OtaPlugin;

const BUNDLES: [&str; 4] = ["plain.raucb", "verity.raucb", "crypt.raucb", "encrypted.raucb"];

fn open(name: &str) -> (Vec<u8>, Recorded) {
    let bytes = fixture("rauc", name);
    let recorded = inspect(&OtaPlugin, name, &bytes);
    (bytes, recorded)
}

fn list(recorded: &Recorded, property: &str) -> Vec<String> {
    let value = &recorded.item(kinds::SOFTWARE_PACKAGE).properties[property];
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
}

#[test]
fn bundles_are_told_by_their_end() {
    for name in BUNDLES {
        let bytes = fixture("rauc", name);
        let got = identify(&OtaPlugin, "update.bin", &bytes).unwrap();
        assert_eq!((got.format, got.certainty), ("rauc", Certainty::Specific), "{name}");
        // A byte more or less at the end, and it is none.
        assert_eq!(identify(&OtaPlugin, name, &bytes[..bytes.len() - 1]), None);
        assert_eq!(identify(&OtaPlugin, name, &[&bytes[..], &[0]].concat()), None);
    }
    for other in [prose(9000), noise(3, 9000), [&b"hsqs"[..], &noise(4, 5000), &100u64.to_be_bytes()].concat()] {
        assert_eq!(identify(&OtaPlugin, "x.raucb", &other), None);
    }
    // Signed data that is no bundle.
    let verity = fixture("rauc", "verity.raucb");
    let size = u64::from_be_bytes(verity[verity.len() - 8..].try_into().unwrap()) as usize;
    let signature = &verity[verity.len() - 8 - size..];
    let mut plain = [&noise(5, 4096)[..], signature].concat();
    assert_eq!(
        identify(&OtaPlugin, "x", &plain).map(|i| i.format),
        Some("rauc"),
        "the manifest stands in the signature"
    );
    let at = memchr_of(&plain, b"[update]");
    plain[at] = b'x';
    let at = memchr_of(&plain, b"[bundle]");
    plain[at] = b'x';
    assert_eq!(identify(&OtaPlugin, "x", &plain), None);
}

fn memchr_of(bytes: &[u8], needle: &[u8]) -> usize {
    bytes.windows(needle.len()).position(|w| w == needle).unwrap()
}

#[test]
fn what_a_bundle_is_stands_in_its_signature() {
    let (_, r) = open("verity.raucb");
    let manifest = String::from_utf8(r.child("manifest.raucm").bytes.clone()).unwrap();
    assert!(manifest.contains("[bundle]") && manifest.contains("verity-hash="));
    let item = r.item(kinds::SOFTWARE_PACKAGE);
    assert_eq!(item.properties["version"], "2026.01-3");
    assert_eq!(item.properties["format"], "verity");
    assert_eq!((&item.properties["signed"], &item.properties["encrypted"]), (&true.into(), &false.into()));
    assert_eq!(list(&r, "compatible"), ["board-x1"]);
    assert_eq!(list(&r, "partitions"), ["rootfs", "appfs"]);
    assert_eq!(list(&r, "hooks"), ["post-install", "install-check"]);
    let (_, r) = open("plain.raucb");
    assert_eq!(r.item(kinds::SOFTWARE_PACKAGE).properties["format"], "plain");
}

#[test]
fn the_hash_tree_is_recomputed() {
    let (mut bytes, r) = open("verity.raucb");
    assert!(!r.noted("checksum-mismatch"));
    let manifest = String::from_utf8(r.child("manifest.raucm").bytes.clone()).unwrap();
    let size: usize = manifest.lines().find_map(|l| l.strip_prefix("verity-size=")).unwrap().parse().unwrap();
    assert!(size >= 4096);
    let signature = u64::from_be_bytes(bytes[bytes.len() - 8..].try_into().unwrap()) as usize;
    let end = bytes.len() - 8 - signature;
    for at in [end - 1, end - size + 5, 1000] {
        bytes[at] ^= 1;
        let r = inspect(&OtaPlugin, "x.raucb", &bytes);
        assert!(r.noted("checksum-mismatch"), "{at}");
        assert!(r.labels.opaque.get(&Reason::Corrupt).is_some_and(|n| *n >= size as u64));
        bytes[at] ^= 1;
    }
}

#[test]
fn encrypted_payloads_are_opaque() {
    let (bytes, r) = open("crypt.raucb");
    assert_eq!(r.result, Ok(()));
    r.assert_counted();
    assert!(r.noted("encrypted") && !r.noted("checksum-mismatch"));
    let manifest = String::from_utf8(r.child("manifest.raucm").bytes.clone()).unwrap();
    let size: u64 = manifest.lines().find_map(|l| l.strip_prefix("verity-size=")).unwrap().parse().unwrap();
    let signature = u64::from_be_bytes(bytes[bytes.len() - 8..].try_into().unwrap());
    assert_eq!(r.labels.opaque.len(), 1);
    assert_eq!(r.labels.opaque[&Reason::Encrypted], bytes.len() as u64 - 8 - signature - size);
    assert_eq!(r.item(kinds::SOFTWARE_PACKAGE).properties["crypt_key_in_clear"], true);
    let (bytes, r) = open("encrypted.raucb");
    assert_eq!(r.labels.opaque[&Reason::Encrypted], bytes.len() as u64 - 8);
    assert_eq!(r.item(kinds::SOFTWARE_PACKAGE).properties["encrypted"], true);
}

#[test]
fn files_are_those_that_unsquashfs_finds() {
    for name in ["plain.raucb", "verity.raucb"] {
        let (_, r) = open(name);
        r.assert_clear();
        let got = r.files();
        assert!(truth("rauc", name).iter().all(|file| got.contains(file)), "{name}");
    }
}

#[test]
fn manifests_are_read() {
    let text = "# made by hand\n[update]\ncompatible=a b\nversion=\n[image.rootfs.var-1]\nfilename=r.img\nsha256=00\nsize=5\nadaptive=block-hash-index;\n[image.kernel]\nfilename=k\n[meta.x]\nowner=13800138000\n";
    let r = inspect(&OtaPlugin, "manifest.raucm", text.as_bytes());
    r.assert_clear();
    assert_eq!(r.format, "rauc-manifest");
    assert_eq!(r.texts, [text]);
    assert_eq!(list(&r, "partitions"), ["rootfs", "kernel"]);
    assert_eq!(list(&r, "variants"), ["var-1"]);
    assert_eq!(r.item(kinds::SOFTWARE_PACKAGE).properties["hashed"], false);
    assert_eq!(r.item(kinds::SOFTWARE_PACKAGE).properties.get("version"), None);
    for other in
        ["[update]\nx=1\n", "[update]\ncompatible=a\n[server]\nport=1\n", "compatible=a\n", "[a]\n", "# update\n"]
    {
        assert_eq!(identify(&OtaPlugin, "a.ini", other.as_bytes()), None, "{other}");
    }
}

#[test]
fn damaged_bundles_are_read_without_harm() {
    for name in BUNDLES {
        abuse(&OtaPlugin, "rauc", name, &fixture("rauc", name), 40);
    }
    let r = testing::inspect_as(&OtaPlugin, "rauc", "x", &noise(1, 100), Engine::default());
    assert!(r.result.is_err());
}
