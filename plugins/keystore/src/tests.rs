use super::*;
use proptest::prelude::*;
use yumen_model::{KeyMaterial, Label, LabelMap, Stop};

/// Test keys, made for these tests and used nowhere else.
const ED25519_PKCS8: &[u8] = include_bytes!("../fixtures/test-key-ed25519.pk8");
const EC_PKCS12: &[u8] = include_bytes!("../fixtures/test-key-ec.p12");
const EC_JKS: &[u8] = include_bytes!("../fixtures/test-key-ec.jks");
const CERTIFICATE: &[u8] = include_bytes!("../fixtures/test-vehicle.der");
const PUBLIC_KEY: &[u8] = include_bytes!("../fixtures/test-public.der");
const PGP_SECRET: &[u8] = include_bytes!("../fixtures/test-key-pgp.bin");

#[derive(Default)]
struct Collected {
    items: Vec<KeyMaterial>,
    labels: LabelMap,
}

impl Inspection for Collected {
    fn send(&mut self, message: Message<'_>) -> Result<(), Stop> {
        match message {
            Message::Batch { batch: Batch::Keys(batch), .. } => self.items.extend(batch.items),
            Message::Label { range, label } => self.labels.add(range, label),
            _ => {}
        }
        Ok(())
    }
}

fn identify(bytes: &[u8], name: &str) -> Option<&'static str> {
    let blob = Blob::from_bytes(bytes.to_vec());
    let edge = bytes.len().min(64 << 10);
    let probe = Probe::new(&bytes[..edge], &bytes[bytes.len() - edge..], &blob, name);
    KeystorePlugin.identify(&probe).map(|i| i.format)
}

fn inspect(bytes: &[u8], format: &'static str) -> Result<Collected, InspectError> {
    let artifact = Artifact {
        blob: Blob::from_bytes(bytes.to_vec()),
        name: "a".to_owned(),
        format,
        attributes: Default::default(),
        inside: Vec::new(),
    };
    let mut out = Collected::default();
    KeystorePlugin.inspect(&artifact, &Context::default(), &mut out).map(|()| out)
}

#[test]
fn each_format_is_told_by_content() {
    for (bytes, format) in [
        (ED25519_PKCS8, "der"),
        (PUBLIC_KEY, "der"),
        (CERTIFICATE, "x509"),
        (EC_PKCS12, "pkcs12"),
        (EC_JKS, "jks"),
        (PGP_SECRET, "openpgp"),
    ] {
        assert_eq!(identify(bytes, "x"), Some(format));
        assert_eq!(identify(&[bytes, &[0; 300]].concat(), "x"), Some(format), "{format} with padding");
        assert_eq!(identify(&bytes[..bytes.len() - 1], "x"), None, "{format} cut short");
        assert_eq!(identify(&[bytes, b"more"].concat(), "x"), None, "{format} with other data behind");
    }
    assert_eq!(identify(b"0123456789abcd", "a.pk8"), None);
    assert_eq!(identify(b"-----BEGIN PRIVATE KEY-----", "a.der"), None);
    // A sequence of the right length that is no key.
    assert_eq!(identify(&[&[0x30, 30][..], &[4; 30]].concat(), "a.der"), None);
}

#[test]
fn keys_and_certificates_come_out_and_every_byte_is_labelled() {
    let told = |bytes: &[u8], format| {
        let out = inspect(bytes, format).unwrap();
        let labelled = out.labels.resolve(bytes.len() as u64, Reason::UnknownFormat);
        assert_eq!(labelled.opaque.get(&Reason::UnknownFormat), None);
        let items: Vec<_> = out.items.iter().map(|i| (i.form.to_string(), i.encrypted)).collect();
        (items, labelled.opaque.get(&Reason::Encrypted).copied().unwrap_or(0))
    };
    assert_eq!(told(ED25519_PKCS8, "der"), (vec![("pkcs8".to_owned(), Some(false))], 0));
    assert_eq!(told(PUBLIC_KEY, "der"), (vec![], 0));
    let (items, opaque) = told(EC_PKCS12, "pkcs12");
    assert_eq!(items, [("pkcs12".to_owned(), Some(true))]);
    assert!(opaque > 100, "the encrypted certificates can't be told");
    let (items, _) = told(EC_JKS, "jks");
    assert_eq!(items, [("jks".to_owned(), Some(true)), ("x509".to_owned(), None)]);
    let (items, _) = told(PGP_SECRET, "openpgp");
    assert!(!items.is_empty() && items.iter().all(|i| *i == ("openpgp".to_owned(), Some(false))));
    let out = inspect(CERTIFICATE, "x509").unwrap();
    assert_eq!(out.items[0].properties["subject_kind"], "vehicle");
    assert_eq!(out.items[0].bytes, (0, CERTIFICATE.len() as u64));
}

#[test]
fn padding_is_container() {
    let bytes = [ED25519_PKCS8, &[0; 40]].concat();
    let labelled = inspect(&bytes, "der").unwrap().labels.resolve(bytes.len() as u64, Reason::UnknownFormat);
    assert_eq!((labelled.inspected, labelled.container), (ED25519_PKCS8.len() as u64, 40));
    assert!(Label::Inspected < Label::Container);
}

proptest! {
    #[test]
    fn damaged_files_never_panic(which in 0usize..6, at in 0usize..4000, xor in any::<u8>(), cut in 0usize..4000) {
        let file = [ED25519_PKCS8, PUBLIC_KEY, CERTIFICATE, EC_PKCS12, EC_JKS, PGP_SECRET][which];
        let mut bytes = file.to_vec();
        let n = bytes.len();
        bytes[at % n] ^= xor;
        if cut < n {
            bytes.truncate(cut);
        }
        if let Some(format) = identify(&bytes, "x") {
            let _ = inspect(&bytes, format);
        }
    }

    #[test]
    fn random_bytes_are_not_claimed(first in any::<u8>(), bytes in proptest::collection::vec(any::<u8>(), 16..600)) {
        let mut bytes = bytes;
        bytes[0] = first;
        prop_assert_eq!(identify(&bytes, "a.der"), None);
    }
}
