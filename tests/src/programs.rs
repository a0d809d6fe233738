//! The programs under test: finds or builds them once, and runs them with a timeout.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

/// Environment variable: a folder with the three programs, to be tested instead of building them.
pub const FOLDER: &str = "WHOTALKS_BIN_DIR";

/// Timeout of a run: a program that hangs fails the test.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Paths of the programs.
#[derive(Debug)]
pub struct Programs {
    /// `whotalks-collect`
    pub collect: PathBuf,
    /// `whotalks`
    pub analyze: PathBuf,
    /// `whotalks-actor`
    pub actor: PathBuf,
}

/// The programs, built on the first call unless [`FOLDER`] is set.
pub fn programs() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(|| match std::env::var_os(FOLDER) {
        Some(folder) => {
            let folder = PathBuf::from(folder);
            let collect = folder.join("whotalks-collect");
            Programs {
                collect,
                analyze: folder.join("whotalks"),
                actor: actor(&folder),
            }
        }
        None => build(),
    })
}

/// The actor of the folder, or else that of this test.
fn actor(folder: &Path) -> PathBuf {
    let given = folder.join("whotalks-actor");
    if given.exists() {
        given
    } else {
        profile_folder().join("whotalks-actor")
    }
}

/// `TARGET/PROFILE`, from `TARGET/PROFILE/deps/TEST`.
fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().expect("this test has a program");
    let folder = test.parent().and_then(Path::parent);
    folder
        .expect("cargo puts tests into TARGET/PROFILE/deps")
        .to_owned()
}

/// Cargo builds only the programs of the test's own package; the others are built here, into the
/// same target folder with the same profile.
fn build() -> Programs {
    let folder = profile_folder();
    let profile = match folder.file_name().and_then(OsStr::to_str) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let target = folder.parent().unwrap_or(&folder);
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args([
            "build",
            "--quiet",
            "--profile",
            profile,
            "-p",
            "whotalks-collect",
        ])
        .args(["-p", "whotalks", "--target-dir"])
        .arg(target)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "{cargo:?}: {status}");
    Programs {
        collect: folder.join("whotalks-collect"),
        analyze: folder.join("whotalks"),
        actor: folder.join("whotalks-actor"),
    }
}

/// A finished run.
#[derive(Debug)]
pub struct Ran {
    /// The command.
    pub command: String,
    /// The exit status.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        let (command, stderr) = (&self.command, &self.stderr);
        assert_eq!(
            self.status.code(),
            Some(code),
            "{command}: {}\n{stderr}",
            self.status
        );
        self
    }

    /// Asserts success.
    #[track_caller]
    pub fn succeeds(self) -> Self {
        self.exits(0)
    }

    /// Standard output as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("output is UTF-8")
    }

    /// Asserts success, and that the output is one JSON document.
    #[track_caller]
    pub fn json(self) -> Value {
        let ran = self.succeeds();
        serde_json::from_slice(&ran.stdout)
            .unwrap_or_else(|error| panic!("{}: {error}", ran.command))
    }

    /// Asserts that standard error is one line with this beginning, as for every error.
    #[track_caller]
    pub fn says(self, beginning: &str) -> Self {
        let right = self.stderr.starts_with(beginning)
            && self.stderr.ends_with('\n')
            && self.stderr.lines().count() == 1;
        assert!(
            right,
            "{}: expected one line `{beginning}…`:\n{}",
            self.command, self.stderr
        );
        self
    }
}

/// Runs a program with the given standard input, and collects its output.
///
/// # Panics
/// If it cannot be started or does not finish in time.
pub fn run(command: &mut Command, input: &[u8]) -> Ran {
    run_within(command, input, TIMEOUT)
}

/// Like [`run`], with another timeout.
pub fn run_within(command: &mut Command, input: &[u8], limit: Duration) -> Ran {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    finish(command, input, limit)
}

/// Like [`run_within`], with standard streams set up by the caller.
pub fn finish(command: &mut Command, input: &[u8], limit: Duration) -> Ran {
    let shown = format!("{command:?}");
    // Its own process group, so that all of it can be killed.
    let mut child = command
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("{shown}: {error}"));
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        if let Some(mut stdin) = stdin {
            // Fails if the program does not read its input, which is not an error here.
            scope.spawn(move || stdin.write_all(input).ok());
        }
        let stdout = scope.spawn(move || drain(stdout));
        let stderr = scope.spawn(move || drain(stderr));
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                break status;
            }
            if begun.elapsed() > limit {
                let stuck = blocked_in(child.id());
                let group = rustix::process::Pid::from_child(&child);
                let killed = rustix::process::kill_process_group(group, Signal::KILL);
                panic!(
                    "{shown}: does not end ({killed:?}, {:?}):{stuck}",
                    child.wait()
                );
            }
            thread::sleep(Duration::from_millis(2));
        };
        let stdout = stdout.join().expect("the reader does not panic");
        let stderr = stderr.join().expect("the reader does not panic");
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        Ran {
            command: shown.clone(),
            status,
            stdout,
            stderr,
        }
    })
}

/// The kernel function in which each thread of a process waits.
fn blocked_in(pid: u32) -> String {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"));
    let tasks = tasks.into_iter().flatten().flatten();
    let text = |task: &Path, name| std::fs::read_to_string(task.join(name)).unwrap_or_default();
    tasks
        .map(|task| {
            let task = task.path();
            let (call, place) = (text(&task, "syscall"), text(&task, "wchan"));
            let stat = text(&task, "stat");
            format!("\n{}: {} at {place}", stat.trim(), call.trim())
        })
        .collect()
}

fn drain(output: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut output) = output {
        let read = output.read_to_end(&mut bytes);
        debug_assert!(read.is_ok());
    }
    bytes
}
