//! Keys, passwords and tokens.
//!
//! Text goes through the recognisers of the one pass; binary key material ([`KeyDetector`]) comes from the key-store plugin as evidence, is
//! swept out of raw bytes, or is read from the members of a record (JWK and the like). A name or a mark alone never makes a finding: the
//! value has to be one.

mod assign;
mod links;
mod members;
mod names;
mod pem;
mod raw;
mod shapes;
mod stand_ins;
mod syntax;
#[cfg(test)]
pub(crate) mod testing;
mod tokens;
mod value;
mod view;

use yumen_kit_key::{Item, What};
use yumen_model::finding::Prop;
use yumen_model::kind::kinds;
use yumen_model::{
    Batch, Detector, EvidenceHeader, EvidenceKind, Findings, Hit, KindId, Location, Mask, Secret, Session,
};
use yumen_model::{KeyBatch, KeyMaterial, KeyWhat};

use crate::recogniser::Match;

/// The literals of a table of forms, for the scanner.
const fn literals<T, const N: usize>(forms: &[(&'static str, T)]) -> [&'static str; N] {
    let mut all = [""; N];
    let mut i = 0;
    while i < N {
        all[i] = forms[i].0;
        i += 1;
    }
    all
}

/// The recognisers of this family.
pub const RECOGNISERS: &[&dyn crate::Recogniser] = &[&pem::KeyText, &tokens::Tokens, &assign::Assigned, &links::Links];

/// Keys and certificates in binary form and in records.
pub struct KeyDetector;

impl Detector for KeyDetector {
    fn kinds(&self) -> &'static [KindId] {
        &[kinds::KEY_PRIVATE, kinds::KEY_PASSWORD, kinds::KEY_TOKEN, kinds::CERT_X509, kinds::CERT_VEHICLE]
    }

    fn start(&self, header: &EvidenceHeader) -> Option<Box<dyn Session>> {
        match header.kind {
            EvidenceKind::Keys => Some(Box::new(Stored)),
            EvidenceKind::Raw => Some(Box::<raw::RawSweep>::default()),
            EvidenceKind::Records if header.is_names() => None,
            EvidenceKind::Records => Some(Box::new(members::Members)),
            _ => None,
        }
    }
}

/// Key material that a plugin read from its structure.
struct Stored;

impl Session for Stored {
    fn feed(&mut self, batch: &Batch<'_>, out: &mut Findings) {
        if let Batch::Keys(KeyBatch { items }) = batch {
            items.iter().for_each(|item| report(item, 0.99, out));
        }
    }

    fn finish(self: Box<Self>, _: &mut Findings) {}
}

/// The properties of a key or certificate, shared by all ways it can be found.
struct Facts {
    kind: KindId,
    distinct: Vec<(&'static str, Prop)>,
    collect: Vec<(&'static str, std::borrow::Cow<'static, str>)>,
}

fn facts_of(material: &KeyMaterial) -> Facts {
    let mut collect = vec![("forms", material.form.clone())];
    collect.extend(material.algorithm.clone().map(|a| ("algorithms", a)));
    let word = |name: &str| material.properties.get(name).and_then(|v| v.as_str()).map(str::to_owned);
    match material.what {
        KeyWhat::PrivateKey => {
            let distinct = material.encrypted.map(|e| ("encrypted", Prop::Bool(e))).into_iter().collect();
            Facts { kind: kinds::KEY_PRIVATE, distinct, collect }
        }
        KeyWhat::Certificate => {
            let subject = word("subject_kind");
            let kind = if subject.is_some() { kinds::CERT_VEHICLE } else { kinds::CERT_X509 };
            collect.extend(subject.map(|s| ("subject_kinds", s.into())));
            collect.extend(word("not_after").map(|s| ("not_after", s.into())));
            Facts { kind, distinct: Vec::new(), collect }
        }
    }
}

fn label_of(what: KeyWhat) -> Mask {
    match what {
        KeyWhat::PrivateKey => Mask::Label("[private key]"),
        KeyWhat::Certificate => Mask::Label("[certificate]"),
    }
}

/// Puts an item of binary evidence among the findings.
fn report(material: &KeyMaterial, confidence: f64, out: &mut Findings) {
    let facts = facts_of(material);
    out.hit(Hit {
        kind: facts.kind,
        location: Location { bytes: Some(material.bytes), ..Location::default() },
        secret: Secret::new(""),
        mask: label_of(material.what),
        confidence,
        distinct: facts.distinct,
        collect: facts.collect,
    });
}

/// The match of an item that stands in text at `start..end`; none for public material.
fn text_match(item: &Item, start: usize, end: usize, confidence: f64) -> Option<Match> {
    let material = item.material(0)?;
    let facts = facts_of(&material);
    let mask = if item.what == What::PrivateKey { Mask::Head(15) } else { label_of(material.what) };
    Some(Match {
        kind: facts.kind,
        start,
        end,
        confidence,
        mask,
        distinct: facts.distinct,
        collect: facts.collect,
        identifier: None,
        position: None,
    })
}

#[cfg(test)]
mod tests;
