use crate::readonly::ReadOnly;

const IMAGES: ReadOnly = ReadOnly { format: "romfs", magic_at: 0, images: &["aligned", "plain"] };

#[test]
fn every_image_reads_as_the_independent_tool_reads_it() {
    IMAGES.every_image_reads_as_the_independent_tool_reads_it();
}

#[test]
fn broken_images_are_counted_and_break_nothing() {
    IMAGES.broken_images_are_counted_and_break_nothing();
}

#[test]
fn what_follows_the_image_is_handed_over() {
    IMAGES.what_follows_the_image_is_handed_over();
}

#[test]
fn other_data_is_not_taken_for_it() {
    IMAGES.other_data_is_not_taken_for_it();
}

#[test]
fn of_a_broken_file_the_others_are_read() {
    IMAGES.of_a_broken_file_the_others_are_read();
}
