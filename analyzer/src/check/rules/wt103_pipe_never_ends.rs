//! WT103: a pipe whose reader never sees the end of file.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Facts;
use crate::check::facts::describe::{plural, short_list};
use crate::check::facts::{Serving, blocking_call};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::load::syscall::CallKind;
use crate::model::{FdTarget, Holder, Pipe, PipeId, PipeKey, PollSet, ProcessId, ThreadState};

rule! { WT103 "pipe-never-ends", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
A pipe's reader will never see its end, because a write end was left open.

## What it finds
A pipe through which a process reads the output of a command, with a write end left open:
- the reader holds it: it forgot to close its own copy after starting the command;
- the command has ended, and a daemon that it started has the pipe as its output;
- only programs have it that the reader started for something else, and that inherited it;
- one of those has it besides the command, which is another child of the reader.

The reader is who reads or polls the pipe, or is alone with the read end: a master that keeps both
ends for its children is none. It is quiet about self-pipes, pipes of which all holders have both
ends (job servers), FIFOs, readers that have the write end as their own standard output, and
processes that are just being started. A write end whose number its holder was told on its command
line is there on purpose. High where the reader is blocked in read(2).

## Why it matters
read(2) returns 0, the end, only when the last write end is closed. With one left over, the reader
waits for ever after the command has ended: builds hang, zombies are not reaped.

## Example
    HIGH     WT103  runner [812] holds the write end of the pipe it reads: never sees end of file
             written by make [840] as fd 1; runner [812] has it as fd 7

haskell/process issue 70: of two commands started at the same time each inherited the write end of
the other's pipe, and both readers waited.

## What to do
Close the write end in the parent after fork(2). Open pipes with pipe2(2) and O_CLOEXEC; the end
that a child is to have loses the flag when it is put in place with dup2(2). Start daemons with
their output in a file or /dev/null: `out=$(daemon)` waits until the daemon ends.

## References
- pipe(7), pipe2(2), read(2)
- haskell/process issue 70; tinylibs/tinyexec issue 138
";

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let mut unknown = 0;
    // The pipes that one process reads and the same ones keep open are one finding.
    let mut hangs: BTreeMap<Cause, Vec<(PipeId, Hang)>> = BTreeMap::new();
    for (index, pipe) in facts.map.pipes.iter().enumerate() {
        let id = PipeId::new(index);
        if matches!(pipe.key, PipeKey::Fifo(..)) || pipe.writers.is_empty() {
            continue;
        }
        let Some(reader) = reader(facts, id, pipe) else {
            continue;
        };
        let hang = reads_itself(facts, pipe, reader)
            .or_else(|| output_of_orphans(facts, pipe, reader))
            .map(Ok)
            .or_else(|| leaked_writers(facts, id, pipe, reader));
        let Some(hang) = hang else { continue };
        let holders = pipe.readers.iter().chain(&pipe.writers);
        if facts.is_starting(holders.map(|holder| holder.process)) {
            continue;
        }
        match hang {
            Ok(hang) => {
                let key = (hang.reader.process, hang.why, hang.culprits());
                hangs.entry(key).or_default().push((id, hang));
            }
            Err(NoFlags) => unknown += 1,
        }
    }
    for hangs in hangs.values() {
        output.finding(finding(facts, hangs));
    }
    if unknown > 0 {
        let pipes = plural(unknown, "pipe", "pipes");
        output.unknown(format!(
            "whether the write ends of {pipes} are close-on-exec was not captured (--fdinfo)"
        ));
    }
    output.unknowns(facts.missing_holders());
}

/// The reader, why, and the processes that keep the pipe open.
type Cause = (ProcessId, Why, Vec<ProcessId>);

/// A pipe whose reader never sees the end of file.
struct Hang {
    reader: Holder,
    why: Why,
    /// The descriptors that keep it open; of [`Why::Own`] those that write to it.
    writers: Vec<Holder>,
}

impl Hang {
    /// The processes that have the descriptors, each once.
    fn culprits(&self) -> Vec<ProcessId> {
        let processes = self.writers.iter().map(|writer| writer.process);
        Vec::from_iter(BTreeSet::from_iter(processes))
    }
}

/// Why the end does not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// The reader holds the write end, as this descriptor.
    Own(u32),
    /// The command that was to write has ended, and left a daemon.
    Orphans,
    /// Only programs hold the write end that inherited it by accident.
    Strays,
    /// Such a program holds it besides the command.
    Sibling,
}

