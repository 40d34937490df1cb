//! The lines of a DBC that tell messages and signals: for databases that lie inside a recording. (The reader of DBC files proper is in the family of
//! diagnostics.)

use crate::{Database, MAX_MESSAGES, MAX_SIGNALS, Message, Mux, Signal};

/// Reads messages and signals out of the text of a DBC; other lines are passed over.
#[must_use]
pub fn parse_dbc(text: &str) -> Database {
    let mut database = Database::default();
    let mut open = false;
    for line in text.split(['\n', '\r']) {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("BO_ ") {
            let mut words = rest.split([' ', '\t', ':']).filter(|w| !w.is_empty());
            let id = words.next().and_then(|w| w.parse::<u32>().ok());
            open = false;
            if let (Some(id), Some(name)) = (id, words.next())
                && database.messages.len() < MAX_MESSAGES
                && name != "VECTOR__INDEPENDENT_SIG_MSG"
            {
                open = true;
                let extended = id & 0x8000_0000 != 0;
                let (name, signals) = (name.to_owned(), Vec::new());
                database.messages.push(Message { id: id & 0x1fff_ffff, extended, name, signals });
            }
        } else if let Some(rest) = line.strip_prefix("SG_ ") {
            if let Some(message) = database.messages.last_mut().filter(|m| open && m.signals.len() < MAX_SIGNALS)
                && let Some(signal) = signal(rest)
            {
                message.signals.push(signal);
            }
        } else if let Some(rest) = line.strip_prefix("SIG_VALTYPE_ ") {
            let mut words = rest.split([' ', '\t', ':', ';']).filter(|w| !w.is_empty());
            let (id, name, kind) = (words.next().and_then(|w| w.parse::<u32>().ok()), words.next(), words.next());
            if let (Some(id), Some(name), Some("1" | "2")) = (id, name, kind) {
                let of = database.messages.iter_mut().filter(|m| m.id == id & 0x1fff_ffff);
                of.flat_map(|m| &mut m.signals).filter(|s| s.name == name).for_each(|s| s.float = true);
            }
        }
    }
    database
}

/// `Name m1 : 0|16@1+ (0.1,0) [0|100] "unit" Receiver`.
fn signal(text: &str) -> Option<Signal> {
    let (head, rest) = text.split_once(':')?;
    let mut words = head.split_whitespace();
    let name = words.next()?.to_owned();
    let mux = words.next().map_or(Mux::Always, crate::dbc::mux);
    let (start, rest) = rest.trim().split_once('|')?;
    let (length, rest) = rest.split_once('@')?;
    let order = rest.trim().as_bytes();
    let (factor, rest) = rest.split_once('(')?.1.split_once(',')?;
    let (offset, rest) = rest.split_once(')')?;
    let unit = rest.split('"').nth(1).unwrap_or("").to_owned();
    Some(Signal {
        name,
        start: start.trim().parse().ok()?,
        length: length.trim().parse().ok()?,
        little_endian: order.first() == Some(&b'1'),
        signed: order.get(1) == Some(&b'-'),
        factor: factor.trim().parse().ok()?,
        offset: offset.trim().parse().ok()?,
        unit,
        mux,
        ..Signal::default()
    })
}

/// What the word behind a signal's name says: `M`, `m7`, `m7M`.
pub(crate) fn mux(word: &str) -> Mux {
    let digits: String = word.chars().skip(1).take_while(char::is_ascii_digit).collect();
    match (word.starts_with('M'), digits.parse()) {
        (true, _) => Mux::Switch,
        (false, Ok(n)) => Mux::When(n),
        (false, Err(_)) => Mux::Always,
    }
}

impl Mux {
    /// What the word behind a signal's name in a DBC says: `M`, `m7`, `m7M`.
    #[must_use]
    pub fn of_word(word: &str) -> Mux {
        mux(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_signals_are_read() {
        let text = "VERSION \"\"\r\nBO_ 2566722558 VP: 8 X\r\n SG_ Lat : 0|32@1- (1E-07,0) [-90|90] \"deg\"  Y\r\n SG_ Page M : 32|8@1+ (1,0) [0|0] \"\" Y\n SG_ Lon m3 : 7|32@0+ (0.5,-210) [0|0] \"°\" Y\nBO_ 3221225472 VECTOR__INDEPENDENT_SIG_MSG: 0 X\n SG_ Lost : 0|8@1+ (1,0) [0|0] \"\" X\nBO_ 5 Short: 8 X\n SG_ F : 0|32@1- (1,0) [0|0] \"\" X\nSIG_VALTYPE_ 5 F : 1;\n";
        let database = parse_dbc(text);
        assert_eq!(database.messages.len(), 2);
        let m = &database.messages[0];
        assert_eq!((m.id, m.extended, m.signals.len()), (2_566_722_558 & 0x1fff_ffff, true, 3));
        assert_eq!((m.signals[0].factor, m.signals[0].signed, m.signals[1].mux), (1e-7, true, Mux::Switch));
        assert_eq!((m.signals[2].mux, m.signals[2].little_endian, m.signals[2].offset), (Mux::When(3), false, -210.0));
        assert!(database.messages[1].signals[0].float);
    }
}
