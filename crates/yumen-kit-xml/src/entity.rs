//! Character references.

/// The character of the reference at the start of `text` (`&amp;`, `&#24352;`, `&#x5F20;`), and the reference's length.
pub(crate) fn decode(text: &str) -> Option<(char, usize)> {
    let body = text.strip_prefix('&')?;
    let end = body.bytes().take(14).position(|b| b == b';')?;
    let name = &body[..end];
    let c = if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
    } else {
        match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            "nbsp" | "ensp" | "emsp" => ' ',
            "copy" => '©',
            "reg" => '®',
            "middot" => '·',
            "ldquo" => '“',
            "rdquo" => '”',
            "hellip" => '…',
            "mdash" => '—',
            "ndash" => '–',
            "times" => '×',
            "deg" => '°',
            "yen" => '¥',
            _ => return None,
        }
    };
    Some((c, end + 2))
}

/// Writes `raw` with its references replaced into `out`, which is emptied before. Whether there was one.
pub(crate) fn decode_all(raw: &str, out: &mut String) -> bool {
    out.clear();
    let mut rest = raw;
    let mut any = false;
    while let Some(n) = rest.find('&') {
        out.push_str(&rest[..n]);
        rest = &rest[n..];
        match decode(rest) {
            Some((c, len)) => {
                any = true;
                out.push(c);
                rest = &rest[len..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    any
}
