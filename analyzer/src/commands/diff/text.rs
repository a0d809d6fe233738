//! Text output of `diff`: what the captures are, the rows, and what they leave out.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Result;
use whotalks::diff::{Change, Diff, HostRelation, MatchReason, Pair, role};
use whotalks::export::rfc3339;
use whotalks::graph::program;
use whotalks::model::{Host, Map};
use whotalks::text::escape;

use super::comparison::Comparison;
use super::rows::{rows, sign};
use crate::commands::coverage::hidden_logs;
use crate::terminal::{self, color, noise, plural, thousands, visible_rows};

/// More rows than these have a summary above.
const SUMMARY_ROWS: usize = 12;
const UNEQUAL: &str = "unequal coverage";

/// Writes the answer; with `all` every row, and with `why` the processes that were matched.
pub(super) fn write(
    out: &mut dyn Write,
    comparison: &Comparison,
    all: bool,
    why: bool,
) -> Result<()> {
    let unequal = !comparison.diff.coverage.comparable;
    for line in headings(comparison) {
        terminal::print_wrapped(out, &line, |line| match line.strip_suffix(UNEQUAL) {
            Some(rest) if unequal => format!("{rest}{}", color::warning(UNEQUAL)),
            _ => line.to_owned(),
        })?;
    }
    for caveat in &comparison.diff.coverage.caveats {
        let line = format!("note: {caveat}");
        terminal::print_wrapped(out, &line, |line| match line.strip_prefix("note:") {
            Some(rest) => format!("{}{rest}", color::warning("note:")),
            None => line.to_owned(),
        })?;
    }
    let rows = rows(comparison);
    if rows.len() > SUMMARY_ROWS {
        writeln!(out, "in short: {}", summary(&comparison.diff))?;
    }
    let visible = visible_rows(rows.len(), all);
    terminal::print_marked(out, "||", &rows[..visible], |column, cell| {
        column == 0 && cell.starts_with('+')
    })?;
    if rows.is_empty() {
        let (verdict, certain) = verdict(comparison);
        let plain = |line: &str| line.to_owned();
        terminal::print_wrapped(out, verdict, if certain { plain } else { color::warning })?;
    }
    if why {
        write_matching(out, comparison)?;
    }
    write_footer(out, comparison, rows.len() - visible)
}

/// `listeners +7 -12, links +45 -55 ~3, processes -2 ~1, fds ~1`
fn summary(diff: &Diff) -> String {
    let listeners = diff.listeners.iter().map(|row| row.change);
    let listeners = listeners.chain(diff.unlinked.iter().map(|_| Change::Changed));
    let links = diff.links.iter().map(|row| row.change);
    let processes = diff.processes.iter().map(|row| row.change);
    let roles: BTreeSet<&str> = diff.descriptors.iter().map(|row| &*row.role).collect();
    let fds = roles.into_iter().map(|_| Change::Changed);
    let (of_listeners, of_processes): (Vec<_>, Vec<_>) =
        diff.altered.iter().partition(|row| row.listener.is_some());
    let listeners = listeners.chain(of_listeners.iter().map(|_| Change::Changed));
    let processes = processes.chain(of_processes.iter().map(|_| Change::Changed));
    let parts = [
        ("listeners", listeners.collect::<Vec<_>>()),
        ("links", links.collect()),
        ("processes", processes.collect()),
        ("fds", fds.collect()),
    ];
    let part = |(what, changes): &(&str, Vec<Change>)| {
        let count = |of: &str| {
            let n = changes.iter().filter(|change| sign(**change) == of).count();
            (n > 0).then(|| format!(" {of}{}", thousands(n)))
        };
        let counts: String = ["+", "-", "~"].into_iter().filter_map(count).collect();
        (!counts.is_empty()).then(|| format!("{what}{counts}"))
    };
    let parts: Vec<String> = parts.iter().filter_map(part).collect();
    parts.join(", ")
}

/// What the absence of rows means, and whether that is certain.
fn verdict(comparison: &Comparison) -> (&'static str, bool) {
    let coverage = &comparison.diff.coverage;
    let is_empty =
        |map: &Map| map.processes.is_empty() && map.sockets.is_empty() && !map.restricted;
    if comparison.is_identical {
        return ("identical: one capture, in which nothing changed", true);
    }
    let verdict = if coverage.other_names {
        "what changed cannot be known: the names are not comparable"
    } else if is_empty(&comparison.old) || is_empty(&comparison.new) {
        "what changed cannot be known: nothing could be read in one of the two"
    } else if coverage.comparable {
        return ("nothing changed", true);
    } else {
        "nothing changed as far as both were read; what was not may have"
    };
    (verdict, false)
}

