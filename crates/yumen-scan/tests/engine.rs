//! The engine with a small container format of its own and a detector that looks for `SECRET-` and digits.

#![allow(clippy::unwrap_used)]

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};
use yumen_model::kind::kinds;
use yumen_model::{
    Artifact, Batch, ByteMap, Certainty, ChildMeta, Context, Detector, EvidenceHeader, EvidenceKind, Findings, Format,
    GroupFact, Grouper, Hit, Identity, InspectError, Inspection, InspectionExt, KindId, Location, Mask, Member,
    Message, Need, Part, Plugin, Probe, Reason, ScanOutcome, Secret, Session, TextBatch,
};
use yumen_scan::{Limits, Quiet, Registry, ScanOptions, StopFlag, scan};

const fn format(name: &'static str, extensions: &'static [&'static str]) -> Format {
    Format {
        name,
        title: name,
        media_type: "application/x-test",
        extensions,
        magic: "BOX1",
        reference: "this test",
        evidence: "children",
        limitations: &[],
    }
}

static BOX: [Format; 1] = [format("box", &["box"])];
static TEXT: [Format; 1] = [format("note", &["note"])];

/// `BOX1`, then entries: kind (0 stored, 1 a run of one byte, 2 encrypted), name length, name, length (8 bytes little-endian), data.
struct BoxPlugin;

impl Plugin for BoxPlugin {
    fn formats(&self) -> &'static [Format] {
        &BOX
    }
    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        probe.head.starts_with(b"BOX1").then(|| Identity::new("box", Certainty::Signature))
    }
    fn inspect(&self, a: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut at = 4;
        out.container(0..4)?;
        while at < a.blob.len() {
            let head = a.blob.bytes(at..at + 2).map_err(|e| InspectError::read(at, &e))?;
            let [kind, name_len] = head[..] else { return Err(InspectError::corrupt(at, "the header ends early")) };
            let data = at + 2 + u64::from(name_len) + 8;
            let rest = a.blob.bytes(at + 2..data).map_err(|e| InspectError::read(at, &e))?;
            let Some((name, len)) = rest.split_at_checked(usize::from(name_len)) else {
                return Err(InspectError::corrupt(at, "the header ends early"));
            };
            let Ok(len) = <[u8; 8]>::try_from(len) else {
                return Err(InspectError::corrupt(at, "the header ends early"));
            };
            let len = u64::from_le_bytes(len);
            let mut meta = ChildMeta::named(name);
            out.container(at..data)?;
            at = match kind {
                1 => {
                    meta.encoded = Some(1);
                    let byte = a.blob.bytes(data..data + 1).map_err(|e| InspectError::read(at, &e))?;
                    out.child_start(meta)?;
                    let chunk = vec![byte[0]; 1 << 16];
                    let mut left = len;
                    while left > 0 {
                        let n = left.min(chunk.len() as u64);
                        match out.child_bytes(&chunk[..n as usize]) {
                            Ok(()) => left -= n,
                            Err(yumen_model::Stop::Child(reason)) => {
                                out.opaque(data..data + 1, reason)?;
                                break;
                            }
                            Err(stop) => return Err(stop.into()),
                        }
                    }
                    if left == 0 {
                        out.child_end(true)?;
                        out.container(data..data + 1)?;
                    }
                    data + 1
                }
                kind => {
                    if data + len > a.blob.len() {
                        return Err(InspectError::corrupt(at, "the data ends before its structure does"));
                    }
                    meta.opaque = (kind == 2).then_some(Reason::Encrypted);
                    out.child_range(meta, data..data + len)?;
                    data + len
                }
            };
        }
        Ok(())
    }
}

/// Anything that is UTF-8; `PANIC` makes it panic, `SCHEMA=` exports, `NEEDS` asks.
struct TextPlugin;