/// Close-on-exec was not captured.
struct NoFlags;

/// Who reads a pipe: the one that is seen to, or the only holder of the read end.
fn reader(facts: &Facts<'_>, id: PipeId, pipe: &Pipe) -> Option<Holder> {
    let reads = |end: &&Holder| facts.reading_pipe(end, id) == Serving::Yes;
    let (first, last) = (pipe.readers.first()?, pipe.readers.last()?);
    let alone = first.process == last.process;
    let mut readers = pipe.readers.iter();
    let reader = readers.find(reads).or(alone.then_some(first))?;
    (!facts.process_tree.is_manager(reader.process)).then_some(*reader)
}

/// A reader that holds the write end too, of a pipe that is the output of a command below it.
fn reads_itself(facts: &Facts<'_>, pipe: &Pipe, reader: Holder) -> Option<Hang> {
    let own = end_of(&pipe.writers, reader.process)?;
    let is_command = |writer: &&Holder| {
        let reads = end_of(&pipe.readers, writer.process).is_some();
        writer.process != reader.process && !reads && matches!(writer.fd, 1 | 2)
    };
    let commands: Vec<Holder> = pipe.writers.iter().filter(is_command).copied().collect();
    let mut heirs = commands.iter();
    let redirected = own.fd <= 2;
    let is_heir = |writer: &Holder| facts.is_heir_of(writer.process, reader.process);
    (!redirected && heirs.any(is_heir)).then_some(Hang {
        reader,
        why: Why::Own(own.fd),
        writers: commands,
    })
}

/// A pipe to which only daemons write whose parents, commands that the reader started, have ended.
///
/// Who reads a pipe as standard input was given it by whoever started both ends.
fn output_of_orphans(facts: &Facts<'_>, pipe: &Pipe, reader: Holder) -> Option<Hang> {
    let is_orphan = |writer: &Holder| facts.is_orphan_of(writer.process, reader.process);
    (reader.fd > 2 && pipe.writers.iter().all(is_orphan)).then(|| Hang {
        reader,
        why: Why::Orphans,
        writers: pipe.writers.clone(),
    })
}

/// A pipe with writers that inherited it by accident: all, or besides a command that the reader started.
fn leaked_writers(
    facts: &Facts<'_>,
    id: PipeId,
    pipe: &Pipe,
    reader: Holder,
) -> Option<Result<Hang, NoFlags>> {
    let tree = &facts.process_tree;
    let is_stray = |writer: &&Holder| {
        writer.fd > 2
            && writer.cloexec != Some(true)
            && !tree.same_program(writer.process, reader.process)
            && facts.is_heir_of(writer.process, reader.process)
            && !facts.waits_on(writer, &FdTarget::Pipe(id))
            && !facts.fdinfo.watches(writer.process, pipe.key.inode())
            && !facts.is_fd_argument(writer.process, writer.fd)
    };
    let (mut strays, others): (Vec<Holder>, Vec<Holder>) =
        pipe.writers.iter().partition(|writer| is_stray(writer));
    if !others.is_empty() {
        // What a command, its parents and its children have of one pipe belongs together.
        let commands: BTreeSet<ProcessId> = others.iter().map(|writer| writer.process).collect();
        let is_below = |process: ProcessId, any: &BTreeSet<ProcessId>| {
            let mut line = std::iter::once(process).chain(tree.ancestors(process));
            line.any(|ancestor| any.contains(&ancestor))
        };
        strays.retain(|writer| !is_below(writer.process, &commands));
        let stray_processes: BTreeSet<ProcessId> =
            strays.iter().map(|writer| writer.process).collect();
        let is_command = |writer: &Holder| {
            writer.fd <= 2
                && tree
                    .ancestors(writer.process)
                    .any(|id| id == reader.process)
                && !is_below(writer.process, &stray_processes)
        };
        if !others.iter().all(is_command) {
            return None;
        }
    }
    if strays.is_empty() {
        return None;
    }
    if strays.iter().any(|writer| writer.cloexec.is_none()) {
        return Some(Err(NoFlags));
    }
    Some(Ok(Hang {
        reader,
        why: match others.is_empty() {
            true => Why::Strays,
            false => Why::Sibling,
        },
        writers: strays,
    }))
}

