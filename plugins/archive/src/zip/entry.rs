//! Headers of members: central directory headers, local headers, their extra fields, and names.
//!
//! Source: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.5; Info-ZIP's extrafld.txt for the fields of others.

use std::ops::Range;

use flate2::Crc;
use yumen_model::InspectError;

use yumen_kit_container::Window;
use yumen_kit_container::window::num::{le16, le32, le64};

/// Signature of a local header.
pub(super) const LOCAL: [u8; 4] = *b"PK\x03\x04";
/// Signature of a central directory header.
pub(super) const CENTRAL: [u8; 4] = *b"PK\x01\x02";
/// Signature of a data descriptor (optional), and of the first volume of several.
pub(super) const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";

/// Length of a local header without its name and extra field.
pub(super) const LOCAL_LEN: u64 = 30;
const CENTRAL_LEN: u64 = 46;

/// Extra fields whose content is structure: registered in the APPNOTE or by Info-ZIP, or in use by Android, Java and office programs.
const KNOWN_EXTRA: &[u16] = &[
    0x0001, 0x0007, 0x0008, 0x0009, 0x000a, 0x000c, 0x000d, 0x000e, 0x000f, 0x0014, 0x0015, 0x0016, 0x0017, 0x0018,
    0x0019, 0x0020, 0x0021, 0x0022, 0x0023, 0x0065, 0x0066, 0x07c8, 0x10c5, 0x1986, 0x2605, 0x2705, 0x2805, 0x334d,
    0x4154, 0x4341, 0x4453, 0x4704, 0x470f, 0x4b46, 0x4c41, 0x4d49, 0x4d63, 0x4f4c, 0x5356, 0x5455, 0x554e, 0x5855,
    0x5a4c, 0x6375, 0x6542, 0x6854, 0x7075, 0x7441, 0x756e, 0x7855, 0x7875, 0x9901, 0x9902, 0xa11e, 0xa220, 0xcafe,
    0xd935, 0xe57a, 0xfb4a, 0xfd4a,
];
/// A known field longer than this, or an unknown one longer than [`UNKNOWN_EXTRA_MAX`], holds data: it is handed over.
const KNOWN_EXTRA_MAX: usize = 256;
const UNKNOWN_EXTRA_MAX: usize = 64;

/// What the archive says of a member.
#[derive(Clone, Debug, Default)]
pub(super) struct Header {
    /// General purpose bits.
    pub(super) flags: u16,
    /// Compression method; that of the AES field where there is one.
    pub(super) method: u16,
    /// Whether a WinZip AES field is there.
    pub(super) aes: bool,
    /// CRC-32 of the content.
    pub(super) crc: u32,
    /// Length of the stored form.
    pub(super) encoded: u64,
    /// Length of the content.
    pub(super) decoded: u64,
    /// Name in raw bytes: UTF-8 where the archive gives it so.
    pub(super) name: Vec<u8>,
    /// Pieces of the extra field that are not structure, in the artifact.
    pub(super) foreign: Vec<Range<u64>>,
}

impl Header {
    /// Whether a bit says that the content is encrypted.
    pub(super) fn encrypted(&self) -> bool {
        self.flags & 1 != 0
    }

    /// Whether sizes and CRC stand behind the content only.
    pub(super) fn streamed(&self) -> bool {
        self.flags & 8 != 0
    }
}

/// A central directory header.
#[derive(Clone, Debug, Default)]
pub(super) struct Central {
    /// The member.
    pub(super) header: Header,
    /// Number of the volume it begins on.
    pub(super) disk: u32,
    /// External attributes: the mode of Unix in the upper half.
    external: u32,
    /// System the attributes are of.
    host: u8,
    /// Offset of the local header, as stated.
    pub(super) offset: u64,
    /// Where the comment stands.
    pub(super) comment: Range<u64>,
    /// The byte after the header.
    pub(super) end: u64,
}

impl Central {
    /// Whether it is a symbolic link.
    pub(super) fn symlink(&self) -> bool {
        self.host == 3 && (self.external >> 16) & 0o170_000 == 0o120_000
    }

