//! What is carried between two ports: text and known formats are gathered into children, the rest is told from what is encrypted.

use std::collections::{BTreeMap, HashMap};

use yumen_model::InspectError;

use crate::out::{Out, send_child};

/// Most flows that are told apart.
const MAX_FLOWS: usize = 1 << 16;
/// Bytes gathered of one flow, and of all.
const MAX_GATHERED: usize = 8 << 20;
const MAX_ALL: usize = 64 << 20;
/// Segments that wait for one before them.
const MAX_WAITING: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) tcp: bool,
    pub(super) source: u128,
    pub(super) destination: u128,
    pub(super) ports: [u16; 2],
}

/// What became of a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Gathered for a child.
    Kept,
    /// Encrypted, by this protocol.
    Encrypted(&'static str),
    /// Of no known form.
    Binary,
}

struct Flow {
    kind: Option<(Kind, &'static str)>,
    packets: u64,
    bytes: u64,
    gathered: Vec<u8>,
    next: Option<u32>,
    waiting: BTreeMap<u32, Vec<u8>>,
}

#[derive(Default)]
pub(super) struct Flows {
    list: HashMap<Key, Flow>,
    gathered: usize,
}

/// What the first payload of a flow shows.
fn classify(key: Key, data: &[u8]) -> (Kind, &'static str) {
    let port = |p: u16| key.ports.contains(&p);
    let tls = |d: &[u8]| matches!(d, [0x14..=0x18, 3, 0..=4, ..]) && d.len() >= 5;
    match data {
        d if tls(d) => (Kind::Encrypted("TLS"), "TLS"),
        // DTLS.
        [0x14..=0x19, 0xfe, 0xfd | 0xff, ..] if !key.tcp => (Kind::Encrypted("DTLS"), "DTLS"),
        [b'S', b'S', b'H', b'-', ..] if key.tcp => (Kind::Encrypted("SSH"), "SSH"),
        [first, a, b, c, d, ..]
            if !key.tcp
                && first & 0xc0 == 0xc0
                && (port(443) || port(8443))
                && matches!([*a, *b, *c, *d], [0, 0, 0, 1] | [0x6b, 0x33, 0x43, 0xcf]) =>
        {
            (Kind::Encrypted("QUIC"), "QUIC")
        }
        [b'$' | b'!', a, b, ..] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => (Kind::Kept, "NMEA"),
        [0xb5, 0x62, ..] => (Kind::Kept, "UBX"),
        [0xd3, len, _, ..] if *len < 4 && (port(2101) || key.tcp) => (Kind::Kept, "RTCM"),
        [0x10, ..] if key.tcp && (port(1883) || data.windows(4).take(12).any(|w| w == b"MQTT")) => (Kind::Kept, "MQTT"),
        _ if port(53) || port(5353) => (Kind::Binary, "DNS"),
        _ => {
            let head = &data[..data.len().min(256)];
            let text = std::str::from_utf8(head)
                .map_or_else(|e| e.valid_up_to() + 3 >= head.len() && head.len() > 8, |_| true);
            let odd = head.iter().filter(|b| b.is_ascii_control() && !matches!(b, b'\t' | b'\n' | b'\r')).count();
            let letters = head.iter().filter(|b| b.is_ascii_alphanumeric() || **b >= 0x80).count();
            if text && odd == 0 && head.len() >= 4 && letters * 3 >= head.len() {
                (Kind::Kept, "text")
            } else {
                (Kind::Binary, "binary")
            }
        }
    }
}

impl Flows {
    fn flow(&mut self, key: Key) -> Option<&mut Flow> {
        if self.list.len() >= MAX_FLOWS && !self.list.contains_key(&key) {
            return None;
        }
        Some(self.list.entry(key).or_insert_with(|| Flow {
            kind: None,
            packets: 0,
            bytes: 0,
            gathered: Vec::new(),
            next: None,
            waiting: BTreeMap::new(),
        }))
    }

    /// Counts a payload that was read elsewhere.
    pub(super) fn count(&mut self, key: Key, kind: &'static str, bytes: usize) {
        if let Some(flow) = self.flow(key) {
            flow.kind.get_or_insert((Kind::Binary, kind));
            flow.packets += 1;
            flow.bytes += bytes as u64;
        }
    }

