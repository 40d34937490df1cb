//! Intake: from the paths that the user named to the files that are scanned. Ignore files are never honoured.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;
use walkdir::WalkDir;
use yumen_model::escape_path;

use crate::source::StopFlag;

/// An input named by the user that can't be read.
#[derive(Debug, Error, Diagnostic)]
pub enum InputError {
    /// It does not exist.
    #[error("the input {path} does not exist")]
    #[diagnostic(code(yumen::input::missing), help("check the path; several paths are one shipment"))]
    Missing {
        /// As given.
        path: String,
    },
    /// The operating system does not let it be read.
    #[error("the input {path} can't be read: {cause}")]
    #[diagnostic(
        code(yumen::input::unreadable),
        help("an input named on the command line must be readable; check its permissions")
    )]
    Unreadable {
        /// As given.
        path: String,
        /// What the operating system says.
        cause: String,
    },
    /// It is neither a file nor a folder.
    #[error("the input {path} is neither a file nor a folder")]
    #[diagnostic(
        code(yumen::input::special),
        help("give files and folders; copy what a device or pipe yields into a file first")
    )]
    Special {
        /// As given.
        path: String,
    },
}

/// One thing to scan.
pub(crate) struct Entry {
    /// Path as reports give it (escaped, not masked).
    pub(crate) path: String,
    /// Path below the input it came from, for globs; the base name for a file that was named itself.
    pub(crate) relative: String,
    pub(crate) kind: EntryKind,
}

pub(crate) enum EntryKind {
    /// A regular file, with its length at intake.
    File(PathBuf, u64),
    /// A git repository: opaque until its history is read.
    Git(PathBuf),
    /// A symbolic link, and whether it leads out of the input.
    Link { outside: bool },
    /// A device, pipe or socket.
    Special,
    /// It could not be looked at.
    Unreadable,
}

/// Collects everything below the inputs, in the order of the inputs and, within each, of the names.
pub(crate) fn collect(inputs: &[PathBuf], stop: &StopFlag) -> Result<Vec<Entry>, Vec<InputError>> {
    let mut errors = Vec::new();
    let mut entries = Vec::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    for input in inputs {
        match check(input) {
            Err(e) => errors.push(e),
            Ok(real) => {
                // The same bytes are one part of the shipment however often they are named.
                if !seen.iter().any(|s| real.starts_with(s)) {
                    seen.push(real);
                    walk(input, stop, &mut entries);
                }
            }
        }
    }
    if errors.is_empty() { Ok(entries) } else { Err(errors) }
}

fn shown(path: &Path) -> String {
    escape_path(path.as_os_str().as_bytes())
}

/// Opens what the user named, so that an error is told before anything is scanned.
fn check(input: &Path) -> Result<PathBuf, InputError> {
    let path = shown(input);
    let unreadable = |e: &io::Error| InputError::Unreadable { path: path.clone(), cause: cause(e) };
    let meta = match fs::metadata(input) {
        Ok(meta) => meta,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(InputError::Missing { path }),
        Err(e) => return Err(unreadable(&e)),
    };
    if meta.is_dir() {
        fs::read_dir(input).map_err(|e| unreadable(&e))?;
    } else if meta.is_file() {
        fs::File::open(input).map_err(|e| unreadable(&e))?;
    } else {
        return Err(InputError::Special { path });
    }
    fs::canonicalize(input).map_err(|e| unreadable(&e))
}

fn cause(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        kind => kind.to_string(),
    }
}

fn walk(input: &Path, stop: &StopFlag, entries: &mut Vec<Entry>) {
    let given = shown(input);
    let given = if given.len() > 1 { given.trim_end_matches('/').to_owned() } else { given };
    let base = given.rsplit('/').next().unwrap_or(&given).to_owned();
    if input.is_file() {
        let len = fs::metadata(input).map_or(0, |m| m.len());
        entries.push(Entry { path: given, relative: base, kind: EntryKind::File(input.to_owned(), len) });
        return;
    }
    let root = fs::canonicalize(input).unwrap_or_else(|_| input.to_owned());
    let mut walker = WalkDir::new(input).follow_links(false).follow_root_links(true).sort_by_file_name().into_iter();
    while let Some(item) = walker.next() {
        if stop.is_raised() {
            // What was not walked is told by the report being incomplete.
            break;
        }
        let place = |path: &Path| {
            let relative = path.strip_prefix(input).map_or_else(|_| shown(path), shown);
            let path = match (relative.is_empty(), given.ends_with('/')) {
                (true, _) => given.clone(),
                (false, true) => format!("{given}{relative}"),
                (false, false) => format!("{given}/{relative}"),
            };
            (path, relative)
        };
        let item = match item {
            Ok(item) => item,
            Err(e) => {
                if let Some(path) = e.path() {
                    let (path, relative) = place(path);
                    entries.push(Entry { path, relative, kind: EntryKind::Unreadable });
                }
                continue;
            }
        };
        let path = item.path();
        let (name, relative) = place(path);
        let file_type = item.file_type();
        let kind = if file_type.is_dir() {
            if !is_git(path) {
                continue;
            }
            walker.skip_current_dir();
            EntryKind::Git(path.to_owned())
        } else if file_type.is_symlink() {
            let outside = fs::canonicalize(path).map_or(true, |target| !target.starts_with(&root));
            EntryKind::Link { outside }
        } else if file_type.is_file() {
            EntryKind::File(path.to_owned(), item.metadata().map_or(0, |m| m.len()))
        } else {
            EntryKind::Special
        };
        entries.push(Entry { path: name, relative, kind });
    }
}

/// A `.git` folder or a bare repository.
fn is_git(dir: &Path) -> bool {
    dir.join("HEAD").is_file() && dir.join("objects").is_dir() && dir.join("refs").is_dir()
        || dir.file_name().is_some_and(|n| n == ".git")
}

/// The files of a git repository with their lengths, in the order of their names.
pub(crate) fn git_files(dir: &Path) -> Vec<(PathBuf, u64)> {
    WalkDir::new(dir)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .filter(|e| e.file_type().is_file())
        .map(|e| (e.path().to_owned(), e.metadata().map_or(0, |m| m.len())))
        .collect()
}
