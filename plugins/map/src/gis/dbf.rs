//! dBase tables: III, IV, FoxPro; the attributes of shapefiles are such.

use yumen_kit_container::window::num::{le16, le32, le64};
use yumen_kit_container::{Container, FormatReader, Place};
use yumen_kit_text::{RecordWriter, Spot};
use yumen_model::{
    Artifact, Certainty, Context, Format, GroupFact, Identity, InspectError, Inspection, Label, Message, Need, Probe,
};

use super::crs::{ATTRIBUTES, ENCODING};
use super::emit::Via;
use super::{when, words};
use crate::survey::entity;

/// Documentation of `dbf`.
const DBF: Format = Format {
    name: "dbf",
    title: "dBase table",
    media_type: "application/x-dbf",
    extensions: &["dbf"],
    magic: "a version byte, a date, and a table of fields whose lengths add up to the record's, ended by a carriage return",
    reference: "https://www.dbase.com/KnowledgeBase/int/db7_file_fmt.htm; https://www.clicketyclick.dk/databases/xbase/format/dbf.html",
    evidence: "rows as records with the names of the fields, deleted ones too; lends field names to the shapefile beside it",
    limitations: &[
        "Memo fields point into a .dbt or .fpt that is read on its own: rows and memos are not put together.",
        "Tables encrypted by dBase IV are opaque.",
    ],
};

/// Reads dBase tables.
pub(crate) struct Dbf;

const VERSIONS: [u8; 15] = [0x02, 0x03, 0x04, 0x05, 0x30, 0x31, 0x32, 0x43, 0x63, 0x83, 0x8B, 0x8C, 0xCB, 0xF5, 0xFB];

struct Field {
    name: Vec<u8>,
    kind: u8,
    len: usize,
    decimals: u8,
}

struct Table {
    rows: u64,
    head: u64,
    record: u64,
    language: u8,
    encrypted: bool,
    fields: Vec<Field>,
}

/// Reads the head; none where it is no table.
fn table(b: &[u8]) -> Option<Table> {
    let version = *b.first()?;
    if !VERSIONS.contains(&version) || b.len() < 33 {
        return None;
    }
    let (month, day) = (b[2], b[3]);
    // Some writers leave the date out.
    if month > 12 || day > 31 || b[12] != 0 && b[12] != 0xFF || b[15] > 1 {
        return None;
    }
    let head = usize::from(le16(b, 8));
    let record = usize::from(le16(b, 10));
    let seven = version & 7 == 4;
    let (start, size) = if seven { (68, 48) } else { (32, 32) };
    if head < start + 1 || record < 2 || head > 65_535 {
        return None;
    }
    let mut fields = Vec::new();
    let mut at = start;
    let mut sum = 1;
    while at + size <= b.len().min(head) && b[at] != 0x0D && fields.len() < 2048 {
        let (name, kind, len, decimals) = if seven {
            (&b[at..at + 32], b[at + 32], usize::from(b[at + 33]), b[at + 34])
        } else {
            (&b[at..at + 11], b[at + 11], usize::from(b[at + 16]), b[at + 17])
        };
        let end = name.iter().position(|&c| c == 0).unwrap_or(name.len());
        // Clipper writes character fields longer than 255 with the second byte of the length in place of decimals.
        let len = if kind == b'C' && decimals > 0 && !seven { len | usize::from(decimals) << 8 } else { len };
        if !b"CNFLDTIMBGPOYQVW+@0".contains(&kind) || end == 0 || name[..end].iter().any(|&c| c < 0x20) {
            return None;
        }
        sum += len;
        fields.push(Field { name: name[..end].to_vec(), kind, len, decimals });
        at += size;
    }
    let ended = b.get(at) == Some(&0x0D) || at + 1 >= head || at + size > b.len();
    (ended && !fields.is_empty() && sum == record).then(|| Table {
        rows: u64::from(le32(b, 4)),
        head: head as u64,
        record: record as u64,
        language: b[29],
        encrypted: b[15] == 1,
        fields,
    })
}

