//! Rows of the raw source `shared-files`: descriptors of terminals, message queues and shared memory.

/// More rows than the collector writes are not read.
const ROWS_LIMIT: usize = 256 << 10;

/// What a descriptor refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SharedKind {
    /// The master of a pseudo-terminal.
    PtyMaster,
    /// The slave of a pseudo-terminal.
    PtySlave,
    /// `/dev/tty`: the controlling terminal of a process.
    ControllingTty,
    /// A POSIX message queue.
    Mqueue,
    /// memfd, or a file in memory.
    Memory,
}

/// A descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedFile {
    /// Thread group id.
    pub pid: u32,
    /// The thread, where its table is private.
    pub tid: Option<u32>,
    /// The descriptor.
    pub fd: u32,
    /// What it refers to.
    pub kind: SharedKind,
    /// Major and minor number of the file system's device.
    pub device: (u32, u32),
    /// Number of a slave; inode of a queue or memory.
    pub number: u64,
    /// Whether it is open for reading.
    pub reads: bool,
    /// Whether it is open for writing.
    pub writes: bool,
}

/// The rows of the source; malformed lines are skipped.
pub fn rows(text: &[u8]) -> impl Iterator<Item = SharedFile> {
    let lines = text.split(|byte| *byte == b'\n').take(ROWS_LIMIT);
    lines.filter_map(row)
}

/// `812 0 4 pts 0:24 3 700`
fn row(line: &[u8]) -> Option<SharedFile> {
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    let pid = words.next()?.parse().ok()?;
    let tid: u32 = words.next()?.parse().ok()?;
    let fd = words.next()?.parse().ok()?;
    let kind = match words.next()? {
        "ptmx" => SharedKind::PtyMaster,
        "pts" => SharedKind::PtySlave,
        "tty" => SharedKind::ControllingTty,
        "mqueue" => SharedKind::Mqueue,
        "memory" => SharedKind::Memory,
        _ => return None,
    };
    let (major, minor) = words.next()?.split_once(':')?;
    let number = words.next()?.parse().ok()?;
    let mode = u32::from_str_radix(words.next()?, 8).ok()?;
    Some(SharedFile {
        pid,
        tid: (tid != 0).then_some(tid),
        fd,
        kind,
        device: (major.parse().ok()?, minor.parse().ok()?),
        number,
        reads: mode & 0o400 != 0,
        writes: mode & 0o200 != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let text =
            b"812 0 4 pts 0:24 3 700\n812 9 5 mqueue 0:18 77 500\n1 0 x pts 0:1 1 0\n9\n\xff\n";
        let read: Vec<_> = rows(text)
            .map(|row| {
                (
                    row.tid, row.fd, row.kind, row.device, row.number, row.writes,
                )
            })
            .collect();
        let expected = [
            (None, 4, SharedKind::PtySlave, (0, 24), 3, true),
            (Some(9), 5, SharedKind::Mqueue, (0, 18), 77, false),
        ];
        assert_eq!(read, expected);
    }
}
