//! The rows of the text output: sign and kind, subject, detail. Changes of listeners come first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use whotalks::diff::{
    Alteration, Aspect, Change, DescriptorChange, LinkChange, ListenerChange, ProcessChange,
};
use whotalks::graph::program;
use whotalks::model::{Map, ProcessId, SocketId};
use whotalks::query::LinkKind;

use super::comparison::Comparison;
use crate::terminal::{count, plural, thousands};

/// All rows, in the order in which they are to be acted on.
pub(super) fn rows(comparison: &Comparison) -> Vec<Vec<String>> {
    let diff = &comparison.diff;
    let mut rows = Vec::new();
    for change in [Change::Added, Change::Removed, Change::Replaced] {
        let listeners = diff.listeners.iter().filter(|row| row.change == change);
        rows.extend(listeners.map(|row| listener(comparison, row)));
    }
    rows.extend(diff.unlinked.iter().map(|row| {
        let holder = holder(&comparison.new, row.new, &row.role);
        let sign = match row.change {
            Change::Removed => "!",
            _ => "~",
        };
        cells(
            sign,
            unlinked_word(row.change),
            row.name.text.clone(),
            holder,
        )
    }));
    rows.extend(diff.altered.iter().map(|row| altered(comparison, row)));
    for change in [Change::Added, Change::Removed, Change::Changed] {
        let links = diff.links.iter().filter(|row| row.change == change);
        let mut links: Vec<_> = links.collect();
        links.sort_by_key(|row| Reverse(row.old.abs_diff(row.new)));
        rows.extend(links.into_iter().map(link));
    }
    use Change::{Added, Changed, Removed, Replaced};
    for change in [Added, Removed, Changed, Replaced] {
        let processes = diff.processes.iter().filter(|row| row.change == change);
        rows.extend(processes.map(|row| process(comparison, row)));
    }
    rows.extend(descriptors(comparison));
    rows
}

/// Whether a path leads to its listener no more, or again.
pub(super) fn unlinked_word(change: Change) -> &'static str {
    match change {
        Change::Removed => "unlinked",
        _ => "relinked",
    }
}

fn altered(comparison: &Comparison, row: &Alteration) -> Vec<String> {
    let subject = match (&row.listener, &row.processes.new[..]) {
        (Some((name, sockets)), _) if row.aspect != Aspect::Holder => {
            let holder = holder(&comparison.new, sockets.new, &row.roles.new);
            format!("{}  {holder}", name.text)
        }
        (Some((name, _)), _) => name.text.clone(),
        (None, [process]) if row.roles.old == row.roles.new => {
            with_pid(&comparison.new, &row.roles.new, *process)
        }
        (None, [process]) => {
            let pid = comparison.new.process(*process).pid;
            format!("{} → {} [{pid}]", row.roles.old, row.roles.new)
        }
        (None, processes) => {
            let count = plural(processes.len(), "process", "processes");
            format!("{} ({count})", row.roles.new)
        }
    };
    let what = match row.aspect {
        Aspect::ExecutableFile => "executable",
        aspect => aspect.as_str(),
    };
    let detail = match row.aspect {
        Aspect::Capabilities | Aspect::Namespace => word_changes(&row.from, &row.to),
        _ => format!("{} → {}", row.from, row.to),
    };
    cells("~", what, subject, detail)
}

/// The words that two lists do not share: `-net_raw +sys_admin`.
fn word_changes(from: &str, to: &str) -> String {
    let words = |text: &'_ str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
    let (old, new) = (words(from), words(to));
    let is_list = |words: &[String]| {
        !words
            .iter()
            .any(|word| word == "all" || word.ends_with(','))
    };
    if !is_list(&old) || !is_list(&new) {
        return format!("{from} → {to}");
    }
    let only = |sign: char, here: &[String], there: &[String]| -> Vec<String> {
        let only = here
            .iter()
            .filter(|word| !there.contains(word) && *word != "none");
        only.map(|word| format!("{sign}{word}")).collect()
    };
    [only('-', &old, &new), only('+', &new, &old)]
        .concat()
        .join(" ")
}

fn cells(sign: &str, what: &str, subject: String, detail: String) -> Vec<String> {
    vec![format!("{sign} {what}"), subject, detail]
}

/// `+` added, `-` removed, `~` changed.
pub(super) fn sign(change: Change) -> &'static str {
    match change {
        Change::Added => "+",
        Change::Removed => "-",
        Change::Changed | Change::Replaced => "~",
    }
}

