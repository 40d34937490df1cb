//! Private keys that protect nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Numbers;

/// An unencrypted Ed25519 private key (PKCS#8, RFC 8410) in PEM. Computed from the number, so it is a secret of nobody.
#[must_use]
pub fn private_key_pem(number: u64) -> String {
    let mut der = vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    der.extend(Numbers::new(number).bytes(32));
    // The marker is put together here so that this very file holds no key.
    let label = ["PRIVATE", "KEY"].join(" ");
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}
