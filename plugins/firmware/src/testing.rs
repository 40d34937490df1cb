//! The recorder, with this family's plugin filled in.

use yumen_kit_container::testing;
pub(crate) use yumen_kit_container::testing::{Recorded, fixture, noise, prose, truth};
use yumen_model::Identity;

use crate::FirmwarePlugin;

/// What the family takes these bytes for.
pub(crate) fn identify(name: &str, bytes: &[u8]) -> Option<Identity> {
    testing::identify(&FirmwarePlugin, name, bytes)
}

/// The format that the family takes these bytes for.
pub(crate) fn format_of(bytes: &[u8]) -> Option<&'static str> {
    identify("x", bytes).map(|i| i.format)
}

/// Identifies bytes and inspects them as what they were taken for.
#[track_caller]
pub(crate) fn inspect(name: &str, bytes: &[u8]) -> Recorded {
    testing::inspect(&FirmwarePlugin, name, bytes)
}

/// Cuts, flips and stops.
#[track_caller]
pub(crate) fn abuse(format: &'static str, bytes: &[u8], flips: usize) {
    testing::abuse(&FirmwarePlugin, format, "x", bytes, flips);
}

/// A property of the one inventory item.
#[track_caller]
pub(crate) fn told<'a>(recorded: &'a Recorded, name: &str) -> &'a serde_json::Value {
    assert_eq!(recorded.inventory.len(), 1);
    match recorded.inventory[0].properties.get(name) {
        Some(value) => value,
        None => panic!("no {name}; there are {:?}", recorded.inventory[0].properties),
    }
}

/// Whether any text evidence holds a text.
pub(crate) fn says(recorded: &Recorded, text: &str) -> bool {
    recorded.texts.iter().any(|t| t.contains(text))
}

/// Whether any raw evidence holds a text.
pub(crate) fn shows(recorded: &Recorded, text: &str) -> bool {
    recorded.raw.iter().any(|(_, b)| memchr::memmem::find(b, text.as_bytes()).is_some())
}

/// The symbols that were told.
pub(crate) fn symbols(recorded: &Recorded) -> Vec<&str> {
    recorded.values.iter().filter(|(n, _)| n == "symbol").map(|(_, v)| v.as_str()).collect()
}
