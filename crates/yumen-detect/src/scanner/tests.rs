//! Tests of whole sessions.

use std::collections::BTreeMap;

use encoding_rs::GB18030;
use proptest::prelude::*;
use yumen_model::finding::FindingsParts;
use yumen_model::kind::kinds as k;
use yumen_model::{
    Batch, ByteMap, Cell, Detector, EvidenceHeader, EvidenceKind, Findings, KindSet, Part, RawBatch, RecordBatch,
    RecordOrigin, Seconds, SubjectKey, TextBatch, TextEncoding,
};

use super::TextDetector;

fn detector() -> &'static TextDetector {
    static DETECTOR: std::sync::OnceLock<TextDetector> = std::sync::OnceLock::new();
    DETECTOR.get_or_init(|| TextDetector::new(crate::identifiers::RECOGNISERS.to_vec()))
}

fn scan(kind: EvidenceKind, batches: &[Batch<'_>]) -> FindingsParts {
    let header =
        EvidenceHeader { stream: 0, kind, format: "csv".into(), name: "a.txt".into(), properties: BTreeMap::new() };
    let mut findings = Findings::new(SubjectKey::new([3; 32]), 1000, false);
    let mut session = detector().start(&header).unwrap();
    for batch in batches {
        session.feed(batch, &mut findings);
    }
    session.finish(&mut findings);
    findings.into_parts()
}

fn text(text: &str) -> FindingsParts {
    scan(EvidenceKind::Text, &[Batch::Text(TextBatch { text: text.into(), map: ByteMap::identity(0) })])
}

/// Batches of a text, cut at characters, each with its own map.
fn cut_text<'a>(text: &'a str, cuts: &[usize], encoding: TextEncoding) -> Vec<Batch<'a>> {
    let mut at: Vec<usize> = cuts.iter().map(|&c| text.floor_char_boundary(c % (text.len() + 1))).collect();
    at.extend([0, text.len()]);
    at.sort_unstable();
    let encoded = |s: &str| match encoding {
        TextEncoding::Gb18030 => GB18030.encode(s).0.len(),
        TextEncoding::Utf16Le => s.encode_utf16().count() * 2,
        _ => s.len(),
    };
    at.windows(2)
        .map(|w| {
            let map = ByteMap { encoding, anchors: vec![(0, encoded(&text[..w[0]]) as u64)] };
            Batch::Text(TextBatch { text: text[w[0]..w[1]].into(), map })
        })
        .collect()
}

/// Rows of a table with a header as batches of so many rows each.
fn table(header: &[&str], rows: &[Vec<String>], sizes: &[usize]) -> Vec<Batch<'static>> {
    let mut batches = Vec::new();
    let (mut row, mut byte, mut size) = (0, 0u64, sizes.iter().cycle());
    while row < rows.len() {
        let n = (*size.next().unwrap_or(&1)).max(1).min(rows.len() - row);
        let mut b = RecordBatch { names: header.iter().map(|h| (*h).to_owned()).collect(), ..RecordBatch::default() };
        let mut text = String::new();
        for (i, values) in rows[row..row + n].iter().enumerate() {
            b.records.push(b.cells.len() as u32);
            let mut column = 1;
            for (j, value) in values.iter().enumerate() {
                let start = text.len() as u32;
                text.push_str(value);
                text.push(RecordBatch::CELL_END);
                let name = if header.is_empty() || header[j].is_empty() { u32::MAX } else { j as u32 };
                b.cells.push(Cell {
                    name,
                    column_index: j as u32,
                    start,
                    end: start + value.len() as u32,
                    byte_start: byte,
                    byte_end: byte + value.len() as u64,
                    line: (row + i) as u64 + 2,
                    column,
                    verbatim: true,
                });
                byte += value.len() as u64 + 1;
                column += value.chars().count() as u32 + 1;
            }
        }
        b.text = text.into();
        batches.push(Batch::Records(b));
        row += n;
    }
    batches
}

fn count(parts: &FindingsParts, kind: yumen_model::KindId) -> u64 {
    parts.aggregates.iter().filter(|a| a.kind == kind).map(|a| a.count).sum()
}

fn summary(parts: &FindingsParts) -> Vec<String> {
    let mut all: Vec<String> = parts.aggregates.iter().map(|a| format!("{a:?}")).collect();
    all.push(serde_json::to_string(&parts.edges).unwrap());
    all.push(format!("{:?} {:?}", parts.uncounted, parts.name_spans));
    all
}

