//! The sweep of raw bytes for embedded DER keys and certificates.

use std::sync::OnceLock;

use yumen_kit_key::sweep::{BACK, LONGEST, Sweep};
use yumen_model::{Batch, Findings, Session};

use super::report;

/// New bytes that are gathered before a sweep; more than the surroundings that are kept, so that little is looked at twice.
const STEP: usize = 256 << 10;

fn sweep() -> &'static Sweep {
    static SWEEP: OnceLock<Sweep> = OnceLock::new();
    SWEEP.get_or_init(Sweep::new)
}

/// A sweep over a stream of raw bytes. It keeps what lies behind the last position swept and the surroundings before it, never more than
/// a few hundred KiB; an item is told by where it lies in the stream, not in a batch.
#[derive(Default)]
pub(super) struct RawSweep {
    buffer: Vec<u8>,
    /// Offset in the artifact of the first byte of the buffer.
    base: u64,
    /// First byte of the buffer whose identifiers were not looked at yet.
    next: usize,
    /// End of the last item, in the artifact: what lies inside of it is not told again.
    done: u64,
}

impl RawSweep {
    fn run(&mut self, last: bool, out: &mut Findings) {
        let to = if last { self.buffer.len() } else { self.buffer.len().saturating_sub(LONGEST) };
        if to > self.next {
            let (base, done) = (self.base, &mut self.done);
            sweep().items(&self.buffer, self.next, to, &mut |item| {
                let Some(material) = item.material(base) else { return };
                if material.bytes.0 >= *done {
                    *done = material.bytes.1;
                    report(&material, 0.95, out);
                }
            });
            self.next = to;
        }
        let keep = self.next.saturating_sub(BACK);
        self.buffer.drain(..keep);
        self.base += keep as u64;
        self.next -= keep;
    }
}

impl Session for RawSweep {
    fn feed(&mut self, batch: &Batch<'_>, out: &mut Findings) {
        let Batch::Raw(raw) = batch else { return };
        if raw.offset != self.base + self.buffer.len() as u64 {
            // A gap: what came before is complete.
            self.run(true, out);
            self.buffer.clear();
            self.next = 0;
            self.base = raw.offset;
        }
        for piece in raw.bytes.chunks(STEP) {
            self.buffer.extend_from_slice(piece);
            if self.buffer.len() - self.next >= STEP {
                self.run(false, out);
            }
        }
    }

    fn finish(mut self: Box<Self>, out: &mut Findings) {
        self.run(true, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use yumen_model::finding::Aggregate;
    use yumen_model::{RawBatch, SubjectKey};

    /// A key made for these tests only: PKCS#8, Ed25519.
    fn key() -> Vec<u8> {
        let mut k = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        k.extend((0u8..32).map(|i| i.wrapping_mul(73).wrapping_add(19)));
        k
    }

    fn sweep_in(bytes: &[u8], cuts: &[usize]) -> Vec<Aggregate> {
        let mut findings = Findings::new(SubjectKey::new([0; 32]), 20, false);
        let mut session: Box<dyn Session> = Box::<RawSweep>::default();
        let mut at = 0;
        for cut in cuts.iter().copied().chain([bytes.len()]) {
            let cut = cut.clamp(at, bytes.len());
            session.feed(&Batch::Raw(RawBatch { offset: at as u64, bytes: bytes[at..cut].into() }), &mut findings);
            at = cut;
        }
        session.finish(&mut findings);
        findings.into_parts().aggregates
    }

    #[test]
    fn keys_deep_in_a_binary_are_found_once() {
        let mut bytes = vec![0x30u8; 600 << 10];
        for at in [0, 5000, (256 << 10) - 20, (512 << 10) + 7] {
            bytes[at..at + 48].copy_from_slice(&key());
        }
        let found = sweep_in(&bytes, &[]);
        assert_eq!((found.len(), found[0].count), (1, 4));
        assert_eq!(found[0].places[1].0.bytes, Some((5000, 5048)));
        assert_eq!(found[0].distinct, [("encrypted", false.into())]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn cuts_change_nothing(places in proptest::collection::vec(0usize..70_000, 0..5), cuts in proptest::collection::vec(0usize..80_000, 0..12)) {
            let mut bytes = vec![0u8; 80_000];
            for (i, at) in places.iter().enumerate() {
                bytes[*at..at + 48].copy_from_slice(&key());
                bytes[at + 50 + i] = 0x30;
            }
            let mut cuts = cuts;
            cuts.sort_unstable();
            prop_assert_eq!(sweep_in(&bytes, &cuts), sweep_in(&bytes, &[]));
        }
    }
}
