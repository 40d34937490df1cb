//! Tests of whole sessions.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use yumen_model::finding::FindingsParts;
use yumen_model::kind::kinds as k;
use yumen_model::{
    Batch, ByteMap, Cell, Detector, EvidenceHeader, EvidenceKind, Findings, RecordBatch, SubjectKey, TextBatch,
};

use super::CodeDetector;

fn detector() -> &'static CodeDetector {
    static DETECTOR: std::sync::OnceLock<CodeDetector> = std::sync::OnceLock::new();
    DETECTOR.get_or_init(CodeDetector::new)
}

fn run(header: &EvidenceHeader, batches: &[Batch<'_>]) -> Option<FindingsParts> {
    let mut findings = Findings::new(SubjectKey::new([0; 32]), 100, false);
    let mut session = detector().start(header)?;
    for batch in batches {
        session.feed(batch, &mut findings);
    }
    session.finish(&mut findings);
    Some(findings.into_parts())
}

fn header(kind: EvidenceKind, format: &'static str, name: &str, properties: &[(&str, Value)]) -> EvidenceHeader {
    let properties: BTreeMap<String, Value> = properties.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
    EvidenceHeader { stream: 0, kind, format: format.into(), name: name.to_owned(), properties }
}

fn text(name: &str, text: &str, cuts: &[usize]) -> Option<FindingsParts> {
    let mut at: Vec<usize> = cuts.iter().map(|c| text.floor_char_boundary(c % (text.len() + 1))).collect();
    at.extend([0, text.len()]);
    at.sort_unstable();
    let batches: Vec<Batch<'_>> = at
        .windows(2)
        .map(|w| Batch::Text(TextBatch { text: text[w[0]..w[1]].into(), map: ByteMap::identity(w[0] as u64) }))
        .collect();
    run(&header(EvidenceKind::Text, "text", name, &[]), &batches)
}

fn kinds(parts: &FindingsParts) -> Vec<&'static str> {
    parts.aggregates.iter().map(|a| a.kind.name()).filter(|n| *n != "code.source").collect()
}

const SAMPLE: &str = "/* 车控：远程\n解锁 */\nint tbox_on_cmd(const char *s) {\n  if (!strcmp(s, \"remote door unlock\")) return bcm_unlockDoor(\"车门\");\n\
                      \treturn remoteEngineStart(vehicle);\n}\n// AEB: emergency brake\nvoid AEB_Request(void) { Rte_Write_EmergencyBrake(1); }\n";

#[test]
fn places_are_lines_columns_and_bytes() {
    let parts = text("a.c", SAMPLE, &[]).unwrap();
    let remote = parts.aggregates.iter().find(|a| a.kind == k::CODE_REMOTE_CONTROL).unwrap();
    let start = SAMPLE.find("remoteEngineStart").unwrap() as u64;
    let place = remote.places.iter().map(|p| &p.0).find(|p| p.bytes == Some((start, start + 17))).unwrap();
    assert_eq!((place.line, place.column), (Some(5), Some(9)));
    let source = parts.aggregates.iter().find(|a| a.kind == k::CODE_SOURCE).unwrap();
    assert_eq!(source.properties["lines"], json!(8));
    assert!(source.lists["languages"].contains("c"));
}

proptest! {
    #[test]
    fn cuts_change_nothing(cuts in proptest::collection::vec(0usize..100_000, 0..12), long in 0usize..3, name in 0usize..2) {
        let filler = "x = y + z;\n".repeat(400 * long);
        let whole = format!("#include <a.h>\n#define B 1\n{filler}{SAMPLE}{}{SAMPLE}", "unlock vehicle door ".repeat(900 * long));
        let name = ["a.c", "notes"][name];
        prop_assert_eq!(text(name, &whole, &cuts).map(|p| p.aggregates), text(name, &whole, &[]).map(|p| p.aggregates));
    }

    #[test]
    fn any_text_is_read(s in "\\PC{0,300}", file in 0usize..6) {
        let _ = text(["a.c", "a.py", "a.js", "a.st", "a", "sw-description"][file], &s, &[]);
    }
}

