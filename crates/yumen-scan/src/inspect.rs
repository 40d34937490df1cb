//! The inspection of one artifact: what its plugin sends is turned into tasks, findings and labels.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rayon::Scope;
use yumen_model::coverage::Labelled;
use yumen_model::{
    Artifact, Batch, Blob, ByteMap, ChildMeta, Context, EvidenceHeader, EvidenceKind, Findings, GroupFact,
    InspectError, Inspection, Label, LabelMap, Message, Need, Note, RawBatch, Reason, Session, Stop, TextBatch,
};

use crate::name;
use crate::options::Limits;
use crate::registry::{EMPTY, Identified, UNKNOWN};
use crate::run::{Bytes, Charge, Folded, GroupEntry, Position, Record, Run, Task, digest_text, lock};
use crate::sink::Sink;

/// Bytes that the sweep of unknown bytes reads at a time.
const SWEEP: u64 = 1 << 20;
/// Stream numbers of the engine's own streams; plugins count from 0.
const NAME_STREAM: u32 = u32::MAX;
const SWEEP_STREAM: u32 = u32::MAX - 1;

struct OpenChild {
    meta: ChildMeta,
    sink: Sink,
}

/// The open end of an inspection; the plugin's [`Inspection`].
struct Inspector<'i, 's> {
    run: &'s Run<'s>,
    scope: &'i Scope<'s>,
    task: &'i Task,
    shown: Arc<str>,
    format: Cow<'static, str>,
    inside: Vec<&'static str>,
    len: u64,
    labels: LabelMap,
    notes: Vec<Note>,
    findings: Findings,
    told: u64,
    streams: Vec<(u32, Vec<Box<dyn Session>>)>,
    child: Option<OpenChild>,
    children: u32,
    names: HashMap<u64, u32>,
    charge: Option<Arc<Charge>>,
    exports: Vec<GroupFact>,
    needs: Vec<Need>,
    blob: &'i Blob,
}

impl<'s> Run<'s> {
    /// Inspects one artifact; its children are queued.
    pub(crate) fn inspect(&'s self, scope: &Scope<'s>, task: Task) {
        let top_level = task.position.len() == 1;
        match &task.bytes {
            Bytes::Nothing(note, reason) => {
                let format = if note.starts_with("symlink") { "symlink" } else { "special" };
                self.record_plain(&task, format, 0, *reason, None, vec![Note::new(note)]);
            }
            Bytes::Git(path) => {
                let (bytes, digest) = self.git_digest(path);
                self.record_plain(&task, "git-repository", bytes, Some(Reason::Unsupported), digest, Vec::new());
            }
            Bytes::File(path, len) => match self.open(path) {
                Ok(blob) => self.inspect_blob(scope, &task, &blob),
                Err(_) => {
                    let note = vec![Note::new("unreadable")];
                    self.record_plain(&task, UNKNOWN, *len, Some(Reason::Unreadable), None, note);
                }
            },
            Bytes::Blob(blob) => self.inspect_blob(scope, &task, blob),
        }
        if top_level {
            self.progress.file_done();
        }
        self.progress.bytes(self.progress_bytes.load(std::sync::atomic::Ordering::Relaxed));
    }

    fn findings(&self, task: &Task) -> Findings {
        let path: &str = &task.path;
        let covered = self.options.covered.is_match(path) || self.options.covered.is_match(&task.root.relative);
        Findings::new(self.key.clone(), self.options.places, covered)
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
        self.scan_name(task, &mut findings);
        let mut labels = LabelMap::default();
        if let Some(reason) = reason {
            labels.add(0..bytes, Label::Opaque(reason));
        }
        let labelled = labels.resolve(bytes, Reason::UnknownFormat);
        let done = Done { format: format.to_owned(), bytes, labelled, digest, notes, listed: reason, charge: None };
        self.record(task, findings, done);
    }

