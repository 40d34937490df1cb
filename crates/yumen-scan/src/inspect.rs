//! The inspection of one artifact, from its bytes to what is put on record.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rayon::Scope;
use yumen_model::coverage::Labelled;
use yumen_model::{
    Batch, Blob, ByteMap, Certainty, EvidenceHeader, EvidenceKind, Findings, InspectError, Label, LabelMap, Note,
    Reason, TextBatch, mask_spans,
};

use crate::inspector::Inspector;
use crate::registry::{FREE_SPACE, Identified, UNKNOWN};
use crate::run::{Bytes, Charge, Folded, Position, Record, Run, Task, digest_text, lock};
use crate::source::FileSource;

/// Stream number of an artifact's name; plugins count theirs from 0.
const NAME_STREAM: u32 = u32::MAX;

impl<'s> Run<'s> {
    /// Inspects one artifact; its children are queued.
    pub(crate) fn inspect(&'s self, scope: &Scope<'s>, task: &Task) {
        let top_level = task.position.len() == 1;
        match &task.bytes {
            Bytes::Nothing(note, reason) => {
                let format = if note.starts_with("symlink") { "symlink" } else { "special" };
                self.record_plain(task, format, 0, *reason, None, vec![Note::new(note)]);
            }
            Bytes::Git(path) => {
                let (bytes, digest) = self.git_digest(path);
                self.record_plain(task, "git-repository", bytes, Some(Reason::Unsupported), digest, Vec::new());
            }
            Bytes::File(path, len) => match self.open(path, &task.root) {
                Ok(file) => self.inspect_blob(scope, task, &Blob::new(Arc::clone(&file) as _), Some(&file)),
                Err(_) => {
                    let note = vec![Note::new("unreadable")];
                    self.record_plain(task, UNKNOWN, *len, Some(Reason::Unreadable), None, note);
                }
            },
            Bytes::Blob(blob) => self.inspect_blob(scope, task, blob, None),
        }
        if top_level {
            self.progress.file_done();
        }
        self.tell_progress();
    }

    fn findings(&self, task: &Task) -> Findings {
        let path: &str = &task.path;
        let covered = self.options.covered.is_match(path) || self.options.covered.is_match(&task.root.relative);
        Findings::new(self.key.clone(), self.options.places, covered).watching(self.options.watch.clone())
    }

    /// An artifact that is not looked into.
    fn record_plain(
        &self,
        task: &Task,
        format: &str,
        bytes: u64,
        reason: Option<Reason>,
        digest: Option<String>,
        notes: Vec<Note>,
    ) {
        let mut findings = self.findings(task);
        let mut notes = notes;
        notes.extend(self.scan_name(task, &mut findings));
        let mut labels = LabelMap::default();
        if let Some(reason) = reason {
            labels.add(0..bytes, Label::Opaque(reason));
        }
        let labelled = labels.resolve(bytes, Reason::UnknownFormat);
        let done = Done { format: format.to_owned(), bytes, labelled, digest, notes, listed: reason, charge: None };
        self.record(task, findings, done);
    }

    /// The artifact's own name is evidence too. A crash here costs the findings of a name, never the artifact's own, and is told.
    fn scan_name(&self, task: &Task, findings: &mut Findings) -> Option<Note> {
        let header = EvidenceHeader {
            stream: NAME_STREAM,
            kind: EvidenceKind::Name,
            format: Cow::Borrowed("name"),
            name: task.meta.name.clone(),
            properties: task.meta.attributes.clone(),
        };
        let batch = Batch::Text(TextBatch { text: Cow::Borrowed(&task.meta.name), map: ByteMap::identity(0) });
        let crashed = catch_unwind(AssertUnwindSafe(|| {
            for detector in self.detectors {
                if let Some(mut session) = detector.start(&header) {
                    session.feed(&batch, findings);
                    session.finish(findings);
                }
            }
        }));
        crashed.is_err().then(|| Note::new("crashed").with("during", "name"))
    }

    /// Whether bytes begin as a known format does. Text is none here: the sweep finds what stands in it.
    fn begins_as_known(&self, blob: &Blob) -> bool {
        self.registry.identify(blob, "").is_ok_and(|i| i.certainty >= Some(Certainty::Signature))
    }

    fn excluded(&self, task: &Task) -> bool {
        let path: &str = &task.path;
        let set = &self.options.exclude;
        if set.is_empty() {
            return false;
        }
        let inner = path.find("!/").map_or("", |at| &path[at..]);
        let relative = format!("{}{inner}", task.root.relative);
        set.is_match(path) || set.is_match(&relative) || set.is_match(relative.replace("!/", "/"))
    }