    /// Reads the header at `at`; none when there is none, or it does not end before `end`.
    pub(super) fn read(window: &mut Window<'_>, at: u64, end: u64) -> Result<Option<Central>, InspectError> {
        let Some(fixed) = window.array::<{ CENTRAL_LEN as usize }>(at)? else { return Ok(None) };
        if fixed[..4] != CENTRAL {
            return Ok(None);
        }
        let (name_len, extra_len, comment_len) =
            (u64::from(le16(&fixed, 28)), u64::from(le16(&fixed, 30)), u64::from(le16(&fixed, 32)));
        let name_at = at + CENTRAL_LEN;
        let extra_at = name_at + name_len;
        let comment_at = extra_at + extra_len;
        let after = comment_at + comment_len;
        if after > end {
            return Ok(None);
        }
        let body = window.get(name_at, usize::try_from(name_len + extra_len).unwrap_or(0))?;
        let (name, extra) = body.split_at(usize::try_from(name_len).unwrap_or(0).min(body.len()));
        let mut central = Central {
            header: Header {
                flags: le16(&fixed, 8),
                method: le16(&fixed, 10),
                aes: false,
                crc: le32(&fixed, 16),
                encoded: u64::from(le32(&fixed, 20)),
                decoded: u64::from(le32(&fixed, 24)),
                name: name.to_vec(),
                foreign: Vec::new(),
            },
            disk: u32::from(le16(&fixed, 34)),
            external: le32(&fixed, 38),
            host: fixed[5],
            offset: u64::from(le32(&fixed, 42)),
            comment: comment_at..after,
            end: after,
        };
        let mut wide = Wide { offset: Some(central.offset), disk: Some(central.disk) };
        extras(&mut central.header, extra, extra_at, &mut wide);
        central.offset = wide.offset.unwrap_or(central.offset);
        central.disk = wide.disk.unwrap_or(central.disk);
        if matches!(central.host, 0 | 6 | 10 | 11 | 14) {
            // Programs of these systems write `\` between directories, against the specification.
            if !central.header.name.contains(&b'/') && central.header.name.is_ascii() {
                central.header.name.iter_mut().filter(|b| **b == b'\\').for_each(|b| *b = b'/');
            }
        }
        Ok(Some(central))
    }
}

/// A local header.
#[derive(Clone, Debug, Default)]
pub(super) struct Local {
    /// The member.
    pub(super) header: Header,
    /// First byte of the content.
    pub(super) data: u64,
}

impl Local {
    /// Reads the header at `at`; none when there is none, or it does not end before `end`.
    pub(super) fn read(window: &mut Window<'_>, at: u64, end: u64) -> Result<Option<Local>, InspectError> {
        if at.saturating_add(LOCAL_LEN) > end {
            return Ok(None);
        }
        let Some(fixed) = window.array::<{ LOCAL_LEN as usize }>(at)? else { return Ok(None) };
        if fixed[..4] != LOCAL {
            return Ok(None);
        }
        let (name_len, extra_len) = (u64::from(le16(&fixed, 26)), u64::from(le16(&fixed, 28)));
        let name_at = at + LOCAL_LEN;
        let extra_at = name_at + name_len;
        let data = extra_at + extra_len;
        if data > end {
            return Ok(None);
        }
        let body = window.get(name_at, usize::try_from(name_len + extra_len).unwrap_or(0))?;
        let (name, extra) = body.split_at(usize::try_from(name_len).unwrap_or(0).min(body.len()));
        let mut header = Header {
            flags: le16(&fixed, 6),
            method: le16(&fixed, 8),
            aes: false,
            crc: le32(&fixed, 14),
            encoded: u64::from(le32(&fixed, 18)),
            decoded: u64::from(le32(&fixed, 22)),
            name: name.to_vec(),
            foreign: Vec::new(),
        };
        extras(&mut header, extra, extra_at, &mut Wide::default());
        Ok(Some(Local { header, data }))
    }
}

/// Whether a local header begins here, and not the four bytes by chance. `room` is how many bytes there are up to the end of where it may lie,
/// of which `bytes` are the first.
pub(super) fn looks_local(bytes: &[u8], room: u64) -> bool {
    if bytes.len() < LOCAL_LEN as usize || !bytes.starts_with(&LOCAL) {
        return false;
    }
    let (name_len, extra_len) = (usize::from(le16(bytes, 26)), u64::from(le16(bytes, 28)));
    let name = &bytes[LOCAL_LEN as usize..];
    bytes[4] <= 100
        && matches!(le16(bytes, 8), 0..=20 | 93..=99)
        && name_len > 0
        && LOCAL_LEN + name_len as u64 + extra_len <= room
        && name[..name_len.min(name.len())].iter().all(|&b| b >= 0x20 && b != 0x7f)
}

