//! `yumen scan`: from paths to verdict.

use std::collections::{BTreeMap, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use serde_json::Value;
use yumen_model::verdict::{Class, Outcome, Text};
use yumen_model::{ArtifactEntry, Detector, KindSet, ScanOutcome, SubjectKey};
use yumen_report::{
    ChecklistItem, CodedText, Input, Lang, Recipient, Report, Run, ShipmentInfo, TerminalOptions, Tool,
};
use yumen_route::{Case, Shipment};
use yumen_rules::condition::Condition;
use yumen_rules::{Globs, Rulebook};
use yumen_scan::{Enough, Limits, ScanOptions, StopFlag};

use crate::args::{Colour, Language, Listing, Output, OutputFormat, ScanArgs};
use crate::error::Failure;
use crate::progress::Bar;
use crate::{CommandResult, ERROR, HOLD, PASS, fences, output, rules, wiring};

pub(crate) fn run(args: &ScanArgs) -> CommandResult {
    if args.history {
        return Err(Failure::NotBuilt {
            what: "--history".to_owned(),
            help: "without it a git repository is one opaque artifact, and holds".to_owned(),
        });
    }
    let to_stdout = args.formats.iter().filter(|o| o.file.is_none()).count();
    if to_stdout > 1 {
        return Err(Failure::Outputs);
    }
    let started = (Instant::now(), Timestamp::now());
    let rulebook = rules::load(&args.rulebook, args.config.as_deref())?;
    let shipment = load_shipment(args.shipment.as_deref(), &rulebook)?;
    let mut options = options(args, shipment.as_ref(), rulebook.key_file())?;
    let fences = fences::load(&rulebook, args.config.as_deref())?;
    options.watch = fences.watch;
    let rulebook = Arc::new(rulebook);
    options.enough = args.fast.then(|| enough(Arc::clone(&rulebook)));
    let (baseline, paths) = sides(args)?;
    // Whatever has a digest can be compared.
    options.all_artifacts |= baseline.is_some();
    let as_of = args.as_of.unwrap_or_else(today_in_shanghai);

    let stop = StopFlag::new(args.timeout.map(|t| started.0 + t));
    catch_interrupts(&stop);
    let bar = Bar::new();
    let (registry, detectors) = (wiring::registry(), wiring::detectors());
    let scan = |paths: &[PathBuf]| yumen_scan::scan(paths, &registry, &detectors, &options, &stop, &bar);
    let before = baseline.map(|b| scan(std::slice::from_ref(b)).map(|outcome| (b, outcome))).transpose();
    let scanned = before.and_then(|before| Ok((before, scan(paths)?)));
    bar.finish();
    let (before, mut outcome) = scanned.map_err(Failure::Inputs)?;
    let delta = before.map(|(path, before)| {
        outcome.complete &= before.complete;
        let baseline = input(path, &before.artifacts, &stop);
        yumen_report::delta::compare(baseline, &before, &shown(&paths[0]), &outcome)
    });

    let complete = outcome.complete;
    let inputs = paths.iter().map(|p| input(p, &outcome.artifacts, &stop)).collect();
    if delta.is_some() && args.artifacts == Listing::Findings {
        list_notable(&mut outcome);
    }
    let mut report = decide(args, &rulebook, shipment.as_ref(), outcome, as_of, &detectors).with_inputs(inputs);
    report.notes.extend(fences.note);
    report.delta = delta;
    if !args.reproducible {
        report.run = Some(run_facts(args, started));
    }
    deliver(args, &report)?;
    if !bar.is_shown() {
        summary_line(&report, bar.files(), started.0);
    }
    Ok(match (complete, report.verdict.outcome) {
        (false, _) => ERROR,
        (true, Outcome::Pass) => PASS,
        (true, Outcome::Hold) => HOLD,
    })
}

/// The baseline of a difference, and the paths that are the shipment.
fn sides(args: &ScanArgs) -> Result<(Option<&PathBuf>, &[PathBuf]), Failure> {
    match (args.delta, &args.paths[..]) {
        (false, paths) => Ok((None, paths)),
        (true, [baseline, new]) => Ok((Some(baseline), std::slice::from_ref(new))),
        (true, other) => Err(Failure::Delta { given: other.len() }),
    }
}

/// Leaves out of the list what has neither findings nor notes nor opaque bytes.
fn list_notable(outcome: &mut ScanOutcome) {
    let told: HashSet<&str> = (outcome.findings.iter().map(|f| f.artifact.as_str()))
        .chain(outcome.opaque.iter().map(|o| o.artifact.as_str()))
        .collect();
    let keep: Vec<bool> =
        outcome.artifacts.iter().map(|a| !a.notes.is_empty() || told.contains(a.path.as_str())).collect();
    let mut keep = keep.into_iter();
    outcome.artifacts.retain(|_| keep.next().unwrap_or(true));
}

fn load_shipment(path: Option<&Path>, rulebook: &Rulebook) -> Result<Option<Shipment>, Failure> {
    path.map(|path| Shipment::load(path, rulebook)).transpose().map_err(|e| Failure::Reports(e.into_reports()))
}

fn options(args: &ScanArgs, shipment: Option<&Shipment>, key: Option<&Path>) -> Result<ScanOptions, Failure> {
    let limits = Limits {
        depth: args.limits.max_depth,
        ratio: args.limits.max_ratio,
        entries: args.limits.max_entries,
        bytes_out: args.limits.max_bytes_out.0,
        memory: args.limits.max_memory.0,
    };
    Ok(ScanOptions {
        jobs: args.jobs,
        limits,
        places: args.places.0,
        all_artifacts: args.artifacts == Listing::All,
        exclude: globs(&args.exclude)?,
        covered: covered(shipment)?,
        spill: args.limits.spill_dir.clone(),
        key: key.map(subject_key).transpose()?,
        watch: None,
        enough: None,
    })
}

/// What settles the class of an artifact for an early answer: a finding that by itself feeds a row of at least a candidate of important data.
fn enough(rulebook: Arc<Rulebook>) -> Enough {
    Arc::new(move |kind, distinct| {
        let values: BTreeMap<&str, Value> = distinct.iter().map(|(name, value)| (*name, value.into())).collect();
        rulebook.class_of(kind, |name| values.get(name)).is_some_and(|class| class <= Class::ImportantCandidate)
    })
}

/// The organisation's own key for subject tokens, derived from the whole of a file.
fn subject_key(path: &Path) -> Result<SubjectKey, Failure> {
    let bad = |cause: String| Failure::Read { path: path.display().to_string(), cause };
    let bytes = std::fs::read(path).map_err(|e| bad(e.kind().to_string()))?;
    if bytes.len() < 32 {
        return Err(bad("a key file has at least 32 bytes".to_owned()));
    }
    Ok(SubjectKey::new(blake3::derive_key("yumen 2026 subject tokens", &bytes)))
}

/// Globs with the meaning that the manifest's have: `*` stays within a name, and what lies inside is meant too.
fn globs(patterns: &[String]) -> Result<GlobSet, Failure> {
    let globs = Globs::new(patterns).map_err(|(at, cause)| Failure::Glob { glob: patterns[at].clone(), cause })?;
    Ok(globs.set().clone())
}

/// The artifacts whose persons an exemption covers.
fn covered(shipment: Option<&Shipment>) -> Result<GlobSet, Failure> {
    let bad = |e: globset::Error| Failure::Glob {
        glob: e.glob().unwrap_or_default().to_owned(),
        cause: e.kind().to_string(),
    };
    let mut set = GlobSetBuilder::new();
    for glob in shipment.map(Shipment::covered_globs).unwrap_or_default() {
        set.add(GlobBuilder::new(&glob).literal_separator(true).backslash_escape(true).build().map_err(bad)?);
    }
    set.build().map_err(bad)
}

fn today_in_shanghai() -> Date {
    let shanghai = TimeZone::fixed(Offset::constant(8));
    Timestamp::now().to_zoned(shanghai).date()
}

/// Ctrl-C asks the scan to end; a second one ends the process.
fn catch_interrupts(stop: &StopFlag) {
    let stop = stop.clone();
    // Where a handler can't be set, Ctrl-C ends the process at once.
    let _ = ctrlc::set_handler(move || {
        if stop.is_interrupted() {
            std::process::abort();
        }
        stop.interrupt();
    });
}

fn decide(
    args: &ScanArgs,
    rulebook: &Rulebook,
    shipment: Option<&Shipment>,
    outcome: ScanOutcome,
    as_of: Date,
    detectors: &[Box<dyn Detector>],
) -> Report {
    let decision = yumen_route::decide(&Case {
        rulebook,
        outcome: &outcome,
        shipment,
        prior_personal: args.prior_personal,
        prior_sensitive: args.prior_sensitive,
        as_of,
    });
    let tool = Tool { name: "yumen".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let mut report = Report::new(
        tool,
        rules::info(rulebook),
        outcome,
        decision.subjects,
        decision.classifications,
        decision.verdict,
    );
    let coded = |list: Vec<(String, Text)>| list.into_iter().map(|(code, text)| CodedText { code, text });
    report.examined = decision.examined;
    report.checklist = decision.checklist.into_iter().map(|(id, text)| ChecklistItem { id, text }).collect();
    report.notes = coded(decision.standing_notes)
        .chain(not_looked_for(rulebook, detectors))
        .chain(coded(decision.overlay_notes))
        .chain(coded(decision.unused))
        .collect();
    report.shipment = shipment.map(shipment_info);
    report
}

/// Rows that rest on data kinds for which this build has no detector: nobody looked, so nothing is ruled out.
fn not_looked_for(rulebook: &Rulebook, detectors: &[Box<dyn Detector>]) -> Option<CodedText> {
    let looked_for: KindSet = detectors.iter().flat_map(|d| d.kinds().iter().copied()).collect();
    let rows: Vec<&str> = rulebook
        .rows()
        .iter()
        .filter(|row| {
            let kinds = row.when.as_ref().map(Condition::kinds).unwrap_or_default();
            !kinds.is_empty() && !kinds.intersects(looked_for)
        })
        .map(|row| row.id.as_str())
        .collect();
    if rows.is_empty() {
        return None;
    }
    let rows = rows.join(", ");
    Some(CodedText {
        code: "rows-not-looked-for".to_owned(),
        text: Text::new(
            format!("本版本尚无以下规则行所需的检测能力，未发现不等于不存在，须由人判断：{rows}。"),
            format!(
                "This build has no detector for what these rows rest on; that nothing was found rules nothing out, and a person has to judge: {rows}."
            ),
        ),
    })
}

fn shipment_info(shipment: &Shipment) -> ShipmentInfo {
    ShipmentInfo {
        id: shipment.id().to_owned(),
        processor: shipment.processor().name.clone(),
        recipient: shipment
            .recipient()
            .map(|r| Recipient { name: r.name.clone(), country: r.country.clone().unwrap_or_default() }),
        scenario: shipment.scenario().map(str::to_owned),
        purpose: shipment.purpose().map(str::to_owned),
        transfer_date: shipment.transfer_date().map(|d| d.to_string()),
        digest: shipment.digest().to_owned(),
    }
}

/// A path of the command line as reports show it.
fn shown(path: &Path) -> String {
    yumen_model::escape_path(path.as_os_str().as_encoded_bytes())
}

/// What was named on the command line, with the digest of each file: a release gate can check that what ships is what was scanned.
fn input(path: &Path, artifacts: &[ArtifactEntry], stop: &StopFlag) -> Input {
    let shown = shown(path);
    let file = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file);
    let known = artifacts.iter().find(|a| a.path == shown).and_then(|a| a.digest.clone());
    let digest = file.as_ref().and_then(|_| known.or_else(|| digest(path, stop)));
    Input { path: shown, bytes: file.map(|m| m.len()), digest }
}

/// Digest of a file; none when it can't be read or the scan is to stop.
fn digest(path: &Path, stop: &StopFlag) -> Option<String> {
    let mut file = std::fs::File::open(path).ok()?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n = file.read(&mut buffer).ok()?;
        if n == 0 {
            return Some(format!("blake3:{}", hasher.finalize().to_hex()));
        }
        if stop.is_raised() {
            return None;
        }
        hasher.update(&buffer[..n]);
    }
}

