//! Compiled programs for virtual machines, and what Android compiles into its packages: their strings and names are read, their code is shown as raw bytes.
//!
//! Source: Java Virtual Machine Specification 17, chapter 4; Android "Dalvik executable format"; AOSP ResourceTypes.h; WebAssembly core
//! specification 2.0, chapter 5; CPython Lib/importlib/_bootstrap_external.py for the header of compiled modules; Apple "Mach-O" headers.

mod android;
mod java;
mod macho;
mod other;

use yumen_kit_container::{Container, FormatReader};
use yumen_model::{Artifact, Certainty, Context, Format, Identity, InspectError, Inspection, Probe};

use crate::common::{Evidence, conclude};

/// Reads compiled programs.
pub(crate) struct Program;

const LIMITS: &[&str] = &["code is searched for strings and names, not decompiled"];

const FORMATS: &[Format] = &[
    Format {
        name: "java-class",
        title: "Java class",
        media_type: "application/java-vm",
        extensions: &["class"],
        magic: "0xCAFEBABE, a version from 45 to 80, a constant pool",
        reference: "Java Virtual Machine Specification, chapter 4",
        evidence: "strings and names of the constant pool as text; the rest as raw bytes",
        limitations: LIMITS,
    },
    Format {
        name: "dex",
        title: "Dalvik executable",
        media_type: "application/vnd.android.dex",
        extensions: &["dex"],
        magic: "`dex\\n`, a version, and a header whose sizes agree",
        reference: "Android, Dalvik executable format",
        evidence: "strings as text, names of methods and fields as records",
        limitations: LIMITS,
    },
    Format {
        name: "android-xml",
        title: "Android binary XML",
        media_type: "application/octet-stream",
        extensions: &[],
        magic: "chunk type 3 with the size of the whole, then a string pool",
        reference: "AOSP, ResourceTypes.h",
        evidence: "the string pool as text",
        limitations: &[
            "the tree of elements is not rebuilt: names and values are read from the pool, numbers are not shown",
        ],
    },
    Format {
        name: "android-resources",
        title: "Android resource table",
        media_type: "application/octet-stream",
        extensions: &["arsc"],
        magic: "chunk type 2 with the size of the whole, then a string pool",
        reference: "AOSP, ResourceTypes.h",
        evidence: "all string pools as text",
        limitations: &["values that are not strings are not shown"],
    },
    Format {
        name: "wasm",
        title: "WebAssembly module",
        media_type: "application/wasm",
        extensions: &["wasm"],
        magic: "`\\0asm` and version 1, then sections that fill the file",
        reference: "WebAssembly core specification 2.0, chapter 5",
        evidence: "names of imports and exports as records; all sections as raw bytes",
        limitations: LIMITS,
    },
    Format {
        name: "pyc",
        title: "compiled Python module",
        media_type: "application/x-python-code",
        extensions: &["pyc", "pyo"],
        magic: "a magic number of CPython, CR LF, and a marshalled code object",
        reference: "CPython, importlib/_bootstrap_external.py",
        evidence: "all of it as raw bytes, in which strings and names stand plainly",
        limitations: LIMITS,
    },
    Format {
        name: "mach-o",
        title: "Mach-O program or library",
        media_type: "application/x-mach-binary",
        extensions: &["dylib"],
        magic: "0xFEEDFACE, 0xFEEDFACF in either byte order with a list of commands; 0xCAFEBABE with a list of architectures",
        reference: "Apple, mach-o/loader.h",
        evidence: "names of symbols and libraries as records; all of it as raw bytes; each architecture of a universal file as a child",
        limitations: LIMITS,
    },
];

impl FormatReader for Program {
    fn formats(&self) -> &'static [Format] {
        FORMATS
    }

    fn identify(&self, probe: &Probe<'_>) -> Option<Identity> {
        let head = probe.head;
        let len = probe.blob.len();
        let name = match head {
            [0xca, 0xfe, 0xba, 0xbe, ..] if macho::is_universal(head, len) => "mach-o",
            [0xca, 0xfe, 0xba, 0xbe, ..] if java::is_class(head) => "java-class",
            [b'd', b'e', b'x', b'\n', ..] if android::is_dex(head, len) => "dex",
            [3, 0, 8, 0, ..] if android::is_chunk(head, len) => "android-xml",
            [2, 0, 12, 0, ..] if android::is_chunk(head, len) => "android-resources",
            [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => "wasm",
            [_, _, 13, 10, ..] if other::is_pyc(head) => "pyc",
            _ if macho::is_macho(head, len) => "mach-o",
            _ => return None,
        };
        Some(Identity::new(name, Certainty::Signature))
    }

    fn inspect(&self, artifact: &Artifact, _context: &Context, out: &mut dyn Inspection) -> Result<(), InspectError> {
        let mut to = Container::new(artifact, out);
        let mut evidence = Evidence::new(artifact);
        let result = match artifact.format {
            "java-class" => java::class(&mut to, &mut evidence),
            "dex" => android::dex(&mut to, &mut evidence),
            "android-xml" | "android-resources" => android::chunks(&mut to, &mut evidence),
            "wasm" => other::wasm(&mut to, &mut evidence),
            "mach-o" => macho::read(&mut to, &mut evidence),
            _ => other::pyc(&mut to),
        };
        conclude(to, evidence, result)
    }
}

#[cfg(test)]
mod tests;
