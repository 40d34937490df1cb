//! One scan: tasks, their order, and what they charge.
//!
//! Tasks lie in one queue ordered by their position in the tree; each is paired with one rayon job, and a job takes the first task
//! whichever it was spawned for. So members come before the container's neighbours, and no job waits for another. When memory,
//! spill files or queue run short, the producer inspects its child itself.

use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::Scope;
use yumen_model::coverage::Labelled;
use yumen_model::finding::Aggregate;
use yumen_model::{
    Blob, ChildMeta, Coverage, Detector, GroupFact, KindSet, Note, Reason, ScanOutcome, SubjectEdges, SubjectKey,
};

use crate::intake::{self, Entry, EntryKind};
use crate::options::{Limits, ScanOptions};
use crate::progress::Progress;
use crate::registry::Registry;
use crate::sink::Stores;
use crate::source::{Budget, FileSource, StopFlag};

/// Where an artifact stands in the tree: the number of each ancestor among its siblings. Sorts in reading order.
pub(crate) type Position = Box<[u32]>;

/// More tasks than this in the queue, and producers do their children themselves.
const QUEUE: usize = 4096;
/// Open spill files.
const SPILL_FILES: u64 = 256;

/// An artifact that waits to be inspected.
#[derive(Clone)]
pub(crate) struct Task {
    pub(crate) position: Position,
    /// Path for globs: as given, members behind `/`. Raw.
    pub(crate) path: Arc<str>,
    /// Path for people, hits masked.
    pub(crate) shown_parent: Arc<str>,
    pub(crate) meta: ChildMeta,
    pub(crate) bytes: Bytes,
    pub(crate) inside: Vec<&'static str>,
    pub(crate) root: Arc<Root>,
    pub(crate) granted: Vec<GroupFact>,
    /// The child was decoded in part only.
    pub(crate) partial: bool,
    /// Notes that come with it.
    pub(crate) notes: Vec<Note>,
}

/// Where a task's bytes come from.
#[derive(Clone)]
pub(crate) enum Bytes {
    /// A file, opened when the task runs; length at intake.
    File(PathBuf, u64),
    /// A git repository.
    Git(PathBuf),
    /// A child.
    Blob(Blob),
    /// No bytes: links and the like; special files and what could not be read carry the reason.
    Nothing(&'static str, Option<Reason>),
}

impl PartialEq for Task {
    fn eq(&self, other: &Self) -> bool {
        self.position == other.position
    }
}
impl Eq for Task {}
impl PartialOrd for Task {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Task {
    /// The first in the tree is the greatest: a [`BinaryHeap`] gives it first.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.position.cmp(&self.position)
    }
}

/// A top-level input's accounts.
pub(crate) struct Root {
    /// Path below the input, for globs.
    pub(crate) relative: String,
    /// Decoded bytes that it may yield.
    pub(crate) bytes_limit: u64,
    /// The file changed between its opening and its last reading.
    pub(crate) changed: Arc<AtomicBool>,
    charged: AtomicU64,
    charges: Mutex<BTreeMap<Position, Arc<Charge>>>,
}

/// What one container yielded.
#[derive(Default)]
pub(crate) struct Charge {
    pub(crate) bytes: AtomicU64,
    pub(crate) entries: AtomicU64,
}

impl Root {
    fn new(relative: String, len: u64, limits: &Limits) -> Self {
        Root {
            relative,
            bytes_limit: limits.bytes_out.min(len.saturating_mul(limits.ratio).max(Limits::TOTAL_FLOOR)),
            changed: Arc::default(),
            charged: AtomicU64::new(0),
            charges: Mutex::default(),
        }
    }

    /// Opens the account of a container.
    pub(crate) fn account(&self, position: &Position) -> Arc<Charge> {
        let charge = Arc::new(Charge::default());
        lock(&self.charges).insert(position.clone(), Arc::clone(&charge));
        charge
    }

