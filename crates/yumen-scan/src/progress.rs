//! Progress events.

/// Told what the scan does; called from any thread, often: keep it cheap.
pub trait Progress: Sync {
    /// So many top-level files with so many bytes will be read.
    fn begin(&self, files: u64, bytes: u64);
    /// An artifact is being inspected. The path has hits in names masked.
    fn artifact(&self, path: &str);
    /// So many bytes of the top-level inputs are done.
    fn bytes(&self, done: u64);
    /// A top-level file is done.
    fn file_done(&self);
    /// So many more occurrences were found.
    fn found(&self, hits: u64);
    /// So many more records, messages or positions were decoded.
    fn decoded(&self, records: u64);
}

/// No progress.
#[derive(Clone, Copy, Debug)]
pub struct Quiet;

impl Progress for Quiet {
    fn begin(&self, _: u64, _: u64) {}
    fn artifact(&self, _: &str) {}
    fn bytes(&self, _: u64) {}
    fn file_done(&self) {}
    fn found(&self, _: u64) {}
    fn decoded(&self, _: u64) {}
}
