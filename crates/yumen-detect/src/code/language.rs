//! Which streams of text are source code or scripts, and of which language.

/// How a language writes comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    /// What begins a comment that lasts to the end of the line.
    pub(crate) line: &'static [&'static str],
    /// What begins and ends a comment of several lines.
    pub(crate) block: Option<(&'static str, &'static str)>,
    /// Characters around strings.
    pub(crate) quotes: &'static str,
    /// Whether strings in triple quotes are documentation.
    pub(crate) triple: bool,
}

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Language {
    /// Its name in reports.
    pub(crate) name: &'static str,
    /// Whether it is a script of a system or package rather than source code.
    pub(crate) script: bool,
    pub(crate) style: Style,
}

const C: Style = Style { line: &["//"], block: Some(("/*", "*/")), quotes: "\"", triple: false };
const JS: Style = Style { line: &["//"], block: Some(("/*", "*/")), quotes: "\"'`", triple: false };
const HASH: Style = Style { line: &["#"], block: None, quotes: "\"'", triple: false };
const PY: Style = Style { line: &["#"], block: None, quotes: "\"'", triple: true };
const PHP: Style = Style { line: &["//", "#"], block: Some(("/*", "*/")), quotes: "\"'", triple: false };
const DASH: Style = Style { line: &["--"], block: Some(("/*", "*/")), quotes: "\"'", triple: false };
const LUA: Style = Style { line: &["--"], block: Some(("--[[", "]]")), quotes: "\"'", triple: false };
const ST: Style = Style { line: &["//"], block: Some(("(*", "*)")), quotes: "\"'", triple: false };
const PERCENT: Style = Style { line: &["%"], block: Some(("%{", "%}")), quotes: "\"'", triple: false };
const SEMI: Style = Style { line: &[";", "//", "@"], block: Some(("/*", "*/")), quotes: "\"", triple: false };
const LISP: Style = Style { line: &[";"], block: None, quotes: "\"", triple: false };
const BASIC: Style = Style { line: &["'", "REM "], block: None, quotes: "\"", triple: false };
const BATCH: Style = Style { line: &["REM ", "rem ", "::"], block: None, quotes: "\"", triple: false };
const PLAIN: Style = Style { line: &[], block: None, quotes: "\"", triple: false };
const MARKUP: Style = Style { line: &["//"], block: Some(("<!--", "-->")), quotes: "\"'`", triple: false };

/// Name, style, whether it is a script, extensions.
const LANGUAGES: &[(&str, Style, bool, &[&str])] = &[
    ("c", C, false, &["c", "h", "inl", "inc"]),
    ("c++", C, false, &["cc", "cpp", "cxx", "c++", "hh", "hpp", "hxx", "h++", "ipp", "tpp", "ino"]),
    ("capl", C, false, &["can", "cin"]),
    ("java", C, false, &["java"]),
    ("kotlin", C, false, &["kt", "kts"]),
    ("scala", C, false, &["scala", "sc"]),
    ("groovy", C, false, &["groovy", "gradle"]),
    ("python", PY, false, &["py", "pyw", "pyi", "pyx", "pxd"]),
    ("jupyter", PY, false, &["ipynb"]),
    ("go", JS, false, &["go"]),
    ("rust", C, false, &["rs"]),
    ("javascript", JS, false, &["js", "mjs", "cjs", "jsx", "ets"]),
    ("typescript", JS, false, &["ts", "tsx", "mts", "cts"]),
    ("vue", MARKUP, false, &["vue", "svelte"]),
    ("c#", C, false, &["cs", "csx"]),
    ("vb", BASIC, false, &["vb", "bas", "vbs"]),
    ("swift", C, false, &["swift"]),
    ("objective-c", C, false, &["mm"]),
    ("dart", JS, false, &["dart"]),
    ("php", PHP, false, &["php", "phtml"]),
    ("ruby", HASH, false, &["rb", "rake"]),
    ("perl", HASH, false, &["pl", "pm"]),
    ("tcl", HASH, false, &["tcl"]),
    ("r", HASH, false, &["r"]),
    ("julia", HASH, false, &["jl"]),
    ("elixir", HASH, false, &["ex", "exs"]),
    ("erlang", PERCENT, false, &["erl", "hrl"]),
    ("haskell", DASH, false, &["hs"]),
    ("ada", DASH, false, &["adb", "ads"]),
    ("vhdl", DASH, false, &["vhd", "vhdl"]),
    ("sql", DASH, false, &["pks", "pkb", "plsql"]),
    ("matlab", PERCENT, false, &["m", "mlx"]),
    ("simulink", PLAIN, false, &["mdl", "slx"]),
    ("verilog", C, false, &["v", "sv", "svh"]),
    ("assembly", SEMI, false, &["s", "asm", "a66", "s51"]),
    ("structured-text", ST, false, &["st", "scl", "iecst", "awl", "exp"]),
    ("pascal", ST, false, &["pas", "dpr"]),
    ("fortran", BASIC, false, &["f", "f90", "f95", "for"]),
    ("lisp", LISP, false, &["el", "lisp", "scm", "clj"]),
    ("aidl", C, false, &["aidl", "hal"]),
    ("protobuf", C, false, &["proto"]),
    ("idl", C, false, &["idl", "omgidl", "thrift", "fbs", "vspec"]),
    ("franca", C, false, &["fidl", "fdepl"]),
    ("solidity", C, false, &["sol"]),
    ("zig", C, false, &["zig"]),
    ("qml", JS, false, &["qml"]),
    ("shell", HASH, true, &["sh", "bash", "zsh", "ksh", "ash"]),
    ("lua", LUA, true, &["lua"]),
    ("powershell", HASH, true, &["ps1", "psm1"]),
    ("batch", BATCH, true, &["bat", "cmd"]),
    ("make", HASH, true, &["mk", "mak", "cmake"]),
    ("bitbake", HASH, true, &["bb", "bbappend", "bbclass"]),
    ("init", HASH, true, &["rc"]),
    ("edify", HASH, true, &["edify"]),
    ("cmm", LISP, true, &["cmm"]),
];