impl Plugin for TextPlugin {
    fn formats(&self) -> &'static [Format] {
        &TEXT
    }
    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let ok = std::str::from_utf8(probe.head).is_ok() && !probe.head.contains(&0);
        ok.then(|| Identity::new("note", Certainty::Plausible))
    }
    fn inspect(&self, a: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let bytes = a.blob.bytes(0..a.blob.len()).map_err(|e| InspectError::read(0, &e))?;
        out.inspected(0..a.blob.len())?;
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        for fact in context.facts("schema") {
            text.push_str(fact.as_str().unwrap_or(""));
        }
        let header = EvidenceHeader {
            stream: 0,
            kind: EvidenceKind::Text,
            format: "note".into(),
            name: a.name.clone(),
            properties: Default::default(),
        };
        out.send(Message::Evidence(header))?;
        let batch = TextBatch { text: Cow::Borrowed(&text), map: ByteMap::identity(0) };
        out.batch(0, Batch::Text(batch))?;
        out.send(Message::EvidenceEnd { stream: 0 })?;
        assert!(!text.contains("PANIC"), "the parser breaks");
        if let Some(value) = text.strip_prefix("SCHEMA=") {
            out.send(Message::Export(GroupFact { key: "schema".into(), value: json!(value) }))?;
        }
        if text.contains("NEEDS") {
            out.send(Message::Need(Need { key: "schema".into() }))?;
        }
        Ok(())
    }
    fn groupers(&self) -> Vec<Box<dyn Grouper>> {
        vec![Box::new(AllToAll)]
    }
}

struct AllToAll;

impl Grouper for AllToAll {
    fn key(&self) -> &'static str {
        "schema"
    }
    fn grant(&self, _: &Member<'_>, neighbours: &[Member<'_>]) -> Vec<Value> {
        neighbours.iter().flat_map(|n| n.exports.iter().map(|v| (*v).clone())).collect()
    }
}

struct Secrets;
struct SecretSession(bool);

impl Detector for Secrets {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::KEY_TOKEN]
    }
    fn start(&self, header: &EvidenceHeader) -> Option<Box<dyn Session>> {
        Some(Box::new(SecretSession(header.kind == EvidenceKind::Name)))
    }
}

impl Session for SecretSession {
    fn feed(&mut self, batch: &Batch<'_>, out: &mut Findings) {
        let text = match batch {
            Batch::Text(t) => t.text.clone(),
            Batch::Raw(r) => String::from_utf8_lossy(&r.bytes).into_owned().into(),
            _ => return,
        };
        for (at, found) in text.match_indices("SECRET-") {
            let end = at + found.len() + 4;
            let Some(value) = text.get(at..end) else { continue };
            out.hit(Hit {
                kind: kinds::KEY_TOKEN,
                location: Location {
                    part: self.0.then_some(Part::Name),
                    bytes: Some((at as u64, end as u64)),
                    ..Location::default()
                },
                secret: Secret::new(value),
                mask: Mask::All,
                confidence: 0.9,
                distinct: vec![],
                collect: vec![],
            });
            out.prove(kinds::KEY_TOKEN, vec![]);
        }
    }
    fn finish(self: Box<Self>, _: &mut Findings) {}
}

fn entry(kind: u8, name: &str, len: u64, data: &[u8]) -> Vec<u8> {
    let mut out = vec![kind, name.len() as u8];
    out.extend(name.as_bytes());
    out.extend(len.to_le_bytes());
    out.extend(data);
    out
}

fn stored(name: &str, data: &[u8]) -> Vec<u8> {
    entry(0, name, data.len() as u64, data)
}

fn boxed(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"BOX1".to_vec();
    entries.iter().for_each(|e| out.extend(e));
    out
}

fn run(inputs: &[PathBuf], options: &ScanOptions) -> ScanOutcome {
    let registry = Registry::new(vec![Box::new(BoxPlugin), Box::new(TextPlugin)]);
    scan(inputs, &registry, &[Box::new(Secrets)], options, &StopFlag::default(), &Quiet).unwrap()
}

fn paths(outcome: &ScanOutcome) -> Vec<String> {
    outcome.findings.iter().map(|f| f.artifact.clone()).collect()
}

fn below(dir: &Path, path: &str) -> String {
    path.strip_prefix(&format!("{}/", dir.display())).unwrap_or(path).to_owned()
}

fn checks(outcome: &ScanOutcome) {
    let c = &outcome.coverage;
    assert_eq!(c.total, c.inspected + c.container + c.opaque);
    assert_eq!(c.opaque, c.opaque_by_reason.values().sum::<u64>());
    assert_eq!(c.opaque, outcome.opaque.iter().map(|o| o.bytes).sum::<u64>());
}