/// The first descriptor of a process among the holders of one end.
fn end_of(ends: &[Holder], process: ProcessId) -> Option<Holder> {
    let end = ends.get(ends.partition_point(|end| end.process < process));
    end.filter(|end| end.process == process).copied()
}

/// Whether a thread of the reader is blocked in read(2) on the pipe; `None`: in a poll that may be for it.
fn is_blocked(facts: &Facts<'_>, id: PipeId, reader: Holder) -> Option<bool> {
    let threads = facts.threads(reader.process);
    let mut calls = threads.iter().filter_map(blocking_call);
    let reads = |call: &crate::model::Call| {
        call.kind == CallKind::Read && call.target == FdTarget::Pipe(id)
    };
    let polls = |thread: &crate::model::Wait| match &thread.state {
        ThreadState::Call(call) => {
            let target = FdTarget::Pipe(id);
            let all = call.polled().filter(|polled| polled.complete);
            let is_for = |polled: &PollSet| polled.files.iter().any(|file| file.target == target);
            call.kind == CallKind::Poll && all.is_none_or(is_for)
        }
        _ => false,
    };
    match (calls.any(reads), threads.iter().any(polls)) {
        (true, _) => Some(true),
        (false, true) => None,
        (false, false) => Some(false),
    }
}

/// The finding of pipes that one process reads and the same ones keep open.
fn finding(facts: &Facts<'_>, hangs: &[(PipeId, Hang)]) -> RawFinding {
    let (first, hang) = &hangs[0];
    let reader = hang.reader.process;
    let name = facts.process_name(reader);
    let mut blocked = hangs.iter().filter_map(|(id, hang)| {
        let blocked = is_blocked(facts, *id, hang.reader);
        (blocked != Some(false)).then_some((blocked, hang.reader.fd))
    });
    let blocked = blocked.next();
    let ends = hangs.iter().flat_map(|(_, hang)| &hang.writers);
    let ends: Vec<String> = ends
        .map(|end| format!("{} as fd {}", facts.process_name(end.process), end.fd))
        .collect();
    let ends = short_list(ends);
    let mut processes = hang.culprits();
    let culprit = facts.process_names(&processes);
    let mut evidence = match hang.why {
        Why::Own(fd) => vec![
            format!("written by {ends}"),
            format!("{name} has the write end as fd {fd} itself"),
        ],
        _ => {
            let path = facts.descent(reader, processes[0]);
            vec![format!("kept open by {ends}"), format!("inherited: {path}")]
        }
    };
    evidence.extend(blocked.map(|(blocked, fd)| match blocked {
        Some(_) => format!("{name} is blocked in read on fd {fd}"),
        None => format!("{name} is blocked in poll or select"),
    }));
    let inodes = hangs.iter().map(|(id, _)| {
        let inode = facts.map.pipes[id.index()].key.inode();
        inode.to_string()
    });
    let inodes = short_list(inodes);
    evidence.push(match hangs.len() {
        1 => format!("pipe {inodes}"),
        count => format!("{count} pipes: {inodes}"),
    });
    let severity = match (hang.why, blocked) {
        (_, Some((Some(_), _))) => Severity::High,
        (Why::Own(_) | Why::Sibling, _) | (Why::Orphans, Some(_)) => Severity::Medium,
        _ => Severity::Low,
    };
    let title = match hang.why {
        Why::Own(_) => {
            format!("{name} holds the write end of the pipe it reads: never sees end of file")
        }
        Why::Orphans => format!("{name} reads the output of a command that {culprit} keeps open"),
        Why::Strays => format!("{name} reads a pipe that only {culprit} keeps open"),
        Why::Sibling => format!("{name} reads a pipe that {culprit} keeps open too"),
    };
    let advice = match hang.why {
        Why::Own(_) => {
            format!("close the write end in {name} after fork; open pipes with O_CLOEXEC")
        }
        Why::Orphans => format!("start {culprit} with its output in a file or /dev/null"),
        Why::Strays | Why::Sibling => "open pipes with O_CLOEXEC".to_owned(),
    };
    processes.push(reader);
    RawFinding {
        severity,
        subject: Subject::Pipe(*first),
        processes,
        sockets: vec![],
        title,
        evidence,
        advice,
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::high("the parent reads while it holds the write end", |scene| {
        let (runner, make) = family(scene);
        scene
            .map
            .add_pipe(&[(runner, 7, None), (make, 1, None)], &[(runner, 6, None)]);
        scene.blocked(runner, 0, 6);
    }),
    Case::low("an unrelated child keeps the pipe open", |scene| {
        let (runner, make) = family(scene);
        scene
            .map
            .add_pipe(&[(make, 9, Some(false))], &[(runner, 6, Some(true))]);
    }),
    Case::high("a daemon that a command left behind", |scene| {
        let (runner, _) = family(scene);
        let daemon = scene.process(900, 1, "/usr/sbin/daemon");
        scene
            .map
            .add_pipe(&[(daemon, 1, None)], &[(runner, 6, None)]);
        scene.blocked(runner, 0, 6);
    }),
    Case::medium(
        "a command, and another one that inherited the pipe",
        |scene| {
            let (runner, make) = family(scene);
            let other = scene.process(850, 812, "/usr/bin/other");
            let writers = [(make, 1, None), (other, 7, Some(false))];
            scene.map.add_pipe(&writers, &[(runner, 6, None)]);
        },
    ),
    Case::quiet("a copy that a command has for its own children", |scene| {
        let (runner, make) = family(scene);
        let child = scene.process(850, 840, "/usr/bin/cc");
        let writers = [(make, 1, None), (child, 1, None), (child, 5, Some(false))];
        scene.map.add_pipe(&writers, &[(runner, 6, None)]);
    }),
    Case::quiet("a pipeline whose shell has ended", |scene| {
        let writer = scene.process(840, 1, "/usr/bin/make");
        let reader = scene.process(841, 1, "/usr/bin/tee");
        scene
            .map
            .add_pipe(&[(writer, 1, None)], &[(reader, 0, None)]);
        scene.blocked(reader, 0, 0);
    }),
    Case::quiet(
        "a master with both ends of a pipe that its logger reads",
        |scene| {
            let (master, logger) = family(scene);
            let service = scene.process(850, 812, "/usr/bin/service");
            let writers = [(master, 7, Some(true)), (service, 2, Some(false))];
            let readers = [(master, 6, Some(true)), (logger, 5, Some(false))];
            scene.map.add_pipe(&writers, &readers);
            scene.blocked(logger, 0, 5);
        },
    ),
    Case::quiet("a command that is being started", |scene| {
        let (runner, make) = family(scene);
        let writers = [(runner, 7, None), (make, 1, None)];
        scene.map.add_pipe(&writers, &[(runner, 6, None)]);
        scene.blocked(runner, 0, 6);
        scene.process_mut(make).started_boottime_ns = 5_995_000_000;
        let at_boottime_ns = 6_000_000_000;
        for pid in [812, 840] {
            let record = whotalks_snapshot::records::Process {
                at_boottime_ns,
                ..Default::default()
            };
            scene.record(pid, record);
        }
    }),
    Case::quiet("a self-pipe, and one that a fork inherited", |scene| {
        let (runner, make) = family(scene);
        scene
            .map
            .add_pipe(&[(runner, 7, None)], &[(runner, 6, None)]);
        let both = [(runner, 6, Some(false)), (make, 6, Some(false))];
        scene.map.add_pipe(&both, &both);
    }),
    Case::quiet("a reader of its own output", |scene| {
        let (runner, make) = family(scene);
        scene
            .map
            .add_pipe(&[(runner, 1, None), (make, 1, None)], &[(runner, 6, None)]);
    }),
    Case::quiet(
        "a command's output, and a status pipe that its command line names",
        |scene| {
            let (runner, make) = family(scene);
            scene.map.add_pipe(&[(make, 1, None)], &[(runner, 6, None)]);
            scene
                .map
                .add_pipe(&[(make, 9, Some(false))], &[(runner, 7, None)]);
            scene.process_mut(make).cmdline = b"make\0--status-fd\x009\0"[..].into();
        },
    ),
    Case::quiet("children read a pipe to notice the parent's end", |scene| {
        let (runner, make) = family(scene);
        let readers = [(runner, 3, Some(false)), (make, 3, Some(false))];
        scene.map.add_pipe(&[(runner, 4, Some(false))], &readers);
    }),
];

#[cfg(test)]
fn family(scene: &mut Scene) -> (ProcessId, ProcessId) {
    let runner = scene.process(812, 1, "/usr/bin/runner");
    (runner, scene.process(840, 812, "/usr/bin/make"))
}
