//! `yumen formats`: one registry, told to people and programs.

use std::fmt::Write as _;

use serde_json::json;

use crate::args::{FormatsArgs, FormatsOutput};
use crate::{CommandResult, PASS, output, wiring};

pub(crate) fn run(args: &FormatsArgs) -> CommandResult {
    let registry = wiring::registry();
    let mut formats: Vec<_> = registry.formats().collect();
    formats.sort_by_key(|f| f.name);
    let text = match args.format {
        FormatsOutput::Json => {
            let list: Vec<_> = formats
                .iter()
                .map(|f| {
                    json!({
                        "name": f.name, "title": f.title, "media_type": f.media_type, "extensions": f.extensions,
                        "magic": f.magic, "reference": f.reference, "evidence": f.evidence, "limitations": f.limitations,
                        "fully_supported": f.limitations.is_empty(),
                    })
                })
                .collect();
            let mut text = serde_json::to_string_pretty(&json!({ "formats": list })).unwrap_or_default();
            text.push('\n');
            text
        }
        FormatsOutput::Human => {
            let mut text = String::new();
            for f in formats {
                let extensions: String = f.extensions.iter().map(|e| format!(" .{e}")).collect();
                let _ = writeln!(text, "{:<12} {}{}", f.name, f.title, extensions);
                let _ = writeln!(text, "             yields {}", f.evidence);
                for limitation in f.limitations {
                    let _ = writeln!(text, "             not read: {limitation}");
                }
            }
            text
        }
    };
    output::stdout(&text)?;
    Ok(PASS)
}
