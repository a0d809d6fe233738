//! Executes the commands of the protocol: one match arm each.

use std::io::{BufRead, BufReader, Error, Result, Write};
use std::net::{SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::mpsc;

use rustix::fs::{Mode, OFlags};
use rustix::io::FdFlags;
use rustix::net::Shutdown;
use rustix::pipe::PipeFlags;
use rustix::process::{Pid, Signal};
use whotalks_tests::protocol::{Blocking, Command, Descriptor, Reply};

use crate::churn::Churn;
use crate::table::{Table, describe, numbers};
use crate::{raw, sockets};

/// A spawned actor.
#[derive(Debug)]
struct Heir {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// The state of the process.
#[derive(Debug, Default)]
pub(crate) struct Actor {
    table: Table,
    heirs: Vec<Heir>,
    private: Vec<Descriptor>,
    churn: Option<Churn>,
    last: Option<Blocking>,
    others: Vec<Child>,
}

impl Actor {
    /// An actor that inherited these descriptors.
    pub(crate) fn adopting(fds: &[i32]) -> Self {
        let mut actor = Self::default();
        for fd in fds {
            let added = actor.table.add(raw::adopt(*fd));
            debug_assert!(added.is_ok());
        }
        actor
    }

    pub(crate) fn perform(&mut self, command: Command) -> Result<Reply> {
        let get = |fd| self.table.get(fd);
        match command {
            Command::Socket(address, kind) => {
                let fd = sockets::open(&address, kind)?;
                self.gave([fd])
            }
            Command::Pair(kind) => self.gave(sockets::pair(kind)?),
            Command::Bind(fd, address) => done(sockets::name(get(fd)?.as_fd(), &address)),
            Command::Listen(fd, backlog) => Ok(done(rustix::net::listen(&*get(fd)?, backlog))?),
            Command::Connect(fd, address) => {
                done(sockets::connect_soon(get(fd)?.as_fd(), &address))
            }
            Command::ConnectBlocked(fd, address) => {
                let fd = get(fd)?;
                begin(move || sockets::connect_now(fd.as_fd(), &address))
            }
            Command::ConnectMany(address, kind, count) => {
                let connected = |_| Ok(sockets::client(&address, kind)?.0);
                let fds: Vec<OwnedFd> = (0..count).map(connected).collect::<Result<_>>()?;
                self.gave(fds)
            }
            Command::Accept(fd) => {
                let accepted = sockets::accept(get(fd)?.as_fd())?;
                self.gave([accepted])
            }
            Command::LocalAddress(fd) => {
                let any = rustix::net::getsockname(&*get(fd)?)?;
                let v4 = SocketAddrV4::try_from(any.clone()).map(|address| address.to_string());
                let v6 = SocketAddrV6::try_from(any).map(|address| address.to_string());
                Ok(Reply::Address(v4.or(v6)?))
            }
            Command::Shutdown(fd) => Ok(done(rustix::net::shutdown(&*get(fd)?, Shutdown::Both))?),
            Command::Send(fd, bytes) => {
                rustix::io::write(&*get(fd)?, &bytes)?;
                Ok(Reply::Done)
            }
            Command::WriteBlocked(fd) => {
                let fd = get(fd)?;
                begin(move || {
                    loop {
                        rustix::io::write(&*fd, &[b'x'; 4096])?;
                    }
                })
            }
            Command::SendDescriptor(over, fd) => done(sockets::send_descriptor(
                get(over)?.as_fd(),
                get(fd)?.as_fd(),
            )),
            Command::ReceiveDescriptor(over) => {
                let fd = sockets::receive_descriptor(get(over)?.as_fd())?;
                self.gave([fd])
            }
            Command::Pipe => {
                let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
                self.gave([read, write])
            }
            Command::Open(path, reads, writes) => {
                let access = match (reads, writes) {
                    (true, true) => OFlags::RDWR,
                    (false, true) => OFlags::WRONLY,
                    _ => OFlags::RDONLY,
                };
                let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC;
                let fd = rustix::fs::open(path, flags, Mode::empty())?;
                self.gave([fd])
            }
            Command::Duplicate(fd) => {
                let copy = rustix::io::fcntl_dupfd_cloexec(&*get(fd)?, 0)?;
                self.gave([copy])
            }
            Command::Close(fd) => done(self.table.close(fd)),
            Command::ChangeDirectory(path) => Ok(done(rustix::process::chdir(path))?),
            Command::Spawn(fds) => self.spawn(&fds),
            Command::Run(program, fds, output) => self.run(&program, &fds, output),
            Command::To(heir, command) => self.pass_on(heir, &command),
            Command::PrivateTable => self.private_table(),
            Command::Churn(address) => {
                self.churn = Some(Churn::begin(address)?);
                Ok(Reply::Done)
            }
            Command::ChurnEnd => {
                let churn = self.churn.take().ok_or_else(|| Error::other("no churn"))?;
                Ok(Reply::Churned(churn.end()?))
            }
            Command::Block(call) => {
                self.last = Some(call);
                Ok(Reply::Done)
            }
            Command::Table => Ok(Reply::Descriptors(self.whole_table()?)),
        }
    }

    /// Blocks, if that was the last command.
    pub(crate) fn block(&mut self) -> Result<()> {
        let get = |fd| self.table.get(fd);
        let all = |fds: &[i32]| fds.iter().map(|fd| get(*fd)).collect::<Result<Vec<_>>>();
        match self.last.take() {
            None => Ok(()),
            Some(Blocking::Read(fd)) => Ok(rustix::io::read(&*get(fd)?, &mut [0]).map(drop)?),
            Some(Blocking::Write(fd)) => {
                let much = vec![0; 8 << 20];
                Ok(rustix::io::write(&*get(fd)?, &much).map(drop)?)
            }
            Some(Blocking::Accept(fd)) => Ok(rustix::net::accept(&*get(fd)?).map(drop)?),
            Some(Blocking::Epoll(fds)) => sockets::wait_by_epoll(&all(&fds)?),
            Some(Blocking::Poll(fds)) => sockets::wait_by_poll(&all(&fds)?),
            Some(Blocking::Connect(fd, address)) => {
                sockets::connect_now(get(fd)?.as_fd(), &address)
            }
        }
    }

    fn gave(&mut self, fds: impl IntoIterator<Item = OwnedFd>) -> Result<Reply> {
        let rows: Result<_> = fds.into_iter().map(|fd| self.table.add(fd)).collect();
        Ok(Reply::Descriptors(rows?))
    }

    fn spawn(&mut self, fds: &[i32]) -> Result<Reply> {
        let kept: Vec<_> = fds
            .iter()
            .map(|fd| self.table.get(*fd))
            .collect::<Result<_>>()?;
        for fd in &kept {
            rustix::io::fcntl_setfd(fd, FdFlags::empty())?;
        }
        let numbers: Vec<String> = fds.iter().map(ToString::to_string).collect();
        // Not through /proc/self/exe, which would be the executable in the map.
        let mut child = std::process::Command::new(std::env::current_exe()?)
            .args(["--adopt", &numbers.join(",")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        for fd in &kept {
            rustix::io::fcntl_setfd(fd, FdFlags::CLOEXEC)?;
        }
        let pid = child.id();
        let (Some(commands), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::other("the heir has no pipes"));
        };
        let answers = BufReader::new(answers);
        self.heirs.push(Heir {
            child,
            commands,
            answers,
        });
        Ok(Reply::Begun(pid))
    }

    fn run(&mut self, program: &[String], fds: &[i32], output: Option<i32>) -> Result<Reply> {
        let [name, arguments @ ..] = program else {
            return Err(Error::other("no program"));
        };
        let kept: Vec<_> = fds
            .iter()
            .map(|fd| self.table.get(*fd))
            .collect::<Result<_>>()?;
        let stdout = match output {
            Some(fd) => Stdio::from(self.table.get(fd)?.try_clone()?),
            None => Stdio::null(),
        };
        for fd in &kept {
            rustix::io::fcntl_setfd(fd, FdFlags::empty())?;
        }
        let child = std::process::Command::new(name)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(stdout)
            .process_group(0)
            .spawn();
        for fd in &kept {
            rustix::io::fcntl_setfd(fd, FdFlags::CLOEXEC)?;
        }
        let child = child?;
        let pid = child.id();
        self.others.push(child);
        Ok(Reply::Begun(pid))
    }

    /// Kills the programs that were run, and their descendants.
    pub(crate) fn end_others(&mut self) {
        for mut child in self.others.drain(..) {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                let killed = rustix::process::kill_process_group(group, Signal::KILL);
                debug_assert!(killed.is_ok());
            }
            let ended = child.wait();
            debug_assert!(ended.is_ok());
        }
    }

    fn pass_on(&mut self, heir: usize, command: &Command) -> Result<Reply> {
        let heir = self
            .heirs
            .get_mut(heir)
            .ok_or_else(|| Error::other("no such heir"))?;
        writeln!(heir.commands, "{}", serde_json::to_string(command)?)?;
        let mut line = String::new();
        heir.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    fn private_table(&mut self) -> Result<Reply> {
        let before = self.whole_table()?;
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let made = || {
                raw::unshare_table()?;
                sockets::pair(whotalks_tests::Kind::Stream)
            };
            let tid = rustix::thread::gettid()
                .as_raw_nonzero()
                .get()
                .cast_unsigned();
            let pair = made();
            let rows = match &pair {
                Ok(pair) => pair
                    .iter()
                    .map(|fd| describe(fd.as_fd(), Some(tid)))
                    .collect(),
                Err(error) => Err(Error::other(error.to_string())),
            };
            let sent = tell.send((tid, rows));
            debug_assert!(sent.is_ok());
            loop {
                std::thread::park();
            }
        });
        let (tid, rows) = told.recv().map_err(Error::other)?;
        let pair: Vec<Descriptor> = rows?;
        // Its table is a copy of the process's, plus the pair.
        let copies = before.into_iter().map(|row| Descriptor {
            tid: Some(tid),
            ..row
        });
        self.private.extend(copies);
        self.private.extend(pair.iter().cloned());
        Ok(Reply::Descriptors(pair))
    }

    fn whole_table(&self) -> Result<Vec<Descriptor>> {
        let mut rows = vec![
            describe(rustix::stdio::stdin(), None)?,
            describe(rustix::stdio::stdout(), None)?,
            describe(rustix::stdio::stderr(), None)?,
        ];
        rows.extend(self.table.rows()?);
        for heir in &self.heirs {
            rows.push(describe(heir.commands.as_fd(), None)?);
            rows.push(describe(heir.answers.get_ref().as_fd(), None)?);
        }
        // An unknown descriptor would make the expected state wrong.
        let known = |fd: &i32| rows.iter().any(|row| row.fd == *fd);
        let strangers: Vec<i32> = numbers()?.into_iter().filter(|fd| !known(fd)).collect();
        if strangers.len() != 1 && self.churn.is_none() {
            return Err(Error::other(format!("unknown descriptors: {strangers:?}")));
        }
        rows.extend(self.private.iter().cloned());
        rows.sort_by_key(|row| (row.tid, row.fd));
        Ok(rows)
    }
}

impl Drop for Heir {
    fn drop(&mut self) {
        // Its input ends when this is dropped; killed only if that was not enough.
        let killed = self.child.kill();
        debug_assert!(killed.is_ok());
    }
}

fn done<E>(result: std::result::Result<(), E>) -> std::result::Result<Reply, E> {
    result.map(|()| Reply::Done)
}

/// Runs a call that blocks in a thread, and waits until the thread sleeps in the kernel.
fn begin(call: impl FnOnce() -> Result<()> + Send + 'static) -> Result<Reply> {
    let (tell, told) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let tid = rustix::thread::gettid()
            .as_raw_nonzero()
            .get()
            .cast_unsigned();
        let sent = tell.send(tid);
        debug_assert!(sent.is_ok());
        call()
    });
    let tid: u32 = told.recv().map_err(Error::other)?;
    let mut asleep = 0;
    while asleep < 4 {
        if thread.is_finished() {
            return Err(Error::other("the call did not block"));
        }
        let stat = std::fs::read_to_string(format!("/proc/self/task/{tid}/stat"))?;
        let sleeping = stat
            .rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('S'));
        asleep = if sleeping { asleep + 1 } else { 0 };
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Ok(Reply::Begun(tid))
}
