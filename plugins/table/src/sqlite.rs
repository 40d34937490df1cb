//! SQLite databases of any application, and the logs beside them.
//!
//! Source: <https://sqlite.org/fileformat2.html>. Databases of a known application (GeoPackage, MBTiles, a recording of ROS 2) are taken by its reader.

use yumen_kit_container::{Container, FormatReader};
use yumen_kit_sqlite::evidence::{FIRST_STREAM, TableRecords, rest, schema};
use yumen_kit_sqlite::{Database, Frames, Header, TableKind, probe_schema};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

/// Reads databases.
pub(crate) struct Sqlite;

const FORMATS: &[Format] = &[
    Format {
        name: "sqlite",
        title: "SQLite 3 database",
        media_type: "application/vnd.sqlite3",
        extensions: &["sqlite", "sqlite3", "db3"],
        magic: "`SQLite format 3` and a header whose page size, payload fractions and encoding are possible",
        reference: "sqlite.org/fileformat2.html",
        evidence: "records: the rows of each table under the names of its columns; the schema's statements as text; values that are files as children; \
                   free pages and what deleted rows left as free space",
        limitations: &[
            "A write-ahead log beside the file is read for itself, not merged into the database.",
            "Indexes are taken for repetitions of their tables.",
            "Encrypted databases (SQLCipher, SEE) have no header and stay unknown.",
        ],
    },
    Format {
        name: "sqlite-wal",
        title: "SQLite write-ahead log",
        media_type: "application/octet-stream",
        extensions: &["db-wal", "sqlite-wal", "sqlite3-wal", "db3-wal"],
        magic: "0x377F0682 or 0x377F0683, version 3007000, a possible page size",
        reference: "sqlite.org/fileformat2.html, 4. The Write-Ahead Log",
        evidence: "records: rows on the pages it holds, by their tables where its pages tell them; replaced pages as free space",
        limitations: &["Rows have no column names where the schema is in the database only."],
    },
    Format {
        name: "sqlite-journal",
        title: "SQLite rollback journal",
        media_type: "application/octet-stream",
        extensions: &["db-journal", "sqlite-journal", "sqlite3-journal", "db3-journal"],
        magic: "0xD9D505F920A163D7, possible sector and page sizes",
        reference: "sqlite.org/fileformat2.html, 3. The Rollback Journal",
        evidence: "records: rows on the pages it holds, by their tables where its pages tell them",
        limitations: &["Rows have no column names where the schema is in the database only."],
    },
];

impl FormatReader for Sqlite {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let format = if Header::parse(probe.head).is_some() {
            "sqlite"
        } else if Frames::is_wal(probe.head) {
            "sqlite-wal"
        } else if Frames::is_journal(probe.head) {
            "sqlite-journal"
        } else {
            return None;
        };
        // A header without a first page behind it is still more this than anything else.
        let sure = format != "sqlite" || probe_schema(probe.head).is_some();
        Some(Identity::new(format, if sure { Certainty::Signature } else { Certainty::Structure }))
    }

    fn inspect(&self, artifact: &Artifact, _: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let result = match artifact.format {
            "sqlite" => database(artifact, &mut to),
            "sqlite-wal" => Frames::wal(&artifact.blob).and_then(|f| frames(artifact, &f, &mut to)),
            _ => Frames::journal(&artifact.blob).and_then(|f| frames(artifact, &f, &mut to)),
        };
        to.finish(result)
    }
}

fn database(artifact: &Artifact, to: &mut Container<'_>) -> Result<(), InspectError> {
    let database = Database::open(&artifact.blob)?;
    rest(&database, artifact, to, &|_| false)?;
    Ok(())
}

fn frames(artifact: &Artifact, frames: &Frames, to: &mut Container<'_>) -> Result<(), InspectError> {
    to.tell("journal-not-replayed");
    let database = frames.database()?;
    schema(&database, to)?;
    let mut stream = FIRST_STREAM;
    for table in database.tables().iter().filter(|t| t.kind == TableKind::Stored) {
        let mut records = TableRecords::new(artifact, stream, table);
        stream += 1;
        database.rows(table, &mut |row| records.row(row, to))?;
        records.finish(to)?;
    }
    let mut strays = TableRecords::unnamed(artifact, stream);
    frames.account(&database, to, &mut |row, to| strays.row(row, to))?;
    strays.finish(to)?;
    Ok(())
}

#[cfg(test)]
mod tests;
