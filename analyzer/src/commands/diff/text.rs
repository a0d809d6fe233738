//! The comparison for people: what to act on first, one line each.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};

use anyhow::Result;
use whotalks::diff::{
    Change, DescriptorChange, Diff, HostRelation, LinkChange, ListenerChange, MatchReason,
    ProcessChange,
};
use whotalks::export::rfc3339;
use whotalks::graph::program;
use whotalks::model::{Host, Map, ProcessId, SocketId};
use whotalks::text::escape;

use super::Compared;
use crate::cli;
use crate::style;
use crate::table::{self, Align, plural, thousands};

/// Rows on a terminal without `--all`.
const ROWS: usize = 40;
/// More rows than these are summed up first.
const MANY: usize = 12;
const UNEQUAL: &str = "unequal coverage";

pub(super) fn write(out: &mut dyn Write, compared: &Compared, options: &cli::Diff) -> Result<()> {
    let unequal = !compared.diff.coverage.comparable;
    for line in headings(compared) {
        table::say(out, &line, |line| match line.strip_suffix(UNEQUAL) {
            Some(rest) if unequal => format!("{rest}{}", style::note(UNEQUAL)),
            _ => line.to_owned(),
        })?;
    }
    for caveat in &compared.diff.coverage.caveats {
        let line = format!("note: {caveat}");
        table::say(out, &line, |line| match line.strip_prefix("note:") {
            Some(rest) => format!("{}{rest}", style::note("note:")),
            None => line.to_owned(),
        })?;
    }
    let rows = rows(compared);
    if rows.len() > MANY {
        writeln!(out, "in short: {}", in_short(&compared.diff))?;
    }
    let all = options.comparison.all || !std::io::stdout().is_terminal();
    let shown = if all {
        rows.len()
    } else {
        rows.len().min(ROWS)
    };
    table::print_bare(
        out,
        &[Align::Left, Align::Left, Align::Left],
        &rows[..shown],
        |column, cell| column == 0 && cell.starts_with('+'),
    )?;
    if rows.is_empty() {
        let (verdict, certain) = verdict(compared);
        let plain = |line: &str| line.to_owned();
        table::say(out, verdict, if certain { plain } else { style::note })?;
    }
    if options.why {
        why(out, compared)?;
    }
    last(out, compared, rows.len() - shown)
}

