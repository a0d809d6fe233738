//! How findings name things: printable, bounded, the same everywhere.

use std::collections::BTreeMap;

use super::Facts;
use crate::graph::program;
use crate::model::{HostId, ProcessId, SocketId};
use crate::text::escape;
pub(crate) use crate::text::format::plural;

/// Names in one line of evidence.
const NAMED: usize = 8;

impl Facts<'_> {
    /// `dbus-daemon [812]`, with its host where there are several.
    pub(crate) fn process(&self, id: ProcessId) -> String {
        let process = self.map.process(id);
        format!(
            "{}{} [{}]",
            self.host_prefix(process.host),
            program(process),
            process.pid
        )
    }

    /// `web1:`, or nothing where there is one host.
    pub(crate) fn host_prefix(&self, host: HostId) -> String {
        match self.map.hosts.len() {
            0 | 1 => String::new(),
            _ => format!(
                "{}:",
                escape::display(&self.map.hosts[host.index()].hostname)
            ),
        }
    }

    /// A socket's name or address, else its inode.
    pub(crate) fn socket(&self, id: SocketId) -> String {
        let socket = self.map.socket(id);
        match (&socket.name, socket.local) {
            (Some(name), _) => escape::name(name.bytes()),
            (None, Some(address)) => address.to_string(),
            (None, None) => format!("socket {}", socket.inode),
        }
    }

    /// Who has a socket: its first holder, and how many more.
    pub(crate) fn owner(&self, id: SocketId) -> String {
        let holders = self.map.holding_processes(id);
        match holders.as_slice() {
            [] => "(nobody known)".to_owned(),
            [one] => self.process(*one),
            [one, more @ ..] => {
                format!(
                    "{} and {}",
                    self.process(*one),
                    plural(more.len(), "other", "others")
                )
            }
        }
    }

    /// Programs of processes with how many of each: `bash ×2, vim`.
    pub(crate) fn programs(&self, processes: &[ProcessId]) -> String {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for process in processes {
            *counts
                .entry(program(self.map.process(*process)))
                .or_default() += 1;
        }
        let names = counts.into_iter().map(|(name, count)| match count {
            1 => name,
            _ => format!("{name} ×{count}"),
        });
        some(names)
    }

    /// Processes by name: `bash [9], vim [12]`.
    pub(crate) fn processes(&self, processes: &[ProcessId]) -> String {
        some(processes.iter().map(|process| self.process(*process)))
    }

    /// The way down from an ancestor: `xfce4-session [880] → bash [900] → vim [912]`.
    pub(crate) fn descent(&self, from: ProcessId, to: ProcessId) -> String {
        let mut way = vec![to];
        for ancestor in self.kin.ancestors(to) {
            way.push(ancestor);
            if ancestor == from {
                break;
            }
        }
        way.reverse();
        let names: Vec<String> = way.iter().map(|process| self.process(*process)).collect();
        names.join(" → ")
    }
}

/// The first few, and how many more there are.
pub(crate) fn some(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let shown: Vec<String> = names.take(NAMED).collect();
    match more {
        0 => shown.join(", "),
        _ => format!("{}, {more} more", shown.join(", ")),
    }
}

/// A duration in words: `3 s`, `12 min`.
pub(crate) fn duration(ns: u64) -> String {
    match ns / 1_000_000 {
        ms @ 0..10_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        ms @ 10_000..600_000 => format!("{} s", ms / 1_000),
        ms @ 600_000..36_000_000 => format!("{} min", ms / 60_000),
        ms => format!("{} h", ms / 3_600_000),
    }
}
