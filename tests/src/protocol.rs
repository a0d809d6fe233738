//! The protocol between a test and its actors: one JSON value per line, over the actor's
//! standard input and output. Types only; `bin/whotalks-actor` implements the commands.

use serde::{Deserialize, Serialize};

/// Type of a Unix socket (`SOCK_STREAM`, `SOCK_SEQPACKET`, `SOCK_DGRAM`), or of an inet one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// `SOCK_STREAM`
    Stream,
    /// `SOCK_SEQPACKET`
    Seqpacket,
    /// `SOCK_DGRAM`
    Datagram,
}

impl Kind {
    /// The three types that Unix sockets have.
    pub const ALL: [Kind; 3] = [Kind::Stream, Kind::Seqpacket, Kind::Datagram];

    /// The word for it in the map.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Seqpacket => "seqpacket",
            Self::Datagram => "dgram",
        }
    }
}

/// An address to bind or connect to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Address {
    /// A path, without a terminating NUL; may be relative.
    Path(Vec<u8>),
    /// An abstract name, without its leading NUL.
    Abstract(Vec<u8>),
    /// `1.2.3.4:5` or `[::1]:5`.
    Inet(String),
    /// A port id of `NETLINK_USERSOCK`; 0 lets the kernel choose.
    Netlink(u32),
}

impl Address {
    /// The exact bytes, as in `name.hex` of the map; for an inet address its text.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Path(path) => path.clone(),
            Self::Abstract(name) => [b"\0", name.as_slice()].concat(),
            Self::Inet(text) => text.clone().into_bytes(),
            Self::Netlink(port) => port.to_string().into_bytes(),
        }
    }
}

/// A call that does not return.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Blocking {
    /// `read(2)` of one byte.
    Read(i32),
    /// `write(2)` of more than any buffer holds.
    Write(i32),
    /// `accept4(2)`
    Accept(i32),
    /// `epoll_wait(2)` for these to become readable.
    Epoll(Vec<i32>),
    /// `poll(2)` likewise.
    Poll(Vec<i32>),
    /// `connect(2)` to a listener whose queue is full.
    Connect(i32, Address),
}

/// A command to an actor. `fd` is always a number that the actor returned.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Command {
    /// An unbound socket of the family of this address.
    Socket(Address, Kind),
    /// `socketpair(2)` of two Unix sockets.
    Pair(Kind),
    /// `bind(2)`
    Bind(i32, Address),
    /// `listen(2)` with a backlog.
    Listen(i32, i32),
    /// `connect(2)`, which must not block.
    Connect(i32, Address),
    /// `connect(2)` in a separate thread; must block.
    ConnectBlocked(i32, Address),
    /// Several connected sockets.
    ConnectMany(Address, Kind, u32),
    /// `accept(2)`
    Accept(i32),
    /// `getsockname(2)` of an inet socket.
    LocalAddress(i32),
    /// `shutdown(2)` of both directions.
    Shutdown(i32),
    /// Sends bytes.
    Send(i32, Vec<u8>),
    /// Writes endlessly in a separate thread; must block.
    WriteBlocked(i32),
    /// Sends the second descriptor over the first (`SCM_RIGHTS`), and keeps it open.
    SendDescriptor(i32, i32),
    /// Receives a descriptor.
    ReceiveDescriptor(i32),
    /// `pipe(2)`: the read end, then the write end.
    Pipe,
    /// Opens a file (a FIFO) for reading, for writing, or both; does not wait for the other end.
    Open(Vec<u8>, bool, bool),
    /// `dup(2)`
    Duplicate(i32),
    /// `close(2)`
    Close(i32),
    /// `chdir(2)`
    ChangeDirectory(Vec<u8>),
    /// Starts another actor, which inherits these descriptors under their numbers.
    Spawn(Vec<i32>),
    /// Starts another program (its arguments), which inherits these descriptors under their numbers,
    /// and the given one as standard output. It is killed with the actor.
    Run(Vec<String>, Vec<i32>, Option<i32>),
    /// Passes a command to the n-th spawned actor.
    To(usize, Box<Command>),
    /// A thread with a private descriptor table (`CLONE_FILES` unshared) that creates a socket
    /// pair in that table only.
    PrivateTable,
    /// Starts creating and closing socket pairs and processes as fast as possible; the processes
    /// connect to a listener at this abstract name, which accepts them.
    Churn(Address),
    /// Stops the churn.
    ChurnEnd,
    /// Replies, then blocks its only thread in a call.
    Block(Blocking),
    /// Lists all descriptors of the actor.
    Table,
}

/// Type of an open file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// A socket; with `SO_COOKIE`.
    Socket(u64),
    /// A pipe or FIFO.
    Pipe,
    /// Anything else.
    Other,
}

/// One row of an actor's descriptor table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Descriptor {
    /// The thread, for a private table.
    pub tid: Option<u32>,
    /// The descriptor number.
    pub fd: i32,
    /// The type.
    pub what: What,
    /// `st_ino` of `fstat(2)`.
    pub inode: u64,
    /// Whether it is closed on `execve(2)`.
    pub cloexec: bool,
    /// Whether it is open for reading.
    pub reads: bool,
    /// Whether it is open for writing.
    pub writes: bool,
}

/// Record of a churn.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Churned {
    /// Sockets (by inode) that were peers at some time.
    pub pairs: Vec<(u64, u64)>,
    /// Each socket (by inode) and the process that held it.
    pub holders: Vec<(u64, u32)>,
    /// Number of processes created.
    pub processes: u32,
}

/// Reply of an actor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// Success without a result.
    Done,
    /// The resulting descriptors.
    Descriptors(Vec<Descriptor>),
    /// An inet address.
    Address(String),
    /// The process or thread started.
    Begun(u32),
    /// The record of a churn.
    Churned(Churned),
    /// The system call failed.
    Failed(String),
}

/// Resource usage of one run, from `--measure`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Usage {
    /// Whether it succeeded.
    pub success: bool,
    /// Wall time.
    pub wall_us: u64,
    /// Processor time of all threads and children, in user mode.
    pub user_us: u64,
    /// The same in the kernel.
    pub system_us: u64,
    /// Peak resident memory. Never below that of the parent, which is therefore small.
    pub peak_kb: u64,
}
