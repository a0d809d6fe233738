//! `whotalks check`: runs the rules, and removes the findings that the options exclude.

mod ignore;
mod json;
mod sarif;
mod text;
mod toml_file;

pub(super) use json::finding_row;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use whotalks::check::{self, Earlier, Report, Rule, Severity};
use whotalks::load::Loaded;
use whotalks::model::{At, Map};
use whotalks::policy::Policy;
use whotalks::query::{Filter, SelectorSet, apply_filter, matching_processes, matching_sockets};

use super::findings::{ids_of, is_about};
use super::map::no_capture;
use super::outcome::Outcome;
use super::suggest::{no_match, similar_names};
use crate::cli::{FilterArgs, rule};
use crate::messages::message;
use crate::{input, output};
use ignore::IgnoreFile;

const AFTER_HELP: &str = "\
A series, or several snapshots of one boot, is also checked by the rules about changes over time. \
With a single capture these rules are unknown, which is reported if --rule names them.

Exit code 1 means that there is a finding of the severity of --fail-on or higher.

Examples:
  whotalks check                        capture this machine
  whotalks check web1.whotalks --min-severity medium
  whotalks check --rule WT101 --fail-on unknown desk.whotalks
  whotalks check unit:nginx.service old.whotalks new.whotalks
  whotalks check --format json web1.whotalks | jq -r '.findings[].title'
  whotalks check --format sarif web1.whotalks > web1.sarif
  whotalks check --baseline monday.whotalks tuesday.whotalks
  whotalks check --policy policy.toml web1.whotalks

Entry of an ignore file. selector, title and expires are optional; title may contain the \
wildcards * and ?.
  [[ignore]]
  code = \"WT301\"
  selector = \"socket:/run/app.sock\"
  title = \"*app.sock*\"
  reason = \"the server checks credentials\"
  expires = 2027-01-31";

/// `whotalks check`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct CheckArgs {
    /// Hide findings below this severity
    #[arg(long, value_enum, value_name = "SEVERITY", default_value = "low")]
    pub(crate) min_severity: Severity,
    /// Exit with 1 if there is a finding of this severity or higher
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t)]
    pub(crate) fail_on: FailOn,
    /// Run only this rule (repeatable)
    #[arg(long, value_name = "CODE", value_parser = rule::parse)]
    pub(crate) rule: Vec<&'static Rule>,
    /// Ignore the findings listed in this TOML file; warn about entries that match nothing
    #[arg(long, value_name = "FILE")]
    pub(crate) ignore: Option<PathBuf>,
    /// Hide findings that are also in this older snapshot, compared by rule and role, not by pid
    #[arg(long, value_name = "OLD")]
    pub(crate) baseline: Option<PathBuf>,
    /// Check conversations against this policy (WT501, WT502; see whotalks learn)
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Print repeated findings too, not only their number (text)
    #[arg(long)]
    pub(crate) all: bool,
    /// Print which rules could not be evaluated, and why (text)
    #[arg(long)]
    pub(crate) unknown: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: CheckFormat,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}

/// What makes the exit code 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum FailOn {
    /// Any finding
    #[default]
    Low,
    /// A finding of medium or high severity
    Medium,
    /// A finding of high severity
    High,
    /// Any finding, or a rule without an answer
    Unknown,
}

/// Output formats of `check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum CheckFormat {
    /// Plain text
    #[default]
    Text,
    /// JSON
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

