//! What the benchmarks share: a load, and the programs that are measured on it.

pub mod args;
pub mod built;
pub mod load;
pub mod measure;

/// A target: whether it was met, and what was seen beside what was aimed at.
pub type Target = (bool, String);

/// Prints targets, the last of a benchmark's lines.
pub fn print_targets(targets: Vec<Target>) {
    println!("\ntargets");
    for (met, text) in targets {
        println!("{}  {text}", if met { "met   " } else { "MISSED" });
    }
}
