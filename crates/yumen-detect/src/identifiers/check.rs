//! Check digits, and values out of digits with separators.

/// ISO/IEC 7812 (Luhn) over decimal digits.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &b)| {
            let d = u32::from(b - b'0');
            if i % 2 == 0 { d } else { d / 5 + d * 2 % 10 }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// How many different bytes there are.
pub(crate) fn variety(bytes: &[u8]) -> usize {
    let mut seen = [false; 256];
    bytes.iter().filter(|&&b| !std::mem::replace(&mut seen[usize::from(b)], true)).count()
}

/// Whether the number is not plausible as an issued one: few different digits, or counting up.
pub(crate) fn patterned(digits: &[u8]) -> bool {
    let steps = digits.windows(2).filter(|w| w[1] == w[0] + 1 || (w[0] == b'9' && w[1] == b'0')).count();
    variety(digits) <= 2 || steps + 2 >= digits.len()
}

/// Digits (and letters of `more`) from the start of a text, single spaces or hyphens between them passed over; the value without
/// separators and where it ends.
pub(crate) fn spaced(text: &str, most: usize, more: impl Fn(u8) -> bool) -> (String, usize) {
    let bytes = text.as_bytes();
    let (mut value, mut end, mut at) = (String::new(), 0, 0);
    while let Some(&b) = bytes.get(at) {
        if b.is_ascii_digit() || more(b) {
            value.push(char::from(b));
            at += 1;
            end = at;
            if value.len() > most {
                break;
            }
        } else if matches!(b, b' ' | b'-') && at == end && at > 0 {
            at += 1;
        } else {
            break;
        }
    }
    (value, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_digits() {
        assert!(luhn(b"490154203237518"));
        assert!(luhn(b"4532015112830366"));
        assert!(!luhn(b"490154203237519"));
        assert!(!luhn(b""));
    }

    #[test]
    fn patterns_are_not_issued_numbers() {
        assert!(patterned(b"1111111111"));
        assert!(patterned(b"1234567890123"));
        assert!(!patterned(b"6222021234567890"));
    }
}