fn phone(n: usize) -> String {
    format!("138{:08}", (n * 7_654_321 + 1_234_567) % 100_000_000)
}

fn luhn_number(n: usize) -> String {
    let body = format!("62220{:013}", (n as u64 * 912_345_678_913) % 10_000_000_000_000);
    (0..10).map(|d| format!("{body}{d}")).find(|s| crate::identifiers::luhn(s)).unwrap()
}

#[test]
fn places_are_exact() {
    let parts = text("a\n车主电话：13812345678，再拨１３９１２３４５６７８\n");
    let phones = &parts.aggregates.iter().find(|a| a.kind == k::PERSON_PHONE).unwrap().places;
    let place = |i: usize| (phones[i].0.bytes.unwrap(), phones[i].0.line.unwrap(), phones[i].0.column.unwrap());
    assert_eq!(place(0), ((17, 28), 2, 6));
    assert_eq!(place(1), ((37, 70), 2, 20));
}

#[test]
fn of_a_recording_topic_and_time_are_told() {
    let rows = ["13812345678", "none", "13912345678"].map(|v| vec![v.to_owned()]);
    let mut batches = table(&["/say.data"], &rows, &[3]);
    let Batch::Records(batch) = &mut batches[0] else { unreachable!() };
    batch.origins = [(0, "/say", 0.5), (2, "/of/13812345678", 7.25)]
        .map(|(cell, topic, time)| RecordOrigin { cell, topic: topic.to_owned(), time_s: Seconds::new(time) })
        .to_vec();
    let parts = scan(EvidenceKind::Records, &batches);
    let phones = &parts.aggregates.iter().find(|a| a.kind == k::PERSON_PHONE).unwrap().places;
    let place = |i: usize| (phones[i].0.topic.clone().unwrap(), phones[i].0.time_s.unwrap().get(), phones[i].0.line);
    assert_eq!(place(0), ("/say".to_owned(), 0.5, None));
    assert_eq!(place(1).1, 7.25);
    assert!(!place(1).0.contains("13812345678"), "{:?}", place(1));
}

#[test]
fn bytes_follow_the_encoding() {
    let text = "车主\n联系电话：13812345678";
    for (encoding, start) in [(TextEncoding::Gb18030, 15u64), (TextEncoding::Utf16Le, 16)] {
        let parts = scan(EvidenceKind::Text, &cut_text(text, &[7], encoding));
        let at = parts.aggregates[0].places[0].0.bytes.unwrap();
        assert_eq!(at.0, start);
    }
}

#[test]
fn of_overlapping_matches_the_surer_stays() {
    let parts = text("身份证号 11010519491231002X 电话");
    assert_eq!(parts.aggregates.len(), 1);
    assert_eq!(parts.aggregates[0].kind, k::PERSON_ID_NUMBER);
}

#[test]
fn names_of_artifacts_are_told_by_their_spans() {
    let name = "车主13812345678.csv";
    let parts = scan(EvidenceKind::Name, &[Batch::Text(TextBatch { text: name.into(), map: ByteMap::identity(0) })]);
    assert_eq!((parts.name_spans.len(), parts.name_spans[0].clone()), (1, 6..17));
    assert_eq!(parts.aggregates[0].places[0].0.part, Some(Part::Name));
    assert_eq!(parts.aggregates[0].places[0].0.line, None);
}

#[test]
fn subjects_of_lines() {
    let tally = |s: &str| {
        let groups = text(s).edges.resolve().groups;
        groups.iter().map(|g| g.persons).sum::<u64>()
    };
    assert_eq!(tally("电话13812345678，邮箱li.lei@corp.cn"), 1);
    assert_eq!(tally("电话13812345678，电话13912345678"), 2);
    assert_eq!(tally("电话13812345678\n电话13812345678"), 1);
    assert_eq!(tally("电话13812345678，电话13812345678，车牌京A12345"), 1);
}

#[test]
fn rows_are_subjects_and_names_alone_are_uncounted() {
    let row = |p: &str| vec!["王海燕".to_owned(), p.to_owned()];
    let parts =
        scan(EvidenceKind::Records, &table(&["姓名", "手机号"], &[row("13812345678"), row("13912345678")], &[1]));
    let groups = parts.edges.resolve().groups;
    assert_eq!(groups.len(), 1);
    assert_eq!((groups[0].persons, groups[0].kinds), (2, KindSet::of(&[k::PERSON_PHONE, k::PERSON_NAME])));
    let parts = scan(EvidenceKind::Records, &table(&["姓名"], &[vec!["王海燕".to_owned()]], &[1]));
    assert!(parts.uncounted.contains(k::PERSON_NAME) && parts.edges.is_empty());
}

