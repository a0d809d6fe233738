//! Text output of `waits`: cycles, then threads that are blocked by others, then a summary of the idle ones.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use whotalks::id;
use whotalks::model::{Call, FdTarget, Map};
use whotalks::query::{self, BlockedThread, ChainEnd, WaitAnalysis, WaitClass};

use super::on::fd_cell;
use super::row::call_of;
use crate::commands::coverage::incomplete;
use crate::commands::names::label;
use crate::terminal::{self, ROWS, color, plural, thousands, visible_rows};

/// Processes that a cell names.
const NAMED_PEERS: usize = 4;

/// The columns of [`wait_cells`].
pub(crate) const HEADING: &str = "BLOCKED|CALL|FD>|NOTE|WAITS FOR";

pub(super) fn write(out: &mut dyn Write, map: &Map, waits: &WaitAnalysis, all: bool) -> Result<()> {
    if map.waits.is_empty() {
        let mut hosts = map.hosts.iter();
        let reason = match hosts.any(|host| !host.coverage.damage.is_empty()) {
            true => "what threads were blocked in is lost with the damaged part",
            false => "the capture did not look at threads (--waits yes)",
        };
        return Ok(writeln!(out, "Unknown: {reason}.")?);
    }
    for cycle in &waits.cycles {
        write_cycle(out, map, cycle)?;
    }
    let is_listed = |waiting: &&BlockedThread| all || waiting.class != WaitClass::Idle;
    let rows: Vec<&BlockedThread> = waits.waits.iter().filter(is_listed).collect();
    let visible = visible_rows(rows.len(), all);
    let cells: Vec<Vec<String>> = rows[..visible]
        .iter()
        .map(|waiting| wait_cells(map, waits, waiting))
        .collect();
    if !cells.is_empty() {
        terminal::print_marked(out, HEADING, &cells, |column, cell| {
            column == 3 && !cell.is_empty()
        })?;
    }
    let mut footer = Vec::new();
    let hidden = rows.len() - visible;
    if hidden > 0 {
        let more = plural(hidden, "more thread waits", "more threads wait");
        footer.push(format!("{more} (--all)."));
    }
    footer.extend(summary(map, waits, all));
    if cells.is_empty() {
        footer.insert(0, "Nobody is seen to be blocked on another.".to_owned());
    }
    writeln!(out, "{}", footer.join(" "))?;
    Ok(())
}

/// `deadlock: a [1] write → b [2] write → a [1]`
fn write_cycle(out: &mut dyn Write, map: &Map, cycle: &query::WaitCycle) -> Result<()> {
    let steps = cycle.steps.iter().take(ROWS);
    let mut steps: Vec<String> = steps.map(|step| step_text(map, step)).collect();
    if cycle.steps.len() > ROWS {
        steps.push(format!("({} more)", thousands(cycle.steps.len() - ROWS)));
    }
    steps.extend(cycle.steps.first().map(|first| label(map, first.process)));
    let more = match cycle.processes.len().saturating_sub(cycle.steps.len()) {
        0 => String::new(),
        more => format!(", with {}", plural(more, "more process", "more processes")),
    };
    let doubt = match cycle.certain {
        true => "",
        false => " (unless a process that could not be read holds an end)",
    };
    let (what, why) = match cycle.deadlock {
        true => ("deadlock", ""),
        false => ("cycle", ": each waits for the other to write"),
    };
    let line = format!("{what}: {}{more}{why}{doubt}", steps.join(" → "));
    Ok(writeln!(out, "{}", color::warning(&line))?)
}

/// `b [13] write`
fn step_text(map: &Map, step: &query::ChainStep) -> String {
    let label = label(map, step.process);
    match step.wait.and_then(|wait| call_of(map, wait)) {
        Some(call) => format!("{label} {}", call_name(call)),
        None => label,
    }
}

fn call_name(call: &Call) -> String {
    call.name
        .map_or_else(|| format!("call {}", call.number), str::to_owned)
}

