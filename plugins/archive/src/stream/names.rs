//! The name of what a compressed stream holds.

/// Suffixes of compressed streams and what takes their place.
const SUFFIXES: &[(&str, &str)] = &[
    (".tgz", ".tar"),
    (".ipk", ".tar"),
    (".taz", ".tar"),
    (".tbz", ".tar"),
    (".tbz2", ".tar"),
    (".tb2", ".tar"),
    (".txz", ".tar"),
    (".tlz", ".tar"),
    (".tzst", ".tar"),
    (".tlz4", ".tar"),
    (".svgz", ".svg"),
    (".emz", ".emf"),
    (".wmz", ".wmf"),
    (".gz", ""),
    (".gzip", ""),
    (".dz", ""),
    (".z", ""),
    (".zz", ""),
    (".zlib", ""),
    (".bz2", ""),
    (".bzip2", ""),
    (".bz", ""),
    (".xz", ""),
    (".lzma", ""),
    (".lz", ""),
    (".lzip", ""),
    (".zst", ""),
    (".zstd", ""),
    (".lz4", ""),
    (".tzo", ".tar"),
    (".lzo", ""),
    (".lzop", ""),
];

/// The name without the suffix of its compression, `x.tgz` reading `x.tar`; without a suffix the name itself.
pub(super) fn decoded(name: &str) -> String {
    for (suffix, instead) in SUFFIXES {
        let Some(at) = name.len().checked_sub(suffix.len()).filter(|&at| at > 0) else { continue };
        if let (Some(stem), Some(end)) = (name.get(..at), name.get(at..))
            && end.eq_ignore_ascii_case(suffix)
        {
            return format!("{stem}{instead}");
        }
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_go_and_short_forms_become_tar() {
        assert_eq!(decoded("a.log.gz"), "a.log");
        assert_eq!(decoded("x.tgz"), "x.tar");
        assert_eq!(decoded("x.TBZ2"), "x.tar");
        assert_eq!(decoded("x.txz"), "x.tar");
        assert_eq!(decoded("x.tzst"), "x.tar");
        assert_eq!(decoded("车主.csv.Z"), "车主.csv");
        assert_eq!(decoded("vmlinux"), "vmlinux");
        assert_eq!(decoded(".gz"), ".gz");
        assert_eq!(decoded("é.gz"), "é");
        assert_eq!(decoded("gz"), "gz");
    }
}
