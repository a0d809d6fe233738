//! Findings: as a rule makes them, and as they are printed.

use std::collections::BTreeSet;

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

    /// The next higher severity where a condition holds.
    pub(super) fn raised_if(self, condition: bool) -> Self {
        match self {
            _ if !condition => self,
            Self::Low => Self::Medium,
            Self::Medium | Self::High => Self::High,
        }
    }
}

/// One finding, ready for output: ids as in `export`, names escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Code of the rule: `WT101`.
    pub code: &'static str,
    /// Name of the rule: `shared-connected-socket`.
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
    /// What shows it, one line each.
    pub evidence: Vec<String>,
    /// What to do.
    pub advice: String,
    /// Identifies the finding across captures and restarts: rule, and role and name of the subject.
    pub key: String,
}

/// A question of a rule that the capture does not answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unknown {
    /// The rule's code.
    pub code: &'static str,
    /// What is missing.
    pub why: String,
}

/// The output of all rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// By severity, worst first, then by code, then by subject.
    pub findings: Vec<Finding>,
    /// By code.
    pub unknown: Vec<Unknown>,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// A whole host, where no single process or socket is meant.
    Host(HostId),
    Process(ProcessId),
    Socket(SocketId),
    Pipe(PipeId),
}

/// A finding as a rule makes it: with indices into the map in place of ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RawFinding {
    pub(super) severity: Severity,
    pub(super) subject: Subject,
    pub(super) processes: Vec<ProcessId>,
    pub(super) sockets: Vec<SocketId>,
    pub(super) title: String,
    pub(super) evidence: Vec<String>,
    pub(super) advice: String,
}

/// The output of one rule.
#[derive(Debug, Default)]
pub(super) struct RuleOutput {
    pub(super) findings: Vec<RawFinding>,
    /// What the capture lacks for an answer.
    pub(super) unknown: BTreeSet<String>,
}

impl RuleOutput {
    pub(super) fn finding(&mut self, finding: RawFinding) {
        self.findings.push(finding);
    }

    pub(super) fn unknown(&mut self, reason: impl Into<String>) {
        self.unknown.insert(reason.into());
    }

    pub(super) fn unknowns(&mut self, reasons: impl IntoIterator<Item = String>) {
        self.unknown.extend(reasons);
    }
}

impl RawFinding {
    /// Replaces indices by ids, and adds the rule's code and name, and the key.
    pub(super) fn resolve(
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
        let key = format!("{code} {}", stable_name(facts, &self));
        let processes = self.processes.into_iter();
        let sockets = self.sockets.into_iter();
        Finding {
            code,
            rule,
            severity: self.severity,
            subject,
            processes: processes.map(|process| id::process(map, process)).collect(),
            sockets: sockets.map(|socket| id::socket(map, socket)).collect(),
            title: self.title,
            evidence: self.evidence,
            key,
            advice: self.advice,
        }
    }
}

/// A name of a finding's subject that is the same after a restart: roles, and names with their
/// variable parts masked; never pids and inodes.
fn stable_name(facts: &Facts<'_>, finding: &RawFinding) -> String {
    let map = facts.map;
    let first_role = |processes: &[ProcessId]| {
        let first = processes.first();
        first.map_or_else(String::new, |process| role(map.process(*process)))
    };
    match finding.subject {
        Subject::Host(_) => mask(&finding.title),
        Subject::Process(process) => first_role(&[process]),
        Subject::Pipe(_) => first_role(&finding.processes),
        Subject::Socket(id) => {
            let socket = map.socket(id);
            let name = match (&socket.name, socket.local) {
                (Some(name), _) => mask(&crate::text::escape::name(name.bytes())),
                (None, Some(address)) => address.to_string(),
                (None, None) => first_role(&facts.peer_processes(id)),
            };
            format!("{} {name}", first_role(&map.holding_processes(id)))
        }
    }
}
