//! What a test and its actors say to each other: one JSON value a line, over the actor's standard
//! input and output. Only shapes here; `bin/whotalks-actor` carries the commands out.

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

    /// The map's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Seqpacket => "seqpacket",
            Self::Datagram => "dgram",
        }
    }
}

/// What a socket is bound or connected to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Address {
    /// A path, without a terminating NUL; may be relative.
    Path(Vec<u8>),
    /// An abstract name, without its leading NUL.
    Abstract(Vec<u8>),
    /// `1.2.3.4:5` or `[::1]:5`.
    Inet(String),
    /// A port id of `NETLINK_USERSOCK`; 0: whichever the kernel gives.
    Netlink(u32),
}

impl Address {
    /// The exact bytes, as the map's `name.hex` has them; of an inet address its text.
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

/// What an actor can be told to do. `fd` is always a number that the actor itself gave.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Command {
    /// A socket for an address like this one (its family counts), unbound.
    Socket(Address, Kind),
    /// `socketpair(2)` of two Unix sockets.
    Pair(Kind),
    /// `bind(2)`
    Bind(i32, Address),
    /// `listen(2)` with a backlog.
    Listen(i32, i32),
    /// `connect(2)`, which must not block.
    Connect(i32, Address),
    /// `connect(2)` in a thread of its own, which must block.
    ConnectBlocked(i32, Address),
    /// As many connected sockets.
    ConnectMany(Address, Kind, u32),
    /// `accept(2)`
    Accept(i32),
    /// `getsockname(2)` of an inet socket.
    LocalAddress(i32),
    /// `shutdown(2)` of both directions.
    Shutdown(i32),
    /// Sends bytes.
    Send(i32, Vec<u8>),
    /// Writes without end in a thread of its own, which must block.
    WriteBlocked(i32),
    /// Sends the second descriptor over the first (`SCM_RIGHTS`), and keeps its own.
    SendDescriptor(i32, i32),
    /// Takes a descriptor off a socket.
    ReceiveDescriptor(i32),
    /// `pipe(2)`: the end that is read, then the other.
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
    /// and has the second as its standard output. It ends with the actor.
    Run(Vec<String>, Vec<i32>, Option<i32>),
    /// To the actor that was spawned as the n-th.
    To(usize, Box<Command>),
    /// A thread with a descriptor table of its own (`CLONE_FILES` unshared), which makes a
    /// socket pair that is in no other table.
    PrivateTable,
    /// Begins to make and drop socket pairs and processes as fast as it can; the processes connect
    /// to a listener at this abstract name, which is served.
    Churn(Address),
    /// Ends that.
    ChurnEnd,
    /// Answers, and then does nothing more but this: it has only one thread.
    Block(Blocking),
    /// Every descriptor the actor has.
    Table,
}

/// What is behind a descriptor.
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
    /// The thread, where it is in a thread's private table.
    pub tid: Option<u32>,
    /// The number.
    pub fd: i32,
    /// What it is.
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

/// What happened while an actor churned.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Churned {
    /// Sockets (by inode) that were each other's peers at some time.
    pub pairs: Vec<(u64, u64)>,
    /// Each socket (by inode) and the process that held it.
    pub holders: Vec<(u64, u32)>,
    /// How many processes came and went.
    pub processes: u32,
}

/// An actor's answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// Done, and nothing to tell.
    Done,
    /// The descriptors that came of it.
    Descriptors(Vec<Descriptor>),
    /// An inet address.
    Address(String),
    /// The process or thread that was begun.
    Begun(u32),
    /// The churn's record.
    Churned(Churned),
    /// The kernel refused.
    Failed(String),
}

/// What `--measure` found out about one run of a program.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Usage {
    /// Whether it ended well.
    pub success: bool,
    /// From its start to its end.
    pub wall_us: u64,
    /// Of all its threads and children.
    pub user_us: u64,
    /// The same in the kernel.
    pub system_us: u64,
    /// Resident memory at its largest. What starts it is itself small: a child begins with that.
    pub peak_kb: u64,
}