#[test]
fn a_column_of_other_numbers_holds_no_identifiers() {
    // One number in ten has a valid Luhn digit; one eleven-digit number in fourteen begins like a phone number.
    let rows: Vec<Vec<String>> = (0..600usize)
        .map(|n| {
            vec![
                format!("{:016}", 4_500_000_000_000_000 + n * 7_919),
                format!("{:011}", (n * 1_234_567_891) % 100_000_000_000),
            ]
        })
        .collect();
    for header in [&["", ""][..], &["值", "数"][..]] {
        let parts = scan(EvidenceKind::Records, &table(header, &rows, &[100]));
        assert_eq!(count(&parts, k::PERSON_BANK_CARD), 0);
        assert_eq!(count(&parts, k::PERSON_PHONE), 0);
    }
}

#[test]
fn a_column_full_of_them_needs_no_header() {
    let rows: Vec<Vec<String>> = (0..300).map(|n| vec![luhn_number(n), phone(n), "王海燕".to_owned()]).collect();
    let parts = scan(EvidenceKind::Records, &table(&[], &rows, &[70]));
    assert_eq!(count(&parts, k::PERSON_BANK_CARD), 300);
    assert_eq!(count(&parts, k::PERSON_PHONE), 300);
    assert_eq!(count(&parts, k::PERSON_NAME), 300);
}

#[test]
fn float_columns_yield_nothing() {
    let rows: Vec<Vec<String>> = (0..300)
        .map(|n| vec![format!("121.{}", phone(n)), format!("{}.25", phone(n)), format!("-{}", phone(n))])
        .collect();
    assert!(scan(EvidenceKind::Records, &table(&["x", "y", "z"], &rows, &[64])).aggregates.is_empty());
}

#[test]
fn cells_keep_their_places_when_folded() {
    let rows = [vec!["备注：电话１３８１２３４５６７８转".to_owned()]];
    let parts = scan(EvidenceKind::Records, &table(&["备注"], &rows, &[1]));
    let place = &parts.aggregates[0].places[0].0;
    assert_eq!((place.bytes, place.line, place.column), (Some((15, 48)), Some(2), Some(6)));
}

/// Bytes without structure, the same in every run.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut out = Vec::with_capacity(len + 8);
    while out.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(len);
    out
}

#[test]
fn noise_holds_nothing() {
    let bytes = noise(64 << 20);
    let raw: Vec<Batch<'_>> = bytes
        .chunks(4 << 20)
        .enumerate()
        .map(|(i, c)| Batch::Raw(RawBatch { offset: (i * (4 << 20)) as u64, bytes: c.into() }))
        .collect();
    let parts = scan(EvidenceKind::Raw, &raw);
    let found: Vec<_> = parts.aggregates.iter().map(|a| (a.kind, a.count, &a.places)).collect();
    assert!(found.is_empty(), "{found:?}");
    const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (alphabet, wrap) in
        [(&BASE64[..], 76), (b"0123456789abcdef", 64), (b"0123456789ABCDEF", 40), (b"0123456789", 50)]
    {
        let mut text = String::new();
        for (i, b) in bytes[..8 << 20].iter().enumerate() {
            text.push(char::from(alphabet[usize::from(*b) % alphabet.len()]));
            if i % wrap == wrap - 1 {
                text.push('\n');
            }
        }
        let parts = self::text(&text);
        let found: Vec<_> = parts.aggregates.iter().map(|a| (a.kind, a.count)).collect();
        assert!(found.is_empty(), "{wrap}: {found:?}");
    }
}

#[test]
fn binaries_are_searched_strictly() {
    let mut bytes = noise(5000);
    bytes.extend("\0车主电话：13812345678\0".as_bytes());
    bytes.extend(noise(3000));
    let parts = scan(EvidenceKind::Raw, &[Batch::Raw(RawBatch { offset: 10, bytes: bytes.into() })]);
    assert_eq!(count(&parts, k::PERSON_PHONE), 1);
    assert_eq!(parts.aggregates[0].places[0].0.bytes, Some((5026, 5037)));
}

#[test]
fn a_chain_of_overlaps_is_bounded() {
    let text = "电话138-1234-5678 ".repeat(20_000);
    assert_eq!(count(&self::text(&text), k::PERSON_PHONE), 20_000);
}

