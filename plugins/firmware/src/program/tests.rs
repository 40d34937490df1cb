use crate::testing::{abuse, format_of, inspect, says, symbols};

fn class() -> Vec<u8> {
    let mut b = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52, 0, 5];
    for text in ["com/example/DoorControl", "unlockAllDoors"] {
        b.push(1);
        b.extend_from_slice(&(text.len() as u16).to_be_bytes());
        b.extend_from_slice(text.as_bytes());
    }
    // A long takes two places.
    b.push(5);
    b.extend_from_slice(&[0; 8]);
    b.extend_from_slice(&[0, 0x21, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
    b
}

#[test]
fn constant_pools_of_classes_are_text() {
    let got = inspect("A.class", &class());
    got.assert_clear();
    assert!(says(&got, "com/example/DoorControl\nunlockAllDoors"));
    abuse("java-class", &class(), 60);
}

#[test]
fn strings_of_dex_files_are_text_and_methods_are_symbols() {
    let texts = ["hello 13800138000", "startEngine"];
    let mut b = vec![0; 112];
    b[..8].copy_from_slice(b"dex\n035\0");
    let put = |b: &mut Vec<u8>, at: usize, n: u32| b[at..at + 4].copy_from_slice(&n.to_le_bytes());
    put(&mut b, 36, 0x70);
    put(&mut b, 40, 0x1234_5678);
    put(&mut b, 56, 2);
    put(&mut b, 60, 112);
    put(&mut b, 88, 1);
    put(&mut b, 92, 120);
    b.extend_from_slice(&[0; 16]);
    put(&mut b, 124, 1);
    for (i, text) in texts.iter().enumerate() {
        let at = b.len() as u32;
        put(&mut b, 112 + 4 * i, at);
        b.push(text.len() as u8);
        b.extend_from_slice(text.as_bytes());
        b.push(0);
    }
    let n = b.len() as u32;
    put(&mut b, 32, n);
    let got = inspect("classes.dex", &b);
    got.assert_clear();
    assert!(says(&got, "hello 13800138000"));
    assert_eq!(symbols(&got), ["startEngine"]);
    abuse("dex", &b, 100);
}

#[test]
fn string_pools_of_android_are_text() {
    let mut pool = Vec::new();
    for n in [0x001c_0001u32, 0, 2, 0, 0x100, 36, 0, 0, 8] {
        pool.extend_from_slice(&n.to_le_bytes());
    }
    pool.extend_from_slice(b"\x05\x05hello\0\x06\x06owner!\0\0\0");
    let n = pool.len() as u32;
    pool[4..8].copy_from_slice(&n.to_le_bytes());
    let mut b = [&0x0008_0003u32.to_le_bytes()[..], &(n + 8).to_le_bytes()].concat();
    b.extend_from_slice(&pool);
    let got = inspect("AndroidManifest.xml", &b);
    got.assert_clear();
    assert_eq!(got.format, "android-xml");
    assert!(says(&got, "hello\nowner!"), "{:?}", got.texts);
    abuse("android-xml", &b, 100);
}

#[test]
fn exports_of_wasm_modules_are_symbols() {
    let mut b = b"\0asm\x01\0\0\0".to_vec();
    b.extend_from_slice(&[7, 11, 1, 7]);
    b.extend_from_slice(b"unlock1\0\0");
    let got = inspect("x.wasm", &b);
    got.assert_clear();
    assert_eq!(symbols(&got), ["unlock1"]);
    abuse("wasm", &b, 60);
    assert_eq!(format_of(b"\0asn\x01\0\0\0"), None);
}