fn listener(comparison: &Comparison, row: &ListenerChange) -> Vec<String> {
    let holder = match (row.new, row.old) {
        (Some(socket), _) => holder(&comparison.new, socket, &row.role),
        (None, Some(socket)) => holder(&comparison.old, socket, &row.role),
        (None, None) => row.role.clone(),
    };
    let protocol = match row.protocol {
        "unix" | "tcp" => String::new(),
        other => format!(" ({other})"),
    };
    let rebound = match row.change {
        Change::Replaced => " bound anew",
        _ => "",
    };
    let name = match row.name.text.is_empty() {
        true => "(unnamed)".to_owned(),
        false => row.name.text.clone(),
    };
    let (subject, detail) = (format!("{name}{protocol}"), format!("{holder}{rebound}"));
    cells(sign(row.change), "listener", subject, detail)
}

/// A role, with the pid if a single process holds the socket.
fn holder(map: &Map, socket: SocketId, role: &str) -> String {
    match map.holding_processes(socket)[..] {
        [process] => with_pid(map, role, process),
        _ => role.to_owned(),
    }
}

fn with_pid(map: &Map, role: &str, process: ProcessId) -> String {
    let process = map.process(process);
    // With `--by process` the role contains the pid.
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
        LinkKind::Pipe => "  pipe",
        _ => "",
    };
    let via = match row.via.text.is_empty() {
        true => String::new(),
        false => format!("  {}", row.via.text),
    };
    let ends = format!("{} → {}", row.client, row.server);
    let detail = format!("{count}{kind}{via}");
    cells(sign(row.change), "link", ends, detail)
}

fn process(comparison: &Comparison, row: &ProcessChange) -> Vec<String> {
    let label = |map: &Map, processes: &[ProcessId]| match processes {
        [process] => with_pid(map, &row.role, *process),
        _ => row.role.clone(),
    };
    let count_of = |processes: &[ProcessId]| plural(processes.len(), "process", "processes");
    let count_if_several = |processes: &[ProcessId]| match processes {
        [_] => String::new(),
        processes => count_of(processes),
    };
    let (what, subject, detail) = match row.change {
        Change::Added => {
            let subject = label(&comparison.new, &row.new);
            ("process", subject, count_if_several(&row.new))
        }
        Change::Removed => {
            let subject = label(&comparison.old, &row.old);
            ("process", subject, count_if_several(&row.old))
        }
        Change::Changed => {
            let sizes = format!("{} → {}", thousands(row.old.len()), count_of(&row.new));
            ("process", row.role.clone(), sizes)
        }
        Change::Replaced => {
            let detail = match (&row.old[..], &row.new[..]) {
                ([old], [new]) => {
                    let (old, new) = (comparison.old.process(*old), comparison.new.process(*new));
                    format!("[{}] → [{}]", old.pid, new.pid)
                }
                _ => count_of(&row.new),
            };
            ("replaced", row.role.clone(), detail)
        }
    };
    cells(sign(row.change), what, subject, detail)
}

/// A row for each role: the sum of its descriptors, and the kinds whose number changed.
fn descriptors(comparison: &Comparison) -> Vec<Vec<String>> {
    let mut roles: BTreeMap<&str, Vec<&DescriptorChange>> = BTreeMap::new();
    for row in &comparison.diff.descriptors {
        roles.entry(&row.role).or_default().push(row);
    }
    let mut lines: Vec<(u64, Vec<String>)> = Vec::new();
    for (role, mut kinds) in roles {
        kinds.sort_by_key(|row| Reverse(row.old.abs_diff(row.new)));
        let total = |of: fn(&DescriptorChange) -> u64| kinds.iter().map(|row| of(row)).sum::<u64>();
        let (old, new) = (total(|row| row.old), total(|row| row.new));
        let changes: Vec<String> = kinds.iter().map(|row| kind_change(row)).collect();
        let holder = match &kinds[0].processes[..] {
            [only] => with_pid(&comparison.new, role, *only),
            _ => role.to_owned(),
        };
        let detail = match kinds[..] {
            [only] => format!("{} {} → {}", only.kind, count(old), count(new)),
            _ => format!("{} → {} ({})", count(old), count(new), changes.join(", ")),
        };
        lines.push((old.abs_diff(new), cells("~", "fds", holder, detail)));
    }
    lines.sort_by_key(|(change, _)| Reverse(*change));
    lines.into_iter().map(|(_, line)| line).collect()
}

/// `eventfd +1,560`
fn kind_change(row: &DescriptorChange) -> String {
    let sign = if row.new >= row.old { '+' } else { '-' };
    format!("{} {sign}{}", row.kind, count(row.old.abs_diff(row.new)))
}
