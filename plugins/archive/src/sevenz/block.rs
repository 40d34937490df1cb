//! Decoding of one block: its coders as a chain of readers.

use std::cell::Cell;
use std::io::{self, Read};
use std::ops::Range;
use std::rc::Rc;

use yumen_model::{Blob, InspectError, Stop};

use super::coders::{self, fault_of};
use super::streams::Folder;
use crate::stream::OUTPUT;
use crate::stream::codec::Fault;

/// Most output of a block that is decoded only to be dropped, because the engine does not take a file and another follows it.
const MAX_DROPPED: u64 = 1 << 30;

/// What the readers tell each other about the archive's bytes.
#[derive(Default)]
pub(super) struct Progress {
    /// Everything before this offset is used.
    pub(super) settled: Cell<u64>,
    /// Everything before this offset was read.
    pub(super) reached: Cell<u64>,
    /// Where the stream ended in the archive, once a decoder that can tell has ended.
    pub(super) ended: Cell<Option<u64>>,
    /// What the source said when a read failed.
    pub(super) failure: Cell<Option<InspectError>>,
}

/// How the copying of a file ended.
pub(super) enum Outcome {
    Done,
    /// The engine takes no more.
    Stopped(Stop),
    Fault(Fault),
    Failed(InspectError),
}

/// A block on its way.
pub(super) struct Block<'a> {
    reader: Box<dyn Read + 'a>,
    progress: Rc<Progress>,
    packs: Vec<Range<u64>>,
    buffer: Vec<u8>,
    /// Bytes of the current file that are still to come.
    left: u64,
    dropped: u64,
}

impl<'a> Block<'a> {
    /// Prepares the decoders of a block whose stored streams lie at `packs`.
    pub(super) fn open(blob: &'a Blob, folder: &Folder, packs: &[Range<u64>]) -> Result<Self, Fault> {
        let progress = Rc::new(Progress::default());
        let start = packs.first().map_or(0, |p| p.start);
        progress.settled.set(start);
        progress.reached.set(start);
        let mut depth = 0;
        let reader = output_of(blob, folder, packs, folder.shape.main(), &progress, &mut depth)?;
        Ok(Block { reader, progress, packs: packs.to_vec(), buffer: vec![0; OUTPUT], left: 0, dropped: 0 })
    }

    /// The offset up to which the first stored stream is used.
    pub(super) fn settled(&self) -> u64 {
        self.progress.settled.get()
    }

    /// The offset up to which the first stored stream was read.
    pub(super) fn reached(&self) -> u64 {
        self.progress.reached.get()
    }

    /// Reads up to a buffer; zero at the end.
    fn read(&mut self, most: u64) -> Result<usize, Outcome> {
        let n = usize::try_from(most).unwrap_or(OUTPUT).min(OUTPUT);
        loop {
            match self.reader.read(&mut self.buffer[..n]) {
                Ok(n) => return Ok(n),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    return Err(match self.progress.failure.take() {
                        Some(error) => Outcome::Failed(error),
                        None => Outcome::Fault(fault_of(&e)),
                    });
                }
            }
        }
    }

    /// Copies the next `size` bytes of the block.
    pub(super) fn copy(&mut self, size: u64, to: &mut dyn FnMut(&[u8]) -> Result<(), Stop>) -> Outcome {
        self.left = size;
        while self.left > 0 {
            let n = match self.read(self.left) {
                Ok(0) => return Outcome::Fault(Fault::TRUNCATED),
                Ok(n) => n,
                Err(outcome) => return outcome,
            };
            self.left -= n as u64;
            if let Err(stop) = to(&self.buffer[..n]) {
                return Outcome::Stopped(stop);
            }
        }
        Outcome::Done
    }

    /// Drops the rest of the current file; a fault when that would take too long or fails.
    pub(super) fn skip_member(&mut self) -> Option<Fault> {
        self.dropped = self.dropped.saturating_add(self.left);
        if self.dropped > MAX_DROPPED {
            return Some(Fault::LIMIT);
        }
        while self.left > 0 {
            match self.read(self.left) {
                Ok(n) if n > 0 => self.left -= n as u64,
                Err(Outcome::Fault(fault)) => return Some(fault),
                _ => return Some(Fault::CORRUPT),
            }
        }
        None
    }

    /// After the last file: the decoders must have come to their end.
    pub(super) fn end(&mut self) -> Option<Fault> {
        match self.read(1) {
            Ok(0) => None,
            Ok(_) => Some(Fault::CORRUPT),
            Err(Outcome::Fault(fault)) => Some(fault),
            Err(_) => Some(Fault::CORRUPT),
        }
    }

    /// What the decoder left of a block with one stored stream; a few bytes are the range coder's tail.
    pub(super) fn left_over(&self) -> Range<u64> {
        const TAIL: u64 = 16;
        match (&self.packs[..], self.progress.ended.get()) {
            ([pack], Some(end)) if pack.end.saturating_sub(end) > TAIL => end.max(pack.start)..pack.end,
            _ => 0..0,
        }
    }
}

/// The output of a coder as a reader.
fn output_of<'a>(
    blob: &'a Blob,
    folder: &Folder,
    packs: &[Range<u64>],
    coder: usize,
    progress: &Rc<Progress>,
    visited: &mut usize,
) -> Result<Box<dyn Read + 'a>, Fault> {
    // Every output feeds at most one input, so more visits than coders mean a circle.
    *visited += 1;
    if *visited > folder.shape.coders.len() {
        return Err(Fault::CORRUPT);
    }
    let what = folder.shape.coders.get(coder).ok_or(Fault::CORRUPT)?;
    let size = folder.sizes.get(coder).copied().ok_or(Fault::CORRUPT)?;
    let first: usize = folder.shape.coders[..coder].iter().map(|c| c.inputs).sum();
    let mut inputs: Vec<Box<dyn Read + 'a>> = Vec::new();
    for input in first..first + what.inputs {
        if let Some(i) = folder.shape.packed.iter().position(|&p| p == input) {
            let range = packs.get(i).ok_or(Fault::CORRUPT)?;
            // Only the first stream's progress is told.
            let progress = if i == 0 { Rc::clone(progress) } else { Rc::default() };
            inputs.push(Box::new(PackReader { blob, at: range.start, end: range.end, progress }));
        } else {
            let bind = folder.shape.binds.iter().find(|b| b.0 == input).ok_or(Fault::CORRUPT)?;
            inputs.push(output_of(blob, folder, packs, bind.1, progress, visited)?);
        }
    }
    coders::decoder(what, inputs, size, progress)
}

/// A stored stream. What was read before the last read is used: a decoder asks for more only when it has none left.
struct PackReader<'a> {
    blob: &'a Blob,
    at: u64,
    end: u64,
    progress: Rc<Progress>,
}

impl Read for PackReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buf.len());
        self.progress.settled.set(self.at);
        let n = self.blob.read_at(self.at, &mut buf[..most]).inspect_err(|e| {
            self.progress.failure.set(Some(InspectError::read(self.at, e)));
        })?;
        self.at += n as u64;
        self.progress.reached.set(self.at);
        Ok(n)
    }
}
