use std::collections::BTreeSet;
use std::path::Path;

use crate::testing::{abuse, fixture, format_of, inspect, says, shows, symbols, told};

fn names_by_nm(name: &str) -> BTreeSet<String> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/firmware").join(format!("{name}.symbols"));
    std::fs::read_to_string(path).unwrap().lines().filter(|l| !l.is_empty()).map(str::to_owned).collect()
}

#[test]
fn a_bare_metal_program_is_told_with_the_symbols_that_nm_finds() {
    let bytes = fixture("firmware", "ecu.elf");
    let got = inspect("ecu.elf", &bytes);
    got.assert_clear();
    let have: BTreeSet<String> = symbols(&got).iter().map(|s| (*s).to_owned()).collect();
    for name in names_by_nm("ecu.elf").iter().filter(|n| !n.starts_with('.')) {
        assert!(have.contains(name), "{name} is not among {have:?}");
    }
    assert_eq!(*told(&got, "architecture"), "arm");
    assert_eq!(*told(&got, "debug"), true);
    assert_eq!(got.inventory[0].kind.name(), "firmware.ecu");
    assert!(shows(&got, "LSVAA4182E2184847"));
    abuse("elf", &bytes, 150);
}

#[test]
fn programs_of_linux_are_no_firmware_and_are_read_throughout() {
    for name in ["linux.elf", "object.elf", "library.elf"] {
        let bytes = fixture("firmware", name);
        let got = inspect(name, &bytes);
        got.assert_clear();
        assert!(got.inventory.is_empty(), "{name}: {:?}", got.inventory);
        assert!(shows(&got, "embedded text of the program"), "{name}");
        assert!(symbols(&got).contains(&"unlock_door"), "{name}");
        abuse("elf", &bytes, 80);
    }
    let got = inspect("x", &fixture("firmware", "linux.elf"));
    let have: BTreeSet<&str> = symbols(&got).into_iter().collect();
    for name in names_by_nm("linux.elf").iter().filter(|n| !n.starts_with('.') && n.len() > 1) {
        // nm adds the version to a name; here it stands apart.
        let plain = name.split('@').next().unwrap();
        assert!(have.contains(plain), "{plain}");
    }
    // Compressed debug information is decompressed.
    let packed: Vec<_> = got.children.iter().filter(|c| c.name().starts_with(".debug")).collect();
    assert!(packed.iter().all(|c| c.complete && c.meta.free_space), "{:?}", got.names());
    assert!(packed.iter().any(|c| memchr::memmem::find(&c.bytes, b"unlock_door").is_some()
        || memchr::memmem::find(&c.bytes, b"main.c").is_some()));
    // Source paths of an object file.
    assert!(says(&inspect("x", &fixture("firmware", "object.elf")), "main.c"));
}

#[test]
fn what_follows_a_program_is_handed_over() {
    let mut bytes = fixture("firmware", "library.elf");
    let n = bytes.len();
    bytes.extend_from_slice(b"PK\x03\x04 something behind the program");
    let got = inspect("x", &bytes);
    assert_eq!(got.child("[after]").bytes, b"PK\x03\x04 something behind the program");
    bytes.truncate(n);
    let signature = b"\x30\x82 signature";
    bytes.extend_from_slice(signature);
    bytes.extend_from_slice(&[0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, signature.len() as u8]);
    bytes.extend_from_slice(super::MODULE_SIGNATURE);
    let got = inspect("x.ko", &bytes);
    got.assert_clear();
    assert_eq!(got.child("[signature].p7s").bytes, signature);
}

#[test]
fn broken_tables_lose_no_byte() {
    let bytes = fixture("firmware", "ecu.elf");
    // The table of sections points nowhere.
    let mut broken = bytes.clone();
    broken[32..36].copy_from_slice(&0xffff_fff0u32.to_le_bytes());
    let got = inspect("x", &broken);
    got.assert_counted();
    assert!(shows(&got, "LSVAA4182E2184847"));
    // No sections at all.
    let mut bare = bytes.clone();
    bare[32..36].fill(0);
    bare[48..52].fill(0);
    let got = inspect("x", &bare);
    got.assert_counted();
    assert!(shows(&got, "LSVAA4182E2184847"));
    assert_eq!(format_of(&bytes[..40]), Some("elf"));
}
