//! The answer for people: cycles, then the rows that matter, then what waits as usual in one line.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};

use anyhow::Result;
use whotalks::graph::program;
use whotalks::id;
use whotalks::model::{Call, FdTarget, Map, ProcessId};
use whotalks::query::{self, Class, End, Waiting};

use super::super::incomplete;
use super::call;
use crate::style;
use crate::table::{self, Align, plural, thousands};

/// Rows without `--all`.
const ROWS: usize = 40;
/// Processes that a cell names.
const NAMED: usize = 4;

pub(super) fn write(
    out: &mut dyn Write,
    map: &Map,
    answer: &query::Waits,
    all: bool,
) -> Result<()> {
    if map.waits.is_empty() {
        let mut hosts = map.hosts.iter();
        let why = if hosts.any(|host| !host.coverage.damage.is_empty()) {
            "what threads were blocked in is lost with the damaged part"
        } else {
            "the capture did not look at threads (--waits yes)"
        };
        writeln!(out, "Unknown: {why}.")?;
        return Ok(());
    }
    for cycle in &answer.cycles {
        cycle_line(out, map, cycle)?;
    }
    let listed = |waiting: &&Waiting| all || waiting.class != Class::Idle;
    let rows: Vec<&Waiting> = answer.waits.iter().filter(listed).collect();
    // What goes on to another program goes whole.
    let limit = if all || !std::io::stdout().is_terminal() {
        rows.len()
    } else {
        ROWS
    };
    let cells: Vec<Vec<String>> = rows
        .iter()
        .take(limit)
        .map(|w| cells(map, answer, w))
        .collect();
    if !cells.is_empty() {
        table::print_marked(out, &heading(), &cells, |column, cell| {
            column == 3 && !cell.is_empty()
        })?;
    }
    let mut last = Vec::new();
    if rows.len() > limit {
        let more = plural(rows.len() - limit, "more thread waits", "more threads wait");
        last.push(format!("{more} (--all)."));
    }
    last.extend(summary(map, answer, all));
    if cells.is_empty() {
        last.insert(0, "Nobody is seen to be blocked on another.".to_owned());
    }
    writeln!(out, "{}", last.join(" "))?;
    Ok(())
}

