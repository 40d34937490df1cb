//! Full-width letters and digits: `ＶＩＮ：１３８` is read as `VIN：138`. One character stays one character.

use std::borrow::Cow;

/// The ASCII form of a full-width letter, digit, or one of `＠．－＋＿`.
pub(crate) fn fold_char(c: char) -> Option<char> {
    match c {
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '＠' | '．' | '－' | '＋' | '＿' => {
            char::from_u32(u32::from(c) - 0xFEE0)
        }
        _ => None,
    }
}

/// Offset of the first character that folds.
pub(crate) fn first(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(n) = memchr::memchr(0xEF, &bytes[at..]) {
        at += n;
        if let [0xEF, 0xBC | 0xBD, _, ..] = bytes[at..]
            && text[at..].chars().next().and_then(fold_char).is_some()
        {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// The text with its full-width letters and digits as ASCII; borrowed when there is none.
pub(crate) fn fold(text: &str) -> Cow<'_, str> {
    if first(text).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| fold_char(c).unwrap_or(c)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_digits_fold_and_punctuation_stays() {
        assert_eq!(fold("ＶＩＮ：１３８，ａ＠ｂ．ｃｎ（１－２）"), "VIN：138，a@b.cn（1-2）");
        assert!(matches!(fold("手机：138，￥"), Cow::Borrowed(_)));
        assert_eq!(first("，：９"), Some(6));
    }
}
