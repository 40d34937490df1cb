use yumen_model::Reason;

use crate::testing::{abuse, format_of, inspect, noise, prose};

#[test]
fn encrypted_files_are_told() {
    let bytes = [&b"Salted__"[..], &noise(1, 808)].concat();
    let got = inspect("x.enc", &bytes);
    assert_eq!(got.labels.opaque[&Reason::Encrypted], bytes.len() as u64);
    assert!(got.noted("encrypted"));
    let bytes = [&b"age-encryption.org/v1\n-> X25519 abc\nxyz\n--- mac\n"[..], &noise(2, 100)].concat();
    assert_eq!(inspect("x.age", &bytes).labels.opaque[&Reason::Encrypted], bytes.len() as u64);
}

#[test]
fn noise_from_end_to_end_is_told_and_noise_at_the_ends_is_not() {
    let bytes = noise(5, 300_000);
    let got = inspect("x.bin", &bytes);
    assert_eq!(got.format, "high-entropy");
    assert_eq!(got.labels.opaque[&Reason::UnknownFormat], 300_000);
    assert!(got.noted("high-entropy"));
    let bytes = [noise(6, 70_000), prose(100_000), noise(7, 70_000)].concat();
    let got = inspect("x.bin", &bytes);
    assert_eq!((got.format.as_str(), got.notes.len()), ("unknown", 0));
    abuse("high-entropy", &noise(8, 20_000), 10);
    assert_eq!(format_of(&noise(9, 4000)), None);
}
