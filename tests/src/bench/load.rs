//! A load of many processes and sockets.
//!
//! A parent process creates the inherited sockets and starts the members, which create their
//! own. All of them wait for the end of one pipe, so that none survives the benchmark.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context as _, Result};
use rustix::event::{PollFd, PollFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Resource, getrlimit, setrlimit};

/// Size of a load.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Number of processes.
    pub processes: usize,
    /// Sockets that each process creates, in connected pairs.
    pub own: usize,
    /// Sockets that all processes inherit.
    pub inherited: usize,
    /// Further threads of each process: in turn they poll three descriptors, wait for a lock, and wait
    /// for work.
    pub threads: usize,
}

/// A running load; ends when dropped.
#[derive(Debug)]
pub struct Load {
    nursery: Child,
}

impl Load {
    /// Starts a load and waits until it is complete.
    ///
    /// # Errors
    /// If the machine does not allow as many processes or descriptors.
    pub fn new(size: Size) -> Result<Self> {
        let numbers = [size.processes, size.own, size.inherited, size.threads];
        let numbers = numbers.map(|number| number.to_string());
        let mut nursery = Command::new(std::env::current_exe()?)
            .arg("--nursery")
            .args(numbers)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut output = nursery.stdout.take().context("no pipe")?;
        let load = Self { nursery };
        output
            .read_exact(&mut [0])
            .context("the load could not be made (limits on processes or descriptors?)")?;
        Ok(load)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        drop(self.nursery.stdin.take());
        let ended = self.nursery.wait();
        debug_assert!(ended.is_ok());
    }
}

/// Runs as one of the load's processes if the arguments request it: a program that creates a
/// [`Load`] executes itself for each of them.
pub fn role(arguments: &[String]) -> Option<Result<()>> {
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse().ok());
    let number = |at: usize| number(at).unwrap_or(0);
    match arguments.first()?.as_str() {
        "--nursery" => Some(nursery(number(1), number(2), number(3), number(4))),
        "--member" => Some(member(number(1), number(2))),
        _ => None,
    }
}

/// Creates the load and keeps it until its input ends.
fn nursery(processes: usize, own: usize, inherited: usize, threads: usize) -> Result<()> {
    want_descriptors()?;
    let shared = pairs(inherited / 2, SocketFlags::empty())?;
    let (ready, told) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let program = std::env::current_exe()?;
    let mut members = Vec::new();
    for _ in 0..processes {
        let mut member = Command::new(&program);
        member.arg("--member");
        member.args([own, threads].map(|number| number.to_string()));
        member.stdout(told.try_clone()?).stderr(Stdio::null());
        members.push(member.spawn()?);
    }
    drop(told);
    let mut ready = std::fs::File::from(ready);
    let mut said = vec![0; processes];
    ready
        .read_exact(&mut said)
        .context("not every process came to be")?;
    std::io::stdout().write_all(b"!")?;
    std::io::stdout().flush()?;
    wait_for_end();
    drop(shared);
    for mut member in members {
        member.wait()?;
    }
    Ok(())
}

/// One process of the load.
fn member(own: usize, threads: usize) -> Result<()> {
    let _pairs = pairs(own / 2, SocketFlags::CLOEXEC)?;
    static LOCK: Mutex<()> = Mutex::new(());
    let _held = LOCK.lock();
    for index in 0..threads {
        let wait = move || match index % 3 {
            0 => {
                let polled = poll_for_ever();
                debug_assert!(polled.is_ok());
            }
            1 => drop(LOCK.lock()),
            _ => std::thread::park(),
        };
        // They end with the process.
        std::thread::Builder::new()
            .stack_size(64 << 10)
            .spawn(wait)?;
    }
    std::io::stdout().write_all(b"!")?;
    std::io::stdout().flush()?;
    wait_for_end();
    Ok(())
}

/// Polls three descriptors that never have data.
fn poll_for_ever() -> Result<()> {
    let pairs = pairs(2, SocketFlags::CLOEXEC)?;
    let ends = [&pairs[0].0, &pairs[0].1, &pairs[1].0];
    let mut polled = ends.map(|end| PollFd::new(end, PollFlags::IN));
    rustix::event::poll(&mut polled, None)?;
    Ok(())
}

fn pairs(count: usize, flags: SocketFlags) -> Result<Vec<(OwnedFd, OwnedFd)>> {
    let pair = |_| socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None);
    let pairs: rustix::io::Result<_> = (0..count).map(pair).collect();
    Ok(pairs?)
}

fn want_descriptors() -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

/// Blocks until the benchmark has ended in any way.
fn wait_for_end() {
    let read = std::io::stdin().read(&mut [0]);
    debug_assert!(matches!(read, Ok(0)));
}
