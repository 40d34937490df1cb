//! `device.*`: IMEI, IMSI, ICCID and MAC addresses.

use yumen_model::kind::kinds;
use yumen_model::{KindId, Mask};

use super::check::{luhn, patterned, variety};
use super::context::{beside_number, is_source, labels_of, line_before, whole_cell};
use super::labels::{self, Labels};
use crate::recogniser::{Candidate, Match, PROVISIONAL, Place, Recogniser, Run};

fn push(c: &Candidate<'_>, kind: KindId, confidence: f64, checksum: Option<bool>, out: &mut Vec<Match>) {
    let value = c.value().to_ascii_uppercase();
    out.push(Match {
        kind,
        start: c.start,
        end: c.end,
        confidence,
        mask: Mask::Ends(3, 2),
        distinct: checksum.map(|valid| ("checksum", valid.into())).into_iter().collect(),
        collect: vec![],
        identifier: (checksum != Some(false)).then_some(value),
        position: None,
    });
}

/// Whether the number goes on behind a point or hyphen.
fn goes_on(c: &Candidate<'_>) -> bool {
    matches!(c.after().as_bytes(), [b'.' | b'-', b'0'..=b'9', ..]) || c.before().ends_with(['.', '-', '+'])
}

/// `device.imei` (3GPP TS 23.003) and `device.imsi` (ITU-T E.212): fifteen digits.
pub(crate) struct Subscriber;

impl Recogniser for Subscriber {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::DEVICE_IMEI, kinds::DEVICE_IMSI]
    }

    fn wants(&self, run: &Run) -> bool {
        run.len == 15 && run.digits == 15 && !run.fraction
    }

    fn examine(&self, c: &Candidate<'_>, out: &mut Vec<Match>) {
        let digits = c.value().as_bytes();
        if goes_on(c) || patterned(digits) {
            return;
        }
        let labels = labels_of(c);
        let chinese_network = matches!(
            digits,
            [b'4', b'6', b'0', b'0', ..]
                | [b'4', b'6', b'0', b'1', b'1' | b'2' | b'3' | b'5', ..]
                | [b'4', b'6', b'0', b'2', b'0', ..]
        );
        if labels.any(Labels::IMSI) && (chinese_network || matches!(digits[0], b'2'..=b'7')) {
            push(c, kinds::DEVICE_IMSI, 0.97, None, out);
            return;
        }
        // Type allocation codes that begin with 0 are old ones: a label has to say so.
        if luhn(digits) && (digits[0] != b'0' || labels.any(Labels::IMEI)) {
            if labels.any(Labels::IMEI) || named(c, "imei") {
                return push(c, kinds::DEVICE_IMEI, 0.97, Some(true), out);
            }
            if !labels.any(Labels::NOISE)
                && whole_cell(c, c.start, c.end)
                && matches!(digits, [b'3', b'5', ..] | [b'8', b'6', ..] | [b'0' | b'9', ..])
            {
                push(c, kinds::DEVICE_IMEI, PROVISIONAL / 2.0, Some(true), out);
            }
        } else if labels.any(Labels::IMEI) && matches!(c.place, Place::Cell { .. }) {
            return push(c, kinds::DEVICE_IMEI, 0.45, Some(false), out);
        }
        if chinese_network && !labels.any(Labels::NOISE) {
            match c.place {
                Place::Cell { .. } if whole_cell(c, c.start, c.end) => push(c, kinds::DEVICE_IMSI, 0.6, None, out),
                Place::Prose if named(c, "imsi") => push(c, kinds::DEVICE_IMSI, 0.95, None, out),
                Place::Prose
                    if !is_source(c)
                        && !beside_number(c, c.start, c.end)
                        && line_before(c, c.start).chars().any(char::is_alphabetic) =>
                {
                    push(c, kinds::DEVICE_IMSI, 0.6, None, out);
                }
                _ => {}
            }
        }
    }
}

/// Whether a word stands on the line shortly before.
fn named(c: &Candidate<'_>, word: &str) -> bool {
    labels::mentions(labels::tail(line_before(c, c.start), 40), &[word])
}

/// `device.iccid` (ITU-T E.118): 8986 is telecommunications in China.
pub(crate) struct Iccid;

impl Recogniser for Iccid {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::DEVICE_ICCID]
    }

    fn wants(&self, run: &Run) -> bool {
        matches!(run.len, 19 | 20) && run.digits + 3 >= run.len && !run.fraction
    }

    fn examine(&self, c: &Candidate<'_>, out: &mut Vec<Match>) {
        let value = c.value().as_bytes();
        let operator = matches!(
            value,
            [b'8', b'9', b'8', b'6', b'0', b'0'..=b'9', ..] | [b'8', b'9', b'8', b'6', b'1', b'1' | b'5', ..]
        );
        if !operator || goes_on(c) || variety(value) <= 3 || !value.iter().all(u8::is_ascii_hexdigit) {
            return;
        }
        let labelled = labels_of(c).any(Labels::ICCID) || named(c, "iccid");
        let digits = value.iter().all(u8::is_ascii_digit);
        // Twenty digits end in the check digit; of nineteen it is left out by some and there with others.
        let checked = value.len() == 20 && digits && luhn(value);
        let confidence = match (labelled, checked) {
            (true, _) => 0.97,
            (false, true) => 0.93,
            (false, false) if digits && whole_cell(c, c.start, c.end) => 0.6,
            _ => return,
        };
        push(c, kinds::DEVICE_ICCID, confidence, None, out);
    }
}

/// `device.mac`: IEEE 802 addresses, universally administered, of one station.
pub(crate) struct Mac;

