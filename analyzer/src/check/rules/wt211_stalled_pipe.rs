//! WT211: a writer that is blocked on a full pipe whose readers do not read.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Facts;
use crate::check::facts::describe::{duration, plural};
use crate::check::facts::{LONG_NS, Stop, blocking_call};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::load::syscall::CallKind;
use crate::model::{Call, FdRelation, FdTarget, Holder, Map, PipeId, PipeKey, Polled};
#[cfg(test)]
use crate::model::{CallMemory, PollSet};
use crate::model::{ProcessId, ThreadState, Wait};
use crate::text::escape;

rule! { WT211 "stalled-pipe", High, since "0.1.0", earlier Helpful }

const DOC: &str = "\
A writer is blocked on a full pipe, and the readers of the pipe do something else.

## What it finds
A thread that is blocked writing to a pipe or FIFO of which no reader is reading or polling. High
where the readers are stopped, or wait for the writer itself: for it to exit, or for the other end
of another pipe or socket that only it holds. Medium where all of a reader's threads wait for a
signal or a lock. Low where a reader sleeps for some time, or waits for another process, as a
shell's loop over a pipe does between two lines; one step higher if it was so ten seconds before
too.

A reader that polls the pipe, that is itself blocked writing (the trouble is further on), or that
waits for its user, as a pager does, is not reported.

## Why it matters
A pipe holds 64 KiB. A program that starts another one and reads only its standard output hangs as
soon as the other has written as much to standard error; so does one that waits for the exit first
and reads then. It works in every test with little output.

## Example
    HIGH     WT211  job [900] is blocked writing to a full pipe that php [880] does not read
             php [880] waits for job [900] to exit

Cavalcade issue 37: PHP waited for a job that was blocked on its own standard error.

## What to do
Read all of a child's outputs at once (poll(2), threads, `subprocess.communicate`), or send what
is not read to a file or /dev/null.

## References
- pipe(7), write(2); Python's subprocess, the warning about `wait()` and PIPE
- humanmade/Cavalcade issue 37
";

/// What a reader does instead of reading; the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reader {
    /// It may read at any time: it reads, polls, runs, writes on, or asks its user.
    Reads,
    /// What it does was not captured.
    Unknown,
    /// It waits for another process, or for some time.
    WaitsForOthers,
    /// It waits for a signal, or for others of its threads.
    Sleeps,
    /// It waits for the writer.
    WaitsForWriter,
    /// It is stopped.
    Stopped(Stop),
}

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let mut blocked: BTreeMap<PipeId, BTreeSet<ProcessId>> = BTreeMap::new();
    for (process, call) in facts.blocked_in(CallKind::Write) {
        if let FdTarget::Pipe(pipe) = call.target
            && facts.stop(process).is_none()
        {
            blocked.entry(pipe).or_default().insert(process);
        }
    }
    if facts.map.waits.is_empty() && !facts.map.pipes.is_empty() {
        output.unknown("what threads wait for was not captured");
    }
    let cycle: BTreeSet<ProcessId> = facts
        .deadlocks()
        .iter()
        .flatten()
        .map(|w| w.writer)
        .collect();
    for (pipe, writers) in blocked {
        if writers.iter().any(|writer| cycle.contains(writer)) {
            continue;
        }
        let holders = &facts.map.pipes[pipe.index()].readers;
        if holders.is_empty() {
            output.unknowns(facts.missing_holders());
            continue;
        }
        let mut readers: BTreeMap<ProcessId, Reader> = BTreeMap::new();
        for holder in holders {
            // A writer that did not close its copy of the read end.
            let writes = writers.contains(&holder.process);
            if !writes || holders.iter().all(|other| writers.contains(&other.process)) {
                readers
                    .entry(holder.process)
                    .or_insert_with(|| reader(facts, holder, pipe, &writers));
            }
        }
        let Some(&least) = readers.values().min() else {
            continue;
        };
        let lasting = lasting_ns(facts, pipe, &writers);
        let severity = match least {
            Reader::Reads => continue,
            Reader::Unknown => {
                output.unknown("what readers of full pipes wait for was not captured");
                continue;
            }
            Reader::WaitsForOthers => Severity::Low,
            Reader::Sleeps => Severity::Medium,
            Reader::WaitsForWriter | Reader::Stopped(_) => Severity::High,
        };
        let severity = severity.raised_if(lasting.is_some_and(|age| age >= LONG_NS));
        output.finding(finding(facts, severity, pipe, &writers, &readers, lasting));
    }
}

/// What a process does that holds the read end of a full pipe: of several threads the one that is
/// most likely to read.
fn reader(
    facts: &Facts<'_>,
    holder: &Holder,
    pipe: PipeId,
    writers: &BTreeSet<ProcessId>,
) -> Reader {
    let process = holder.process;
    if let Some(stop) = facts.stop(process) {
        return Reader::Stopped(stop);
    }
    let threads = facts.threads(process).iter();
    let states = threads.map(|thread| of_thread(facts, thread, pipe, writers));
    states.min().unwrap_or(Reader::Unknown)
}