/// Names of files that are scripts whatever their extension.
const NAMED: &[(&str, &str)] = &[
    ("updater-script", "edify"),
    ("makefile", "make"),
    ("gnumakefile", "make"),
    ("cmakelists.txt", "make"),
    ("dockerfile", "shell"),
    ("jenkinsfile", "groovy"),
    ("sconstruct", "python"),
    ("preinst", "shell"),
    ("postinst", "shell"),
    ("prerm", "shell"),
    ("postrm", "shell"),
    ("apkbuild", "shell"),
];

/// Names that describe an upgrade or a bus: neither source nor binary.
const DESCRIPTIONS: &[&str] =
    &["sw-description", "manifest.raucm", "system.conf", "payload_properties.txt", "care_map.txt"];

fn named(name: &str) -> Option<Language> {
    let (name, style, script, _) = LANGUAGES.iter().find(|l| l.0 == name)?;
    Some(Language { name, style: *style, script: *script })
}

/// What a name says of a stream of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// Code of this language.
    Code(Language),
    /// A description of an upgrade.
    Description,
    /// Nothing: the content may tell.
    Nothing,
    /// Something else.
    Other,
}

/// Extensions (and names without one) under which code may stand that no other extension tells.
const OPEN: &[&str] = &[
    "", "txt", "in", "orig", "bak", "old", "tmpl", "tpl", "j2", "template", "script", "hook", "dist", "sample", "new",
];

/// What a name says.
pub(crate) fn by_name(name: &str) -> Says {
    let base = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    if let Some((_, language)) = NAMED.iter().find(|n| n.0 == base) {
        return named(language).map_or(Says::Nothing, Says::Code);
    }
    if DESCRIPTIONS.contains(&base.as_str()) {
        return Says::Description;
    }
    let extension = yumen_model::artifact::extension(&base);
    if let Some((name, style, script, _)) = LANGUAGES.iter().find(|l| l.3.contains(&extension.as_str())) {
        return Says::Code(Language { name, style: *style, script: *script });
    }
    if OPEN.contains(&extension.as_str()) {
        // `door.c.orig`, `ctrl.py.in`
        if let Some((stem, _)) = base.rsplit_once('.')
            && let Says::Code(language) = by_extension(stem)
        {
            return Says::Code(language);
        }
        return Says::Nothing;
    }
    Says::Other
}

fn by_extension(stem: &str) -> Says {
    let extension = yumen_model::artifact::extension(stem);
    let known = LANGUAGES.iter().find(|l| !extension.is_empty() && l.3.contains(&extension.as_str()));
    known
        .map_or(Says::Nothing, |(name, style, script, _)| Says::Code(Language { name, style: *style, script: *script }))
}

