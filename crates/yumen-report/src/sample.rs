//! Reports for tests. All names, numbers and keys in them are made up.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use yumen_model::coverage::{Coverage, Reason as Opacity};
use yumen_model::finding::{Finding, Location, Part};
use yumen_model::kind::{KindId, kinds};
use yumen_model::note::Note;
use yumen_model::outcome::{ArtifactEntry, OpaqueEntry, ScanOutcome};
use yumen_model::subject::{SubjectTally, Subjects};
use yumen_model::verdict::{Class, Classification, Outcome, Question, Reason, Route, Text, Verdict};

use crate::report::{ChecklistItem, CodedText, Input, Recipient, Report, RulebookInfo, Run, ShipmentInfo, Tool};

fn digest(n: u8) -> String {
    format!("blake3:{}", format!("{n:02x}").repeat(32))
}

fn tool() -> Tool {
    Tool { name: "yumen".to_owned(), version: "0.1.0".to_owned() }
}

fn rulebook() -> RulebookInfo {
    RulebookInfo {
        id: "cn-auto-2026".to_owned(),
        digest: digest(0xcb),
        annex: "not-verified".to_owned(),
        edition: "汽车数据出境安全指引（2026版）".to_owned(),
    }
}

fn at(line: u64, column: u64) -> Location {
    Location { line: Some(line), column: Some(column), bytes: Some((line * 40, line * 40 + 17)), ..Location::default() }
}

pub(crate) fn finding(id: &str, kind: KindId, artifact: &str, count: u64, confidence: f64, sample: &str) -> Finding {
    Finding {
        id: id.to_owned(),
        kind,
        artifact: artifact.to_owned(),
        count,
        confidence,
        location: at(12, 5),
        places: (1..count.min(4)).map(|n| at(12 + n, 5)).collect(),
        sample: sample.to_owned(),
        properties: BTreeMap::new(),
        remedies: Vec::new(),
    }
}

fn with(mut finding: Finding, name: &str, value: Value) -> Finding {
    finding.properties.insert(name.to_owned(), value);
    finding
}

fn artifact(path: &str, format: &str, bytes: u64, n: u8) -> ArtifactEntry {
    ArtifactEntry {
        path: path.to_owned(),
        format: format.to_owned(),
        bytes,
        digest: Some(digest(n)),
        notes: Vec::new(),
    }
}

fn verdict(outcome: Outcome, route: Route) -> Verdict {
    Verdict { outcome, route, classes: Vec::new(), reasons: Vec::new(), as_of: None, questions: Vec::new() }
}

fn scan(artifact_count: u64) -> ScanOutcome {
    ScanOutcome { complete: true, subjects: SubjectTally::default(), artifact_count, ..ScanOutcome::default() }
}

fn provenance(pairs: &[(&str, &str)]) -> BTreeMap<String, Value> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), Value::from(*v))).collect()
}

/// Nothing was scanned and nothing was found.
pub(crate) fn empty() -> Report {
    Report::new(tool(), rulebook(), scan(0), Subjects::default(), Vec::new(), verdict(Outcome::Pass, Route::Free))
}

/// Source code without hits: it may go.
pub(crate) fn pass() -> Report {
    let mut scan = scan(3201);
    scan.coverage = Coverage {
        total: 1_288_490_188,
        inspected: 1_088_490_188,
        container: 200_000_000,
        opaque: 0,
        opaque_by_reason: BTreeMap::new(),
    };
    for (id, path) in [("5f5f5f5f00000001", "src/main.c"), ("5f5f5f5f00000002", "src/lib.c")] {
        let mut source = finding(id, kinds::CODE_SOURCE, path, 1, 1.0, "");
        source.location = Location::default();
        scan.findings.push(with(source, "language", json!("c")));
        scan.artifacts.push(artifact(path, "text", 4096, 3));
    }
    let mut verdict = verdict(Outcome::Pass, Route::Free);
    verdict.reasons.push(Reason {
        code: "free".to_owned(),
        text: Text::new("未见个人信息和重要数据。", "Neither personal information nor important data was found."),
        refs: Vec::new(),
        holds: false,
    });
    let mut report = Report::new(tool(), rulebook(), scan, Subjects::default(), Vec::new(), verdict);
    report.inputs = vec![Input { path: "src".to_owned(), bytes: None, digest: None }];
    report
}

