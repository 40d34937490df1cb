//! What was recognised.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use yumen_model::{KeyMaterial, KeyWhat};

/// What a piece of key material is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A private or secret key.
    PrivateKey,
    /// An X.509 certificate.
    Certificate,
    /// A public key; recognised so that it never counts as a private one.
    PublicKey,
    /// A certificate request.
    Request,
    /// A certificate revocation list.
    RevocationList,
}

/// One piece of key material.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What it is.
    pub what: What,
    /// Form: `pkcs1`, `pkcs8`, `sec1`, `openssh`, `x509`…
    pub form: &'static str,
    /// Algorithm as far as the structure tells: `rsa`, `ec`, `sm2`, `ed25519`…
    pub algorithm: Option<&'static str>,
    /// Whether a private key is encrypted; none where the structure does not tell.
    pub encrypted: Option<bool>,
    /// Its bytes in what was given.
    pub range: Range<usize>,
    /// Facts that may be told: `bits`, `curve`, `not_after`, `self_signed`, `usage`, `subject_kind`…
    pub properties: BTreeMap<String, Value>,
}

impl Item {
    /// An item without further facts.
    #[must_use]
    pub fn new(what: What, form: &'static str, range: Range<usize>) -> Self {
        Item { what, form, algorithm: None, encrypted: None, range, properties: BTreeMap::new() }
    }

    /// A private key.
    #[must_use]
    pub fn private(form: &'static str, encrypted: Option<bool>, range: Range<usize>) -> Self {
        Item { encrypted, ..Item::new(What::PrivateKey, form, range) }
    }

    /// Sets the algorithm.
    #[must_use]
    pub fn algorithm(mut self, algorithm: Option<&'static str>) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.properties.insert(name.to_owned(), value.into());
        self
    }

    /// Moves it by `offset` bytes.
    #[must_use]
    pub fn shifted(mut self, offset: usize) -> Self {
        self.range = self.range.start.saturating_add(offset)..self.range.end.saturating_add(offset);
        self
    }

    /// Whether a certificate names a vehicle, a control unit or a V2X use.
    #[must_use]
    pub fn is_vehicle(&self) -> bool {
        self.what == What::Certificate && self.properties.contains_key("subject_kind")
    }

    /// The item as evidence; none for what is no finding (public keys, requests, revocation lists). `base` is added to its place.
    #[must_use]
    pub fn material(&self, base: u64) -> Option<KeyMaterial> {
        let what = match self.what {
            What::PrivateKey => KeyWhat::PrivateKey,
            What::Certificate => KeyWhat::Certificate,
            What::PublicKey | What::Request | What::RevocationList => return None,
        };
        Some(KeyMaterial {
            what,
            form: self.form.into(),
            algorithm: self.algorithm.map(Into::into),
            encrypted: self.encrypted,
            bytes: (base + self.range.start as u64, base + self.range.end as u64),
            properties: self.properties.clone(),
        })
    }
}
