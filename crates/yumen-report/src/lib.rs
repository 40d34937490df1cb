//! Reports: what a scan and a decision become when a person or a program reads them.
//!
//! A [`Report`] is plain data. [`Report::to_json`] gives the form that other programs rely on (`schema: "yumen-report/1"`), [`terminal()`]
//! what a person reads at the prompt, [`markdown()`] what a compliance officer prints and signs, [`explain_finding`] one finding in
//! full. None of them knows the law or touches a file; all of them give the same output for the same report.
//!
//! ```
//! use yumen_model::outcome::ScanOutcome;
//! use yumen_model::verdict::{Outcome, Route, Verdict};
//! use yumen_report::{Lang, Report, RulebookInfo, TerminalOptions, Tool};
//!
//! # let verdict = Verdict { outcome: Outcome::Pass, route: Route::Free, classes: vec![], reasons: vec![], as_of: None, questions: vec![] };
//! // The scan was interrupted before it saw anything, so it does not pass, whatever the verdict says.
//! let scan = ScanOutcome::default();
//! let report = Report::new(Tool::default(), RulebookInfo::default(), scan, Default::default(), vec![], verdict);
//! assert_eq!(report.verdict.outcome, Outcome::Hold);
//! assert!(yumen_report::terminal(&report, &TerminalOptions { lang: Lang::En, ..Default::default() }).contains("HOLD"));
//! assert_eq!(Report::from_json(&report.to_json(true))?, report);
//! # Ok::<(), yumen_report::ReadError>(())
//! ```

pub mod dataset;
pub mod delta;
mod explain;
mod figures;
mod index;
mod json;
mod lang;
mod layout;
mod markdown;
mod place;
mod remedy;
mod report;
#[cfg(test)]
mod sample;
mod snippet;
mod terminal;
mod triage;
mod vocabulary;
mod words;

pub use explain::{explain_finding, explain_row};
pub use json::{ReadError, schema};
pub use lang::Lang;
pub use markdown::markdown;
pub use report::{
    ChecklistItem, CodedText, Input, KindCount, Recipient, Report, RulebookInfo, Run, SCHEMA, ShipmentInfo, Summary,
    Tool, disclaimer,
};
pub use terminal::{TerminalOptions, terminal};
