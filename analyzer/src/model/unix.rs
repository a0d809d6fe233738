//! Unix sockets from the two views of the kernel: the diag dump, and `/proc/net/unix`.
//!
//! The diag dump is the authority on what exists and how it is named; the text table only confirms
//! it, and stands in where there is no dump.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, socket_type};
use super::process::{NetnsCoverage, Readable};
use super::socket::{Family, SocketState, SocketType};
use super::{HostId, Name, Warning};
use crate::escape;
use crate::load::unix_diag::{self, ESTABLISHED, LISTEN};
use crate::load::{Capture, RawSource, proc_net_unix};
use whotalks_snapshot::netlink::ByteOrder;
use whotalks_snapshot::records::RawHeader;

const EPERM: u16 = 1;
const EACCES: u16 = 13;

/// How many single rows are named in warnings of one kind and namespace.
const NAMED_ROWS: usize = 5;

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
    let mut drafts = Vec::new();
    let mut coverage = Vec::new();
    for inode in netns {
        let mut one = Namespace {
            capture,
            sources: &sources,
            order,
            host,
            inode,
            warnings,
        };
        let (mut found, covered) = one.read();
        drafts.append(&mut found);
        coverage.push(covered);
    }
    (drafts, coverage)
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
        let mut drafts = Vec::new();
        let mut bad = 0;
        for raw in self.sources("diag/unix") {
            let (rows, unreadable) = unix_diag::rows(&raw.bytes, self.order);
            drafts.extend(rows.into_iter().map(|row| self.diag_draft(row)));
            bad += unreadable;
        }
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
            drafts.sort_by_key(|draft| (draft.socket.inode, draft.socket.cookie));
            drafts.dedup_by_key(|draft| (draft.socket.inode, draft.socket.cookie));
            self.add_waiting(&mut drafts);
            self.compare(&mut drafts);
        } else {
            for raw in self.sources("net/unix") {
                let (rows, _) = proc_net_unix::rows(&raw.bytes);
                drafts.extend(
                    rows.iter()
                        .filter(|row| row.inode != 0)
                        .map(|row| self.proc_draft(row)),
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

    /// Marks what both views have, and says what only one has.
    fn compare(&mut self, drafts: &mut [Draft]) {
        let forgeries = forgeries(drafts);
        let mut tables = 0;
        let (mut forged, mut unmatched) = (Vec::new(), 0);
        for raw in self.sources("net/unix") {
            tables += usize::from(raw.header.errno == 0);
            for row in proc_net_unix::rows(&raw.bytes).0 {
                if row.inode == 0 {
                    continue;
                }
                let twin = drafts
                    .binary_search_by_key(&row.inode, |draft| draft.socket.inode)
                    .ok();
                let is_named_so =
                    twin.is_some_and(|at| drafts[at].socket.name == Name::from_proc(row.name));
                // A forged row may name a real socket's inode; it seldom has its name as well.
                if !is_named_so && forgeries.contains(after_pointer(row.line)) {
                    forged.push(row);
                } else if let Some(at) = twin {
                    drafts[at].socket.seen_twice = true;
                } else {
                    unmatched += 1;
                }
            }
        }
        if tables == 0 {
            return;
        }
        for row in forged.iter().take(NAMED_ROWS) {
            let name = escape::display(row.name);
            self.warn("forged-row", format!("a row of /proc/net/unix is part of a socket's name, not a socket: inode {}, {name}", row.inode));
        }
        if forged.len() > NAMED_ROWS {
            self.warn(
                "forged-row",
                format!(
                    "{} more forged rows of /proc/net/unix",
                    forged.len() - NAMED_ROWS
                ),
            );
        }
        let unlisted = drafts
            .iter()
            .filter(|draft| !draft.socket.seen_twice)
            .count();
        if unmatched > 0 || unlisted > 0 {
            let inode = self.inode;
            self.warn("table-mismatch", format!("network namespace {inode}: {unmatched} sockets only in /proc/net/unix, {unlisted} only in the diag dump (they began or ended during the capture, or one view is incomplete)"));
        }
    }
}

/// Lines that are parts of sockets' names, as the table prints them.
fn forgeries(drafts: &[Draft]) -> BTreeSet<Vec<u8>> {
    let names = drafts
        .iter()
        .filter_map(|draft| draft.socket.name.as_ref())
        .map(Name::bytes);
    let broken = names.filter(|name| name.contains(&b'\n'));
    let lines = broken.flat_map(|name| name.split(|byte| *byte == b'\n').skip(1));
    // The table prints NUL as `@`.
    let printed = |line: &[u8]| {
        let bytes = after_pointer(line).iter();
        bytes
            .map(|byte| if *byte == 0 { b'@' } else { *byte })
            .collect()
    };
    lines.map(printed).collect()
}

/// A row without its first column, which the collector may have blanked.
fn after_pointer(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|byte| *byte == b':');
    &line[end.unwrap_or(0)..]
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
