//! Hits in names are masked wherever a path is shown.

use std::ops::Range;

use yumen_model::{Mask, Secret};

/// The name with the given byte ranges masked.
pub(crate) fn masked(name: &str, mut spans: Vec<Range<usize>>) -> String {
    spans.sort_by_key(|s| (s.start, s.end));
    let mut out = String::with_capacity(name.len());
    let mut at = 0;
    let mut index = 0;
    while index < spans.len() {
        let start = spans[index].start.max(at);
        let mut end = spans[index].end;
        index += 1;
        while index < spans.len() && spans[index].start < end {
            end = end.max(spans[index].end);
            index += 1;
        }
        let (Some(plain), Some(hit)) = (name.get(at..start), name.get(start..end)) else { continue };
        out.push_str(plain);
        out.push_str(Secret::new(hit).redact(Mask::Ends(2, 0)).as_str());
        at = end;
    }
    out.push_str(name.get(at..).unwrap_or(""));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_masked_and_the_rest_stays() {
        assert_eq!(masked("a/13812345678.csv", Vec::from([Range { start: 2, end: 13 }])), "a/13•••••••••.csv");
        assert_eq!(masked("x13812345678y", vec![1..12, 3..8]), "x13•••••••••y");
        assert_eq!(masked("皖A12345.jpg", vec![0..9, 0..9]), "皖A•••••.jpg");
    }
}