fn of_thread(
    facts: &Facts<'_>,
    thread: &Wait,
    pipe: PipeId,
    writers: &BTreeSet<ProcessId>,
) -> Reader {
    let ThreadState::Call(call) = &thread.state else {
        return match thread.state {
            ThreadState::Unread(_) => Reader::Unknown,
            _ => Reader::Reads,
        };
    };
    let inode = facts.map.pipes[pipe.index()].key.inode();
    let waits_for = |target: &FdTarget| match leads_to(facts, target, writers) {
        true => Reader::WaitsForWriter,
        false => Reader::WaitsForOthers,
    };
    match call.kind {
        CallKind::Poll => poll(facts, call, pipe, writers),
        CallKind::Epoll if facts.fdinfo.watches(thread.process, inode) => Reader::Reads,
        CallKind::Epoll if !facts.fdinfo.knows_epoll(facts.map, thread, call.fd) => Reader::Unknown,
        CallKind::Epoll => epoll(facts, thread, call, writers),
        _ if blocking_call(thread).is_none() => Reader::Reads,
        CallKind::Write if !writers.contains(&thread.process) => Reader::Reads,
        CallKind::Write => Reader::WaitsForWriter,
        CallKind::Read if call.target == FdTarget::Pipe(pipe) => Reader::Reads,
        CallKind::Read if is_terminal(&call.target) => Reader::Reads,
        CallKind::Read | CallKind::Accept | CallKind::Connect => waits_for(&call.target),
        CallKind::Child => child(facts, thread.process, call, writers),
        // A reader with a speed limit sleeps for a moment again and again.
        CallKind::Signal | CallKind::Futex if !call.timed => Reader::Sleeps,
        _ => Reader::WaitsForOthers,
    }
}

/// What a thread in poll(2) or select(2) waits for.
fn poll(facts: &Facts<'_>, call: &Call, pipe: PipeId, writers: &BTreeSet<ProcessId>) -> Reader {
    let Some(set) = call.polled().filter(|set| set.complete) else {
        return Reader::Unknown;
    };
    let reads = |file: &Polled| file.target == FdTarget::Pipe(pipe) && file.wants_read();
    // It passes on what it has read; or it asks its user.
    let is_later = |file: &Polled| file.wants_write() || is_terminal(&file.target);
    let mut files = set.files.iter();
    if files.any(|file| reads(file) || is_later(file) || file.target == FdTarget::Unknown) {
        return Reader::Reads;
    }
    let all = set
        .files
        .iter()
        .all(|file| leads_to(facts, &file.target, writers));
    match (set.files.is_empty(), all) {
        (true, _) if !call.timed => Reader::Sleeps,
        (true, _) => Reader::WaitsForOthers,
        (false, true) => Reader::WaitsForWriter,
        (false, false) => Reader::WaitsForOthers,
    }
}

/// What a thread in an epoll that does not watch the pipe waits for.
fn epoll(facts: &Facts<'_>, thread: &Wait, call: &Call, writers: &BTreeSet<ProcessId>) -> Reader {
    let is_it = |holder: &Holder| holder.process == thread.process && Some(holder.fd) == call.fd;
    let targets = facts
        .map
        .relations
        .iter()
        .find_map(|relation| match relation {
            FdRelation::Epoll { holder, targets } if is_it(holder) => Some(targets),
            _ => None,
        });
    let targets = targets.map_or(&[][..], Vec::as_slice);
    let all = targets
        .iter()
        .all(|target| leads_to(facts, &target.target, writers));
    match all && !targets.is_empty() {
        true => Reader::WaitsForWriter,
        false => Reader::WaitsForOthers,
    }
}

/// Whether only the blocked writers can do what a thread waits for at a pipe or socket.
fn leads_to(facts: &Facts<'_>, target: &FdTarget, writers: &BTreeSet<ProcessId>) -> bool {
    let others: Vec<ProcessId> = match target {
        FdTarget::Pipe(pipe) => {
            let pipe = &facts.map.pipes[pipe.index()];
            pipe.writers.iter().map(|holder| holder.process).collect()
        }
        FdTarget::Socket(socket) => facts.peer_processes(*socket),
        FdTarget::Other(_) | FdTarget::Unknown => return false,
    };
    let waits_too = |other: &ProcessId| {
        writers.contains(other)
            || waits_for_child(facts, *other) && is_above(facts, *other, writers)
    };
    !others.is_empty() && others.iter().all(waits_too)
}