/// Cells of a thread that waits.
pub(crate) fn wait_cells(map: &Map, waits: &WaitAnalysis, waiting: &BlockedThread) -> Vec<String> {
    let wait = &map.waits[waiting.wait];
    let process = map.process(wait.process);
    let call = call_of(map, waiting.wait);
    let thread = match wait.tid == process.pid {
        true => String::new(),
        false => format!(" thread {}", wait.tid),
    };
    let note = match waiting.end {
        ChainEnd::Cycle(number) if waits.cycles[number].deadlock => "deadlock",
        ChainEnd::Cycle(_) => "cycle",
        ChainEnd::Stopped => "stopped",
        _ => "",
    };
    vec![
        format!("{}{thread}", label(map, wait.process)),
        call.map(call_name).unwrap_or_default(),
        call.map(fd_cell).unwrap_or_default(),
        note.to_owned(),
        waits_for(map, waiting, call),
    ]
}

/// `b [13] read → c [14] running, over /run/x.sock`
fn waits_for(map: &Map, waiting: &BlockedThread, call: Option<&Call>) -> String {
    let chain = waiting.chain.iter().take(ROWS);
    let mut parts: Vec<String> = chain.map(|step| step_text(map, step)).collect();
    let others = waiting.peers.len().saturating_sub(1);
    if let Some(first) = parts.first_mut()
        && others > 0
    {
        first.push_str(&format!(" (or any of {others} more)"));
    }
    if waiting.length > parts.len() {
        let more = thousands(waiting.length - parts.len());
        parts.push(format!("({more} more)"));
    }
    let end = end_phrase(&waiting.end);
    if parts.is_empty() {
        let peers = waiting.peers.iter().take(NAMED_PEERS);
        let peers = peers.map(|peer| label(map, *peer));
        let mut peers = peers.collect::<Vec<_>>().join(", ");
        if waiting.peers.len() > NAMED_PEERS {
            peers.push_str(&format!(" and {} more", waiting.peers.len() - NAMED_PEERS));
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
fn end_phrase(end: &ChainEnd) -> String {
    match end {
        ChainEnd::Cycle(_) => String::new(),
        ChainEnd::Stopped => "stopped by a signal".to_owned(),
        ChainEnd::Running => "running".to_owned(),
        ChainEnd::NoCall => "asleep in no call".to_owned(),
        ChainEnd::Anyone => "waits for any event".to_owned(),
        ChainEnd::Descriptors => "polls (descriptors unknown)".to_owned(),
        ChainEnd::Outside(address) => format!("waits for (outside) {address}"),
        ChainEnd::Kernel => "waits for the kernel".to_owned(),
        ChainEnd::File(text) => format!("waits for {text}"),
        ChainEnd::Call(Some(name)) => format!("in {name}"),
        ChainEnd::Call(None) => "in an unknown call".to_owned(),
        ChainEnd::Timer => "waits for some time".to_owned(),
        ChainEnd::Itself => "waits for itself".to_owned(),
        ChainEnd::Threads => "waits for a thread".to_owned(),
        ChainEnd::Signal => "waits for a signal".to_owned(),
        ChainEnd::Child => "waits for a child".to_owned(),
        ChainEnd::Nobody => "waits for (none)".to_owned(),
        ChainEnd::Unreadable => "waits for (unknown)".to_owned(),
        ChainEnd::Unknown => "not known".to_owned(),
    }
}

/// `412 threads wait as usual (300 futex, 80 epoll_wait: --all).`, and what is unknown.
fn summary(map: &Map, waits: &WaitAnalysis, all: bool) -> Vec<String> {
    let mut calls: BTreeMap<String, usize> = BTreeMap::new();
    let idle = waits.waits.iter();
    let idle = idle.filter(|waiting| waiting.class == WaitClass::Idle);
    for call in idle.filter_map(|waiting| call_of(map, waiting.wait)) {
        *calls.entry(call_name(call)).or_default() += 1;
    }
    let mut by_count: Vec<(String, usize)> = calls.into_iter().collect();
    by_count.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let idle: usize = by_count.iter().map(|(_, count)| count).sum();
    let mut sentences = Vec::new();
    if idle > 0 && !all {
        let each = by_count.iter();
        let each = each.map(|(name, count)| format!("{} {name}", thousands(*count)));
        let each = each.collect::<Vec<_>>().join(", ");
        let waits = plural(idle, "thread waits as usual", "threads wait as usual");
        sentences.push(format!("{waits} ({each}: --all)."));
    }
    if waits.unread > 0 {
        let unread = plural(waits.unread, "thread's call", "threads' calls");
        sentences.push(color::warning(&format!("{unread} unreadable.")));
    }
    sentences.extend(incomplete(map).map(|text| color::warning(&text)));
    sentences
}
