//! What the arguments of a blocked call point to: descriptors, a lock, an address, a path.
//!
//! It is in the memory of the process, which is read without stopping it; so there is always a reason why it
//! may not be known.

use super::fd_relation::FdTarget;
use super::name::Name;
use super::socket::Address;

/// Something in the memory of a process, or why it is not known.
pub type Known<T> = Result<T, NotKnown>;

/// Why something in the memory of a process is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum NotKnown {
    /// The capture has no memory of the thread: `--waits calls`, `--passive`, or an older collector.
    #[default]
    NotCaptured,
    /// Reading failed with this `errno`.
    Unreadable(u16),
    /// The thread continued while its memory was read.
    Moved,
    /// The bytes are not what the call needs, or the collector read too few of them.
    Malformed,
}

/// What the arguments of a call point to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CallMemory {
    /// Nothing that tells what the call waits for.
    #[default]
    None,
    /// poll(2), ppoll(2), select(2), pselect6(2): the descriptors.
    Polled(Known<PollSet>),
    /// futex(2): the word, and what follows it.
    Futex(Known<Futex>),
    /// connect(2), sendto(2), sendmsg(2): the address; `None`: that of the connected peer.
    Destination(Known<Option<Destination>>),
    /// open(2), openat(2): the path, as it was given.
    Path(Known<Box<[u8]>>),
}

/// The descriptors that a thread polls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PollSet {
    /// The descriptors, in the order of the call; select(2): ascending. One may occur repeatedly.
    pub files: Vec<Polled>,
    /// Whether these are all. The collector reads 64 KiB of a `pollfd` array, 8,192 descriptors.
    pub complete: bool,
}

/// `POLLIN`, `POLLPRI`, `POLLRDNORM`, `POLLRDBAND`, `POLLMSG` and `POLLRDHUP`.
const READ_EVENTS: u16 = 0x1 | 0x2 | 0x40 | 0x80 | 0x400 | 0x2000;
/// `POLLOUT`, `POLLWRNORM` and `POLLWRBAND`.
const WRITE_EVENTS: u16 = 0x4 | 0x100 | 0x200;

/// A descriptor that a thread polls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Polled {
    /// The descriptor.
    pub fd: u32,
    /// The events, as in `struct pollfd`: `POLLIN`, …. Of select(2): `POLLIN`, `POLLOUT` and `POLLPRI`
    /// for the three sets.
    pub events: u16,
    /// What the descriptor refers to.
    pub target: FdTarget,
}

impl Polled {
    /// Whether the thread waits for data, a client, or the end of the other side's data.
    pub fn wants_read(&self) -> bool {
        self.events & READ_EVENTS != 0
    }

    /// Whether the thread waits for buffer space, or the end of a connect.
    pub fn wants_write(&self) -> bool {
        self.events & WRITE_EVENTS != 0
    }
}

/// A futex that a thread waits on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Futex {
    /// Its address in the process.
    pub address: u64,
    /// The word there, and up to seven that follow it; empty: the thread expects no value of a lock.
    pub words: Box<[u32]>,
    /// The lock that the words belong to; `None`: not recognized (another C library, a read-write lock
    /// held by readers, a thread of another process), or no lock (a condition variable, a semaphore, a
    /// thread that is joined).
    pub lock: Option<Lock>,
}

/// A lock of glibc or the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lock {
    /// Its kind.
    pub kind: LockKind,
    /// The thread of the same process that holds it, by the id in [`Wait`](super::Wait).
    pub owner_tid: u32,
}

/// Kind of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockKind {
    /// A mutex.
    Mutex,
    /// A read-write lock.
    ReadWrite,
}

/// An address that a thread sends or connects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Of a Unix socket, as it was given.
    Unix(Name),
    /// Of an internet or vsock socket.
    Address(Address),
    /// Of another family (`AF_*`), or the unnamed address of this one.
    Other(u16),
}
