//! Records System V shared memory, message queues and semaphores of each IPC namespace.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, fstat, openat};
use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use whotalks_snapshot::records::RawHeader;

use crate::block_channel::BlockEncoder;
use crate::proc::{errno_number, namespace_inode, parse_decimal, read_file, read_link};
use crate::timeout::HelperThread;
use crate::{clock, sys};

/// The tables, as files below `/proc/sysvipc`.
const TABLES: [&str; 3] = ["shm", "msg", "sem"];
/// 32,000 rows of each table are the kernel's default limit (`IPCMNI`), at about 150 bytes.
const TABLE_LIMIT_BYTES: usize = 8 << 20;
/// Semaphores whose last user is queried: of one set, and of a namespace.
const SET_LIMIT: u32 = 64;
const SEMAPHORES_LIMIT: usize = 4_096;

/// The tables of one namespace.
struct Tables {
    /// Texts, each with the `errno` of reading it.
    texts: Vec<(Vec<u8>, Result<(), Errno>)>,
    /// Lines with a set's id and the processes that used it last; and whether some were left out.
    semaphore_users: (Vec<u8>, bool),
}

/// Records the tables of the namespaces, which have these inodes, through a process in each; those of
/// others than the collector's own only if `enter` is set.
pub(crate) fn record(
    root: &Arc<OwnedFd>,
    namespaces: &BTreeMap<u64, u32>,
    enter: bool,
    encoder: &mut BlockEncoder,
) -> io::Result<()> {
    let mut buffer = [0; 64];
    let own = read_link(root, c"self/ns/ipc", &mut buffer);
    let own = own.ok().and_then(namespace_inode).unwrap_or(0);
    let mut all = namespaces.clone();
    all.entry(own).or_insert(0);
    for (inode, pid) in all {
        let at_boottime_ns = clock::read_time_ns();
        let tables = match (inode == own, enter) {
            (true, _) => Ok(read_tables(root)),
            (false, true) => read_inside(root, inode, pid),
            (false, false) => Err(Errno::CANCELED),
        };
        let header = |source: &str| RawHeader {
            source: format!("sysvipc/{source}").into_bytes(),
            pid: if inode == own { 0 } else { pid },
            pass: 1,
            at_boottime_ns,
            key: inode,
            ..RawHeader::default()
        };
        for (index, name) in TABLES.into_iter().enumerate() {
            let mut raw = encoder.raw(header(name));
            let read = match &tables {
                Ok(tables) => {
                    let (text, read) = &tables.texts[index];
                    raw.push(text)?;
                    *read
                }
                Err(errno) => Err(*errno),
            };
            raw.finish(read.err().map_or(0, errno_number), 0)?;
        }
        if let Ok(Tables {
            semaphore_users, ..
        }) = &tables
        {
            let mut raw = encoder.raw(header("sem-users"));
            let (text, cut) = semaphore_users;
            raw.push(text)?;
            raw.finish(0, if *cut { RawHeader::TRUNCATED } else { 0 })?;
        }
    }
    Ok(())
}

/// Reads the tables on a thread that enters the namespace and ends afterwards.
fn read_inside(root: &Arc<OwnedFd>, inode: u64, pid: u32) -> Result<Tables, Errno> {
    let root = root.clone();
    // A helper of its own: it stays in the namespace.
    HelperThread::default().call(move || {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(&root, format!("{pid}/ns/ipc"), flags, Mode::empty())?;
        if fstat(&file)?.st_ino != inode {
            return Err(Errno::STALE); // the pid belongs to another process by now
        }
        move_into_link_name_space(
            file.as_fd(),
            Some(LinkNameSpaceType::InterProcessCommunication),
        )?;
        Ok(read_tables(&root))
    })?
}

fn read_tables(root: &OwnedFd) -> Tables {
    let texts: Vec<_> = TABLES
        .into_iter()
        .map(|name| {
            let mut text = Vec::new();
            let read = read_file(
                root,
                format!("sysvipc/{name}"),
                TABLE_LIMIT_BYTES,
                &mut text,
            );
            (text, read)
        })
        .collect();
    let semaphores = texts.last().map(|(text, _)| semaphore_users(text));
    Tables {
        semaphore_users: semaphores.unwrap_or_default(),
        texts,
    }
}

/// Queries who used the semaphores of a table last, which the table does not tell.
fn semaphore_users(table: &[u8]) -> (Vec<u8>, bool) {
    let (mut text, mut queried, mut cut) = (Vec::new(), 0, false);
    for line in table.split(|byte| *byte == b'\n').skip(1) {
        // `key semid perms nsems …`
        let mut words = line
            .split(|byte| *byte == b' ')
            .filter(|word| !word.is_empty());
        let Some((id, count)) = words.nth(1).zip(words.nth(1)) else {
            continue;
        };
        let (Some(id), Some(count)) = (parse_decimal(id), parse_decimal(count)) else {
            continue;
        };
        let mut users = BTreeSet::new();
        for index in 0..count {
            if index >= SET_LIMIT || queried >= SEMAPHORES_LIMIT {
                cut = true;
                break;
            }
            queried += 1;
            match sys::semaphore_pid(id, index) {
                Ok(0) => {}
                Ok(pid) => {
                    users.insert(pid);
                }
                Err(_) => break, // removed, or not permitted
            }
        }
        if !users.is_empty() {
            let users: Vec<String> = users.iter().map(ToString::to_string).collect();
            text.extend_from_slice(format!("{id} {}\n", users.join(" ")).as_bytes());
        }
    }
    (text, cut)
}
