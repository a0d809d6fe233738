//! Handle of a helper process (`whotalks-actor`): each method performs one system call in it.
//!
//! A call that fails ends the test with the command and the error. The sockets returned here
//! only identify what was made; the descriptors that the actor holds are requested from it when
//! the map is captured.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

use crate::protocol::{self, Address, Blocking, Churned, Descriptor, Kind, Reply, What};

/// A socket of a scenario, identified by `fstat(2)` and `SO_COOKIE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    /// Its inode.
    pub inode: u64,
    /// Its cookie.
    pub cookie: u64,
    /// Its descriptor number in the actor that created it.
    pub fd: i32,
    /// The address it is bound to, for listeners and bound datagram sockets.
    pub address: Option<Address>,
}

impl Socket {
    /// The id in a map of one host.
    pub fn id(&self) -> String {
        format!("h0/s{}", self.inode)
    }

    fn new(row: &Descriptor, address: Option<Address>) -> Self {
        let What::Socket(cookie) = row.what else {
            panic!("not a socket: {row:?}");
        };
        Self {
            inode: row.inode,
            cookie,
            fd: row.fd,
            address,
        }
    }
}

/// A child process and the pipes to it.
#[derive(Debug)]
struct Channel {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    blocked: bool,
}

impl Drop for Channel {
    fn drop(&mut self) {
        // The end of its input ends it and its heirs, except while it is blocked.
        drop(self.commands.take());
        if self.blocked {
            let killed = self.child.kill();
            debug_assert!(killed.is_ok());
        }
        let ended = self.child.wait();
        debug_assert!(ended.is_ok());
    }
}

/// A handle of a helper process; clones refer to the same process.
#[derive(Debug, Clone)]
pub struct Actor {
    channel: Rc<RefCell<Channel>>,
    /// For an heir, the indices of its ancestors.
    route: Vec<usize>,
    heirs: Rc<RefCell<usize>>,
    made: Rc<RefCell<Vec<Socket>>>,
    pid: u32,
}