/// Whether all threads of a process wait for children.
fn waits_for_child(facts: &Facts<'_>, process: ProcessId) -> bool {
    let threads = facts.threads(process);
    let waits =
        |thread: &Wait| blocking_call(thread).is_some_and(|call| call.kind == CallKind::Child);
    !threads.is_empty() && threads.iter().all(waits)
}

/// Whether a process is one of the writers, or an ancestor of one.
fn is_above(facts: &Facts<'_>, process: ProcessId, writers: &BTreeSet<ProcessId>) -> bool {
    let is_it = |writer: &ProcessId| {
        let mut ancestors = facts.process_tree.ancestors(*writer);
        *writer == process || ancestors.any(|ancestor| ancestor == process)
    };
    writers.iter().any(is_it)
}

/// Whether a file is a terminal.
fn is_terminal(target: &FdTarget) -> bool {
    let names = [
        &b"/dev/tty"[..],
        b"/dev/pts/",
        b"/dev/console",
        b"/dev/ptmx",
    ];
    matches!(target, FdTarget::Other(link) if names.iter().any(|name| link.starts_with(name)))
}

/// What a thread that waits for children waits for: it never ends if every child that may end is
/// blocked on the pipe, or has a descendant that is.
fn child(
    facts: &Facts<'_>,
    parent: ProcessId,
    call: &Call,
    writers: &BTreeSet<ProcessId>,
) -> Reader {
    let map = facts.map;
    let ids = (0..map.processes.len()).map(ProcessId::new);
    let children = ids.filter(|id| facts.process_tree.parent(*id) == Some(parent));
    let waited = |id: &ProcessId| {
        let process = map.process(*id);
        process.state != b'Z' && call.child.is_none_or(|pid| process.ns_pid == pid)
    };
    let mut children = children.filter(waited).peekable();
    let is_blocked = |child: ProcessId| is_above(facts, child, writers);
    match children.peek().is_some() && children.all(is_blocked) {
        true => Reader::WaitsForWriter,
        false => Reader::WaitsForOthers,
    }
}

/// The age of the earlier capture, where one of the writers was blocked on the pipe in it too.
fn lasting_ns(facts: &Facts<'_>, pipe: PipeId, writers: &BTreeSet<ProcessId>) -> Option<u64> {
    let history = facts.history()?;
    let host = facts.map.pipes[pipe.index()].host;
    let (_, age_ns) = history.host(host)?;
    let key = facts.map.pipes[pipe.index()].key;
    let mut writers = writers.iter();
    let was_blocked = writers.any(|writer| {
        let then = history.process(facts.map.process(*writer));
        then.is_some_and(|then| writes_to(&history.map, then, key))
    });
    was_blocked.then_some(age_ns)
}

/// Whether a thread of a process is blocked writing to a pipe.
fn writes_to(map: &Map, process: ProcessId, key: PipeKey) -> bool {
    let start = map.waits.partition_point(|wait| wait.process < process);
    let threads = map.waits[start..].iter();
    let mut threads = threads.take_while(|wait| wait.process == process);
    threads.any(|thread| match &thread.state {
        ThreadState::Call(Call {
            kind: CallKind::Write,
            target: FdTarget::Pipe(pipe),
            ..
        }) => map.pipes[pipe.index()].key == key,
        _ => false,
    })
}

fn finding(
    facts: &Facts<'_>,
    severity: Severity,
    pipe: PipeId,
    writers: &BTreeSet<ProcessId>,
    readers: &BTreeMap<ProcessId, Reader>,
    lasting: Option<u64>,
) -> RawFinding {
    let row = &facts.map.pipes[pipe.index()];
    let what = match &row.path {
        Some(path) => escape::display(path),
        None => "a full pipe".to_owned(),
    };
    let writers = Vec::from_iter(writers.iter().copied());
    let names: Vec<ProcessId> = readers.keys().copied().collect();
    let writing = match writers.len() {
        1 => "is blocked writing",
        _ => "are blocked writing",
    };
    let doing = match names.len() {
        1 => "does not read",
        _ => "do not read",
    };
    let [writers_text, readers_text] = [&writers, &names].map(|ids| facts.process_names(ids));
    let mut evidence: Vec<String> = Vec::new();
    for (process, reader) in readers.iter().take(4) {
        let name = facts.process_name(*process);
        evidence.push(match reader {
            Reader::Stopped(stop) => format!("{name}: {}", facts.stop_text(*stop)),
            Reader::WaitsForWriter => format!("{name} waits for {writers_text}"),
            _ => format!("{name} waits in {}", calls(facts, *process)),
        });
    }
    let kind = if row.path.is_some() { "FIFO" } else { "pipe" };
    evidence.push(format!("{kind} {}", row.key.inode()));
    if let Some(age) = lasting {
        evidence.push(format!("it was blocked {} before too", duration(age)));
    }
    let mut processes = writers;
    processes.extend(names);
    RawFinding {
        severity,
        subject: Subject::Pipe(pipe),
        processes,
        sockets: vec![],
        title: format!("{writers_text} {writing} to {what} that {readers_text} {doing}"),
        evidence,
        advice: "let the reader read until the end of file before it waits for anything else"
            .to_owned(),
    }
}

