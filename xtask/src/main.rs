//! Developer tasks. `cargo xtask help` lists them.

mod accuracy;
mod code_accuracy;
mod fixtures;
mod scan_repo;
mod schemas;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};

/// Developer tasks of Yumen.
#[derive(Debug, Parser)]
#[command(name = "xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Scan a repository's working tree; takes the options of `yumen scan`.
    ScanRepo {
        /// The repository.
        path: PathBuf,
        /// Options of `yumen scan`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
    /// Write the JSON Schemas to `schemas/`, or check that they are fresh.
    Schemas {
        /// Only check.
        #[arg(long)]
        check: bool,
    },
    /// Write the generated example shipments under `tests/shipments`, or check that they are fresh.
    Fixtures {
        /// Only check.
        #[arg(long)]
        check: bool,
        /// Also make the images under `tests/fixtures` anew, with the field's own tools from Debian packages (as root, which installs them): all
        /// recipes of `xtask/fixtures`, or those named.
        #[arg(long, value_name = "RECIPE", num_args = 0.., conflicts_with = "check")]
        tools: Option<Vec<String>>,
    },
    /// Precision and recall of the text detectors on a labelled file (JSON lines with `text` and `spans`).
    Accuracy {
        /// The labelled file; a generated one when absent.
        file: Option<PathBuf>,
        /// Of the code detector instead, over folders with `labels.tsv` (or folders in which nothing is to be found).
        #[arg(long, value_name = "DIR", num_args = 1.., conflicts_with = "file")]
        code: Vec<PathBuf>,
    },
    /// What the continuous integration runs.
    Ci,
}

fn main() -> ExitCode {
    match Cli::parse().task {
        Task::ScanRepo { path, options } => scan_repo::run(&path, options),
        Task::Schemas { check } => exit(schemas::run(&root(), check)),
        Task::Fixtures { check, tools } => exit(fixtures::run(&root(), check, tools.as_deref())),
        Task::Accuracy { file, code } if code.is_empty() => exit(accuracy::run(file.as_deref())),
        Task::Accuracy { code, .. } => exit(code_accuracy::run(&code)),
        Task::Ci => {
            let status = Command::new("bash").arg(root().join(".ci/run")).status();
            ExitCode::from(u8::from(!status.is_ok_and(|s| s.success())))
        }
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

#[allow(clippy::print_stderr)]
fn exit(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
    }
}

/// Writes a generated file, or checks that it is fresh.
fn generated(path: &Path, content: &[u8], check: bool) -> Result<(), String> {
    if check {
        return match std::fs::read(path) {
            Ok(there) if there == content => Ok(()),
            _ => Err(format!("{} is not fresh: run the task without --check and commit the result", path.display())),
        };
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    std::fs::write(path, content).map_err(|e| format!("{}: {e}", path.display()))
}
