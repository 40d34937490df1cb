//! Subjects: distinct natural persons and vehicles across a shipment, exact, by keyed edges.
//!
//! The strongest identifier of a record names the subject ([`crate::KindId::rank`]). Weaker ones attach to it and never merge two subjects that have
//! different stronger ones. Kept are edges between keyed tokens, not roots, so that parts merge in any order.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::kind::{KindId, KindSet, kinds};
use crate::secret::Secret;

/// The key of the tokens: random for each scan unless the user configures one. Wiped from memory when dropped; never shown.
#[derive(Clone)]
pub struct SubjectKey(Arc<Zeroizing<[u8; 32]>>);

impl SubjectKey {
    /// A key from 32 bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        SubjectKey(Arc::new(Zeroizing::new(bytes)))
    }

    /// A keyed token of a normalised value. Two kinds never share tokens.
    fn token(&self, kind: KindId, value: &Secret<'_>) -> u64 {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(kind.name().as_bytes());
        hasher.update(&[0]);
        hasher.update(value.expose().as_bytes());
        let mut out = [0; 8];
        out.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        u64::from_le_bytes(out).max(1)
    }
}

/// An identifier of a record: its kind and its normalised value (upper case, no spaces or hyphens).
pub struct Identifier<'a> {
    /// A kind with a rank.
    pub kind: KindId,
    /// The value.
    pub value: Secret<'a>,
}

/// Small, since a table of a million rows makes three million of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Edge {
    token: u64,
    /// The stronger identifier it attaches to; 0 for none.
    stronger: u64,
    rank: u8,
    /// Index into the sets of kinds.
    kinds: u32,
}

/// Keyed edges of the records seen. Merging is associative and commutative.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SubjectEdges {
    edges: Vec<Edge>,
    /// The distinct sets of kinds that edges name.
    sets: Vec<KindSet>,
    /// Vehicles: token of a VIN or plate, and the VIN that a plate belongs to (0 for none).
    vehicles: Vec<(u64, u64)>,
    compacted: usize,
}