/// `web1, same boot, 17:00:00Z → 17:10:00Z, equal coverage`
fn headings(comparison: &Comparison) -> Vec<String> {
    let coverage = match comparison.diff.coverage.comparable {
        true => "equal coverage",
        false => UNEQUAL,
    };
    let lines = comparison.diff.hosts.iter().map(|pair| {
        let old = &comparison.old.hosts[pair.old.index()];
        let new = &comparison.new.hosts[pair.new.index()];
        let (before, after) = (name(old), name(new));
        let names = match before == after {
            true => before,
            false => format!("{before} → {after}"),
        };
        let relation = match pair.relation {
            HostRelation::SameBoot => "same boot",
            HostRelation::Elsewhere => "same boot, another pid namespace",
            HostRelation::Rebooted => "restarted between",
            HostRelation::Unknown => "same boot or not: unknown",
            HostRelation::Different => "two machines",
            HostRelation::OtherNames => "names not comparable",
        };
        format!("{names}, {relation}, {}, {coverage}", times(old, new))
    });
    lines.collect()
}

fn name(host: &Host) -> String {
    match host.hostname.is_empty() {
        true => "(unknown host)".to_owned(),
        false => escape::display(&host.hostname),
    }
}

/// Both times to the second; the second without the date if it is the same.
fn times(old: &Host, new: &Host) -> String {
    let text = |host: &Host| match host.started_at_ns {
        0 => "(unknown time)".to_owned(),
        ns => rfc3339(ns),
    };
    let seconds = |text: String| match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    };
    let (old, new) = (seconds(text(old)), seconds(text(new)));
    match (old.split_once('T'), new.split_once('T')) {
        (Some((day, from)), Some((new_day, to))) if day == new_day => format!("{from} → {to}"),
        _ => format!("{old} → {new}"),
    }
}

/// Writes which processes were matched, and why; those matched by identity are one line.
fn write_matching(out: &mut dyn Write, comparison: &Comparison) -> Result<()> {
    let pairs = &comparison.diff.matching.pairs;
    if pairs.is_empty() {
        return Ok(writeln!(out, "taken for the same: nobody")?);
    }
    writeln!(out, "taken for the same:")?;
    let is_same = |pair: &&Pair| pair.why == MatchReason::Identity;
    let (same, others): (Vec<&Pair>, Vec<_>) = pairs.iter().partition(is_same);
    let mut rows = Vec::new();
    if !same.is_empty() {
        let count = plural(same.len(), "process", "processes");
        let why = "same boot, pid and start time".to_owned();
        rows.push(vec![format!("  {count}"), why]);
    }
    for pair in others {
        let old = comparison.old.process(pair.old);
        let new = comparison.new.process(pair.new);
        let line = match pair.why {
            MatchReason::Shape if old.cmdline == new.cmdline => "same command line",
            MatchReason::Shape => "same command line but for numbers and hashes",
            MatchReason::Listener => "listens on the same name, another command line",
            _ => "another command line",
        };
        let both = format!("  {} [{}] = [{}]", program(new), old.pid, new.pid);
        rows.push(vec![both, format!("role {}, {line}", role(new))]);
    }
    terminal::print(out, "|", &rows)
}

/// Writes what the rows leave out.
fn write_footer(out: &mut dyn Write, comparison: &Comparison, hidden: usize) -> Result<()> {
    let ignored = &comparison.diff.ignored;
    let (mut omitted, mut unknown) = (Vec::new(), Vec::new());
    if hidden > 0 {
        let more = plural(hidden, "more difference", "more differences");
        omitted.push(format!("{more} (--all)."));
    }
    if ignored.short_lived > 0 || ignored.small > 0 {
        let noise = noise(ignored.short_lived, ignored.small);
        omitted.push(format!("{noise} ignored (--all)."));
    }
    if ignored.coverage > 0 {
        let text = plural(ignored.coverage, "difference", "differences");
        unknown.push(format!("{text} that coverage may explain not told."));
    }
    omitted.extend(hidden_logs(&comparison.new.hidden_logs));
    terminal::print_footer(out, &omitted, &unknown)
}
