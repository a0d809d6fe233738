//! Reads Unix sockets from the kernel's two tables: the sock_diag dump and `/proc/net/unix`.
//!
//! The dump is authoritative. Where there is one, the text table only confirms its rows; elsewhere the
//! text table replaces it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;

use whotalks_snapshot::netlink::ByteOrder;

use super::coverage::{NetnsCoverage, Readable};
use super::cross_check::{TextTables, compare};
use super::ids::HostId;
use super::name::Name;
use super::socket::{Family, SocketState, SocketType};
use super::socket_draft::{SocketDraft, append, socket_type};
use super::warning::Warning;
use crate::load::unix_diag::{self, ESTABLISHED, LISTEN};
use crate::load::{Capture, RawSource, proc_net_unix};

/// The Unix sockets of a host, and the coverage of each network namespace.
pub(super) fn drafts(
    capture: &Capture,
    host: HostId,
    warnings: &mut Vec<Warning>,
) -> (Vec<SocketDraft>, Vec<NetnsCoverage>) {
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
        // The latest row of a socket takes precedence.
        readings.sort_by_key(|raw| Reverse((raw.header.pass, raw.header.attempt)));
    }
    let (mut drafts, mut coverage) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        // The text tables take as long to read as the dumps.
        let text_tables = scope.spawn(|| TextTables::read(capture));
        let mut read = Vec::new();
        for inode in netns {
            let mut namespace = Namespace {
                capture,
                sources: &sources,
                order,
                host,
                inode,
                warnings,
            };
            read.push(namespace.read());
        }
        let text_tables = text_tables
            .join()
            .unwrap_or_else(|panic| resume_unwind(panic));
        for (mut found, netns) in read {
            if netns.diag.has_rows()
                && let Some(rows) = text_tables.namespace(netns.inode)
            {
                compare(&mut found, rows, netns.inode, host, warnings);
            }
            append(&mut drafts, found);
            coverage.push(netns);
        }
    });
    (drafts, coverage)
}

/// Dumps of fewer sockets are read faster without a second thread.
const MIN_FOR_THREAD: usize = 10_000;

/// Sorts by inode, then cookie, and keeps the first reading of each socket. Heads are sorted instead of
/// drafts, which are several times as large.
fn sorted<'a>(heads: &[unix_diag::Head<'a>]) -> Vec<unix_diag::Head<'a>> {
    // Inode and index in one number sort fastest. An index above 32 bits would exceed the memory limit
    // of a file.
    let keys = heads.iter().enumerate();
    let mut keys: Vec<u64> = keys
        .map(|(index, head)| u64::from(head.inode) << 32 | index as u64)
        .collect();
    keys.sort_unstable();
    let mut ordered: Vec<unix_diag::Head<'a>> = Vec::with_capacity(keys.len());
    let head = |key: &u64| heads[(key & u64::from(u32::MAX)) as usize];
    for same in keys.chunk_by(|one, other| one >> 32 == other >> 32) {
        let first = ordered.len();
        ordered.extend(same.iter().map(head));
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

    fn read(&mut self) -> (Vec<SocketDraft>, NetnsCoverage) {
        let mut coverage = NetnsCoverage::new(
            self.inode,
            &self.capture.namespaces,
            self.sources("diag/unix"),
            self.sources("net/unix"),
        );
        let mut bad = 0;
        let mut heads = Vec::new();
        for raw in self.sources("diag/unix") {
            let (mut found, unreadable) = unix_diag::heads(&raw.bytes, self.order);
            heads.append(&mut found);
            bad += unreadable;
        }
        let mut drafts = self.diag_drafts(&sorted(&heads));
        drop(heads);
        if bad > 0 {
            coverage.diag = Readable::Truncated;
            self.warn(
                "bad-message",
                format!(
                    "{bad} unreadable messages in the Unix dump of network namespace {}",
                    self.inode
                ),
            );
        }
        if coverage.diag.has_rows() {
            self.add_pending_lists(&mut drafts);
        } else {
            for raw in self.sources("net/unix") {
                drafts.extend(
                    proc_net_unix::rows(&raw.bytes)
                        .filter(|row| row.inode != 0)
                        .map(|row| self.proc_draft(&row)),
                );
            }
        }
        (drafts, coverage)
    }

    /// The drafts of a dump; large dumps are read by two threads.
    fn diag_drafts(&self, heads: &[unix_diag::Head<'_>]) -> Vec<SocketDraft> {
        let make = |heads: &[unix_diag::Head<'_>], into: &mut Vec<SocketDraft>| {
            into.extend(
                heads
                    .iter()
                    .map(|head| self.diag_draft(head.row(self.order))),
            );
        };
        let mut drafts = Vec::with_capacity(heads.len());
        if heads.len() < MIN_FOR_THREAD {
            make(heads, &mut drafts);
            return drafts;
        }
        // The results of the other thread are moved once more, so it gets the smaller part.
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

    fn diag_draft(&self, row: unix_diag::Row) -> SocketDraft {
        let mut draft = SocketDraft::new(self.host, row.inode.into(), Family::Unix);
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
            // RCV_SHUTDOWN: connect(2) is refused; queued connections can still be accepted.
            socket.accepting = Some(row.shutdown & 1 == 0);
        }
        draft.peer = row.peer;
        draft.waiting = row.waiting;
        if let Some((receive, send)) = row.queues {
            draft.set_queues(receive, send);
        }
        draft
    }

    fn proc_draft(&self, row: &proc_net_unix::Row<'_>) -> SocketDraft {
        let mut draft = SocketDraft::new(self.host, row.inode, Family::Unix);
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

    /// Adds the pending lists, which are dumped separately; joined by inode and cookie.
    fn add_pending_lists(&self, drafts: &mut [SocketDraft]) {
        for name in ["diag/unix-pending", "diag/unix-exact"] {
            for raw in self.sources(name) {
                for row in unix_diag::rows(&raw.bytes, self.order).0 {
                    let key = (u64::from(row.inode), Some(row.cookie));
                    let found =
                        drafts.binary_search_by_key(&key, |d| (d.socket.inode, d.socket.cookie));
                    if let Ok(index) = found
                        && row.waiting.len() >= drafts[index].waiting.len()
                    {
                        drafts[index].waiting = row.waiting;
                    }
                }
            }
        }
    }
}

/// The state by `udiag_state` and the peer attribute. Pending clients are found later, with the
/// connections.
fn state(row: &unix_diag::Row) -> SocketState {
    let is_stream = socket_type(row.kind) != SocketType::Dgram;
    match (row.state, row.peer) {
        (LISTEN, _) => SocketState::Listening,
        (_, Some(0)) if !is_stream || row.shutdown & 3 == 3 => SocketState::Closing,
        (_, Some(_)) => SocketState::Established,
        // A datagram socket that has received data shows ESTABLISHED without being connected.
        (ESTABLISHED, None) if is_stream => SocketState::Established,
        _ => SocketState::Unconnected,
    }
}
