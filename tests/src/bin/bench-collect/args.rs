//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// What is to be measured.
#[derive(Debug)]
pub(crate) struct Options {
    /// Runs of each program whose median is printed.
    pub(crate) runs: usize,
    /// Threads of the collector and of the reference loops.
    pub(crate) jobs: usize,
    /// Whether only the scene of 200,000 sockets is made.
    pub(crate) quick: bool,
    /// Every scene has this part of its processes, in percent.
    pub(crate) percent: usize,
    /// Whether `ss`, `lsof` and `lsfd` run.
    pub(crate) peers: bool,
    /// A run of a peer that takes longer is ended.
    pub(crate) limit: Duration,
    /// A collector to measure; without it the static one is built.
    pub(crate) collector: Option<PathBuf>,
}

/// Printed by `--help`.
pub(crate) const HELP: &str = "\
Compares whotalks-collect with bare system calls, ss, lsof and lsfd.

Usage: bench-collect [OPTIONS]

  --runs N          runs of each program (5)
  --jobs N          threads (the cores)
  --quick           only the scene of 200,000 sockets
  --percent N       scenes of N percent of the size, for a look (100)
  --no-peers        without ss, lsof and lsfd
  --limit SECONDS   for each run of those (60)
  --collector FILE  this one instead of `cargo collector`'s
";

/// The options; `None`: help is wanted.
pub(crate) fn parse(arguments: &[String]) -> Result<Option<Options>> {
    let mut options = Options {
        runs: 5,
        jobs: std::thread::available_parallelism().map_or(1, Into::into),
        quick: false,
        percent: 100,
        peers: true,
        limit: Duration::from_secs(60),
        collector: None,
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || {
            rest.next()
                .with_context(|| format!("{argument} needs a value"))
        };
        let mut number = || -> Result<usize> {
            let text = value()?;
            let number = text.parse().ok().filter(|number| *number > 0);
            number.with_context(|| format!("{argument}: not a number above 0: {text}"))
        };
        match argument.as_str() {
            "--runs" => options.runs = number()?,
            "--jobs" => options.jobs = number()?,
            "--quick" => options.quick = true,
            "--percent" => options.percent = number()?,
            "--no-peers" => options.peers = false,
            "--limit" => options.limit = Duration::from_secs(number()? as u64),
            "--collector" => options.collector = Some(value()?.into()),
            "-h" | "--help" => return Ok(None),
            _ => bail!("unexpected argument: {argument} (try --help)"),
        }
    }
    Ok(Some(options))
}
