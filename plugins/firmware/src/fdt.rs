//! The flattened device tree: header, structure block, strings. Device trees and FIT images are both written in it.
//!
//! Source: Devicetree Specification 0.4, chapter 5.

use std::ops::Range;

use yumen_kit_container::Window;
use yumen_kit_container::window::num::be32;
use yumen_model::{Blob, InspectError};

const MAGIC: [u8; 4] = [0xd0, 0x0d, 0xfe, 0xed];
/// Longest strings block that is held in memory.
const MAX_STRINGS: u64 = 4 << 20;
/// Longest name of a node.
const MAX_NAME: usize = 1024;
/// Nodes within nodes.
pub(crate) const MAX_DEPTH: usize = 64;

/// Where the blocks of a tree stand in the artifact.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// The whole, by its stated size.
    pub(crate) range: Range<u64>,
    pub(crate) reserved: Range<u64>,
    pub(crate) structure: Range<u64>,
    pub(crate) strings: Range<u64>,
    /// Bytes of the header.
    pub(crate) header: u64,
}

impl Tree {
    /// The tree whose header stands at `at`; the fields must agree with each other. A tree that reaches past the end is one that is cut short.
    pub(crate) fn at(window: &mut Window<'_>, at: u64) -> Result<Option<Self>, InspectError> {
        let b = window.get(at, 40)?;
        Ok(Tree::parse(b, at))
    }

    /// As [`Tree::at`], from the bytes of the header.
    pub(crate) fn parse(b: &[u8], at: u64) -> Option<Self> {
        if b.len() < 28 || b[..4] != MAGIC {
            return None;
        }
        let n = |i: usize| u64::from(be32(b, i));
        let (total, structure, strings, reserved, version, compatible) = (n(4), n(8), n(12), n(16), n(20), n(24));
        let header = match version {
            0 => return None,
            1 => 28,
            2 => 32,
            3..=16 => 36,
            17..=32 => 40,
            _ => return None,
        };
        if (b.len() as u64) < header || compatible > version || structure % 4 != 0 {
            return None;
        }
        if structure < header.min(28)
            || strings < header.min(28)
            || structure > total
            || strings > total
            || reserved > total
        {
            return None;
        }
        let strings_len = if version >= 3 { n(32) } else { total - strings };
        let structure_len = if version >= 17 {
            n(36)
        } else if strings > structure {
            strings - structure
        } else {
            total - structure
        };
        if strings + strings_len > total || structure + structure_len > total || structure_len < 8 {
            return None;
        }
        let r = |start: u64, len: u64| at + start..at + start + len;
        Some(Tree {
            range: at..at + total,
            reserved: r(reserved, 0),
            structure: r(structure, structure_len),
            strings: r(strings, strings_len),
            header,
        })
    }
}

/// A token of the structure block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A node begins; its name and where that stands.
    Begin(Vec<u8>, u64),
    /// A property: its name and where its value stands.
    Property(Vec<u8>, Range<u64>),
    /// The node ends.
    End,
}

/// Goes through a structure block.
pub(crate) struct Walk<'a> {
    window: Window<'a>,
    tree: Tree,
    strings: Vec<u8>,
    at: u64,
    depth: usize,
    len: u64,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(blob: &'a Blob, tree: &Tree) -> Result<Self, InspectError> {
        let len = blob.len();
        let range = tree.strings.start.min(len)..tree.strings.end.min(len).min(tree.strings.start + MAX_STRINGS);
        let strings = if range.start < range.end {
            blob.bytes(range.clone()).map_err(|e| InspectError::read(range.start, &e))?
        } else {
            Vec::new()
        };
        Ok(Walk { window: Window::new(blob), tree: tree.clone(), strings, at: tree.structure.start, depth: 0, len })
    }

    /// Where the walk stands.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// The next token; none at the end of the tree.
    pub(crate) fn next(&mut self) -> Result<Option<Token>, InspectError> {
        loop {
            let end = self.tree.structure.end.min(self.len);
            if self.at + 4 > end {
                return Err(InspectError::corrupt(self.at, "the device tree ends without its end token"));
            }
            let at = self.at;
            let token = be32(self.window.get(at, 4)?, 0);
            self.at += 4;
            match token {
                1 => {
                    let name = self.window.get(self.at, MAX_NAME)?;
                    let Some(n) = memchr::memchr(0, name) else {
                        return Err(InspectError::corrupt(at, "a node's name has no end"));
                    };
                    let name = name[..n].to_vec();
                    let place = self.at;
                    self.at += (n as u64 + 1).next_multiple_of(4);
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Err(InspectError::corrupt(at, "nodes are nested too deep"));
                    }
                    return Ok(Some(Token::Begin(name, place)));
                }
                2 => {
                    let Some(depth) = self.depth.checked_sub(1) else {
                        return Err(InspectError::corrupt(at, "a node ends that never began"));
                    };
                    self.depth = depth;
                    return Ok(Some(Token::End));
                }
                3 => {
                    let head = self.window.get(self.at, 8)?;
                    let (len, name) = (u64::from(be32(head, 0)), be32(head, 4) as usize);
                    let value = self.at + 8..self.at + 8 + len;
                    if head.len() < 8 || value.end > self.tree.structure.end {
                        return Err(InspectError::corrupt(at, "a property is longer than its tree"));
                    }
                    self.at = (value.end - self.tree.structure.start).next_multiple_of(4) + self.tree.structure.start;
                    let rest = self.strings.get(name..).unwrap_or(&[]);
                    let name = rest[..memchr::memchr(0, rest).unwrap_or(0).min(MAX_NAME)].to_vec();
                    return Ok(Some(Token::Property(name, value)));
                }
                4 => {}
                9 => return Ok(None),
                _ => return Err(InspectError::corrupt(at, "an unknown token in the device tree")),
            }
        }
    }
}

/// The value of a property as texts, if it is one or a list of them (each ended by a zero byte, nothing unprintable).
pub(crate) fn texts(value: &[u8]) -> Option<Vec<String>> {
    let (&0, body) = value.split_last()? else { return None };
    if body.is_empty() {
        return None;
    }
    let texts: Option<Vec<String>> = body
        .split(|&b| b == 0)
        .map(|t| {
            String::from_utf8(t.to_vec())
                .ok()
                .filter(|t| !t.is_empty() && !t.chars().any(|c| c.is_control() && !c.is_whitespace()))
        })
        .collect();
    texts
}
