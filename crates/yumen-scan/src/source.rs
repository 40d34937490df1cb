//! Sources of bytes: files read by positioned reads, memory that is accounted for, unlinked spill files.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use yumen_model::{Reason, Source, Stop};

/// Stops a scan: on request (Ctrl-C) or when its time is over. Checked at every read and message.
#[derive(Clone, Default)]
pub struct StopFlag {
    interrupted: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

impl StopFlag {
    /// A flag that is raised by [`StopFlag::interrupt`] or at the deadline.
    #[must_use]
    pub fn new(deadline: Option<Instant>) -> Self {
        StopFlag { interrupted: Arc::default(), deadline }
    }

    /// Asks the scan to stop.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
    }

    /// Whether the user asked to stop.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Whether the scan is to stop.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.is_interrupted() || self.deadline.is_some_and(|d| Instant::now() >= d)
    }

    pub(crate) fn check(&self) -> Result<(), Stop> {
        if self.is_raised() { Err(Stop::All(Reason::TimedOut)) } else { Ok(()) }
    }

    fn check_read(&self) -> io::Result<()> {
        if self.is_raised() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

/// A file on disk.
pub(crate) struct FileSource {
    file: File,
    len: u64,
    modified: Option<SystemTime>,
    /// Raised when the file is found to have changed since it was opened.
    changed: Arc<AtomicBool>,
    stop: StopFlag,
    /// Bytes of progress given for this file so far; re-reading gives no more.
    credited: AtomicU64,
    progress: Arc<AtomicU64>,
}

impl FileSource {
    pub(crate) fn open(
        path: &Path,
        stop: &StopFlag,
        progress: &Arc<AtomicU64>,
        changed: &Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let file = File::open(path)?;
        let meta = file.metadata()?;
        let len = meta.len();
        Ok(FileSource {
            file,
            len,
            modified: meta.modified().ok(),
            changed: Arc::clone(changed),
            stop: stop.clone(),
            credited: AtomicU64::new(0),
            progress: Arc::clone(progress),
        })
    }

    /// Compares the file with what it was when it was opened.
    pub(crate) fn check_changed(&self) {
        let same = self.file.metadata().is_ok_and(|m| m.len() == self.len && m.modified().ok() == self.modified);
        if !same {
            self.changed.store(true, Ordering::Relaxed);
        }
    }

    fn credit(&self, n: u64) {
        let before = self.credited.fetch_add(n, Ordering::Relaxed);
        let n = n.min(self.len.saturating_sub(before));
        self.progress.fetch_add(n, Ordering::Relaxed);
    }
}

impl Drop for FileSource {
    fn drop(&mut self) {
        self.credit(self.len);
        self.check_changed();
    }
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.len
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.stop.check_read()?;
        let n = self.file.read_at(buf, offset)?;
        self.credit(n as u64);
        Ok(n)
    }
    fn check(&self) -> io::Result<()> {
        self.stop.check_read()
    }
}

/// Bytes in memory that count against the budget until they are dropped.
pub(crate) struct HeapSource {
    pub(crate) bytes: Vec<u8>,
    pub(crate) stop: StopFlag,
    /// Given back when the last reader is done.
    pub(crate) _reserved: Reservation,
}

impl Source for HeapSource {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.stop.check_read()?;
        let Some(rest) = usize::try_from(offset).ok().and_then(|o| self.bytes.get(o..)) else { return Ok(0) };
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }
    fn check(&self) -> io::Result<()> {
        self.stop.check_read()
    }
}

/// An unlinked spill file.
pub(crate) struct SpillSource {
    pub(crate) file: File,
    pub(crate) len: u64,
    pub(crate) stop: StopFlag,
    /// Given back when the last reader is done.
    pub(crate) _slot: Reservation,
}

impl Source for SpillSource {
    fn len(&self) -> u64 {
        self.len
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.stop.check_read()?;
        self.file.read_at(buf, offset)
    }
    fn check(&self) -> io::Result<()> {
        self.stop.check_read()
    }
}

/// A bounded quantity: bytes of memory, open spill files.
#[derive(Clone)]
pub(crate) struct Budget {
    used: Arc<AtomicU64>,
    most: u64,
}

impl Budget {
    pub(crate) fn new(most: u64) -> Self {
        Budget { used: Arc::default(), most }
    }

    /// An empty reservation to grow from.
    pub(crate) fn reserve_nothing(&self) -> Reservation {
        Reservation { budget: self.clone(), amount: 0 }
    }

    /// Whether more than half is in use: producers should do their children themselves.
    pub(crate) fn is_short(&self) -> bool {
        self.used.load(Ordering::Relaxed) * 2 > self.most
    }
}

/// A part of a budget, given back when dropped.
pub(crate) struct Reservation {
    budget: Budget,
    amount: u64,
}

impl Reservation {
    /// Takes more; false when the budget has none left.
    pub(crate) fn grow(&mut self, more: u64) -> bool {
        let before = self.budget.used.fetch_add(more, Ordering::Relaxed);
        if before + more > self.budget.most {
            self.budget.used.fetch_sub(more, Ordering::Relaxed);
            return false;
        }
        self.amount += more;
        true
    }

    /// Takes more even past the limit: what can't wait.
    pub(crate) fn force(&mut self, more: u64) {
        self.budget.used.fetch_add(more, Ordering::Relaxed);
        self.amount += more;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.amount, Ordering::Relaxed);
    }
}
