//! Tests over databases that the reference implementation made.

use proptest::prelude::*;
use yumen_kit_container::testing::fixture;
use yumen_model::{Blob, Extent};

use crate::record::varint;
use crate::{Database, Encoding, Frames, Header, TableKind, Value, probe_schema, probe_tables};

fn open(name: &str) -> Database {
    Database::open(&Blob::from_bytes(fixture("sqlite", name))).unwrap()
}

#[test]
fn a_glance_tells_what_is_in_it() {
    let bytes = fixture("sqlite", "utf16be");
    let header = Header::parse(&bytes).unwrap();
    assert_eq!((header.page_size, header.encoding), (4096, Encoding::Utf16Be));
    let names = probe_schema(&bytes).unwrap();
    assert!(names.contains(&"key values".to_owned()) && names.contains(&"names".to_owned()), "{names:?}");
    assert_eq!(probe_tables(&Blob::from_bytes(bytes)), Some(names));
    // On pages of 512 bytes the schema has no room on the first.
    let small = fixture("sqlite", "small");
    assert!(probe_tables(&Blob::from_bytes(small)).unwrap().contains(&"owners".to_owned()));
    assert!(probe_schema(b"SQLite format 3\0 and nothing more").is_none());
}

#[test]
fn tables_can_be_read_again_and_values_tell_where_they_stand() {
    let database = open("media");
    let photos = database.table("PHOTOS").unwrap();
    for _ in 0..3 {
        let mut seen = Vec::new();
        let mut rows = 0;
        let read = database.rows(photos, &mut |row| {
            rows += 1;
            assert_eq!(row.rowid, row.values[0].int());
            if let Value::Blob(field) = &row.values[2] {
                let whole = field.blob(database.blob());
                assert_eq!(whole.bytes(0..whole.len()).unwrap(), field.bytes().unwrap());
                seen.push((field.len(), field.extents().len()));
            }
            Ok(())
        });
        assert_eq!((read, rows), (Ok(()), 3));
        assert!(seen[0].0 > 20_000 && seen[0].1 > 1 && seen[1].1 == 1, "{seen:?}");
    }
    assert_eq!(database.fault_count(), 0);
}

#[test]
fn what_a_callback_returns_ends_the_reading() {
    let database = open("small");
    let owners = database.table("owners").unwrap();
    let mut rows = 0;
    let stop = yumen_model::InspectError::unsupported("enough");
    let read = database.rows(owners, &mut |_| {
        rows += 1;
        if rows == 5 { Err(stop) } else { Ok(()) }
    });
    assert_eq!((read, rows), (Err(stop), 5));
}

#[test]
fn a_log_is_a_database_of_some_pages() {
    let frames = Frames::wal(&Blob::from_bytes(fixture("sqlite", "wal"))).unwrap();
    assert!(frames.pages() > 3 && frames.page_size() == 4096);
    let database = frames.database().unwrap();
    assert!(database.tables().iter().any(|t| t.name == "owners" && t.kind == TableKind::Stored));
}

#[test]
fn a_torn_log_ends_where_it_was_torn() {
    let mut bytes = fixture("sqlite", "wal");
    let whole = Frames::wal(&Blob::from_bytes(bytes.clone())).unwrap().pages();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let torn = Frames::wal(&Blob::from_bytes(bytes)).unwrap().pages();
    assert!(torn < whole, "checksums of frames are checked: {torn} of {whole}");
}

proptest! {
    #[test]
    fn numbers_of_one_to_nine_bytes(value in any::<u64>(), bits in 1u32..=64) {
        let value = value >> (64 - bits);
        let mut bytes = Vec::new();
        if value >> 56 != 0 {
            for i in (0..8).rev() {
                bytes.push((value >> (8 + 7 * i)) as u8 | 0x80);
            }
            bytes.push(value as u8);
        } else {
            let n = (64 - value.leading_zeros()).div_ceil(7).max(1);
            for i in (0..n).rev() {
                bytes.push((value >> (7 * i)) as u8 & 0x7F | if i > 0 { 0x80 } else { 0 });
            }
        }
        prop_assert_eq!(varint(&bytes), Some((value, bytes.len())));
        prop_assert_eq!(varint(&bytes[..bytes.len() - 1]), None);
    }

    /// Whatever is broken: reading ends, and each extent lies inside the file.
    #[test]
    fn broken_pages_never_lead_outside(hits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        let mut bytes = fixture("sqlite", "media");
        for (at, to) in hits {
            let at = at.index(bytes.len() - 100) + 100;
            bytes[at] = to;
        }
        let len = bytes.len() as u64;
        let Ok(database) = Database::open(&Blob::from_bytes(bytes)) else { return Ok(()) };
        for table in database.tables() {
            database.rows(table, &mut |row| {
                for value in row.values {
                    if let Value::Blob(field) | Value::Text(field) = value {
                        for extent in field.extents() {
                            let Extent::Data { offset, len: n } = extent else { unreachable!() };
                            assert!(offset + n <= len);
                        }
                    }
                }
                Ok(())
            }).unwrap();
        }
    }
}
