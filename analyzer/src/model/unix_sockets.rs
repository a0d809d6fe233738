//! Unix sockets from the two views of the kernel: the diag dump, and `/proc/net/unix`.
//!
//! The diag dump is the authority on what exists and how it is named; the text table only confirms
//! it, and stands in where there is no dump.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;

use super::cross_check::{Listed, compare};
use super::process::{NetnsCoverage, Readable};
use super::socket::{Family, SocketState, SocketType};
use super::socket_draft::{Draft, append, socket_type};
use super::{HostId, Name, Warning};
use crate::load::unix_diag::{self, ESTABLISHED, LISTEN};
use crate::load::{Capture, RawSource, proc_net_unix};
use whotalks_snapshot::netlink::ByteOrder;
use whotalks_snapshot::records::RawHeader;

const EPERM: u16 = 1;
const EACCES: u16 = 13;

/// The Unix sockets of a host, with what was read of each namespace.
pub(super) fn drafts(
    capture: &Capture,
    host: HostId,
    warnings: &mut Vec<Warning>,
) -> (Vec<Draft>, Vec<NetnsCoverage>) {
    let order = capture.byte_order();
    let mut netns: BTreeSet<u64> = capture.namespaces.iter().map(|ns| ns.inode).collect();
    let unix = ["diag/unix", "net/unix"].map(|name| capture.sources(name));
    netns.extend(unix.into_iter().flatten().map(|raw| raw.header.netns));
    let mut sources: Sources<'_> = BTreeMap::new();
    for raw in &capture.raw {
        sources
            .entry((&raw.header.source, raw.header.netns))
            .or_default()
            .push(raw);
    }
    for readings in sources.values_mut() {
        // Of a socket that several list, the latest row counts.
        readings.sort_by_key(|raw| Reverse((raw.header.pass, raw.header.attempt)));
    }
    let (mut drafts, mut coverage) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        // The text takes as long to read as the dump.
        let listed = scope.spawn(|| Listed::of(capture));
        let mut read = Vec::new();
        for inode in netns {
            let mut one = Namespace {
                capture,
                sources: &sources,
                order,
                host,
                inode,
                warnings,
            };
            read.push(one.read());
        }
        let listed = listed.join().unwrap_or_else(|panic| resume_unwind(panic));
        for (mut found, covered) in read {
            if matches!(covered.diag, Readable::Ok | Readable::Truncated) {
                let rows = listed.namespace(covered.inode);
                compare(&mut found, rows, covered.inode, host, warnings);
            }
            append(&mut drafts, found);
            coverage.push(covered);
        }
    });
    (drafts, coverage)
}

/// A dump of fewer sockets is read sooner than a thread is started.
const WORTH_A_THREAD: usize = 10_000;

/// By inode, then cookie; of several readings of one socket the first. Ordered before they are read
/// whole: a draft is several times as large.
fn in_order<'a>(heads: &[unix_diag::Head<'a>]) -> Vec<unix_diag::Head<'a>> {
    // Inode and place in one number: nothing sorts faster. So many messages as would not fit take more
    // memory than a file may ask for.
    let keys = heads.iter().enumerate();
    let mut keys: Vec<u64> = keys
        .map(|(at, head)| u64::from(head.inode) << 32 | at as u64)
        .collect();
    keys.sort_unstable();
    let mut ordered: Vec<unix_diag::Head<'a>> = Vec::with_capacity(keys.len());
    let at = |key: &u64| heads[(key & u64::from(u32::MAX)) as usize];
    for same in keys.chunk_by(|one, other| one >> 32 == other >> 32) {
        let first = ordered.len();
        ordered.extend(same.iter().map(at));
        if same.len() > 1 {
            ordered[first..].sort_by_key(|head| head.cookie);
        }
    }
    ordered.dedup_by_key(|head| (head.inode, head.cookie));
    ordered
}

/// Raw sources by name and network namespace.
type Sources<'a> = BTreeMap<(&'a [u8], u64), Vec<&'a RawSource>>;

struct Namespace<'a> {
    capture: &'a Capture,
    sources: &'a Sources<'a>,
    order: ByteOrder,
    host: HostId,
    inode: u64,
    warnings: &'a mut Vec<Warning>,
}

impl<'a> Namespace<'a> {
    /// The sources of a name in this namespace, the latest reading first.
    fn sources(&self, name: &'static str) -> impl Iterator<Item = &'a RawSource> + use<'a> {
        let all = self
            .sources
            .get(&(name.as_bytes(), self.inode))
            .cloned()
            .unwrap_or_default();
        all.into_iter()
    }

    fn warn(&mut self, kind: &'static str, text: String) {
        self.warnings.push(Warning {
            host: self.host,
            kind,
            text,
        });
    }

