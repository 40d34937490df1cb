//! A decoded child on its way to the engine.

use yumen_kit_container::Container;
use yumen_model::{ChildMeta, InspectError, Message, Reason, Stop};

/// Bytes that are gathered before they are handed over.
const BATCH: usize = 256 << 10;

/// The open child. Once the engine takes no more of it, what follows is dropped.
pub(crate) struct Writer {
    buffer: Vec<u8>,
    stopped: Option<Reason>,
    /// Bytes so far.
    pub(crate) len: u64,
}

impl Writer {
    pub(crate) fn start(to: &mut Container<'_>, meta: ChildMeta) -> Result<Self, InspectError> {
        let mut writer = Writer { buffer: Vec::new(), stopped: None, len: 0 };
        writer.send(to, Message::ChildStart { meta })?;
        Ok(writer)
    }

    fn send(&mut self, to: &mut Container<'_>, message: Message<'_>) -> Result<(), InspectError> {
        match to.send(message) {
            Ok(()) => Ok(()),
            Err(Stop::Child(reason)) => {
                self.stopped = Some(reason);
                Ok(())
            }
            Err(stop) => Err(stop.into()),
        }
    }

    fn flush(&mut self, to: &mut Container<'_>) -> Result<(), InspectError> {
        if !self.buffer.is_empty() && self.stopped.is_none() {
            let buffer = std::mem::take(&mut self.buffer);
            self.send(to, Message::ChildBytes((&buffer[..]).into()))?;
            self.buffer = buffer;
        }
        self.buffer.clear();
        Ok(())
    }

    /// Why the engine takes no more of it.
    pub(crate) fn stopped(&self) -> Option<Reason> {
        self.stopped
    }

    pub(crate) fn bytes(&mut self, to: &mut Container<'_>, bytes: &[u8]) -> Result<(), InspectError> {
        self.len += bytes.len() as u64;
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BATCH { self.flush(to) } else { Ok(()) }
    }

    pub(crate) fn zeros(&mut self, to: &mut Container<'_>, n: u64) -> Result<(), InspectError> {
        if n == 0 {
            return Ok(());
        }
        self.flush(to)?;
        self.len = self.len.saturating_add(n);
        if self.stopped.is_none() { self.send(to, Message::ChildZeros(n)) } else { Ok(()) }
    }

    /// Closes the child; says why the engine did not take all of it.
    pub(crate) fn end(mut self, to: &mut Container<'_>, complete: bool) -> Result<Option<Reason>, InspectError> {
        self.flush(to)?;
        if self.stopped.is_none() {
            self.send(to, Message::ChildEnd { complete })?;
        }
        Ok(self.stopped)
    }
}
