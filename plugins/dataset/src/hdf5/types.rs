//! Datatypes and dataspaces.

use super::file::Cursor;
use crate::arrays::Kind;

const DEPTH: usize = 12;
const MOST_MEMBERS: usize = 4096;

/// A datatype as far as it is used.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Type {
    pub size: usize,
    pub class: Class,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Class {
    Number {
        kind: Kind,
        big: bool,
    },
    Text,
    /// Text of variable length.
    VarText,
    /// A sequence of variable length.
    Sequence(Box<Type>),
    Compound(Vec<Member>),
    Array {
        base: Box<Type>,
        count: usize,
    },
    /// References, opaque bytes, bit fields, times.
    Other(&'static str),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    pub name: String,
    pub offset: usize,
    pub of: Type,
}

fn name<'b>(c: &mut Cursor<'b>, padded: bool) -> Option<String> {
    let rest: &'b [u8] = c.rest();
    let n = rest.iter().position(|&b| b == 0)?;
    let text = String::from_utf8_lossy(&rest[..n]).into_owned();
    c.take(if padded { (n + 1).next_multiple_of(8) } else { n + 1 })?;
    Some(text)
}

impl Type {
    pub(super) fn parse(c: &mut Cursor<'_>, depth: usize) -> Option<Type> {
        if depth > DEPTH {
            return None;
        }
        let head = c.take(4)?;
        let (class, version) = (head[0] & 0x0F, head[0] >> 4);
        let bits = u32::from_le_bytes([head[1], head[2], head[3], 0]);
        let size = usize::try_from(c.u32()?).ok()?;
        let class = match class {
            0 => {
                c.take(4)?;
                let kind = if bits & 8 != 0 { Kind::Signed } else { Kind::Unsigned };
                Class::Number { kind, big: bits & 1 != 0 }
            }
            1 => {
                c.take(12)?;
                if matches!(size, 2 | 4 | 8) {
                    Class::Number { kind: Kind::Float, big: bits & 1 != 0 }
                } else {
                    Class::Other("float")
                }
            }
            2 => {
                c.take(2)?;
                Class::Other("time")
            }
            3 => Class::Text,
            4 => {
                c.take(4)?;
                Class::Other("bits")
            }
            5 => {
                c.take((bits & 0xFF) as usize)?;
                Class::Other("opaque")
            }
            6 => {
                let count = (bits & 0xFFFF) as usize;
                let mut members = Vec::new();
                for _ in 0..count.min(MOST_MEMBERS) {
                    let name = name(c, version < 3)?;
                    let offset = match version {
                        3.. => c.uint(offset_bytes(size))? as usize,
                        _ => c.u32()? as usize,
                    };
                    let mut count = 1usize;
                    if version == 1 {
                        let rank = usize::from(c.u8()?).min(4);
                        c.take(3 + 4 + 4)?;
                        let dims = [c.u32()?, c.u32()?, c.u32()?, c.u32()?];
                        count = dims[..rank].iter().try_fold(1usize, |a, &b| a.checked_mul(b as usize))?;
                    }
                    let mut of = Type::parse(c, depth + 1)?;
                    if count > 1 {
                        of = Type {
                            size: of.size.checked_mul(count)?,
                            class: Class::Array { base: Box::new(of), count },
                        };
                    }
                    members.push(Member { name, offset, of });
                }
                Class::Compound(members)
            }
            7 => Class::Other("reference"),
            8 => {
                let base = Type::parse(c, depth + 1)?;
                for _ in 0..(bits & 0xFFFF).min(65_535) {
                    name(c, version < 3)?;
                }
                c.take(((bits & 0xFFFF) as usize).checked_mul(base.size)?)?;
                base.class
            }
            9 => {
                let base = Type::parse(c, depth + 1)?;
                if bits & 0x0F == 1 { Class::VarText } else { Class::Sequence(Box::new(base)) }
            }
            10 => {
                let rank = usize::from(c.u8()?);
                if version < 3 {
                    c.take(3)?;
                }
                let mut count = 1usize;
                for _ in 0..rank {
                    count = count.checked_mul(c.u32()? as usize)?;
                }
                if version < 3 {
                    c.take(4 * rank)?;
                }
                Class::Array { base: Box::new(Type::parse(c, depth + 1)?), count }
            }
            _ => return None,
        };
        Some(Type { size, class })
    }

    pub(super) fn kind(&self) -> Kind {
        match &self.class {
            Class::Number { kind, .. } => *kind,
            _ => Kind::Other,
        }
    }

    /// Short name, as NumPy has it.
    pub(super) fn label(&self) -> String {
        let bits = self.size * 8;
        match &self.class {
            Class::Number { kind: Kind::Float, .. } => format!("float{bits}"),
            Class::Number { kind: Kind::Signed, .. } => format!("int{bits}"),
            Class::Number { .. } => format!("uint{bits}"),
            Class::Text | Class::VarText => "text".into(),
            Class::Sequence(base) => format!("sequence of {}", base.label()),
            Class::Compound(_) => "record".into(),
            Class::Array { base, .. } => format!("array of {}", base.label()),
            Class::Other(name) => (*name).into(),
        }
    }

    /// Whether there is text or a reference to the heap in it.
    pub(super) fn tells_text(&self) -> bool {
        match &self.class {
            Class::Text | Class::VarText => true,
            Class::Compound(members) => members.iter().any(|m| m.of.tells_text()),
            Class::Array { base, .. } => base.tells_text(),
            _ => false,
        }
    }
}

fn offset_bytes(size: usize) -> usize {
    match size {
        0..=0xFF => 1,
        0x100..=0xFFFF => 2,
        0x1_0000..=0xFF_FFFF => 3,
        _ => 4,
    }
}

/// The shape of a dataspace; none of a null one.
pub(super) fn shape(message: &[u8], length_size: usize) -> Option<Vec<u64>> {
    let mut c = Cursor::new(message);
    let version = c.u8()?;
    let rank = usize::from(c.u8()?);
    let _flags = c.u8()?;
    let kind = c.u8()?;
    if version == 1 {
        c.take(4)?;
    } else if kind == 2 {
        return None;
    }
    (rank <= 32).then_some(())?;
    (0..rank).map(|_| c.uint(length_size)).collect()
}
