//! Compares the kernel's two tables of Unix sockets: confirms sockets that both list, and warns about
//! rows that only one has.

use std::collections::{BTreeMap, BTreeSet};

use super::ids::HostId;
use super::name::Name;
use super::socket_draft::SocketDraft;
use super::warning::Warning;
use crate::load::{Capture, proc_net_unix};
use crate::text::escape;

/// The number of forged rows of a namespace that get a warning each.
const MAX_NAMED_ROWS: usize = 5;

/// The rows of `/proc/net/unix`, by network namespace.
pub(super) struct TextTables<'a>(BTreeMap<u64, Vec<(u64, &'a [u8])>>);

impl<'a> TextTables<'a> {
    /// Reads all tables of a capture. Rows without inode (connections not yet accepted) confirm no socket
    /// and are skipped.
    pub(super) fn read(capture: &'a Capture) -> Self {
        let mut tables: BTreeMap<u64, Vec<(u64, &[u8])>> = BTreeMap::new();
        for raw in capture.sources("net/unix") {
            if raw.header.errno != 0 && raw.bytes.is_empty() {
                continue;
            }
            let rows = proc_net_unix::rows(&raw.bytes).filter(|row| row.inode != 0);
            let table = tables.entry(raw.header.netns).or_default();
            table.extend(rows.map(|row| (row.inode, row.line)));
        }
        for table in tables.values_mut() {
            table.sort_unstable();
        }
        Self(tables)
    }

    /// Inodes and lines of a namespace, sorted by inode; `None`: its table was not read.
    pub(super) fn namespace(&self, inode: u64) -> Option<&[(u64, &'a [u8])]> {
        self.0.get(&inode).map(Vec::as_slice)
    }
}

/// Marks the sockets that both tables list, and warns about the others. `drafts` and `rows` are those of
/// network namespace `inode`, sorted by inode.
pub(super) fn compare(
    drafts: &mut [SocketDraft],
    rows: &[(u64, &[u8])],
    inode: u64,
    host: HostId,
    warnings: &mut Vec<Warning>,
) {
    let mut warn = |kind, text| warnings.push(Warning { host, kind, text });
    let forgeries = forgeries(drafts);
    let (mut forged, mut unmatched) = (Vec::new(), 0);
    let mut index = 0;
    for (row_inode, line) in rows {
        while drafts
            .get(index)
            .is_some_and(|draft| draft.socket.inode < *row_inode)
        {
            index += 1;
        }
        let twin = drafts
            .get_mut(index)
            .filter(|draft| draft.socket.inode == *row_inode);
        // A forged row may have the inode of a real socket, but hardly its name as well.
        let name = || proc_net_unix::rows(line).next().map(|row| row.name);
        let has_name = |twin: &SocketDraft| twin.socket.name == name().and_then(Name::from_proc);
        if forgeries.contains(after_pointer(line)) && !twin.as_deref().is_some_and(has_name) {
            forged.push((*row_inode, name().unwrap_or_default()));
        } else if let Some(twin) = twin {
            twin.socket.seen_twice = true;
        } else {
            unmatched += 1;
        }
    }
    for (inode, name) in forged.iter().take(MAX_NAMED_ROWS) {
        let name = escape::display(name);
        warn(
            "forged-row",
            format!(
                "a row of /proc/net/unix is part of a socket's name, not a socket: inode {inode}, {name}"
            ),
        );
    }
    if forged.len() > MAX_NAMED_ROWS {
        let more = forged.len() - MAX_NAMED_ROWS;
        warn(
            "forged-row",
            format!("{more} more forged rows of /proc/net/unix"),
        );
    }
    let unlisted = drafts
        .iter()
        .filter(|draft| !draft.socket.seen_twice)
        .count();
    if unmatched > 0 || unlisted > 0 {
        warn(
            "table-mismatch",
            format!(
                "network namespace {inode}: {unmatched} sockets only in /proc/net/unix, {unlisted} only in the diag dump (they began or ended during the capture, or one view is incomplete)"
            ),
        );
    }
}

/// Lines that are parts of socket names, as the table prints them, without their first column.
fn forgeries(drafts: &[SocketDraft]) -> BTreeSet<Vec<u8>> {
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

/// A row without its first column, a kernel pointer that the collector may have blanked.
fn after_pointer(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|byte| *byte == b':');
    &line[end.unwrap_or(0)..]
}
