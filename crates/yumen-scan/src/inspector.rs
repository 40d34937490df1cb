//! The plugin's counterpart: what it sends is turned into tasks, findings and labels.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rayon::Scope;
use yumen_model::coverage::Labelled;
use yumen_model::{
    Artifact, Batch, Blob, ChildMeta, Context, EvidenceHeader, EvidenceKind, Extent, Findings, GroupFact, Inspection,
    Label, LabelMap, Message, Need, Note, RawBatch, Reason, Session, Stop,
};

use crate::inspect::{Done, note_code};
use crate::options::Limits;
use crate::registry::{Identified, UNKNOWN};
use crate::run::{Bytes, Charge, GroupEntry, Position, Run, Task, lock};
use crate::sink::Sink;
use crate::source::FileSource;

/// Bytes that the sweep of unknown bytes reads at a time.
const SWEEP: u64 = 1 << 20;
/// Stream number of the engine's own stream; plugins count from 0.
const SWEEP_STREAM: u32 = u32::MAX - 1;
/// Notes kept of one artifact.
const NOTES: usize = 64;

/// So many bytes of a hole are charged as one: they are decoded and stored nowhere, but each may be read once more below.
const HOLE_SHARE: u64 = 16;

struct OpenChild {
    meta: ChildMeta,
    sink: Sink,
    /// What counts for the expansion ratio.
    charged: u64,
}

/// The open end of an inspection; the plugin's [`Inspection`].
pub(crate) struct Inspector<'i, 's> {
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
    /// Bytes handed to children as extents so far.
    handed: u64,
    /// Enough is known for an early answer.
    enough: bool,
}

impl<'i, 's> Inspector<'i, 's> {
    /// The beginning of an inspection. `findings` holds what the name gave, `shown` is the masked path.
    pub(crate) fn new(
        run: &'s Run<'s>,
        scope: &'i Scope<'s>,
        task: &'i Task,
        blob: &'i Blob,
        format: &'static str,
        findings: Findings,
        shown: Arc<str>,
    ) -> Self {
        Inspector {
            run,
            scope,
            task,
            shown,
            format: Cow::Borrowed(format),
            inside: task.inside.iter().copied().chain([format]).collect(),
            len: blob.len(),
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
            handed: 0,
            enough: false,
        }
    }
}

