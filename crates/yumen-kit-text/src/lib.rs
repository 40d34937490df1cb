//! Text for plugins and detectors.
//!
//! - [`detect`]: is this text, and in which encoding?
//! - [`Decoder`]: bytes to text in chunks, with exact positions and stretches of binary data told apart.
//! - [`position`]: from an offset in decoded text back to the byte in the artifact.
//! - [`Window`]: a sliding view of decoded text for lexers, which knows byte, line and column of its start.
//! - [`RecordWriter`] and [`Nested`]: records as evidence, flat and nested.
//! - [`Reader`]: a window and nested records in one, for readers of structured text; [`json`]: JSON as records.
//! - [`Dialect`]: how a table of delimited values is written.
//!
//! Everything streams: memory is bounded whatever the size of the artifact or of a line in it.

mod charset;
mod classify;
mod decode;
mod detect;
mod dialect;
mod evidence;
mod fields;
mod gb18030;
pub mod json;
mod legacy;
pub mod libconfig;
mod nested;
mod position;
mod reader;
mod records;
#[doc(hidden)]
pub mod testing;
mod window;

pub use charset::Charset;
pub use classify::Stretch;
pub use decode::{CHUNK, Chunk, Decoder};
pub use detect::{Detection, Sample, detect, detect_probe};
pub use dialect::Dialect;
pub use evidence::{TextStream, send_text};
pub use fields::{is_plain_name, tells_more_than_a_name};
pub use nested::Nested;
pub use position::position;
pub use reader::{Escapes, Open, Reader, To, backslash};
pub use records::{MAX_CELL, RecordWriter, Spot};
pub use window::Window;
