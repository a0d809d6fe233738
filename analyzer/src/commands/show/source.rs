//! What the pages are made of: the map, the waits, the findings.

use std::borrow::Cow;
use std::collections::BTreeSet;

use whotalks::check::{Finding, Report};
use whotalks::graph::{By, Groups};
use whotalks::load::Loaded;
use whotalks::load::tcp_info::{self, TcpInfo};
use whotalks::model::{At, FdTarget, Map, Process, ProcessId, SocketId, SocketState, series};
use whotalks::query::{
    Filter, Link, LinkFilter, Selector, SelectorSet, Summary, WaitAnalysis, apply_filter, links,
    summary,
};

use super::subject::ProcessGroup;
use crate::commands::findings::is_about;
use crate::commands::waits::call_of;

/// The sources of all pages.
pub(super) struct PageSource<'a> {
    pub(super) map: &'a Map,
    pub(super) loaded: &'a [Loaded],
    pub(super) at: At,
    pub(super) waits: WaitAnalysis,
    pub(super) report: Report,
}

/// The links of a process or group, and their summary.
pub(super) struct Overview<'a> {
    /// The map that the links and sockets of the summary refer to.
    pub(super) map: Cow<'a, Map>,
    pub(super) links: Vec<Link>,
    pub(super) summary: Summary,
}

impl PageSource<'_> {
    /// Summarizes a process, with links to other processes, or a group, with links to roles.
    pub(super) fn overview(&self, group: &ProcessGroup) -> Overview<'_> {
        let processes = &group.processes;
        let (map, by, own) = match group.process() {
            Some(_) => (Cow::Borrowed(self.map), By::Process, processes.clone()),
            None => self.surroundings(processes),
        };
        let links = links(&map, &Groups::new(&map, by), &LinkFilter::default());
        let mut summary = self::summary(&map, &links, &WaitAnalysis::default(), &own);
        // The waits are those of the whole map, since chains go through all processes.
        let whole = self::summary(self.map, &[], &self.waits, processes);
        (summary.waits, summary.awaited_by) = (whole.waits, whole.awaited_by);
        Overview {
            map,
            links,
            summary,
        }
    }

    /// The map of the conversations of these processes only, so that their roles include no other process.
    fn surroundings(
        &self,
        processes: &BTreeSet<ProcessId>,
    ) -> (Cow<'_, Map>, By, BTreeSet<ProcessId>) {
        let pids = processes.iter().map(|id| self.map.process(*id).pid);
        let filter = Filter {
            only: SelectorSet::new(pids.map(Selector::Pid).collect()),
            ..Filter::default()
        };
        let (map, _) = apply_filter(self.map.clone(), &filter);
        let key = |map: &Map, process: ProcessId| {
            let process = map.process(process);
            (process.host, process.pid)
        };
        let wanted: BTreeSet<_> = processes.iter().map(|id| key(self.map, *id)).collect();
        let own = (0..map.processes.len()).map(ProcessId::new);
        let own = own.filter(|id| wanted.contains(&key(&map, *id))).collect();
        (Cow::Owned(map), By::Role, own)
    }

    /// TCP_INFO of a connection.
    pub(super) fn tcp_info(&self, socket: SocketId) -> Option<TcpInfo> {
        let socket = self.map.socket(socket);
        let cookie = socket.cookie.filter(|_| socket.protocol == Some("tcp"))?;
        if socket.state == SocketState::Listening {
            return None;
        }
        let all = series(self.loaded);
        let series = all.get(socket.host.index())?;
        tcp_info::of(series.captures()[series.index_of(self.at)?].capture, cookie)
    }

    /// Findings about any of these ids.
    pub(super) fn findings(&self, ids: &BTreeSet<String>) -> Vec<&Finding> {
        let findings = self.report.findings.iter();
        findings.filter(|finding| is_about(finding, ids)).collect()
    }

    /// Indices of the waits on a socket.
    pub(super) fn waits_on(&self, socket: SocketId) -> Vec<usize> {
        let is_on_socket = |index: &usize| {
            let thread = self.waits.waits[*index].wait;
            let call = thread.and_then(|thread| call_of(self.map, thread));
            call.is_some_and(|call| call.target == FdTarget::Socket(socket))
        };
        (0..self.waits.waits.len()).filter(is_on_socket).collect()
    }

    /// Indices of the connections that a socket is an end or the listener of.
    pub(super) fn connections(&self, socket: SocketId) -> Vec<usize> {
        let has_socket = |index: &usize| {
            let connection = &self.map.connections[*index];
            [Some(connection.a), connection.b, connection.listener].contains(&Some(socket))
        };
        (0..self.map.connections.len()).filter(has_socket).collect()
    }

    /// The parent of a process, if it was captured.
    pub(super) fn parent(&self, process: ProcessId) -> Option<ProcessId> {
        let process = self.map.process(process);
        let mut all = self.map.processes.iter();
        let is_parent = |other: &Process| (other.host, other.pid) == (process.host, process.ppid);
        all.position(is_parent).map(ProcessId::new)
    }
}
