//! Private keys and certificates: recognised in PEM, DER and key stores.
