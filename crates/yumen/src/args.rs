//! The command line, as `docs` and other programs rely on it.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Yumen, the gate for automotive data: what is in a shipment, what the law makes of it, whether it may go.
#[derive(Debug, Parser)]
#[command(name = "yumen", version, about, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Scan what is about to leave, classify it, and decide. Exit code: 0 pass, 1 hold, 2 error.
    Scan(Box<ScanArgs>),
    /// Explain a data kind, a row of the rulebook, or a finding of a report.
    Explain(ExplainArgs),
    /// List, show or check rules.
    Rules(RulesArgs),
    /// List the formats that are read, what comes out of each, and its limitations.
    Formats(FormatsArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Files and folders; several are one shipment.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The manifest: who, to whom, scenario, declared facts, approvals.
    #[arg(long, value_name = "FILE")]
    pub(crate) shipment: Option<PathBuf>,
    /// The organisation's overlay (`yumen.yaml`). Never taken from the scanned tree.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Rulebook, by name or file.
    #[arg(long, value_name = "NAME|FILE", default_value = "cn-auto-2026")]
    pub(crate) rulebook: String,
    /// Two paths: a package that was cleared before, and the new one. The new one alone is the shipment; the report also tells what it adds, drops
    /// and changes against the first, by artifact digest.
    #[arg(long)]
    pub(crate) delta: bool,
    /// Inspect the history of git repositories too.
    #[arg(long)]
    pub(crate) history: bool,
    /// Output: human, json, markdown; with `=FILE` into a file. May be given several times.
    #[arg(long = "format", value_name = "FORMAT[=FILE]")]
    pub(crate) formats: Vec<Output>,
    /// Which artifacts a report lists.
    #[arg(long, value_enum, default_value_t = Listing::Findings)]
    pub(crate) artifacts: Listing,
    /// Places kept of each finding beside the first: a number, or `all`.
    #[arg(long, value_name = "N|all", default_value = "20")]
    pub(crate) places: Places,
    /// Leave out artifacts whose path matches; they count as opaque.
    #[arg(long, value_name = "GLOB")]
    pub(crate) exclude: Vec<String>,
    /// Threads; one a core by default.
    #[arg(long, short, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) jobs: usize,
    /// Stop after this time (30s, 10m, 2h); what was not reached counts as opaque.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// The day on which approvals and exemptions are judged; today in Asia/Shanghai by default.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) as_of: Option<jiff::civil::Date>,
    /// Persons (not sensitive) already sent abroad since 1 January.
    #[arg(long, value_name = "N")]
    pub(crate) prior_personal: Option<u64>,
    /// Persons with sensitive information already sent abroad since 1 January.
    #[arg(long, value_name = "N")]
    pub(crate) prior_sensitive: Option<u64>,
    /// Leave out what depends on the run: times, machine, options.
    #[arg(long)]
    pub(crate) reproducible: bool,
    /// Do not use or fill the cache (none is kept yet).
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Read everything, also where a class is already proven (the default).
    #[arg(long, conflicts_with = "fast")]
    pub(crate) exhaustive: bool,
    /// An early answer: stop work in an artifact once the class of what it holds is proven. The rest is opaque (`not-sampled`).
    #[arg(long)]
    pub(crate) fast: bool,
    /// Language of the report; from the locale by default.
    #[arg(long, value_enum)]
    pub(crate) lang: Option<Language>,
    /// When to use colour.
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits (reaching one is told in the coverage)")]
pub(crate) struct LimitArgs {
    /// Containers inside containers.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(crate) max_depth: u32,
    /// Decoded bytes for each encoded byte of a member, beyond 256 MiB.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) max_ratio: u64,
    /// Entries of all containers in one top-level file.
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    pub(crate) max_entries: u64,
    /// Decoded bytes of all containers in one top-level file.
    #[arg(long, value_name = "SIZE", default_value = "4TiB")]
    pub(crate) max_bytes_out: Size,
    /// Decoded members kept in memory; more goes to the spill area.
    #[arg(long, value_name = "SIZE", default_value = "64MiB")]
    pub(crate) max_memory: Size,
    /// Folder of the spill area; the files in it are unlinked at once.
    #[arg(long, value_name = "DIR")]
    pub(crate) spill_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A data kind (`vehicle.vin`), a row (`OTA-1`), or the id of a finding.
    #[arg(value_name = "KIND|ROW|FINDING_ID")]
    pub(crate) what: String,
    /// The JSON report that the finding is in.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) rules: RulebookArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RulebookArgs {
    /// Rulebook, by name or file.
    #[arg(long, value_name = "NAME|FILE", default_value = "cn-auto-2026")]
    pub(crate) rulebook: String,
    /// The organisation's overlay (`yumen.yaml`).
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Language; from the locale by default.
    #[arg(long, value_enum)]
    pub(crate) lang: Option<Language>,
}

#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    pub(crate) command: RulesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// List the rows.
    List(RulebookArgs),
    /// Show one row in full.
    Show {
        /// Id of the row.
        row: String,
        #[command(flatten)]
        rules: RulebookArgs,
    },
    /// Check a rulebook and its overlay.
    Check {
        /// The rulebook to check; the same as `--rulebook`.
        #[arg(value_name = "FILE", conflicts_with = "rulebook")]
        file: Option<String>,
        #[command(flatten)]
        rules: RulebookArgs,
    },
}

