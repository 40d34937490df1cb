//! The command `yumen`.

use std::process::ExitCode;

fn main() -> ExitCode {
    yumen::run(std::env::args_os())
}
