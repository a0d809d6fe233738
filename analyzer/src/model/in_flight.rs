//! Sockets in flight: no process holds them, since their descriptors wait in the receive queue of another
//! socket (`SCM_RIGHTS`, unix(7)).
//!
//! The kernel tells how many descriptors wait at a socket (`scm_fds` of proc_pid_fdinfo(5)), not which.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::descriptors::HeldFiles;
use super::holder::{DescriptorKey, Holder};
use super::process::{Process, find_pid};
use super::program::program;
use super::socket::{Family, InFlight, SocketKey};
use super::socket_draft::SocketDraft;
use crate::load::Capture;
use crate::load::proc_pid::status_line;

/// Marks the sockets without a holder that are in flight. `processes` are those of all hosts; the host's
/// start at `first`.
///
/// A descriptor is taken to wait in the network namespace where its socket was created: a receiving socket
/// belongs to that of its sender. Where more sockets are without a holder than descriptors wait, none is
/// marked.
pub(super) fn mark(
    capture: &Capture,
    drafts: &mut [SocketDraft],
    held: &HeldFiles,
    (processes, first): (&[Process], usize),
) {
    let waiting = waiting(capture, held, processes, first);
    if waiting.is_empty() {
        return;
    }
    let mut queues: BTreeMap<u64, Queues> = BTreeMap::new();
    for draft in drafts.iter() {
        let socket = &draft.socket;
        if let Some((netns, count)) = socket.netns.zip(waiting.get(&socket.inode)) {
            let queues = queues.entry(netns).or_default();
            queues.descriptors += count;
            queues.receivers.push(socket.key);
        }
    }
    for (netns, queues) in queues {
        let in_flight = match queues.receivers[..] {
            [receiver] => InFlight::QueueOf {
                receiver,
                programs: programs(held, processes, receiver),
            },
            _ => InFlight::Unknown,
        };
        let mut unheld = 0;
        // The kernel has internet sockets of its own, but none of the first family.
        for families in [&[Family::Unix][..], &[Family::Inet, Family::Inet6]] {
            let candidates = candidates(drafts, netns, families);
            unheld += candidates.len() as u64;
            if unheld > queues.descriptors {
                break;
            }
            for index in candidates {
                drafts[index].socket.in_flight = Some(in_flight.clone());
            }
        }
    }
}

/// The receivers of a network namespace where descriptors wait.
#[derive(Default)]
struct Queues {
    receivers: Vec<SocketKey>,
    descriptors: u64,
}

/// The programs that hold a socket.
fn programs(held: &HeldFiles, processes: &[Process], socket: SocketKey) -> Box<str> {
    let holders = held.sockets.iter();
    let holders = holders.filter(|(inode, _)| SocketKey::Inode(*inode) == socket);
    let programs: BTreeSet<String> = holders
        .map(|(_, holder)| program(&processes[holder.process.index()]))
        .collect();
    let first = programs.first().map_or("", String::as_str);
    match programs.len() {
        0 | 1 => first.into(),
        all => format!("{first} and {} more", all - 1).into(),
    }
}

/// The sockets of a namespace without a known holder (indices). Not connections both of whose ends are
/// without one: these are of a process that was not read.
fn candidates(drafts: &[SocketDraft], netns: u64, families: &[Family]) -> Vec<usize> {
    let is_unheld = |draft: &SocketDraft| {
        let socket = &draft.socket;
        socket.inode != 0 && socket.holders.is_empty() && families.contains(&socket.family)
    };
    let peers = |draft: &SocketDraft| {
        let peer = u64::from(draft.peer.filter(|peer| *peer != 0)?);
        let by_key = |other: &SocketDraft| other.socket.key.cmp(&SocketKey::Inode(peer));
        let index = drafts.binary_search_by(by_key).ok()?;
        Some(&drafts[index])
    };
    let all = drafts.iter().enumerate();
    let unheld = all.filter(|(_, draft)| draft.socket.netns == Some(netns) && is_unheld(draft));
    unheld
        .filter(|(_, draft)| !peers(draft).is_some_and(is_unheld))
        .map(|(index, _)| index)
        .collect()
}

/// The number of descriptors that wait at each socket, by its inode.
fn waiting(
    capture: &Capture,
    held: &HeldFiles,
    processes: &[Process],
    first: usize,
) -> BTreeMap<u64, u64> {
    let mut counts: HashMap<DescriptorKey, u64> = HashMap::new();
    for info in &capture.descriptor_infos {
        let count = status_line(&info.text, "scm_fds").and_then(|count| count.parse().ok());
        if let Some(count) = count.filter(|count| *count > 0)
            && let Some(process) = find_pid(processes, first, info.pid)
        {
            let tid = (info.tid != 0).then_some(info.tid);
            counts.insert((process, tid, info.fd), count);
        }
    }
    if counts.is_empty() {
        return BTreeMap::new();
    }
    let count = |(inode, holder): &(u64, Holder)| {
        let count = counts.get(&holder.key()).copied()?;
        Some((*inode, count))
    };
    held.sockets.iter().filter_map(count).collect()
}