/// Addresses of examples and defaults.
fn example(mac: &[u8; 6]) -> bool {
    let steps = mac
        .windows(2)
        .filter(|w| w[1].wrapping_sub(w[0]) == w[2 - 1].wrapping_sub(w[0]) && w[1].wrapping_sub(w[0]) == 0x11)
        .count();
    variety(mac) <= 2
        || steps == 5
        || mac.windows(2).all(|w| w[1] == w[0].wrapping_add(1))
        || mac.windows(2).all(|w| w[1] == w[0].wrapping_add(0x22))
        || matches!(
            mac,
            [0x00, 0x00, 0x5E, ..]
                | [0xDE, 0xAD, 0xBE, 0xEF, ..]
                | [0x12, 0x34, 0x56, ..]
                | [0x01, 0x23, 0x45, ..]
                | [0x00, 0x00, 0x00, ..]
        )
}

fn hex(b: &[u8]) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    Some(digit(*b.first()?)? << 4 | digit(*b.get(1)?)?)
}

impl Recogniser for Mac {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::DEVICE_MAC]
    }

    fn wants(&self, run: &Run) -> bool {
        (run.len == 2 && (run.upper == 0 || run.lower == 0)) || (run.len == 12 && run.digits >= 1)
    }

    fn examine(&self, c: &Candidate<'_>, out: &mut Vec<Match>) {
        let bare = c.value().len() == 12;
        let text = c.text.as_bytes().get(c.start..).unwrap_or(&[]);
        let (len, step) = if bare { (12, 2) } else { (17, 3) };
        let Some(raw) = text.get(..len) else { return };
        let separator = raw.get(2).copied().unwrap_or(0);
        if !bare && !matches!(separator, b':' | b'-') {
            return;
        }
        let mut mac = [0; 6];
        for (i, byte) in mac.iter_mut().enumerate() {
            let at = i * step;
            let Some(value) = raw.get(at..at + 2).and_then(hex) else { return };
            *byte = value;
            if !bare && i < 5 && raw.get(at + 2) != Some(&separator) {
                return;
            }
        }
        let next = text.get(len).copied().unwrap_or(b' ');
        let before = c.before().bytes().next_back().unwrap_or(b' ');
        let apart = |b: u8| !b.is_ascii_alphanumeric() && !matches!(b, b':' | b'-' | b'_' | b'%');
        // Longer chains are fingerprints and hex dumps.
        if !apart(next)
            || !(apart(before)
                || (matches!(before, b':' | b'_' | b'-') && !c.before().ends_with(char::from(separator)))
                || before == b':' && labels_of(c).any(Labels::MAC))
        {
            return;
        }
        if mac[0] & 3 != 0 || example(&mac) {
            return;
        }
        let labelled = labels_of(c).any(Labels::MAC)
            || labels::mentions(labels::tail(line_before(c, c.start), 32), &["mac", "bssid", "hwaddr", "ether"]);
        let letters = raw.iter().any(u8::is_ascii_alphabetic);
        let confidence = match c.place {
            _ if bare && !labels_of(c).any(Labels::MAC) => return,
            Place::Cell { .. } if labelled => 0.95,
            Place::Cell { .. } if whole_cell(c, c.start, c.start + len) && letters => 0.8,
            _ if is_source(c) => return,
            Place::Binary => return,
            _ if labelled => 0.9,
            _ if letters && matches!(c.place, Place::Prose) => 0.7,
            _ => return,
        };
        let identifier: String = mac.iter().map(|b| format!("{b:02X}")).collect();
        out.push(Match {
            kind: kinds::DEVICE_MAC,
            start: c.start,
            end: c.start + len,
            confidence,
            mask: Mask::Ends(5, 0),
            distinct: vec![],
            collect: vec![],
            identifier: Some(identifier),
            position: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, found_in};
    use super::*;

    #[test]
    fn imei_by_label_or_full_column() {
        assert_eq!(found(&Subscriber, "IMEI: 490154203237518").len(), 1);
        assert!(found(&Subscriber, "490154203237518").is_empty());
        assert!(found(&Subscriber, "IMEI: 490154203237519").is_empty());
        assert!(found_in(&Subscriber, "", "356938035643809")[0].confidence < PROVISIONAL);
        assert!(found_in(&Subscriber, "imei", "356938035643808")[0].is("checksum", false));
    }

    #[test]
    fn imsi_of_chinese_networks() {
        assert_eq!(found(&Subscriber, "imsi=460011234567893")[0].kind, kinds::DEVICE_IMSI);
        assert!(found(&Subscriber, "x 461011234567893").is_empty());
    }

    #[test]
    fn iccid() {
        assert_eq!(found(&Iccid, "ICCID 89860112345678901238").len(), 1);
        assert!(found(&Iccid, "89860112345678901231").is_empty());
        assert!(found(&Iccid, "ICCID 88860112345678901238").is_empty());
    }

    #[test]
    fn mac_addresses() {
        for text in ["MAC 3C:22:FB:8A:01:9E", "mac=3c-22-fb-8a-01-9e", "地址3C:22:FB:8A:01:9E"] {
            assert_eq!(found(&Mac, text).len(), 1, "{text}");
        }
        assert_eq!(found_in(&Mac, "bt_mac", "3C22FB8A019E").len(), 1);
        for text in [
            "00:11:22:33:44:55",
            "FF:FF:FF:FF:FF:FF",
            "02:42:AC:11:00:02",
            "de:ad:be:ef:00:01",
            "AA:BB:CC:DD:EE:FF",
            "SHA1 3C:22:FB:8A:01:9E:11:42:AC:11:00:02",
            "fe80:3c:22:fb:8a:01:9e",
            "3c22fb8a019e",
        ] {
            assert!(found(&Mac, text).is_empty(), "{text}");
        }
    }
}
