//! Compares the analyzer with its peers, and with what reading a snapshot costs at least.
//!
//! `bench-map [OPTION…]` fills this machine with processes and sockets, captures it twice, and prints
//! what each question costs, how much of that is reading the file, and how capture and answer
//! together stand to `lsfd`, `ss` and `lsof`. Run it alone on the machine, and as root: else the
//! peers see less than their names say.

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
