//! Text output of `waits`: for each cause the threads that wait for it, then how many are idle.

use std::io::Write;

use anyhow::Result;
use whotalks::graph::program;
use whotalks::id;
use whotalks::model::{Call, FdTarget, Map, ProcessId};
use whotalks::query::{self, BlockedThread, ChainEnd, WaitAnalysis, WaitCycle, WaitNeed};

use super::on::{call_of, fd_cell};
use super::phrase::{call_name, doing, end_text, neglects, title};
use super::tree::{Branch, Key, trees};
use crate::commands::coverage::incomplete;
use crate::commands::names::label;
use crate::terminal::{self, ROWS, color, fit, plural, print_footer, print_wrapped, thousands};

/// Processes that a line names.
const NAMED: usize = 4;

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
    let trees = trees(map, waits);
    let mut lines = Vec::new();
    for tree in &trees {
        add_tree(&mut lines, map, waits, tree);
    }
    let visible = match all {
        true => lines.len(),
        false => lines.len().min(ROWS),
    };
    for line in &lines[..visible] {
        match line.depth {
            0 => print_wrapped(out, &line.text, color::warning)?,
            depth => writeln!(
                out,
                "{}",
                fit(&format!("{}← {}", "  ".repeat(depth), line.text))
            )?,
        }
    }
    let idle: Vec<&BlockedThread> = waits.waits.iter().filter(|row| !row.problem).collect();
    if all && !idle.is_empty() {
        let rows = idle.iter().map(|row| wait_cells(map, waits, row));
        terminal::print(out, HEADING, &rows.collect::<Vec<_>>())?;
    }
    let mut hidden = Vec::new();
    if trees.is_empty() {
        hidden.push("Nobody waits for another: no problem seen.".to_owned());
    }
    if visible < lines.len() {
        let more = plural(lines.len() - visible, "more line", "more lines");
        hidden.push(format!("{more} (--all)."));
    }
    if !all && !idle.is_empty() {
        let threads = plural(idle.len(), "idle thread", "idle threads");
        hidden.push(format!("{threads} hidden (--all)."));
    }
    print_footer(out, &hidden, &unknown(map, waits))
}

/// What the answer could not see.
fn unknown(map: &Map, waits: &WaitAnalysis) -> Vec<String> {
    let mut sentences = Vec::new();
    let blind = waits
        .waits
        .iter()
        .filter(|row| row.end == ChainEnd::Descriptors);
    let blind = blind.filter(|row| row.chain.is_empty()).count();
    if blind > 0 {
        let threads = plural(blind, "thread polls", "threads poll");
        sentences.push(format!("{threads} descriptors that were not captured."));
    }
    if waits.unread > 0 {
        let unread = plural(waits.unread, "thread's call", "threads' calls");
        sentences.push(format!("{unread} unreadable."));
    }
    sentences.extend(incomplete(map));
    sentences
}

struct Line {
    /// 0: a cause.
    depth: usize,
    text: String,
}

fn add_tree(lines: &mut Vec<Line>, map: &Map, waits: &WaitAnalysis, tree: &Branch<'_>) {
    let text = match tree.cycle {
        Some(cycle) => cycle_line(map, &waits.cycles[cycle]),
        None => cause_line(map, tree),
    };
    lines.push(Line { depth: 0, text });
    add_waiters(lines, map, &tree.waiters, 1);
}

