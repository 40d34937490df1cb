#![no_main]
use libfuzzer_sys::fuzz_target;
use yumen_rules::Rulebook;
use yumen_rules::yaml::SourceFile;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Rulebook::from_source(&SourceFile::new("rules.yaml", text));
        let _ = Rulebook::builtin().with_overlay_source(&SourceFile::new("yumen.yaml", text));
    }
});
