//! The manifest of a shipment, `shipment.yaml`.

mod load;

use jiff::civil::Date;
use yumen_rules::{FactTable, Globs};

/// One intended hand-over, as its manifest tells it.
#[derive(Clone, Debug)]
pub struct Shipment {
    pub(crate) id: String,
    pub(crate) digest: String,
    pub(crate) processor: Processor,
    pub(crate) recipient: Option<Recipient>,
    pub(crate) scenario: Option<String>,
    pub(crate) purpose: Option<String>,
    pub(crate) transfer_date: Option<Date>,
    pub(crate) facts: FactTable,
    pub(crate) approvals: Vec<Approval>,
    pub(crate) exemptions: Vec<Claim>,
    pub(crate) determinations: Vec<Determination>,
    pub(crate) accepts: Vec<Accept>,
}

/// Who hands over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processor {
    /// Legal name.
    pub name: Option<String>,
    /// Unified social credit code.
    pub uscc: Option<String>,
    /// Whether it operates critical information infrastructure.
    pub ciio: Option<bool>,
    /// The free trade zone in which it is registered.
    pub free_trade_zone: Option<String>,
}

/// To whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Legal name.
    pub name: String,
    /// ISO 3166 code of country or region.
    pub country: Option<String>,
    /// `transfer`, `remote-access` or `processing-abroad`.
    pub access: Option<String>,
}

/// An approval that the shipment relies on.
#[derive(Clone, Debug)]
pub struct Approval {
    /// Its kind, as the rulebook names it.
    pub kind: String,
    /// Its number.
    pub number: String,
    /// When it was given.
    pub issued: Date,
    /// From when it has effect, where that is not the day of issue.
    pub effective: Option<Date>,
    /// Its last day.
    pub expires: Option<Date>,
    /// Rows it covers (ids, not aliases); none where the manifest names none.
    pub rows: Option<Vec<String>>,
    /// For whom it was given.
    pub recipient: Option<String>,
    /// The artifacts it covers; none for all.
    pub artifacts: Option<Globs>,
}

/// A claim to an exemption.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Id of the exemption, `E9`.
    pub kind: String,
    /// Rows it is claimed for (ids, not aliases).
    pub rows: Vec<String>,
    /// Number of the filing or report.
    pub filing: Option<String>,
    /// With whom it was filed.
    pub authority: Option<String>,
    /// When.
    pub filed: Option<Date>,
    /// The artifacts whose persons it covers (E1 to E4).
    pub artifacts: Option<Globs>,
    /// Why it applies.
    pub basis: Option<String>,
}

/// What a person determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// The row applies.
    Applies,
    /// The row does not apply.
    DoesNotApply,
}

/// A named person's answer for a row.
#[derive(Clone, Debug)]
pub struct Determination {
    /// Id of the row (no alias).
    pub row: String,
    /// The artifacts it is about; none for the whole shipment.
    pub artifacts: Option<Globs>,
    /// The answer.
    pub ruling: Ruling,
    /// Who answered.
    pub by: String,
    /// When.
    pub date: Date,
}

/// What is taken on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Accepted {
    /// Opaque bytes, by the artifact's digest.
    Digest(String),
    /// A finding, by its id.
    Finding(String),
}

/// A finding or opaque bytes taken on by a named person, with reason and end.
#[derive(Clone, Debug)]
pub struct Accept {
    /// What.
    pub what: Accepted,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The last day.
    pub until: Date,
}

impl Shipment {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `blake3:` and the digest of the manifest's bytes.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Who hands over.
    #[must_use]
    pub fn processor(&self) -> &Processor {
        &self.processor
    }

    /// To whom.
    #[must_use]
    pub fn recipient(&self) -> Option<&Recipient> {
        self.recipient.as_ref()
    }

    /// The scenario declared.
    #[must_use]
    pub fn scenario(&self) -> Option<&str> {
        self.scenario.as_deref()
    }

    /// The purpose declared.
    #[must_use]
    pub fn purpose(&self) -> Option<&str> {
        self.purpose.as_deref()
    }

    /// The day of the transfer.
    #[must_use]
    pub fn transfer_date(&self) -> Option<Date> {
        self.transfer_date
    }

    /// Claims whose named artifacts' persons are not counted (E1 to E4); each must name artifacts and a basis.
    pub(crate) fn covering(&self) -> impl Iterator<Item = (&str, &Globs)> {
        self.exemptions
            .iter()
            .filter(|c| matches!(c.kind.as_str(), "E1" | "E2" | "E3" | "E4") && c.basis.is_some())
            .filter_map(|c| Some((c.kind.as_str(), c.artifacts.as_ref()?)))
    }

    /// Whether an exemption (E1 to E4) covers the persons of an artifact.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        self.covering().any(|(_, globs)| globs.covers(path))
    }

    /// What [`Shipment::covers`] matches, as globs for a plain glob matcher. Compile them with a literal separator: `*` and `?` must not match `/`, and
    /// `**` must; a backslash escapes.
    #[must_use]
    pub fn covered_globs(&self) -> Vec<String> {
        self.covering().flat_map(|(_, globs)| globs.expanded()).collect()
    }
}
