//! ASAM MDF, versions 3 and 4: channels with their places in records, and what is decoded of them.

mod channel;
mod measure;
mod v3;
mod v4;

pub(crate) use v3::Mdf3;
pub(crate) use v4::Mdf4;