    fn read(&mut self) -> (Vec<Draft>, NetnsCoverage) {
        let mut diag = readable(self.sources("diag/unix"));
        let refused = |errno: u16| errno == EPERM || errno == EACCES;
        let mut of_this = self
            .capture
            .namespaces
            .iter()
            .filter(|ns| ns.inode == self.inode);
        if diag == Readable::Unavailable && of_this.any(|ns| refused(ns.enter_errno)) {
            diag = Readable::Denied;
        }
        let proc_net = readable(self.sources("net/unix"));
        let mut bad = 0;
        let mut heads = Vec::new();
        for raw in self.sources("diag/unix") {
            let (mut found, unreadable) = unix_diag::heads(&raw.bytes, self.order);
            heads.append(&mut found);
            bad += unreadable;
        }
        let mut drafts = self.diag_drafts(&in_order(&heads));
        drop(heads);
        if bad > 0 {
            diag = Readable::Truncated;
            self.warn(
                "bad-message",
                format!(
                    "{bad} unreadable messages in the Unix dump of network namespace {}",
                    self.inode
                ),
            );
        }
        if matches!(diag, Readable::Ok | Readable::Truncated) {
            self.add_waiting(&mut drafts);
        } else {
            for raw in self.sources("net/unix") {
                drafts.extend(
                    proc_net_unix::rows(&raw.bytes)
                        .filter(|row| row.inode != 0)
                        .map(|row| self.proc_draft(&row)),
                );
            }
        }
        (
            drafts,
            NetnsCoverage {
                inode: self.inode,
                diag,
                proc_net,
            },
        )
    }

    /// The drafts of a whole dump, by as many threads as make it quicker.
    fn diag_drafts(&self, heads: &[unix_diag::Head<'_>]) -> Vec<Draft> {
        let make = |heads: &[unix_diag::Head<'_>], into: &mut Vec<Draft>| {
            into.extend(
                heads
                    .iter()
                    .map(|head| self.diag_draft(head.row(self.order))),
            );
        };
        let mut drafts = Vec::with_capacity(heads.len());
        if heads.len() < WORTH_A_THREAD {
            make(heads, &mut drafts);
            return drafts;
        }
        // What the other thread makes is moved once more, so it makes the smaller part.
        let (own, others) = heads.split_at(heads.len() / 5 * 3);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                let mut drafts = Vec::with_capacity(others.len());
                make(others, &mut drafts);
                drafts
            });
            make(own, &mut drafts);
            drafts.append(&mut other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        });
        drafts
    }

    fn diag_draft(&self, row: unix_diag::Row) -> Draft {
        let mut draft = Draft::new(self.host, row.inode.into(), Family::Unix);
        let socket = &mut draft.socket;
        socket.cookie = Some(row.cookie);
        socket.netns = Some(self.inode);
        socket.kind = socket_type(row.kind);
        socket.state = state(&row);
        socket.name = Name::from_diag(&row.name);
        socket.vfs = row.vfs;
        socket.shutdown = row.shutdown;
        socket.uid = row.uid;
        if socket.state == SocketState::Listening {
            // RCV_SHUTDOWN: connect(2) is refused, what is queued can still be accepted.
            socket.accepting = Some(row.shutdown & 1 == 0);
        }
        draft.peer = row.peer;
        draft.waiting = row.waiting;
        if let Some((receive, send)) = row.queues {
            draft.set_queues(receive, send);
        }
        draft
    }

    fn proc_draft(&self, row: &proc_net_unix::Row<'_>) -> Draft {
        let mut draft = Draft::new(self.host, row.inode, Family::Unix);
        let socket = &mut draft.socket;
        socket.netns = Some(self.inode);
        socket.kind = socket_type(row.kind);
        socket.state = match row.state {
            _ if row.flags & proc_net_unix::ACCEPTCON != 0 => SocketState::Listening,
            proc_net_unix::CONNECTED => SocketState::Established,
            _ => SocketState::Unconnected,
        };
        socket.name = Name::from_proc(row.name);
        draft
    }

    /// Pending lists come apart from the dump: joined by
    /// inode, and only where the cookie says it is the same socket.
    fn add_waiting(&self, drafts: &mut [Draft]) {
        for name in ["diag/unix-pending", "diag/unix-exact"] {
            for raw in self.sources(name) {
                for row in unix_diag::rows(&raw.bytes, self.order).0 {
                    let key = (u64::from(row.inode), Some(row.cookie));
                    let at =
                        drafts.binary_search_by_key(&key, |d| (d.socket.inode, d.socket.cookie));
                    if let Ok(at) = at
                        && row.waiting.len() >= drafts[at].waiting.len()
                    {
                        drafts[at].waiting = row.waiting;
                    }
                }
            }
        }
    }
}

/// `udiag_state` and the peer attribute; who waits in a queue is found out later.
fn state(row: &unix_diag::Row) -> SocketState {
    let connected_type = socket_type(row.kind) != SocketType::Dgram;
    match (row.state, row.peer) {
        (LISTEN, _) => SocketState::Listening,
        (_, Some(0)) if !connected_type || row.shutdown & 3 == 3 => SocketState::Closing,
        (_, Some(_)) => SocketState::Established,
        // A datagram socket that was sent to shows ESTABLISHED without being connected.
        (ESTABLISHED, None) if connected_type => SocketState::Established,
        _ => SocketState::Unconnected,
    }
}

/// What one or several readings of a source amount to: the best of them.
pub(super) fn readable<'a>(sources: impl Iterator<Item = &'a RawSource>) -> Readable {
    let one = |raw: &RawSource| match raw.header.errno {
        0 if raw.gaps
            || raw.header.flags & (RawHeader::TRUNCATED | RawHeader::INTERRUPTED) != 0 =>
        {
            Readable::Truncated
        }
        0 if raw.header.flags & RawHeader::NO_MODULE != 0 => Readable::Unavailable,
        0 => Readable::Ok,
        EPERM | EACCES => Readable::Denied,
        _ if !raw.bytes.is_empty() => Readable::Truncated,
        _ => Readable::Unavailable,
    };
    sources.map(one).min().unwrap_or_default()
}
