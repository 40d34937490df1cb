//! ROS 1 serialisation (<http://wiki.ros.org/ROS/Technical%20Overview>) and CDR (OMG DDS-XTypes 1.3, 7.4): fields one after another in the order of the
//! definition. CDR has an encapsulation of four bytes and aligns from behind it.

use super::{Bad, Value, Visit};
use crate::plan::{NONE, Tree};
use crate::schema::{Form, Many, Ty};

/// No more elements that take no bytes are counted.
const MAX_EMPTY: usize = 1 << 16;
/// More bytes than this behind the last field are no padding.
const PADDING: usize = 7;

struct Serial<'a> {
    b: &'a [u8],
    at: usize,
    origin: usize,
    big: bool,
    /// Numbers align to their size, at most to this; 1 in ROS 1.
    align: usize,
    /// Lengths stand before appendable types and their sequences.
    delimited: bool,
    xcdr2: bool,
}

/// Decodes a ROS 1 message.
pub(crate) fn ros1(tree: &Tree, payload: &[u8], v: &mut Visit) -> Result<(), Bad> {
    let mut s = Serial { b: payload, at: 0, origin: 0, big: false, align: 1, delimited: false, xcdr2: false };
    s.message(tree, v)?;
    if s.at == payload.len() { Ok(()) } else { Err(Bad(s.at)) }
}

/// Whether a payload of CDR is in an encoding that is not read: by parameter numbers.
pub(crate) fn is_parameter_list(payload: &[u8]) -> bool {
    matches!(payload, [0, 2 | 3 | 10 | 11, ..])
}

/// Decodes a message in CDR.
pub(crate) fn cdr(tree: &Tree, payload: &[u8], v: &mut Visit) -> Result<(), Bad> {
    let (big, xcdr2, delimited) = match payload {
        [0, 0, _, _, ..] => (true, false, false),
        [0, 1, _, _, ..] => (false, false, false),
        [0, 6, _, _, ..] => (true, true, false),
        [0, 7, _, _, ..] => (false, true, false),
        [0, 8, _, _, ..] => (true, true, true),
        [0, 9, _, _, ..] => (false, true, true),
        _ => return Err(Bad(0)),
    };
    let align = if xcdr2 { 4 } else { 8 };
    let mut s = Serial { b: payload, at: 4, origin: 4, big, align, delimited, xcdr2 };
    s.message(tree, v)?;
    let rest = payload.get(s.at..).unwrap_or(&[]);
    if rest.len() <= PADDING || rest.iter().all(|&b| b == 0) { Ok(()) } else { Err(Bad(s.at)) }
}

impl<'a> Serial<'a> {
    fn message(&mut self, tree: &Tree, v: &mut Visit) -> Result<(), Bad> {
        v.begin(tree, 0);
        self.one(tree, 0, v)?;
        v.end(tree, 0);
        Ok(())
    }

    #[inline]
    fn pad(&mut self, size: usize) {
        let to = size.min(self.align);
        if to > 1 {
            let over = (self.at - self.origin) % to;
            if over > 0 {
                self.at += to - over;
            }
        }
    }

    #[inline]
    fn take(&mut self, n: usize) -> Result<&'a [u8], Bad> {
        let end = self.at.checked_add(n).ok_or(Bad(self.at))?;
        let bytes = self.b.get(self.at..end).ok_or(Bad(self.at.min(self.b.len())))?;
        self.at = end;
        Ok(bytes)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Bad> {
        self.pad(N);
        self.take(N)?.try_into().map_err(|_| Bad(self.at))
    }