impl FormatReader for Dbf {
    fn formats(&self) -> &'static [Format] {
        &[DBF]
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        table(probe.head).map(|_| Identity::new(DBF.name, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut c = Container::new(artifact, out);
        let result = read(artifact, context, &mut c);
        c.finish(result)
    }
}

fn read(artifact: &Artifact, context: &Context, c: &mut Container<'_>) -> Result<(), InspectError> {
    let head = c.window.get(0, 66_000)?.to_vec();
    let Some(table) = table(&head) else { return Err(InspectError::corrupt(0, "not the head of a table")) };
    c.send(Message::Need(Need { key: ENCODING.to_owned() }))?;
    let told = context.facts(ENCODING).find_map(|v| v.as_str()).and_then(label);
    let end = table.head.min(c.len());
    c.label(0..end, Label::Inspected)?;
    if table.encrypted {
        let len = c.len();
        return c.opaque(end..len, yumen_model::Reason::Encrypted);
    }
    let encoding = match told.or_else(|| driver(table.language)) {
        Some(e) => e,
        None => guess(c, &table)?,
    };
    let names: Vec<String> = table.fields.iter().map(|f| text(encoding, &f.name).trim().to_owned()).collect();
    // FoxPro keeps the path of its database behind the fields.
    let tail = 32 + 32 * table.fields.len() + 1;
    if head.first().is_some_and(|v| matches!(v, 0x30..=0x32))
        && let Some(path) = head.get(tail..usize::try_from(end).unwrap_or(0))
    {
        c.decoded_text(tail as u64, path)?;
    }
    let mut writer = RecordWriter::new(artifact);
    let mut order = Order::of(&names, table.rows);
    let mut at = table.head;
    let mut rows = 0;
    let len = c.len();
    let size = usize::try_from(table.record).unwrap_or(0);
    let mut labelled = at;
    while at + table.record <= len && rows < table.rows {
        let row = c.window.get(at, size)?.to_vec();
        if row[0] == 0x1A && row.len() > 1 && at + table.record > len {
            break;
        }
        let mut from = 1;
        for (i, field) in table.fields.iter().enumerate() {
            let bytes = &row[from..(from + field.len).min(row.len())];
            let start = at + from as u64;
            from += field.len;
            let Some(value) = cell(field, bytes, encoding) else { continue };
            order.see(i, &value);
            let name = writer.name(&names[i]);
            let spot = Spot { byte: start, line: rows + 1, column: 1 };
            let column = u32::try_from(i).unwrap_or(u32::MAX);
            writer.cell(&value, name, column, spot, start + bytes.len() as u64, false);
        }
        order.end_row();
        writer.end_record(&mut Via(c))?;
        at += table.record;
        rows += 1;
        if at - labelled > 1 << 20 {
            c.label(labelled..at, Label::Inspected)?;
            labelled = at;
        }
    }
    c.label(labelled..at, Label::Inspected)?;
    writer.finish(&mut Via(c))?;
    let fact = serde_json::json!({
        "names": names, "rows": rows, "in_time_order": order.holds(), "times": order.times, "entities": order.entities,
    });
    c.send(Message::Export(GroupFact { key: ATTRIBUTES.to_owned(), value: fact }))?;
    if rows < table.rows {
        let broken = at;
        c.opaque(broken..len, yumen_model::Reason::Corrupt)?;
        return Err(InspectError::corrupt(at, "the table ends before its rows do"));
    }
    // The end of a file is marked by 0x1A, and padding follows it.
    if at < len && c.window.get(at, 1)?.first() == Some(&0x1A) {
        c.container(at..at + 1)?;
        at += 1;
    }
    c.residue(at..len, Place::After)
}

/// Rows whose times and objects are told to the shapes beside the table.
const MOST_TOLD: u64 = 20_000;

/// Whether a column of times rises from row to row; of tables that are not too long also the times themselves, and what moves.
struct Order {
    column: Option<usize>,
    entity: Option<usize>,
    last: f64,
    rises: u64,
    falls: u64,
    tells: bool,
    row: (Option<f64>, u64),
    times: Vec<Option<f64>>,
    entities: Vec<u64>,
}

impl Order {
    fn of(names: &[String], rows: u64) -> Self {
        let column = names.iter().position(|n| words::time_like(n));
        Order {
            column,
            entity: names.iter().position(|n| words::entity_like(n)),
            last: f64::MIN,
            rises: 0,
            falls: 0,
            tells: column.is_some() && rows <= MOST_TOLD,
            row: (None, 0),
            times: Vec::new(),
            entities: Vec::new(),
        }
    }

