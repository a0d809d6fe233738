//! Compares the collector with the system calls it is based on, and with its peers.
//!
//! `bench-collect [OPTION…]` creates a load of processes and sockets and prints for each program
//! the medians of wall time, processor time and peak memory, and the targets. Run it as root on
//! an otherwise idle machine: unprivileged peers read less.

mod bare;
mod memory;
mod report;
mod scene;
mod tables;

use anyhow::Result;
use whotalks_tests::bench::{args, load};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(played) = load::role(&arguments) {
        return played;
    }
    if arguments.first().is_some_and(|role| role == "--bare") {
        let number = |at: usize| arguments.get(at).and_then(|text| text.parse().ok());
        return bare::run(
            number(1).unwrap_or(1),
            arguments.get(2).is_some_and(|what| what == "same"),
            number(3).unwrap_or(usize::MAX),
        );
    }
    match args::parse(&arguments)? {
        Some(options) => report::run(&options),
        None => {
            println!("Compares whotalks-collect with bare system calls, ss, lsof and lsfd.\n");
            print!("Usage: bench-collect [OPTIONS]\n\n{}", args::HELP);
            Ok(())
        }
    }
}
