//! Payloads by their plan: every encoding calls the same [`Visit`] with what it finds.

pub(crate) mod flat;
pub(crate) mod json;
pub(crate) mod proto;
pub(crate) mod serial;

use crate::plan::{NONE, Node, Tree};

/// The payload does not fit its plan from this byte on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bad(pub(crate) usize);

/// Bytes of the payload, or of what was decoded out of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) at: usize,
    pub(crate) len: usize,
    /// Stands in [`Visit::decoded`] instead of the payload.
    pub(crate) own: bool,
    /// A hash of short ones: they may tell things apart.
    pub(crate) mark: u64,
}

/// A value that a meaning asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Value {
    #[default]
    None,
    I(i64),
    U(u64),
    F(f64),
    /// In [`Visit::said`].
    Text(u32, u32),
    Bytes(Piece),
}

/// A text that the detectors are to see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub(crate) node: u32,
    /// In [`Visit::said`].
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Where it stands in the payload byte for byte.
    pub(crate) at: Option<usize>,
}

/// A field of a point in a packed cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PointField {
    /// 0, 1, 2 for x, y, z.
    pub(crate) axis: u8,
    pub(crate) offset: u32,
    pub(crate) datatype: u8,
}

/// What one message gave so far. Reused from message to message.
#[derive(Debug, Default)]
pub(crate) struct Visit {
    pub(crate) values: Vec<Value>,
    pub(crate) said: String,
    pub(crate) heard: Vec<Heard>,
    pub(crate) decoded: Vec<u8>,
    pub(crate) found: Vec<crate::groups::Found>,
    pub(crate) fields: Vec<PointField>,
    pub(crate) counts: Vec<u64>,
    /// Something deeper than the plan goes was passed over.
    pub(crate) cut: bool,
    /// Bounds of the points of arrays of points.
    pub(crate) bounds: crate::cloud::Bounds,
    /// Every value in order, by node.
    #[cfg(test)]
    pub(crate) log: Vec<(u32, crate::tests::Logged)>,
}

impl Visit {
    /// Begins a message.
    pub(crate) fn start(&mut self, tree: &Tree) {
        self.values.clear();
        self.values.resize(tree.slots as usize, Value::None);
        self.counts.clear();
        self.counts.resize(tree.scopes.len(), 0);
        self.said.clear();
        self.heard.clear();
        self.decoded.clear();
        self.found.clear();
        self.fields.clear();
        self.cut = false;
        self.bounds = crate::cloud::Bounds::default();
    }

    /// Begins an element of an array of structures.
    pub(crate) fn begin(&mut self, tree: &Tree, scope: u32) {
        let Some(scope) = tree.scopes.get(scope as usize) else { return };
        for &slot in &scope.slots {
            if let Some(v) = self.values.get_mut(slot as usize) {
                *v = Value::None;
            }
        }
    }

    /// Ends it: what it means is kept.
    pub(crate) fn end(&mut self, tree: &Tree, scope: u32) {
        if let Some(n) = self.counts.get_mut(scope as usize) {
            *n += 1;
        }
        crate::groups::run(tree, scope, self);
    }

    /// A number.
    pub(crate) fn number(&mut self, tree: &Tree, id: u32, node: &Node, value: Value) {
        #[cfg(test)]
        self.log.push((id, crate::tests::Logged::Number(value)));
        if let Some(v) = self.values.get_mut(node.slot as usize) {
            *v = value;
        }
        if node.say {
            let text = match value {
                Value::I(v) if v != 0 => v.to_string(),
                Value::U(v) if v != 0 => v.to_string(),
                Value::F(v) if v != 0.0 && v.fract() == 0.0 && v.abs() < 1e18 => format!("{v:.0}"),
                _ => return,
            };
            self.hear(tree, id, node, &text, None);
        }
    }

