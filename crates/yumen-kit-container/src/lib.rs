//! Tools for readers of containers and images.
//!
//! - [`FormatReader`] and [`Family`]: a plugin is a list of readers, one module a format.
//! - [`Container`]: members, gaps, padding, free space, comments, inventory and notes of the artifact that is opened.
//! - [`Cover`]: which bytes of an image were used, and the gaps between them.
//! - [`Window`], [`window::sweep`], [`window::num`]: structures out of a blob in constant memory.
//! - [`lzo`]: LZO1X, bounded.
//! - `testing` (feature): a recorder that stands in for the engine and counts every byte.

mod container;
mod cover;
mod family;
pub mod lzo;
#[cfg(feature = "testing")]
pub mod testing;
pub mod window;

pub use container::{Container, Place};
pub use cover::Cover;
pub use family::{Family, FormatReader};
pub use window::Window;
