//! PKCS#7 and CMS (RFC 5652): the certificates inside of signed data.

use crate::der::{OID, Reader, SEQUENCE, value};
use crate::item::Item;
use crate::{oid, x509};

/// Most certificates that are read from one structure.
const MAX_CERTIFICATES: usize = 10_000;

/// Whether `bytes` begin with a ContentInfo of PKCS#7 or its SM2 variant: the last arc of the content type, and its length.
#[must_use]
pub fn content_type(bytes: &[u8]) -> Option<(u8, usize)> {
    let whole = value(bytes).filter(|t| t.tag == SEQUENCE)?;
    let id = Reader::new(whole.body).take(OID)?;
    let (last, arc) = id.split_last()?;
    (arc == oid::PKCS7 || arc == oid::GM_PKCS7).then_some((*last, whole.len))
}

/// The certificates of the signed data at the start of `bytes`; none when it is not signed data.
#[must_use]
pub fn certificates(bytes: &[u8]) -> Option<Vec<Item>> {
    let (2, _) = content_type(bytes)? else { return None };
    let mut info = Reader::new(value(bytes)?.body);
    info.any()?;
    let mut signed = info.open(0xa0)?.open(SEQUENCE)?;
    let mut items = Vec::new();
    while !signed.is_empty() {
        let field = signed.any()?;
        if field.tag != 0xa0 {
            continue;
        }
        let mut list = Reader::new(field.body);
        while !list.is_empty() && items.len() < MAX_CERTIFICATES {
            let at = list.rest();
            let start = at.as_ptr() as usize - bytes.as_ptr() as usize;
            list.any()?;
            items.extend(x509::certificate(at).map(|c| c.shifted(start)));
        }
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der::build::{of, tlv};
    use crate::x509::tests::certificate_shape;

    #[test]
    fn certificates_of_signed_data_are_found_at_their_place() {
        let cert = certificate_shape("a", "b", &[]);
        let data_type = [oid::PKCS7, &[1]].concat();
        let signed_type = [oid::PKCS7, &[2]].concat();
        let signed = of(
            SEQUENCE,
            &[
                tlv(2, &[1]),
                tlv(0x31, &[]),
                of(SEQUENCE, &[tlv(OID, &data_type)]),
                of(0xa0, &[cert.clone(), cert.clone()]),
                tlv(0x31, &[]),
            ],
        );
        let whole = of(SEQUENCE, &[tlv(OID, &signed_type), tlv(0xa0, &signed)]);
        let got = certificates(&whole).unwrap();
        assert_eq!(got.len(), 2);
        assert_eq!(&whole[got[1].range.clone()], cert.as_slice());
    }
}