/// Keys, persons, a track, an encrypted member, a lying name, two questions: it is held.
pub(crate) fn hold() -> Report {
    let mut scan = scan(418);
    scan.coverage = Coverage {
        total: 356_515_840,
        inspected: 300_000_000,
        container: 56_511_744,
        opaque: 4096,
        opaque_by_reason: BTreeMap::from([(Opacity::Encrypted, 4000), (Opacity::UnknownFormat, 96)]),
    };
    let key = finding(
        "3f9a1c0277aa41d8",
        kinds::KEY_PRIVATE,
        "ota.zip!/deploy/keys/update-signing.pem",
        1,
        0.99,
        "-----BEGIN PRIV…",
    );
    let mut named =
        finding("a0a0a0a0a0a0a0a0", kinds::VEHICLE_PLATE, "ota.zip!/photos/京•••••#1.jpg", 1, 0.9, "京••••••");
    named.location = Location { part: Some(Part::Name), ..Location::default() };
    let mut track = finding("77c0ffee12345678", kinds::GEO_TRACK, "ota.zip!/logs/drive.csv", 1, 0.97, "");
    track.location = Location::default();
    track = with(track, "region", json!("inside"));
    track = with(track, "provinces", json!(["CN-BJ", "CN-HE"]));
    track = with(track, "points", json!(120_000));
    scan.findings = vec![
        with(key, "encrypted", json!(false)),
        finding("0b0b0b0b0b0b0b0b", kinds::KEY_PASSWORD, "ota.zip!/deploy/ci/settings.yaml", 2, 0.9, "••••••••"),
        finding("1111aaaa2222bbbb", kinds::PERSON_PHONE, "ota.zip!/crm/车主信息.csv", 1200, 0.99, "138••••••••"),
        finding(
            "1111aaaa2222cccc",
            kinds::PERSON_ID_NUMBER,
            "ota.zip!/crm/车主信息.csv",
            1180,
            0.99,
            "1101••••••••••••2X",
        ),
        with(
            finding(
                "1111aaaa2222dddd",
                kinds::VEHICLE_VIN,
                "ota.zip!/crm/车主信息.csv",
                1200,
                0.99,
                "LVS••••••••••••22",
            ),
            "checksum",
            json!(true),
        ),
        with(
            finding("1111aaaa2222eeee", kinds::VEHICLE_VIN, "ota.zip!/crm/旧系统导出.csv", 3, 0.5, "LVS••••••••••••00"),
            "checksum",
            json!(false),
        ),
        named,
        track,
        with(
            finding("dddd000000000001", kinds::DOC_SECRECY_MARKING, "ota.zip!/doc/说明.docx", 1, 0.8, "内•"),
            "level",
            json!("internal"),
        ),
        with(
            with(
                finding("eeee000000000001", kinds::SOFTWARE_PACKAGE, "ota.zip!/payload.bin", 1, 0.99, ""),
                "partitions",
                json!(["boot", "system", "vendor"]),
            ),
            "version",
            json!("7.2.1"),
        ),
        finding("cccc000000000001", kinds::CERT_X509, "ota.zip!/deploy/keys/ca.crt", 1, 1.0, "[certificate]"),
    ];
    scan.artifacts = vec![
        ArtifactEntry {
            notes: vec![Note::new("name-lies").with("expected", "jpeg").with("found", "zip")],
            ..artifact("ota.zip!/photos/a.jpg", "zip", 90_000, 7)
        },
        artifact("ota.zip!/deploy/keys/update-signing.pem", "text", 1704, 8),
        artifact("ota.zip!/crm/车主信息.csv", "csv", 240_000, 9),
        ArtifactEntry {
            notes: vec![Note::new("encrypted")],
            ..artifact("ota.zip!/vendor/ecu.enc", "opaque", 4000, 0xee)
        },
        ArtifactEntry { notes: vec![Note::new("directory-entries")], ..artifact("ota.zip", "zip", 56_000_000, 1) },
    ];
    scan.opaque = vec![
        OpaqueEntry {
            artifact: "ota.zip!/vendor/ecu.enc".to_owned(),
            bytes: 4000,
            reason: Opacity::Encrypted,
            digest: Some(digest(0xee)),
        },
        OpaqueEntry {
            artifact: "ota.zip!/vendor/table.bin".to_owned(),
            bytes: 96,
            reason: Opacity::UnknownFormat,
            digest: Some(digest(0xdd)),
        },
    ];
    let ids = |ids: &[&str]| ids.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let row =
        |row: &str, class, zh: &str, en: &str, because: &[&str], status: &str, p: &[(&str, &str)]| Classification {
            row: row.to_owned(),
            class,
            item: Text::new(zh, en),
            because: ids(because),
            status: status.to_owned(),
            settled_by: None,
            provenance: provenance(p),
        };
    let classifications = vec![
        row(
            "DA-d",
            Class::ImportantCandidate,
            "位置轨迹数据",
            "position and track data",
            &["77c0ffee12345678"],
            "open",
            &[("basis", "draft+fragment"), ("confidence", "medium"), ("criterion", "missing")],
        ),
        row(
            "SEC-1",
            Class::General,
            "密钥、口令、令牌",
            "keys, passwords, tokens",
            &["3f9a1c0277aa41d8", "0b0b0b0b0b0b0b0b"],
            "firm",
            &[("basis", "engineering"), ("confidence", "high")],
        ),
        row(
            "PI-S",
            Class::SensitivePersonal,
            "敏感个人信息",
            "sensitive personal information",
            &["1111aaaa2222cccc", "77c0ffee12345678"],
            "firm",
            &[("basis", "law"), ("confidence", "high")],
        ),
        row(
            "PI",
            Class::Personal,
            "个人信息",
            "personal information",
            &["1111aaaa2222bbbb", "1111aaaa2222dddd", "1111aaaa2222eeee", "a0a0a0a0a0a0a0a0"],
            "firm",
            &[("basis", "law"), ("confidence", "high"), ("note", "VIN | plate <b>count</b> when `linkable`")],
        ),
    ];
    let reason = |code: &str, zh: &str, en: &str, refs: &[&str], holds| Reason {
        code: code.to_owned(),
        text: Text::new(zh, en),
        refs: ids(refs),
        holds,
    };
    let mut verdict = verdict(Outcome::Hold, Route::Undetermined);
    verdict.classes = vec![Class::ImportantCandidate, Class::SensitivePersonal, Class::Personal];
    verdict.as_of = Some("2026-11-23".to_owned());
    verdict.reasons = vec![
        reason(
            "keys-found",
            "发现未加密的密钥或口令，且无人承担。",
            "Keys or passwords were found that nobody has accepted.",
            &["SEC-1"],
            true,
        ),
        reason(
            "opaque-bytes",
            "有 2 处内容未能检视，货件清单也未说明。",
            "2 places could not be looked into, and the manifest does not account for them.",
            &[&digest(0xee), &digest(0xdd)],
            true,
        ),
        reason("candidate-open", "规则行 DA-d 待认定。", "Row DA-d needs a person's decision.", &["DA-d"], true),
        reason(
            "personal-counted",
            "本次涉及 1,200 人的个人信息，其中 1,180 人为敏感个人信息。",
            "This shipment holds personal information of 1,200 persons, 1,180 of them sensitive.",
            &["PI", "PI-S"],
            false,
        ),
    ];
    verdict.questions = vec![
        Question {
            fact: "DA-d".to_owned(),
            key: "determinations".to_owned(),
            text: Text::new("这些轨迹是否属于重要数据？", "Is the track data important data?"),
            snippet: Some(
                "determinations:\n  - {row: DA-d, artifacts: [\"ota.zip!/logs/**\"], result: not-important, by: \"\", date: 2026-11-23, basis: \"\"}\n"
                    .to_owned(),
            ),
            about: ids(&["DA-d"]),
        },
        Question {
            fact: "coverage.opaque".to_owned(),
            key: "accept".to_owned(),
            text: Text::new("这些未能检视的内容是什么，由谁承担？", "What are the bytes that could not be looked into, and who answers for them?"),
            snippet: Some(format!(
                "accept:\n  - {{digest: \"{}\", reason: \"\", by: \"\", until: 2026-12-31}}\n  - {{digest: \"{}\", reason: \"\", by: \"\", until: 2026-12-31}}\n",
                digest(0xee),
                digest(0xdd)
            )),
            about: vec![digest(0xee), digest(0xdd)],
        },
        Question {
            fact: "processor.ciio".to_owned(),
            key: "processor.ciio".to_owned(),
            text: Text::new("处理者是否为关键信息基础设施运营者？", "Is the processor an operator of critical information infrastructure?"),
            snippet: Some("processor:\n  ciio: false   # true or false\n".to_owned()),
            about: Vec::new(),
        },
    ];
    let subjects =
        Subjects { personal: 20, sensitive: 1180, vehicles: 1200, uncounted: vec![kinds::GEO_TRACK], exempt: 0 };
    let mut report = Report::new(tool(), rulebook(), scan, subjects, classifications, verdict);
    report.shipment = Some(ShipmentInfo {
        id: "2026-07-ota-eu-04".to_owned(),
        processor: Some("示例汽车有限公司".to_owned()),
        recipient: Some(Recipient { name: "Example Mobility GmbH".to_owned(), country: "DE".to_owned() }),
        scenario: Some("software-upgrade".to_owned()),
        purpose: Some("OTA release for the European fleet".to_owned()),
        transfer_date: Some("2026-07-14".to_owned()),
        digest: digest(0x5a),
    });
    report.inputs = vec![Input { path: "ota.zip".to_owned(), bytes: Some(56_000_000), digest: Some(digest(1)) }];
    report.checklist = [
        ("SP-1", "核验境外接收方身份。", "Verify the identity of the recipient abroad."),
        ("SP-2", "传输加密并校验完整性。", "Encrypt the transfer and check its integrity."),
        ("SP-3", "出境日志至少留存 3 年。", "Keep the logs of the transfer for at least 3 years."),
    ]
    .map(|(id, zh, en)| ChecklistItem { id: id.to_owned(), text: Text::new(zh, en) })
    .to_vec();
    report.notes = vec![CodedText {
        code: "catch-all".to_owned(),
        text: Text::new(
            "主管部门公开或告知的重要数据未随规则库提供，请自行核对。",
            "Data that authorities have published or notified as important is not in the rulebook; check it yourself.",
        ),
    }];
    report.run = Some(Run {
        started: "2026-11-23T15:00:00+08:00".to_owned(),
        finished: "2026-11-23T15:00:02+08:00".to_owned(),
        duration_s: 2.31,
        host: None,
        jobs: 2,
        options: BTreeMap::from([("exhaustive".to_owned(), json!(false))]),
    });
    report
}

