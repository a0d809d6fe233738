//! Names of processes and sockets in findings: printable, bounded, the same in all rules.

use std::collections::BTreeMap;

use super::base::Facts;
use crate::graph::program;
use crate::model::{HostId, ProcessId, SocketId};
use crate::text::escape;
pub(crate) use crate::text::format::plural;

/// Most names in one line of evidence.
const MAX_NAMES: usize = 8;

impl Facts<'_> {
    /// `dbus-daemon [812]`, with its host where there are several.
    pub(crate) fn process_name(&self, id: ProcessId) -> String {
        let process = self.map.process(id);
        let (host, program) = (self.host_prefix(process.host), program(process));
        format!("{host}{program} [{}]", process.pid)
    }

    /// `web1:`, or nothing where there is one host.
    pub(crate) fn host_prefix(&self, host: HostId) -> String {
        match self.map.hosts.len() {
            0 | 1 => String::new(),
            _ => escape::display(&self.map.hosts[host.index()].hostname) + ":",
        }
    }

    /// A socket's name or address, else its inode.
    pub(crate) fn socket_name(&self, id: SocketId) -> String {
        let socket = self.map.socket(id);
        match (&socket.name, socket.local) {
            (Some(name), _) => escape::name(name.bytes()),
            (None, Some(address)) => address.to_string(),
            (None, None) => format!("socket {}", socket.inode),
        }
    }

    /// The first holder of a socket, and the number of others.
    pub(crate) fn owner(&self, id: SocketId) -> String {
        let holders = self.map.holding_processes(id);
        match holders.as_slice() {
            [] => "(no known process)".to_owned(),
            [first] => self.process_name(*first),
            [first, others @ ..] => {
                let others = plural(others.len(), "other", "others");
                format!("{} and {others}", self.process_name(*first))
            }
        }
    }

    /// Programs of processes with the number of each: `bash ×2, vim`.
    pub(crate) fn program_names(&self, processes: &[ProcessId]) -> String {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for process in processes {
            let name = program(self.map.process(*process));
            *counts.entry(name).or_default() += 1;
        }
        let names = counts.into_iter().map(|(name, count)| match count {
            1 => name,
            _ => format!("{name} ×{count}"),
        });
        short_list(names)
    }

    /// Names of processes: `bash [9], vim [12]`.
    pub(crate) fn process_names(&self, processes: &[ProcessId]) -> String {
        short_list(processes.iter().map(|process| self.process_name(*process)))
    }

    /// Names of sockets: `/run/a, @b`.
    pub(crate) fn socket_names(&self, sockets: &[SocketId]) -> String {
        short_list(sockets.iter().map(|socket| self.socket_name(*socket)))
    }

    /// How descriptors spread from a process to the first few of some others below it.
    pub(crate) fn spread<'p>(
        &self,
        from: ProcessId,
        to: impl IntoIterator<Item = &'p ProcessId>,
    ) -> String {
        let paths = to.into_iter().map(|process| self.descent(from, *process));
        format!("spread: {}", paths.take(3).collect::<Vec<_>>().join(", "))
    }

    /// The path from an ancestor down: `xfce4-session [880] → bash [900] → vim [912]`; `…`: through
    /// parents that have ended.
    pub(crate) fn descent(&self, from: ProcessId, to: ProcessId) -> String {
        if !self.process_tree.ancestors(to).any(|id| id == from) {
            return format!(
                "{} → … → {}",
                self.process_name(from),
                self.process_name(to)
            );
        }
        let mut path = vec![to];
        for ancestor in self.process_tree.ancestors(to) {
            path.push(ancestor);
            if ancestor == from {
                break;
            }
        }
        path.reverse();
        let names: Vec<String> = path.iter().map(|id| self.process_name(*id)).collect();
        names.join(" → ")
    }
}

/// Joins the first few names, and adds the number of others.
pub(crate) fn short_list(
    names: impl IntoIterator<Item = String, IntoIter: ExactSizeIterator>,
) -> String {
    let names = names.into_iter();
    let more = names.len().saturating_sub(MAX_NAMES);
    let shown: Vec<String> = names.take(MAX_NAMES).collect();
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
