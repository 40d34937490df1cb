use std::io::BufRead;
fn main() {
    for p in std::io::stdin().lock().lines().map_while(Result::ok) {
        let Ok(b) = std::fs::read(&p) else { continue };
        let d = yumen_kit_text::detect(&yumen_model::Blob::from_bytes(b)).unwrap();
        println!("{}\t{p}", d.map_or("binary".into(), |d| d.charset.name()));
    }
}
