//! What reading the memory of threads costs: captures with and without it, of processes with eight
//! threads each that poll, wait for a lock or wait for work.

use std::ffi::OsStr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use whotalks_tests::bench::Target;
use whotalks_tests::bench::load::{Load, Size};
use whotalks_tests::bench::measure::{Program, median};
use whotalks_tests::protocol::Usage;

use crate::scene::Tools;

/// Maximum wall time relative to a capture of the calls alone.
const COST: f64 = 1.05;
/// Timeout of a capture.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Measures so many processes, and prints a line for each value of `--waits`.
pub(crate) fn measure(tools: &Tools<'_>, processes: usize) -> Result<Target> {
    let _load = Load::new(Size {
        processes,
        own: 100,
        inherited: 0,
        threads: 7,
    })?;
    println!("\nthreads: {processes} processes with 8 threads each");
    let file = tools.scratch.join("threads.whotalks");
    let jobs = tools.options.jobs.to_string();
    let capture = |waits: &str| {
        let words = ["-q", "--force", "-j", &jobs, "--waits", waits, "-o"].map(OsStr::new);
        let words: Vec<&OsStr> = words.into_iter().chain([file.as_os_str()]).collect();
        Program::at(&format!("--waits {waits}"), tools.collector, &words)
    };
    let programs = ["no", "calls", "yes"].map(capture);
    let mut runs: [Vec<Usage>; 3] = Default::default();
    // Interleaved, as in the other scenes. The first round warms up.
    for turn in 0..=tools.options.runs {
        for (program, runs) in programs.iter().zip(&mut runs) {
            let usage = program.run(tools.helper, TIMEOUT)?;
            let usage = usage.with_context(|| format!("{}: does not end", program.shown))?;
            anyhow::ensure!(usage.success, "{}: failed", program.shown);
            if turn > 0 {
                runs.push(usage);
            }
        }
    }
    let mut medians = Vec::new();
    for (program, runs) in programs.iter().zip(&runs) {
        let usage = median(runs).context("no runs")?;
        println!(
            "{:<28}{:>9.3} s wall{:>9.3} s cpu",
            program.shown,
            usage.wall_us as f64 / 1e6,
            (usage.user_us + usage.system_us) as f64 / 1e6
        );
        medians.push(usage);
    }
    let cost = medians[2].wall_us as f64 / medians[1].wall_us as f64;
    let text =
        format!("threads: wall {cost:.2} of a capture without their memory (at most {COST})");
    Ok((cost <= COST, text))
}