impl Inspector<'_, '_> {
    /// Lets the plugin work; the reason that bytes without a label bear.
    pub(crate) fn drive(&mut self, identified: &Identified<'_>) -> Reason {
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
            Ok(_) if self.enough => Reason::NotSampled,
            Ok(Ok(())) => Reason::UnknownFormat,
            Ok(Err(error)) => {
                let code = if error.is_truncation() { "truncated" } else { note_code(error.reason) };
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
    pub(crate) fn conclude(mut self, rest: Reason, file: Option<&FileSource>) {
        let streams = std::mem::take(&mut self.streams);
        let (findings, detectors) = (&mut self.findings, self.run.detectors);
        let finished = catch_unwind(AssertUnwindSafe(|| {
            for (_, sessions) in streams {
                for session in sessions {
                    session.finish(findings);
                }
            }
            for detector in detectors {
                detector.settle(findings);
            }
        }));
        let mut crashed = finished.is_err();
        if crashed {
            self.add_note(Note::new("crashed"));
        }
        crashed |= rest == Reason::Crashed;
        let enough = self.enough;
        let (mut labelled, mut opaque) = (Labelled::default(), Vec::new());
        std::mem::take(&mut self.labels).walk(self.len, rest, |range, label| {
            // What a crashed reader had called inspected was perhaps not.
            let label = match label {
                Label::Inspected if crashed => Label::Opaque(Reason::Crashed),
                // A reader may label ahead of what it sends.
                Label::Inspected if enough => Label::Opaque(Reason::NotSampled),
                label => label,
            };
            labelled.add(&range, label);
            if is_swept(label) {
                opaque.push(range);
            }
        });
        self.sweep(&opaque);
        if let Some(file) = file {
            file.check_changed();
            if self.task.root.changed.load(Ordering::Relaxed) {
                self.add_note(Note::new("changed"));
            }
        }
        let hits = self.findings.count();
        if hits > self.told {
            self.run.progress.found(hits - self.told);
        }
        let notable = !self.findings.is_empty()
            || !self.notes.is_empty()
            || !labelled.opaque.is_empty()
            || self.run.options.all_artifacts;
        let digest = if notable { self.run.digest(self.blob) } else { None };
        if !self.exports.is_empty() || !self.needs.is_empty() {
            self.join_group();
        }
        // A container that ends too early, or whose content is not what was packed, holds, also when each byte that is left could be
        // read: what is missing was not seen.
        let told = |codes: &[&str]| self.notes.iter().any(|n| codes.contains(&&*n.code));
        let container = self.children > 0 || labelled.inspected == 0;
        let listed = if !labelled.opaque.is_empty() {
            None
        } else if told(&["changed"]) {
            Some(Reason::Unreadable)
        } else if told(&["crashed"]) {
            Some(Reason::Crashed)
        } else {
            (container && told(&["truncated", "corrupt", "spanned", "checksum-mismatch"])).then_some(Reason::Corrupt)
        };
        let format = self.format.into_owned();
        let done = Done { format, bytes: self.len, labelled, digest, listed, notes: self.notes, charge: self.charge };
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

    /// Shows free space to the detectors as raw bytes: what could be read counts as inspected, its zeros as padding.
    pub(crate) fn sweep_free_space(&mut self) {
        for hole in self.blob.holes() {
            self.labels.add(hole, Label::Container);
        }
        let stored: Vec<_> = self.blob.stored().collect();
        for range in self.sweep(&stored) {
            self.labels.add(range, Label::Inspected);
        }
    }

    /// Shows bytes in the clear to the detectors and returns what they were shown. Opaque bytes stay opaque: nobody has said what they are.
    fn sweep(&mut self, stretches: &[Range<u64>]) -> Vec<Range<u64>> {
        let mut seen: Vec<Range<u64>> = Vec::new();
        if stretches.is_empty() {
            return seen;
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
            for range in stretches {
                let mut at = range.start;
                while at < range.end {
                    let end = range.end.min(at + SWEEP);
                    let Ok(bytes) = self.blob.bytes(at..end) else { break };
                    match seen.last_mut() {
                        Some(last) if last.end == at => last.end = end,
                        _ => seen.push(at..end),
                    }
                    if is_zero(&bytes) {
                        // Nothing is said in so many zeros, and empty disks are full of them.
                        at = end;
                        continue;
                    }
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
            seen.clear();
        }
        seen
    }

    /// Keeps a note once; a plugin that tells the same of a thousand members is cut short.
    pub(crate) fn add_note(&mut self, note: Note) {
        if self.notes.len() < NOTES && !self.notes.contains(&note) {
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

    /// Grows the open child by what counts as `n` bytes, if no limit speaks against it.
    fn grow(&mut self, n: u64) -> Result<(), Stop> {
        let Some(child) = &mut self.child else { return Err(Stop::Child(Reason::Limit)) };
        let encoded = child.meta.encoded.unwrap_or(self.len).max(1);
        let most = encoded.saturating_mul(self.run.options.limits.ratio).max(Limits::RATIO_FLOOR);
        child.charged = child.charged.saturating_add(n);
        if child.charged > most {
            self.add_note(Note::new("limit").with("what", "expansion ratio"));
            self.close_child(false);
            return Err(Stop::Child(Reason::Limit));
        }
        self.pay(n, 0)
    }

    /// Ends the inspection where something is proven of which more changes nothing, if the user asked for an early answer.
    fn settle_early(&mut self) -> Result<(), Stop> {
        let Some(enough) = &self.run.options.enough else { return Ok(()) };
        let Some((kind, _)) = self.findings.proofs().iter().find(|(kind, distinct)| enough(*kind, distinct)) else {
            return Ok(());
        };
        let note = Note::new("class-proven").with("kind", kind.name());
        self.add_note(note);
        self.enough = true;
        Err(Stop::All(Reason::NotSampled))
    }

    fn sessions(&self, header: &EvidenceHeader) -> Vec<Box<dyn Session>> {
        self.run.detectors.iter().filter_map(|d| d.start(header)).collect()
    }
}

impl Inspection for Inspector<'_, '_> {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        self.run.stop.check()?;
        if self.enough {
            return Err(Stop::All(Reason::NotSampled));
        }
        self.run.tell_progress();
        match message {
            Message::Format(format) => self.format = format,
            Message::Note(note) => self.add_note(note),
            Message::Label { range, label } => self.labels.add(range, label),
            Message::ChildExtents { meta, extents } => {
                let mut charged = 0u64;
                for extent in &extents {
                    match extent {
                        // Bytes handed over more than once are inspected more than once.
                        Extent::Data { offset, len } => {
                            let len = (*len).min(self.len.saturating_sub(*offset));
                            let before = self.handed;
                            self.handed = before.saturating_add(len);
                            charged = charged.saturating_add(self.handed.saturating_sub(before.max(self.len)));
                        }
                        Extent::Zero { len } => charged = charged.saturating_add(len / HOLE_SHARE),
                    }
                }
                self.pay(charged, 1)?;
                // The whole of an artifact as its own child would nest without end.
                if matches!(extents[..], [Extent::Data { offset: 0, len }] if len >= self.len) {
                    let reason = meta.opaque.unwrap_or(Reason::Corrupt);
                    self.labels.add(0..self.len, Label::Opaque(reason));
                    self.add_note(Note::new(note_code(reason)));
                    return Ok(());
                }
                for extent in &extents {
                    if let Extent::Data { offset, len } = extent {
                        self.labels.add(*offset..offset.saturating_add(*len), Label::Delegated);
                    }
                }
                let blob = self.blob.slice(&extents);
                self.submit(meta, blob, false);
            }
            Message::ChildStart { meta } => {
                self.close_child(false);
                self.pay(0, 1)?;
                self.child = Some(OpenChild { meta, sink: Sink::new(&self.run.stores), charged: 0 });
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
                self.grow(n / HOLE_SHARE)?;
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
                self.run.progress.decoded(records(&batch));
                self.settle_early()?;
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

/// Records or positions of a batch.
fn records(batch: &Batch<'_>) -> u64 {
    match batch {
        Batch::Records(b) => b.records.len() as u64,
        Batch::Fixes(b) => b.fixes.len() as u64,
        _ => 0,
    }
}

fn all_zero(blob: &Blob) -> std::io::Result<bool> {
    let mut buffer = vec![0; 1 << 16];
    for run in blob.stored() {
        let mut at = run.start;
        while at < run.end {
            let n = usize::try_from(run.end - at).unwrap_or(usize::MAX).min(buffer.len());
            blob.read_exact_at(at, &mut buffer[..n])?;
            if !is_zero(&buffer[..n]) {
                return Ok(false);
            }
            at += n as u64;
        }
    }
    Ok(true)
}

/// Whether all bytes are zero. Folds whole blocks without a branch, which compilers turn into vector code.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(1024).all(|block| block.iter().fold(0, |sum, &b| sum | b) == 0)
}

/// Opaque bytes that are in the clear.
fn is_swept(label: Label) -> bool {
    use Reason::{Corrupt, Crashed, NeedsOldImage, UnknownFormat, Unsupported};
    matches!(label, Label::Opaque(Corrupt | Crashed | NeedsOldImage | UnknownFormat | Unsupported))
}
