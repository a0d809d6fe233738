//! What a rule says: a finding with its evidence, or why it cannot know.

use super::Facts;
use crate::diff::{mask, role};
use crate::id;
use crate::model::{HostId, PipeId, ProcessId, SocketId};

/// Severity of a finding, decided by its evidence, not by its rule alone.
///
/// The documentation of a variant is its `--help` text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Severity {
    /// Worth knowing
    Low,
    /// Will cause trouble some day
    Medium,
    /// Causes trouble now, or grants access
    High,
}

impl Severity {
    /// The word in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// One finding, fit for output: ids as in `export`, names made printable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `WT101`.
    pub code: &'static str,
    /// `shared-connected-socket`.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Id of what it is about: a process, a socket, a pipe or a host.
    pub subject: String,
    /// Ids of the processes concerned, sorted.
    pub processes: Vec<String>,
    /// Ids of the sockets concerned, sorted.
    pub sockets: Vec<String>,
    /// What was found, in one line.
    pub title: String,
    /// What shows it, a line each.
    pub evidence: Vec<String>,
    /// What to do.
    pub advice: String,
    /// The same for the same trouble in another capture, over restarts: rule, role and name of the
    /// subject.
    pub key: String,
}

/// A rule's question that the capture does not answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unknown {
    /// The rule's code.
    pub code: &'static str,
    /// What is missing.
    pub why: String,
}

/// What all rules say together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Worst first, then by code, then by subject.
    pub findings: Vec<Finding>,
    /// By code.
    pub unknown: Vec<Unknown>,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// A whole machine, where no process or socket is meant.
    Host(HostId),
    Process(ProcessId),
    Socket(SocketId),
    Pipe(PipeId),
}

/// A finding as a rule makes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) severity: Severity,
    pub(super) subject: Subject,
    pub(super) processes: Vec<ProcessId>,
    pub(super) sockets: Vec<SocketId>,
    pub(super) title: String,
    pub(super) evidence: Vec<String>,
    pub(super) advice: String,
}

/// Where a rule says what it has to say.
#[derive(Debug, Default)]
pub(super) struct RuleOutput {
    pub(super) found: Vec<Found>,
    pub(super) unknown: Vec<String>,
}

impl RuleOutput {
    pub(super) fn found(&mut self, found: Found) {
        self.found.push(found);
    }

    pub(super) fn unknown(&mut self, why: impl Into<String>) {
        self.unknown.push(why.into());
    }
}

impl Found {
    /// With ids in place of indices.
    pub(super) fn finish(
        mut self,
        facts: &Facts<'_>,
        code: &'static str,
        rule: &'static str,
    ) -> Finding {
        let map = facts.map;
        self.processes.sort_unstable();
        self.processes.dedup();
        self.sockets.sort_unstable();
        self.sockets.dedup();
        let subject = match self.subject {
            Subject::Host(host) => id::host(host),
            Subject::Process(process) => id::process(map, process),
            Subject::Socket(socket) => id::socket(map, socket),
            Subject::Pipe(pipe) => id::pipe(map, pipe),
        };
        let key = format!("{code} {}", lasting(facts, &self));
        let processes = self.processes.iter();
        let sockets = self.sockets.iter();
        Finding {
            code,
            rule,
            severity: self.severity,
            subject,
            processes: processes
                .map(|process| id::process(map, *process))
                .collect(),
            sockets: sockets.map(|socket| id::socket(map, *socket)).collect(),
            title: self.title,
            evidence: self.evidence,
            key,
            advice: self.advice,
        }
    }
}

/// What of a finding's subject lasts over restarts: roles, names without what differs from run to
/// run; never pids and inodes.
fn lasting(facts: &Facts<'_>, found: &Found) -> String {
    let map = facts.map;
    let of = |process: Option<&ProcessId>| {
        process.map_or_else(String::new, |process| role(map.process(*process)))
    };
    match found.subject {
        Subject::Host(_) => mask(&found.title),
        Subject::Process(process) => of(Some(&process)),
        Subject::Pipe(_) => of(found.processes.first()),
        Subject::Socket(socket) => {
            let holders = map.holding_processes(socket);
            let end = map.socket(socket);
            let name = match (&end.name, end.local) {
                (Some(name), _) => mask(&crate::text::escape::name(name.bytes())),
                (None, Some(address)) => address.to_string(),
                (None, None) => {
                    let peer = facts.peer(socket).map(|peer| map.holding_processes(peer));
                    of(peer.unwrap_or_default().first())
                }
            };
            format!("{} {name}", of(holders.first()))
        }
    }
}
