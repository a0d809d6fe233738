//! Reference loops: the system calls without which the descriptors and sockets of a machine
//! cannot be read. The results are discarded.
//!
//! `links` is the minimum: the links of every descriptor table, and the two tables of Unix
//! sockets. `same` also reads the files of each process that the collector records, and the
//! tables of TCP and UDP.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, StatxFlags, openat, readlinkat_raw, statat};

use crate::tables;

/// Number of processes that a thread reads at a time.
const CHUNK: usize = 8;
/// Number of holders of one socket whose fdinfo is read.
const SAMPLE: usize = 64;
/// Files of each process that are read.
const FILES: [&str; 7] = [
    "stat", "status", "cgroup", "limits", "cmdline", "syscall", "wchan",
];
const LINKS: [&str; 8] = [
    "exe",
    "cwd",
    "root",
    "ns/net",
    "ns/mnt",
    "ns/pid",
    "ns/user",
    "ns/cgroup",
];

/// Reads everything with this many threads. Of tables with `shared` descriptors or more, the first
/// [`SAMPLE`] have their fdinfo read.
pub(crate) fn run(jobs: usize, same: bool, shared: usize) -> Result<()> {
    let root = open(CWD, "/proc", OFlags::DIRECTORY)?;
    let pids: Vec<String> = std::fs::read_dir("/proc")?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .collect();
    let next = AtomicUsize::new(0);
    let tables = AtomicUsize::new(0);
    let scan = || {
        let mut reader = Reader {
            root: &root,
            same,
            shared,
            tables: &tables,
            entries: Vec::with_capacity(64 << 10),
            buffer: vec![0; 64 << 10],
        };
        loop {
            let start = next.fetch_add(CHUNK, Ordering::Relaxed);
            let Some(rest) = pids.get(start..).filter(|rest| !rest.is_empty()) else {
                break;
            };
            for pid in rest.iter().take(CHUNK) {
                // The process may have ended.
                let _ = reader.process(pid);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..jobs {
            scope.spawn(scan);
        }
        scan();
    });
    let texts = || {
        tables::text("unix")?;
        if same { tables::internet() } else { Ok(()) }
    };
    if jobs == 1 {
        tables::dump()?;
        return texts();
    }
    std::thread::scope(|scope| {
        let dump = scope.spawn(tables::dump);
        texts()?;
        dump.join().unwrap_or(Ok(()))
    })
}

fn open(at: impl rustix::fd::AsFd, path: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    openat(at, path, OFlags::CLOEXEC | flags, Mode::empty())
}

struct Reader<'a> {
    root: &'a OwnedFd,
    same: bool,
    shared: usize,
    tables: &'a AtomicUsize,
    entries: Vec<u8>,
    buffer: Vec<u8>,
}

impl Reader<'_> {
    fn process(&mut self, pid: &str) -> rustix::io::Result<()> {
        let directory = open(self.root, pid, OFlags::PATH)?;
        if self.same {
            for name in FILES {
                self.file(&directory, name);
            }
            for name in LINKS {
                let _ = readlinkat_raw(&directory, name, &mut self.buffer[..]);
            }
            let wanted = StatxFlags::INO | StatxFlags::NLINK;
            let _ = rustix::fs::statx(&directory, "exe", AtFlags::STATX_DONT_SYNC, wanted);
        }
        let fds = open(&directory, "fd", OFlags::DIRECTORY)?;
        let count = self.table(&fds)?;
        if self.same && count >= self.shared && self.tables.fetch_add(1, Ordering::Relaxed) < SAMPLE
        {
            let infos = open(&directory, "fdinfo", OFlags::DIRECTORY)?;
            for fd in 0..count {
                self.file(&infos, &fd.to_string());
            }
        }
        Ok(())
    }

    /// Reads all links; returns their number.
    fn table(&mut self, fds: &OwnedFd) -> rustix::io::Result<usize> {
        let mut link = [MaybeUninit::uninit(); 4097];
        let mut listing = RawDir::new(fds, self.entries.spare_capacity_mut());
        let mut count = 0;
        while let Some(entry) = listing.next() {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_bytes().starts_with(b".") {
                continue;
            }
            count += 1;
            let Ok((text, _)) = readlinkat_raw(fds, name, &mut link[..]) else {
                continue;
            };
            // The direction of a pipe, and whether a path is a FIFO.
            if self.same && (text.starts_with(b"pipe:") || text.starts_with(b"/")) {
                let follow = if text.starts_with(b"/") {
                    AtFlags::empty()
                } else {
                    AtFlags::SYMLINK_NOFOLLOW
                };
                let _ = statat(fds, name, follow);
            }
        }
        Ok(count)
    }

    /// Reads a file; the kernel returns these in one read.
    fn file(&mut self, at: &OwnedFd, name: &str) {
        if let Ok(file) = open(at, name, OFlags::RDONLY) {
            let _ = rustix::io::read(&file, &mut self.buffer[..]);
        }
    }
}
