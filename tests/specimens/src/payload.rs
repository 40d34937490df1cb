//! Full Android A/B payloads (CrAU, version 2), written byte by byte from the description in `update_metadata.proto`.

use std::io::Write as _;

use lzma_rust2::{XzOptions, XzWriter};
use sha2::{Digest as _, Sha256};

/// Bytes of a block.
const BLOCK: usize = 4096;

/// A full payload of partitions, each cut into stored, xz-compressed and zero operations in turn, with all hashes in place.
#[must_use]
pub fn payload(partitions: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut manifest, mut blobs) = (Vec::new(), Vec::new());
    number(&mut manifest, 3, BLOCK as u64);
    number(&mut manifest, 12, 0);
    for (name, image) in partitions {
        let mut update = Vec::new();
        bytes(&mut update, 1, name.as_bytes());
        let mut info = Vec::new();
        number(&mut info, 1, image.len() as u64);
        bytes(&mut info, 2, &Sha256::digest(image));
        bytes(&mut update, 7, &info);
        let mut padded = image.to_vec();
        padded.resize(image.len().next_multiple_of(BLOCK), 0);
        for (i, piece) in padded.chunks(16 * BLOCK).enumerate() {
            bytes(&mut update, 8, &operation(i, i * 16, piece, &mut blobs));
        }
        bytes(&mut manifest, 13, &update);
    }
    let mut out = b"CrAU".to_vec();
    out.extend(2u64.to_be_bytes());
    out.extend((manifest.len() as u64).to_be_bytes());
    out.extend(0u32.to_be_bytes());
    out.extend(manifest);
    out.extend(blobs);
    out
}

/// An install operation on the blocks from `start`; its data is put behind `blobs`.
fn operation(i: usize, start: usize, piece: &[u8], blobs: &mut Vec<u8>) -> Vec<u8> {
    const REPLACE: u64 = 0;
    const ZERO: u64 = 6;
    const REPLACE_XZ: u64 = 8;
    let zero = piece.iter().all(|&b| b == 0);
    let (kind, data) = match i % 2 {
        _ if zero => (ZERO, Vec::new()),
        0 => (REPLACE_XZ, xz(piece)),
        _ => (REPLACE, piece.to_vec()),
    };
    let mut extent = Vec::new();
    number(&mut extent, 1, start as u64);
    number(&mut extent, 2, (piece.len() / BLOCK) as u64);
    let mut out = Vec::new();
    number(&mut out, 1, kind);
    if !data.is_empty() {
        number(&mut out, 2, blobs.len() as u64);
        number(&mut out, 3, data.len() as u64);
        bytes(&mut out, 8, &Sha256::digest(&data));
    }
    bytes(&mut out, 6, &extent);
    blobs.extend(data);
    out
}

/// An xz stream.
#[must_use]
pub fn xz(data: &[u8]) -> Vec<u8> {
    let mut writer = XzWriter::new(Vec::new(), XzOptions::with_preset(6)).expect("memory takes every write");
    writer.write_all(data).expect("memory takes every write");
    writer.finish().expect("memory takes every write")
}

/// A field of a protocol-buffer message with a number.
fn number(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3);
    varint(out, value);
}

/// A field of a protocol-buffer message with bytes.
fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, value.len() as u64);
    out.extend(value);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}
