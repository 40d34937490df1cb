//! Configuration written by people in YAML: read into a tree that knows where each value stands, then decoded so that *all* errors are told
//! at once, each with file, line, column and a hint.

mod decode;
mod problem;
mod tree;

pub use decode::{Fields, Reader, brief, suggest};
pub use problem::{Problem, Problems, SourceFile};
pub use tree::{At, Entry, Node, Value, parse};

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

/// Longest configuration file that is read, in bytes. A manifest of a few thousand lines is far below.
pub const MAX_FILE: u64 = 4 << 20;

/// Reads a configuration file.
///
/// # Errors
/// What the operating system says, a file over [`MAX_FILE`], or text that is not UTF-8.
pub fn read_file(path: &Path) -> Result<Arc<SourceFile>, Problems> {
    let name = path.display().to_string();
    let fail = |message: String, help: &str| Problems::of_file(&name, message, Some(help.to_owned()));
    let file = std::fs::File::open(path).map_err(|e| fail(format!("can't be opened: {e}"), "check the path"))?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| fail(format!("can't be read: {e}"), "it must be a readable file"))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(fail(format!("is longer than {} MiB", MAX_FILE >> 20), "is it the right file?"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(SourceFile::new(name, text)),
        Err(e) => {
            let at = e.utf8_error().valid_up_to();
            let line = e.as_bytes()[..at].iter().filter(|&&b| b == b'\n').count() + 1;
            let bytes = e.as_bytes();
            let wide = bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]);
            let help =
                if wide { "it is UTF-16; save it as UTF-8" } else { "save it as UTF-8; it may be GBK (ANSI) now" };
            Err(fail(format!("is not UTF-8 (first bad byte in line {line})"), help))
        }
    }
}