    /// The artifact's own name is evidence too.
    fn scan_name(&self, task: &Task, findings: &mut Findings) {
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
        // A crash here costs the findings of a name, never the artifact's own.
        drop(crashed);
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

    fn inspect_blob(&'s self, scope: &Scope<'s>, task: &Task, blob: &Blob) {
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
            if reason == Reason::Encrypted {
                notes.push(Note::new("encrypted"));
            } else if reason == Reason::Limit {
                notes.push(Note::new("limit"));
            }
            return self.record_plain(task, UNKNOWN, bytes, Some(reason), digest, notes);
        }
        let identified = match (task.meta.opaque, self.registry.identify(blob, &task.meta.name)) {
            (_, Err(e)) => {
                let error = InspectError::read(0, &e);
                let notes = vec![Note::new(note_code(error.reason))];
                return self.record_plain(task, UNKNOWN, bytes, Some(error.reason), None, notes);
            }
            (Some(_), Ok(_)) => Identified { plugin: None, format: UNKNOWN, crashed: false },
            (None, Ok(identified)) => identified,
        };
        let mut findings = self.findings(task);
        self.scan_name(task, &mut findings);
        let shown = self.shown(task, &findings);
        self.progress.artifact(&shown);
        let mut inspector = Inspector {
            run: self,
            scope,
            task,
            shown,
            format: Cow::Borrowed(identified.format),
            inside: task.inside.iter().copied().chain([identified.format]).collect(),
            len: bytes,
            labels: LabelMap::default(),
            notes: task.notes.clone(),
            findings,
            told: 0,
            streams: Vec::new(),
            child: None,
            children: 0,
            names: HashMap::new(),
            charge: None,
            exports: Vec::new(),
            needs: Vec::new(),
            blob,
        };
        let rest = inspector.drive(&identified);
        inspector.conclude(rest);
    }

    fn shown(&self, task: &Task, findings: &Findings) -> Arc<str> {
        let own = name::masked(&task.meta.name, findings.name_spans().to_vec());
        if task.shown_parent.is_empty() { own.into() } else { format!("{}!/{own}", task.shown_parent).into() }
    }

