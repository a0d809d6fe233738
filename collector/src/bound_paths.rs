//! Paths that sockets are bound to, and socket files in the usual places, as mount namespaces see
//! them. Nothing is opened but directories, and those only as places: a socket is never touched.
//!
//! A path may lead over a file system that does not answer. Each mount namespace is therefore looked
//! at by a thread of its own, which is left behind when it takes too long.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, RawDir, openat};
use rustix::io::Errno;
use whotalks_snapshot::records::BoundPath;
use whotalks_snapshot::{BlockKind, RecordBlock};

use crate::block_channel::BlockEncoder;
use crate::file_stat::FileStat;
use crate::insert_each::insert_each;
use crate::proc::{errno_number, open_directory};
use crate::queue::queue;
use crate::resolve_beneath::{RemoteDevices, Resolver};

/// All mount namespaces together are given this long.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// Mount namespaces that are looked at at once.
const CONCURRENT_NAMESPACES: usize = 8;
/// Records that wait to be written.
const QUEUE: usize = 256;
/// Paths looked up in one capture: mount namespaces times bound paths may be many.
const LOOKUPS_LIMIT: usize = 64 << 10;
/// Directories and entries of one walk.
const WALK_DIRECTORIES: usize = 512;
const WALK_ENTRIES: usize = 32 << 10;
const WALK_DEPTH: usize = 4;
/// Where socket files are left behind. `/var/run` leads to `/run` nearly everywhere.
const SOCKET_DIRECTORIES: [&str; 3] = ["/run", "/tmp", "/var/run"];

/// What one mount namespace is asked.
pub(crate) struct LookupRequest {
    pub(crate) mntns: u64,
    /// A process that lives there.
    pub(crate) pid: u32,
    /// Paths, absolute or relative to that process's working directory.
    pub(crate) paths: Arc<Vec<Vec<u8>>>,
    /// Where executables were that are deleted.
    pub(crate) executables: Vec<Vec<u8>>,
    /// Whether the usual places are walked as well.
    pub(crate) walk: bool,
    /// Whether only what the kernel has in its cache is looked at.
    pub(crate) passive: bool,
}

/// Asks all mount namespaces, and writes what comes back in time.
pub(crate) fn read_all(
    root: &OwnedFd,
    requests: Vec<LookupRequest>,
    encoder: &mut BlockEncoder,
) -> io::Result<()> {
    let (sender, replies) = queue(QUEUE);
    let deadline = Instant::now() + LOOKUP_TIMEOUT;
    let mut left = LOOKUPS_LIMIT;
    let mut pending = BTreeMap::new();
    let mut block = RecordBlock::new(BlockKind::Paths);
    let mut requests = requests.into_iter().enumerate();
    loop {
        // A few at a time: those that are stuck keep their places.
        while pending.len() < CONCURRENT_NAMESPACES
            && let Some((index, request)) = requests.next()
        {
            let not_read = incomplete(&request, Errno::TIMEDOUT);
            let lookups = request.paths.len() + request.executables.len();
            if lookups > left || Instant::now() > deadline {
                encoder.push(&mut block, &not_read)?;
                continue;
            }
            left -= lookups;
            pending.insert(index, not_read);
            let (sender, root) = (sender.clone(), root.as_fd().try_clone_to_owned()?);
            // Not joined: it may never come back.
            std::thread::Builder::new().spawn(move || {
                look_up(&root, &request, &|record| {
                    sender.send(LookupReply::Path(record))
                });
                sender.send(LookupReply::Done(index));
            })?;
        }
        if pending.is_empty() {
            break;
        }
        match replies.receive(Some(deadline.saturating_duration_since(Instant::now()))) {
            Some(LookupReply::Path(record)) => encoder.push(&mut block, &record)?,
            Some(LookupReply::Done(index)) => {
                pending.remove(&index);
            }
            None => {
                for not_read in std::mem::take(&mut pending).values() {
                    encoder.push(&mut block, not_read)?;
                }
            }
        }
    }
    encoder.flush(&mut block)
}

/// Says of a whole mount namespace that it gave no answer, or not all: a record without a path.
fn incomplete(request: &LookupRequest, errno: Errno) -> BoundPath {
    BoundPath {
        mntns: request.mntns,
        pid: request.pid,
        errno: errno_number(errno),
        ..BoundPath::default()
    }
}

enum LookupReply {
    Path(BoundPath),
    Done(usize),
}

/// Answers one request; stops when nobody takes the records any more.
fn look_up(root: &OwnedFd, request: &LookupRequest, send: &dyn Fn(BoundPath) -> bool) {
    let pid = request.pid;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let place = |name: &str| openat(root, format!("{pid}/{name}"), flags, Mode::empty());
    let (top, working) = (place("root"), place("cwd"));
    let remote = RemoteDevices::of(root, pid);
    let resolver = |top| Resolver {
        top,
        rooted: true,
        passive: request.passive,
        remote: &remote,
    };
    let record = |path: &[u8], found_by: &[u8]| BoundPath {
        mntns: request.mntns,
        pid,
        path: path.to_vec(),
        found_by: found_by.to_vec(),
        ..BoundPath::default()
    };
    let bound = request.paths.iter().map(|path| (path, &b"bound"[..]));
    let executables = request.executables.iter().map(|path| (path, &b"exe"[..]));
    for (path, why) in bound.chain(executables) {
        let mut record = record(path, why);
        let absolute = path.first() == Some(&b'/');
        let from = if absolute { &top } else { &working };
        let from = from.as_ref().map_err(|errno| *errno).map(|from| Resolver {
            rooted: absolute,
            ..resolver(from)
        });
        if let Err(errno) = from.and_then(|from| stat_path(&from, path, &mut record)) {
            record.errno = errno_number(errno);
        }
        if !send(record) {
            return;
        }
    }
    if let (true, Ok(top)) = (request.walk, &top) {
        let from = resolver(top);
        let mut walk = Walk {
            from: &from,
            directories: WALK_DIRECTORIES,
            entries: WALK_ENTRIES,
            seen: BTreeSet::new(),
            cut: false,
        };
        let found = |path: &[u8]| {
            let mut record = record(path, b"walk");
            match stat_path(&from, path, &mut record) {
                Ok(()) => send(record),
                Err(_) => true, // gone again
            }
        };
        for place in walk_roots(&request.paths) {
            if !walk.directory(&place, 0, &found) {
                return;
            }
        }
        if walk.cut {
            send(BoundPath {
                errno: errno_number(Errno::TOOBIG),
                ..record(b"", b"walk")
            });
        }
    }
}

