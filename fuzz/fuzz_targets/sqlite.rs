#![no_main]
use libfuzzer_sys::fuzz_target;

// A header that is always there, so that what is found goes into the trees and not into the magic. The first byte picks a format.
fuzz_target!(|data: &[u8]| {
    let mut bytes = data.to_vec();
    let Some(head) = bytes.get_mut(1..101) else { return };
    head[..16].copy_from_slice(b"SQLite format 3\0");
    head[16..24].copy_from_slice(&[2, 0, 1, 1, 0, 64, 32, 32]);
    let encoding = head[59] % 3 + 1;
    head[56..60].copy_from_slice(&[0, 0, 0, encoding]);
    yumen_fuzz::plugin(&yumen_plugin_map::MapPlugin, &bytes);
    yumen_fuzz::plugin(&yumen_plugin_table::TablePlugin, &bytes);
});
