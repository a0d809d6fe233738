//! Real services, started for a test and stopped after it.

mod nginx;
mod postgresql;
mod redis;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub use nginx::Nginx;
pub use postgresql::Postgresql;
pub use redis::Redis;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::World;

/// Timeout for starting and stopping a service.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A server and its descendants; stopped when dropped.
#[derive(Debug)]
pub struct Service {
    child: Child,
    /// The signal that stops it.
    ends: Signal,
}

impl Service {
    /// Starts it; `ends` is the signal that stops it.
    pub fn start(command: &mut Command, ends: Signal) -> Self {
        let command = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn();
        let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, ends }
    }

    /// The process and its descendants.
    pub fn pids(&self) -> Vec<u32> {
        let mut family = vec![self.child.id()];
        let entries = std::fs::read_dir("/proc").expect("there is /proc");
        let pids = entries.flatten();
        let mut pids: Vec<u32> = pids
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        pids.sort_unstable();
        // After a wraparound, the pid of a child may be lower than that of its parent.
        for _ in 0..3 {
            for pid in &pids {
                if !family.contains(pid) && parent(*pid).is_some_and(|of| family.contains(&of)) {
                    family.push(*pid);
                }
            }
        }
        family
    }
}

fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(1)?.parse().ok()
}

impl Drop for Service {
    fn drop(&mut self) {
        let pid = Pid::from_child(&self.child);
        let asked = kill_process(pid, self.ends);
        let begun = Instant::now();
        while begun.elapsed() < TIMEOUT {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let killed = kill_process_group(pid, Signal::KILL);
        let ended = self.child.wait();
        debug_assert!(asked.is_ok() && killed.is_ok() && ended.is_ok());
    }
}

/// Retries until it succeeds.
pub fn patiently<T, E: std::fmt::Debug>(
    what: &str,
    mut attempt: impl FnMut() -> Result<T, E>,
) -> T {
    let begun = Instant::now();
    loop {
        match attempt() {
            Ok(done) => return done,
            Err(error) => assert!(begun.elapsed() < TIMEOUT, "{what}: {error:?}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A port that is currently free.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    listener.expect("a port is free").port()
}

/// A folder in the world's directory, owned by a user.
pub fn folder(world: &World, name: &str, owner: Option<u32>) -> PathBuf {
    let folder = world.directory().join(name);
    std::fs::create_dir(&folder).expect("the world is ours");
    if let Some(owner) = owner {
        chown(&folder, Some(owner), None).expect("root may");
    }
    folder
}

/// A path as text.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a test's path is text")
}

/// Sends a request to a server and reads the beginning of its response.
pub fn asks(mut stream: impl Read + Write, question: &str) -> usize {
    stream
        .write_all(question.as_bytes())
        .expect("the server reads");
    let mut answer = [0; 4096];
    stream.read(&mut answer).expect("the server answers")
}
