//! `whotalks check`: runs the rules, and removes the findings that the options exclude.

mod args;
mod ignore;
mod json;
mod sarif;
mod text;
mod toml_file;

pub(super) use args::CheckArgs;
pub(super) use json::{FindingRow, finding_row};

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use whotalks::check::{self, Earlier, Report, Rule, Severity};
use whotalks::load::Loaded;
use whotalks::model::{At, Map};
use whotalks::policy::Policy;
use whotalks::query::{Filter, SelectorSet, apply_filter, matching_processes, matching_sockets};

use super::findings::{ids_of, is_about};
use super::map::report_no_capture;
use super::outcome::Outcome;
use super::suggest::{report_no_match, similar_names};
use crate::cli::FilterArgs;
use crate::messages::message;
use crate::{input, output};
use args::{CheckFormat, FailOn};
use ignore::IgnoreFile;

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
    let baseline = match &args.baseline {
        Some(old) => baseline_keys(old, &options)?,
        None => BTreeSet::new(),
    };
    let Some((map, mut report)) = check::judge(&loaded, at, &options) else {
        report_no_capture();
        return Ok(Outcome::Found);
    };
    report
        .findings
        .retain(|finding| !baseline.contains(&finding.key));
    if let Some(ignore) = ignore {
        for line in ignore.apply(&map, &mut report) {
            message!("{line}");
        }
    }
    report
        .findings
        .retain(|finding| finding.severity >= args.min_severity);
    if !keep_selected(map, &args.selection, &mut report)? {
        return Ok(Outcome::Found);
    }
    output::stdout(|out| match args.format {
        CheckFormat::Text => text::write(out, &report),
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
    let snapshots = input::open_at(&files, at)?;
    Ok(snapshots
        .into_iter()
        .map(|snapshot| snapshot.loaded)
        .collect())
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

/// Removes findings about processes and sockets that the selectors do not choose. False, after a message,
/// if the selectors match nothing.
fn keep_selected(map: Map, selection: &FilterArgs, report: &mut Report) -> Result<bool> {
    let filter = selection.filter()?;
    if filter.is_empty() {
        return Ok(true);
    }
    let similar = similar_names(&map, selection);
    if !filter.only.is_empty() {
        let processes = matching_processes(&map, &filter.only);
        let sockets = matching_sockets(&map, &filter.only);
        if !processes.contains(&true) && !sockets.contains(&true) {
            report_no_match(&similar);
            return Ok(false);
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
        report_no_match(&similar);
        return Ok(false);
    }
    let ids = ids_of(&map, |_| true, |_| true);
    report.findings.retain(|finding| is_about(finding, &ids));
    Ok(true)
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
