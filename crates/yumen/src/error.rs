//! What ends a command without a decision: told as diagnostics, all at once.

use miette::{Diagnostic, Report};
use thiserror::Error;
use yumen_scan::InputError;

/// Why nothing was decided.
#[derive(Debug, Error, Diagnostic)]
pub(crate) enum Failure {
    /// Inputs that can't be read.
    #[error("inputs can't be read")]
    Inputs(Vec<InputError>),
    /// Errors of a rulebook, an overlay or a manifest; each is a diagnostic of its own.
    #[error("a file given on the command line has errors")]
    Reports(Vec<Report>),
    /// A glob that can't be parsed.
    #[error("`{glob}` is not a glob: {cause}")]
    #[diagnostic(
        code(yumen::usage::glob),
        help("`*` and `?` match within a name, `**` matches folders, `[a-z]` a set")
    )]
    Glob {
        /// As given.
        glob: String,
        /// What is wrong.
        cause: String,
    },
    /// What was asked for is not built.
    #[error("{what} is not built yet")]
    #[diagnostic(code(yumen::usage::not_built), help("{help}"))]
    NotBuilt {
        /// The option.
        what: String,
        /// What to do instead.
        help: String,
    },
    /// Something to explain or show that nobody knows.
    #[error("nothing is known by the name `{name}`")]
    #[diagnostic(code(yumen::usage::unknown_name), help("{help}"))]
    Unknown {
        /// As given.
        name: String,
        /// Where to look.
        help: String,
    },
    /// A file that could not be read.
    #[error("{path} can't be read: {cause}")]
    #[diagnostic(code(yumen::input::unreadable))]
    Read {
        /// As given.
        path: String,
        /// What is wrong.
        cause: String,
    },
    /// Fences of the configuration that can't be used.
    #[error("the fences of {path} can't be used: {cause}")]
    #[diagnostic(
        code(yumen::config::fences),
        help(
            "a fence file is GeoJSON: polygons, or points and lines with `buffer-m` in yumen.yaml or `buffer_m` of their own; longitude comes first"
        )
    )]
    Fences {
        /// The file.
        path: String,
        /// What is wrong; quotes nothing of it.
        cause: String,
    },
    /// Output that could not be written.
    #[error("{what} can't be written: {cause}")]
    #[diagnostic(code(yumen::output::write), help("the verdict was not delivered; nothing is decided"))]
    Write {
        /// The file.
        what: String,
        /// What the operating system says.
        cause: String,
    },
    /// A difference of other than two packages.
    #[error("--delta compares two packages, {given} given")]
    #[diagnostic(
        code(yumen::usage::delta),
        help("name the cleared package, then the new one: yumen scan old.zip new.zip --delta")
    )]
    Delta {
        /// How many paths were given.
        given: usize,
    },
    /// Two reports for one standard output.
    #[error("only one format can go to standard output")]
    #[diagnostic(code(yumen::usage::outputs), help("give the others a file: --format json=report.json"))]
    Outputs,
}

impl Failure {
    /// Tells it on stderr.
    pub(crate) fn print(self) {
        match self {
            Failure::Inputs(errors) => errors.into_iter().for_each(|e| print(&Report::new(e))),
            Failure::Reports(reports) => reports.iter().for_each(print),
            other => print(&Report::new(other)),
        }
    }
}

fn print(report: &Report) {
    crate::output::stderr_line(format!("{report:?}").trim_end());
}
