//! Local frames of a recording lie where its positions lie.
//!
//! Odometry, objects and clouds have coordinates of their own, relative to a start that no stream tells. In one recording by topic they are of one drive: where a
//! receiver's positions stand beside them, they were there too. Tables are another thing: two of one file need not have to do with each other.

use std::collections::BTreeMap;

use serde_json::json;
use yumen_model::finding::Aggregate;
use yumen_model::kind::kinds;
use yumen_model::{Findings, KindId, Prop, Props};

const TIED: &[KindId] = &[kinds::GEO_TRACK, kinds::GEO_POINT_CLOUD, kinds::GEO_INERTIAL, kinds::GEO_MAP];

fn word(aggregate: &Aggregate, name: &str) -> Option<String> {
    aggregate.distinct.iter().find(|(n, _)| *n == name).and_then(|(_, value)| match value {
        Prop::Word(word) => Some(word.clone().into_owned()),
        Prop::Bool(_) => None,
    })
}

fn of_a_topic(aggregate: &Aggregate) -> bool {
    aggregate.places.first().is_some_and(|(place, _)| place.topic.is_some())
}

/// Gives local frames the region of the track beside them.
pub(super) fn settle(findings: &mut Findings) {
    let tracks = findings.aggregates().iter().filter(|a| a.kind == kinds::GEO_TRACK && of_a_topic(a));
    let regions: Vec<String> = tracks
        .filter(|a| word(a, "frame").is_some_and(|f| f != "local" && f != "unknown"))
        .filter_map(|a| word(a, "region"))
        .collect();
    let region = match regions.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => return,
        ref all if all.contains(&"inside") => "inside",
        ref all if all.contains(&"unknown") => return,
        _ => "outside",
    };
    let local = |a: &&Aggregate| {
        TIED.contains(&a.kind)
            && of_a_topic(a)
            && word(a, "frame").as_deref() == Some("local")
            && word(a, "region").as_deref() == Some("unknown")
    };
    let moved: Vec<(KindId, Props)> =
        findings.aggregates().iter().filter(local).map(|a| (a.kind, a.distinct.clone())).collect();
    for (kind, from) in moved {
        let mut to: Props = from.iter().filter(|(name, _)| *name != "region").cloned().collect();
        to.push(("region", Prop::from(region)));
        let told = BTreeMap::from([("region_from".into(), json!("recording"))]);
        findings.refile(kind, &from, to, told);
    }
}

#[cfg(test)]
mod tests {
    use yumen_model::{Location, SubjectKey};

    use super::*;

    fn found(items: &[(KindId, &'static str, &'static str, bool)]) -> Vec<(KindId, String, String, u64)> {
        let mut findings = Findings::new(SubjectKey::new([0; 32]), 3, false);
        for (kind, frame, region, topic) in items {
            let distinct = vec![("frame", Prop::from(*frame)), ("region", Prop::from(*region))];
            let place = Location { topic: topic.then(|| "/t".to_owned()), ..Location::default() };
            findings.summary(*kind, distinct, 1, 0.9, place, BTreeMap::from([("points", json!(5))]));
        }
        settle(&mut findings);
        let parts = findings.into_parts();
        let told = |a: &Aggregate, name| word(a, name).unwrap();
        parts.aggregates.iter().map(|a| (a.kind, told(a, "frame"), told(a, "region"), a.count)).collect()
    }

    #[test]
    fn local_frames_follow_the_receiver_of_their_recording() {
        let (track, cloud) = (kinds::GEO_TRACK, kinds::GEO_POINT_CLOUD);
        let got = found(&[
            (track, "geodetic", "outside", true),
            (track, "local", "unknown", true),
            (cloud, "local", "unknown", true),
        ]);
        assert!(got.iter().all(|(_, _, region, _)| region == "outside"), "{got:?}");
        let got = found(&[
            (track, "geodetic", "outside", true),
            (track, "projected", "inside", true),
            (track, "local", "unknown", true),
        ]);
        assert!(got.contains(&(track, "local".to_owned(), "inside".to_owned(), 1)), "{got:?}");
        // Tables, and positions whose own place is open, decide nothing.
        for others in [(track, "geodetic", "outside", false), (track, "geodetic", "unknown", true)] {
            let got = found(&[others, (track, "local", "unknown", true)]);
            assert!(got.contains(&(track, "local".to_owned(), "unknown".to_owned(), 1)), "{got:?}");
        }
    }
}