#[derive(Debug, Args)]
pub(crate) struct FormatsArgs {
    /// Output.
    #[arg(long, value_enum, default_value_t = FormatsOutput::Human)]
    pub(crate) format: FormatsOutput,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatsOutput {
    Human,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Listing {
    /// Those with findings, notes or opaque bytes.
    Findings,
    /// All of them.
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Zh,
    En,
}

impl Language {
    /// The language asked for, else the locale's.
    pub(crate) fn resolve(asked: Option<Language>) -> yumen_report::Lang {
        let zh = match asked {
            Some(language) => language == Language::Zh,
            None => ["LC_ALL", "LC_MESSAGES", "LANG"]
                .iter()
                .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
                .is_some_and(|locale| locale.starts_with("zh")),
        };
        if zh { yumen_report::Lang::Zh } else { yumen_report::Lang::En }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputFormat {
    Human,
    Json,
    Markdown,
}

/// A format, and the file it goes to.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    pub(crate) format: OutputFormat,
    pub(crate) file: Option<PathBuf>,
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = match text.split_once('=') {
            Some((_, "")) => return Err("give a file after `=`".to_owned()),
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let format = match name {
            "human" => OutputFormat::Human,
            "json" => OutputFormat::Json,
            "markdown" => OutputFormat::Markdown,
            "sarif" | "junit" | "html" => {
                return Err(format!("{name} is not built yet; there are human, json, markdown"));
            }
            _ => return Err("not a format; there are human, json, markdown".to_owned()),
        };
        Ok(Output { format, file })
    }
}

/// How many places are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places(pub(crate) usize);

impl FromStr for Places {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Places(usize::MAX - 1)),
            n => n.parse().map(Places).map_err(|_| "give a number, or `all`".to_owned()),
        }
    }
}

/// A size in bytes: `64MiB`, `2 GB`, `1000`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size(pub(crate) u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || "give a size such as 512MiB or 2GB".to_owned();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kib" => 1 << 10,
            "m" | "mib" => 1 << 20,
            "g" | "gib" => 1 << 30,
            "t" | "tib" => 1 << 40,
            "kb" => 1000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            _ => return Err(bad()),
        };
        number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).map(Size).ok_or_else(bad)
    }
}

/// A duration: `90`, `30s`, `10m`, `1h30m`.
fn duration(text: &str) -> Result<Duration, String> {
    let bad = || "give a duration such as 30s, 10m or 1h30m".to_owned();
    let mut total = Duration::ZERO;
    let mut number = String::new();
    let mut any = false;
    for c in text.chars() {
        if c.is_ascii_digit() || c == '.' {
            number.push(c);
            continue;
        }
        let factor = match c {
            's' => 1.0,
            'm' => 60.0,
            'h' => 3600.0,
            'd' => 86400.0,
            _ => return Err(bad()),
        };
        let seconds = number.parse::<f64>().map_err(|_| bad())? * factor;
        total += Duration::try_from_secs_f64(seconds).map_err(|_| bad())?;
        number.clear();
        any = true;
    }
    if !number.is_empty() {
        if any {
            return Err(bad());
        }
        let seconds = number.parse::<f64>().map_err(|_| bad())?;
        total = Duration::try_from_secs_f64(seconds).map_err(|_| bad())?;
        any = true;
    }
    if any { Ok(total) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_and_durations() {
        assert_eq!("64MiB".parse::<Size>().unwrap().0, 64 << 20);
        assert_eq!("2 GB".parse::<Size>().unwrap().0, 2_000_000_000);
        assert!("x".parse::<Size>().is_err() && "99999999999TiB".parse::<Size>().is_err());
        assert_eq!(duration("1h30m").unwrap(), Duration::from_secs(5400));
        assert_eq!(duration("90").unwrap(), Duration::from_secs(90));
        assert!(duration("").is_err() && duration("5x").is_err() && duration("1m5").is_err());
    }

    #[test]
    fn outputs() {
        let o: Output = "json=a=b.json".parse().unwrap();
        assert_eq!((o.format, o.file), (OutputFormat::Json, Some("a=b.json".into())));
        assert!("json=".parse::<Output>().is_err() && "sarif".parse::<Output>().is_err());
    }
}