    fn see(&mut self, column: usize, value: &str) {
        if self.column == Some(column)
            && let Some(time) = when::parse(value)
        {
            self.rises += u64::from(time > self.last);
            self.falls += u64::from(time < self.last);
            self.last = time;
            self.row.0 = Some(time);
        }
        if self.entity == Some(column) {
            self.row.1 = entity(value);
        }
    }

    fn end_row(&mut self) {
        let (time, object) = std::mem::take(&mut self.row);
        if self.tells {
            self.times.push(time);
            if self.entity.is_some() {
                self.entities.push(object);
            }
        }
    }

    fn holds(&self) -> bool {
        self.rises >= 5 && self.falls * 20 <= self.rises
    }
}

/// The value of a field as text; none where it is empty or binary without meaning.
fn cell(field: &Field, bytes: &[u8], encoding: Encoding) -> Option<String> {
    let value = match field.kind {
        b'I' | b'+' if bytes.len() == 4 => (le32(bytes, 0).cast_signed()).to_string(),
        b'B' | b'O' if bytes.len() == 8 && field.kind == b'O' => f64::from_bits(le64(bytes, 0)).to_string(),
        b'B' if bytes.len() == 8 && field.decimals > 0 => f64::from_bits(le64(bytes, 0)).to_string(),
        b'Y' if bytes.len() == 8 => {
            let n = le64(bytes, 0).cast_signed();
            format!("{}.{:04}", n / 10_000, (n % 10_000).abs())
        }
        b'T' | b'@' if bytes.len() == 8 => {
            let (day, ms) = (le32(bytes, 0), le32(bytes, 4));
            if day == 0 {
                return None;
            }
            moment(i64::from(day), ms)
        }
        b'0' => return None,
        _ => text(encoding, bytes),
    };
    let value = value.trim_matches(|c: char| c == ' ' || c == '\0').to_owned();
    (!value.is_empty() && !value.bytes().all(|b| b == b'*')).then_some(value)
}

/// Date and time of a Julian day and milliseconds.
fn moment(julian: i64, ms: u32) -> String {
    let z = julian - 2_440_588 + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (d, m) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let y = yoe + era * 400 + i64::from(m <= 2);
    let s = ms / 1000;
    format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

type Encoding = &'static encoding_rs::Encoding;

fn text(encoding: Encoding, bytes: &[u8]) -> String {
    // A field may be cut within a character, so UTF-8 is looked at first wherever it holds.
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// The encoding of a language driver id.
fn driver(id: u8) -> Option<Encoding> {
    Some(match id {
        0x4D | 0x7A => encoding_rs::GB18030,
        0x4F | 0x78 => encoding_rs::BIG5,
        0x4E | 0x79 => encoding_rs::EUC_KR,
        0x13 | 0x7B => encoding_rs::SHIFT_JIS,
        0x50 | 0x7C => encoding_rs::WINDOWS_874,
        0x26 | 0x65 | 0x66 => encoding_rs::IBM866,
        0xC9 => encoding_rs::WINDOWS_1251,
        0xC8 => encoding_rs::WINDOWS_1250,
        0xCB => encoding_rs::WINDOWS_1253,
        0xCA => encoding_rs::WINDOWS_1254,
        _ => return None,
    })
}

/// The encoding that a `.cpg` names: `UTF-8`, `936`, `GBK`, `ANSI 1252`, `ISO 88591`.
pub(crate) fn label(name: &str) -> Option<Encoding> {
    let name = name.trim().trim_start_matches('\u{FEFF}');
    let lower = name.to_ascii_lowercase();
    let digits: String = lower.chars().filter(char::is_ascii_digit).collect();
    match digits.as_str() {
        "936" | "54936" | "18030" | "2312" => return Some(encoding_rs::GB18030),
        "950" => return Some(encoding_rs::BIG5),
        "932" => return Some(encoding_rs::SHIFT_JIS),
        "949" => return Some(encoding_rs::EUC_KR),
        "65001" => return Some(encoding_rs::UTF_8),
        "88591" | "1252" => return Some(encoding_rs::WINDOWS_1252),
        _ => {}
    }
    encoding_rs::Encoding::for_label(lower.replace(' ', "-").as_bytes())
        .or_else(|| encoding_rs::Encoding::for_label(format!("windows-{digits}").as_bytes()))
        .map(|e| if e == encoding_rs::GBK { encoding_rs::GB18030 } else { e })
}

/// What the texts themselves look like: UTF-8 where all of them are, GB18030 where two bytes make Chinese, else western.
fn guess(c: &mut Container<'_>, table: &Table) -> Result<Encoding, InspectError> {
    let n = usize::try_from(table.record.saturating_mul(2000)).unwrap_or(usize::MAX).min(512 << 10);
    let len = c.len();
    let mut sample = Vec::new();
    for row in c.window.get(table.head.min(len), n)?.chunks_exact(usize::try_from(table.record).unwrap_or(1)) {
        let mut from = 1;
        for field in &table.fields {
            let bytes = row.get(from..from + field.len).unwrap_or_default();
            from += field.len;
            if field.kind == b'C' && bytes.iter().any(|&b| b >= 0x80) {
                let end = bytes.iter().rposition(|&b| b != b' ' && b != 0).map_or(0, |i| i + 1);
                sample.push(bytes[..end].to_vec());
            }
        }
    }
    for field in &table.fields {
        if !field.name.is_ascii() {
            sample.push(field.name.clone());
        }
    }
    let utf8 = |b: &Vec<u8>| match std::str::from_utf8(b) {
        Ok(_) => true,
        // Cut within the last character.
        Err(e) => e.error_len().is_none(),
    };
    if sample.iter().all(utf8) {
        return Ok(encoding_rs::UTF_8);
    }
    // Chinese stands in runs of bytes of which both are high; western letters stand alone among ASCII.
    let (mut pairs, mut lone) = (0, 0);
    for bytes in &sample {
        let mut i = 0;
        while i < bytes.len() {
            let run = bytes[i..].iter().take_while(|&&b| b >= 0x81).count();
            match run {
                0 => i += 1,
                1 => {
                    lone += usize::from(
                        !bytes.get(i + 1).is_some_and(|b| (0x40..0x80).contains(b) && !b.is_ascii_alphabetic()),
                    );
                    i += 1;
                }
                n => {
                    pairs += n / 2;
                    i += n;
                }
            }
        }
    }
    let decodes = sample.iter().filter(|b| !encoding_rs::GB18030.decode_without_bom_handling(b).1).count();
    let chinese = pairs > lone && decodes * 10 >= sample.len() * 9;
    Ok(if chinese { encoding_rs::GB18030 } else { encoding_rs::WINDOWS_1252 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_turned_into_dates() {
        assert_eq!(moment(2_460_312, 3_600_000 * 3 + 245_000), "2024-01-02T03:04:05");
    }

    #[test]
    fn code_pages_are_told() {
        for (name, want) in [
            ("UTF-8", "UTF-8"),
            ("936", "gb18030"),
            ("GBK", "gb18030"),
            ("ANSI 936", "gb18030"),
            ("ISO 88591", "windows-1252"),
            ("1251", "windows-1251"),
        ] {
            assert_eq!(label(name).map(|e| e.name()), Some(want), "{name}");
        }
    }
}
