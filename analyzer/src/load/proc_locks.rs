//! Parser of `/proc/locks` and of the `lock:` lines of fdinfo.
//!
//! Reference: proc_locks(5); `lock_get_status` of the kernel's `fs/locks.c`.

use std::ops::RangeInclusive;

/// More rows than this are not read: each is a file of the table's user, whose limit on locks is far lower.
const ROWS_LIMIT: usize = 1 << 16;

/// Which call made a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockKind {
    /// flock(2): belongs to the open file.
    Flock,
    /// fcntl(2) `F_SETLK`: belongs to the process.
    Posix,
    /// fcntl(2) `F_OFD_SETLK`: belongs to the open file.
    OpenFile,
    /// fcntl(2) `F_SETLEASE`, or a delegation of the NFS server.
    Lease,
}

/// A lock, or a request for one that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockRow {
    /// Number of the lock that is held, in this table only; waiting requests have that of the lock they
    /// wait for.
    pub number: u64,
    /// Whether it waits for the lock of this number.
    pub waits: bool,
    /// Which call made it.
    pub kind: LockKind,
    /// Whether it excludes readers too.
    pub exclusive: bool,
    /// The process that asked for it, in the pid namespace of the table; `None`: it belongs to an open
    /// file, or the process is outside the namespace.
    pub pid: Option<u32>,
    /// Major and minor number of the file system's device.
    pub device: (u32, u32),
    /// The file's inode.
    pub inode: u64,
    /// The locked bytes; to `u64::MAX`: to the end of the file, however it grows.
    pub range: RangeInclusive<u64>,
}

/// The rows of a table, in order; malformed lines, and locks of files without an inode, are skipped.
pub fn rows(table: &[u8]) -> impl Iterator<Item = LockRow> {
    let lines = table.split(|byte| *byte == b'\n').take(ROWS_LIMIT);
    lines.filter_map(row)
}

/// The locks of a descriptor, from its fdinfo.
pub fn fdinfo_locks(text: &[u8]) -> impl Iterator<Item = LockRow> {
    let lines = text.split(|byte| *byte == b'\n').take(ROWS_LIMIT);
    lines.filter_map(|line| row(line.strip_prefix(b"lock:\t")?))
}

/// `8: -> POSIX  ADVISORY  WRITE 17862 fe:00:10010750 5 14`
fn row(line: &[u8]) -> Option<LockRow> {
    let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
    let number = words.next()?.strip_suffix(':')?.parse().ok()?;
    let mut word = words.next()?;
    let waits = word == "->";
    if waits {
        word = words.next()?;
    }
    let kind = match word {
        "FLOCK" => LockKind::Flock,
        "POSIX" | "ACCESS" => LockKind::Posix,
        "OFDLCK" => LockKind::OpenFile,
        "LEASE" | "DELEG" => LockKind::Lease,
        _ => return None,
    };
    let _enforced = words.next()?;
    let exclusive = match words.next()? {
        "WRITE" | "RW" => true,
        "READ" => false,
        _ => return None,
    };
    // -1: none; 0 and below: on another machine.
    let pid: i64 = words.next()?.parse().ok()?;
    let mut file = words.next()?.split(':');
    let hex = |text: &str| u32::from_str_radix(text, 16).ok();
    let device = (hex(file.next()?)?, hex(file.next()?)?);
    let inode = file.next()?.parse().ok()?;
    let start = words.next()?.parse().ok()?;
    let end = match words.next()? {
        "EOF" => u64::MAX,
        end => end.parse().ok()?,
    };
    Some(LockRow {
        number,
        waits,
        kind,
        exclusive,
        pid: u32::try_from(pid).ok().filter(|pid| *pid != 0),
        device,
        inode,
        range: start..=end,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_and_what_waits_for_them() {
        let table = b"6: LEASE  ACTIVE    READ 17800 fe:00:10010753 0 EOF\n\
            7: OFDLCK ADVISORY  WRITE -1 fe:00:10010751 0 EOF\n\
            8: POSIX  ADVISORY  WRITE 17800 fe:00:10010750 5 14\n\
            8: -> POSIX  ADVISORY  WRITE 17862 fe:00:10010750 0 EOF\n\
            9: FLOCK  ADVISORY  WRITE 17800 00:1a:10010749 0 EOF\n\
            9:  -> FLOCK  ADVISORY  READ 17852 00:1a:10010749 0 EOF\n\
            10: POSIX  *NOINODE* WRITE 5 <none>:0 0 EOF\n\
            11: UNKNOWN UNKNOWN  WRITE 5 00:1a:7 0 EOF\n12: FLOCK\n\xff\n";
        let read: Vec<_> = rows(table)
            .map(|r| {
                (
                    r.number,
                    r.waits,
                    r.kind,
                    r.exclusive,
                    r.pid,
                    r.inode,
                    *r.range.end(),
                )
            })
            .collect();
        use LockKind::{Flock, Lease, OpenFile, Posix};
        let to_end = u64::MAX;
        let expected = [
            (6, false, Lease, false, Some(17800), 10_010_753, to_end),
            (7, false, OpenFile, true, None, 10_010_751, to_end),
            (8, false, Posix, true, Some(17800), 10_010_750, 14),
            (8, true, Posix, true, Some(17862), 10_010_750, to_end),
            (9, false, Flock, true, Some(17800), 10_010_749, to_end),
            (9, true, Flock, false, Some(17852), 10_010_749, to_end),
        ];
        assert_eq!(read, expected);
        assert_eq!(rows(table).last().map(|row| row.device), Some((0, 0x1a)));
    }

    #[test]
    fn locks_of_a_descriptor() {
        let text = b"pos:\t0\nflags:\t02100001\nlock:\t1: FLOCK  ADVISORY  WRITE 7 fe:00:9 0 EOF\n";
        assert_eq!(
            fdinfo_locks(text).map(|row| row.inode).collect::<Vec<_>>(),
            [9]
        );
    }
}