#[test]
fn words_of_other_trades_are_nothing() {
    for (name, content) in [
        ("git.py", "def remote_update(self):\n    self.remote.fetch()\n    self.lock.unlock()\n"),
        ("lock.go", "func (c *Cluster) RemoteLock(key string) error { return c.server.Lock(key) }\n"),
        ("engine.js", "class Engine { start() { this.audio.start(); } stop() {} }\nnew GameEngine().start();\n"),
        ("acc.c", "static int acc_x, acc_y; // accelerometer\nfloat acc_target = accumulate(acc);\n"),
        ("ship.py", "def cruise(passengers):\n    book(cruise_ship, cabin)\n"),
        ("pay.rb", "charge = Stripe::Charge.create(amount: 10)\ncharge.capture\n"),
        (
            "power.c",
            "int battery_charge_level(void) { return read(\"/sys/class/power_supply/BAT0/charge_now\"); }\nint battery_temp;\n",
        ),
        ("apt.sh", "apt-get update && apt-get upgrade -y\nwget http://x/package.deb\ndpkg --install package.deb\n"),
        ("pcie.c", "pcie_lane_count = 4; lane_status = read(lane);\n"),
        ("game.cs", "if (Input.GetKey(Space)) brake = maxBrake; wheel.motorTorque = 0;\n"),
        ("doc.txt", "Remote unlock of the vehicle door is described in chapter 4.\n"),
    ] {
        let found = text(name, content, &[]).map(|p| kinds(&p)).unwrap_or_default();
        assert!(found.is_empty(), "{name}: {found:?}");
    }
}

#[test]
fn names_of_descriptions_and_symbols_have_their_own_form() {
    let cells = ["AEB_EmergencyBrakeReq", "ACC_SetSpeed", "ACC_TimeGap", "RemoteDoorUnlockCmd"];
    let mut batch = RecordBatch { names: vec!["signal".into(), "symbol".into()], ..RecordBatch::default() };
    let mut all = String::new();
    for (i, value) in cells.iter().enumerate() {
        let start = u32::try_from(all.len()).unwrap();
        all.push_str(value);
        let end = u32::try_from(all.len()).unwrap();
        all.push(RecordBatch::CELL_END);
        let at = u64::from(start);
        let cell = Cell {
            name: 0,
            column_index: 0,
            start,
            end,
            byte_start: at,
            byte_end: u64::from(end),
            line: 1 + i as u64,
            column: 1,
            verbatim: true,
        };
        batch.cells.push(cell);
        batch.records.push(u32::try_from(i).unwrap());
    }
    batch.text = all.into();
    let form = |parts: FindingsParts| {
        let all: Vec<_> = parts.aggregates.iter().map(|a| format!("{} {:?}", a.kind, a.distinct)).collect();
        all.join("; ")
    };
    let names = run(
        &header(EvidenceKind::Records, "dbc", "a.dbc", &[("role", json!("names"))]),
        &[Batch::Records(batch.clone())],
    )
    .unwrap();
    assert_eq!(kinds(&names), ["code.remote-control", "code.emergency-brake", "code.cruise"]);
    assert!(form(names).contains("description"));
    batch.cells.iter_mut().for_each(|c| c.name = 1);
    let symbols = run(&header(EvidenceKind::Records, "elf", "a.so", &[]), &[Batch::Records(batch.clone())]).unwrap();
    assert!(form(symbols).contains("binary"));
    assert!(run(&header(EvidenceKind::Records, "csv", "a.csv", &[]), &[Batch::Records(batch)]).is_none());
}

/// The labelled set: every file says in its first line what is in it.
#[test]
fn the_labelled_set_is_found() {
    let set = include_str!("../../../../tests/code/labelled.txt");
    let (mut right, mut wrong, mut missed) = (0, Vec::new(), Vec::new());
    let mut files = 0;
    for part in set.split("\n=== ").skip(1) {
        let (head, content) = part.split_once('\n').unwrap();
        let mut words = head.split_whitespace();
        let name = words.next().unwrap();
        let wanted: Vec<String> =
            words.filter(|w| *w != "-" && !w.starts_with('?')).map(|w| format!("code.{w}")).collect();
        let loose: Vec<String> =
            head.split_whitespace().filter_map(|w| w.strip_prefix('?')).map(|w| format!("code.{w}")).collect();
        let found = text(name, content, &[]).map(|p| kinds(&p)).unwrap_or_default();
        files += 1;
        right += wanted.iter().filter(|w| found.contains(&w.as_str())).count();
        missed.extend(wanted.iter().filter(|w| !found.contains(&w.as_str())).map(|w| format!("{name} {w}")));
        wrong.extend(
            found.iter().filter(|f| !wanted.iter().chain(&loose).any(|w| w == *f)).map(|w| format!("{name} {w}")),
        );
    }
    assert!(files >= 60, "{files}");
    let recall = f64::from(u32::try_from(right).unwrap()) / f64::from(u32::try_from(right + missed.len()).unwrap());
    println!("{files} files, {right} right, recall {recall:.3}\nwrong: {wrong:#?}\nmissed: {missed:#?}");
    assert!(recall > 0.93 && wrong.len() * 20 <= right, "recall {recall:.3}\nwrong: {wrong:#?}\nmissed: {missed:#?}");
}
