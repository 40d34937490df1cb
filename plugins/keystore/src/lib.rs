//! Key and certificate files: DER, PKCS#8, PKCS#12, JKS.