/// The names of the calls that the threads of a process are blocked in.
fn calls(facts: &Facts<'_>, process: ProcessId) -> String {
    let threads = facts.threads(process).iter();
    let names: BTreeSet<&str> = threads
        .filter_map(|thread| match &thread.state {
            ThreadState::Call(call) => Some(call.name.unwrap_or("an unknown call")),
            _ => None,
        })
        .collect();
    let threads = plural(facts.threads(process).len(), "thread", "threads");
    format!("{} ({threads})", Vec::from_iter(names).join(", "))
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::high("the reader waits for the writer to exit", |scene| {
        let (_, reader) = full_pipe(scene);
        scene.blocked(reader, 61, 0);
    }),
    Case::high(
        "the reader reads another pipe that only the writer writes to",
        |scene| {
            let (writer, reader) = full_pipe(scene);
            scene
                .map
                .add_pipe(&[(writer, 1, None)], &[(reader, 6, None)]);
            scene.blocked(reader, 0, 6);
        },
    ),
    Case::high("the reader is stopped", |scene| {
        let (_, reader) = full_pipe(scene);
        scene.blocked(reader, 0, 5);
        scene.process_mut(reader).state = b'T';
    }),
    Case::medium("the reader waits for a signal", |scene| {
        let (_, reader) = full_pipe(scene);
        scene.blocked(reader, 34, 0);
    }),
    Case::low("the reader sleeps for some time", |scene| {
        let (_, reader) = full_pipe(scene);
        scene.blocked(reader, 230, 0);
    }),
    Case::low("a shell's loop runs a command for each line", |scene| {
        let (_, reader) = full_pipe(scene);
        let pid = scene.map.process(reader).pid;
        let command = scene.process(900, pid, "/usr/bin/curl");
        scene.blocked(command, 45, 9);
        scene.blocked(reader, 61, 0);
    }),
    Case::medium("the same after a minute", |scene| {
        let (_, reader) = full_pipe(scene);
        let pid = scene.map.process(reader).pid;
        scene.process(900, pid, "/usr/bin/curl");
        scene.blocked(reader, 61, 0);
        scene.advance(60);
    }),
    Case::quiet("the reader is itself blocked writing", |scene| {
        let (_, reader) = full_pipe(scene);
        let last = scene.process(900, 1, "/usr/bin/less");
        scene.map.add_pipe(&[(reader, 1, None)], &[(last, 0, None)]);
        scene.blocked(reader, 1, 1);
        scene.blocked(last, 0, 3);
        let key = scene.map.waits.len() - 1;
        if let ThreadState::Call(call) = &mut scene.map.waits[key].state {
            call.target = FdTarget::Other((*b"/dev/tty").into());
        }
    }),
    Case::quiet("the reader runs", |scene| {
        let (_, reader) = full_pipe(scene);
        scene.map.add_wait(reader, 800, ThreadState::Running);
    }),
    Case::quiet("what the reader polls is not known", |scene| {
        let (_, reader) = full_pipe(scene);
        scene.blocked(reader, 7, 0);
    }),
    Case::quiet("the reader polls it", |scene| polls(scene, 0)),
    Case::low("the reader polls another pipe", |scene| polls(scene, 1)),
];

/// A reader, and its child that is blocked writing to a pipe between them.
#[cfg(test)]
fn full_pipe(scene: &mut Scene) -> (ProcessId, ProcessId) {
    let reader = scene.process(800, 1, "/usr/bin/php");
    let writer = scene.process(801, 800, "/usr/bin/job");
    scene
        .map
        .add_pipe(&[(writer, 2, None)], &[(reader, 5, None)]);
    scene.blocked(writer, 1, 2);
    (writer, reader)
}

/// The reader polls a pipe: 0 the full one, 1 another.
#[cfg(test)]
fn polls(scene: &mut Scene, pipe: usize) {
    let other = scene.process(700, 1, "/usr/bin/other");
    let (_, reader) = full_pipe(scene);
    scene
        .map
        .add_pipe(&[(other, 1, None)], &[(reader, 6, None)]);
    scene.blocked(reader, 7, 0);
    let file = Polled {
        fd: 5,
        events: 1,
        target: FdTarget::Pipe(PipeId::new(pipe)),
    };
    let set = PollSet {
        files: vec![file],
        complete: true,
    };
    let last = scene
        .map
        .waits
        .iter_mut()
        .find(|wait| wait.process == reader);
    if let Some(ThreadState::Call(call)) = last.map(|wait| &mut wait.state) {
        call.memory = CallMemory::Polled(Ok(set));
    }
}
