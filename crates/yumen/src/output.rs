//! The only place that writes to the terminal.

use std::io::{self, Write};
use std::path::Path;

use crate::error::Failure;

/// Writes to stdout. A reader that went away is no error.
pub(crate) fn stdout(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Write { what: "standard output".to_owned(), cause: e.kind().to_string() })
        }
        _ => Ok(()),
    }
}

/// Writes a line to stderr.
pub(crate) fn stderr_line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes a file.
pub(crate) fn file(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|e| Failure::Write { what: path.display().to_string(), cause: e.kind().to_string() })
}
