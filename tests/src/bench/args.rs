//! Command line of the benchmarks that create a load.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::built;

/// Options of a benchmark.
#[derive(Debug)]
pub struct Options {
    /// Number of runs of each program; the median is printed.
    pub runs: usize,
    /// Threads of the collector and of the reference loops.
    pub jobs: usize,
    /// Whether only the scene of 200,000 sockets is made.
    pub quick: bool,
    /// Size of the scenes in percent of their processes.
    pub percent: usize,
    /// Whether `ss`, `lsof` and `lsfd` run.
    pub peers: bool,
    /// Timeout of a run of a peer.
    pub limit: Duration,
    /// The collector to measure; if not given, the static one is built.
    pub collector: Option<PathBuf>,
}

impl Options {
    /// The collector to measure.
    ///
    /// # Errors
    /// If it has to be built and the build fails.
    pub fn collector(&self) -> Result<PathBuf> {
        self.collector.clone().map_or_else(built::collector, Ok)
    }
}

/// Help of the options.
pub const HELP: &str = "\
  --runs N          runs of each program (5)
  --jobs N          threads (the cores)
  --quick           only the scene of 200,000 sockets
  --percent N       scenes of N percent of the size, for a look (100)
  --no-peers        without ss, lsof and lsfd
  --limit SECONDS   for each run of those (60)
  --collector FILE  this one instead of `cargo collector`'s
";

/// Parses the options; `None` if help was requested.
///
/// # Errors
/// If an argument is unknown or not a number.
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