#[test]
fn finds_in_every_layer_and_accounts_for_every_byte() {
    let dir = tempfile::tempdir().unwrap();
    let inner = boxed(&[stored("deep.note", b"SECRET-1234"), entry(2, "x.enc", 5, b"\x00\x01\x02\x03\x04")]);
    let outer = boxed(&[stored("in.box", &inner), entry(1, "run", 10, b"a"), stored("unk", b"\x00SECRET-9999")]);
    fs::write(dir.path().join("a.box"), &outer).unwrap();
    let outcome = run(&[dir.path().to_owned()], &ScanOptions::default());
    checks(&outcome);
    let found: Vec<_> = paths(&outcome).iter().map(|p| below(dir.path(), p)).collect();
    assert_eq!(found, ["a.box!/in.box!/deep.note", "a.box!/unk"]);
    assert_eq!(outcome.opaque.len(), 2, "the encrypted member and the unknown bytes");
    assert_eq!(outcome.opaque[0].reason, Reason::Encrypted);
    assert_eq!((outcome.opaque[0].bytes, outcome.opaque[1].bytes), (5, 12));
    // Outer less delegated, inner less delegated, then the leaves.
    let expected = (outer.len() - inner.len() - 12) + (inner.len() - 11 - 5) + 11 + 5 + 10 + 12;
    assert_eq!(outcome.coverage.total, expected as u64);
    assert_eq!(outcome.artifact_count, 6);
    assert!(outcome.complete);
}

#[test]
fn an_early_answer_leaves_the_rest_opaque() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.note"), "SECRET-1111").unwrap();
    fs::write(dir.path().join("b.note"), "nothing").unwrap();
    let enough = std::sync::Arc::new(|kind, _: &yumen_model::Props| kind == kinds::KEY_TOKEN);
    let outcome = run(&[dir.path().to_owned()], &ScanOptions { enough: Some(enough), ..ScanOptions::default() });
    checks(&outcome);
    assert_eq!(outcome.findings.len(), 1);
    assert_eq!(outcome.opaque.iter().map(|o| (o.bytes, o.reason)).collect::<Vec<_>>(), [(11, Reason::NotSampled)]);
    assert!(outcome.artifacts.iter().any(|a| a.notes.iter().any(|n| n.code == "class-proven")));
}

#[test]
fn a_crash_costs_one_artifact_only() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.note"), "PANIC SECRET-1111").unwrap();
    fs::write(dir.path().join("b.note"), "SECRET-2222").unwrap();
    let outcome = run(&[dir.path().to_owned()], &ScanOptions::default());
    checks(&outcome);
    assert_eq!(outcome.opaque.len(), 1);
    assert_eq!(outcome.opaque[0].reason, Reason::Crashed);
    assert!(outcome.findings.iter().any(|f| f.artifact.ends_with("b.note")));
    assert!(outcome.artifacts.iter().any(|a| a.notes.iter().any(|n| n.code == "crashed")));
}

#[test]
fn hits_in_names_are_masked_in_every_path() {
    let dir = tempfile::tempdir().unwrap();
    let inner = boxed(&[stored("SECRET-1234/x", b"SECRET-5678"), stored("SECRET-1235/x", b"SECRET-5678")]);
    fs::write(dir.path().join("SECRET-0000.box"), inner).unwrap();
    let outcome = run(&[dir.path().to_owned()], &ScanOptions::default());
    let text = format!("{:?} {:?} {:?}", outcome.findings, outcome.artifacts, outcome.opaque);
    assert!(!text.contains("SECRET-"), "{text}");
    let unique: std::collections::BTreeSet<_> = outcome.artifacts.iter().map(|a| &a.path).collect();
    assert_eq!(unique.len(), outcome.artifacts.len(), "masked paths stay unique");
    assert_eq!(outcome.findings.iter().map(|f| f.count).collect::<Vec<_>>(), [1, 2, 2]);
}

#[test]
fn limits_are_told_and_the_rest_is_still_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut nested = boxed(&[stored("z.note", b"SECRET-1234")]);
    for _ in 0..5 {
        nested = boxed(&[stored("n.box", &nested)]);
    }
    fs::write(dir.path().join("deep.box"), &nested).unwrap();
    let bomb = boxed(&[entry(1, "bomb", 600 << 20, b"a"), stored("after.note", b"SECRET-4321")]);
    fs::write(dir.path().join("bomb.box"), &bomb).unwrap();
    let limits = Limits { depth: 4, ..Limits::default() };
    let outcome = run(&[dir.path().to_owned()], &ScanOptions { limits, ..ScanOptions::default() });
    checks(&outcome);
    assert!(outcome.findings.iter().any(|f| f.artifact.ends_with("after.note")));
    assert!(!outcome.findings.iter().any(|f| f.artifact.ends_with("z.note")));
    assert!(outcome.opaque.iter().any(|o| o.reason == Reason::Limit && o.artifact.contains("deep.box")));
    assert!(outcome.opaque.iter().any(|o| o.reason == Reason::Limit && o.artifact.ends_with("bomb.box")));
}