fn run_facts(args: &ScanArgs, started: (Instant, Timestamp)) -> Run {
    let mut options: BTreeMap<String, Value> = BTreeMap::new();
    if let Some(timeout) = args.timeout {
        options.insert("timeout_s".to_owned(), Value::from(timeout.as_secs_f64()));
    }
    if !args.exclude.is_empty() {
        options.insert("exclude".to_owned(), Value::from(args.exclude.clone()));
    }
    let jobs = match args.jobs {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        n => n,
    };
    Run {
        started: started.1.to_string(),
        finished: Timestamp::now().to_string(),
        duration_s: (started.0.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        host: None,
        jobs: jobs as u64,
        options,
    }
}

fn deliver(args: &ScanArgs, report: &Report) -> Result<(), Failure> {
    let lang = Language::resolve(args.lang);
    let human = [Output { format: OutputFormat::Human, file: None }];
    let outputs = if args.formats.is_empty() { &human[..] } else { &args.formats };
    for wanted in outputs {
        let text = render(report, wanted, lang, args.color);
        match &wanted.file {
            Some(path) => output::file(path, &text)?,
            None => output::stdout(&text)?,
        }
    }
    Ok(())
}

fn render(report: &Report, wanted: &Output, lang: Lang, colour: Colour) -> String {
    match wanted.format {
        OutputFormat::Json => report.to_json(true),
        OutputFormat::Markdown => yumen_report::markdown(report, lang),
        OutputFormat::Human => {
            let terminal = wanted.file.is_none() && std::io::IsTerminal::is_terminal(&std::io::stdout());
            let width = match (terminal, terminal_size::terminal_size()) {
                (true, Some((width, _))) => usize::from(width.0),
                _ => 100,
            };
            let colour = match colour {
                Colour::Always => true,
                Colour::Never => false,
                Colour::Auto => terminal && std::env::var_os("NO_COLOR").is_none(),
            };
            yumen_report::terminal(report, &TerminalOptions { lang, width, colour, ..TerminalOptions::default() })
        }
    }
}

/// One last line for logs, where no bar was shown.
fn summary_line(report: &Report, files: u64, started: Instant) {
    let outcome = if report.verdict.outcome == Outcome::Pass { "pass" } else { "hold" };
    let incomplete = if report.complete { "" } else { ", incomplete" };
    output::stderr_line(&format!(
        "yumen: {outcome}{incomplete}: {files} files, {} bytes after unpacking, {} findings, {} opaque bytes, {} questions, {:.1} s",
        report.coverage.total,
        report.findings.len(),
        report.coverage.opaque,
        report.verdict.questions.len(),
        started.elapsed().as_secs_f64(),
    ));
}
