//! WT215: processes that have exited and that their parent does not collect.

use std::collections::BTreeMap;

use crate::check::Facts;
use crate::check::facts::describe::{duration, plural};
use crate::check::finding::{RawFinding, RuleOutput, Severity, Subject};
#[cfg(test)]
use crate::check::test_scene::{Case, Scene};
use crate::load::{Capture, proc_pid};
use crate::model::{HostId, ProcessId};

rule! { WT215 "zombies", High, since "0.1.0", earlier Helpful }

const DOC: &str = "\
A process does not collect its exited children, or process ids are running out.

## What it finds
20 and more zombies (state Z) of one parent (medium), also fewer where none of those of an earlier
capture was collected and there are more (low). High where 80 % of kernel.pid_max or
kernel.threads-max is in use besides. Without zombies, threads near that limit are a finding too.

A handful of zombies is normal: each child is one until its parent calls wait(2).

## Why it matters
A zombie keeps its process id, and a slot in the limits of its user and control group. At the limit
fork(2) fails with EAGAIN, and nothing can be started any more, not even a shell to look. In a
container the cause is often a program that runs as pid 1 and does not expect orphans.

## Example
    MEDIUM   WT215  minio [812] has 340 zombies
             340 sh; in container minio

## What to do
Let the parent call waitpid(2), or ignore SIGCHLD. In a container run an init as pid 1 (`docker run
--init`, tini). Zombies go when their parent exits; killing them does nothing.

## References
- wait(2) NOTES, proc_pid_stat(5) state, proc_sys_kernel(5) pid_max, threads-max
- minio/minio issue 5514
";

/// Zombies of one parent.
const MANY: usize = 20;
/// New ones since an earlier capture, of which none was collected.
const RISEN: usize = 3;
/// Percentage of a limit in use.
const NEAR_PERCENT: u64 = 80;

fn check(facts: &Facts<'_>, output: &mut RuleOutput) {
    let mut by_parent: BTreeMap<ProcessId, Vec<ProcessId>> = BTreeMap::new();
    for (index, process) in facts.map.processes.iter().enumerate() {
        let id = ProcessId::new(index);
        // The main thread of a process may have exited while others go on.
        let is_whole = facts.record(id).is_none_or(|record| record.via_tid == 0);
        if process.state == b'Z'
            && is_whole
            && let Some(parent) = facts.process_tree.parent(id)
        {
            by_parent.entry(parent).or_default().push(id);
        }
    }
    let near: Vec<Option<Limit>> = facts
        .captures
        .iter()
        .map(|capture| limit(capture))
        .collect();
    let mut is_explained = vec![false; near.len()];
    for (parent, zombies) in by_parent {
        let host = facts.map.process(parent).host.index();
        let risen_ns = risen_ns(facts, &zombies);
        let severity = match (zombies.len(), risen_ns) {
            (MANY.., _) => Severity::Medium,
            (_, Some(_)) => Severity::Low,
            _ => continue,
        };
        let limit = near
            .get(host)
            .and_then(Option::as_ref)
            .filter(|limit| limit.is_near());
        is_explained[host] |= limit.is_some() && zombies.len() >= MANY;
        let severity = severity.raised_if(limit.is_some());
        output.finding(finding(facts, parent, severity, &zombies, risen_ns, limit));
    }
    for (host, limit) in near.iter().enumerate() {
        match limit {
            Some(limit) if limit.is_near() && !is_explained[host] => {
                output.finding(limit.finding(facts, HostId::new(host)));
            }
            Some(_) => {}
            None => output.unknown("the limit on process ids was not captured"),
        }
    }
    output.unknowns(facts.hidden_processes());
    output.unknowns(facts.missing_states());
}

/// Threads of a host, and the limit on them.
struct Limit {
    threads: u64,
    most: u64,
    name: &'static str,
}

/// The limit that is nearest.
fn limit(capture: &Capture) -> Option<Limit> {
    let setting = |name| {
        let raw = capture.sources(name).find(|raw| raw.header.errno == 0)?;
        std::str::from_utf8(&raw.bytes).ok()?.trim().parse().ok()
    };
    let limits = [
        (setting("sys/kernel/pid_max"), "kernel.pid_max"),
        (setting("sys/kernel/threads-max"), "kernel.threads-max"),
    ];
    let limits = limits.into_iter();
    let (most, name) = limits
        .filter_map(|(most, name)| Some((most?, name)))
        .min()?;
    // The second look reads some processes again.
    let threads = |status: &[u8]| -> u64 {
        let count = proc_pid::status_line(status, "Threads");
        count.and_then(|count| count.parse().ok()).unwrap_or(1)
    };
    let by_pid: BTreeMap<u32, u64> = capture
        .processes
        .iter()
        .map(|record| (record.pid, threads(&record.status)))
        .collect();
    let threads = by_pid.into_values().fold(0, u64::saturating_add);
    Some(Limit {
        threads,
        most,
        name,
    })
}