/// Hands over the same bytes many times over, or a long hole; and says that a checksum is wrong.
struct Repeats;

impl Plugin for Repeats {
    fn formats(&self) -> &'static [Format] {
        &BOX
    }
    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        probe.head.starts_with(b"BOX").then(|| Identity::new("box", Certainty::Signature))
    }
    fn inspect(&self, a: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        out.container(0..a.blob.len())?;
        if a.blob.bytes(3..4).unwrap() == b"R" {
            for i in 0..100_000 {
                out.child_range(ChildMeta::named(format!("{i}").as_bytes()), 4..a.blob.len())?;
            }
        } else {
            let holes = if a.blob.bytes(3..4).unwrap() == b"H" { 1 << 46 } else { 1 << 30 };
            let extents = vec![yumen_model::Extent::Zero { len: holes }];
            out.send(Message::ChildExtents { meta: ChildMeta::named(b"hole"), extents })?;
            out.note(yumen_model::Note::new("checksum-mismatch"))?;
        }
        Ok(())
    }
}

#[test]
fn bytes_handed_over_again_and_again_and_endless_holes_are_over_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let scan_one = |content: Vec<u8>| {
        fs::write(dir.path().join("a.box"), content).unwrap();
        let registry = Registry::new(vec![Box::new(Repeats)]);
        let inputs = [dir.path().join("a.box")];
        scan(&inputs, &registry, &[], &ScanOptions::default(), &StopFlag::default(), &Quiet).unwrap()
    };
    let again = scan_one([b"BOXR".to_vec(), vec![0; 100_000]].concat());
    assert_eq!(again.opaque[0].reason, Reason::Limit);
    let endless = scan_one(b"BOXH".to_vec());
    assert_eq!(endless.opaque[0].reason, Reason::Limit);
    // A hole of usual length passes; the wrong checksum is listed without bytes, and so holds.
    let usual = scan_one(b"BOXU".to_vec());
    checks(&usual);
    assert_eq!((usual.opaque.len(), usual.opaque[0].bytes, usual.opaque[0].reason), (1, 0, Reason::Corrupt));
}

#[test]
fn totals_are_charged_in_tree_order_whatever_the_threads() {
    let dir = tempfile::tempdir().unwrap();
    let part =
        |i: usize| boxed(&[entry(1, "run", 3 << 20, b"a"), stored("s.note", format!("SECRET-{i:04}").as_bytes())]);
    let parts: Vec<_> = (0..40).map(|i| stored(&format!("{i:02}.box"), &part(i))).collect();
    fs::write(dir.path().join("a.box"), boxed(&parts)).unwrap();
    // The floor of the total is 4 GiB; the entry limit is the one to meet here: 40 parts and 2 entries in each.
    let limits = Limits { entries: 80, ..Limits::default() };
    let base = ScanOptions { limits, all_artifacts: true, ..ScanOptions::default() };
    let one = run(&[dir.path().to_owned()], &ScanOptions { jobs: 1, ..base.clone() });
    checks(&one);
    assert_eq!(one.findings.len(), 20, "the first twenty parts fit");
    for jobs in [2, 4, 8] {
        let many = run(&[dir.path().to_owned()], &ScanOptions { jobs, ..base.clone() });
        assert_eq!(format!("{one:?}"), format!("{many:?}"));
    }
}

#[test]
fn neighbours_lend_facts_and_the_needy_is_read_anew() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.note"), "NEEDS ").unwrap();
    fs::write(dir.path().join("b.note"), "SCHEMA=SECRET-7777").unwrap();
    let apart = dir.path().join("apart");
    fs::create_dir(&apart).unwrap();
    fs::write(apart.join("c.note"), "NEEDS ").unwrap();
    let options = ScanOptions { all_artifacts: true, ..ScanOptions::default() };
    let outcome = run(&[dir.path().to_owned()], &options);
    checks(&outcome);
    let found: Vec<_> = paths(&outcome).iter().map(|p| below(dir.path(), p)).collect();
    assert_eq!(found, ["a.note", "b.note"]);
    assert_eq!(outcome.artifacts.len(), 3);
}

