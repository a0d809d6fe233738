//! Runs a program repeatedly, and computes the median of its resource usage.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::protocol::Usage;
use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process_group};

/// Programs slower than this run once.
const SLOW_US: u64 = 10_000_000;

/// A program and its arguments.
#[derive(Debug, Clone)]
pub struct Program {
    /// Name in the table.
    pub shown: String,
    /// The program and its arguments.
    pub words: Vec<OsString>,
}

impl Program {
    /// A program in PATH.
    pub fn of(words: &[&str]) -> Self {
        Self {
            shown: words.join(" "),
            words: words.iter().map(OsString::from).collect(),
        }
    }

    /// A program by its path.
    pub fn at(shown: &str, program: &Path, arguments: &[&OsStr]) -> Self {
        let words = [program.as_os_str()]
            .into_iter()
            .chain(arguments.iter().copied());
        Self {
            shown: shown.to_owned(),
            words: words.map(OsString::from).collect(),
        }
    }

    /// Whether the program exists.
    pub fn exists(&self) -> bool {
        let name = &self.words[0];
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
    }

    /// Runs it once; `None` if it was killed after the timeout.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn run(&self, helper: &Path, limit: Duration) -> Result<Option<Usage>> {
        let mut child = Command::new(helper)
            .arg("--measure")
            .args(&self.words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot run {}", helper.display()))?;
        let begun = Instant::now();
        while child.try_wait()?.is_none() {
            if begun.elapsed() > limit {
                kill_process_group(Pid::from_child(&child), Signal::KILL)?;
                child.wait()?;
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut said = String::new();
        child
            .stdout
            .take()
            .context("no pipe")?
            .read_to_string(&mut said)?;
        let usage: Usage = serde_json::from_str(&said)?;
        // lsof and similar programs exit with 1 if they could not read something.
        ensure!(usage.wall_us > 0, "{}: did not run", self.shown);
        Ok(Some(usage))
    }
}

/// Result of a peer.
#[derive(Debug)]
pub enum Peer {
    /// Not installed.
    Missing,
    /// Killed after this time.
    TooSlow(Duration),
    /// Number of runs, and the medians.
    Ran(usize, Usage),
}

/// Runs a peer several times; a slow one once.
///
/// # Errors
/// As [`Program::run`].
pub fn peer(program: &Program, helper: &Path, runs: usize, limit: Duration) -> Result<Peer> {
    if !program.exists() {
        return Ok(Peer::Missing);
    }
    let mut all = Vec::new();
    while all.len() < runs {
        let Some(usage) = program.run(helper, limit)? else {
            return Ok(Peer::TooSlow(limit));
        };
        let slow = usage.wall_us > SLOW_US;
        all.push(usage);
        if slow {
            break;
        }
    }
    let medians = median(&all).context("no runs")?;
    Ok(Peer::Ran(all.len(), medians))
}

/// The median of each figure of several runs.
pub fn median(runs: &[Usage]) -> Option<Usage> {
    let middle = |figure: fn(&Usage) -> u64| {
        let mut all: Vec<u64> = runs.iter().map(figure).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    };
    Some(Usage {
        success: runs.iter().all(|run| run.success),
        wall_us: middle(|run| run.wall_us)?,
        user_us: middle(|run| run.user_us)?,
        system_us: middle(|run| run.system_us)?,
        peak_kb: middle(|run| run.peak_kb)?,
    })
}
