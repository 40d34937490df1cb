//! What the readers of geographic XML share: names without prefix, texts of numbers of any length, identification by the root.

use std::cell::RefCell;

use yumen_kit_text::Sample;
use yumen_kit_xml::root;
use yumen_model::{Certainty, Identity, Probe};

/// Numbers that are kept of one list.
const MOST: usize = 8 << 20;

/// A name without its prefix.
pub(crate) fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// What the root element of a text says: its local name, and its namespaces and other attributes in one.
pub(crate) fn identify(
    probe: &Probe<'_>,
    judge: impl Fn(&str, &str, &str) -> Option<(&'static str, Certainty)>,
) -> Option<Identity> {
    let start = probe
        .head
        .iter()
        .position(|b| !b.is_ascii_whitespace() && !matches!(b, 0xEF | 0xBB | 0xBF | 0xFF | 0xFE | 0))?;
    if probe.head.get(start) != Some(&b'<') {
        return None;
    }
    let sample = Sample::of(probe)?;
    let root = root(&sample.text)?;
    let attributes: Vec<&str> = root.attributes.iter().map(|(_, v)| v.as_str()).collect();
    let (format, certainty) = judge(root.local(), &attributes.join(" "), root.body)?;
    Some(Identity::new(format, certainty))
}

/// A list of numbers that comes in pieces.
#[derive(Default)]
pub(crate) struct Numbers {
    carry: String,
    pub(crate) values: Vec<f64>,
    /// How many values each tuple has where commas tell them apart from tuples.
    pub(crate) tuples: Vec<u8>,
    commas: bool,
    /// The last word ended with a comma.
    trailing: bool,
}

impl Numbers {
    /// Numbers in tuples: blanks between tuples, commas within.
    pub(crate) fn tuples() -> Self {
        Numbers { commas: true, ..Numbers::default() }
    }

    pub(crate) fn clear(&mut self) {
        self.carry.clear();
        self.values.clear();
        self.tuples.clear();
        self.trailing = false;
    }

    /// The next piece; a word may be cut at its end.
    pub(crate) fn feed(&mut self, text: &str) {
        let mut rest = text;
        if !self.carry.is_empty() {
            let n = rest.find(char::is_whitespace).unwrap_or(rest.len());
            if self.carry.len() + n < 4096 {
                self.carry.push_str(&rest[..n]);
            }
            rest = &rest[n..];
            if rest.is_empty() {
                return;
            }
            let carry = std::mem::take(&mut self.carry);
            self.word(&carry);
        }
        let end = rest.rfind(char::is_whitespace).map_or(0, |i| i + rest[i..].chars().next().map_or(1, char::len_utf8));
        for word in rest[..end].split_ascii_whitespace() {
            self.word(word);
        }
        if rest.len() - end < 4096 {
            rest[end..].clone_into(&mut self.carry);
        }
    }

    /// The list is over.
    pub(crate) fn end(&mut self) {
        let carry = std::mem::take(&mut self.carry);
        self.word(&carry);
    }

    fn word(&mut self, word: &str) {
        if self.values.len() >= MOST {
            return;
        }
        let mut n = 0u8;
        let split = |c: char| c == ',' || c == ';';
        for part in word.split(split).filter(|p| !p.is_empty()) {
            if let Ok(value) = part.parse::<f64>() {
                self.values.push(value);
                n = n.saturating_add(1);
            }
        }
        if !self.commas || n == 0 {
            return;
        }
        // `116.3, 39.9, 0`: blanks beside the commas.
        let joins = word.starts_with(',') || self.trailing;
        self.trailing = word.ends_with(',');
        match self.tuples.last_mut() {
            Some(last) if joins => *last = last.saturating_add(n),
            _ => self.tuples.push(n),
        }
    }

    /// The tuples, the height none where it is left out.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (f64, f64, Option<f64>)> {
        let mut at = 0;
        self.tuples.iter().filter_map(move |&n| {
            let from = at;
            at += usize::from(n);
            let x = *self.values.get(from)?;
            let y = *self.values.get(from + 1).filter(|_| n >= 2)?;
            Some((x, y, self.values.get(from + 2).copied().filter(|_| n >= 3)))
        })
    }
}

/// A list under way that the visitor and the filter of records both feed: the filter sees what is too long for one value.
pub(crate) type Shared = RefCell<Numbers>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_numbers_come_in_pieces() {
        let text = "116.3,39.9,12.5 116.4,40.0\n116.5, 40.1, 7 116.6 ,40.2,8";
        let read = |piece: usize| {
            let mut n = Numbers::tuples();
            for part in text.as_bytes().chunks(piece) {
                n.feed(std::str::from_utf8(part).unwrap());
            }
            n.end();
            n.positions().collect::<Vec<_>>()
        };
        let want =
            vec![(116.3, 39.9, Some(12.5)), (116.4, 40.0, None), (116.5, 40.1, Some(7.0)), (116.6, 40.2, Some(8.0))];
        for piece in [1, 2, 3, 7, 100] {
            assert_eq!(read(piece), want, "{piece}");
        }
    }
}
