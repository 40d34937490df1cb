//! The progress bar; quiet when stderr is not a terminal.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use yumen_scan::Progress;

/// Between two changes of the path that is shown.
const CALM: Duration = Duration::from_millis(100);

/// Bytes, files, records, findings and the current path on stderr.
pub(crate) struct Bar {
    bar: ProgressBar,
    files: AtomicU64,
    found: AtomicU64,
    decoded: AtomicU64,
    last: Mutex<Instant>,
}

impl Bar {
    /// A bar that shows itself only on a terminal.
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        let style = "{spinner} {bytes:>10} / {total_bytes}  {bytes_per_sec:>12}  {prefix}  {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        let zero = || AtomicU64::new(0);
        Bar { bar, files: zero(), found: zero(), decoded: zero(), last: Mutex::new(Instant::now()) }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Whether it is shown.
    pub(crate) fn is_shown(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Files done.
    pub(crate) fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }
}

impl Progress for Bar {
    fn begin(&self, _: u64, bytes: u64) {
        self.bar.set_length(bytes);
        if self.is_shown() {
            self.bar.enable_steady_tick(CALM);
        }
    }

    fn artifact(&self, path: &str) {
        if self.bar.is_hidden() {
            return;
        }
        if let Ok(mut last) = self.last.try_lock()
            && last.elapsed() >= CALM
        {
            *last = Instant::now();
            let (decoded, found) = (self.decoded.load(Ordering::Relaxed), self.found.load(Ordering::Relaxed));
            self.bar.set_prefix(format!("{} files, {decoded} records, {found} hits", self.files()));
            self.bar.set_message(path.to_owned());
        }
    }

    fn bytes(&self, done: u64) {
        self.bar.set_position(done);
    }

    fn file_done(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    fn found(&self, hits: u64) {
        self.found.fetch_add(hits, Ordering::Relaxed);
    }

    fn decoded(&self, records: u64) {
        self.decoded.fetch_add(records, Ordering::Relaxed);
    }
}
