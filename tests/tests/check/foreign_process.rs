//! A process of a scenario that is not an actor: any program, killed when dropped.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// How long a program may take to begin.
const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct ForeignProcess(Child);

impl ForeignProcess {
    /// Starts a program in a process group of its own.
    pub(crate) fn start(command: &[&str]) -> Self {
        let mut run = Command::new(command[0]);
        run.args(&command[1..])
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Self(
            run.spawn()
                .unwrap_or_else(|error| panic!("{command:?}: {error}")),
        )
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits until a process of its group runs a program of that name, and sleeps in the kernel.
    pub(crate) fn wait_for(&self, comm: &str) -> u32 {
        let begun = Instant::now();
        let ours = self.pid().to_string();
        loop {
            let entries = std::fs::read_dir("/proc").expect("there is /proc");
            for entry in entries.flatten() {
                let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
                let Some((head, rest)) = stat.rsplit_once(") ") else {
                    continue;
                };
                let fields: Vec<&str> = rest.split(' ').collect();
                let is_it = head.ends_with(&format!("({comm}")) && fields[0] == "S";
                if is_it && fields[2] == ours {
                    let pid = entry.file_name().to_string_lossy().parse();
                    return pid.expect("a process is a number");
                }
            }
            assert!(begun.elapsed() < TIMEOUT, "no {comm} in group {ours}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for ForeignProcess {
    fn drop(&mut self) {
        let killed = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let ended = self.0.wait();
        debug_assert!(killed.is_ok() && ended.is_ok());
    }
}
