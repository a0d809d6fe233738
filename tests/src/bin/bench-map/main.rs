//! Compares the analyzer with its peers, and with the minimum cost of reading a snapshot.
//!
//! `bench-map [OPTION…]` creates a load of processes and sockets, captures it twice and prints
//! the cost of each query, the share of it that reading the file takes, and how capture plus
//! query compare with `lsfd`, `ss` and `lsof`. Run it as root on an otherwise idle machine:
//! unprivileged peers read less.

mod plain;
mod report;
mod scene;

use anyhow::{Context as _, Result};
use whotalks_tests::bench::{args, load};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(played) = load::role(&arguments) {
        return played;
    }
    if arguments.first().is_some_and(|role| role == "--load") {
        let file = arguments.get(1).context("--load needs a file")?;
        return plain::load(file.as_ref());
    }
    match args::parse(&arguments)? {
        Some(options) => report::run(&options),
        None => {
            println!("Compares whotalks with plain decompression, lsfd, ss and lsof.\n");
            print!("Usage: bench-map [OPTIONS]\n\n{}", args::HELP);
            Ok(())
        }
    }
}
