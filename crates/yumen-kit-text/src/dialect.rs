//! How a table of delimited values is written: delimiter, quoting, what stands before the header, whether there is one.

mod header;

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The delimiter.
    pub delimiter: u8,
    /// Rows before the header or the first data row: comments, titles, the `sep=` line.
    pub preamble: usize,
    /// Whether a header follows.
    pub header: bool,
    /// Usual number of columns.
    pub columns: usize,
    /// Rows end with a lone carriage return.
    pub cr: bool,
}

/// Delimiters in the order in which they are preferred.
const DELIMITERS: [u8; 6] = [b'\t', b',', b';', b'|', 0x1F, 0x01];
/// Rows that are looked at.
const ROWS: usize = 400;

/// A row of the sample.
pub(crate) struct Row<'a> {
    pub(crate) cells: Vec<&'a str>,
}

impl Dialect {
    /// The dialect of a text's beginning. `named` says that the name promises a table: then anything is one, if need be of one column; else the
    /// rows must show it.
    #[must_use]
    pub fn sniff(sample: &str, complete: bool, named: bool) -> Option<Dialect> {
        if sample.trim().is_empty() {
            return None;
        }
        let cr = !sample.contains('\n') && sample.contains('\r');
        let mut fixed = None;
        if let Some(rest) = sample.get(..4).filter(|s| s.eq_ignore_ascii_case("sep=")).map(|_| &sample[4..])
            && let Some(&d) = rest.as_bytes().first()
            && (d.is_ascii_punctuation() || d == b'\t')
        {
            fixed = Some(d);
        }
        // The line that says so is the first row of the preamble.
        let line = sample.find(if cr { '\r' } else { '\n' }).map_or(sample.len(), |n| n + 1);
        let sample = if fixed.is_some() { &sample[line..] } else { sample };
        let mut best: Option<(u64, Dialect)> = None;
        for &delimiter in fixed.as_slice().iter().chain(if fixed.is_some() { &[][..] } else { &DELIMITERS[..] }) {
            if memchr::memchr(delimiter, sample.as_bytes()).is_none() {
                continue;
            }
            let rows = rows(sample, delimiter, cr, complete);
            if let Some((score, dialect)) = judge(&rows, delimiter, cr, named || fixed.is_some())
                && best.is_none_or(|(s, _)| score > s)
            {
                best = Some((score, dialect));
            }
        }
        match best {
            Some((_, mut dialect)) => {
                dialect.preamble += usize::from(fixed.is_some());
                Some(dialect)
            }
            None if named => {
                let rows = rows(sample, b',', cr, complete);
                let preamble = rows.iter().take_while(|r| is_comment(r)).count();
                let header = rows.get(preamble).is_some_and(|r| header::is_header(r, &rows[preamble + 1..]));
                let preamble = preamble + usize::from(fixed.is_some());
                Some(Dialect { delimiter: fixed.unwrap_or(b','), preamble, header, columns: 1, cr })
            }
            None => None,
        }
    }
}

fn is_comment(row: &Row<'_>) -> bool {
    row.cells.first().is_some_and(|c| c.starts_with('#') || c.starts_with("//") || c.starts_with("--"))
}

/// The rows of a sample; blank ones are left out, and a last one that may be cut.
fn rows(sample: &str, delimiter: u8, cr: bool, complete: bool) -> Vec<Row<'_>> {
    let newline = if cr { b'\r' } else { b'\n' };
    let bytes = sample.as_bytes();
    let mut rows = Vec::new();
    let mut at = 0;
    while at < bytes.len() && rows.len() < ROWS {
        let mut cells = Vec::new();
        let closed = loop {
            let (from, to, next) = cell(bytes, at, delimiter, newline);
            cells.push(sample.get(from..to).unwrap_or("").trim_end_matches('\r'));
            at = next;
            if at >= bytes.len() || bytes[at - 1] == newline {
                break bytes[at - 1] == newline;
            }
        };
        if !closed && !complete && !rows.is_empty() {
            break;
        }
        if cells.len() > 1 || cells.first().is_some_and(|c| !c.trim().is_empty()) {
            rows.push(Row { cells });
        }
    }
    rows
}

/// A cell at `at`: its content's range and where the next one begins.
fn cell(bytes: &[u8], at: usize, delimiter: u8, newline: u8) -> (usize, usize, usize) {
    if bytes.get(at) == Some(&b'"') {
        let mut i = at + 1;
        while let Some(n) = memchr::memchr(b'"', &bytes[i..]) {
            let quote = i + n;
            match bytes.get(quote + 1) {
                Some(b'"') => i = quote + 2,
                Some(&b) if b == delimiter || b == newline => return (at + 1, quote, quote + 2),
                Some(b'\r') if bytes.get(quote + 2) == Some(&newline) => return (at + 1, quote, quote + 3),
                None => return (at + 1, quote, quote + 1),
                Some(_) => i = quote + 1,
            }
            if i >= bytes.len() {
                break;
            }
        }
    }
    match memchr::memchr2(delimiter, newline, &bytes[at..]) {
        Some(n) => (at, at + n, at + n + 1),
        None => (at, bytes.len(), bytes.len()),
    }
}

