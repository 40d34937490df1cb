//! The engine: intake, identification, recursion, limits, coverage, groups, progress.
//!
//! Inputs become tasks; a task inspects one artifact and queues its children; no task waits for a child. What is found is put into one
//! [`yumen_model::ScanOutcome`] whose content depends on the set of inputs only, never on threads.

mod finish;
mod group;
mod inspect;
mod inspector;
mod intake;
mod options;
mod progress;
mod registry;
mod run;
mod sink;
mod source;

pub use intake::InputError;
pub use options::{Enough, Limits, ScanOptions};
pub use progress::{Progress, Quiet};
pub use registry::Registry;
pub use source::StopFlag;

use std::path::PathBuf;

use yumen_model::{Detector, ScanOutcome};

/// Scans inputs as one shipment.
///
/// # Errors
/// An input named by the user can't be read; nothing was scanned then.
pub fn scan(
    inputs: &[PathBuf],
    registry: &Registry,
    detectors: &[Box<dyn Detector>],
    options: &ScanOptions,
    stop: &StopFlag,
    progress: &dyn Progress,
) -> Result<ScanOutcome, Vec<InputError>> {
    let entries = intake::collect(inputs, stop)?;
    let run = run::Run::new(registry, detectors, options, stop, progress);
    Ok(run.execute(entries))
}