/// Whether a central directory header begins here, in the same manner.
pub(super) fn looks_central(bytes: &[u8], room: u64) -> bool {
    bytes.len() >= CENTRAL_LEN as usize
        && bytes.starts_with(&CENTRAL)
        && matches!(le16(bytes, 10), 0..=20 | 93..=99)
        && CENTRAL_LEN + u64::from(le16(bytes, 28)) + u64::from(le16(bytes, 30)) + u64::from(le16(bytes, 32)) <= room
}

/// Values that a zip64 field may widen, beside the two sizes. `None` means that the header has no such value.
#[derive(Default)]
struct Wide {
    offset: Option<u64>,
    disk: Option<u32>,
}

/// Goes through an extra field that stands at `at`.
fn extras(header: &mut Header, extra: &[u8], at: u64, wide: &mut Wide) {
    let raw_name = Crc::of(&header.name);
    let mut i = 0;
    while extra.len() - i >= 4 {
        let (id, len) = (le16(extra, i), usize::from(le16(extra, i + 2)));
        let start = i + 4;
        let Some(data) = extra.get(start..start + len) else { break };
        match id {
            0x0001 => zip64(header, data, wide),
            0x7075
                if data.len() > 5
                    && data[0] == 1
                    && le32(data, 1) == raw_name
                    && std::str::from_utf8(&data[5..]).is_ok() =>
            {
                header.name = data[5..].to_vec();
            }
            0x9901 if data.len() >= 7 => {
                header.aes = true;
                if header.method == 99 {
                    header.method = le16(data, 5);
                }
            }
            _ => {}
        }
        let structure = match id {
            0x7075 | 0x6375 => data.len() <= 4096,
            _ if KNOWN_EXTRA.binary_search(&id).is_ok() => data.len() <= KNOWN_EXTRA_MAX,
            _ => data.len() <= UNKNOWN_EXTRA_MAX,
        };
        if !structure && data.iter().any(|&b| b != 0) {
            header.foreign.push(at + start as u64..at + (start + len) as u64);
        }
        i = start + len;
    }
    // What is left is padding (zipalign writes zeros) or a broken field.
    let rest = &extra[i..];
    if rest.len() > UNKNOWN_EXTRA_MAX && rest.iter().any(|&b| b != 0) {
        header.foreign.push(at + i as u64..at + extra.len() as u64);
    }
}

/// The zip64 field: those of the values that the header gives as all ones, in this order.
fn zip64(header: &mut Header, data: &[u8], wide: &mut Wide) {
    let mut i = 0;
    let mut next = |value: &mut u64| {
        if *value == 0xffff_ffff && data.len() >= i + 8 {
            *value = le64(data, i);
            i += 8;
        }
    };
    next(&mut header.decoded);
    next(&mut header.encoded);
    if let Some(offset) = &mut wide.offset {
        next(offset);
    }
    if wide.disk == Some(0xffff) && data.len() >= i + 4 {
        wide.disk = Some(le32(data, i));
    }
}

/// CRC-32 in one call.
trait CrcOf {
    fn of(bytes: &[u8]) -> u32;
}

impl CrcOf for Crc {
    fn of(bytes: &[u8]) -> u32 {
        let mut crc = Crc::new();
        crc.update(bytes);
        crc.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_fields_are_sorted_for_the_search() {
        assert!(KNOWN_EXTRA.windows(2).all(|w| w[0] < w[1]));
    }

    #[test]
    fn a_unicode_path_field_counts_only_for_the_name_it_was_made_for() {
        let mut extra = vec![0x75, 0x70, 11, 0, 1];
        extra.extend_from_slice(&Crc::of(b"a.txt").to_le_bytes());
        extra.extend_from_slice("车主".as_bytes());
        let mut header = Header { name: b"a.txt".to_vec(), ..Header::default() };
        extras(&mut header, &extra, 0, &mut Wide::default());
        assert_eq!(header.name, "车主".as_bytes());
        let mut header = Header { name: b"b.txt".to_vec(), ..Header::default() };
        extras(&mut header, &extra, 0, &mut Wide::default());
        assert_eq!(header.name, b"b.txt");
    }
}
