//! The command line of the benchmarks that fill the machine.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::built;

/// What is to be measured.
#[derive(Debug)]
pub struct Options {
    /// Runs of each program whose median is printed.
    pub runs: usize,
    /// Threads of the collector and of the reference loops.
    pub jobs: usize,
    /// Whether only the scene of 200,000 sockets is made.
    pub quick: bool,
    /// Every scene has this part of its processes, in percent.
    pub percent: usize,
    /// Whether `ss`, `lsof` and `lsfd` run.
    pub peers: bool,
    /// A run of a peer that takes longer is ended.
    pub limit: Duration,
    /// A collector to measure; without it the static one is built.
    pub collector: Option<PathBuf>,
}

impl Options {
    /// The collector to measure.
    ///
    /// # Errors
    /// Where it has to be built, and cannot be.
    pub fn collector(&self) -> Result<PathBuf> {
        self.collector.clone().map_or_else(built::collector, Ok)
    }
}

/// What `--help` says of them.
pub const HELP: &str = "\
  --runs N          runs of each program (5)
  --jobs N          threads (the cores)
  --quick           only the scene of 200,000 sockets
  --percent N       scenes of N percent of the size, for a look (100)
  --no-peers        without ss, lsof and lsfd
  --limit SECONDS   for each run of those (60)
  --collector FILE  this one instead of `cargo collector`'s
";

/// The options; `None`: help is wanted.
///
/// # Errors
/// Where an argument is none of them, or no number.
pub fn parse(arguments: &[String]) -> Result<Option<Options>> {
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
