//! `yumen rules`: the rulebook, told.

use std::path::Path;

use yumen_report::RulebookInfo;
use yumen_rules::Rulebook;

use crate::args::{Language, RulebookArgs, RulesArgs, RulesCommand};
use crate::error::Failure;
use crate::{CommandResult, PASS, output};

/// Loads a rulebook with the organisation's overlay.
pub(crate) fn load(rulebook: &str, overlay: Option<&Path>) -> Result<Rulebook, Failure> {
    Rulebook::load(rulebook, overlay).map_err(|e| Failure::Reports(e.into_reports()))
}

fn load_args(args: &RulebookArgs) -> Result<Rulebook, Failure> {
    load(&args.rulebook, args.config.as_deref())
}

/// How reports name a rulebook.
pub(crate) fn info(rulebook: &Rulebook) -> RulebookInfo {
    RulebookInfo {
        id: rulebook.id().to_owned(),
        digest: rulebook.digest().to_owned(),
        annex: rulebook.annex().to_owned(),
        edition: rulebook.edition().to_owned(),
    }
}

pub(crate) fn run(args: &RulesArgs) -> CommandResult {
    match &args.command {
        RulesCommand::List(args) => {
            let rulebook = load_args(args)?;
            output::stdout(&rulebook.list(zh(args)))?;
        }
        RulesCommand::Show { row, rules } => {
            let rulebook = load_args(rules)?;
            let text = rulebook.explain(row, zh(rules)).ok_or_else(|| unknown(row))?;
            output::stdout(&text)?;
        }
        RulesCommand::Check { file, rules } => {
            let rulebook = load(file.as_deref().unwrap_or(&rules.rulebook), rules.config.as_deref())?;
            output::stdout(&format!(
                "{}: {} rows, annex {}, {}\n",
                rulebook.id(),
                rulebook.rows().len(),
                rulebook.annex(),
                rulebook.digest()
            ))?;
        }
    }
    Ok(PASS)
}

fn zh(args: &RulebookArgs) -> bool {
    Language::resolve(args.lang) == yumen_report::Lang::Zh
}

pub(crate) fn unknown(name: &str) -> Failure {
    Failure::Unknown {
        name: name.to_owned(),
        help: "`yumen rules list` lists the rows and docs/kinds.md the data kinds; for a finding give --report FILE"
            .to_owned(),
    }
}
