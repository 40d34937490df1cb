use yumen_model::Certainty;

use crate::testing::{abuse, fixture, format_of, identify, inspect, noise, prose, shows, told};

#[test]
fn a_vector_table_of_a_linked_program_is_recognised() {
    let bytes = fixture("firmware", "ecu.bin");
    let got = inspect("ecu.bin", &bytes);
    got.assert_clear();
    assert_eq!(got.format, "cortex-m");
    assert!(shows(&got, "LSVAA4182E2184847"));
    abuse("cortex-m", &bytes, 60);
    // Handlers that are even, a stack outside of RAM, a reset that is far away: no vectors.
    for (at, value) in [(4, 0x0800_0100u32), (0, 0x0000_1000), (12, 0x7000_0001)] {
        let mut other = bytes.clone();
        other[at..at + 4].copy_from_slice(&value.to_le_bytes());
        assert_ne!(format_of(&other), Some("cortex-m"));
    }
}

#[test]
fn noise_within_an_image_stays_opaque_and_trees_are_cut_out() {
    let mut bytes = fixture("firmware", "ecu.bin");
    bytes.resize(64 << 10, 0);
    bytes.extend_from_slice(&noise(3, 128 << 10));
    let got = inspect("x", &bytes);
    got.assert_counted();
    assert_eq!(got.opaque(), 128 << 10);
    assert!(got.noted("high-entropy"));
    let mut bytes = fixture("firmware", "ecu.bin");
    bytes.resize(4096, 0);
    let tree = fixture("fit", "board.dtb");
    bytes.extend_from_slice(&tree);
    bytes.extend_from_slice(&prose(500));
    let got = inspect("x", &bytes);
    got.assert_clear();
    assert_eq!(got.child("0x00001000.dtb").bytes, tree);
}

#[test]
fn headers_of_boot_roms_are_recognised_by_more_than_their_magic() {
    let mut ivt = vec![0xd1, 0, 0x20, 0x41];
    for n in [0x6000_2001u32, 0, 0, 0x6000_1020, 0x6000_1000, 0x6000_4000, 0] {
        ivt.extend_from_slice(&n.to_le_bytes());
    }
    ivt.extend_from_slice(&prose(600));
    let got = inspect("x", &ivt);
    got.assert_clear();
    assert_eq!(got.format, "imx-ivt");
    assert_eq!(*told(&got, "signed"), true);
    ivt[8] = 1;
    assert_eq!(format_of(&ivt), None);

    let mut egon = vec![0; 64];
    egon[4..12].copy_from_slice(b"eGON.BT0");
    egon[16..20].copy_from_slice(&64u32.to_le_bytes());
    let sum = egon.chunks(4).fold(0x5f0a_6c39u32, |s, w| s.wrapping_add(u32::from_le_bytes([w[0], w[1], w[2], w[3]])));
    egon[12..16].copy_from_slice(&sum.to_le_bytes());
    assert_eq!(format_of(&egon), Some("egon"));
    egon[40] = 1;
    assert_eq!(format_of(&egon), None);

    let mut bmhd = vec![0; 64];
    bmhd[6..8].copy_from_slice(&0xb359u16.to_le_bytes());
    for (at, n) in [(16, 0x1234_5678u32), (20, !0x1234_5678), (24, 0x9abc_def0), (28, !0x9abc_def0)] {
        bmhd[at..at + 4].copy_from_slice(&n.to_le_bytes());
    }
    assert_eq!(format_of(&bmhd), Some("aurix"));
    bmhd[28] ^= 1;
    assert_eq!(format_of(&bmhd), None);
}

#[test]
fn the_compressed_kernel_is_a_child() {
    let mut b = vec![0; 0x1000];
    b[0x1f1] = 1;
    b[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    b[0x202..0x206].copy_from_slice(b"HdrS");
    b[0x206..0x208].copy_from_slice(&0x20fu16.to_le_bytes());
    b[0x20e..0x210].copy_from_slice(&0x100u16.to_le_bytes());
    b[0x300..0x30c].copy_from_slice(b"6.1.0-x (me)");
    b[0x248..0x24c].copy_from_slice(&0x100u32.to_le_bytes());
    b[0x24c..0x250].copy_from_slice(&20u32.to_le_bytes());
    b[0x500..0x514].copy_from_slice(b"compressed kernel 20");
    let got = inspect("vmlinuz", &b);
    got.assert_clear();
    assert_eq!(identify("x", &b).unwrap().certainty, Certainty::Specific);
    assert_eq!(got.child("vmlinux").bytes, b"compressed kernel 20");
    assert_eq!(*told(&got, "version"), "6.1.0-x");
    abuse("linux-kernel", &b, 60);
}
