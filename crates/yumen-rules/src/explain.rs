//! x
/// Language of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang { /// Chinese.
 Zh, /// English.
 En }
