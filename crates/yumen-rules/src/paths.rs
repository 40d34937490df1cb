//! Globs over artifact paths, as `applies-to` and `artifacts` in a manifest use them.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// A glob that means just one path.
#[must_use]
pub fn escape_glob(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for c in path.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '*' | '?' | '[' | ']' | '{' | '}' => out.extend(['[', c, ']']),
            c => out.push(c),
        }
    }
    // Text in a manifest is trimmed at its ends.
    if out.ends_with(' ') {
        out.truncate(out.len() - 1);
        out.push_str("[ ]");
    }
    out
}

/// Compiled globs over artifact paths.
///
/// `*` stays within one segment, `**` spans them; `/` and `!/` both end a segment. A glob means the artifacts it names *and all that lies inside of them*
/// (`maps` and `maps/**` say the same, `ota.zip` names its members too). It may begin at any segment of the path, since the path begins with
/// whatever was given on the command line; one that begins with `/` or `./` is bound to the start of the path.
#[derive(Clone, Debug)]
pub struct Globs {
    patterns: Vec<String>,
    expanded: Vec<String>,
    set: GlobSet,
}

impl Globs {
    /// Compiles globs.
    ///
    /// # Errors
    /// The place of the first bad glob in the list, and what is wrong with it.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Globs, (usize, String)> {
        let mut builder = GlobSetBuilder::new();
        let mut expanded = Vec::new();
        for (i, pattern) in patterns.iter().enumerate() {
            let bad = |e: globset::Error| (i, e.kind().to_string());
            let pattern = pattern.as_ref();
            let (anchored, body) = match pattern.strip_prefix("./").or_else(|| pattern.strip_prefix('/')) {
                Some(rest) => (true, rest),
                None => (false, pattern),
            };
            let body = body.trim_end_matches('/');
            if body.is_empty() {
                return Err((i, "it names nothing".to_owned()));
            }
            for head in if anchored { &["", "/", "./"][..] } else { &["", "**/"] } {
                for tail in ["", "/**", "!/**"] {
                    let glob = format!("{head}{body}{tail}");
                    let compiled =
                        GlobBuilder::new(&glob).literal_separator(true).backslash_escape(true).build().map_err(bad)?;
                    builder.add(compiled);
                    expanded.push(glob);
                }
            }
        }
        let set = builder.build().map_err(|e| (0, e.kind().to_string()))?;
        Ok(Globs { patterns: patterns.iter().map(|p| p.as_ref().to_owned()).collect(), expanded, set })
    }

    /// Whether a path is meant.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        self.set.is_match(path)
    }

    /// The compiled set, for whoever matches many paths.
    #[must_use]
    pub fn set(&self) -> &GlobSet {
        &self.set
    }

    /// The globs that are really matched, for another matcher. Its `*` must not match `/`.
    #[must_use]
    pub fn expanded(&self) -> Vec<String> {
        self.expanded.clone()
    }

    /// The globs as written.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.patterns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(glob: &str, path: &str) -> bool {
        Globs::new(&[glob]).unwrap().covers(path)
    }

    #[test]
    fn globs_name_artifacts_and_what_lies_in_them() {
        assert!(covers("maps/**", "maps/a.xodr"));
        assert!(covers("maps/**", "out/ship/maps/a.zip!/b/c.xodr"));
        assert!(covers("maps", "ship/maps/a.zip!/b"));
        assert!(covers("bom/*.csv", "x.zip!/bom/parts.csv"));
        assert!(covers("*.pcd", "lidar/0001.pcd"));
        assert!(covers("ota.zip", "ota.zip!/payload.bin!/system.img"));
        assert!(covers("ota.zip!/keys/**", "in/ota.zip!/keys/a.pem"));
        assert!(covers("**", "anything!/at/all"));
        assert!(covers("/maps", "maps/a") && covers("./maps", "./maps/a"));
    }

    #[test]
    fn globs_do_not_reach_beside() {
        assert!(!covers("maps/**", "mymaps/a"));
        assert!(!covers("maps/**", "maps.zip!/a"));
        assert!(!covers("bom/*.csv", "bom/old/parts.csv"));
        assert!(!covers("/maps", "ship/maps/a"));
        assert!(!covers("a.csv", "aa.csv"));
    }

    #[test]
    fn an_escaped_path_means_itself() {
        for path in [
            "a [1]{b}*?.csv",
            "b\\c.csv",
            "é空 格.csv",
            "trail ",
            "x!y,z",
            "a.zip!/b",
            "/abs/[x",
            "./d/e",
            "100%25",
            "b\\*",
        ] {
            let glob = escape_glob(path);
            assert!(covers(glob.trim(), path), "{path} {glob}");
            assert!(!covers(glob.trim(), &format!("{path}2")), "{path} {glob}");
        }
        assert!(!covers(&escape_glob("b\\c"), "bc"));
    }

    proptest::proptest! {
        #[test]
        fn any_path_can_be_named(path in "[a-c/!*?{}\\\\\\[\\] ,^-]{1,12}[a-z ]") {
            let glob = escape_glob(&path);
            if let Ok(globs) = Globs::new(&[glob.trim()]) {
                let leading = path.starts_with([' ']) || path.ends_with('/');
                proptest::prop_assert!(leading || globs.covers(&path), "{} {}", path, glob);
            } else {
                proptest::prop_assert!(path.trim_matches(['/', ' ', '.']).is_empty(), "{} {}", path, glob);
            }
        }
    }

    #[test]
    fn a_bad_glob_is_told_with_its_place() {
        assert_eq!(Globs::new(&["ok", "a[b"]).unwrap_err().0, 1);
        assert_eq!(Globs::new(&["/"]).unwrap_err().0, 0);
    }
}