    fn inspect_blob(&'s self, scope: &Scope<'s>, task: &Task, blob: &Blob, file: Option<&FileSource>) {
        let bytes = blob.len();
        let opaque = if self.stop.is_raised() {
            Some(Reason::TimedOut)
        } else if self.excluded(task) {
            Some(Reason::Excluded)
        } else if let Some(reason @ (Reason::Encrypted | Reason::Limit)) = task.meta.opaque {
            Some(reason)
        } else if task.position.len() > self.options.limits.depth as usize {
            Some(Reason::Limit)
        } else {
            None
        };
        if let Some(reason) = opaque {
            let digest = self.digest(blob);
            let mut notes = task.notes.clone();
            if matches!(reason, Reason::Encrypted | Reason::Limit) {
                notes.push(Note::new(note_code(reason)));
            }
            return self.record_plain(task, UNKNOWN, bytes, Some(reason), digest, notes);
        }
        if task.meta.free_space && !(task.meta.identify_first && self.begins_as_known(blob)) {
            let mut findings = self.findings(task);
            let crashed = self.scan_name(task, &mut findings);
            let shown = self.shown(task, &findings);
            let mut inspector = Inspector::new(self, scope, task, blob, FREE_SPACE, findings, shown);
            crashed.into_iter().for_each(|note| inspector.add_note(note));
            inspector.sweep_free_space();
            return inspector.conclude(Reason::Unreadable, file);
        }
        let identified = match (task.meta.opaque, self.registry.identify(blob, &task.meta.name)) {
            (_, Err(e)) => {
                let error = InspectError::read(0, &e);
                let notes = vec![Note::new(note_code(error.reason))];
                return self.record_plain(task, UNKNOWN, bytes, Some(error.reason), None, notes);
            }
            (Some(_), Ok(_)) => Identified { plugin: None, format: UNKNOWN, certainty: None, crashed: false },
            (None, Ok(identified)) => identified,
        };
        let mut findings = self.findings(task);
        let crashed = self.scan_name(task, &mut findings);
        let shown = self.shown(task, &findings);
        self.progress.artifact(&shown);
        let mut inspector = Inspector::new(self, scope, task, blob, identified.format, findings, shown);
        crashed.into_iter().for_each(|note| inspector.add_note(note));
        let rest = inspector.drive(&identified);
        inspector.conclude(rest, file);
    }

    fn shown(&self, task: &Task, findings: &Findings) -> Arc<str> {
        let own = mask_spans(&task.meta.name, findings.name_spans().to_vec());
        if task.shown_parent.is_empty() { own.into() } else { format!("{}!/{own}", task.shown_parent).into() }
    }

    pub(crate) fn digest(&self, blob: &Blob) -> Option<String> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(blob.reader()).ok()?;
        Some(digest_text(&hasher))
    }

    pub(crate) fn record(&self, task: &Task, findings: Findings, done: Done) {
        let parts = findings.into_parts();
        let masked = !parts.name_spans.is_empty();
        let segment = mask_spans(&task.meta.name, parts.name_spans);
        let plain = parts.aggregates.is_empty()
            && done.notes.is_empty()
            && done.labelled.opaque.is_empty()
            && done.listed.is_none()
            && done.charge.is_none()
            && parts.edges.is_empty()
            && parts.uncounted.is_empty();
        let mut results = lock(&self.results);
        if plain && !self.options.all_artifacts {
            let parent: Position = task.position[..task.position.len() - 1].into();
            let folded = results.folded.entry(parent).or_default();
            folded.add(&done.labelled);
            return;
        }
        results.records.push(Record {
            position: task.position.clone(),
            segment,
            masked,
            format: done.format,
            bytes: done.bytes,
            labelled: done.labelled,
            digest: done.digest,
            notes: done.notes,
            aggregates: parts.aggregates,
            edges: parts.edges,
            uncounted: parts.uncounted,
            charge: done.charge,
            root: Arc::clone(&task.root),
            listed_opaque: done.listed,
        });
    }
}

impl Folded {
    fn add(&mut self, labelled: &Labelled) {
        self.count += 1;
        self.coverage.add(labelled);
    }
}

/// What an inspection ended with.
pub(crate) struct Done {
    pub(crate) format: String,
    pub(crate) bytes: u64,
    pub(crate) labelled: Labelled,
    pub(crate) digest: Option<String>,
    pub(crate) notes: Vec<Note>,
    pub(crate) listed: Option<Reason>,
    pub(crate) charge: Option<Arc<Charge>>,
}

pub(crate) fn note_code(reason: Reason) -> &'static str {
    match reason {
        Reason::Encrypted => "encrypted",
        Reason::Limit => "limit",
        Reason::Unsupported | Reason::NeedsOldImage | Reason::NoModel => "unsupported-method",
        Reason::Crashed => "crashed",
        Reason::TimedOut => "timed-out",
        Reason::Unreadable => "unreadable",
        Reason::UnknownFormat | Reason::Corrupt | Reason::Excluded | Reason::NotSampled => "corrupt",
    }
}