    /// Takes a payload; of a stream with its sequence number.
    pub(super) fn take(
        &mut self,
        key: Key,
        sequence: Option<u32>,
        data: &[u8],
        out: &mut Out<'_>,
    ) -> Result<Kind, InspectError> {
        let Some(flow) = self.flow(key) else { return Ok(Kind::Binary) };
        flow.packets += 1;
        flow.bytes += data.len() as u64;
        let (mut kind, _) = *flow.kind.get_or_insert_with(|| classify(key, data));
        // Of a stream that was joined midway, or one that changes to encrypted (STARTTLS).
        if kind != Kind::Kept && sequence.is_some() {
            let (now, name) = classify(key, data);
            if matches!(now, Kind::Encrypted(_)) && kind == Kind::Binary {
                kind = now;
                flow.kind = Some((now, name));
            }
        } else if kind == Kind::Binary && sequence.is_none() {
            // Datagrams stand for themselves.
            let (now, name) = classify(key, data);
            kind = now;
            if now != Kind::Binary {
                flow.kind = Some((now, name));
            }
        }
        if kind != Kind::Kept {
            return Ok(kind);
        }
        let before = flow.gathered.len();
        match sequence {
            None => flow.gathered.extend_from_slice(data),
            Some(sequence) => flow.stream(sequence, data),
        }
        let grown = flow.gathered.len() - before;
        let full = flow.gathered.len() >= MAX_GATHERED;
        let bytes = if full { std::mem::take(&mut flow.gathered) } else { Vec::new() };
        self.gathered = (self.gathered + grown).saturating_sub(bytes.len());
        if full {
            send_child(&name(key), &bytes, out)?;
        } else if self.gathered > MAX_ALL {
            self.flush(out)?;
        }
        Ok(Kind::Kept)
    }

    fn flush(&mut self, out: &mut Out<'_>) -> Result<(), InspectError> {
        let mut keys: Vec<Key> = self
            .list
            .iter()
            .filter(|(_, f)| !f.gathered.is_empty() || !f.waiting.is_empty())
            .map(|(k, _)| *k)
            .collect();
        keys.sort_unstable();
        for key in keys {
            let Some(flow) = self.list.get_mut(&key) else { continue };
            for part in std::mem::take(&mut flow.waiting).into_values() {
                flow.gathered.extend_from_slice(&part);
            }
            let bytes = std::mem::take(&mut flow.gathered);
            send_child(&name(key), &bytes, out)?;
        }
        self.gathered = 0;
        Ok(())
    }

    pub(super) fn finish(&mut self, out: &mut Out<'_>) -> Result<(), InspectError> {
        self.flush(out)
    }

    /// Flows by their ports, addresses apart: transport, ports, content, payloads, bytes.
    pub(super) fn rows(&self) -> Vec<(bool, [u16; 2], &'static str, u64, u64)> {
        let mut rows: BTreeMap<(bool, [u16; 2], &'static str), (u64, u64)> = BTreeMap::new();
        for (key, flow) in &self.list {
            let row = rows.entry((key.tcp, key.ports, flow.kind.map_or("", |k| k.1))).or_default();
            row.0 += flow.packets;
            row.1 += flow.bytes;
        }
        rows.into_iter().map(|((tcp, ports, kind), (packets, bytes))| (tcp, ports, kind, packets, bytes)).collect()
    }
}

impl Flow {
    /// A segment of a stream: repeated bytes are passed over, those that come too early wait.
    fn stream(&mut self, sequence: u32, data: &[u8]) {
        let next = *self.next.get_or_insert(sequence);
        self.place(next, sequence, data);
        while let Some(next) = self.next {
            let ready = self.waiting.iter().find(|(s, _)| next.wrapping_sub(**s) < 1 << 31).map(|(s, _)| *s);
            let ready = ready
                .or_else(|| (self.waiting.len() > MAX_WAITING).then(|| self.waiting.keys().next().copied()).flatten());
            let Some(sequence) = ready else { break };
            let Some(part) = self.waiting.remove(&sequence) else { break };
            // What is missing by now was not recorded.
            let next = if next.wrapping_sub(sequence) < 1 << 31 { next } else { sequence };
            self.place(next, sequence, &part);
        }
    }

    fn place(&mut self, next: u32, sequence: u32, data: &[u8]) {
        let behind = next.wrapping_sub(sequence);
        if behind < 1 << 31 {
            if let Some(fresh) = data.get(behind as usize..).filter(|d| !d.is_empty()) {
                self.gathered.extend_from_slice(fresh);
                self.next = Some(sequence.wrapping_add(u32::try_from(data.len()).unwrap_or(0)));
            } else {
                self.next = Some(next);
            }
        } else {
            self.waiting.insert(sequence, data.to_vec());
        }
    }
}

fn name(key: Key) -> Vec<u8> {
    format!(
        "{}-{}.bin",
        if key.tcp { "tcp" } else { "udp" },
        if key.tcp { key.ports[0].min(key.ports[1]) } else { key.ports[1] }
    )
    .into_bytes()
}
