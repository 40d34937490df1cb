//! Globs over artifact paths, as `applies-to` and `artifacts` in a manifest use them.

use std::sync::OnceLock;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

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
    /// The globs without what lies inside: held against the path and each folder and container above it. In parts, since a set has a largest size.
    heads: Vec<GlobSet>,
    whole: OnceLock<GlobSet>,
}

/// Longest glob, in bytes.
const LONGEST: usize = 4096;

/// Globs in one set.
const PART: usize = 500;

fn compile(glob: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(glob).literal_separator(true).backslash_escape(true).build()
}

impl Globs {
    /// Compiles globs.
    ///
    /// # Errors
    /// The place of the first bad glob in the list, and what is wrong with it.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Globs, (usize, String)> {
        let (mut heads, mut expanded) = (Vec::new(), Vec::new());
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
            if body.len() > LONGEST {
                return Err((i, format!("it is longer than {LONGEST} bytes")));
            }
            for head in if anchored { &["", "/", "./"][..] } else { &["", "**/"] } {
                heads.push((i, compile(&format!("{head}{body}")).map_err(bad)?));
                expanded.extend(["", "/**", "!/**"].map(|tail| format!("{head}{body}{tail}")));
            }
        }
        let parts = heads.chunks(PART).map(|part| {
            let first = part.first().map_or(0, |(i, _)| *i);
            let mut builder = GlobSetBuilder::new();
            part.iter().for_each(|(_, glob)| {
                builder.add(glob.clone());
            });
            builder.build().map_err(|e| (first, e.kind().to_string()))
        });
        let heads = parts.collect::<Result<_, _>>()?;
        let patterns = patterns.iter().map(|p| p.as_ref().to_owned()).collect();
        Ok(Globs { patterns, expanded, heads, whole: OnceLock::new() })
    }

    /// Whether a path is meant.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        let above = path.match_indices('/').flat_map(|(i, _)| {
            let folder = &path[..i];
            [folder, folder.strip_suffix('!').unwrap_or(folder)]
        });
        std::iter::once(path)
            .chain(above)
            .filter(|p| !p.is_empty())
            .any(|p| self.heads.iter().any(|set| set.is_match(p)))
    }

    /// All globs in one compiled set, for another matcher. Meant for the few of a command line: where they are too many for one set it is empty.
    #[must_use]
    pub fn set(&self) -> &GlobSet {
        self.whole.get_or_init(|| {
            let mut builder = GlobSetBuilder::new();
            for glob in self.expanded.iter().filter_map(|g| compile(g).ok()) {
                builder.add(glob);
            }
            builder.build().unwrap_or_default()
        })
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
    fn many_globs_and_long_ones_cost_little() {
        let many: Vec<String> = (0..10_000).map(|i| format!("in/some/file{i}.csv")).collect();
        let globs = Globs::new(&many).unwrap();
        assert!(globs.covers("x/in/some/file9999.csv!/y") && !globs.covers("in/some/file10000.csv"));
        assert!(Globs::new(&["a".repeat(500_000)]).unwrap_err().1.contains("longer"));
        assert!(Globs::new(&["*i".repeat(2_000)]).is_ok_and(|g| !g.covers(&"i".repeat(5_000).replace("ii", "ij"))));
        // Nested as deep as a length of 4096 allows.
        let _ = Globs::new(&[format!("{}{}", "{a,".repeat(1_000), "}".repeat(1_000))]);
    }

    proptest::proptest! {
        #[test]
        fn the_compiled_set_says_the_same(
            glob in "[./]{0,2}[ab*?/!]{1,8}",
            path in "[./]{0,2}[ab!/]{1,12}",
        ) {
            if let Ok(globs) = Globs::new(&[&glob]) && !path.contains("//") {
                proptest::prop_assert_eq!(globs.covers(&path), globs.set().is_match(&path), "{} {}", glob, path);
            }
        }
    }

    #[test]
    fn a_bad_glob_is_told_with_its_place() {
        assert_eq!(Globs::new(&["ok", "a[b"]).unwrap_err().0, 1);
        assert_eq!(Globs::new(&["/"]).unwrap_err().0, 0);
    }
}