/// How well the rows fit, if they do.
fn judge(rows: &[Row<'_>], delimiter: u8, cr: bool, named: bool) -> Option<(u64, Dialect)> {
    let data: Vec<&Row<'_>> = rows.iter().filter(|r| !is_comment(r)).collect();
    let mut widths: Vec<usize> = data.iter().map(|r| r.cells.len()).collect();
    widths.sort_unstable();
    let (columns, usual) = mode(&widths)?;
    if columns < 2 {
        return None;
    }
    let share = usual * 100 / data.len().max(1);
    // Named tables may be ragged or have but a header; others must be regular.
    let regular = if named {
        share >= 50 || data.len() < 3 || widths.iter().filter(|&&w| w > 1).count() * 2 > widths.len()
    } else {
        data.len() >= 2 && (usual == data.len() || (data.len() >= 8 && share >= 90))
    };
    if !regular || (!named && !looks_like_table(&data, delimiter, columns)) {
        return None;
    }
    let preamble = rows.iter().take_while(|r| is_comment(r) || is_title(r, columns)).count();
    let preamble = if preamble >= rows.len() { rows.iter().take_while(|r| is_comment(r)).count() } else { preamble };
    let header = rows.get(preamble).is_some_and(|first| header::is_header(first, &rows[preamble + 1..]));
    let score = share as u64 * 1000 + (columns as u64).min(200);
    Some((score, Dialect { delimiter, preamble, header, columns, cr }))
}

fn mode(sorted: &[usize]) -> Option<(usize, usize)> {
    sorted.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).max_by_key(|&(width, n)| (n, width))
}

/// A title above the table: one filled cell, or far fewer cells than the table has columns.
fn is_title(row: &Row<'_>, columns: usize) -> bool {
    let filled = row.cells.iter().filter(|c| !c.trim().is_empty()).count();
    (columns >= 3 && filled <= 1) || (row.cells.len() == 1 && columns >= 2)
}

/// Tells tables from prose, source code, logs and markup, when no name helps.
fn looks_like_table(rows: &[&Row<'_>], delimiter: u8, columns: usize) -> bool {
    let rows = &rows[..rows.len().min(100)];
    let n = rows.len();
    let count = |f: &dyn Fn(&&&Row<'_>) -> bool| rows.iter().filter(f).count();
    let first = |r: &Row<'_>| r.cells.first().copied().unwrap_or("").trim_start().bytes().next();
    let last_char = |r: &Row<'_>| r.cells.last().and_then(|c| c.trim_end().chars().next_back());
    let code = count(&|r| {
        matches!(last_char(r), Some('{' | '}' | '(' | '[' | ';' | '\\'))
            || matches!(first(r), Some(b'{' | b'<' | b'}' | b'@'))
            || r.cells.iter().any(|c| c.contains("= {") || c.contains("=>") || c.contains("();"))
    });
    if code * 10 > n || rows.iter().take(3).any(|r| matches!(first(r), Some(b'{' | b'<'))) {
        return false;
    }
    let bracketed = count(&|r| first(r) == Some(b'['));
    let indented = count(&|r| r.cells.first().is_some_and(|c| c.is_empty() || c.starts_with("  ")));
    let rule =
        rows.get(1).is_some_and(|r| r.cells.iter().all(|c| c.trim().bytes().all(|b| matches!(b, b'-' | b':' | b'='))));
    if bracketed * 2 > n || indented * 3 > n || rule {
        return false;
    }
    // A column that is always empty, or only begins with a blank, is punctuation at work.
    let empty_last = count(&|r| r.cells.last().is_some_and(|c| c.trim().is_empty())) == n;
    if empty_last && columns <= 3 {
        return false;
    }
    let words = |c: &str| c.split_whitespace().count();
    let (mut prose, mut spaced, mut short, mut all) = (0, 0, 0, 0);
    for row in rows {
        for (i, c) in row.cells.iter().enumerate() {
            all += 1;
            prose += usize::from(words(c) >= 6 || c.chars().count() > 80);
            spaced += usize::from(i > 0 && c.starts_with(' ') && delimiter == b',');
            short += usize::from(words(c) <= 2);
        }
    }
    // Tabs and separators are no punctuation of prose; the others must show short cells, and with two columns items of one sort.
    let strict = matches!(delimiter, b',' | b';' | b'|');
    let logs = count(&|r| {
        r.cells.iter().any(|c| [" INFO", " WARN", " ERROR", " DEBUG", "INFO ", "ERROR "].iter().any(|w| c.contains(w)))
    });
    if !strict {
        return prose * 3 < all || columns >= 4;
    }
    prose * 10 < all
        && short * 10 >= all * 7
        && logs * 5 < n
        && (spaced * 2 < all || header::mostly_numbers(rows))
        && (columns >= 3 || header::one_sort(rows))
}

#[cfg(test)]
mod tests;
