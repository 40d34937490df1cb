//! Metadata that is text: what identification looks at, evidence as the readers of text give it, and inventory beside it.

use serde_json::Value;
use yumen_kit_container::Container;
use yumen_kit_text::{Decoder, Detection, Sample, detect};
use yumen_model::{Artifact, InspectError, Inspection, InventoryItem, Probe};

/// Longer metadata is evidence all the same, but is not taken apart for inventory, in bytes.
const LONGEST: u64 = 8 << 20;
/// Most keys that a look at JSON tells.
const MOST_KEYS: usize = 4096;
/// Keys deeper than this are not told.
const DEPTH: usize = 3;

/// The text of metadata, when it is one and not too long.
pub(crate) fn whole(artifact: &Artifact) -> Result<Option<String>, InspectError> {
    if artifact.blob.len() > LONGEST {
        return Ok(None);
    }
    let read = |e: std::io::Error| InspectError::read(0, &e);
    let detection = detect(&artifact.blob).map_err(read)?.unwrap_or(Detection::UTF8);
    let mut decoder = Decoder::new(&artifact.blob, detection);
    let mut text = String::new();
    while let Some(chunk) = decoder.next_chunk().map_err(read)? {
        text.push_str(chunk.text);
    }
    Ok(Some(text))
}

/// The same as JSON.
pub(crate) fn json(artifact: &Artifact) -> Result<Option<Value>, InspectError> {
    Ok(whole(artifact)?.and_then(|text| serde_json::from_str(text.trim_start_matches('\u{FEFF}')).ok()))
}

/// Reads an artifact as JSON, and tells what is there.
pub(crate) fn send_json(
    artifact: &Artifact,
    items: impl IntoIterator<Item = InventoryItem>,
    out: &mut dyn Inspection,
) -> Result<(), InspectError> {
    yumen_kit_text::json::send_json(artifact, false, out)?;
    tell(artifact, items, out)
}

/// Reads an artifact as running text, and tells what is there.
pub(crate) fn send_text(
    artifact: &Artifact,
    items: impl IntoIterator<Item = InventoryItem>,
    out: &mut dyn Inspection,
) -> Result<(), InspectError> {
    yumen_kit_text::send_text(artifact, out)?;
    tell(artifact, items, out)
}

fn tell(
    artifact: &Artifact,
    items: impl IntoIterator<Item = InventoryItem>,
    out: &mut dyn Inspection,
) -> Result<(), InspectError> {
    let mut to = Container::new(artifact, out);
    items.into_iter().for_each(|item| to.inventory(item));
    to.finish(Ok(()))
}

/// The beginning of a text, for identification; none when it is no text.
pub(crate) fn beginning(probe: &Probe<'_>) -> Option<String> {
    Sample::of(probe).map(|sample| sample.text)
}

/// The name without directories.
pub(crate) fn base<'a>(probe: &Probe<'a>) -> &'a str {
    probe.name.rsplit('/').next().unwrap_or(probe.name)
}

/// Keys at the beginning of JSON, with their path (`signed._type`; indices are left out), and their value where it is a plain one.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// The root is an array.
    pub(crate) array: bool,
    keys: Vec<(String, String)>,
}

impl Keys {
    /// Looks at what identification sees of an artifact; none when that does not begin as a JSON object or array.
    pub(crate) fn of(probe: &Probe<'_>) -> Option<Keys> {
        let head = probe.head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(probe.head);
        Keys::read(head)
    }

    fn read(head: &[u8]) -> Option<Keys> {
        let mut rest = head.trim_ascii_start();
        let mut keys = Keys::default();
        let mut path: Vec<&[u8]> = Vec::new();
        // Of each level: whether it is an object, and the length of the path outside of it.
        let mut levels: Vec<(bool, usize)> = Vec::new();
        let mut key = false;
        match rest.first()? {
            b'{' => {}
            b'[' => keys.array = true,
            _ => return None,
        }
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            match byte {
                b'{' | b'[' => {
                    if levels.len() >= 512 {
                        break;
                    }
                    levels.push((byte == b'{', path.len()));
                    key = byte == b'{';
                }
                b'}' | b']' => {
                    let Some((_, len)) = levels.pop() else { break };
                    path.truncate(len);
                    key = false;
                }
                b',' => {
                    if let Some(&(object, len)) = levels.last() {
                        path.truncate(len);
                        key = object;
                    }
                }
                b':' => key = false,
                b'"' => {
                    let Some(len) = string_len(rest) else { break };
                    let text = rest.get(..len).unwrap_or_default();
                    rest = rest.get(len + 1..).unwrap_or_default();
                    if key {
                        path.push(text);
                        keys.push(&path, b"");
                    } else {
                        keys.fill(text);
                    }
                }
                _ if byte.is_ascii_whitespace() => {}
                _ if key => break,
                _ => {
                    let len = rest
                        .iter()
                        .take_while(|b| !matches!(b, b',' | b'}' | b']') && !b.is_ascii_whitespace())
                        .count();
                    let (word, after) = rest.split_at(len);
                    keys.fill(&[&[byte], word].concat());
                    rest = after;
                }
            }
            if levels.is_empty() || keys.keys.len() >= MOST_KEYS {
                break;
            }
        }
        Some(keys)
    }

    fn push(&mut self, path: &[&[u8]], value: &[u8]) {
        if path.len() <= DEPTH {
            let path = String::from_utf8_lossy(&path.join(&b'.')).into_owned();
            self.keys.push((path, String::from_utf8_lossy(value).into_owned()));
        }
    }

    fn fill(&mut self, value: &[u8]) {
        if let Some((_, v)) = self.keys.last_mut()
            && v.is_empty()
        {
            *v = String::from_utf8_lossy(value.get(..value.len().min(256)).unwrap_or_default()).into_owned();
        }
    }

    /// Whether a key is there.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.keys.iter().any(|(p, _)| p == path)
    }

    /// The plain value of a key.
    pub(crate) fn value(&self, path: &str) -> Option<&str> {
        self.keys.iter().find(|(p, _)| p == path).map(|(_, v)| v.as_str())
    }
}

/// Length of a string up to its closing quote, which is there.
fn string_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The texts of a value that is a text or a list of them.
pub(crate) fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Adds what a list does not hold yet; a list is no longer than any that is told.
pub(crate) fn unite(list: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    for word in more {
        if list.len() < 1000 && !word.is_empty() && !list.contains(&word) {
            list.push(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_with_their_path() {
        let keys = Keys::read(br#" {"signatures": [{"keyid": "a\"b", "sig": 1}], "signed": {"_type": "root", "v": 12, "k": {"x": {"y": 1}}, "e": []}, "z": null}"#)
            .unwrap();
        assert_eq!(keys.value("signed._type"), Some("root"));
        assert_eq!(keys.value("signed.v"), Some("12"));
        assert_eq!(keys.value("signatures.keyid"), Some("a\\\"b"));
        assert!(keys.has("signed.k.x") && !keys.has("signed.k.x.y") && keys.has("z") && keys.has("signed.e"));
        assert!(Keys::read(br#"[{"Config": "x"}]"#).unwrap().array);
        assert!(Keys::read(b"hello").is_none());
        // Cut anywhere.
        let whole = br#"{"a": {"b": ["c", {"d": "e"}]}}"#;
        for n in 1..whole.len() {
            assert!(Keys::read(&whole[..n]).is_some());
        }
    }
}
