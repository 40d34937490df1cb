//! CAN databases: what signals a frame holds, and which of them tell a position, a motion or a vehicle's number.
//!
//! - [`Database`]: messages and signals as a group fact (`can-database`) carries them, and as the lines of a DBC tell them.
//! - [`Signal::value`]: a signal out of the bytes of a frame.
//! - [`role`]: what a name and a unit say a signal is (latitude, acceleration, VIN…), in English, German and Chinese.

mod dbc;
mod role;

use serde_json::{Value, json};

pub use dbc::parse_dbc;
pub use role::{Named, Part, Role, role};

/// The kind of group fact that a CAN database is lent as.
pub const FACT: &str = "can-database";
/// Most messages of a database that are kept.
pub const MAX_MESSAGES: usize = 20_000;
/// Most signals of a message that are kept.
pub const MAX_SIGNALS: usize = 2_000;

/// Messages of a network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Database {
    /// The messages in the order of the database.
    pub messages: Vec<Message>,
}

/// A message with its signals.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// Identifier, without the bit that says it is extended.
    pub id: u32,
    /// Whether the identifier has 29 bits.
    pub extended: bool,
    /// Name.
    pub name: String,
    /// The signals.
    pub signals: Vec<Signal>,
}

/// When a signal is in the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mux {
    /// Always.
    #[default]
    Always,
    /// Always, and it says which of the others are.
    Switch,
    /// When the switch has this value.
    When(u64),
}

/// Where a signal lies in a frame, and what its number means.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Name.
    pub name: String,
    /// Start bit, as a DBC counts it: of the lowest bit in little-endian signals, of the highest one in big-endian signals.
    pub start: u16,
    /// Bits.
    pub length: u16,
    /// Intel byte order; else Motorola.
    pub little_endian: bool,
    /// Two's complement.
    pub signed: bool,
    /// IEEE 754, of 32 or 64 bits.
    pub float: bool,
    /// The physical value is `raw * factor + offset`.
    pub factor: f64,
    /// See `factor`.
    pub offset: f64,
    /// Unit.
    pub unit: String,
    /// Multiplexing.
    pub mux: Mux,
    /// Values that mean south or west, where the database has words for the values.
    pub negative: Vec<u64>,
}

impl Default for Signal {
    fn default() -> Self {
        Signal {
            name: String::new(),
            start: 0,
            length: 1,
            little_endian: true,
            signed: false,
            float: false,
            factor: 1.0,
            offset: 0.0,
            unit: String::new(),
            mux: Mux::Always,
            negative: Vec::new(),
        }
    }
}

impl Signal {
    /// The bits as they stand in the frame; none when the frame is too short.
    #[must_use]
    pub fn raw(&self, data: &[u8]) -> Option<u64> {
        let (start, len) = (usize::from(self.start), usize::from(self.length));
        if len == 0 || len > 64 {
            return None;
        }
        let mask = if len == 64 { u64::MAX } else { (1 << len) - 1 };
        let (first, last, shift) = if self.little_endian {
            let last = start + len - 1;
            (start / 8, last / 8, start % 8)
        } else {
            // The highest bit, counted from the highest bit of the first byte.
            let from = start / 8 * 8 + 7 - start % 8;
            let last = from + len - 1;
            (from / 8, last / 8, 7 - last % 8)
        };
        let bytes = data.get(first..=last)?;
        let mut all = 0u128;
        if self.little_endian {
            bytes.iter().rev().for_each(|&b| all = all << 8 | u128::from(b));
        } else {
            bytes.iter().for_each(|&b| all = all << 8 | u128::from(b));
        }
        Some((all >> shift) as u64 & mask)
    }

    /// The number that raw bits mean.
    #[must_use]
    pub fn physical(&self, raw: u64) -> f64 {
        let number = if self.float {
            if self.length == 32 { f64::from(f32::from_bits(raw as u32)) } else { f64::from_bits(raw) }
        } else if self.signed && self.length < 64 {
            let shift = 64 - u32::from(self.length.max(1));
            ((raw << shift) as i64 >> shift) as f64
        } else if self.signed {
            raw as i64 as f64
        } else {
            raw as f64
        };
        number * self.factor + self.offset
    }

    /// The physical value in a frame.
    #[must_use]
    pub fn value(&self, data: &[u8]) -> Option<f64> {
        self.raw(data).map(|raw| self.physical(raw))
    }

    /// Whether all bits are set, which says "not available" in most networks.
    #[must_use]
    pub fn is_unavailable(&self, raw: u64) -> bool {
        self.length >= 16 && !self.float && !self.signed && raw == u64::MAX >> (64 - u32::from(self.length.min(64)))
    }

    /// The bytes of a text, in the order of the frame; none where it does not begin and end with a byte.
    #[must_use]
    pub fn bytes<'d>(&self, data: &'d [u8]) -> Option<&'d [u8]> {
        let start = usize::from(self.start);
        let whole =
            self.length.is_multiple_of(8) && if self.little_endian { start.is_multiple_of(8) } else { start % 8 == 7 };
        data.get(start / 8..start / 8 + usize::from(self.length) / 8).filter(|b| whole && !b.is_empty())
    }
}

impl Message {
    /// The signal that says which of the others are in a frame.
    #[must_use]
    pub fn switch(&self) -> Option<&Signal> {
        self.signals.iter().find(|s| s.mux == Mux::Switch)
    }

