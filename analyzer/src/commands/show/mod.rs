//! `whotalks show`: one page on a process, a socket, a unit or a container.

mod document;
mod people;
mod socket;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use whotalks::check::{self, Report};
use whotalks::graph::{By, Groups};
use whotalks::id;
use whotalks::load::Loaded;
use whotalks::load::tcp_info::{self, TcpInfo};
use whotalks::model::{Map, ProcessId, SocketId, SocketState, build_whole, series};
use whotalks::query::{
    Between, Filter, Link, Selector, SelectorSet, Summary, Waits, apply_filter, links, matching,
    matching_sockets, summary, waits,
};

use super::{incomplete, near_names, say_series};
use crate::Outcome;
use crate::cli::{Format, Show};
use crate::selection::parse;
use crate::{input, output, style};

/// Pages of several matches; the others are listed.
const PAGES: usize = 3;

/// What a page is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Process(ProcessId),
    Group(&'static str, String, BTreeSet<ProcessId>),
    Socket(SocketId),
}

/// What all pages draw from.
struct Source<'a> {
    map: &'a Map,
    loaded: &'a [Loaded],
    at: whotalks::model::At,
    waits: Waits,
    report: Report,
}

/// Conversations and the rest of a process or group.
struct People<'a> {
    map: Cow<'a, Map>,
    links: Vec<Link>,
    summary: Summary,
}

pub(super) fn run(options: &Show) -> Result<Outcome> {
    let selection = &options.selection;
    let texts = selection.selectors();
    if texts.is_empty() && selection.only.is_empty() {
        bail!("show: a selector is missing: of whom or what? (whotalks show --help)");
    }
    let mut snapshots = input::open(&selection.files())?;
    let loaded: Vec<Loaded> = snapshots
        .iter_mut()
        .map(|snapshot| std::mem::take(&mut snapshot.loaded))
        .collect();
    let asked = check::Options::default();
    let judged = check::judge(&loaded, selection.at, &asked);
    let (Some(map), Some((_, report))) = (build_whole(&loaded, selection.at), judged) else {
        eprintln!("whotalks: --at: there is no such capture");
        return Ok(Outcome::Found);
    };
    say_series(&loaded, &map, selection.at);
    let subjects = subjects(&map, selection.only.iter().chain(&texts))?;
    if subjects.is_empty() {
        eprintln!("whotalks: nothing matches{}", near_names(&map, selection));
        return Ok(Outcome::Found);
    }
    let source = Source {
        map: &map,
        loaded: &loaded,
        at: selection.at,
        waits: waits(&map),
        report,
    };
    let (pages, others) = subjects.split_at(subjects.len().min(PAGES));
    output::stdout(|out| match options.format {
        Format::Json => document::write(out, &source, pages, others),
        Format::Text => {
            for (at, subject) in pages.iter().enumerate() {
                if at > 0 {
                    writeln!(out)?;
                }
                match subject {
                    Subject::Socket(socket) => socket::write(out, &source, *socket)?,
                    _ => people::write(out, &source, subject)?,
                }
            }
            people::others(out, &map, others)?;
            match incomplete(&map) {
                Some(missing) => Ok(writeln!(out, "\n{}", style::note(&missing))?),
                None => Ok(()),
            }
        }
    })?;
    Ok(Outcome::Done)
}

/// What the selectors mean: sockets, where they speak of sockets; units or containers, where they
/// speak of nothing else; else processes.
fn subjects<'a>(map: &Map, texts: impl Iterator<Item = &'a String>) -> Result<Vec<Subject>> {
    let texts: Vec<String> = texts.cloned().collect();
    let selectors: Vec<Selector> = texts.iter().filter_map(|text| text.parse().ok()).collect();
    let selection: SelectorSet = parse(texts.into_iter())?;
    if selection.has_socket_kinds() {
        let names = selectors.iter().any(|s| matches!(s, Selector::Socket(_)));
        return Ok(sockets(map, &selection, names));
    }
    let matches = matching(map, &selection);
    let chosen = (0..map.processes.len())
        .filter(|at| matches[*at])
        .map(ProcessId::new);
    let units = selectors.iter().all(|s| matches!(s, Selector::Unit(_)));
    let containers = selectors
        .iter()
        .all(|s| matches!(s, Selector::Container(_)));
    if !units && !containers {
        return Ok(chosen.map(Subject::Process).collect());
    }
    let mut groups: BTreeMap<(u32, String), BTreeSet<ProcessId>> = BTreeMap::new();
    for process in chosen {
        let one = map.process(process);
        let name = if units {
            one.unit.clone()
        } else {
            one.container.as_ref().map(|container| container.id.clone())
        };
        let key = (one.host.0, name.unwrap_or_default());
        groups.entry(key).or_default().insert(process);
    }
    let kind = if units { "unit" } else { "container" };
    let group = |((_, name), processes)| Subject::Group(kind, name, processes);
    Ok(groups.into_iter().map(group).collect())
}

