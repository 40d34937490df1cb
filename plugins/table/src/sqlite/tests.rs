use yumen_kit_container::testing::{Engine, Recorded, abuse, fixture, identify, inspect, inspect_as, noise, prose};
use yumen_model::{Certainty, Reason};

use crate::TablePlugin;

/// What the reference implementation reads: table, column, value.
fn rows(name: &str) -> Vec<(String, String)> {
    let text = String::from_utf8(fixture("sqlite", &format!("{name}.rows"))).unwrap();
    let cells = text.lines().filter_map(|line| {
        let mut parts = line.splitn(3, '\t');
        parts.next()?;
        Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
    });
    cells.collect()
}

fn read(name: &str) -> Recorded {
    inspect(&TablePlugin, &format!("{name}.db"), &fixture("sqlite", name))
}

#[test]
fn databases_are_read_as_the_reference_implementation_reads_them() {
    for name in ["small", "utf16le", "utf16be", "large-pages", "deleted"] {
        let r = read(name);
        r.assert_clear();
        let want = rows(name);
        assert!(want.len() > 500, "{name}");
        assert!(r.values == want, "{name}: {} values, {} in truth", r.values.len(), want.len());
        assert!(r.texts.concat().contains("kept after delete on calc"), "{name}");
        assert!(r.notes.is_empty(), "{name}: {:?}", r.notes);
    }
}

#[test]
fn what_was_deleted_is_swept_as_free_space() {
    let r = read("deleted");
    let free = r.child("[unallocated]");
    assert!(free.meta.free_space);
    for gone in [&b"13912345678"[..], b"DELETED-OWNER"] {
        assert!(free.bytes.windows(gone.len()).any(|w| w == gone));
    }
    assert!(!r.values.iter().any(|(_, v)| v.contains("DELETED-OWNER")));
    // Nothing that is alive is among it: each byte of a value is counted once.
    assert!(r.labels.inspected > 0 && r.labels.delegated == free.bytes.len() as u64);
}

#[test]
fn files_in_a_table_are_children_without_a_copy() {
    let r = read("media");
    r.assert_clear();
    let one = r.child("photos/1/image");
    assert!(one.bytes.starts_with(b"\x89PNG") && one.bytes.len() > 20_000);
    assert!(one.extents.as_ref().unwrap().len() > 1);
    assert!(r.child("photos/2/image").bytes.starts_with(b"\x89PNG"));
    assert_eq!(r.children.len(), 2 + r.children.iter().filter(|c| c.meta.free_space).count());
}

#[test]
fn a_log_gives_its_newest_rows() {
    let r = read("wal");
    assert_eq!(r.format, "sqlite-wal");
    r.assert_clear();
    assert!(r.noted("journal-not-replayed"));
    assert!(r.values.contains(&("phone".to_owned(), "13700137000".to_owned())));
    assert_eq!(r.values.iter().filter(|(n, _)| n == "phone").count(), 21);
}

#[test]
fn a_journal_gives_what_was_there_before() {
    let r = read("journal");
    assert_eq!(r.format, "sqlite-journal");
    r.assert_counted();
    assert_eq!(r.opaque(), 0, "{:?}", r.labels);
    assert!(r.values.iter().any(|(_, v)| v == "13800130007"));
}

#[test]
fn a_broken_page_costs_its_rows_only() {
    let mut bytes = fixture("sqlite", "small");
    let whole = read("small").values.len();
    let pages = bytes.len() / 512;
    // A leaf in the middle loses its kind.
    let victim = (2..pages).rev().find(|p| bytes[p * 512] == 13).unwrap();
    bytes[victim * 512] = 0x77;
    let r = inspect(&TablePlugin, "small.db", &bytes);
    assert_eq!(r.result, Ok(()));
    assert!(r.noted("corrupt"));
    assert!(r.values.len() < whole && r.values.len() > whole * 9 / 10);
    assert!(r.labels.opaque[&Reason::Corrupt] >= 512);
}

#[test]
fn rows_are_saved_where_an_upper_page_is_lost() {
    let mut bytes = fixture("sqlite", "small");
    let whole = read("small").values.len();
    let victim = (1..bytes.len() / 512).find(|p| bytes[p * 512] == 5).unwrap();
    bytes[victim * 512] = 0x77;
    let r = inspect(&TablePlugin, "small.db", &bytes);
    assert!(r.noted("corrupt"));
    // The rowid column is not in the record, the rest is.
    assert!(r.values.len() > whole * 7 / 10, "{} of {whole}", r.values.len());
}

#[test]
fn loops_and_shared_pages_end() {
    let bytes = fixture("sqlite", "small");
    for victim in (1..bytes.len() / 512).filter(|p| bytes[p * 512] == 5 || bytes[p * 512] == 2) {
        for target in [victim as u32 + 1, 1, 3, u32::MAX] {
            let mut broken = bytes.clone();
            broken[victim * 512 + 8..victim * 512 + 12].copy_from_slice(&target.to_be_bytes());
            let r = inspect(&TablePlugin, "small.db", &broken);
            r.assert_counted();
            assert!(r.noted("corrupt"));
        }
    }
}

#[test]
fn damage_and_interruptions_are_borne() {
    for name in ["small", "utf16be", "deleted", "media"] {
        abuse(&TablePlugin, "sqlite", "a.db", &fixture("sqlite", name), 150);
    }
    abuse(&TablePlugin, "sqlite-wal", "a.db-wal", &fixture("sqlite", "wal"), 80);
    abuse(&TablePlugin, "sqlite-journal", "a.db-journal", &fixture("sqlite", "journal"), 80);
}

#[test]
fn only_databases_are_taken_for_databases() {
    let known = |bytes: &[u8]| identify(&TablePlugin, "x", bytes).map(|i| (i.format, i.certainty));
    assert_eq!(known(&fixture("sqlite", "small")), Some(("sqlite", Certainty::Signature)));
    let text = b"SQLite format 3\0 is how every database begins, and this text as well. It goes on for more than a hundred bytes.";
    assert_ne!(known(text).map(|k| k.0), Some("sqlite"));
    for other in [noise(1, 4096), prose(4096), vec![0; 4096]] {
        assert!(!known(&other).is_some_and(|k| k.0.starts_with("sqlite")));
    }
    let r = inspect_as(&TablePlugin, "sqlite", "x", &text[..], Engine::default());
    assert!(r.result.is_err());
}
