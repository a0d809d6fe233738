//! `whotalks`: reads snapshots of who talks to whom on a machine.
//!
//! Parses, runs, maps to an exit code; everything else is in the library and in `commands`.

#![forbid(unsafe_code)]

mod cli;
mod commands;
mod input;
mod output;
mod selection;
mod table;

use std::process::ExitCode;

use clap::Parser;

use cli::Arguments;

/// What a command's end means to the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Exit 0.
    Done,
    /// Exit 1: differences, damage, findings, nothing matched.
    Found,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; clap's own exit code for the others is 2.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match commands::run(&arguments) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(1),
        // A reader that has seen enough is no failure.
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("whotalks: {error:#}");
            ExitCode::from(2)
        }
    }
}