pub(super) fn run(args: &CheckArgs) -> Result<Outcome> {
    let loaded = open(args)?;
    let at = args.selection.at;
    let options = check::Options {
        rules: args.rule.iter().map(|rule| rule.code).collect(),
        policy: args.policy.as_deref().map(read_policy).transpose()?,
    };
    let needs_policy = |code: &&&str| matches!(**code, "WT501" | "WT502");
    if let Some(code) = options.rules.iter().find(needs_policy)
        && options.policy.is_none()
    {
        bail!("--rule {code}: needs --policy FILE");
    }
    let ignore = args.ignore.as_deref().map(IgnoreFile::read).transpose()?;
    let baseline = args.baseline.as_deref();
    let baseline = baseline.map(|old| baseline_keys(old, &options));
    let baseline = baseline.transpose()?.unwrap_or_default();
    let judged = check::judge(&loaded, at, &options);
    let (map, mut report) = judged.ok_or_else(no_capture)?;
    let findings = &mut report.findings;
    findings.retain(|finding| !baseline.contains(&finding.key));
    if let Some(ignore) = ignore {
        for line in ignore.apply(&map, &mut report) {
            message!("{line}");
        }
    }
    let findings = &mut report.findings;
    findings.retain(|finding| finding.severity >= args.min_severity);
    let hosts = map.hosts.clone();
    keep_selected(map, &args.selection, &mut report)?;
    let detail = text::Detail {
        all: args.all,
        // Who names rules, or fails on unknown ones, wants to know why.
        unknown: args.unknown || !args.rule.is_empty() || args.fail_on == FailOn::Unknown,
    };
    output::stdout(|out| match args.format {
        CheckFormat::Text => text::write(out, &hosts, &report, detail),
        CheckFormat::Json => json::write(out, &report),
        CheckFormat::Sarif => sarif::write(out, &report),
    })?;
    Ok(Outcome::found_if(is_failure(&report, args.fail_on)))
}

/// Opens the snapshots, with the earlier captures of a series if a rule uses them.
fn open(args: &CheckArgs) -> Result<Vec<Loaded>> {
    let files = args.selection.files();
    let at = args.selection.at;
    let uses_history = |rule: &&Rule| rule.earlier != Earlier::Unused;
    if args.rule.is_empty() || args.rule.iter().any(uses_history) {
        return input::open_history(&files, |loaded| check::needed(loaded, at));
    }
    input::open_at(&files, at).map(input::loaded)
}

fn read_policy(path: &Path) -> Result<Policy> {
    toml_file::read(path)?
        .parse()
        .with_context(|| format!("{}: not a policy", path.display()))
}

/// Keys of the findings in an older snapshot.
fn baseline_keys(old: &Path, options: &check::Options) -> Result<BTreeSet<String>> {
    let needed = |loaded: &[Loaded]| check::needed(loaded, At::Last);
    let loaded = input::open_history(&[old.to_owned()], needed)?;
    let report = check::judge(&loaded, At::Last, options).map(|(_, report)| report);
    let findings = report.unwrap_or_default().findings.into_iter();
    Ok(findings.map(|finding| finding.key).collect())
}

/// Removes findings about processes and sockets that the selectors do not choose.
fn keep_selected(map: Map, selection: &FilterArgs, report: &mut Report) -> Result<()> {
    let filter = selection.filter()?;
    if filter.is_empty() {
        return Ok(());
    }
    let similar = similar_names(&map, selection);
    if !filter.only.is_empty() {
        let processes = matching_processes(&map, &filter.only);
        let sockets = matching_sockets(&map, &filter.only);
        if !processes.contains(&true) && !sockets.contains(&true) {
            return Err(no_match(&similar));
        }
        let ids = ids_of(&map, |index| processes[index], |index| sockets[index]);
        report.findings.retain(|finding| is_about(finding, &ids));
    }
    let rest = Filter {
        only: SelectorSet::default(),
        ..filter
    };
    let (map, found) = apply_filter(map, &rest);
    if !found {
        return Err(no_match(&similar));
    }
    let ids = ids_of(&map, |_| true, |_| true);
    report.findings.retain(|finding| is_about(finding, &ids));
    Ok(())
}

fn is_failure(report: &Report, fail_on: FailOn) -> bool {
    let worst = report.findings.iter().map(|finding| finding.severity).max();
    match fail_on {
        FailOn::Low => worst.is_some(),
        FailOn::Medium => worst >= Some(Severity::Medium),
        FailOn::High => worst >= Some(Severity::High),
        FailOn::Unknown => worst.is_some() || !report.unknown.is_empty(),
    }
}
