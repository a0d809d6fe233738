//! Looks up the paths that sockets are bound to, and finds socket files in the usual directories,
//! in each mount namespace. Opens directories only, and files at most with `O_PATH`: it never
//! connects to a socket.
//!
//! A path may cross a file system that does not respond. Each mount namespace is therefore read by
//! its own thread, which is abandoned at a deadline.

use std::cmp::Reverse;
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

/// Time limit for all mount namespaces together.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// Mount namespaces that are read at the same time.
const CONCURRENT_NAMESPACES: usize = 8;
/// Records that can wait to be written.
const QUEUE: usize = 256;
/// Limit of lookups in a capture: the number of mount namespaces times the number of bound paths
/// can be large.
const LOOKUPS_LIMIT: usize = 64 << 10;
/// Limits of directories and of entries in the walk of one mount namespace.
const WALK_DIRECTORIES: usize = 512;
const WALK_ENTRIES: usize = 32 << 10;
const WALK_DEPTH: usize = 4;
/// Directories where programs create socket files. `/var/run` is a link to `/run` on most systems.
const SOCKET_DIRECTORIES: [&str; 3] = ["/run", "/tmp", "/var/run"];

/// What to look up in one mount namespace.
pub(crate) struct LookupRequest {
    pub(crate) mntns: u64,
    /// A process in that namespace.
    pub(crate) pid: u32,
    /// Paths, absolute or relative to the working directory of `pid`.
    pub(crate) paths: Arc<Vec<Vec<u8>>>,
    /// Former paths of deleted executables.
    pub(crate) executables: Vec<Vec<u8>>,
    /// Whether to walk the usual directories too.
    pub(crate) walk: bool,
    /// Whether to use only the kernel's path lookup cache.
    pub(crate) passive: bool,
}

/// Looks up all requests, and writes the records that arrive before the deadline.
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
        // A few at a time. Stuck threads keep their slots.
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
            // Not joined: the thread may block forever.
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

/// Returns a record without a path, which marks the lookups of a mount namespace as incomplete.
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

/// Looks up one request. Stops when the receiver is gone.
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
                Err(_) => true, // removed meanwhile
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

/// Returns the parent directories of absolute bound paths, and the usual directories. The deepest come
/// first: a full `/tmp` must not use up the limits before the directories in which sockets are bound.
fn walk_roots(paths: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let usual = SOCKET_DIRECTORIES
        .iter()
        .map(|place| place.as_bytes().to_vec());
    let mut places: BTreeSet<_> = insert_each(usual);
    // A link of `/proc` leads the collector to something of its own, such as the root directory.
    let is_place = |path: &&Vec<u8>| path.first() == Some(&b'/') && !path.starts_with(b"/proc/");
    for path in paths.iter().filter(is_place) {
        let end = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        if end > 0 {
            places.insert(path[..end].to_vec());
        }
    }
    let mut places = Vec::from_iter(places);
    places.sort_by_key(|place| Reverse(place.iter().filter(|byte| **byte == b'/').count()));
    places
}

/// Fills in the file's stat(2) fields, and the modes of its parent directories.
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

/// A walk that looks for socket files, limited in directories, entries and depth.
struct Walk<'a> {
    from: &'a Resolver<'a>,
    directories: usize,
    entries: usize,
    /// Device and inode of each directory visited: two paths may lead to the same directory.
    seen: BTreeSet<(u64, u64)>,
    /// Whether the walk stopped at a limit.
    cut: bool,
}

impl Walk<'_> {
    /// Walks one directory. Returns false if the receiver is gone.
    fn directory(&mut self, path: &[u8], depth: usize, found: &dyn Fn(&[u8]) -> bool) -> bool {
        if depth > WALK_DEPTH {
            return true;
        }
        if self.directories == 0 {
            self.cut = true;
            return true;
        }
        // Opened with `O_PATH` first: a full open could trigger an automount, or block on a file
        // server.
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

    /// Lists the sockets and the subdirectories of a directory, sorted.
    fn list(&mut self, directory: &OwnedFd) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        use rustix::fs::FileType;

        let (mut sockets, mut below) = (Vec::new(), Vec::new());
        let mut buffer = Vec::with_capacity(32 << 10);
        // Keeps the directory's access time unchanged where the kernel allows it.
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
    fn walk_roots_include_bound_directories() {
        let paths = [
            b"/srv/x/app.sock".to_vec(),
            b"private/x".to_vec(),
            b"/top".to_vec(),
            b"/proc/self/fd/5/attach".to_vec(),
        ];
        let places = walk_roots(&paths);
        let expected =
            ["/srv/x", "/var/run", "/run", "/tmp"].map(|place| place.as_bytes().to_vec());
        assert_eq!(places, expected);
    }
}
