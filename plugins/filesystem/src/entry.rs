//! What read-only file systems tell alike of what is not a file's content.

use serde_json::json;
use yumen_kit_container::Container;
use yumen_model::{ChildMeta, InspectError, Message, Reason, Stop};

/// Owner, mode and time of an inode, as far as the format has them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Owner {
    pub(crate) mode: u32,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) mtime: Option<u64>,
}

/// The child of a path.
pub(crate) fn child(to: &mut Container<'_>, path: &[u8], owner: Owner) -> ChildMeta {
    let mut meta = to.child(path);
    let told = &mut meta.attributes;
    told.insert("mode".into(), json!(owner.mode & 0o7777));
    for (name, value) in [("uid", owner.uid.map(u64::from)), ("gid", owner.gid.map(u64::from)), ("mtime", owner.mtime)]
    {
        if let Some(value) = value {
            told.insert(name.into(), json!(value));
        }
    }
    meta
}

/// A symbolic link; where it leads is shown to the detectors.
pub(crate) fn symlink(to: &mut Container<'_>, path: &[u8], place: u64, target: &[u8]) -> Result<(), InspectError> {
    to.check_path(path);
    to.tell("link");
    if !to.decoded_text(place, &[path, b" -> ", target].concat())? {
        small_child(to, ChildMeta::named(&[path, b"/[target]"].concat()), target)?;
    }
    Ok(())
}

/// Another name of a file (`link`), or a device, pipe or socket (`special-file`): its path is shown to the detectors.
pub(crate) fn mention(to: &mut Container<'_>, code: &'static str, path: &[u8], place: u64) -> Result<(), InspectError> {
    to.check_path(path);
    to.tell(code);
    to.decoded_text(place, path).map(|_| ())
}

/// A child of a few decoded bytes.
pub(crate) fn small_child(to: &mut Container<'_>, meta: ChildMeta, bytes: &[u8]) -> Result<(), InspectError> {
    let start = Message::ChildStart { meta };
    for message in [start, Message::ChildBytes(bytes.into()), Message::ChildEnd { complete: true }] {
        if let Some(reason) = give(to, message)? {
            to.tell(if reason == Reason::Limit { "limit" } else { "incomplete-child" });
            return Ok(());
        }
    }
    Ok(())
}

/// Sends a piece of a child; the reason when the engine takes no more of it.
pub(crate) fn give(to: &mut Container<'_>, message: Message<'_>) -> Result<Option<Reason>, InspectError> {
    match to.send(message) {
        Ok(()) => Ok(None),
        Err(Stop::Child(reason)) => Ok(Some(reason)),
        Err(stop) => Err(stop.into()),
    }
}

/// Whether a name can't be one entry of a directory.
pub(crate) fn is_bad_name(name: &[u8]) -> bool {
    name.is_empty() || matches!(name, b"." | b"..") || name.iter().any(|&b| b == 0 || b == b'/')
}