/// So many phone findings and a hundredth as many tracks, all feeding rows, and so many opaque places.
pub(crate) fn many(n: usize) -> Report {
    let mut report = hold();
    let mut scan = scan(n as u64 + 1);
    let opaque = (n as u64 * (n as u64 + 1)) / 2;
    scan.coverage = Coverage {
        total: 1_000_000_000 + opaque,
        inspected: 1_000_000_000,
        container: 0,
        opaque,
        opaque_by_reason: BTreeMap::from([(Opacity::Encrypted, opaque)]),
    };
    let mut because = (Vec::new(), Vec::new());
    for i in 0..n {
        let path = format!("dump.tar!/part-{:04}/区域{}/customers-{i}.csv", i / 100, i % 34);
        if i % 100 == 0 {
            let id = format!("t{i:015x}");
            scan.findings.push(finding(&id, kinds::GEO_TRACK, &path, 1, 0.9, ""));
            because.1.push(id);
        }
        let id = format!("f{i:015x}");
        scan.findings.push(finding(&id, kinds::PERSON_PHONE, &path, i as u64 % 7 + 1, 0.99, "138••••••••"));
        because.0.push(id);
        scan.opaque.push(OpaqueEntry {
            artifact: format!("{path}.enc"),
            bytes: i as u64 + 1,
            reason: Opacity::Encrypted,
            digest: Some(digest((i % 256) as u8)),
        });
        scan.artifacts.push(artifact(&path, "csv", 100, 1));
    }
    report.classifications[0].because = because.1;
    report.classifications[3].because = because.0;
    let mut many = Report::new(
        tool(),
        rulebook(),
        scan,
        report.subjects.clone(),
        report.classifications.clone(),
        report.verdict.clone(),
    );
    many.checklist = report.checklist;
    many.notes = report.notes;
    many
}