    /// Charges a container. False when what stands before it in the tree and its own yield are over the limits for certain, so that
    /// [`crate::finish`] will leave it out whatever the other threads do.
    pub(crate) fn charge(
        &self,
        position: &Position,
        charge: &Charge,
        bytes: u64,
        entries: u64,
        limits: &Limits,
    ) -> bool {
        charge.bytes.fetch_add(bytes, Ordering::Relaxed);
        let all_entries = charge.entries.fetch_add(entries, Ordering::Relaxed) + entries;
        let total = self.charged.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if total <= self.bytes_limit && all_entries.saturating_mul(2) <= limits.entries {
            return true;
        }
        let (mut sum_bytes, mut sum_entries) = (0u64, 0u64);
        for (_, c) in lock(&self.charges).range(..=position.clone()) {
            sum_bytes = sum_bytes.saturating_add(c.bytes.load(Ordering::Relaxed));
            sum_entries = sum_entries.saturating_add(c.entries.load(Ordering::Relaxed));
        }
        sum_bytes <= self.bytes_limit && sum_entries <= limits.entries
    }
}

/// What is kept of an inspected artifact.
pub(crate) struct Record {
    pub(crate) position: Position,
    /// Own part of the path, hits masked.
    pub(crate) segment: String,
    pub(crate) masked: bool,
    pub(crate) format: String,
    pub(crate) bytes: u64,
    pub(crate) labelled: Labelled,
    pub(crate) digest: Option<String>,
    pub(crate) notes: Vec<Note>,
    pub(crate) aggregates: Vec<Aggregate>,
    pub(crate) edges: SubjectEdges,
    pub(crate) uncounted: KindSet,
    pub(crate) charge: Option<Arc<Charge>>,
    pub(crate) root: Arc<Root>,
    /// Opaque entries are listed even without bytes (a special file).
    pub(crate) listed_opaque: Option<Reason>,
}

/// Artifacts without anything to tell, summed by their parent.
#[derive(Default)]
pub(crate) struct Folded {
    pub(crate) count: u64,
    pub(crate) coverage: Coverage,
}

/// An artifact that lends or needs facts.
pub(crate) struct GroupEntry {
    pub(crate) position: Position,
    pub(crate) folder: String,
    pub(crate) name: String,
    pub(crate) format: String,
    pub(crate) exports: Vec<GroupFact>,
    pub(crate) needs: Vec<String>,
    /// To inspect it once more.
    pub(crate) task: Option<Task>,
}

#[derive(Default)]
pub(crate) struct Results {
    pub(crate) records: Vec<Record>,
    pub(crate) folded: HashMap<Position, Folded>,
    pub(crate) groups: Vec<GroupEntry>,
}

/// A scan under way.
pub(crate) struct Run<'r> {
    pub(crate) registry: &'r Registry,
    pub(crate) detectors: &'r [Box<dyn Detector>],
    pub(crate) options: &'r ScanOptions,
    pub(crate) stop: &'r StopFlag,
    pub(crate) progress: &'r dyn Progress,
    pub(crate) progress_bytes: Arc<AtomicU64>,
    pub(crate) key: SubjectKey,
    pub(crate) stores: Stores,
    pub(crate) results: Mutex<Results>,
    queue: Mutex<BinaryHeap<Task>>,
}

