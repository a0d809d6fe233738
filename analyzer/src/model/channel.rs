//! Ways to talk other than sockets and pipes: pseudo-terminals, message queues, shared memory,
//! semaphores, eventfds, file locks.

use super::ids::{HostId, ProcessId};

/// Something that processes share to talk over, or to wait for each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its host.
    pub host: HostId,
    /// Its number on the host, which a filter does not change.
    pub number: u32,
    /// What it is.
    pub kind: ChannelKind,
    /// Its name: a path, `pts/3`, `eventfd 17`, `sysv-shm 5 key 0x52e2c1`; of a lock the path of the file, or `fe:00:1100246`
    /// (device and inode as in `/proc/locks`) where no holder's descriptor names it.
    pub name: Box<[u8]>,
    /// Who uses it, sorted; several for a process with several descriptors or roles.
    pub ends: Vec<ChannelEnd>,
    /// Whether it is left out of the conversations unless asked for: all but pseudo-terminals.
    pub hidden: bool,
}

/// What a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChannelKind {
    /// A pseudo-terminal: its master and its slave.
    Pty,
    /// A POSIX message queue.
    Mqueue,
    /// System V shared memory: its creator, and the last process to attach or detach.
    SysvShm,
    /// A System V message queue: the last sender and the last receiver.
    SysvMsg,
    /// A System V semaphore set: the last users of each semaphore.
    SysvSem,
    /// Shared memory by descriptor: memfd, `/dev/shm`.
    Shm,
    /// An eventfd in several processes.
    Eventfd,
    /// A lock of a file, or of a range of its bytes, with those that wait for it.
    Lock,
}

impl ChannelKind {
    /// The word for it in JSON output and options.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pty => "pty",
            Self::Mqueue => "mqueue",
            Self::SysvShm => "sysv-shm",
            Self::SysvMsg => "sysv-msg",
            Self::SysvSem => "sysv-sem",
            Self::Shm => "shm",
            Self::Eventfd => "eventfd",
            Self::Lock => "lock",
        }
    }
}

/// A process at a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChannelEnd {
    /// How it uses the channel.
    pub role: ChannelRole,
    /// The process.
    pub process: ProcessId,
    /// The thread, where the descriptor table is private to it.
    pub tid: Option<u32>,
    /// The descriptor; `None`: not known, or there is none.
    pub fd: Option<u32>,
    /// Whether it only keeps what another process uses: the copy of a child, the job of a shell.
    pub keeps: bool,
}

/// How a process uses a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChannelRole {
    /// Holds the master of a terminal.
    Master,
    /// Holds the slave of a terminal.
    Slave,
    /// Sends, or may send.
    Writer,
    /// Receives, or may receive.
    Reader,
    /// Made the shared memory.
    Creator,
    /// Uses it.
    User,
    /// Holds the lock.
    Holder,
    /// Waits for the lock.
    Waiter,
}

impl ChannelRole {
    /// The word for it in JSON output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Slave => "slave",
            Self::Writer => "writer",
            Self::Reader => "reader",
            Self::Creator => "creator",
            Self::User => "user",
            Self::Holder => "holder",
            Self::Waiter => "waiter",
        }
    }
}

impl Channel {
    /// The processes with a role that do not only keep the channel, sorted.
    pub fn processes(&self, role: ChannelRole) -> Vec<ProcessId> {
        let ends = self
            .ends
            .iter()
            .filter(|end| end.role == role && !end.keeps);
        let mut processes: Vec<_> = ends.map(|end| end.process).collect();
        processes.dedup();
        processes
    }

    /// The processes that talk at its two ends. Of a lock, those that wait for it are the clients. Where
    /// all are equal, the first talks to the others.
    pub fn sides(&self) -> (Vec<ProcessId>, Vec<ProcessId>) {
        use ChannelRole::{Creator, Holder, Master, Reader, Slave, User, Waiter, Writer};
        let (from, to) = match self.kind {
            ChannelKind::Pty => (Master, Slave),
            ChannelKind::Mqueue | ChannelKind::SysvMsg => (Writer, Reader),
            ChannelKind::SysvShm => (Creator, User),
            ChannelKind::Lock => (Waiter, Holder),
            ChannelKind::SysvSem | ChannelKind::Shm | ChannelKind::Eventfd => {
                let mut first = self.processes(User);
                let others = first.split_off(first.len().min(1));
                return match others.is_empty() {
                    true => (first.clone(), first),
                    false => (first, others),
                };
            }
        };
        (self.processes(from), self.processes(to))
    }

    /// Whether one end is the client's, or the sender's.
    pub fn is_directed(&self) -> bool {
        use ChannelKind::{Eventfd, Shm, SysvSem};
        !matches!(self.kind, SysvSem | Shm | Eventfd)
    }

    /// The channel with other ids, after processes were removed; `None`: nobody is left.
    pub(crate) fn remap(&self, process: impl Fn(ProcessId) -> Option<ProcessId>) -> Option<Self> {
        let remap = |end: &ChannelEnd| {
            let process = process(end.process)?;
            Some(ChannelEnd { process, ..*end })
        };
        let mut ends: Vec<ChannelEnd> = self.ends.iter().filter_map(remap).collect();
        ends.sort_unstable();
        ends.dedup();
        (!ends.is_empty()).then(|| Self {
            ends,
            ..self.clone()
        })
    }
}
