//! What was matched is secret by type.

use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A raw matched value. It lives inside a detector and becomes a [`Redacted`] or a keyed token, nothing else:
///
/// ```compile_fail
/// let s = yumen_model::Secret::new("13800000000");
/// println!("{s:?}");
/// ```
/// ```compile_fail
/// let s = yumen_model::Secret::new("13800000000");
/// println!("{s}");
/// ```
/// ```compile_fail
/// serde_json::to_string(&yumen_model::Secret::new("13800000000"));
/// ```
/// ```compile_fail
/// let _ = yumen_model::Secret::new("13800000000").clone();
/// ```
pub struct Secret<'a>(&'a str);

impl<'a> Secret<'a> {
    /// Wraps a raw value.
    #[must_use]
    pub fn new(value: &'a str) -> Self {
        Secret(value)
    }

    /// The raw value; for masking and keyed hashing only.
    pub(crate) fn expose(&self) -> &'a str {
        self.0
    }

    /// The masked form.
    #[must_use]
    pub fn redact(&self, mask: Mask) -> Redacted {
        Redacted::of(self.0, mask)
    }
}

/// How a value is masked. Whatever is asked, at most a third of its characters stay visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// Every character is hidden.
    All,
    /// So many characters at the head and at the tail stay.
    Ends(u8, u8),
    /// The head stays, the rest reads `…`; for long values such as keys.
    Head(u8),
    /// An e-mail address: the first character, and the domain's last label.
    Email,
    /// A fixed label instead of the value (`[certificate]`): nothing of it is shown.
    Label(&'static str),
}

/// A masked value and its length: all that leaves a detector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Redacted {
    mask: String,
    chars: usize,
}

const HIDDEN: char = '•';
/// Longer values are shortened in the middle with `…`.
const LONGEST: usize = 40;

impl Redacted {
    fn of(value: &str, mask: Mask) -> Self {
        let chars: Vec<char> = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let n = chars.len();
        let most = n / 3;
        let text = match mask {
            Mask::Label(label) => label.to_owned(),
            Mask::All => dots(n),
            Mask::Head(head) => {
                let head = usize::from(head).min(most);
                let mut s: String = chars[..head].iter().collect();
                s.push('…');
                s
            }
            Mask::Ends(head, tail) => ends(&chars, usize::from(head), usize::from(tail)),
            Mask::Email => match value.rsplit_once('.') {
                Some((rest, tld)) if value.contains('@') && tld.chars().count() + 2 <= most => {
                    let head: String = chars.iter().take(1).collect();
                    let hidden = rest.chars().count().saturating_sub(1);
                    format!("{head}{}.{tld}", dots(hidden))
                }
                _ => ends(&chars, 1, 0),
            },
        };
        Redacted { mask: text, chars: n }
    }

    /// The masked text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.mask
    }

    /// Length of the raw value in characters.
    #[must_use]
    pub fn chars(&self) -> usize {
        self.chars
    }
}

fn ends(chars: &[char], head: usize, tail: usize) -> String {
    let most = chars.len() / 3;
    let head = head.min(most);
    let tail = tail.min(most - head);
    let mut s: String = chars[..head].iter().collect();
    s.push_str(&dots(chars.len() - head - tail));
    s.extend(&chars[chars.len() - tail..]);
    s
}

fn dots(n: usize) -> String {
    if n > LONGEST { "…".to_owned() } else { std::iter::repeat_n(HIDDEN, n).collect() }
}

/// A text with the given byte ranges masked: for hits in names and properties.
#[must_use]
pub fn mask_spans(name: &str, mut spans: Vec<Range<usize>>) -> String {
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
    use proptest::prelude::*;

    #[test]
    fn masks_keep_little() {
        let m = |s, mask| Secret::new(s).redact(mask).mask;
        assert_eq!(m("13812345678", Mask::Ends(3, 2)), "138••••••••");
        assert_eq!(m("11010519491231002X", Mask::Ends(4, 2)), "1101••••••••••••2X");
        assert_eq!(m("张三", Mask::Ends(1, 0)), "••");
        assert_eq!(m("taozhou@example.net", Mask::Email), "t••••••••••••••.net");
        assert_eq!(m("-----BEGIN PRIVATE KEY-----\nabc", Mask::Head(15)), "-----BEGIN…");
    }

    #[test]
    fn hits_are_masked_and_the_rest_stays() {
        assert_eq!(mask_spans("a/13812345678.csv", Vec::from([Range { start: 2, end: 13 }])), "a/13•••••••••.csv");
        assert_eq!(mask_spans("x13812345678y", vec![1..12, 3..8]), "x13•••••••••y");
        assert_eq!(mask_spans("皖A12345.jpg", vec![0..9, 0..9]), "皖A•••••.jpg");
    }

    proptest! {
        #[test]
        fn at_most_a_third_is_visible(s in "\\PC{0,60}", head in 0u8..40, tail in 0u8..40, which in 0u8..4) {
            let mask = match which {
                0 => Mask::All,
                1 => Mask::Head(head),
                2 => Mask::Email,
                _ => Mask::Ends(head, tail),
            };
            let raw = s.replace(['•', '…'], "x");
            let shown = Secret::new(&raw).redact(mask).mask.chars().filter(|c| !matches!(c, '•' | '…')).count();
            prop_assert!(shown <= raw.chars().count() / 3);
        }
    }
}
