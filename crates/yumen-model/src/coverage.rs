//! Every byte bears exactly one label: byte labels of an artifact, and the coverage statement of a scan.

use std::collections::BTreeMap;
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why bytes are opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Encrypted, and no key was given.
    Encrypted,
    /// No plugin knows the format.
    UnknownFormat,
    /// The structure is broken or cut short.
    Corrupt,
    /// A limit (depth, ratio, entries, bytes out) was reached.
    Limit,
    /// The format is known, this variant of it is not read.
    Unsupported,
    /// Left out by `--exclude`.
    Excluded,
    /// The operating system did not let it be read.
    Unreadable,
    /// A difference against data that is not here.
    NeedsOldImage,
    /// A recognition model is missing.
    NoModel,
    /// Left out by sampling.
    NotSampled,
    /// The parser crashed.
    Crashed,
    /// The time given was over, or the scan was interrupted.
    TimedOut,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Reason; 12] = [
        Reason::Encrypted,
        Reason::UnknownFormat,
        Reason::Corrupt,
        Reason::Limit,
        Reason::Unsupported,
        Reason::Excluded,
        Reason::Unreadable,
        Reason::NeedsOldImage,
        Reason::NoModel,
        Reason::NotSampled,
        Reason::Crashed,
        Reason::TimedOut,
    ];

    /// The name that reports use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Reason::Encrypted => "encrypted",
            Reason::UnknownFormat => "unknown-format",
            Reason::Corrupt => "corrupt",
            Reason::Limit => "limit",
            Reason::Unsupported => "unsupported",
            Reason::Excluded => "excluded",
            Reason::Unreadable => "unreadable",
            Reason::NeedsOldImage => "needs-old-image",
            Reason::NoModel => "no-model",
            Reason::NotSampled => "not-sampled",
            Reason::Crashed => "crashed",
            Reason::TimedOut => "timed-out",
        }
    }
}

/// What became of a byte. Where labels compete, the first of this order wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Label {
    /// Handed unchanged to a child as an extent; counted at the child.
    Delegated,
    /// Not looked into, with the reason.
    Opaque(Reason),
    /// Decoded or read as evidence here.
    Inspected,
    /// Structure, zero padding, or encoded bytes that were fully decoded into children.
    Container,
}

/// Labels of one artifact's bytes, resolved by [`LabelMap::resolve`].
#[derive(Clone, Debug, Default)]
pub struct LabelMap {
    ranges: Vec<(Range<u64>, Label)>,
}

/// Bytes of one artifact by label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labelled {
    /// Bytes handed to children as extents.
    pub delegated: u64,
    /// Bytes of structure or fully decoded.
    pub container: u64,
    /// Bytes read as evidence.
    pub inspected: u64,
    /// Opaque bytes by reason.
    pub opaque: BTreeMap<Reason, u64>,
}

impl LabelMap {
    /// Labels a byte range; a range that continues the one before with the same label is joined to it.
    pub fn add(&mut self, range: Range<u64>, label: Label) {
        if range.start >= range.end {
            return;
        }
        if let Some((last, l)) = self.ranges.last_mut()
            && *l == label
            && last.end == range.start
        {
            last.end = range.end;
            return;
        }
        self.ranges.push((range, label));
    }

    /// The stretches of an artifact of `len` bytes with the label that wins in each. What bears no label is opaque with `rest` as the reason.
    #[must_use]
    pub fn stretches(self, len: u64, rest: Reason) -> Vec<(Range<u64>, Label)> {
        let mut out = Vec::new();
        self.walk(len, rest, |range, label| out.push((range, label)));
        out
    }

    /// As [`LabelMap::stretches`], one by one: a container of a million members has millions of them.
    pub fn walk(mut self, len: u64, rest: Reason, mut each: impl FnMut(Range<u64>, Label)) {
        self.ranges.sort_unstable_by_key(|(range, _)| range.start);
        let mut pending: Option<(Range<u64>, Label)> = None;
        let mut push = |range: Range<u64>, label: Label| match &mut pending {
            _ if range.is_empty() => {}
            Some((last, l)) if *l == label => last.end = range.end,
            pending => {
                if let Some((range, label)) = pending.replace((range, label)) {
                    each(range, label);
                }
            }
        };
        // Per label the furthest end of the ranges met so far: a label holds up to there.
        let mut active: BTreeMap<Label, u64> = BTreeMap::new();
        let mut at = 0;
        let mut upto = |at: &mut u64, to: u64, active: &mut BTreeMap<Label, u64>| {
            while *at < to {
                active.retain(|_, end| *end > *at);
                let (label, end) =
                    active.first_key_value().map_or((Label::Opaque(rest), to), |(l, e)| (*l, (*e).min(to)));
                push(*at..end, label);
                *at = end;
            }
        };
        for (range, label) in self.ranges {
            let (start, end) = (range.start.min(len), range.end.min(len));
            upto(&mut at, start, &mut active);
            let furthest = active.entry(label).or_insert(end);
            *furthest = end.max(*furthest);
        }
        upto(&mut at, len, &mut active);
        if let Some((range, label)) = pending {
            each(range, label);
        }
    }

