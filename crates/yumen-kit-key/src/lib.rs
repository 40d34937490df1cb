//! Private keys and certificates: recognised in DER, PEM and key stores, never used.
//!
//! Everything here answers "what is this piece of key material, and is it encrypted?" by parsing the structure. Nothing is decrypted,
//! nothing is verified, and no key byte or personal name leaves: an [`Item`] holds form, algorithm, size and place only.

pub mod armor;
pub mod base64;
pub mod cms;
pub mod der;
pub mod item;
pub mod jwk;
pub mod openpgp;
pub mod openssh;
pub mod private;
pub mod store;
pub mod sweep;
pub mod x509;

mod oid;

pub use item::{Item, What};

/// Recognises the DER (or BER) structure at the start of `bytes`: a private key, a certificate, a public key, a certificate request or a
/// revocation list. Ranges are relative to `bytes`; what follows the structure is not looked at.
#[must_use]
pub fn der_item(bytes: &[u8]) -> Option<Item> {
    if bytes.first() != Some(&der::SEQUENCE) {
        return None;
    }
    private::private_key(bytes)
        .or_else(|| x509::certificate(bytes))
        .or_else(|| x509::public_key(bytes))
        .or_else(|| x509::request(bytes))
        .or_else(|| x509::revocation_list(bytes))
}
