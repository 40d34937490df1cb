//! Schemas of every kind, brought to one form.

mod builtin;
mod flat;
mod idl;
mod proto;
mod ros;

use std::collections::HashMap;

pub(crate) use builtin::builtin;

/// No schema has more types or fields than this.
const MAX_TYPES: usize = 20_000;
const MAX_FIELDS: usize = 200_000;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ty {
    Bool,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
    /// 16 bytes that are not read.
    F128,
    /// An integer in zigzag encoding (protobuf).
    Zigzag,
    Text,
    /// UTF-16 or UTF-32 text (CDR).
    Wide,
    /// Bytes as one value (protobuf, JSON).
    Bytes,
    /// Seconds and nanoseconds, both unsigned (ROS 1).
    Time,
    /// Seconds and nanoseconds, both signed (ROS 1).
    Duration,
    /// Another type, by its index.
    Struct(u32),
}

impl Ty {
    /// Bytes of one number as it stands in memory; 0 for all else.
    pub(crate) fn size(self) -> usize {
        match self {
            Ty::Bool | Ty::I8 | Ty::U8 => 1,
            Ty::I16 | Ty::U16 => 2,
            Ty::I32 | Ty::U32 | Ty::F32 => 4,
            Ty::I64 | Ty::U64 | Ty::F64 | Ty::Time | Ty::Duration => 8,
            Ty::F128 => 16,
            _ => 0,
        }
    }

    pub(crate) fn is_byte(self) -> bool {
        matches!(self, Ty::I8 | Ty::U8)
    }

    pub(crate) fn is_number(self) -> bool {
        self.size() > 0 && !matches!(self, Ty::Time | Ty::Duration | Ty::F128) || self == Ty::Zigzag
    }
}

/// How many of it there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Many {
    One,
    Fixed(u32),
    Sequence,
}

/// One field of a type.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) ty: Ty,
    pub(crate) many: Many,
    /// Its number (protobuf), or its place in the table or struct (FlatBuffers).
    pub(crate) number: u32,
    /// May be left out, with a flag before it (XCDR2).
    pub(crate) optional: bool,
}

impl Field {
    fn new(name: &str, ty: Ty, many: Many) -> Self {
        Field { name: name.to_owned(), ty, many, number: 0, optional: false }
    }
}

/// How a type stands on the wire where that is not the same for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// Its fields one after another (XCDR: final; FlatBuffers: a table).
    #[default]
    Plain,
    /// With its length before it in XCDR2.
    Appendable,
    /// With parameter numbers; not read.
    Mutable,
    /// A FlatBuffers struct: fixed places, so many bytes.
    Inline(u32),
}

/// One type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Struct {
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) form: Form,
}

/// The types of one schema; the root is the type of the messages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Types {
    pub(crate) structs: Vec<Struct>,
    pub(crate) root: u32,
}

/// Why a schema is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SchemaError {
    /// It is broken, or a type it needs is not in it.
    Broken,
    /// Its language is not read.
    Unsupported,
}

/// Which definitions a text of types is read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Ros1,
    Ros2,
}

/// Reads a schema.
pub(crate) fn parse(encoding: &str, type_name: &str, schema: &[u8]) -> Result<Types, SchemaError> {
    let text = || std::str::from_utf8(schema).map_or_else(|_| String::from_utf8_lossy(schema), Into::into);
    match encoding {
        "ros1msg" | "ros1" => ros::parse(Dialect::Ros1, type_name, &text()),
        // What begins as an interface definition is one, whatever it is called.
        "ros2msg" | "ros2" if !idl::looks_so(&text()) => ros::parse(Dialect::Ros2, type_name, &text()),
        "ros2msg" | "ros2" | "ros2idl" | "omgidl" | "idl" => idl::parse(type_name, &text()),
        "protobuf" | "proto" => proto::parse_set(type_name, schema),
        "apollo" => proto::parse_apollo(type_name, schema),
        "flatbuffer" | "flatbuffers" => flat::parse(type_name, schema),
        _ => Err(SchemaError::Unsupported),
    }
}

/// A ROS type's name as `package/Type`, whatever form it came in (`package/msg/Type`, `package::msg::dds_::Type_`).
pub(crate) fn ros_name(name: &str) -> String {
    let name = name.trim();
    let dds = name.contains("dds_");
    let parts: Vec<&str> = name
        .split(['/', ':'])
        .filter(|p| !p.is_empty() && !matches!(*p, "msg" | "srv" | "action" | "dds_"))
        .map(|p| if dds { p.strip_suffix('_').unwrap_or(p) } else { p })
        .collect();
    parts.join("/")
}

/// Types by name while a schema is put together.
#[derive(Debug, Default)]
struct Builder {
    types: Types,
    index: HashMap<String, u32>,
    fields: usize,
}

impl Builder {
    /// The number of a type, of which nothing may be known yet.
    fn number(&mut self, name: &str) -> Result<u32, SchemaError> {
        if let Some(&n) = self.index.get(name) {
            return Ok(n);
        }
        let n = u32::try_from(self.types.structs.len()).unwrap_or(u32::MAX);
        if self.types.structs.len() >= MAX_TYPES {
            return Err(SchemaError::Broken);
        }
        self.types.structs.push(Struct { name: name.to_owned(), ..Struct::default() });
        self.index.insert(name.to_owned(), n);
        Ok(n)
    }

    fn define(&mut self, name: &str, fields: Vec<Field>, form: Form) -> Result<u32, SchemaError> {
        self.fields += fields.len();
        if self.fields > MAX_FIELDS {
            return Err(SchemaError::Broken);
        }
        let n = self.number(name)?;
        if let Some(s) = self.types.structs.get_mut(n as usize) {
            s.fields = fields;
            s.form = form;
        }
        Ok(n)
    }
}