    /// A text; what is not UTF-8 is shown as far as it is.
    pub(crate) fn text(&mut self, tree: &Tree, id: u32, node: &Node, bytes: &[u8], at: usize) {
        let end = bytes.iter().rposition(|&b| b != 0).map_or(0, |i| i + 1);
        match std::str::from_utf8(&bytes[..end]) {
            Ok(text) => self.hear(tree, id, node, text, Some(at)),
            // Chinese programs write GBK.
            Err(_) => match encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(&bytes[..end]) {
                Some(text) => self.hear(tree, id, node, &text, None),
                None => self.hear(tree, id, node, &String::from_utf8_lossy(&bytes[..end]), None),
            },
        }
    }

    pub(crate) fn hear(&mut self, _tree: &Tree, id: u32, node: &Node, text: &str, at: Option<usize>) {
        #[cfg(test)]
        self.log.push((id, crate::tests::Logged::Text(text.to_owned())));
        let start = self.said.len();
        let Ok(end) = u32::try_from(start + text.len()) else { return };
        self.said.push_str(text);
        if let Some(v) = self.values.get_mut(node.slot as usize)
            && !node.say
        {
            *v = Value::Text(start as u32, end);
        }
        if !text.is_empty() && !node.quiet {
            self.heard.push(Heard { node: id, start: start as u32, end, at });
        }
    }

    /// Numbers of one byte each, or bytes as one value.
    pub(crate) fn bytes(&mut self, tree: &Tree, id: u32, node: &Node, bytes: &[u8], at: usize) {
        #[cfg(test)]
        self.log.push((id, crate::tests::Logged::Bytes(bytes.to_vec())));
        // Texts stand in arrays of characters too (`uint8[17] vin`).
        if (node.say || (6..=256).contains(&bytes.len())) && node.say_bytes {
            let end = bytes.iter().rposition(|&b| b != 0).map_or(0, |i| i + 1);
            if end >= 4
                && let Ok(text) = std::str::from_utf8(&bytes[..end])
                && !text.chars().any(char::is_control)
            {
                self.hear(tree, id, node, text, Some(at));
            }
        }
        if node.slot != NONE
            && let Some(v) = self.values.get_mut(node.slot as usize)
        {
            let mark = if bytes.len() <= 32 { crate::groups::hash(bytes) } else { 0 };
            *v = Value::Bytes(Piece { at, len: bytes.len(), own: false, mark });
        }
    }

    /// Other numbers one after another as they stand.
    pub(crate) fn array(&mut self, id: u32, node: &Node, at: usize, len: usize) {
        #[cfg(test)]
        self.log.push((id, crate::tests::Logged::Array(at, len)));
        let _ = id;
        if let Some(v) = self.values.get_mut(node.slot as usize) {
            *v = Value::Bytes(Piece { at, len, own: false, mark: 0 });
        }
    }

    /// A value as a number.
    pub(crate) fn real(&self, slot: u32) -> Option<f64> {
        match *self.values.get(slot as usize)? {
            Value::I(v) => Some(v as f64),
            Value::U(v) => Some(v as f64),
            Value::F(v) => Some(v),
            Value::Text(s, e) => self.said.get(s as usize..e as usize)?.trim().parse().ok(),
            _ => None,
        }
    }

    /// A value as a whole number.
    pub(crate) fn int(&self, slot: u32) -> Option<i64> {
        match *self.values.get(slot as usize)? {
            Value::I(v) => Some(v),
            Value::U(v) => Some(v.cast_signed()),
            Value::F(v) => Some(v as i64),
            Value::Text(s, e) => self.said.get(s as usize..e as usize)?.trim().parse().ok(),
            _ => None,
        }
    }

    /// A value as text.
    pub(crate) fn str(&self, slot: u32) -> Option<&str> {
        match *self.values.get(slot as usize)? {
            Value::Text(s, e) => self.said.get(s as usize..e as usize),
            _ => None,
        }
    }

    /// A value as bytes.
    pub(crate) fn piece(&self, slot: u32) -> Option<Piece> {
        match *self.values.get(slot as usize)? {
            Value::Bytes(piece) => Some(piece),
            _ => None,
        }
    }
}
