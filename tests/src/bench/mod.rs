//! Shared code of the benchmarks: a load, and measuring programs on it.

pub mod args;
pub mod built;
pub mod load;
pub mod measure;

use std::path::Path;

use anyhow::Result;

/// A target: whether it was met, and the measured and the required figure.
pub type Target = (bool, String);

/// Prints the targets, as the last lines of a benchmark.
pub fn print_targets(targets: Vec<Target>) {
    println!("\ntargets");
    for (met, text) in targets {
        println!("{}  {text}", if met { "met   " } else { "MISSED" });
    }
}

/// Runs a benchmark with a temporary folder for its files.
///
/// # Errors
/// Errors of the benchmark, or if the folder cannot be created.
pub fn in_scratch(name: &str, run: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let scratch = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir(&scratch)?;
    let done = run(&scratch);
    std::fs::remove_dir_all(&scratch)?;
    done
}
