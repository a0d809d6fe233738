//! Compares the collector with the system calls that it cannot do without, and with its peers.
//!
//! `bench-collect [OPTION…]` fills this machine with processes and sockets, and prints for each
//! program the medians of wall time, processor time and peak memory, and how they stand to the
//! targets. Run it alone on the machine, and as root: else the peers see less than their names say.

mod args;
mod bare;
mod built;
mod load;
mod measure;
mod report;
mod scene;
mod unix;

use anyhow::Result;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse().ok());
    match arguments.first().map(String::as_str) {
        // The roles that this program plays for itself.
        Some("--nursery") => load::nursery(
            number(1).unwrap_or(0),
            number(2).unwrap_or(0),
            number(3).unwrap_or(0),
        ),
        Some("--member") => load::member(number(1).unwrap_or(0)),
        Some("--bare") => bare::run(
            number(1).unwrap_or(1),
            arguments.get(2).is_some_and(|what| what == "same"),
            number(3).unwrap_or(usize::MAX),
        ),
        _ => match args::parse(&arguments)? {
            Some(options) => report::run(&options),
            None => {
                print!("{}", args::HELP);
                Ok(())
            }
        },
    }
}
