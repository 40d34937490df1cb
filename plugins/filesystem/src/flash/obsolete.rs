//! Content that counts no more (deleted, or replaced by newer) and had to be decoded: the free-space child `[obsolete]`.

use std::ops::Range;

use yumen_kit_container::Container;
use yumen_model::{ChildMeta, InspectError};

use super::Writer;

/// Keeps pieces apart that do not belong together.
const APART: u64 = 64;

/// The child; opened by the first piece.
#[derive(Default)]
pub(crate) struct Obsolete {
    writer: Option<Writer>,
    /// The file, and the offset in it, that continues the last piece.
    next: Option<(u32, u64)>,
}

impl Obsolete {
    /// Adds what was decoded of `encoded`: content of a file from `at` on.
    pub(crate) fn add(
        &mut self,
        to: &mut Container<'_>,
        file: u32,
        at: u64,
        bytes: &[u8],
        encoded: Range<u64>,
    ) -> Result<(), InspectError> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                let meta = ChildMeta { free_space: true, ..ChildMeta::named(b"[obsolete]") };
                self.writer.insert(Writer::start(to, meta)?)
            }
        };
        if writer.len > 0 && self.next != Some((file, at)) {
            writer.zeros(to, APART)?;
        }
        writer.bytes(to, bytes)?;
        self.next = Some((file, at + bytes.len() as u64));
        match writer.stopped() {
            Some(reason) => to.opaque(encoded, reason),
            None => Ok(()),
        }
    }

    /// Closes the child.
    pub(crate) fn finish(self, to: &mut Container<'_>) -> Result<(), InspectError> {
        match self.writer {
            Some(writer) => writer.end(to, true).map(|_| ()),
            None => Ok(()),
        }
    }
}
