//! Where decoded children go: the heap while they are small and memory is there, an unlinked spill file else.

use std::io::{self, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use yumen_model::{Blob, Extent};

use crate::inspector::is_zero;
use crate::source::{Budget, HeapSource, Reservation, SpillSource, StopFlag};

/// Larger children go to a spill file.
const HEAP_MAX: u64 = 4 << 20;

/// Memory and spill files for decoded children.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) memory: Budget,
    pub(crate) files: Budget,
}

enum Store {
    Heap(Vec<u8>, Reservation),
    Spill(std::fs::File, Reservation),
}

/// One child being written.
pub(crate) struct Sink {
    store: Store,
    stores: Stores,
    pieces: Vec<Extent>,
    stored: u64,
    len: u64,
}

impl Sink {
    pub(crate) fn new(stores: &Stores) -> Self {
        Sink {
            store: Store::Heap(Vec::new(), stores.memory.reserve_nothing()),
            stores: stores.clone(),
            pieces: Vec::new(),
            stored: 0,
            len: 0,
        }
    }

    /// Appends bytes.
    pub(crate) fn write(&mut self, bytes: &[u8], spill: Option<&Path>) -> io::Result<()> {
        let n = bytes.len() as u64;
        if let Store::Heap(heap, reserved) = &mut self.store
            && (heap.len() as u64 + n > HEAP_MAX || !reserved.grow(n))
        {
            let mut file = match spill {
                Some(dir) => tempfile::tempfile_in(dir)?,
                None => tempfile::tempfile()?,
            };
            file.write_all(heap)?;
            let mut slot = self.stores.files.reserve_nothing();
            slot.force(1);
            self.store = Store::Spill(file, slot);
        }
        match &mut self.store {
            Store::Heap(heap, _) => heap.extend_from_slice(bytes),
            // Zeros are left to the file system, which stores no block for them.
            Store::Spill(file, _) if is_zero(bytes) => {
                file.seek_relative(i64::try_from(n).map_err(io::Error::other)?)?;
            }
            Store::Spill(file, _) => file.write_all(bytes)?,
        }
        match self.pieces.last_mut() {
            Some(Extent::Data { len, .. }) => *len += n,
            _ => self.pieces.push(Extent::Data { offset: self.stored, len: n }),
        }
        self.stored += n;
        self.len += n;
        Ok(())
    }

    /// Appends a hole.
    pub(crate) fn zeros(&mut self, n: u64) {
        self.pieces.push(Extent::Zero { len: n });
        self.len += n;
    }

    /// The child's bytes.
    pub(crate) fn finish(self, stop: &StopFlag) -> Blob {
        let blob = match self.store {
            Store::Heap(bytes, reserved) => {
                Blob::new(Arc::new(HeapSource { bytes, stop: stop.clone(), _reserved: reserved }))
            }
            Store::Spill(file, slot) => {
                // A file that ends in zeros has them only once it is told to.
                // Should that fail, reading them does, and the child is opaque.
                if file.metadata().is_ok_and(|m| m.len() < self.stored) {
                    let _ = file.set_len(self.stored);
                }
                Blob::new(Arc::new(SpillSource { file, len: self.stored, stop: stop.clone(), _slot: slot }))
            }
        };
        if self.len == self.stored { blob } else { blob.slice(&self.pieces) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_in_a_spill_file_read_back_wherever_they_stand() {
        for memory in [0, 64 << 20] {
            let stores = Stores { memory: Budget::new(memory), files: Budget::new(4) };
            let mut sink = Sink::new(&stores);
            let mut expected = Vec::new();
            for piece in [&[0; 5000][..], &[7; 100], &[0; 70_000], &[0], &[1, 0, 2], &[0; 9000]] {
                sink.write(piece, None).unwrap();
                expected.extend_from_slice(piece);
            }
            sink.zeros(10);
            expected.extend_from_slice(&[0; 10]);
            sink.write(&[0; 3], None).unwrap();
            expected.extend_from_slice(&[0; 3]);
            let blob = sink.finish(&StopFlag::default());
            assert_eq!(blob.bytes(0..blob.len()).unwrap(), expected);
            // Only what the format calls a hole is one.
            assert_eq!(blob.holes().map(|h| h.end - h.start).sum::<u64>(), 10);
        }
    }
}