/// `listeners +7 -12, links +45 -55 ~3, processes -2 ~1, fds ~1`
fn in_short(diff: &Diff) -> String {
    let listeners = diff.listeners.iter().map(|row| row.change);
    let listeners = listeners.chain(diff.unlinked.iter().map(|_| Change::Changed));
    let links = diff.links.iter().map(|row| row.change);
    let processes = diff.processes.iter().map(|row| row.change);
    let roles: BTreeSet<&str> = diff.descriptors.iter().map(|row| &*row.role).collect();
    let fds = roles.into_iter().map(|_| Change::Changed);
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

/// What it means that there is no row, and whether that is certain.
fn verdict(compared: &Compared) -> (&'static str, bool) {
    let coverage = &compared.diff.coverage;
    let nobody = |map: &Map| map.processes.is_empty() && map.sockets.is_empty() && !map.restricted;
    if compared.identical {
        ("identical: one capture, in which nothing changed", true)
    } else if nobody(&compared.old) || nobody(&compared.new) {
        (
            "what changed cannot be known: nothing could be read in one of the two",
            false,
        )
    } else if coverage.comparable {
        ("nothing changed", true)
    } else {
        (
            "nothing changed as far as both were read; what was not may have",
            false,
        )
    }
}

/// `web1, same boot, 17:00:00Z → 17:10:00Z, equal coverage`
fn headings(compared: &Compared) -> Vec<String> {
    let coverage = match compared.diff.coverage.comparable {
        true => "equal coverage",
        false => UNEQUAL,
    };
    let lines = compared.diff.hosts.iter().map(|pair| {
        let old = &compared.old.hosts[pair.old.index()];
        let new = &compared.new.hosts[pair.new.index()];
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

/// Both times to the second; the day where it is another.
fn times(old: &Host, new: &Host) -> String {
    let text = |host: &Host| match host.started_at_ns {
        0 => "(unknown time)".to_owned(),
        ns => rfc3339(ns),
    };
    let (old, new) = (text(old), text(new));
    let short = |text: &str| match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text.to_owned(),
    };
    let (old, new) = (short(&old), short(&new));
    match (old.split_once('T'), new.split_once('T')) {
        (Some((one, from)), Some((two, to))) if one == two => format!("{from} → {to}"),
        _ => format!("{old} → {new}"),
    }
}

fn rows(compared: &Compared) -> Vec<Vec<String>> {
    let diff = &compared.diff;
    let mut rows = Vec::new();
    for change in [Change::Added, Change::Removed, Change::Replaced] {
        let listeners = diff.listeners.iter().filter(|row| row.change == change);
        rows.extend(listeners.map(|row| listener(compared, row)));
    }
    rows.extend(diff.unlinked.iter().map(|row| {
        let who = holder(&compared.new, row.socket, &row.role);
        cells("!", "unlinked", row.name.text.clone(), who)
    }));
    for change in [Change::Added, Change::Removed, Change::Changed] {
        let mut links: Vec<_> = diff
            .links
            .iter()
            .filter(|row| row.change == change)
            .collect();
        links.sort_by_key(|row| std::cmp::Reverse(row.old.abs_diff(row.new)));
        rows.extend(links.into_iter().map(link));
    }
    for change in [
        Change::Added,
        Change::Removed,
        Change::Changed,
        Change::Replaced,
    ] {
        let processes = diff.processes.iter().filter(|row| row.change == change);
        rows.extend(processes.map(|row| process(compared, row)));
    }
    rows.extend(descriptors(compared));
    rows
}

fn cells(sign: &str, what: &str, subject: String, detail: String) -> Vec<String> {
    vec![format!("{sign} {what}"), subject, detail]
}

fn sign(change: Change) -> &'static str {
    match change {
        Change::Added => "+",
        Change::Removed => "-",
        Change::Changed | Change::Replaced => "~",
    }
}

fn listener(compared: &Compared, row: &ListenerChange) -> Vec<String> {
    let (map, socket) = match (row.new, row.old) {
        (Some(socket), _) => (&compared.new, Some(socket)),
        (None, socket) => (&compared.old, socket),
    };
    let who = socket.map_or_else(|| row.role.clone(), |id| holder(map, id, &row.role));
    let protocol = match row.protocol {
        "unix" | "tcp" => String::new(),
        other => format!(" ({other})"),
    };
    let again = match row.change {
        Change::Replaced => " bound anew",
        _ => "",
    };
    let name = match row.name.text.is_empty() {
        true => "(unnamed)".to_owned(),
        false => row.name.text.clone(),
    };
    cells(
        sign(row.change),
        "listener",
        format!("{name}{protocol}"),
        format!("{who}{again}"),
    )
}

/// A role with the pid where one process is meant.
fn holder(map: &Map, socket: SocketId, role: &str) -> String {
    match map.holding_processes(socket)[..] {
        [one] => with_pid(map, role, one),
        _ => role.to_owned(),
    }
}

fn with_pid(map: &Map, role: &str, process: ProcessId) -> String {
    let process = map.process(process);
    // `--by process` has it in the name.
    if role.ends_with(']') {
        return role.to_owned();
    }
    let program = program(process);
    match role.ends_with(&program) {
        true => format!("{role} [{}]", process.pid),
        false => format!("{role} ({program} [{}])", process.pid),
    }
}

fn link(row: &LinkChange) -> Vec<String> {
    let count = match row.change {
        Change::Added => thousands(row.new),
        Change::Removed => thousands(row.old),
        _ => format!("{} → {}", thousands(row.old), thousands(row.new)),
    };
    let kind = match row.kind {
        whotalks::query::LinkKind::Pipe => "  pipe",
        _ => "",
    };
    let via = match row.via.text.is_empty() {
        true => String::new(),
        false => format!("  {}", row.via.text),
    };
    let ends = format!("{} → {}", row.client, row.server);
    cells(
        sign(row.change),
        "link",
        ends,
        format!("{count}{kind}{via}"),
    )
}

fn process(compared: &Compared, row: &ProcessChange) -> Vec<String> {
    let one = |map: &Map, of: &[ProcessId]| match of {
        [one] => with_pid(map, &row.role, *one),
        _ => row.role.clone(),
    };
    let count = |of: &[ProcessId]| plural(of.len(), "process", "processes");
    match row.change {
        Change::Added => cells(
            "+",
            "process",
            one(&compared.new, &row.new),
            several(&row.new),
        ),
        Change::Removed => cells(
            "-",
            "process",
            one(&compared.old, &row.old),
            several(&row.old),
        ),
        Change::Changed => {
            let sizes = format!("{} → {}", thousands(row.old.len()), count(&row.new));
            cells("~", "process", row.role.clone(), sizes)
        }
        Change::Replaced => {
            let detail = match (&row.old[..], &row.new[..]) {
                ([old], [new]) => {
                    let (old, new) = (compared.old.process(*old), compared.new.process(*new));
                    format!("[{}] → [{}]", old.pid, new.pid)
                }
                _ => count(&row.new),
            };
            cells("~", "replaced", row.role.clone(), detail)
        }
    }
}

/// How many, where it is more than one.
fn several(of: &[ProcessId]) -> String {
    match of.len() {
        1 => String::new(),
        count => plural(count, "process", "processes"),
    }
}

/// One line for each role: all its descriptors, and the kinds that moved.
fn descriptors(compared: &Compared) -> Vec<Vec<String>> {
    let mut roles: BTreeMap<&str, Vec<&DescriptorChange>> = BTreeMap::new();
    for row in &compared.diff.descriptors {
        roles.entry(&row.role).or_default().push(row);
    }
    let mut lines: Vec<(u64, Vec<String>)> = Vec::new();
    for (role, mut kinds) in roles {
        kinds.sort_by_key(|row| std::cmp::Reverse(row.old.abs_diff(row.new)));
        let total = |of: fn(&DescriptorChange) -> u64| kinds.iter().map(|row| of(row)).sum::<u64>();
        let (old, new) = (total(|row| row.old), total(|row| row.new));
        let moves: Vec<String> = kinds.iter().map(|row| moved(row)).collect();
        let who = match &kinds[0].processes[..] {
            [one] => with_pid(&compared.new, role, *one),
            _ => role.to_owned(),
        };
        let detail = match kinds[..] {
            [one] => format!("{} {} → {}", one.kind, number(old), number(new)),
            _ => format!("{} → {} ({})", number(old), number(new), moves.join(", ")),
        };
        lines.push((old.abs_diff(new), cells("~", "fds", who, detail)));
    }
    lines.sort_by_key(|(moved, _)| std::cmp::Reverse(*moved));
    lines.into_iter().map(|(_, line)| line).collect()
}

/// `eventfd +1,560`
fn moved(row: &DescriptorChange) -> String {
    let sign = if row.new >= row.old { '+' } else { '-' };
    format!("{} {sign}{}", row.kind, number(row.old.abs_diff(row.new)))
}

fn number(count: u64) -> String {
    thousands(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Why processes are taken for the same: those that certainly are in one line.
fn why(out: &mut dyn Write, compared: &Compared) -> Result<()> {
    let pairs = &compared.diff.matching.pairs;
    let same = pairs
        .iter()
        .filter(|pair| pair.why == MatchReason::Identity)
        .count();
    if pairs.is_empty() {
        return Ok(writeln!(out, "taken for the same: nobody")?);
    }
    writeln!(out, "taken for the same:")?;
    let mut rows = Vec::new();
    if same > 0 {
        rows.push(vec![
            format!("  {}", plural(same, "process", "processes")),
            "same boot, pid and start time".to_owned(),
        ]);
    }
    for pair in pairs
        .iter()
        .filter(|pair| pair.why != MatchReason::Identity)
    {
        let (old, new) = (
            compared.old.process(pair.old),
            compared.new.process(pair.new),
        );
        let role = whotalks::diff::role(new);
        let line = match pair.why {
            MatchReason::Shape if old.cmdline == new.cmdline => "same command line",
            MatchReason::Shape => "same command line but for numbers and hashes",
            MatchReason::Listener => "listens on the same name, another command line",
            _ => "another command line",
        };
        rows.push(vec![
            format!("  {} [{}] = [{}]", program(new), old.pid, new.pid),
            format!("role {role}, {line}"),
        ]);
    }
    table::print_bare(out, &[Align::Left, Align::Left], &rows, |_, _| false)
}

/// What is not told.
fn last(out: &mut dyn Write, compared: &Compared, hidden: usize) -> Result<()> {
    let ignored = &compared.diff.ignored;
    let mut parts = Vec::new();
    if hidden > 0 {
        parts.push(format!(
            "{} (--all).",
            plural(hidden, "more difference", "more differences")
        ));
    }
    let mut unknown = Vec::new();
    if ignored.short_lived > 0 || ignored.small > 0 {
        let noise = table::noise(ignored.short_lived, ignored.small);
        parts.push(format!("{noise} ignored (--all)."));
    }
    if ignored.coverage > 0 {
        let text = plural(ignored.coverage, "difference", "differences");
        unknown.push(format!("{text} that coverage may explain not told."));
    }
    table::last(out, &parts, &unknown)
}
