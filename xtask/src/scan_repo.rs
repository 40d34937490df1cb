//! The same scan, for a repository's working tree.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use git2::{Repository, RepositoryOpenFlags, Status, StatusOptions};

/// Scans the working tree that `path` is the root of. Submodules and untracked files are part of it, ignored files too: what lies in the
/// folder is what a partner would get. The history stays one opaque artifact.
pub(crate) fn run(path: &Path, options: Vec<OsString>) -> ExitCode {
    let none: [&str; 0] = [];
    match Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH, none) {
        Ok(repository) => tell(&about(&repository)),
        // The scan itself tells of a missing path; a folder without a repository is scanned as a folder.
        Err(_) if path.is_dir() => tell(&format!("{} is not a git repository: scanned as a folder", path.display())),
        Err(_) => {}
    }
    let args = ["yumen".into(), "scan".into(), path.as_os_str().to_owned()];
    yumen::run(args.into_iter().chain(options))
}

/// What the scan of a working tree leaves out, in one line.
fn about(repository: &Repository) -> String {
    if repository.is_bare() {
        return "a bare repository: it has no working tree, and its history is not inspected yet".to_owned();
    }
    let head = repository.head().ok().and_then(|h| h.peel_to_commit().ok());
    let head = head.map_or("no commit".to_owned(), |c| c.id().to_string()[..12].to_owned());
    let references = repository.references().map_or(0, Iterator::count);
    let mut wanted = StatusOptions::new();
    wanted.include_untracked(true).include_ignored(true).recurse_untracked_dirs(false).exclude_submodules(true);
    let (mut changed, mut ignored) = (0usize, 0usize);
    if let Ok(statuses) = repository.statuses(Some(&mut wanted)) {
        for entry in statuses.iter() {
            if entry.status().contains(Status::IGNORED) { ignored += 1 } else { changed += 1 }
        }
    }
    format!(
        "working tree at {head} with {changed} changed or untracked and {ignored} ignored entries, all of them scanned; the history behind {references} references is not inspected yet"
    )
}

#[allow(clippy::print_stderr)]
fn tell(text: &str) {
    eprintln!("yumen: {text}");
}
