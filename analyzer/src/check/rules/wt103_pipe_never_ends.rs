//! WT103: a pipe whose reader waits for an end that will not come.

use crate::check::facts::describe::plural;
use crate::check::finding::{Found, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::fixture::{Case, Scene};
use crate::check::{Earlier, Facts, Rule};
use crate::load::syscall::CallKind;
use crate::model::{Holder, Pipe, PipeId, PipeKey, ProcessId};

pub(super) static RULE: Rule = Rule {
    code: "WT103",
    name: "pipe-never-ends",
    severity: Severity::High,
    since: "0.1.0",
    past: Earlier::Unused,
    doc: DOC,
    check,
    #[cfg(test)]
    cases: CASES,
};

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

fn check(facts: &Facts<'_>, said: &mut RuleOutput) {
    let mut unflagged = 0;
    for (at, pipe) in facts.map.pipes.iter().enumerate() {
        let id = PipeId::new(at);
        if matches!(pipe.key, PipeKey::Fifo(..)) || pipe.readers.is_empty() {
            continue;
        }
        match reads_itself(facts, pipe)
            .map(Ok)
            .or_else(|| left_over(facts, pipe))
        {
            Some(Ok(hang)) => said.found(found(facts, id, pipe, &hang)),
            Some(Err(())) => unflagged += 1,
            None => {}
        }
    }
    if unflagged > 0 {
        let pipes = plural(unflagged, "pipe", "pipes");
        said.unknown(format!(
            "whether the write ends of {pipes} are close-on-exec was not captured (--fdinfo)"
        ));
    }
    for why in facts.unread() {
        said.unknown(why);
    }
}

/// A pipe that will not end.
struct Hang {
    reader: Holder,
    /// The reader's own write end, where that is what keeps it open.
    own: Option<Holder>,
    writers: Vec<Holder>,
}

/// A reader that has the write end too, of a pipe that is a command's output.
fn reads_itself(facts: &Facts<'_>, pipe: &Pipe) -> Option<Hang> {
    let both = |reader: &&Holder| end_of(&pipe.writers, reader.process).is_some();
    let reader = pipe.readers.iter().find(both)?;
    let own = end_of(&pipe.writers, reader.process)?;
    let commands: Vec<Holder> = pipe
        .writers
        .iter()
        .filter(|writer| {
            let other = writer.process != reader.process;
            let reads = end_of(&pipe.readers, writer.process).is_some();
            other && !reads && matches!(writer.fd, 1 | 2)
        })
        .copied()
        .collect();
    let below = |writer: &Holder| {
        facts
            .kin
            .ancestors(writer.process)
            .any(|p| p == reader.process)
    };
    let redirected = own.fd <= 2;
    (!redirected && commands.iter().any(below)).then_some(Hang {
        reader: *reader,
        own: Some(own),
        writers: commands,
    })
}

/// Writers that are all there by accident; `Err` where only a flag is missing to say so.
fn left_over(facts: &Facts<'_>, pipe: &Pipe) -> Option<Result<Hang, ()>> {
    let [reader] = pipe.readers.as_slice() else {
        return None;
    };
    if pipe.writers.is_empty() || facts.kin.is_manager(reader.process) {
        return None;
    }
    let accident = |writer: &Holder| {
        let used = facts.threads(writer.process).iter();
        let mut used = used.filter(|thread| thread.is_on(writer));
        writer.fd > 2
            && writer.cloexec != Some(true)
            && !facts.kin.same_program(writer.process, reader.process)
            && facts
                .kin
                .ancestors(writer.process)
                .any(|p| p == reader.process)
            && used.next().is_none()
            && !facts.watches_pipe(writer.process, pipe)
            && !facts.is_told(writer.process, writer.fd)
    };
    if !pipe.writers.iter().all(accident) {
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

/// The first descriptor of a process among an end's.
fn end_of(ends: &[Holder], process: ProcessId) -> Option<Holder> {
    let at = ends.partition_point(|end| end.process < process);
    ends.get(at).filter(|end| end.process == process).copied()
}

fn found(facts: &Facts<'_>, id: PipeId, pipe: &Pipe, hang: &Hang) -> Found {
    let reader = hang.reader;
    let name = facts.process(reader.process);
    let waits = facts
        .threads(reader.process)
        .iter()
        .any(|thread| thread.kind == Some(CallKind::Read) && thread.is_on(&reader));
    let written = hang.writers.iter().take(4);
    let written: Vec<String> = written
        .map(|writer| format!("{} as fd {}", facts.process(writer.process), writer.fd))
        .collect();
    let mut evidence = vec![format!("written by {}", written.join(", "))];
    if let Some(own) = hang.own {
        evidence.push(format!("{name} has the write end as fd {} itself", own.fd));
    } else {
        let first = hang.writers[0].process;
        evidence.push(format!(
            "inherited: {}",
            facts.descent(reader.process, first)
        ));
    }
    if waits {
        evidence.push(format!("{name} is blocked in read on fd {}", reader.fd));
    }
    if let PipeKey::Pipe(inode) = pipe.key {
        evidence.push(format!("pipe {inode}"));
    }
    let (severity, title) = match hang.own {
        Some(_) => (
            if waits {
                Severity::High
            } else {
                Severity::Medium
            },
            format!("{name} reads a pipe that it holds the write end of"),
        ),
        None => (
            if waits {
                Severity::Medium
            } else {
                Severity::Low
            },
            format!("{name} reads a pipe that only strays keep open"),
        ),
    };
    let mut processes: Vec<ProcessId> = hang.writers.iter().map(|writer| writer.process).collect();
    processes.push(reader.process);
    Found {
        severity,
        subject: Subject::Pipe(id),
        processes,
        sockets: vec![],
        title,
        evidence,
        advice: format!("close the write end in {name} after fork; open pipes with O_CLOEXEC"),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case {
        about: "the parent waits with the write end in its hand",
        scene: |scene| {
            let (runner, make) = family(scene);
            scene.pipe(&[(runner, 6, None)], &[(runner, 7, None), (make, 1, None)]);
            scene.blocked(runner, 0, 6);
        },
        finds: &[("WT103", Severity::High)],
    },
    Case {
        about: "a stray child keeps another's pipe open",
        scene: |scene| {
            let (runner, make) = family(scene);
            scene.pipe(&[(runner, 6, Some(true))], &[(make, 9, Some(false))]);
        },
        finds: &[("WT103", Severity::Low)],
    },
    Case {
        about: "a self-pipe, and one that a fork inherited",
        scene: |scene| {
            let (runner, make) = family(scene);
            scene.pipe(&[(runner, 6, None)], &[(runner, 7, None)]);
            let both = [(runner, 6, Some(false)), (make, 6, Some(false))];
            scene.pipe(&both, &both);
        },
        finds: &[],
    },
    Case {
        about: "a reader of its own output",
        scene: |scene| {
            let (runner, make) = family(scene);
            scene.pipe(&[(runner, 6, None)], &[(runner, 1, None), (make, 1, None)]);
        },
        finds: &[],
    },
    Case {
        about: "a command's output, and a status pipe whose number was told",
        scene: |scene| {
            let (runner, make) = family(scene);
            scene.pipe(&[(runner, 6, None)], &[(make, 1, None)]);
            scene.pipe(&[(runner, 7, None)], &[(make, 9, Some(false))]);
            scene.map.processes[make.index()].cmdline = b"make\0--status-fd\x009\0"[..].into();
        },
        finds: &[],
    },
    Case {
        about: "a death watch: children read what nobody writes",
        scene: |scene| {
            let (runner, make) = family(scene);
            let readers = [(runner, 3, Some(false)), (make, 3, Some(false))];
            scene.pipe(&readers, &[(runner, 4, Some(false))]);
        },
        finds: &[],
    },
];

#[cfg(test)]
fn family(scene: &mut Scene) -> (ProcessId, ProcessId) {
    let runner = scene.process(812, 1, "/usr/bin/runner");
    (runner, scene.process(840, 812, "/usr/bin/make"))
}
