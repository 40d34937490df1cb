use super::*;

#[test]
fn the_built_in_rulebook_loads() {
    let file = SourceFile::new("cn-auto-2026.yaml", BUILTIN);
    if let Err(e) = Rulebook::from_source(&file) {
        panic!("{}", e.plain());
    }
}
