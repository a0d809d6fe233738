//! What the pages are made of: the map, the waits, the findings.

use std::borrow::Cow;
use std::collections::BTreeSet;

use whotalks::check::{Finding, Report};
use whotalks::graph::{By, Groups};
use whotalks::load::Loaded;
use whotalks::load::tcp_info::{self, TcpInfo};
use whotalks::model::{At, Connection, FdTarget, Map, ProcessId, SocketId, SocketState, series};
use whotalks::query::{
    Filter, Link, LinkFilter, Selector, SelectorSet, Summary, WaitAnalysis, apply_filter, links,
    summary,
};

use super::subject::PageSubject;
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
    pub(super) fn overview(&self, subject: &PageSubject) -> Overview<'_> {
        let (map, by, processes) = match subject {
            PageSubject::Process(process) => (
                Cow::Borrowed(self.map),
                By::Process,
                BTreeSet::from([*process]),
            ),
            PageSubject::Group(_, _, processes) => self.surroundings(processes),
            PageSubject::Socket(_) => (Cow::Borrowed(self.map), By::Process, BTreeSet::new()),
        };
        let links = links(&map, &Groups::new(&map, by), &LinkFilter::default());
        let mut summary = self::summary(&map, &links, &WaitAnalysis::default(), &processes);
        // The waits are those of the whole map, since chains go through all processes.
        let whole = self::summary(self.map, &[], &self.waits, &subject.processes());
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
        let pids = processes
            .iter()
            .map(|process| Selector::Pid(self.map.process(*process).pid));
        let only = SelectorSet::new(pids.collect());
        let filter = Filter {
            only,
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
        let target = |wait: usize| call_of(self.map, wait).map(|call| &call.target);
        let waits = self.waits.waits.iter().enumerate();
        waits
            .filter(|(_, waiting)| target(waiting.wait) == Some(&FdTarget::Socket(socket)))
            .map(|(index, _)| index)
            .collect()
    }

    /// Indices of the connections that a socket is an end or the listener of.
    pub(super) fn connections(&self, socket: SocketId) -> Vec<usize> {
        let has_socket = |connection: &Connection| {
            [Some(connection.a), connection.b, connection.listener].contains(&Some(socket))
        };
        let connections = self.map.connections.iter().enumerate();
        connections
            .filter(|(_, connection)| has_socket(connection))
            .map(|(index, _)| index)
            .collect()
    }

    /// The parent of a process, if it was captured.
    pub(super) fn parent(&self, process: ProcessId) -> Option<ProcessId> {
        let process = self.map.process(process);
        let index = self
            .map
            .processes
            .iter()
            .position(|other| other.host == process.host && other.pid == process.ppid)?;
        Some(ProcessId::new(index))
    }
}
