use crate::testing::{abuse, fixture, inspect, says, shows, told};

#[test]
fn an_efi_program_is_read_throughout() {
    let bytes = fixture("firmware", "app.efi");
    let got = inspect("app.efi", &bytes);
    got.assert_clear();
    assert!(shows(&got, "text in the data section of a PE"));
    assert!(says(&got, "Control Unit"));
    assert_eq!(*told(&got, "container"), "pe");
    abuse("pe", &bytes, 150);
    let mut longer = bytes;
    longer.extend_from_slice(b"PK\x03\x04 behind");
    assert_eq!(inspect("x.exe", &longer).child("[after]").bytes, b"PK\x03\x04 behind");
}

#[test]
fn wide_runs_are_text_and_code_is_not() {
    let wide: Vec<u8> = "版本信息 1.2".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(super::wide_runs(&wide), [(0, "版本信息 1.2".to_owned())]);
    assert!(super::wide_runs(&crate::testing::noise(3, 4000)).len() < 3);
}
