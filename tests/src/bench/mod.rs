//! What the benchmarks share: a load, and the programs that are measured on it.

pub mod args;
pub mod built;
pub mod load;
pub mod measure;

use std::path::Path;

use anyhow::Result;

/// A target: whether it was met, and what was seen beside what was aimed at.
pub type Target = (bool, String);

/// Prints targets, the last of a benchmark's lines.
pub fn print_targets(targets: Vec<Target>) {
    println!("\ntargets");
    for (met, text) in targets {
        println!("{}  {text}", if met { "met   " } else { "MISSED" });
    }
}

/// Runs a benchmark with a folder for its files, which goes away.
///
/// # Errors
/// The benchmark's, or where the folder cannot be made.
pub fn in_scratch(name: &str, run: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let scratch = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir(&scratch)?;
    let done = run(&scratch);
    std::fs::remove_dir_all(&scratch)?;
    done
}