/// The columns of [`cells`].
pub(crate) fn heading() -> [(&'static str, Align); 5] {
    [
        ("BLOCKED", Align::Left),
        ("CALL", Align::Left),
        ("FD", Align::Right),
        ("NOTE", Align::Left),
        ("WAITS FOR", Align::Left),
    ]
}

/// `deadlock: a [1] write → b [2] write → a [1]`
fn cycle_line(out: &mut dyn Write, map: &Map, cycle: &query::Cycle) -> Result<()> {
    let mut steps: Vec<String> = cycle
        .steps
        .iter()
        .take(ROWS)
        .map(|s| step_text(map, s))
        .collect();
    if cycle.steps.len() > ROWS {
        steps.push(format!("({} more)", thousands(cycle.steps.len() - ROWS)));
    }
    steps.extend(cycle.steps.first().map(|first| label(map, first.process)));
    let more = cycle.processes.len().saturating_sub(cycle.steps.len());
    let more = match more {
        0 => String::new(),
        _ => format!(", with {}", plural(more, "more process", "more processes")),
    };
    let doubt = if cycle.certain {
        ""
    } else {
        " (unless a process that could not be read holds an end)"
    };
    let (what, why) = match cycle.deadlock {
        true => ("deadlock", ""),
        false => ("cycle", ": each waits for the other to write"),
    };
    let line = format!("{what}: {}{more}{why}{doubt}", steps.join(" → "));
    Ok(writeln!(out, "{}", style::note(&line))?)
}

fn label(map: &Map, process: ProcessId) -> String {
    let process = map.process(process);
    format!("{} [{}]", program(process), process.pid)
}

/// `b [13] write`
fn step_text(map: &Map, step: &query::Step) -> String {
    let label = label(map, step.process);
    match step.wait.and_then(|wait| call(map, wait)) {
        Some(call) => format!("{label} {}", call_name(call)),
        None => label,
    }
}

fn call_name(call: &Call) -> String {
    call.name
        .map_or_else(|| format!("call {}", call.number), str::to_owned)
}

/// A wait as people read it.
pub(crate) fn cells(map: &Map, answer: &query::Waits, waiting: &Waiting) -> Vec<String> {
    let wait = &map.waits[waiting.wait];
    let process = map.process(wait.process);
    let call = call(map, waiting.wait);
    let thread = if wait.tid == process.pid {
        String::new()
    } else {
        format!(" thread {}", wait.tid)
    };
    let note = match waiting.end {
        End::Cycle(number) if answer.cycles[number].deadlock => "deadlock",
        End::Cycle(_) => "cycle",
        End::Stopped => "stopped",
        _ => "",
    };
    vec![
        format!("{}{thread}", label(map, wait.process)),
        call.map(call_name).unwrap_or_default(),
        call.and_then(|call| call.fd)
            .map(|fd| fd.to_string())
            .unwrap_or_default(),
        note.to_owned(),
        waits_for(map, waiting, call),
    ]
}

/// `b [13] read → c [14] running, over /run/x.sock`
fn waits_for(map: &Map, waiting: &Waiting, call: Option<&Call>) -> String {
    let mut parts: Vec<String> = waiting
        .chain
        .iter()
        .take(ROWS)
        .map(|one| step_text(map, one))
        .collect();
    let others = waiting.peers.len().saturating_sub(1);
    if let Some(first) = parts.first_mut()
        && others > 0
    {
        first.push_str(&format!(" (or any of {others} more)"));
    }
    if waiting.length > parts.len() {
        parts.push(format!(
            "({} more)",
            thousands(waiting.length - parts.len())
        ));
    }
    let end = end_words(&waiting.end);
    if parts.is_empty() {
        let peers = waiting
            .peers
            .iter()
            .take(NAMED)
            .map(|peer| label(map, *peer));
        let mut peers = peers.collect::<Vec<_>>().join(", ");
        if waiting.peers.len() > NAMED {
            peers.push_str(&format!(" and {} more", waiting.peers.len() - NAMED));
        }
        parts.push(match peers.as_str() {
            "" => end,
            peers => format!("{end} ({peers})"),
        });
    } else if !end.is_empty() {
        let last = parts.len() - 1;
        parts[last].push_str(&format!(": {end}"));
    }
    let over = match call.map(|call| &call.target) {
        _ if !waiting.via.text.is_empty() => format!(", over {}", waiting.via.text),
        Some(FdTarget::Pipe(pipe)) => format!(", over pipe {}", id::pipe(map, *pipe)),
        Some(FdTarget::Socket(socket)) => format!(", over socket {}", id::socket(map, *socket)),
        _ => String::new(),
    };
    parts.join(" → ") + &over
}

/// What the last process of a chain does, or what is waited for.
fn end_words(end: &End) -> String {
    match end {
        End::Cycle(_) => String::new(),
        End::Stopped => "stopped by a signal".to_owned(),
        End::Running => "running".to_owned(),
        End::NoCall => "asleep in no call".to_owned(),
        End::Anyone => "waits for any event".to_owned(),
        End::Descriptors => "polls (descriptors unknown)".to_owned(),
        End::Outside(address) => format!("waits for (outside) {address}"),
        End::Kernel => "waits for the kernel".to_owned(),
        End::File(text) => format!("waits for {text}"),
        End::Call(Some(name)) => format!("in {name}"),
        End::Call(None) => "in an unknown call".to_owned(),
        End::Timer => "waits for some time".to_owned(),
        End::Itself => "waits for itself".to_owned(),
        End::Threads => "waits for a thread".to_owned(),
        End::Signal => "waits for a signal".to_owned(),
        End::Child => "waits for a child".to_owned(),
        End::Nobody => "waits for (none)".to_owned(),
        End::Unreadable => "waits for (unreadable)".to_owned(),
        End::Unknown => "not known".to_owned(),
    }
}

/// `412 wait as usual: 300 futex, 80 epoll_wait.` and what is not known.
fn summary(map: &Map, answer: &query::Waits, all: bool) -> Vec<String> {
    let mut calls: BTreeMap<String, usize> = BTreeMap::new();
    let idle = answer
        .waits
        .iter()
        .filter(|waiting| waiting.class == Class::Idle);
    for call in idle.filter_map(|waiting| call(map, waiting.wait)) {
        *calls.entry(call_name(call)).or_default() += 1;
    }
    let mut by_count: Vec<(String, usize)> = calls.into_iter().collect();
    by_count.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let idle: usize = by_count.iter().map(|(_, count)| count).sum();
    let mut parts = Vec::new();
    if idle > 0 && !all {
        let each = by_count
            .iter()
            .map(|(name, count)| format!("{} {name}", thousands(*count)));
        let each = each.collect::<Vec<_>>().join(", ");
        let waits = plural(idle, "thread waits as usual", "threads wait as usual");
        parts.push(format!("{waits} ({each}: --all)."));
    }
    if answer.unread > 0 {
        let unread = plural(answer.unread, "thread's call", "threads' calls");
        parts.push(style::note(&format!("{unread} unreadable.")));
    }
    parts.extend(incomplete(map).map(|text| style::note(&text)));
    parts
}