/// The usual places, and the directories of absolute bound paths.
fn walk_roots(paths: &[Vec<u8>]) -> BTreeSet<Vec<u8>> {
    let usual = SOCKET_DIRECTORIES
        .iter()
        .map(|place| place.as_bytes().to_vec());
    let mut places: BTreeSet<_> = insert_each(usual);
    for path in paths.iter().filter(|path| path.first() == Some(&b'/')) {
        let end = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        if end > 0 {
            places.insert(path[..end].to_vec());
        }
    }
    places
}

/// Fills in what a path leads to, and the modes on the way.
fn stat_path(from: &Resolver<'_>, path: &[u8], record: &mut BoundPath) -> Result<(), Errno> {
    let steps = path
        .iter()
        .enumerate()
        .filter(|(at, byte)| **byte == b'/' && *at > 0);
    let parents = steps.map(|(at, _)| &path[..at]);
    let first: &[u8] = if from.rooted { b"/" } else { b"." };
    for parent in std::iter::once(first).chain(parents) {
        if let Ok(parent) = from.resolve(parent)
            && let Ok(found) = FileStat::of_fd(&parent)
        {
            let mode = found.mode.to_le_bytes();
            record.parent_modes.extend_from_slice(&mode);
        }
    }
    let file = FileStat::of_fd(from.resolve(path)?)?;
    record.dev = file.dev;
    record.ino = file.ino;
    record.mode = file.mode;
    record.uid = file.uid;
    record.gid = file.gid;
    record.nlink = file.nlink;
    Ok(())
}

/// A bounded search for socket files.
struct Walk<'a> {
    from: &'a Resolver<'a>,
    directories: usize,
    entries: usize,
    /// Devices and inodes of directories: two places may lead to one.
    seen: BTreeSet<(u64, u64)>,
    /// Whether there was more than it may look_up at.
    cut: bool,
}

impl Walk<'_> {
    /// Walks one directory; false: stop everything.
    fn directory(&mut self, path: &[u8], depth: usize, found: &dyn Fn(&[u8]) -> bool) -> bool {
        if depth > WALK_DEPTH {
            return true;
        }
        if self.directories == 0 {
            self.cut = true;
            return true;
        }
        // First only as a place: opening could mount something, or wait for a server.
        let Ok(directory) = self.from.resolve(path) else {
            return true;
        };
        let local = |file: &_| !self.from.remote.has(file);
        let Some(identity) = FileStat::of_fd(&directory).ok().filter(local) else {
            return true;
        };
        if !self.seen.insert((identity.dev, identity.ino)) {
            return true;
        }
        self.directories -= 1;
        let (sockets, below) = self.list(&directory);
        let full = |name: &[u8]| [path, b"/", name].concat();
        sockets.iter().all(|name| found(&full(name)))
            && below
                .iter()
                .all(|name| self.directory(&full(name), depth + 1, found))
    }

    /// The sockets and directories in a directory.
    fn list(&mut self, directory: &OwnedFd) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        use rustix::fs::FileType;

        let (mut sockets, mut below) = (Vec::new(), Vec::new());
        let mut buffer = Vec::with_capacity(32 << 10);
        // Looking must not show: the time of the last access stays, where we may ask for that.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOATIME;
        let fresh = match openat(directory, c".", flags, Mode::empty()) {
            Err(Errno::PERM) => open_directory(directory, c"."),
            other => other,
        };
        let Ok(fresh) = fresh else {
            return (sockets, below);
        };
        let mut entries = RawDir::new(fresh, buffer.spare_capacity_mut());
        while let Some(Ok(entry)) = entries.next() {
            if self.entries == 0 {
                self.cut = true;
                break;
            }
            self.entries -= 1;
            let name = entry.file_name().to_bytes();
            match entry.file_type() {
                FileType::Socket => sockets.push(name.to_vec()),
                FileType::Directory if name != b"." && name != b".." => below.push(name.to_vec()),
                _ => {}
            }
        }
        sockets.sort_unstable();
        below.sort_unstable();
        (sockets, below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_listeners_too() {
        let paths = [
            b"/srv/x/app.sock".to_vec(),
            b"private/x".to_vec(),
            b"/top".to_vec(),
        ];
        let places = walk_roots(&paths);
        let expected =
            ["/run", "/srv/x", "/tmp", "/var/run"].map(|place| place.as_bytes().to_vec());
        assert_eq!(places, BTreeSet::from(expected));
    }
}
