//! Scenes that a Python script creates, for what actors cannot do: its processes hold still while the
//! machine is captured.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use crate::World;
use crate::programs::{programs, run};

/// What every script begins with. `ready(pid, …)` must be its last call but one: it tells the test the
/// processes of the scene, and closes the pipe to it. `rest()` blocks in a call that says nothing about sockets.
const PRELUDE: &str = "
import os, select, signal, socket as S, struct, sys, time
os.closerange(3, 1024)
def rest():
    while True: time.sleep(60)
def quiet():
    os.dup2(os.open('/dev/null', os.O_RDWR), 1)
def fork(run):
    pid = os.fork()
    if pid == 0:
        quiet(); run(); os._exit(1)
    return pid
def ready(*pids):
    time.sleep(0.3)
    print(*pids, flush=True)
    quiet()
";

/// The processes of a script; killed when dropped.
#[derive(Debug)]
pub struct Script {
    child: Child,
    /// The processes that it reported.
    pub pids: Vec<u32>,
}

impl Script {
    /// Starts a script and waits until its scene is complete.
    ///
    /// # Panics
    /// If the script fails.
    pub fn start(text: &str) -> Self {
        Self::start_in(&[], text)
    }

    /// The same through a command that executes its last arguments, such as `unshare -n`.
    ///
    /// # Panics
    /// If the script fails.
    pub fn start_in(wrapper: &[&str], text: &str) -> Self {
        let text = format!("{PRELUDE}{text}");
        let words: Vec<&str> = wrapper
            .iter()
            .copied()
            .chain(["python3", "-c", &text])
            .collect();
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("the script starts");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        output.read_line(&mut line).expect("its output is read");
        let pids: Result<Vec<u32>, _> = line.split_whitespace().map(str::parse).collect();
        let pids = pids.unwrap_or_default();
        let script = Self { child, pids };
        assert!(!script.pids.is_empty(), "the script failed: {text}");
        script
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            // Its processes may have ended already.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// `whotalks list --format json --by process ARGUMENTS FILE` of a new capture.
pub fn list(world: &World, arguments: &[&str]) -> Value {
    let file = world.snapshot();
    let mut command = Command::new(&programs().analyze);
    command.args(["list", "--format", "json", "--by", "process"]);
    run(command.args(arguments).arg(file), b"").json()
}

/// The links of a list with one of these processes at an end, as `client → server`: the position of the
/// process in `pids`, or the label of an end without one of them.
pub fn links(list: &Value, pids: &[u32]) -> Vec<String> {
    let end = |label: &Value| {
        let label = label.as_str().unwrap_or_default();
        let own = |pid: &u32| label.ends_with(&format!("[{pid}]"));
        match pids.iter().position(own) {
            Some(position) => (position.to_string(), true),
            None => (label.to_owned(), false),
        }
    };
    let rows = list["links"].as_array().into_iter().flatten();
    let mut links: Vec<String> = rows
        .filter_map(|row| {
            let ((client, ours), (server, too)) = (end(&row["client"]), end(&row["server"]));
            let arrow = match row["direction"].as_str() {
                Some("none") => "↔",
                _ => "→",
            };
            let mut ends = [client, server];
            if arrow == "↔" {
                ends.sort();
            }
            (ours || too).then(|| ends.join(&format!(" {arrow} ")))
        })
        .collect();
    links.sort();
    links
}
