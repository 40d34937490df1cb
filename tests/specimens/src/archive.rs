//! Archives, written here byte by byte so that tests control every flag.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};

/// A zip under construction.
#[derive(Clone, Debug, Default)]
pub struct Zip {
    out: Vec<u8>,
    central: Vec<u8>,
    entries: u16,
}

impl Zip {
    /// An empty archive.
    #[must_use]
    pub fn new() -> Self {
        Zip::default()
    }

    /// A stored member.
    #[must_use]
    pub fn stored(self, name: &str, data: &[u8]) -> Self {
        self.member(name, 0, 0, crc32(data), data, data.len())
    }

    /// A deflated member.
    #[must_use]
    pub fn deflated(self, name: &str, data: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        let packed = encoder.write_all(data).and_then(|()| encoder.finish()).unwrap_or_default();
        self.member(name, 8, 0, crc32(data), &packed, data.len())
    }

    /// A member that is told to be encrypted (ZipCrypto), with the given bytes as its stored form.
    #[must_use]
    pub fn encrypted(self, name: &str, cipher: &[u8]) -> Self {
        self.member(name, 0, 1, 0x1234_5678, cipher, cipher.len().saturating_sub(12))
    }

    fn member(mut self, name: &str, method: u16, flags: u16, crc: u32, data: &[u8], size: usize) -> Self {
        let offset = self.out.len();
        let mut head = Vec::new();
        for n in [20u16, flags | 0x0800, method, 0, 0x5a21] {
            head.extend(n.to_le_bytes());
        }
        for n in [crc, len32(data.len()), len32(size)] {
            head.extend(n.to_le_bytes());
        }
        head.extend(len16(name.len()).to_le_bytes());
        head.extend(0u16.to_le_bytes());
        self.out.extend(b"PK\x03\x04");
        self.out.extend(&head);
        self.out.extend(name.as_bytes());
        self.out.extend(data);
        self.central.extend(b"PK\x01\x02\x14\x03");
        self.central.extend(&head);
        self.central.extend([0; 10]);
        self.central.extend(len32(offset).to_le_bytes());
        self.central.extend(name.as_bytes());
        self.entries += 1;
        self
    }

    /// The archive's bytes.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        let at = self.out.len();
        self.out.extend(&self.central);
        self.out.extend(b"PK\x05\x06\0\0\0\0");
        self.out.extend(self.entries.to_le_bytes());
        self.out.extend(self.entries.to_le_bytes());
        self.out.extend(len32(self.central.len()).to_le_bytes());
        self.out.extend(len32(at).to_le_bytes());
        self.out.extend([0; 2]);
        self.out
    }
}

fn len32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn len16(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

fn crc32(data: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(data);
    crc.sum()
}

/// A tar of regular files.
#[must_use]
pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, data) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        // A failure leaves the member out, and the test that looks for it fails.
        let _ = builder.append_data(&mut header, name, *data);
    }
    builder.into_inner().unwrap_or_default()
}

/// One gzip member without name or time.
#[must_use]
pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// A small document in the manner of a docx, with one paragraph.
#[must_use]
pub fn docx(paragraph: &str) -> Vec<u8> {
    let types = r#"<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>"#;
    let document = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>{paragraph}</w:t></w:r></w:p></w:body></w:document>"#
    );
    Zip::new()
        .deflated("[Content_Types].xml", types.as_bytes())
        .deflated("word/document.xml", document.as_bytes())
        .finish()
}

/// A cpio archive in the new ASCII format; folders are left out.
#[must_use]
pub fn cpio(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut entry = |inode: usize, mode: u32, name: &str, data: &[u8]| {
        let fields = [inode as u32, mode, 0, 0, 1, 0, len32(data.len()), 0, 0, 0, 0, len32(name.len() + 1), 0];
        out.extend(b"070701");
        fields.iter().for_each(|f| out.extend(format!("{f:08X}").bytes()));
        out.extend(name.bytes().chain([0]));
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend(data);
        out.resize(out.len().next_multiple_of(4), 0);
    };
    for (i, (name, data)) in files.iter().enumerate() {
        entry(i + 1, 0o100_644, name, data);
    }
    entry(0, 0, "TRAILER!!!", b"");
    out
}
