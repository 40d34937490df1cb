use proptest::prelude::*;
use yumen_model::finding::Aggregate;
use yumen_model::{ByteMap, SubjectKey, TextBatch};

use super::*;
use crate::scanner::TextDetector;

/// What the whole pass finds in a text that arrives in pieces.
fn pass(text: &str, cuts: &[usize]) -> Vec<Aggregate> {
    let header = EvidenceHeader {
        stream: 0,
        kind: EvidenceKind::Text,
        format: "text".into(),
        name: "a.log".to_owned(),
        properties: Default::default(),
    };
    let detector = TextDetector::new(RECOGNISERS.to_vec());
    let mut findings = Findings::new(SubjectKey::new([0; 32]), 20, false);
    let mut session = detector.start(&header).unwrap();
    let mut at = 0;
    for cut in cuts.iter().copied().chain([text.len()]) {
        let mut cut = cut.clamp(at, text.len());
        while !text.is_char_boundary(cut) {
            cut += 1;
        }
        let batch = TextBatch { text: text[at..cut].into(), map: ByteMap::identity(at as u64) };
        session.feed(&Batch::Text(batch), &mut findings);
        at = cut;
    }
    session.finish(&mut findings);
    findings.into_parts().aggregates
}

/// Made for these tests only.
const PLANTED: &str = "2026-11-23 connect postgres://app:Xyz987!q@10.2.3.4:5432/fleet\n登录密码：S3cr3t!Pass\n-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIKnAVVLjMJ0TGyXKrVbyH0xQbTk3sgUaDcLQp0Zs0xdv\n-----END PRIVATE KEY-----\napi_key = 9aF3kLmQ82xZpT7vYc1b\n";

#[test]
fn the_whole_pass_finds_what_is_planted_in_a_log() {
    let noise = "2026-11-23 12:00:00 INFO token refreshed for session, password accepted\n".repeat(3000);
    let found = pass(&format!("{noise}{PLANTED}{noise}"), &[]);
    let told: Vec<_> = found.iter().map(|a| (a.kind.name(), a.count)).collect();
    assert_eq!(told, [("key.private", 1), ("key.password", 2), ("key.token", 1)]);
    let key = &found[0].places[0];
    assert_eq!((key.0.line, key.0.column), (Some(3003), Some(1)));
    assert_eq!(key.1.as_str(), "-----BEGIN PRIV…");
}

#[test]
fn dense_marks_end_soon() {
    let start = std::time::Instant::now();
    for unit in [
        "-----BEGIN PRIVATE KEY-----\n",
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n",
        "@@@@",
        "1234567890abcdef@@@@",
        "AGE-SECRET-KEY-1QPZ",
        "RWRTY0Iy",
        "{\"kty\"",
        "\"MIIEpAIBAAKCAQEAMIIEpAIBAAKCAQEA\" ",
        "password=\"",
        "eyJ.",
        "://a:b",
        "PuTTY-User-Key-File-2: ",
        "token: 'a1",
        "LS0tLS1CRUdJTi",
    ] {
        assert!(pass(&unit.repeat((1 << 20) / unit.len()), &[]).is_empty(), "{unit}");
    }
    // A quadratic reader would need hours.
    assert!(start.elapsed().as_secs() < 100);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn cuts_change_nothing(cuts in proptest::collection::vec(0usize..1400, 0..8), lead in 0usize..700) {
        let text = format!("{}{PLANTED}{PLANTED}", "x ".repeat(lead / 2));
        let mut cuts = cuts;
        cuts.sort_unstable();
        prop_assert_eq!(pass(&text, &cuts), pass(&text, &[]));
    }

    #[test]
    fn any_text_is_read_without_harm(parts in proptest::collection::vec(("\\PC{0,12}", 0usize..200), 0..30)) {
        let literals: Vec<&str> = RECOGNISERS.iter().flat_map(|r| r.literals()).copied().collect();
        let text: String = parts.iter().map(|(t, i)| format!("{}{t}", literals[i % literals.len()])).collect();
        let _ = pass(&text, &[]);
        for r in RECOGNISERS {
            let _ = testing::scan(*r, &text);
            let _ = testing::scan_cell(*r, "password", &text);
        }
    }
}
