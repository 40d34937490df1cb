//! Names of fields, and names that are content themselves.

/// Whether a key can go without being read as content: a word of letters, digits and `_-.$:# ()[]`, with fewer than six digits.
#[must_use]
pub fn is_plain_name(key: &str) -> bool {
    // Nearly all names are short words without a digit.
    if key.len() <= 64 && key.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_') {
        return true;
    }
    key.len() <= 128 && !tells_more_than_a_name(key) && key.strip_prefix('@').unwrap_or(key).chars().all(is_name_char)
}

/// Whether a key is rather an item than the name of one (an id, a number, a date and time): paths leave it out like an array's index.
#[must_use]
pub fn tells_more_than_a_name(key: &str) -> bool {
    if key.is_ascii() {
        return key.len() > 256 || key.bytes().filter(u8::is_ascii_digit).count() >= 6;
    }
    key.len() > 256
        || key.bytes().filter(u8::is_ascii_digit).count() >= 6
        || key.chars().filter(|c| c.is_numeric()).count() >= 6
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$' | ' ' | '(' | ')' | '[' | ']' | '（' | '）' | '#' | ':')
}