/// A lock is never poisoned for long: what it guards stays consistent between statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'r> Run<'r> {
    pub(crate) fn new(
        registry: &'r Registry,
        detectors: &'r [Box<dyn Detector>],
        options: &'r ScanOptions,
        stop: &'r StopFlag,
        progress: &'r dyn Progress,
    ) -> Self {
        let key = options.key.clone().unwrap_or_else(|| {
            let mut bytes = [0; 32];
            // Without system randomness the tokens are still never shown; only their key is weaker.
            if getrandom::fill(&mut bytes).is_err() {
                let seed = (std::process::id(), std::time::SystemTime::now(), &raw const bytes as usize);
                bytes = *blake3::hash(format!("{seed:?}").as_bytes()).as_bytes();
            }
            SubjectKey::new(bytes)
        });
        Run {
            registry,
            detectors,
            options,
            stop,
            progress,
            progress_bytes: Arc::default(),
            key,
            stores: Stores { memory: Budget::new(options.limits.memory), files: Budget::new(SPILL_FILES) },
            results: Mutex::default(),
            queue: Mutex::default(),
        }
    }

    /// Runs everything and sums it up.
    pub(crate) fn execute(&self, entries: Vec<Entry>) -> ScanOutcome {
        let files = entries.iter().filter(|e| matches!(e.kind, EntryKind::File(..))).count() as u64;
        let bytes = entries.iter().map(|e| if let EntryKind::File(_, n) = &e.kind { *n } else { 0 }).sum();
        self.progress.begin(files, bytes);
        let threads = match self.options.jobs {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .stack_size(16 << 20)
            .thread_name(|i| format!("scan-{i}"))
            .build();
        let scoped = |tasks: Vec<Task>| match &pool {
            Ok(pool) => pool.scope(|scope| tasks.into_iter().for_each(|t| self.push(scope, t))),
            // The system gives no threads: everything runs on this one.
            Err(_) => rayon::scope(|scope| tasks.into_iter().for_each(|t| self.push(scope, t))),
        };
        let tasks = entries.into_iter().enumerate().map(|(i, e)| self.task(i, e)).collect();
        scoped(tasks);
        if !self.stop.is_raised() {
            let again = crate::group::granted(self.registry, &mut lock(&self.results));
            scoped(again);
        }
        let results = std::mem::take(&mut *lock(&self.results));
        let mut outcome = crate::finish::outcome(results, &self.options.limits);
        outcome.complete = !self.stop.is_interrupted();
        outcome
    }

    fn task(&self, index: usize, entry: Entry) -> Task {
        let (bytes, len) = match entry.kind {
            EntryKind::File(path, len) => (Bytes::File(path, len), len),
            EntryKind::Git(path) => (Bytes::Git(path), 0),
            EntryKind::Link { outside } => {
                (Bytes::Nothing(if outside { "symlink-outside" } else { "symlink" }, None), 0)
            }
            EntryKind::Special => (Bytes::Nothing("special-file", Some(Reason::Unsupported)), 0),
            EntryKind::Unreadable => (Bytes::Nothing("unreadable", Some(Reason::Unreadable)), 0),
        };
        Task {
            position: Box::new([u32::try_from(index).unwrap_or(u32::MAX)]),
            path: entry.path.as_str().into(),
            shown_parent: "".into(),
            meta: ChildMeta { name: entry.path, ..ChildMeta::default() },
            bytes,
            inside: Vec::new(),
            root: Arc::new(Root::new(entry.relative, len, &self.options.limits)),
            granted: Vec::new(),
            partial: false,
            notes: Vec::new(),
        }
    }

    fn push<'s>(&'s self, scope: &Scope<'s>, task: Task) {
        lock(&self.queue).push(task);
        scope.spawn(|scope| {
            let next = lock(&self.queue).pop();
            if let Some(task) = next {
                self.inspect(scope, &task);
            }
        });
    }

    /// Queues a child, or inspects it here when memory, spill files or the queue run short.
    pub(crate) fn submit<'s>(&'s self, scope: &Scope<'s>, task: Task) {
        let short = self.stores.memory.is_short()
            || self.stores.files.is_short()
            || lock(&self.queue).len() >= QUEUE
            || rayon::current_num_threads() == 1;
        if short {
            self.inspect(scope, &task);
        } else {
            self.push(scope, task);
        }
    }

    /// Tells how many bytes of the top-level inputs are done.
    pub(crate) fn tell_progress(&self) {
        self.progress.bytes(self.progress_bytes.load(Ordering::Relaxed));
    }

    /// Opens a top-level file.
    pub(crate) fn open(&self, path: &std::path::Path, root: &Root) -> std::io::Result<Arc<FileSource>> {
        FileSource::open(path, self.stop, &self.progress_bytes, &root.changed).map(Arc::new)
    }

    /// Digest over the names and contents of a git repository, and its size.
    pub(crate) fn git_digest(&self, dir: &std::path::Path) -> (u64, Option<String>) {
        let mut hasher = blake3::Hasher::new();
        let mut total = 0;
        for (path, len) in intake::git_files(dir) {
            total += len;
            let name = path.strip_prefix(dir).unwrap_or(&path);
            hasher.update(name.as_os_str().as_encoded_bytes());
            hasher.update(&[0]);
            hasher.update(&len.to_le_bytes());
            let hashed = std::fs::File::open(&path).and_then(|f| hasher.update_reader(f).map(|_| ()));
            if hashed.is_err() || self.stop.is_raised() {
                return (total, None);
            }
        }
        (total, Some(digest_text(&hasher)))
    }
}

/// A digest as reports give it.
pub(crate) fn digest_text(hasher: &blake3::Hasher) -> String {
    format!("blake3:{}", hasher.finalize().to_hex())
}
