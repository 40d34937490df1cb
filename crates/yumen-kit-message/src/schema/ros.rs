//! ROS 1 and ROS 2 message definitions as text: <http://wiki.ros.org/msg>, <https://docs.ros.org/en/rolling/Concepts/Basic/About-Interfaces.html>. The
//! definitions that a type needs follow it, each after a line of `=` and one `MSG: package/Type`.

use std::collections::HashMap;

use super::{Builder, Dialect, Field, Form, Many, SchemaError, Ty, Types, builtin, ros_name};

/// Reads a definition with those it needs.
pub(super) fn parse(dialect: Dialect, type_name: &str, text: &str) -> Result<Types, SchemaError> {
    let root = ros_name(type_name);
    let mut sections: HashMap<String, String> = HashMap::new();
    let mut name = root.clone();
    let mut body = String::new();
    let mut after_bar = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.len() >= 10 && trimmed.bytes().all(|b| b == b'=') {
            after_bar = true;
            continue;
        }
        if let Some(next) = trimmed.strip_prefix("MSG:") {
            // Some recorders begin with the type's own name.
            if after_bar || body.trim().is_empty() {
                let done = std::mem::replace(&mut name, ros_name(next));
                if !body.trim().is_empty() || after_bar {
                    sections.entry(done).or_insert_with(|| std::mem::take(&mut body));
                }
                body.clear();
            }
        } else if after_bar && trimmed.is_empty() {
            continue;
        } else {
            body.push_str(line);
            body.push('\n');
        }
        after_bar = false;
    }
    sections.entry(name).or_insert(body);
    resolve(dialect, &root, &sections)
}

/// Puts together a type from definitions by name; what is missing is looked up among the well-known ones.
pub(super) fn resolve(dialect: Dialect, root: &str, sections: &HashMap<String, String>) -> Result<Types, SchemaError> {
    let mut b = Builder::default();
    let mut open = vec![root.to_owned()];
    b.types.root = b.number(root)?;
    let mut done = 0;
    while let Some(name) = open.get(done).cloned() {
        done += 1;
        let known;
        let body = match sections.get(&name) {
            Some(body) => body.as_str(),
            None => {
                known = builtin::text(dialect, &name).ok_or(SchemaError::Broken)?;
                &known
            }
        };
        let package = name.split('/').next().unwrap_or("");
        let mut fields = Vec::new();
        for line in body.lines() {
            let Some((ty, many, field)) = declaration(line)? else { continue };
            let ty = match primitive(dialect, ty) {
                Some(ty) => ty,
                None => {
                    let full = full_name(dialect, ty, package, sections);
                    let before = b.types.structs.len();
                    let n = b.number(&full)?;
                    if b.types.structs.len() > before {
                        open.push(full);
                    }
                    Ty::Struct(n)
                }
            };
            fields.push(Field::new(field, ty, many));
        }
        if fields.is_empty() && dialect == Dialect::Ros2 {
            // DDS knows no empty structure: a byte stands in for it.
            fields.push(Field::new("structure_needs_at_least_one_member", Ty::U8, Many::One));
        }
        b.define(&name, fields, Form::Plain)?;
    }
    Ok(b.types)
}

fn full_name(dialect: Dialect, ty: &str, package: &str, sections: &HashMap<String, String>) -> String {
    let name = ros_name(ty);
    if name.contains('/') {
        return name;
    }
    let own = format!("{package}/{name}");
    if sections.contains_key(&own) {
        return own;
    }
    match (dialect, name.as_str()) {
        (_, "Header") => "std_msgs/Header".to_owned(),
        (Dialect::Ros2, "Time" | "Duration") => format!("builtin_interfaces/{name}"),
        _ => own,
    }
}

/// One line: type, how many, name. None for blank lines, comments and constants.
fn declaration(line: &str) -> Result<Option<(&str, Many, &str)>, SchemaError> {
    let line = line.split('#').next().unwrap_or("").trim();
    if line.is_empty() {
        return Ok(None);
    }
    // `string<=10 name`, `int32[<=5] name 7`, `string FOO=bar`, `@optional int32 x`
    let (ty, rest) = match line.split_once(char::is_whitespace) {
        Some(("@optional" | "@verbatim" | "@key", rest)) => {
            rest.trim_start().split_once(char::is_whitespace).ok_or(SchemaError::Broken)?
        }
        Some(parts) => parts,
        None => return Err(SchemaError::Broken),
    };
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    if name.is_empty() {
        return Err(SchemaError::Broken);
    }
    if after.trim_start().starts_with('=') {
        return Ok(None);
    }
    let (base, many) = match ty.split_once('[') {
        None => (ty, Many::One),
        Some((base, dims)) => {
            let dims = dims.strip_suffix(']').ok_or(SchemaError::Broken)?;
            let many = match dims {
                "" => Many::Sequence,
                d if d.starts_with("<=") => Many::Sequence,
                d => Many::Fixed(d.trim().parse().map_err(|_| SchemaError::Broken)?),
            };
            (base, many)
        }
    };
    let base = base.split("<=").next().unwrap_or(base);
    Ok(Some((base, many, name)))
}

fn primitive(dialect: Dialect, ty: &str) -> Option<Ty> {
    Some(match ty {
        "bool" | "boolean" => Ty::Bool,
        "byte" if dialect == Dialect::Ros1 => Ty::I8,
        "int8" => Ty::I8,
        "uint8" | "char" | "byte" | "octet" => Ty::U8,
        "int16" => Ty::I16,
        "uint16" => Ty::U16,
        "int32" => Ty::I32,
        "uint32" => Ty::U32,
        "int64" => Ty::I64,
        "uint64" => Ty::U64,
        "float32" | "float" => Ty::F32,
        "float64" | "double" => Ty::F64,
        "float128" => Ty::F128,
        "string" => Ty::Text,
        "wstring" => Ty::Wide,
        "time" if dialect == Dialect::Ros1 => Ty::Time,
        "duration" if dialect == Dialect::Ros1 => Ty::Duration,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_line_is_read() {
        let read = |line| declaration(line).unwrap();
        assert_eq!(read("float64 x # east"), Some(("float64", Many::One, "x")));
        assert_eq!(read("  string<=10[<=5]  names  [\"a\"]"), Some(("string", Many::Sequence, "names")));
        assert_eq!(read("uint8[17] vin"), Some(("uint8", Many::Fixed(17), "vin")));
        assert_eq!(read("int32 n 7"), Some(("int32", Many::One, "n")));
        for none in ["", "# text", "uint8 A=1", "string S = a # b", "int32 X =  -5"] {
            assert_eq!(read(none), None);
        }
        assert!(declaration("float64").is_err());
        assert!(declaration("float64[x] y").is_err());
    }

    #[test]
    fn types_are_found_in_their_package_and_among_the_known() {
        let text = "Header header\nInner[] list\n===================\nMSG: my_pkg/Inner\nstring vin\n";
        let types = parse(Dialect::Ros1, "my_pkg/Outer", text).unwrap();
        let names: Vec<_> = types.structs.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["my_pkg/Outer", "std_msgs/Header", "my_pkg/Inner"]);
        assert_eq!(parse(Dialect::Ros1, "a/B", "Gone x\n").unwrap_err(), SchemaError::Broken);
    }
}
