use crate::testing::*;

#[test]
fn the_disk_is_that_of_qemu_img() {
    read("disk", "vdi", "vdi");
    read("disk", "vhd-fixed", "vhd");
    read("disk", "vhd-dynamic", "vhd");
    assert_eq!(inspect("guest.raw.vdi", &fixture("disk", "vdi")).names(), ["guest.raw"]);
}

#[test]
fn damage_never_panics_and_counts_every_byte() {
    abuse("vdi", &fixture("disk", "vdi"), 80);
    abuse("vhd", &fixture("disk", "vhd-fixed"), 40);
    abuse("vhd", &fixture("disk", "vhd-dynamic"), 80);
}
