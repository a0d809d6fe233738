//! WT103: a pipe whose reader never sees the end of file.

use crate::check::Facts;
use crate::check::facts::blocking_call;
use crate::check::facts::describe::plural;
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::load::syscall::CallKind;
use crate::model::{FdTarget, Holder, Pipe, PipeId, PipeKey, ProcessId};

rule! { WT103 "pipe-never-ends", High, since "0.1.0", earlier Unused }

const DOC: &str = "\
A pipe's reader will never see its end, because a write end was left open.

## What it finds
A pipe that is some command's standard output or error, and whose reader holds the write end as
well: it forgot to close its own copy after starting the command. And a pipe whose only writers are
programs that the reader started for something else: they inherited the write end by accident.

It is quiet about self-pipes, pipes of which all holders have both ends (job servers), FIFOs, and
readers that have the write end as their own standard output. A write end whose number its holder
was told on its command line is there on purpose.

## Why it matters
read(2) returns 0, the end, only when the last write end is closed. With one left over, the reader
waits for ever after the command has ended: builds hang, zombies are not reaped.

## Example
    HIGH     WT103  runner [812] reads a pipe that it holds the write end of
             written by make [840] as fd 1; runner [812] has it as fd 7

haskell/process issue 70: of two commands started at the same time each inherited the write end of
the other's pipe, and both readers waited.

## What to do
Close the write end in the parent after fork(2). Open pipes with pipe2(2) and O_CLOEXEC; the end
that a child is to have loses the flag when it is put in place with dup2(2).

## References
- pipe(7), pipe2(2), read(2)
- haskell/process issue 70; tinylibs/tinyexec issue 138
";

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let mut unknown = 0;
    for (index, pipe) in facts.map.pipes.iter().enumerate() {
        let id = PipeId::new(index);
        if matches!(pipe.key, PipeKey::Fifo(..)) || pipe.readers.is_empty() {
            continue;
        }
        let own = reads_itself(facts, pipe).map(Ok);
        match own.or_else(|| leaked_writers(facts, id, pipe)) {
            Some(Ok(hang)) => output.finding(finding(facts, id, pipe, &hang)),
            Some(Err(())) => unknown += 1,
            None => {}
        }
    }
    if unknown > 0 {
        let pipes = plural(unknown, "pipe", "pipes");
        output.unknown(format!(
            "whether the write ends of {pipes} are close-on-exec was not captured (--fdinfo)"
        ));
    }
    output.unknowns(facts.missing_holders());
}

/// A pipe whose reader never sees the end of file.
struct Hang {
    reader: Holder,
    /// The reader's own write end, where that keeps the pipe open.
    own: Option<Holder>,
    writers: Vec<Holder>,
}

/// A reader that holds the write end too, of a pipe that is the output of a command below it.
fn reads_itself(facts: &Facts<'_>, pipe: &Pipe) -> Option<Hang> {
    let both = |reader: &&Holder| end_of(&pipe.writers, reader.process).is_some();
    let reader = pipe.readers.iter().find(both)?;
    let own = end_of(&pipe.writers, reader.process)?;
    let is_command = |writer: &&Holder| {
        let reads = end_of(&pipe.readers, writer.process).is_some();
        writer.process != reader.process && !reads && matches!(writer.fd, 1 | 2)
    };
    let commands: Vec<Holder> = pipe.writers.iter().filter(is_command).copied().collect();
    let is_child = |writer: &Holder| is_below(facts, writer, reader);
    let redirected = own.fd <= 2;
    (!redirected && commands.iter().any(is_child)).then_some(Hang {
        reader: *reader,
        own: Some(own),
        writers: commands,
    })
}

/// Whether the process of a writer descends from that of a reader.
fn is_below(facts: &Facts<'_>, writer: &Holder, reader: &Holder) -> bool {
    let mut ancestors = facts.process_tree.ancestors(writer.process);
    ancestors.any(|process| process == reader.process)
}

/// A pipe whose writers all inherited it by accident; `Err`: close-on-exec was not captured.
fn leaked_writers(facts: &Facts<'_>, id: PipeId, pipe: &Pipe) -> Option<Result<Hang, ()>> {
    let [reader] = pipe.readers.as_slice() else {
        return None;
    };
    let tree = &facts.process_tree;
    if pipe.writers.is_empty() || tree.is_manager(reader.process) {
        return None;
    }
    let leaked = |writer: &Holder| {
        writer.fd > 2
            && writer.cloexec != Some(true)
            && !tree.same_program(writer.process, reader.process)
            && is_below(facts, writer, reader)
            && !facts.waits_on(writer, &FdTarget::Pipe(id))
            && !facts.fdinfo.watches(writer.process, pipe.key.inode())
            && !facts.is_fd_argument(writer.process, writer.fd)
    };
    if !pipe.writers.iter().all(leaked) {
        return None;
    }
    if pipe.writers.iter().any(|writer| writer.cloexec.is_none()) {
        return Some(Err(()));
    }
    Some(Ok(Hang {
        reader: *reader,
        own: None,
        writers: pipe.writers.clone(),
    }))
}

/// The first descriptor of a process among the holders of one end.
fn end_of(ends: &[Holder], process: ProcessId) -> Option<Holder> {
    let end = ends.get(ends.partition_point(|end| end.process < process));
    end.filter(|end| end.process == process).copied()
}

fn finding(facts: &Facts<'_>, id: PipeId, pipe: &Pipe, hang: &Hang) -> RawFinding {
    let reader = hang.reader;
    let name = facts.process_name(reader.process);
    let threads = facts.threads(reader.process).iter();
    let mut calls = threads.filter_map(blocking_call);
    let waits = calls.any(|call| call.kind == CallKind::Read && call.target == FdTarget::Pipe(id));
    let written = hang.writers.iter().take(4);
    let written: Vec<String> = written
        .map(|writer| format!("{} as fd {}", facts.process_name(writer.process), writer.fd))
        .collect();
    let why = match hang.own {
        Some(own) => format!("{name} has the write end as fd {} itself", own.fd),
        None => {
            let path = facts.descent(reader.process, hang.writers[0].process);
            format!("inherited: {path}")
        }
    };
    let mut evidence = vec![format!("written by {}", written.join(", ")), why];
    if waits {
        evidence.push(format!("{name} is blocked in read on fd {}", reader.fd));
    }
    if let PipeKey::Pipe(inode) = pipe.key {
        evidence.push(format!("pipe {inode}"));
    }
    let (severity, what) = match hang.own {
        Some(_) => (Severity::Medium, "it holds the write end of"),
        None => (Severity::Low, "only strays keep open"),
    };
    let mut processes: Vec<ProcessId> = hang.writers.iter().map(|writer| writer.process).collect();
    processes.push(reader.process);
    RawFinding {
        severity: severity.raised_if(waits),
        subject: Subject::Pipe(id),
        processes,
        sockets: vec![],
        title: format!("{name} reads a pipe that {what}"),
        evidence,
        advice: format!("close the write end in {name} after fork; open pipes with O_CLOEXEC"),
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