impl Limit {
    fn is_near(&self) -> bool {
        self.most > 0 && self.threads.saturating_mul(100) / self.most >= NEAR_PERCENT
    }

    fn text(&self) -> String {
        format!(
            "{} of {} ids in use ({})",
            self.threads, self.most, self.name
        )
    }

    fn finding(&self, facts: &Facts<'_>, host: HostId) -> RawFinding {
        let prefix = facts.host_prefix(host);
        RawFinding {
            severity: Severity::High,
            subject: Subject::Host(host),
            processes: vec![],
            sockets: vec![],
            title: format!("{prefix}hardly any process ids are left"),
            evidence: vec![self.text()],
            advice: "find who starts so many processes or threads; raise the limit".to_owned(),
        }
    }
}

/// The age of the earlier capture, where it had some of the zombies, all of these are left, and there
/// are more now.
fn risen_ns(facts: &Facts<'_>, zombies: &[ProcessId]) -> Option<u64> {
    let history = facts.history()?;
    let parent = facts.process_tree.parent(*zombies.first()?)?;
    let now = facts.map.process(parent);
    let then = history.map.process(history.process(now)?);
    let earlier = &history.map.processes;
    let (host, age_ns) = history.host(now.host)?;
    let before = earlier.iter().filter(|process| {
        process.state == b'Z' && process.host == host && process.ppid == then.pid
    });
    let before = before.count();
    let is_old = |zombie: &&ProcessId| {
        let same = history.process(facts.map.process(**zombie));
        same.is_some_and(|id| history.map.process(id).state == b'Z')
    };
    let kept = zombies.iter().filter(is_old).count();
    (before > 0 && kept == before && zombies.len() >= before + RISEN).then_some(age_ns)
}

fn finding(
    facts: &Facts<'_>,
    parent: ProcessId,
    severity: Severity,
    zombies: &[ProcessId],
    risen_ns: Option<u64>,
    limit: Option<&Limit>,
) -> RawFinding {
    let name = facts.process_name(parent);
    let count = plural(zombies.len(), "zombie", "zombies");
    let mut evidence = vec![facts.program_names(zombies)];
    if let Some(age) = risen_ns {
        let age = duration(age);
        evidence.push(format!(
            "there were fewer {age} before, of which none was collected"
        ));
    }
    evidence.extend(limit.map(Limit::text));
    if facts.is_in_container(parent) {
        evidence.push(format!("in container {}", facts.container_name(parent)));
    }
    let processes = [&[parent], zombies].concat();
    RawFinding {
        severity,
        subject: Subject::Process(parent),
        processes,
        sockets: vec![],
        title: format!("{name} has {count}"),
        evidence,
        advice: "let it call waitpid(2); in a container run an init as pid 1".to_owned(),
    }
}

#[cfg(test)]
const CASES: &[Case] = &[
    Case::medium("twenty of one parent", |scene| zombies(scene, 600, 20)),
    Case::low("ever more, and none is collected", |scene| {
        zombies(scene, 600, 4);
        scene.advance(60);
        zombies(scene, 700, 4);
    }),
    Case::high("the limit on process ids is near", |scene| {
        zombies(scene, 600, 20);
        pid_max(scene, 24, 20);
    }),
    Case::high("many processes without a zombie", |scene| {
        pid_max(scene, 10, 9)
    }),
    Case::quiet("a handful", |scene| zombies(scene, 600, 8)),
    Case::quiet("as many of two parents", |scene| {
        scene.process(500, 1, "/usr/bin/other");
        zombies(scene, 600, 24);
        for zombie in 12..24 {
            scene.process_mut(ProcessId::new(2 + zombie)).ppid = 500;
        }
    }),
];

/// Adds zombies of process 1, from this pid on.
#[cfg(test)]
fn zombies(scene: &mut Scene, first: u32, count: u32) {
    for pid in first..first + count {
        let zombie = scene.process(pid, 1, "");
        scene.process_mut(zombie).state = b'Z';
    }
}

/// Sets the limit, and records so many processes.
#[cfg(test)]
fn pid_max(scene: &mut Scene, most: u32, processes: u32) {
    use whotalks_snapshot::records::{Process, RawHeader};
    for pid in 2_000..2_000 + processes {
        scene.record(pid, Process::default());
    }
    let header = RawHeader {
        source: b"sys/kernel/pid_max".to_vec(),
        ..RawHeader::default()
    };
    scene.table(header, most.to_string().into_bytes());
}