    /// Counts each byte of an artifact of `len` bytes once. Bytes that bear no label are opaque with `rest` as the reason.
    #[must_use]
    pub fn resolve(self, len: u64, rest: Reason) -> Labelled {
        let mut out = Labelled::default();
        self.walk(len, rest, |range, label| out.add(&range, label));
        out
    }
}

impl Labelled {
    /// Counts the bytes of stretches.
    #[must_use]
    pub fn of(stretches: &[(Range<u64>, Label)]) -> Self {
        let mut out = Labelled::default();
        for (range, label) in stretches {
            out.add(range, *label);
        }
        out
    }

    /// Counts the bytes of one stretch.
    pub fn add(&mut self, range: &Range<u64>, label: Label) {
        let n = range.end - range.start;
        match label {
            Label::Delegated => self.delegated += n,
            Label::Container => self.container += n,
            Label::Inspected => self.inspected += n,
            Label::Opaque(reason) => *self.opaque.entry(reason).or_insert(0) += n,
        }
    }
}

/// The coverage statement, in bytes after unpacking: `total = inspected + container + opaque`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Sum over all artifacts of size less delegated.
    pub total: u64,
    /// Decoded or read as evidence.
    pub inspected: u64,
    /// Structure, padding, and encoded bytes fully decoded into children.
    pub container: u64,
    /// Not looked into.
    pub opaque: u64,
    /// Opaque bytes by reason.
    pub opaque_by_reason: BTreeMap<Reason, u64>,
}

impl Coverage {
    /// Adds the bytes of one artifact.
    pub fn add(&mut self, bytes: &Labelled) {
        let opaque: u64 = bytes.opaque.values().sum();
        self.inspected += bytes.inspected;
        self.container += bytes.container;
        self.opaque += opaque;
        self.total += bytes.inspected + bytes.container + opaque;
        for (reason, n) in &bytes.opaque {
            *self.opaque_by_reason.entry(*reason).or_insert(0) += n;
        }
    }

    /// Adds another part's coverage.
    pub fn merge(&mut self, other: &Coverage) {
        self.total += other.total;
        self.inspected += other.inspected;
        self.container += other.container;
        self.opaque += other.opaque;
        for (reason, n) in &other.opaque_by_reason {
            *self.opaque_by_reason.entry(*reason).or_insert(0) += n;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(len: u64, labels: &[(Range<u64>, Label)]) -> Labelled {
        let mut map = LabelMap::default();
        for (range, label) in labels {
            map.add(range.clone(), *label);
        }
        map.resolve(len, Reason::UnknownFormat)
    }

    fn sum(parts: &[Labelled]) -> Coverage {
        let mut all = Coverage::default();
        parts.iter().for_each(|p| all.add(p));
        all
    }

    #[test]
    fn worked_a_stored_member() {
        let zip = of(250, &[(0..250, Label::Container), (40..140, Label::Delegated)]);
        let member = of(100, &[(0..100, Label::Inspected)]);
        let c = sum(&[zip, member]);
        assert_eq!((c.container, c.inspected, c.opaque, c.total), (150, 100, 0, 250));
    }

    #[test]
    fn worked_a_deflated_member() {
        let zip = of(190, &[(0..190, Label::Container)]);
        let member = of(100, &[(0..100, Label::Inspected)]);
        let c = sum(&[zip, member]);
        assert_eq!((c.container, c.inspected, c.opaque, c.total), (190, 100, 0, 290));
    }

    #[test]
    fn worked_an_encrypted_member() {
        let zip = of(190, &[(0..190, Label::Container), (40..80, Label::Delegated)]);
        let member = of(40, &[(0..40, Label::Opaque(Reason::Encrypted))]);
        let c = sum(&[zip, member]);
        assert_eq!((c.container, c.inspected, c.opaque, c.total), (150, 0, 40, 190));
        assert_eq!(c.opaque_by_reason[&Reason::Encrypted], 40);
    }

    #[test]
    fn what_no_plugin_labels_is_opaque() {
        let l = of(10, &[(2..4, Label::Inspected)]);
        assert_eq!(l.opaque[&Reason::UnknownFormat], 8);
    }

    fn label() -> impl Strategy<Value = Label> {
        prop_oneof![
            Just(Label::Delegated),
            Just(Label::Container),
            Just(Label::Inspected),
            Just(Label::Opaque(Reason::Corrupt)),
            Just(Label::Opaque(Reason::Encrypted)),
        ]
    }

    proptest! {
        #[test]
        fn each_byte_is_counted_once_whatever_the_order(
            len in 0u64..120,
            labels in proptest::collection::vec((0u64..130, 0u64..40, label()), 0..12),
        ) {
            let ranges: Vec<_> = labels.iter().map(|&(s, n, l)| (s..s + n, l)).collect();
            let forward = of(len, &ranges);
            let mut reversed = ranges.clone();
            reversed.reverse();
            prop_assert_eq!(&forward, &of(len, &reversed));
            let slow: Vec<_> = (0..len)
                .map(|byte| {
                    let best = ranges.iter().filter(|(r, _)| r.contains(&byte)).map(|(_, l)| *l).min();
                    (byte..byte + 1, best.unwrap_or(Label::Opaque(Reason::UnknownFormat)))
                })
                .collect();
            prop_assert_eq!(forward, Labelled::of(&slow));
        }
    }
}