const PIECES: &[&str] = &[
    "车主王海燕，",
    "13812345678",
    "138-1234-5678",
    "VIN=LVSBZYDW9K4458422;",
    "京A12345",
    "粤BD12345",
    "\n",
    " ",
    "：",
    "电话",
    "li.lei@corp.cn",
    "11010519491231002X",
    "6274772483351580898",
    "银行卡",
    "１３８１２３４５６７８",
    "订单号",
    "0.",
    "-",
    "a",
    "住址：北京市朝阳区建国路88号院3号楼1201室",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
];

fn prose() -> impl Strategy<Value = String> {
    proptest::collection::vec(0..PIECES.len(), 1..40).prop_map(|v| v.iter().map(|&i| PIECES[i]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn text_findings_do_not_depend_on_cuts(piece in prose(), times in 1usize..400, cuts in proptest::collection::vec(any::<usize>(), 0..12)) {
        // Long enough for several rounds of the window.
        let text = piece.repeat(times);
        let whole = summary(&scan(EvidenceKind::Text, &cut_text(&text, &[], TextEncoding::Utf8)));
        prop_assert_eq!(summary(&scan(EvidenceKind::Text, &cut_text(&text, &cuts, TextEncoding::Utf8))), whole);
    }

    #[test]
    fn record_findings_do_not_depend_on_cuts(
        pool in proptest::collection::vec((0..PIECES.len(), 0..PIECES.len(), 0..PIECES.len()), 1..12),
        rows in 1usize..700,
        sizes in proptest::collection::vec(1usize..300, 1..5),
        named in any::<bool>(),
    ) {
        let rows: Vec<Vec<String>> = (0..rows)
            .map(|n| { let p = pool[n % pool.len()]; vec![PIECES[p.0].to_owned(), format!("{}{}", PIECES[p.1], PIECES[p.2]), phone(n)] })
            .collect();
        let header: &[&str] = if named { &["姓名", "备注", "order"] } else { &[] };
        let whole = summary(&scan(EvidenceKind::Records, &table(header, &rows, &[usize::MAX])));
        prop_assert_eq!(summary(&scan(EvidenceKind::Records, &table(header, &rows, &sizes))), whole);
    }

    #[test]
    fn raw_findings_do_not_depend_on_cuts(piece in prose(), seed in 0usize..2000, cuts in proptest::collection::vec(any::<usize>(), 0..8)) {
        let mut bytes = noise(seed + 200);
        bytes.extend(piece.as_bytes());
        bytes.extend(noise(100));
        bytes.extend(GB18030.encode(&piece).0.iter());
        bytes.push(0);
        bytes.extend(piece.encode_utf16().flat_map(u16::to_le_bytes));
        let mut at: Vec<usize> = cuts.iter().map(|c| c % bytes.len()).chain([0, bytes.len()]).collect();
        at.sort_unstable();
        let batches = |at: &[usize]| -> Vec<Batch<'static>> {
            at.windows(2).map(|w| Batch::Raw(RawBatch { offset: w[0] as u64, bytes: bytes[w[0]..w[1]].to_vec().into() })).collect()
        };
        let whole = summary(&scan(EvidenceKind::Raw, &batches(&[0, bytes.len()])));
        prop_assert_eq!(summary(&scan(EvidenceKind::Raw, &batches(&at))), whole);
    }

    #[test]
    fn any_text_is_survived(text in "\\PC{0,300}", cuts in proptest::collection::vec(any::<usize>(), 0..4)) {
        let whole = summary(&scan(EvidenceKind::Text, &cut_text(&text, &[], TextEncoding::Gb18030)));
        prop_assert_eq!(summary(&scan(EvidenceKind::Text, &cut_text(&text, &cuts, TextEncoding::Gb18030))), whole);
    }
}

#[test]
fn names_that_were_shown_as_text_are_not_read_again() {
    let mut header = EvidenceHeader {
        stream: 3,
        kind: EvidenceKind::Records,
        format: "dbc".into(),
        name: "a.dbc".into(),
        properties: BTreeMap::new(),
    };
    assert!(detector().start(&header).is_some());
    header.properties.insert("role".to_owned(), "names".into());
    // The one that reads them is that of the functions.
    let of_functions = |d: &dyn Detector| d.kinds().contains(&k::CODE_OTA);
    for detector in crate::detectors() {
        assert_eq!(detector.start(&header).is_some(), of_functions(&*detector), "{:?}", detector.kinds());
    }
}
