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

use crate::beneath::{Beneath, Remote};
use crate::identity::Identity;
use crate::one_by_one::one_by_one;
use crate::proc::{number, open_directory};
use crate::queue::queue;
use crate::sink::Lane;

/// All mount namespaces together are given this long.
const PATIENCE: Duration = Duration::from_secs(5);
/// Mount namespaces that are looked at at once.
const LOOKING: usize = 8;
/// Records that wait to be written.
const QUEUE: usize = 256;
/// Paths looked up in one capture: mount namespaces times bound paths may be many.
const LOOKUPS_LIMIT: usize = 64 << 10;
/// Directories and entries of one walk.
const WALK_DIRECTORIES: usize = 512;
const WALK_ENTRIES: usize = 32 << 10;
const WALK_DEPTH: usize = 4;
/// Where socket files are left behind. `/var/run` leads to `/run` nearly everywhere.
const USUAL_PLACES: [&str; 3] = ["/run", "/tmp", "/var/run"];

/// What one mount namespace is asked.
pub(crate) struct Question {
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
    questions: Vec<Question>,
    lane: &mut Lane,
) -> io::Result<()> {
    let (sender, answers) = queue(QUEUE);
    let deadline = Instant::now() + PATIENCE;
    let mut left = LOOKUPS_LIMIT;
    let mut looking = BTreeMap::new();
    let mut block = RecordBlock::new(BlockKind::Paths);
    let mut questions = questions.into_iter().enumerate();
    loop {
        // A few at a time: those that are stuck keep their places.
        while looking.len() < LOOKING
            && let Some((index, question)) = questions.next()
        {
            let unread = unanswered(&question, Errno::TIMEDOUT);
            let lookups = question.paths.len() + question.executables.len();
            if lookups > left || Instant::now() > deadline {
                lane.push(&mut block, &unread)?;
                continue;
            }
            left -= lookups;
            looking.insert(index, unread);
            let (sender, root) = (sender.clone(), root.as_fd().try_clone_to_owned()?);
            // Not joined: it may never come back.
            std::thread::Builder::new().spawn(move || {
                look(&root, &question, &|record| {
                    sender.send(Answer::Path(record))
                });
                sender.send(Answer::Done(index));
            })?;
        }
        if looking.is_empty() {
            break;
        }
        match answers.receive(Some(deadline.saturating_duration_since(Instant::now()))) {
            Some(Answer::Path(record)) => lane.push(&mut block, &record)?,
            Some(Answer::Done(index)) => {
                looking.remove(&index);
            }
            None => {
                for unread in std::mem::take(&mut looking).values() {
                    lane.push(&mut block, unread)?;
                }
            }
        }
    }
    lane.flush(&mut block)
}

/// Says of a whole mount namespace that it gave no answer, or not all: a record without a path.
fn unanswered(question: &Question, errno: Errno) -> BoundPath {
    BoundPath {
        mntns: question.mntns,
        pid: question.pid,
        errno: number(errno),
        ..BoundPath::default()
    }
}

enum Answer {
    Path(BoundPath),
    Done(usize),
}

/// Answers one question; stops when nobody takes the records any more.
fn look(root: &OwnedFd, question: &Question, send: &dyn Fn(BoundPath) -> bool) {
    let pid = question.pid;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let place = |name: &str| openat(root, format!("{pid}/{name}"), flags, Mode::empty());
    let (top, working) = (place("root"), place("cwd"));
    let remote = Remote::of(root, pid);
    let beneath = |top| Beneath {
        top,
        rooted: true,
        passive: question.passive,
        remote: &remote,
    };
    let record = |path: &[u8], found_by: &[u8]| BoundPath {
        mntns: question.mntns,
        pid,
        path: path.to_vec(),
        found_by: found_by.to_vec(),
        ..BoundPath::default()
    };
    let bound = question.paths.iter().map(|path| (path, &b"bound"[..]));
    let executables = question.executables.iter().map(|path| (path, &b"exe"[..]));
    for (path, why) in bound.chain(executables) {
        let mut record = record(path, why);
        let absolute = path.first() == Some(&b'/');
        let from = if absolute { &top } else { &working };
        let from = from.as_ref().map_err(|errno| *errno).map(|from| Beneath {
            rooted: absolute,
            ..beneath(from)
        });
        if let Err(errno) = from.and_then(|from| resolve(&from, path, &mut record)) {
            record.errno = number(errno);
        }
        if !send(record) {
            return;
        }
    }
    if let (true, Ok(top)) = (question.walk, &top) {
        let from = beneath(top);
        let mut walk = Walk {
            from: &from,
            directories: WALK_DIRECTORIES,
            entries: WALK_ENTRIES,
            seen: BTreeSet::new(),
            cut: false,
        };
        let found = |path: &[u8]| {
            let mut record = record(path, b"walk");
            match resolve(&from, path, &mut record) {
                Ok(()) => send(record),
                Err(_) => true, // gone again
            }
        };
        for place in walk_places(&question.paths) {
            if !walk.directory(&place, 0, &found) {
                return;
            }
        }
        if walk.cut {
            send(BoundPath {
                errno: number(Errno::TOOBIG),
                ..record(b"", b"walk")
            });
        }
    }
}

/// The usual places, and the directories of absolute bound paths.
fn walk_places(paths: &[Vec<u8>]) -> BTreeSet<Vec<u8>> {
    let usual = USUAL_PLACES.iter().map(|place| place.as_bytes().to_vec());
    let mut places: BTreeSet<_> = one_by_one(usual);
    for path in paths.iter().filter(|path| path.first() == Some(&b'/')) {
        let end = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        if end > 0 {
            places.insert(path[..end].to_vec());
        }
    }
    places
}

/// Fills in what a path leads to, and the modes on the way.
fn resolve(from: &Beneath<'_>, path: &[u8], record: &mut BoundPath) -> Result<(), Errno> {
    let steps = path
        .iter()
        .enumerate()
        .filter(|(at, byte)| **byte == b'/' && *at > 0);
    let parents = steps.map(|(at, _)| &path[..at]);
    let first: &[u8] = if from.rooted { b"/" } else { b"." };
    for parent in std::iter::once(first).chain(parents) {
        if let Ok(parent) = from.find(parent)
            && let Ok(found) = Identity::of_open(&parent)
        {
            let mode = found.mode.to_le_bytes();
            record.parent_modes.extend_from_slice(&mode);
        }
    }
    let file = Identity::of_open(from.find(path)?)?;
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
    from: &'a Beneath<'a>,
    directories: usize,
    entries: usize,
    /// Devices and inodes of directories: two places may lead to one.
    seen: BTreeSet<(u64, u64)>,
    /// Whether there was more than it may look at.
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
        let Ok(directory) = self.from.find(path) else {
            return true;
        };
        let local = |file: &_| !self.from.remote.has(file);
        let Some(identity) = Identity::of_open(&directory).ok().filter(local) else {
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
        let places = walk_places(&paths);
        let expected =
            ["/run", "/srv/x", "/tmp", "/var/run"].map(|place| place.as_bytes().to_vec());
        assert_eq!(places, BTreeSet::from(expected));
    }
}
