//! Parsers of `/proc/sysvipc/shm`, `msg` and `sem`, and of the raw source `sysvipc/sem-users`.
//!
//! Reference: sysvipc(7), proc_sysvipc(5); `sysvipc_shm_proc_show` and others of the kernel's `ipc/`.

/// The kernel allows 32,768 objects of a kind in a namespace, and 16 million with `ipcmni_extend`.
const ROWS_LIMIT: usize = 64 << 10;
/// Users of one semaphore set that are read; the collector writes no more.
const USERS_LIMIT: usize = 64;

/// A shared memory segment, or a message queue. Times are seconds since 1970; 0: never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SysvRow {
    /// Its key (`ftok(3)`); 0: `IPC_PRIVATE`.
    pub key: u32,
    /// Its id.
    pub id: u32,
    /// Of memory the creator, of a queue the last sender; 0: none, or outside the pid namespace.
    pub first: u32,
    /// When that was, at the latest.
    pub first_time: u64,
    /// Of memory the last process to attach or detach, of a queue the last receiver.
    pub last: u32,
    /// When that was, at the latest.
    pub last_time: u64,
}

/// The segments of `/proc/sysvipc/shm`.
pub fn shared_memory(table: &[u8]) -> impl Iterator<Item = SysvRow> + '_ {
    rows(table, "shmid", |field| SysvRow {
        first: number(field("cpid")),
        first_time: field("ctime"),
        last: number(field("lpid")),
        last_time: field("atime").max(field("dtime")),
        ..SysvRow::default()
    })
}

/// The queues of `/proc/sysvipc/msg`.
pub fn message_queues(table: &[u8]) -> impl Iterator<Item = SysvRow> + '_ {
    rows(table, "msqid", |field| SysvRow {
        first: number(field("lspid")),
        first_time: field("stime"),
        last: number(field("lrpid")),
        last_time: field("rtime"),
        ..SysvRow::default()
    })
}

/// The semaphore sets of `/proc/sysvipc/sem`: key, id, and time of the last operation.
pub fn semaphores(table: &[u8]) -> impl Iterator<Item = SysvRow> + '_ {
    rows(table, "semid", |field| SysvRow {
        last_time: field("otime").max(field("ctime")),
        ..SysvRow::default()
    })
}

/// The last users of each semaphore set, from `sysvipc/sem-users`: the set's id, and pids.
pub fn semaphore_users(text: &[u8]) -> impl Iterator<Item = (u32, Vec<u32>)> + '_ {
    let lines = text.split(|byte| *byte == b'\n').take(ROWS_LIMIT);
    lines.filter_map(|line| {
        let mut words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
        let id = words.next()?.parse().ok()?;
        let users = words.take(USERS_LIMIT).map_while(|word| word.parse().ok());
        Some((id, users.collect()))
    })
}

fn number(value: u64) -> u32 {
    u32::try_from(value).unwrap_or_default()
}

/// The rows of a table, whose columns are found by their headings: kernels differ in the last ones.
fn rows<'a>(
    table: &'a [u8],
    id: &'static str,
    fields: impl Fn(&dyn Fn(&str) -> u64) -> SysvRow + 'a,
) -> impl Iterator<Item = SysvRow> + 'a {
    let mut lines = table.split(|byte| *byte == b'\n').take(ROWS_LIMIT);
    let heading = std::str::from_utf8(lines.next().unwrap_or_default()).unwrap_or_default();
    let columns: Vec<&str> = heading.split_ascii_whitespace().take(32).collect();
    lines.filter_map(move |line| {
        let words = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
        let words: Vec<&str> = words.take(columns.len()).collect();
        let word = |name: &str| {
            let at = columns.iter().position(|column| *column == name)?;
            words.get(at).copied()
        };
        let field = |name: &str| word(name).and_then(|word| word.parse().ok()).unwrap_or(0);
        // A key is printed as a signed number.
        let key: i64 = word("key")?.parse().ok()?;
        Some(SysvRow {
            key: key as u32,
            id: word(id)?.parse().ok()?,
            ..fields(&field)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_by_their_headings() {
        let table = b"       key      shmid perms                  size  cpid  lpid nattch   uid   gid  \
            cuid  cgid      atime      dtime      ctime                   rss                  swap\n\
            -1         65  1600                  4096   17    18      2     0     0     0     0 \
            1700000005 1700000007 1700000001                     0                     0\nnonsense\n\xff";
        let expected = SysvRow {
            key: u32::MAX,
            id: 65,
            first: 17,
            first_time: 1_700_000_001,
            last: 18,
            last_time: 1_700_000_007,
        };
        assert_eq!(shared_memory(table).collect::<Vec<_>>(), [expected]);
        assert_eq!(message_queues(table).count(), 0, "another table");
        assert_eq!(semaphores(b"").count(), 0);
        let users: Vec<_> = semaphore_users(b"7 12 13\n8 x\n\n").collect();
        assert_eq!(users, [(7, vec![12, 13]), (8, vec![])]);
    }
}