    pub(crate) fn digest(&self, blob: &Blob) -> Option<String> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(blob.reader()).ok()?;
        Some(digest_text(&hasher))
    }

    fn record(&self, task: &Task, findings: Findings, done: Done) {
        let parts = findings.into_parts();
        let masked = !parts.name_spans.is_empty();
        let segment = name::masked(&task.meta.name, parts.name_spans);
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
struct Done {
    format: String,
    bytes: u64,
    labelled: Labelled,
    digest: Option<String>,
    notes: Vec<Note>,
    listed: Option<Reason>,
    charge: Option<Arc<Charge>>,
}

fn note_code(reason: Reason) -> &'static str {
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

impl Inspector<'_, '_> {
    /// Lets the plugin work; the reason that bytes without a label bear.
    fn drive(&mut self, identified: &Identified<'_>) -> Reason {
        for hole in self.blob.holes() {
            self.labels.add(hole, Label::Container);
        }
        if identified.crashed {
            self.add_note(Note::new("crashed").with("during", "identification"));
        }
        if self.task.partial {
            self.add_note(Note::new("incomplete-child"));
        }
        if let Some(promised) = self.run.registry.promised(&self.task.meta.name, identified.format)
            && self.task.meta.opaque.is_none()
        {
            self.add_note(Note::new("name-lies").with("expected", promised).with("found", identified.format));
        }
        let Some(plugin) = identified.plugin else {
            if identified.format == UNKNOWN
                && matches!(all_zero(self.blob), Ok(true))
                && self.task.meta.opaque.is_none()
            {
                self.format = Cow::Borrowed("zeros");
                self.labels.add(0..self.len, Label::Container);
            }
            return self.task.meta.opaque.unwrap_or(Reason::UnknownFormat);
        };
        let artifact = Artifact {
            blob: self.blob.clone(),
            name: self.task.meta.name.clone(),
            format: identified.format,
            attributes: self.task.meta.attributes.clone(),
            inside: self.task.inside.clone(),
        };
        let context = Context { granted: self.task.granted.clone() };
        let result = catch_unwind(AssertUnwindSafe(|| plugin.inspect(&artifact, &context, self)));
        // A child that the plugin left open ends here.
        self.close_child(false);
        match result {
            Ok(Ok(())) => Reason::UnknownFormat,
            Ok(Err(error)) => {
                let code = match (error.reason, error.message.contains("ends before")) {
                    (Reason::Corrupt, true) => "truncated",
                    (reason, _) => note_code(reason),
                };
                let mut note = Note::new(code).with("what", error.message);
                if let Some(offset) = error.offset {
                    note = note.with("offset", offset);
                }
                self.add_note(note);
                error.reason
            }
            Err(_) => {
                self.add_note(Note::new("crashed"));
                self.streams.clear();
                Reason::Crashed
            }
        }
    }

    /// Sweeps what stayed opaque, and puts the artifact on record.
    fn conclude(mut self, rest: Reason) {
        let streams = std::mem::take(&mut self.streams);
        let findings = &mut self.findings;
        let finished = catch_unwind(AssertUnwindSafe(|| {
            for (_, sessions) in streams {
                for session in sessions {
                    session.finish(findings);
                }
            }
        }));
        let mut crashed = finished.is_err();
        if crashed {
            self.add_note(Note::new("crashed"));
        }
        crashed |= rest == Reason::Crashed;
        let mut stretches = std::mem::take(&mut self.labels).stretches(self.len, rest);
        if crashed {
            // What a crashed reader had called inspected was perhaps not.
            for (_, label) in &mut stretches {
                if *label == Label::Inspected {
                    *label = Label::Opaque(Reason::Crashed);
                }
            }
        }
        self.sweep(&stretches);
        let labelled = Labelled::of(&stretches);
        let hits = self.findings.count();
        if hits > self.told {
            self.run.progress.found(hits - self.told);
        }
        let notable =
            !self.findings.is_empty() || !self.notes.is_empty() || !labelled.opaque.is_empty() || self.run.options.all_artifacts;
        let digest = if notable { self.run.digest(self.blob) } else { None };
        if !self.exports.is_empty() || !self.needs.is_empty() {
            self.join_group();
        }
        let format = self.format.into_owned();
        let done = Done {
            format,
            bytes: self.len,
            labelled,
            digest,
            notes: self.notes,
            listed: None,
            charge: self.charge,
        };
        self.run.record(self.task, self.findings, done);
    }

    fn join_group(&mut self) {
        let name = &self.task.meta.name;
        let (folder, base) = name.rsplit_once('/').unwrap_or(("", name));
        let again = self.task.granted.is_empty() && !self.needs.is_empty();
        let entry = GroupEntry {
            position: self.task.position.clone(),
            folder: folder.to_owned(),
            name: base.to_owned(),
            format: self.format.clone().into_owned(),
            exports: std::mem::take(&mut self.exports),
            needs: self.needs.drain(..).map(|n| n.key).collect(),
            task: again.then(|| self.task.clone()),
        };
        lock(&self.run.results).groups.push(entry);
    }

    /// Shows opaque bytes that are in the clear to the detectors. They stay opaque: nobody has said what they are.
    fn sweep(&mut self, stretches: &[(Range<u64>, Label)]) {
        let swept = |label: &Label| {
            use Reason::{Corrupt, Crashed, NeedsOldImage, UnknownFormat, Unsupported};
            matches!(label, Label::Opaque(Corrupt | Crashed | NeedsOldImage | UnknownFormat | Unsupported))
        };
        if !stretches.iter().any(|(_, label)| swept(label)) {
            return;
        }
        let header = EvidenceHeader {
            stream: SWEEP_STREAM,
            kind: EvidenceKind::Raw,
            format: self.format.clone(),
            name: self.task.meta.name.clone(),
            properties: self.task.meta.attributes.clone(),
        };
        let swept = catch_unwind(AssertUnwindSafe(|| {
            let _ = self.send(Message::Evidence(header));
            for (range, _) in stretches.iter().filter(|(_, label)| swept(label)) {
                let mut at = range.start;
                while at < range.end {
                    let end = range.end.min(at + SWEEP);
                    let Ok(bytes) = self.blob.bytes(at..end) else { break };
                    let batch = Batch::Raw(RawBatch { offset: at, bytes: Cow::Owned(bytes) });
                    if self.send(Message::Batch { stream: SWEEP_STREAM, batch }).is_err() {
                        return;
                    }
                    at = end;
                }
            }
            let _ = self.send(Message::EvidenceEnd { stream: SWEEP_STREAM });
        }));
        if swept.is_err() {
            self.streams.clear();
            self.add_note(Note::new("crashed").with("during", "sweep"));
        }
    }

    /// Keeps a note once; a plugin that tells the same of a thousand members is cut short.
    fn add_note(&mut self, note: Note) {
        if self.notes.len() < 64 && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn account(&mut self) -> Arc<Charge> {
        let (task, charge) = (self.task, &mut self.charge);
        Arc::clone(charge.get_or_insert_with(|| task.root.account(&task.position)))
    }

    /// Charges decoded bytes and entries to the top-level input.
    fn pay(&mut self, bytes: u64, entries: u64) -> Result<(), Stop> {
        let charge = self.account();
        let root = &self.task.root;
        if root.charge(&self.task.position, &charge, bytes, entries, &self.run.options.limits) {
            Ok(())
        } else {
            self.add_note(Note::new("limit").with("what", "bytes or entries of a top-level input"));
            Err(Stop::All(Reason::Limit))
        }
    }

    /// Queues a child.
    fn submit(&mut self, meta: ChildMeta, blob: Blob, partial: bool) {
        let mut hasher = DefaultHasher::new();
        meta.name.hash(&mut hasher);
        let n = self.names.entry(hasher.finish()).or_insert(0);
        *n += 1;
        let mut meta = meta;
        if *n > 1 {
            meta.name = format!("{}#{n}", meta.name);
        }
        let position: Position = self.task.position.iter().copied().chain([self.children]).collect();
        self.children = self.children.saturating_add(1);
        let task = Task {
            position,
            path: format!("{}!/{}", self.task.path, meta.name).into(),
            shown_parent: Arc::clone(&self.shown),
            meta,
            bytes: Bytes::Blob(blob),
            inside: self.inside.clone(),
            root: Arc::clone(&self.task.root),
            granted: Vec::new(),
            partial,
            notes: Vec::new(),
        };
        self.run.submit(self.scope, task);
    }

    fn close_child(&mut self, complete: bool) {
        if let Some(child) = self.child.take() {
            let blob = child.sink.finish(self.run.stop);
            self.submit(child.meta, blob, !complete);
        }
    }

    /// Grows the open child by `n` bytes, if no limit speaks against it.
    fn grow(&mut self, n: u64) -> Result<(), Stop> {
        let Some(child) = &self.child else { return Err(Stop::Child(Reason::Limit)) };
        let encoded = child.meta.encoded.unwrap_or(self.len).max(1);
        let most = encoded.saturating_mul(self.run.options.limits.ratio).max(Limits::RATIO_FLOOR);
        if child.sink.len() + n > most {
            self.add_note(Note::new("limit").with("what", "expansion ratio"));
            self.close_child(false);
            return Err(Stop::Child(Reason::Limit));
        }
        self.pay(n, 0)
    }

    fn sessions(&self, header: &EvidenceHeader) -> Vec<Box<dyn Session>> {
        self.run.detectors.iter().filter_map(|d| d.start(header)).collect()
    }
}

impl Inspection for Inspector<'_, '_> {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        self.run.stop.check()?;
        match message {
            Message::Format(format) => self.format = format,
            Message::Note(note) => self.add_note(note),
            Message::Label { range, label } => self.labels.add(range, label),
            Message::ChildExtents { meta, extents } => {
                self.pay(0, 1)?;
                for extent in &extents {
                    if let yumen_model::Extent::Data { offset, len } = extent {
                        self.labels.add(*offset..offset.saturating_add(*len), Label::Delegated);
                    }
                }
                let blob = self.blob.slice(&extents);
                self.submit(meta, blob, false);
            }
            Message::ChildStart { meta } => {
                self.close_child(false);
                self.pay(0, 1)?;
                self.child = Some(OpenChild { meta, sink: Sink::new(&self.run.stores) });
            }
            Message::ChildBytes(bytes) => {
                self.grow(bytes.len() as u64)?;
                let spill = self.run.options.spill.as_deref();
                if let Some(child) = &mut self.child
                    && child.sink.write(&bytes, spill).is_err()
                {
                    self.add_note(Note::new("limit").with("what", "spill area"));
                    self.close_child(false);
                    return Err(Stop::Child(Reason::Limit));
                }
            }
            Message::ChildZeros(n) => {
                self.grow(n)?;
                if let Some(child) = &mut self.child {
                    child.sink.zeros(n);
                }
            }
            Message::ChildEnd { complete } => self.close_child(complete),
            Message::Evidence(header) => {
                let sessions = self.sessions(&header);
                self.streams.push((header.stream, sessions));
            }
            Message::Batch { stream, batch } => {
                if let Some((_, sessions)) = self.streams.iter_mut().find(|(id, _)| *id == stream) {
                    for session in sessions {
                        session.feed(&batch, &mut self.findings);
                    }
                }
                let hits = self.findings.count();
                if hits > self.told {
                    self.run.progress.found(hits - self.told);
                    self.told = hits;
                }
            }
            Message::EvidenceEnd { stream } => {
                if let Some(at) = self.streams.iter().position(|(id, _)| *id == stream) {
                    let (_, sessions) = self.streams.swap_remove(at);
                    for session in sessions {
                        session.finish(&mut self.findings);
                    }
                }
            }
            Message::Export(fact) => self.exports.push(fact),
            Message::Need(need) => self.needs.push(need),
        }
        Ok(())
    }
}

fn all_zero(blob: &Blob) -> std::io::Result<bool> {
    for window in blob.windows(1 << 16, 0) {
        if window?.1.iter().any(|&b| b != 0) {
            return Ok(false);
        }
    }
    Ok(true)
}
