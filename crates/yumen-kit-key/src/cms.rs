//! PKCS#7 and CMS (RFC 5652): the certificates inside of signed data.

use std::ops::Range;

use crate::der::{OID, Reader, SEQUENCE, SET, Tlv, value};
use crate::item::Item;
use crate::{oid, x509};

/// Most certificates that are read from one structure.
const MAX_CERTIFICATES: usize = 10_000;
/// Most pieces that a content is cut into.
const MAX_PIECES: usize = 4096;

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

/// Where the content stands that the signed data at the start of `bytes` carries, as its pieces in order: more than one where BER cuts it.
/// None when this is not signed data; no piece when the content is kept elsewhere.
#[must_use]
pub fn content(bytes: &[u8]) -> Option<Vec<Range<usize>>> {
    let (2, _) = content_type(bytes)? else { return None };
    let mut info = Reader::new(value(bytes)?.body);
    info.any()?;
    let mut signed = info.open(0xa0)?.open(SEQUENCE)?;
    signed.small()?;
    signed.take(SET)?;
    let mut encapsulated = signed.open(SEQUENCE)?;
    encapsulated.take(OID)?;
    let mut pieces = Vec::new();
    if let Some(mut content) = encapsulated.open(0xa0) {
        pieces_of(bytes, &content.any()?, 0, &mut pieces)?;
    }
    Some(pieces)
}

/// The pieces of an OCTET STRING, whose strings may be cut again.
fn pieces_of(bytes: &[u8], tlv: &Tlv<'_>, depth: u8, pieces: &mut Vec<Range<usize>>) -> Option<()> {
    if tlv.tag & 0x20 == 0 {
        let start = tlv.body.as_ptr() as usize - bytes.as_ptr() as usize;
        pieces.push(start..start + tlv.body.len());
        return Some(());
    }
    let mut parts = Reader::new(tlv.body);
    while !parts.is_empty() {
        if depth >= 2 || pieces.len() >= MAX_PIECES {
            return None;
        }
        pieces_of(bytes, &parts.any()?, depth + 1, pieces)?;
    }
    Some(())
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

    #[test]
    fn the_content_is_found_whole_cut_or_elsewhere() {
        let signed = |content: &[Vec<u8>]| {
            let data_type = [oid::PKCS7, &[1]].concat();
            let signed_type = [oid::PKCS7, &[2]].concat();
            let mut encapsulated = vec![tlv(OID, &data_type)];
            encapsulated.extend(content.iter().map(|c| tlv(0xa0, c)));
            let body = of(SEQUENCE, &[tlv(2, &[3]), tlv(SET, &[]), of(SEQUENCE, &encapsulated), tlv(SET, &[])]);
            of(SEQUENCE, &[tlv(OID, &signed_type), tlv(0xa0, &body)])
        };
        let text = |bytes: &[u8]| -> Option<Vec<u8>> {
            Some(content(bytes)?.into_iter().flat_map(|r| bytes[r].to_vec()).collect())
        };
        let whole = signed(&[tlv(4, b"[update]")]);
        assert_eq!(text(&whole).unwrap(), b"[update]");
        let cut = signed(&[of(0x24, &[tlv(4, b"[upd"), of(0x24, &[tlv(4, b"ate"), tlv(4, b"]")])])]);
        assert_eq!(text(&cut).unwrap(), b"[update]");
        assert_eq!(content(&signed(&[])).unwrap(), Vec::<std::ops::Range<usize>>::new());
        assert_eq!(content(&whole[..whole.len() - 1]), None);
    }
}
