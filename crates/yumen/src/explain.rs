//! `yumen explain`: a data kind, a row, or a finding of a report.

use std::path::Path;

use yumen_report::Report;

use crate::args::{ExplainArgs, Language};
use crate::error::Failure;
use crate::rules;
use crate::{CommandResult, PASS, output};

pub(crate) fn run(args: &ExplainArgs) -> CommandResult {
    let lang = Language::resolve(args.rules.lang);
    if let Some(path) = &args.report {
        let report = read(path)?;
        if let Some(text) = yumen_report::explain_finding(&report, &args.what, lang) {
            output::stdout(&text)?;
            return Ok(PASS);
        }
    }
    let rulebook = rules::load(&args.rules.rulebook, args.rules.config.as_deref())?;
    let zh = lang == yumen_report::Lang::Zh;
    let mut text = rulebook.explain(&args.what, zh).ok_or_else(|| rules::unknown(&args.what))?;
    if let Some(path) = &args.report {
        text.push_str(&yumen_report::explain_row(&read(path)?, &args.what, lang));
    }
    output::stdout(&text)?;
    Ok(PASS)
}

fn read(path: &Path) -> Result<Report, Failure> {
    let bad = |cause: String| Failure::Read { path: path.display().to_string(), cause };
    let text = std::fs::read_to_string(path).map_err(|e| bad(e.kind().to_string()))?;
    Report::from_json(&text).map_err(|e| bad(e.to_string()))
}
