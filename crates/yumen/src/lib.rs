//! The command: arguments in, exit code out. It wires intake, plugins, detectors, rulebook, route and report together and holds no logic of its own.

mod args;
mod error;
mod explain;
mod fences;
mod formats;
mod output;
mod progress;
mod rules;
mod scan;
mod wiring;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::error::Failure;

pub use crate::wiring::{detectors, registry};

/// It may go.
pub const PASS: u8 = 0;
/// It may not go, or not yet.
pub const HOLD: u8 = 1;
/// Nothing was decided.
pub const ERROR: u8 = 2;

/// Runs the command with its arguments, the name of the program first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    quiet_panics();
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version go to stdout with 0, usage errors to stderr with 2.
            let code = if e.use_stderr() { ERROR } else { PASS };
            let _ = e.print();
            return ExitCode::from(code);
        }
    };
    let result = match cli.command {
        Command::Scan(args) => scan::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::Formats(args) => formats::run(&args),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            failure.print();
            ExitCode::from(ERROR)
        }
    }
}

/// A panic's text may quote what was being parsed: only its place is told.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        if let Some(at) = info.location() {
            output::stderr_line(&format!(
                "yumen: a parser crashed at {}:{}; the artifact counts as not inspected",
                at.file(),
                at.line()
            ));
        }
    }));
}

type CommandResult = Result<u8, Failure>;