#[test]
fn links_special_files_lying_names_exclusions_and_git_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    fs::write(d.join("real.note"), "x").unwrap();
    fs::write(d.join("lies.box"), "only text").unwrap();
    fs::write(d.join("skip.note"), "SECRET-1234").unwrap();
    fs::write(d.join("empty.box"), "").unwrap();
    fs::write(d.join("zeros"), [0; 600]).unwrap();
    std::os::unix::fs::symlink("real.note", d.join("inside")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", d.join("outside")).unwrap();
    std::os::unix::fs::symlink(".", d.join("loop")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(d.join("socket")).unwrap();
    fs::create_dir_all(d.join(".git/objects")).unwrap();
    fs::write(d.join(".git/HEAD"), "ref: SECRET-1234").unwrap();
    let mut exclude = globset::GlobSetBuilder::new();
    exclude.add(globset::Glob::new("skip.*").unwrap());
    let options = ScanOptions { exclude: exclude.build().unwrap(), ..ScanOptions::default() };
    let outcome = run(&[d.to_owned()], &options);
    checks(&outcome);
    assert_eq!(paths(&outcome), [] as [&str; 0]);
    let note = |name: &str| -> Vec<String> {
        let artifact = outcome.artifacts.iter().find(|a| a.path.ends_with(name));
        artifact.map(|a| a.notes.iter().map(|n| n.code.to_string()).collect()).unwrap_or_default()
    };
    assert_eq!(note("/inside"), ["symlink"]);
    assert_eq!(note("/outside"), ["symlink-outside"]);
    assert_eq!(note("/loop"), ["symlink"]);
    assert_eq!(note("/socket"), ["special-file"]);
    assert_eq!(note("lies.box"), ["name-lies"]);
    assert_eq!(note("empty.box"), [] as [&str; 0]);
    let opaque: Vec<_> = outcome.opaque.iter().map(|o| (below(d, &o.artifact), o.bytes, o.reason)).collect();
    assert_eq!(
        opaque,
        [
            (".git".to_owned(), 16, Reason::Unsupported),
            ("skip.note".to_owned(), 11, Reason::Excluded),
            ("socket".to_owned(), 0, Reason::Unsupported)
        ]
    );
}

#[test]
fn an_interrupted_scan_says_so() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.note"), "SECRET-1234").unwrap();
    let stop = StopFlag::default();
    stop.interrupt();
    let registry = Registry::new(vec![Box::new(TextPlugin)]);
    let inputs = [dir.path().join("a.note")];
    let outcome = scan(&inputs, &registry, &[], &ScanOptions::default(), &stop, &Quiet).unwrap();
    assert!(!outcome.complete);
    assert_eq!(outcome.opaque[0].reason, Reason::TimedOut);
}

#[test]
fn missing_inputs_are_errors_all_at_once() {
    let registry = Registry::new(vec![]);
    let inputs = [PathBuf::from("/no/such/a"), PathBuf::from("/no/such/b")];
    let errors = scan(&inputs, &registry, &[], &ScanOptions::default(), &StopFlag::default(), &Quiet).unwrap_err();
    assert_eq!(errors.len(), 2);
}

fn tree() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        "[a-z ]{0,20}".prop_map(String::into_bytes),
        Just(b"SECRET-1234".to_vec()),
        Just(b"PANIC SECRET-1234".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..30),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        proptest::collection::vec((0u8..3, "[a-c]{0,2}", inner, 0u64..100_000), 0..6).prop_map(|entries| {
            let entries: Vec<_> = entries
                .into_iter()
                .map(|(kind, name, data, n)| match kind {
                    1 => entry(1, &name, n, b"x"),
                    k => entry(k, &name, data.len() as u64, &data),
                })
                .collect();
            boxed(&entries)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn the_report_does_not_depend_on_threads_or_memory(data in tree(), cut in 0usize..400, memory in 0u64..100_000) {
        let dir = tempfile::tempdir().unwrap();
        let whole = dir.path().join("a.box");
        fs::write(&whole, &data).unwrap();
        fs::write(dir.path().join("cut.box"), &data[..cut.min(data.len())]).unwrap();
        let inputs = [dir.path().to_owned()];
        let one = run(&inputs, &ScanOptions { jobs: 1, all_artifacts: true, ..ScanOptions::default() });
        checks(&one);
        let limits = Limits { memory, ..Limits::default() };
        let many = run(&inputs, &ScanOptions { jobs: 3, all_artifacts: true, limits, ..ScanOptions::default() });
        prop_assert_eq!(format!("{:?}", one), format!("{:?}", many));
    }
}