fn add_waiters(lines: &mut Vec<Line>, map: &Map, waiters: &[Branch<'_>], depth: usize) {
    for branch in waiters {
        let text = waiter_line(map, branch);
        lines.push(Line { depth, text });
        add_waiters(lines, map, &branch.waiters, depth + 1);
    }
}

/// `STOPPED  redis-server [78]: stopped by a signal: kill -CONT 78 continues it; 26 threads wait`
fn cause_line(map: &Map, tree: &Branch<'_>) -> String {
    let end = tree.ending;
    let tag = match end.map(|row| row.end.as_str()) {
        Some("asleep") => "ASLEEP",
        Some("running") => "ON CPU",
        Some("idle" | "threads" | "itself" | "signal") => "WAITS",
        Some("file" | "call" | "kernel" | "child" | "nobody") => "BLOCKED",
        Some("stopped") => "STOPPED",
        Some("lock") => "LOCK",
        Some("network") => "NETWORK",
        Some("disk") => "DISK",
        _ => "UNKNOWN",
    };
    let mut parts = vec![end.map_or_else(String::new, |row| end_text(map, row))];
    if let [row, ..] = tree.rows[..] {
        if row.chain.is_empty() && !row.via.text.is_empty() {
            parts[0].push_str(&format!(", {}", over(map, row)));
        }
        parts.extend(neglects(map, row));
        parts.extend(late(row));
    }
    match tree.waiting() {
        0 => {}
        waiting => parts.push(format!(
            "{} for it",
            plural(waiting, "thread waits", "threads wait")
        )),
    }
    format!("{tag}  {}: {}", members(map, tree), parts.join("; "))
}

/// `app.py ×4 [95 96 97 98]  recvfrom over 127.0.0.1:6379, for 34 s`
fn waiter_line(map: &Map, branch: &Branch<'_>) -> String {
    let mut text = members(map, branch);
    let does = doing(map, branch.members.first().and_then(|(_, thread)| *thread));
    if !does.is_empty() {
        text.push_str(&format!("  {does}"));
    }
    let Some(row) = branch.rows.first() else {
        return text;
    };
    text.push_str(&over(map, row));
    let oldest = branch.rows.iter().max_by_key(|row| row.late_ms);
    for more in oldest
        .and_then(|row| late(row))
        .into_iter()
        .chain(neglects(map, row))
    {
        text.push_str(&format!(", {more}"));
    }
    text
}

/// What a thread waits over: ` over /run/x.sock`, ` over a pipe`.
fn over(map: &Map, row: &BlockedThread) -> String {
    let call = row.wait.and_then(|thread| call_of(map, thread));
    if let Some(owner) = call.and_then(Call::owner_tid) {
        return format!(" for a lock that thread {owner} holds");
    }
    match (row.need, call.map(|call| &call.target)) {
        (WaitNeed::Unlock, _) if row.via.text.is_empty() => " for a lock, by the titles".to_owned(),
        (WaitNeed::Unlock, _) => format!(" for the lock of {}", row.via.text),
        (WaitNeed::Open, _) if row.via.text.is_empty() => " a FIFO".to_owned(),
        (WaitNeed::Open, _) => format!(" {}", row.via.text),
        _ if !row.via.text.is_empty() => format!(" over {}", row.via.text),
        (_, Some(FdTarget::Pipe(pipe))) => format!(" over pipe {}", id::pipe(map, *pipe)),
        (_, Some(FdTarget::Socket(socket))) => {
            format!(" over socket {}", id::socket(map, *socket))
        }
        _ => String::new(),
    }
}

/// `no response for 34 s`
fn late(row: &BlockedThread) -> Option<String> {
    let ms = row.late_ms?;
    Some(match ms {
        0..10_000 => format!("no response for {}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("no response for {} s", thousands((ms / 1_000) as usize)),
    })
}

/// `nginx [114]`, `app.py [95] thread 124`, `nginx ×2 [114 115] "worker process"`
fn members(map: &Map, branch: &Branch<'_>) -> String {
    let mut processes: Vec<ProcessId> =
        branch.members.iter().map(|(process, _)| *process).collect();
    processes.dedup();
    let threads = branch.members.len();
    let mut text = match (&processes[..], &branch.members[..]) {
        ([process], [(_, thread)]) => format!(
            "{}{}",
            label(map, *process),
            own_thread(map, *process, *thread)
        ),
        ([process], _) => format!("{} ×{threads} threads", label(map, *process)),
        ([first, ..], _) => {
            let named = processes.iter().take(NAMED);
            let mut pids: Vec<String> = named.map(|id| map.process(*id).pid.to_string()).collect();
            if processes.len() > NAMED {
                pids.push("…".to_owned());
            }
            format!(
                "{} ×{threads} [{}]",
                program(map.process(*first)),
                pids.join(" ")
            )
        }
        ([], _) => String::new(),
    };
    if let Some(title) = processes.first().and_then(|process| title(map, *process)) {
        text.push_str(&format!(" \"{title}\""));
    }
    text
}

/// ` thread 124`, unless it is the main thread.
fn own_thread(map: &Map, process: ProcessId, thread: Option<usize>) -> String {
    let tid = thread.map(|thread| map.waits[thread].tid);
    match tid.filter(|tid| *tid != map.process(process).pid) {
        Some(tid) => format!(" thread {tid}"),
        None => String::new(),
    }
}

/// `DEADLOCK  a [1] write → b [2] write → a [1]`
fn cycle_line(map: &Map, cycle: &WaitCycle) -> String {
    let steps = cycle.steps.iter().take(ROWS);
    let key = |step: &query::ChainStep| -> Key { (step.process, step.wait) };
    let one = |(process, thread): Key| {
        let thread_text = own_thread(map, process, thread);
        format!(
            "{}{thread_text} {}",
            label(map, process),
            doing(map, thread)
        )
    };
    let mut steps: Vec<String> = steps.map(|step| one(key(step))).collect();
    if cycle.steps.len() > ROWS {
        steps.push(format!("({} more)", thousands(cycle.steps.len() - ROWS)));
    }
    steps.extend(cycle.steps.first().map(|first| {
        format!(
            "{}{}",
            label(map, first.process),
            own_thread(map, first.process, first.wait)
        )
    }));
    let more = match cycle.processes.len().saturating_sub(cycle.steps.len()) {
        0 => String::new(),
        more => format!(", with {}", plural(more, "more process", "more processes")),
    };
    let doubt = match cycle.certain {
        true => "",
        false => " (unless a process that could not be read holds an end)",
    };
    let timed = match cycle.timed {
        true => ", until a timeout",
        false => "",
    };
    let (what, why) = match cycle.deadlock {
        true => ("DEADLOCK", ""),
        false => ("CYCLE", ": each waits for the next to write"),
    };
    format!("{what}  {}{more}{why}{timed}{doubt}", steps.join(" → "))
}

/// Cells of a thread that waits.
pub(crate) fn wait_cells(map: &Map, waits: &WaitAnalysis, waiting: &BlockedThread) -> Vec<String> {
    let call = waiting.wait.and_then(|thread| call_of(map, thread));
    let note = match waiting.end {
        ChainEnd::Cycle(number) if waits.cycles[number].deadlock => "deadlock",
        ChainEnd::Cycle(_) => "cycle",
        ChainEnd::Stopped => "stopped",
        _ => "",
    };
    let thread = own_thread(map, waiting.process, waiting.wait);
    vec![
        format!("{}{thread}", label(map, waiting.process)),
        call.map(call_name).unwrap_or_default(),
        call.map(fd_cell).unwrap_or_default(),
        note.to_owned(),
        waits_for(map, waiting),
    ]
}

/// `b [13] read → c [14] write: on CPU, over /run/x.sock`
fn waits_for(map: &Map, waiting: &BlockedThread) -> String {
    let step = |step: &query::ChainStep| {
        let does = doing(map, step.wait);
        let space = if does.is_empty() { "" } else { " " };
        format!("{}{space}{does}", label(map, step.process))
    };
    let mut parts: Vec<String> = waiting.chain.iter().take(ROWS).map(step).collect();
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
    let end = end_text(map, waiting);
    match parts.last_mut() {
        Some(last) => last.push_str(&format!(": {end}")),
        None => parts.push(end),
    }
    let neglects = neglects(map, waiting)
        .into_iter()
        .map(|text| format!(", {text}"));
    parts.join(" → ") + &over(map, waiting) + &neglects.collect::<String>()
}
