#![no_main]
use libfuzzer_sys::fuzz_target;
use yumen_route::Shipment;
use yumen_rules::Rulebook;
use yumen_rules::yaml::SourceFile;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Shipment::from_source(&SourceFile::new("shipment.yaml", text), &Rulebook::builtin());
    }
});
