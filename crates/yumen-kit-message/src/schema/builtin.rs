//! Definitions of well-known ROS 2 types, for recordings that carry none.

use super::{Dialect, SchemaError, Types, ros, ros_name};

/// One type a line: `package/Type:type name,type name`.
const TYPES: &str = include_str!("builtin.txt");

fn line(name: &str) -> Option<&'static str> {
    TYPES.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'))
}

/// The definition of a type as text. ROS 1 and ROS 2 differ in those of the header and of times; ROS 1 recordings always carry theirs.
pub(super) fn text(dialect: Dialect, name: &str) -> Option<String> {
    if dialect == Dialect::Ros1 && name == "std_msgs/Header" {
        return Some("uint32 seq\ntime stamp\nstring frame_id".to_owned());
    }
    line(name).map(|l| l.replace(',', "\n"))
}

/// A well-known type.
pub(crate) fn builtin(type_name: &str) -> Result<Types, SchemaError> {
    let name = ros_name(type_name);
    line(&name).ok_or(SchemaError::Unsupported)?;
    ros::resolve(Dialect::Ros2, &name, &std::collections::HashMap::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_can_be_put_together() {
        for l in TYPES.lines() {
            let name = l.split(':').next().unwrap();
            let types = builtin(name).unwrap_or_else(|e| panic!("{name}: {e:?}"));
            assert!(types.structs.iter().all(|s| !s.fields.is_empty()));
        }
        assert!(builtin("no/Such").is_err());
        assert_eq!(builtin("sensor_msgs/msg/NavSatFix").unwrap().structs[0].fields.len(), 7);
    }
}