    /// Whether a signal of it tells a position, a motion or the vehicle's number.
    #[must_use]
    pub fn matters(&self) -> bool {
        self.signals.iter().any(|s| role(&s.name, &s.unit).is_some())
    }
}

impl Database {
    /// As a group fact: messages that matter with the signals that do, the others by name.
    #[must_use]
    pub fn to_fact(&self) -> Value {
        let messages: Vec<Value> = self
            .messages
            .iter()
            .map(|m| {
                let matters = m.matters();
                let signals: Vec<Value> = m
                    .signals
                    .iter()
                    .filter(|s| matters && (s.mux == Mux::Switch || role(&s.name, &s.unit).is_some()))
                    .map(|s| {
                        let mut value = json!({"name": s.name, "start": s.start, "length": s.length, "little_endian": s.little_endian,
                            "signed": s.signed, "factor": s.factor, "offset": s.offset, "unit": s.unit});
                        match s.mux {
                            Mux::Always => {}
                            Mux::Switch => value["mux"] = "switch".into(),
                            Mux::When(n) => value["mux"] = n.into(),
                        }
                        if s.float {
                            value["float"] = true.into();
                        }
                        if !s.negative.is_empty() {
                            value["negative"] = s.negative.clone().into();
                        }
                        value
                    })
                    .collect();
                json!({"id": m.id, "extended": m.extended, "name": m.name, "signals": signals})
            })
            .collect();
        json!({ "messages": messages })
    }

    /// From a group fact. What is not as it should be is left out.
    #[must_use]
    pub fn from_fact(fact: &Value) -> Database {
        let list = |v: &Value, key: &str| v.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |v: &Value, key: &str| v.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
        let flag = |v: &Value, key: &str| v.get(key).and_then(Value::as_bool).unwrap_or(false);
        let messages = list(fact, "messages")
            .iter()
            .take(MAX_MESSAGES)
            .filter_map(|m| {
                let signals = list(m, "signals")
                    .iter()
                    .take(MAX_SIGNALS)
                    .filter_map(|s| {
                        let small = |key| s.get(key).and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
                        Some(Signal {
                            name: text(s, "name"),
                            start: small("start")?,
                            length: small("length")?,
                            little_endian: flag(s, "little_endian"),
                            signed: flag(s, "signed"),
                            float: flag(s, "float"),
                            factor: s.get("factor").and_then(Value::as_f64).unwrap_or(1.0),
                            offset: s.get("offset").and_then(Value::as_f64).unwrap_or(0.0),
                            unit: text(s, "unit"),
                            mux: match s.get("mux") {
                                Some(Value::String(_)) => Mux::Switch,
                                Some(n) => n.as_u64().map_or(Mux::Always, Mux::When),
                                None => Mux::Always,
                            },
                            negative: list(s, "negative").iter().filter_map(Value::as_u64).collect(),
                        })
                    })
                    .collect();
                let id = u32::try_from(m.get("id")?.as_u64()?).ok()?;
                Some(Message { id, extended: flag(m, "extended"), name: text(m, "name"), signals })
            })
            .collect();
        Database { messages }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_taken_out_in_both_byte_orders() {
        let data = [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0];
        let intel = |start, length| Signal { start, length, ..Signal::default() };
        let motorola = |start, length| Signal { start, length, little_endian: false, ..Signal::default() };
        assert_eq!(intel(0, 16).raw(&data), Some(0x3412));
        assert_eq!(intel(4, 12).raw(&data), Some(0x341));
        assert_eq!(intel(0, 64).raw(&data), Some(0xf0de_bc9a_7856_3412));
        assert_eq!(motorola(7, 16).raw(&data), Some(0x1234));
        assert_eq!(motorola(3, 12).raw(&data), Some(0x234));
        assert_eq!(motorola(7, 64).raw(&data), Some(0x1234_5678_9abc_def0));
        assert_eq!(intel(56, 16).raw(&data), None);
        assert_eq!(intel(0, 0).raw(&data), None);
        let signed = Signal { start: 0, length: 4, signed: true, factor: 0.5, offset: 1.0, ..Signal::default() };
        assert_eq!(signed.value(&[0x0f]), Some(0.5));
        let float = Signal { length: 32, float: true, ..Signal::default() };
        assert_eq!(float.value(&39.5f32.to_le_bytes()), Some(39.5));
        assert_eq!(motorola(7, 16).bytes(&data), Some(&data[..2]));
        assert_eq!(motorola(6, 16).bytes(&data), None);
    }

    #[test]
    fn a_fact_comes_back_as_it_was() {
        let signals = vec![
            Signal { name: "Page".into(), length: 8, mux: Mux::Switch, ..Signal::default() },
            Signal {
                name: "GPS_Lat".into(),
                unit: "deg".into(),
                start: 8,
                length: 32,
                signed: true,
                factor: 1e-7,
                mux: Mux::When(1),
                ..Signal::default()
            },
        ];
        let messages = vec![
            Message { id: 0x123, extended: true, name: "Position".into(), signals },
            Message { id: 5, extended: false, name: "Other".into(), signals: vec![] },
        ];
        let database = Database { messages };
        assert_eq!(Database::from_fact(&database.to_fact()), database);
        assert_eq!(
            Database::from_fact(&json!({"messages": [{"id": -1}, 7, {"id": 3, "signals": [{"start": 99999}]}]}))
                .messages
                .len(),
            1
        );
    }
}