impl SubjectEdges {
    /// Adds one record: its identifiers, and all kinds seen in it. With `covered` (an exemption names the artifact) the record's kinds are not
    /// counted towards thresholds.
    pub fn record(&mut self, key: &SubjectKey, identifiers: &[Identifier<'_>], mut seen: KindSet, covered: bool) {
        let mut ids: Vec<(u8, KindId, u64)> = Vec::with_capacity(identifiers.len());
        for id in identifiers {
            seen.insert(id.kind);
            if let Some(rank) = id.kind.rank() {
                ids.push((rank, id.kind, key.token(id.kind, &id.value)));
            }
        }
        ids.sort_by_key(|&(rank, kind, _)| (rank, kind));
        let Some(&(best, _, strongest)) = ids.first() else { return };
        for &(rank, kind, token) in &ids {
            let (stronger, kinds) = if rank == best { (0, seen) } else { (strongest, KindSet::of(&[kind])) };
            let kinds = self.set(if covered { KindSet::default() } else { kinds });
            self.edges.push(Edge { token, stronger, rank, kinds });
        }
        let vin = ids.iter().find(|(_, kind, _)| *kind == kinds::VEHICLE_VIN).map_or(0, |&(_, _, t)| t);
        for &(_, kind, token) in &ids {
            if kind == kinds::VEHICLE_VIN {
                self.vehicles.push((token, 0));
            } else if kind == kinds::VEHICLE_PLATE {
                self.vehicles.push((token, vin));
            }
        }
        if self.edges.len() > self.compacted * 2 + (1 << 16) {
            self.compact();
        }
    }

    /// The index of a set; records of one shape share it, so that there are few.
    fn set(&mut self, kinds: KindSet) -> u32 {
        let at = self.sets.iter().rposition(|&s| s == kinds).unwrap_or_else(|| {
            self.sets.push(kinds);
            self.sets.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// Adds another part's edges.
    pub fn merge(&mut self, mut other: SubjectEdges) {
        if self.edges.is_empty() && self.vehicles.is_empty() {
            *self = other;
            return;
        }
        let moved: Vec<u32> = other.sets.iter().map(|&kinds| self.set(kinds)).collect();
        self.edges.extend(other.edges.iter().map(|e| Edge { kinds: moved[e.kinds as usize], ..*e }));
        self.vehicles.append(&mut other.vehicles);
        if self.edges.len() > self.compacted * 2 + (1 << 16) {
            self.compact();
        }
    }

    /// Whether no record was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }

    fn compact(&mut self) {
        self.edges.sort_unstable();
        let mut kept: Vec<Edge> = Vec::with_capacity(self.edges.len() / 2);
        for edge in std::mem::take(&mut self.edges) {
            match kept.last_mut() {
                Some(last) if last.token == edge.token && last.stronger == edge.stronger => {
                    if last.kinds != edge.kinds {
                        let both = self.sets[last.kinds as usize].union(self.sets[edge.kinds as usize]);
                        last.kinds = self.set(both);
                    }
                }
                _ => kept.push(edge),
            }
        }
        self.edges = kept;
        self.vehicles.sort_unstable();
        self.vehicles.dedup();
        self.compacted = self.edges.len();
    }

    /// The distinct subjects, by the set of kinds seen with each.
    #[must_use]
    pub fn resolve(mut self) -> SubjectTally {
        self.compact();
        // One node a token, in the order of the tokens: rank, stronger tokens (one, or many), kinds seen where it was itself the strongest.
        struct Node {
            token: u64,
            parent: u64,
            kinds: KindSet,
            rank: u8,
            parents: u8,
        }
        let mut nodes: Vec<Node> = Vec::new();
        for e in std::mem::take(&mut self.edges) {
            if nodes.last().is_none_or(|n| n.token != e.token) {
                nodes.push(Node { token: e.token, parent: 0, kinds: KindSet::default(), rank: e.rank, parents: 0 });
            }
            let Some(node) = nodes.last_mut() else { continue };
            if e.stronger == 0 {
                node.kinds = node.kinds.union(self.sets[e.kinds as usize]);
            } else if node.parent != e.stronger {
                node.parent = e.stronger;
                node.parents = node.parents.saturating_add(1);
            }
        }
        // What was seen with the weaker identifier alone belongs to the subject it attaches to, if that is one only. Weakest first.
        let weakest = nodes.iter().map(|n| n.rank).max().unwrap_or(0);
        for rank in (0..=weakest).rev() {
            for at in 0..nodes.len() {
                let node = &nodes[at];
                if node.rank == rank && node.parents == 1 && !node.kinds.is_empty() {
                    let (parent, kinds) = (node.parent, node.kinds);
                    if let Ok(up) = nodes.binary_search_by_key(&parent, |n| n.token) {
                        nodes[up].kinds = nodes[up].kinds.union(kinds);
                    }
                }
            }
        }
        let mut tally = SubjectTally::default();
        let mut groups: BTreeMap<KindSet, u64> = BTreeMap::new();
        for node in nodes.iter().filter(|n| n.parents == 0) {
            if node.kinds.is_empty() {
                tally.exempt += 1;
            } else {
                *groups.entry(node.kinds).or_insert(0) += 1;
            }
        }
        tally.groups = groups.into_iter().map(|(kinds, persons)| SubjectGroup { kinds, persons }).collect();
        let mut at = 0;
        while at < self.vehicles.len() {
            let token = self.vehicles[at].0;
            let mut attached = false;
            while at < self.vehicles.len() && self.vehicles[at].0 == token {
                attached |= self.vehicles[at].1 != 0;
                at += 1;
            }
            tally.vehicles += u64::from(!attached);
        }
        tally
    }
}

/// Persons that were seen with the same set of kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectGroup {
    /// Kinds seen with each of them, outside of artifacts that an exemption covers.
    pub kinds: KindSet,
    /// How many distinct persons.
    pub persons: u64,
}

/// The distinct subjects of a scan. What makes a person count as sensitive is the rulebook's to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectTally {
    /// Persons by the kinds seen with them.
    pub groups: Vec<SubjectGroup>,
    /// Persons seen only in artifacts that an exemption covers.
    pub exempt: u64,
    /// Distinct vehicles (a plate in a record with a VIN is that VIN's vehicle).
    pub vehicles: u64,
    /// Kinds whose persons could not be counted; the numbers are lower bounds then.
    pub uncounted: Vec<KindId>,
}

/// The `subjects` of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subjects {
    /// Distinct persons with personal, not sensitive, information.
    pub personal: u64,
    /// Distinct persons with sensitive personal information.
    pub sensitive: u64,
    /// Distinct vehicles.
    pub vehicles: u64,
    /// Kinds whose persons could not be counted; the numbers are lower bounds then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncounted: Vec<KindId>,
    /// Persons left out of the counts because an exemption covers every artifact they appear in.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub exempt: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl SubjectTally {
    /// Counts by which kinds are sensitive.
    #[must_use]
    pub fn count(&self, sensitive: KindSet) -> Subjects {
        let (mut s, mut p) = (0, 0);
        for group in &self.groups {
            *(if group.kinds.intersects(sensitive) { &mut s } else { &mut p }) += group.persons;
        }
        Subjects {
            personal: p,
            sensitive: s,
            vehicles: self.vehicles,
            uncounted: self.uncounted.clone(),
            exempt: self.exempt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: KindId = kinds::PERSON_ID_NUMBER;
    const PHONE: KindId = kinds::PERSON_PHONE;
    const MAIL: KindId = kinds::PERSON_EMAIL;
    const VIN: KindId = kinds::VEHICLE_VIN;
    const PLATE: KindId = kinds::VEHICLE_PLATE;

    fn edges(records: &[Vec<(KindId, String)>]) -> SubjectEdges {
        let key = SubjectKey::new([7; 32]);
        let mut all = SubjectEdges::default();
        for record in records {
            let ids: Vec<_> =
                record.iter().map(|(kind, value)| Identifier { kind: *kind, value: Secret::new(value) }).collect();
            all.record(&key, &ids, KindSet::default(), false);
        }
        all
    }

    fn count(records: &[&[(KindId, &str)]]) -> (u64, u64, u64) {
        let owned: Vec<Vec<_>> =
            records.iter().map(|r| r.iter().map(|(k, v)| (*k, (*v).to_owned())).collect()).collect();
        let s = edges(&owned).resolve().count(KindSet::of(&[ID]));
        (s.personal, s.sensitive, s.vehicles)
    }

    #[test]
    fn the_strongest_identifier_names_the_subject() {
        assert_eq!(count(&[&[(ID, "1"), (PHONE, "a")], &[(PHONE, "a")], &[(PHONE, "a"), (MAIL, "x")]]), (0, 1, 0));
    }

    #[test]
    fn a_dealers_phone_is_not_one_person() {
        assert_eq!(count(&[&[(ID, "1"), (PHONE, "d")], &[(ID, "2"), (PHONE, "d")], &[(PHONE, "d")]]), (0, 2, 0));
    }

    #[test]
    fn a_vehicle_alone_is_one_vehicle_and_one_person() {
        assert_eq!(count(&[&[(VIN, "v"), (PLATE, "p")], &[(PLATE, "p")], &[(PLATE, "q")]]), (2, 0, 2));
        assert_eq!(count(&[&[(ID, "1"), (VIN, "v"), (PLATE, "p")]]), (0, 1, 1));
    }

    #[test]
    fn covered_records_are_exempt_unless_the_person_appears_elsewhere() {
        let key = SubjectKey::new([7; 32]);
        let mut all = SubjectEdges::default();
        let one = |v| [Identifier { kind: PHONE, value: Secret::new(v) }];
        all.record(&key, &one("a"), KindSet::default(), true);
        all.record(&key, &one("b"), KindSet::default(), true);
        all.record(&key, &one("b"), KindSet::default(), false);
        let tally = all.resolve();
        assert_eq!((tally.exempt, tally.groups.len(), tally.groups[0].persons), (1, 1, 1));
    }

    proptest! {
        #[test]
        fn parts_merge_in_any_order(
            records in proptest::collection::vec(
                proptest::collection::vec((0usize..4, 0u8..4), 1..4), 0..12),
            cut in 0usize..12,
        ) {
            let kinds = [ID, PHONE, VIN, PLATE];
            let records: Vec<Vec<(KindId, String)>> =
                records.iter().map(|r| r.iter().map(|&(k, v)| (kinds[k], v.to_string())).collect()).collect();
            let whole = edges(&records).resolve();
            let cut = cut.min(records.len());
            let (a, b) = records.split_at(cut);
            let mut ab = edges(a);
            ab.merge(edges(b));
            let mut ba = edges(b);
            ba.merge(edges(a));
            prop_assert_eq!(&ab.resolve(), &whole);
            prop_assert_eq!(&ba.resolve(), &whole);
        }
    }
}