    #[inline]
    fn u32(&mut self) -> Result<u32, Bad> {
        let b = self.array::<4>()?;
        Ok(if self.big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) })
    }

    fn number(&mut self, ty: Ty) -> Result<Value, Bad> {
        macro_rules! read {
            ($t:ty, $n:literal) => {{
                let b = self.array::<$n>()?;
                if self.big { <$t>::from_be_bytes(b) } else { <$t>::from_le_bytes(b) }
            }};
        }
        Ok(match ty {
            Ty::Bool | Ty::U8 => Value::U(u64::from(read!(u8, 1))),
            Ty::I8 => Value::I(i64::from(read!(i8, 1))),
            Ty::I16 => Value::I(i64::from(read!(i16, 2))),
            Ty::U16 => Value::U(u64::from(read!(u16, 2))),
            Ty::I32 => Value::I(i64::from(read!(i32, 4))),
            Ty::U32 => Value::U(u64::from(read!(u32, 4))),
            Ty::I64 | Ty::Zigzag => Value::I(read!(i64, 8)),
            Ty::U64 => Value::U(read!(u64, 8)),
            Ty::F32 => Value::F(f64::from(read!(f32, 4))),
            Ty::F64 => Value::F(read!(f64, 8)),
            // As nanoseconds.
            Ty::Time => {
                let (s, n) = (read!(u32, 4), read!(u32, 4));
                Value::U(u64::from(s) * 1_000_000_000 + u64::from(n))
            }
            Ty::Duration => {
                let (s, n) = (read!(i32, 4), read!(i32, 4));
                Value::I(i64::from(s) * 1_000_000_000 + i64::from(n))
            }
            _ => {
                self.pad(8);
                self.take(16)?;
                Value::None
            }
        })
    }

    /// All of a node: one value or many.
    fn node(&mut self, tree: &Tree, id: u32, v: &mut Visit) -> Result<(), Bad> {
        let node = &tree.nodes[id as usize];
        if node.optional {
            // XCDR1 puts a parameter header there.
            if !self.xcdr2 {
                return Err(Bad(self.at));
            }
            if self.take(1)?[0] == 0 {
                return Ok(());
            }
        }
        let fixed = match node.many {
            Many::One => {
                return match node.ty {
                    Ty::Struct(_) => self.one(tree, id, v),
                    Ty::Text => self.text(tree, id, v),
                    Ty::Wide => self.wide(tree, id, v),
                    ty => {
                        let size = ty.size();
                        if node.slot == NONE && !node.say && ty.is_number() {
                            self.pad(size);
                            self.take(size)?;
                            return Ok(());
                        }
                        let value = self.number(ty)?;
                        v.number(tree, id, node, value);
                        Ok(())
                    }
                };
            }
            Many::Fixed(n) => Some(n),
            Many::Sequence => None,
        };
        let primitive = node.ty.size() > 0;
        let until = if self.xcdr2 && !primitive { Some(self.u32()? as usize + self.at) } else { None };
        let count = match fixed {
            Some(n) => n,
            None => self.u32()?,
        } as usize;
        if primitive {
            let size = node.ty.size();
            if count > 0 {
                self.pad(size);
            }
            let at = self.at;
            let bytes = self.take(count.checked_mul(size).ok_or(Bad(at))?)?;
            if node.ty.is_byte() {
                v.bytes(tree, id, node, bytes, at);
            } else if node.slot != NONE {
                v.array(id, node, at, bytes.len());
            }
            return Ok(());
        }
        let least = node.least as usize;
        let room = self.b.len().saturating_sub(self.at);
        if count.checked_mul(least).is_none_or(|n| n > room) || (least == 0 && count > MAX_EMPTY) {
            return Err(Bad(self.at));
        }
        // Points of lines, colours: numbers of one size that nobody asks for.
        if node.skip > 0 && !self.delimited && count > 0 {
            self.pad(usize::from(node.skip));
            self.take(count * least)?;
            return Ok(());
        }
        for _ in 0..count {
            match node.ty {
                Ty::Text => self.text(tree, id, v)?,
                Ty::Wide => self.wide(tree, id, v)?,
                _ if node.scope == NONE => self.one(tree, id, v)?,
                _ => {
                    v.begin(tree, node.scope);
                    self.one(tree, id, v)?;
                    v.end(tree, node.scope);
                }
            }
        }
        if until.is_some_and(|end| end != self.at) {
            return Err(Bad(self.at));
        }
        Ok(())
    }

    /// One structure.
    fn one(&mut self, tree: &Tree, id: u32, v: &mut Visit) -> Result<(), Bad> {
        let node = &tree.nodes[id as usize];
        let end = if self.delimited && node.form == Form::Appendable {
            let len = self.u32()? as usize;
            let end = self.at.checked_add(len).filter(|&e| e <= self.b.len()).ok_or(Bad(self.at))?;
            Some(end)
        } else {
            None
        };
        for kid in node.kids.clone() {
            // A shorter, older version of the type ends early.
            if end == Some(self.at) {
                break;
            }
            self.node(tree, kid, v)?;
        }
        if let Some(end) = end {
            if self.at > end {
                return Err(Bad(self.at));
            }
            self.at = end;
        }
        Ok(())
    }

    fn text(&mut self, tree: &Tree, id: u32, v: &mut Visit) -> Result<(), Bad> {
        let n = self.u32()? as usize;
        let at = self.at;
        let bytes = self.take(n)?;
        v.text(tree, id, &tree.nodes[id as usize], bytes, at);
        Ok(())
    }

    /// Characters of four bytes or of two, as implementations differ: four where all of them are characters.
    fn wide(&mut self, tree: &Tree, id: u32, v: &mut Visit) -> Result<(), Bad> {
        let n = self.u32()? as usize;
        let node = &tree.nodes[id as usize];
        let rest = self.b.get(self.at..).unwrap_or(&[]);
        if let Some(four) = n.checked_mul(4).and_then(|len| rest.get(..len)) {
            let code = |c: &[u8; 4]| if self.big { u32::from_be_bytes(*c) } else { u32::from_le_bytes(*c) };
            if let Some(text) =
                four.as_chunks::<4>().0.iter().map(|c| char::from_u32(code(c))).collect::<Option<String>>()
            {
                v.hear(tree, id, node, text.trim_end_matches('\0'), None);
                self.at += four.len();
                return Ok(());
            }
        }
        // In XCDR2 the length is in bytes.
        let len = if self.xcdr2 { Some(n) } else { n.checked_mul(2) };
        let two = self.take(len.ok_or(Bad(self.at))?)?;
        let units = two
            .as_chunks::<2>()
            .0
            .iter()
            .map(|c| if self.big { u16::from_be_bytes(*c) } else { u16::from_le_bytes(*c) });
        let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        v.hear(tree, id, node, text.trim_end_matches('\0'), None);
        Ok(())
    }
}