/// What the beginning of a text whose name tells nothing looks like.
pub(crate) fn by_content(head: &str) -> Option<Language> {
    let first = head.trim_start_matches('\u{FEFF}').lines().next().unwrap_or("");
    if let Some(line) = first.strip_prefix("#!") {
        let program = line.split_whitespace().find(|w| !w.ends_with("/env") && !w.starts_with('-')).unwrap_or("");
        let program =
            program.rsplit('/').next().unwrap_or(program).trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        return named(match program {
            "python" | "pypy" => "python",
            "node" | "deno" | "bun" => "javascript",
            "lua" | "luajit" => "lua",
            "perl" => "perl",
            "ruby" => "ruby",
            "php" => "php",
            "tclsh" | "wish" | "expect" => "tcl",
            "pwsh" => "powershell",
            "make" => "make",
            _ => "shell",
        });
    }
    let mut signs = [0u32; 4];
    let (mut lines, mut statements, mut blocks) = (0u32, 0u32, 0u32);
    for line in head.lines().take(120) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        lines += 1;
        statements += u32::from(line.ends_with(';'));
        blocks += u32::from(line.ends_with('{') || line == "}" || line == "};");
        let begins = |list: &[&str]| list.iter().any(|p| line.starts_with(p));
        if begins(&[
            "#include ",
            "#define ",
            "#ifndef ",
            "#ifdef ",
            "static void ",
            "static int ",
            "typedef ",
            "using namespace ",
            "extern \"C\"",
        ]) {
            signs[0] += 1;
        }
        if (begins(&["package ", "import "]) && line.ends_with(';'))
            || begins(&["public class ", "public interface ", "@Override", "private final "])
        {
            signs[1] += 1;
        }
        if (begins(&["def ", "class ", "async def "]) && line.ends_with(':'))
            || (begins(&["from "]) && line.contains(" import "))
        {
            signs[2] += 1;
        }
        if begins(&[
            "package_extract_file(",
            "assert(getprop(",
            "ui_print(",
            "apply_patch",
            "block_image_update(",
            "mount(\"",
        ]) {
            signs[3] += 1;
        }
    }
    let language = match signs.iter().enumerate().max_by_key(|s| s.1) {
        Some((i, &n)) if n >= 2 => ["c", "java", "python", "edify"][i],
        _ if lines >= 5 && statements + blocks > lines / 2 && blocks >= 2 => "c",
        _ => return None,
    };
    named(language)
}

/// MATLAB and Objective-C share an extension.
pub(crate) fn settle(language: Language, head: &str) -> Language {
    let objective = ["#import", "@interface", "@implementation", "#include"].iter().any(|sign| head.contains(sign));
    if language.name == "matlab" && objective {
        Language { name: "objective-c", script: false, style: C }
    } else {
        language
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_contents_tell_code_from_the_rest() {
        let name = |n: &str| match by_name(n) {
            Says::Code(l) => l.name,
            Says::Description => "description",
            Says::Nothing => "?",
            Says::Other => "-",
        };
        assert_eq!(
            [
                "a/B.CPP",
                "x.can",
                "IVehicle.aidl",
                "door.c.orig",
                "CMakeLists.txt",
                "META-INF/com/google/android/updater-script"
            ]
            .map(name),
            ["c++", "capl", "aidl", "c", "make", "edify"]
        );
        assert_eq!(
            ["sw-description", "README", "notes.txt", "data.csv", "a.json", "page.html", "x.log"].map(name),
            ["description", "?", "?", "-", "-", "-", "-"]
        );
        let content = |text: &str| by_content(text).map_or("-", |l| l.name);
        assert_eq!(content("#!/usr/bin/env python3\nprint(1)\n"), "python");
        assert_eq!(content("#!/bin/sh -e\nexit 0\n"), "shell");
        assert_eq!(content("#include <stdio.h>\n#define A 1\nint main(void) {\n}\n"), "c");
        assert_eq!(content("Dear all,\nthe remote unlock works.\nRegards\n"), "-");
        assert_eq!(content("a;b;c\n1;2;3\n4;5;6\n7;8;9\n1;1;1\n"), "-");
        let m = match by_name("ctl.m") {
            Says::Code(l) => l,
            _ => panic!("a language"),
        };
        assert_eq!((settle(m, "% a\nx = 1;").name, settle(m, "#import <a.h>").name), ("matlab", "objective-c"));
    }
}
