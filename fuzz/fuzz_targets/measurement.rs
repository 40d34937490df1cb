#![no_main]
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    yumen_fuzz::plugin(&yumen_plugin_measurement::MeasurementPlugin, data);
});