/// The sockets that are meant; by a name its listeners, where there are any, since whatever they
/// accepted has the same name.
fn sockets(map: &Map, selection: &SelectorSet, by_name: bool) -> Vec<Subject> {
    let matches = matching_sockets(map, selection);
    let mut sockets: Vec<SocketId> = (0..map.sockets.len())
        .filter(|at| matches[*at])
        .map(SocketId::new)
        .collect();
    let listens = |socket: &SocketId| map.socket(*socket).state == SocketState::Listening;
    if by_name && sockets.iter().any(listens) {
        sockets.retain(listens);
    }
    sockets.sort_by_key(|socket| (!listens(socket), *socket));
    sockets.into_iter().map(Subject::Socket).collect()
}

impl Source<'_> {
    /// What there is to say of a process or group, with its links: of one process to single others,
    /// of several to roles.
    fn people(&self, subject: &Subject) -> People<'_> {
        let (map, by, processes) = match subject {
            Subject::Process(process) => (
                Cow::Borrowed(self.map),
                By::Process,
                BTreeSet::from([*process]),
            ),
            Subject::Group(_, _, processes) => self.around(processes),
            Subject::Socket(_) => (Cow::Borrowed(self.map), By::Process, BTreeSet::new()),
        };
        let whole = self::processes(subject);
        let links = links(&map, &Groups::of(&map, by), &Between::default());
        let mut summary = summary(&map, &links, &Waits::default(), &processes);
        // Of the whole map, since waits go through everybody.
        (summary.waits, summary.awaited_by) = self.waits_of(&whole);
        People {
            map,
            links,
            summary,
        }
    }

    /// Only conversations of theirs, so that a role of theirs is not also that of others.
    fn around(&self, processes: &BTreeSet<ProcessId>) -> (Cow<'_, Map>, By, BTreeSet<ProcessId>) {
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
        let wanted: BTreeSet<_> = processes.iter().map(|one| key(self.map, *one)).collect();
        let own = (0..map.processes.len()).map(ProcessId::new);
        let own = own
            .filter(|one| wanted.contains(&key(&map, *one)))
            .collect();
        (Cow::Owned(map), By::Role, own)
    }

    /// What the kernel tells of a TCP connection.
    fn tcp(&self, socket: SocketId) -> Option<TcpInfo> {
        let socket = self.map.socket(socket);
        let cookie = socket.cookie.filter(|_| socket.protocol == Some("tcp"))?;
        if socket.state == SocketState::Listening {
            return None;
        }
        let series = series(self.loaded);
        let one = series.get(socket.host.index())?;
        tcp_info::of(one.captures()[one.index_of(self.at)?].capture, cookie)
    }

    /// Findings about any of these ids.
    fn findings(&self, ids: &BTreeSet<String>) -> Vec<&check::Finding> {
        let about = |finding: &&check::Finding| {
            let named = finding.processes.iter().chain(&finding.sockets);
            named.chain([&finding.subject]).any(|id| ids.contains(id))
        };
        self.report.findings.iter().filter(about).collect()
    }

    /// Their waits, and those that wait for them.
    fn waits_of(&self, processes: &BTreeSet<ProcessId>) -> (Vec<usize>, Vec<usize>) {
        let whole = summary(self.map, &[], &self.waits, processes);
        (whole.waits, whole.awaited_by)
    }

    fn process_ids(&self, subject: &Subject) -> BTreeSet<String> {
        processes(subject)
            .iter()
            .map(|process| id::process(self.map, *process))
            .collect()
    }
}

/// The processes of a page, in the whole map.
fn processes(subject: &Subject) -> BTreeSet<ProcessId> {
    match subject {
        Subject::Process(process) => BTreeSet::from([*process]),
        Subject::Group(_, _, processes) => processes.clone(),
        Subject::Socket(_) => BTreeSet::new(),
    }
}