impl Actor {
    /// Starts a process; `command` ends with the program of the actor.
    pub(crate) fn start(mut command: Command) -> Self {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let commands = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
        let pid = child.id();
        Self {
            channel: Rc::new(RefCell::new(Channel {
                child,
                commands,
                answers,
                blocked: false,
            })),
            route: Vec::new(),
            heirs: Rc::default(),
            made: Rc::default(),
            pid,
        }
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// All sockets created or received by this actor, closed ones included.
    pub(crate) fn made(&self) -> Vec<Socket> {
        self.made.borrow().clone()
    }

    fn call(&self, command: protocol::Command) -> Reply {
        let shown = format!("{command:?}");
        let wrap = |inner, heir: &usize| protocol::Command::To(*heir, Box::new(inner));
        let routed = self.route.iter().rev().fold(command, wrap);
        let mut channel = self.channel.borrow_mut();
        let line = serde_json::to_string(&routed).expect("commands are plain data");
        let commands = channel
            .commands
            .as_mut()
            .expect("the actor lives as long as its handle");
        writeln!(commands, "{line}").unwrap_or_else(|error| panic!("{shown}: {error}"));
        let mut answer = String::new();
        let read = channel.answers.read_line(&mut answer);
        assert!(
            matches!(read, Ok(1..)),
            "process {} ended before it answered {shown}",
            self.pid
        );
        match serde_json::from_str(&answer) {
            Ok(Reply::Failed(error)) => panic!("process {}: {shown}: {error}", self.pid),
            Ok(reply) => reply,
            Err(error) => panic!("{shown}: {error}: {answer}"),
        }
    }

    fn descriptors(&self, command: protocol::Command) -> Vec<Descriptor> {
        match self.call(command) {
            Reply::Descriptors(rows) => rows,
            other => panic!("not descriptors: {other:?}"),
        }
    }

    fn sockets(&self, command: protocol::Command, address: Option<&Address>) -> Vec<Socket> {
        let rows = self.descriptors(command);
        let new: Vec<_> = rows
            .iter()
            .map(|row| Socket::new(row, address.cloned()))
            .collect();
        self.made.borrow_mut().extend(new.iter().cloned());
        new
    }

    fn one(&self, command: protocol::Command, address: Option<&Address>) -> Socket {
        self.sockets(command, address).remove(0)
    }

    /// `socket(2)` of the family of an address.
    pub fn socket(&self, like: &Address, kind: Kind) -> Socket {
        self.one(protocol::Command::Socket(like.clone(), kind), None)
    }

    /// `socketpair(2)`
    pub fn pair(&self, kind: Kind) -> (Socket, Socket) {
        let mut pair = self.sockets(protocol::Command::Pair(kind), None);
        let second = pair.remove(1);
        (pair.remove(0), second)
    }

    /// `socket(2)` and `bind(2)`, without `listen(2)`.
    pub fn bound(&self, address: &Address, kind: Kind) -> Socket {
        let mut socket = self.socket(address, kind);
        self.call(protocol::Command::Bind(socket.fd, address.clone()));
        socket.address = Some(address.clone());
        if let Address::Inet(_) = address {
            let Reply::Address(text) = self.call(protocol::Command::LocalAddress(socket.fd)) else {
                panic!("no address");
            };
            socket.address = Some(Address::Inet(text));
        }
        socket
    }

    /// `socket(2)`, `bind(2)` and `listen(2)`.
    pub fn listen(&self, address: &Address, kind: Kind, backlog: i32) -> Socket {
        let socket = self.bound(address, kind);
        self.call(protocol::Command::Listen(socket.fd, backlog));
        socket
    }

    /// `connect(2)` of an existing socket.
    pub fn connect_to(&self, socket: &Socket, address: &Address) {
        self.call(protocol::Command::Connect(socket.fd, address.clone()));
    }

    /// A new socket, connected to the address of `to`.
    pub fn connect(&self, to: &Socket, kind: Kind) -> Socket {
        let address = to.address.as_ref().expect("connects to a bound socket");
        let socket = self.socket(address, kind);
        self.connect_to(&socket, address);
        socket
    }

    /// A new socket whose `connect(2)` blocks.
    pub fn connect_blocked(&self, to: &Socket, kind: Kind) -> Socket {
        let address = to.address.as_ref().expect("connects to a bound socket");
        let socket = self.socket(address, kind);
        self.call(protocol::Command::ConnectBlocked(
            socket.fd,
            address.clone(),
        ));
        socket
    }

    /// `count` new connected sockets.
    pub fn connect_many(&self, to: &Socket, kind: Kind, count: u32) -> Vec<Socket> {
        let address = to.address.clone().expect("connects to a bound socket");
        self.sockets(protocol::Command::ConnectMany(address, kind, count), None)
    }

    /// `accept(2)`
    pub fn accept(&self, listener: &Socket) -> Socket {
        self.one(protocol::Command::Accept(listener.fd), None)
    }

    /// `getsockname(2)` of an inet socket.
    pub fn local_address(&self, socket: &Socket) -> String {
        match self.call(protocol::Command::LocalAddress(socket.fd)) {
            Reply::Address(text) => text,
            other => panic!("not an address: {other:?}"),
        }
    }

    /// `shutdown(2)` of both directions.
    pub fn shutdown(&self, socket: &Socket) {
        self.call(protocol::Command::Shutdown(socket.fd));
    }

    /// `write(2)`
    pub fn send(&self, socket: &Socket, bytes: &[u8]) {
        self.call(protocol::Command::Send(socket.fd, bytes.to_vec()));
    }

    /// `write(2)` in a thread that blocks.
    pub fn write_blocked(&self, socket: &Socket) {
        self.call(protocol::Command::WriteBlocked(socket.fd));
    }

    /// Sends a descriptor (`SCM_RIGHTS`) and keeps it open.
    pub fn send_descriptor(&self, over: &Socket, sent: &Socket) {
        self.call(protocol::Command::SendDescriptor(over.fd, sent.fd));
    }

    /// Receives a descriptor.
    pub fn receive_descriptor(&self, over: &Socket) -> Socket {
        self.one(protocol::Command::ReceiveDescriptor(over.fd), None)
    }

    /// `pipe(2)`: read end, write end.
    pub fn pipe(&self) -> (Descriptor, Descriptor) {
        let mut ends = self.descriptors(protocol::Command::Pipe);
        let write = ends.remove(1);
        (ends.remove(0), write)
    }

    /// Opens a file for reading, for writing, or both.
    pub fn open(&self, path: &Address, reads: bool, writes: bool) -> Descriptor {
        self.descriptors(protocol::Command::Open(path.bytes(), reads, writes))
            .remove(0)
    }

    /// `dup(2)`
    pub fn duplicate(&self, socket: &Socket) -> Socket {
        self.one(protocol::Command::Duplicate(socket.fd), None)
    }

    /// `close(2)`
    pub fn close(&self, socket: &Socket) {
        self.call(protocol::Command::Close(socket.fd));
    }

    /// `close(2)` of a descriptor that is not a socket.
    pub fn close_descriptor(&self, fd: i32) {
        self.call(protocol::Command::Close(fd));
    }

    /// `chdir(2)`
    pub fn change_directory(&self, path: &Address) {
        self.call(protocol::Command::ChangeDirectory(path.bytes()));
    }

    /// See [`protocol::Command::PrivateTable`].
    pub fn private_table(&self) -> (Socket, Socket) {
        let mut pair = self.sockets(protocol::Command::PrivateTable, None);
        let second = pair.remove(1);
        (pair.remove(0), second)
    }

    /// See [`protocol::Command::Churn`].
    pub fn churn(&self, address: &Address) {
        self.call(protocol::Command::Churn(address.clone()));
    }

    /// See [`protocol::Command::ChurnEnd`].
    pub fn churn_end(&self) -> Churned {
        match self.call(protocol::Command::ChurnEnd) {
            Reply::Churned(churned) => churned,
            other => panic!("not a churn: {other:?}"),
        }
    }

    /// Blocks the process in a call; it sleeps in the kernel when this returns. The process accepts
    /// no further commands.
    pub fn block(&self, call: Blocking) {
        self.call(protocol::Command::Block(call));
        self.channel.borrow_mut().blocked = true;
        let mut asleep = 0;
        while asleep < 4 {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid));
            let stat = stat.unwrap_or_else(|error| panic!("process {}: {error}", self.pid));
            let sleeps = stat
                .rsplit_once(") ")
                .is_some_and(|(_, rest)| rest.starts_with('S'));
            asleep = if sleeps { asleep + 1 } else { 0 };
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// A child actor that inherits these descriptors.
    pub(crate) fn spawn(&self, inherited: &[i32]) -> Actor {
        let Reply::Begun(pid) = self.call(protocol::Command::Spawn(inherited.to_vec())) else {
            panic!("no process");
        };
        let mut route = self.route.clone();
        route.push(*self.heirs.borrow());
        *self.heirs.borrow_mut() += 1;
        let channel = Rc::clone(&self.channel);
        Actor {
            channel,
            route,
            heirs: Rc::default(),
            made: Rc::default(),
            pid,
        }
    }

    /// Starts another program as a child with these descriptors; returns its process id.
    pub fn run(&self, program: &[&str], inherited: &[i32]) -> u32 {
        self.run_with_output(program, inherited, None)
    }

    /// Like [`Actor::run`], with a descriptor as standard output.
    pub fn run_with_output(&self, program: &[&str], inherited: &[i32], output: Option<i32>) -> u32 {
        let program = program.iter().map(|word| (*word).to_owned()).collect();
        match self.call(protocol::Command::Run(program, inherited.to_vec(), output)) {
            Reply::Begun(pid) => pid,
            other => panic!("no process: {other:?}"),
        }
    }

    /// The descriptor table of the process, and the private tables of threads.
    pub(crate) fn table(&self) -> Vec<Descriptor> {
        self.descriptors(protocol::Command::Table)
    }
}
