//! `whotalks`: reads snapshots of who talks to whom on a machine.
//!
//! Parses, runs, maps to an exit code; everything else is in the library and in `commands`.

#![forbid(unsafe_code)]

mod cli;
mod commands;
mod examples;
mod generate;
mod input;
mod output;
mod selection;
mod style;
mod table;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

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
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; clap's own exit code for the others is 2.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            if error.use_stderr() {
                // Said as every other error is.
                let text = error.to_string();
                eprint!(
                    "whotalks: {}",
                    text.strip_prefix("error: ").unwrap_or(&text)
                );
            } else {
                let _ = error.print();
            }
            return ExitCode::from(code);
        }
    };
    style::choose(arguments.color);
    if let Some(bytes) = arguments.limit_bytes {
        input::allow(bytes);
    }
    let done = match (&arguments.command, arguments.generate) {
        (Some(command), _) => commands::run(command),
        (None, Some(what)) => generate::run(what),
        (None, None) => Ok(Outcome::Done), // refused by `arguments`
    };
    match done {
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

/// The command line; help, version and wrong usage are errors with an exit code of their own.
fn arguments() -> Result<Arguments, clap::Error> {
    let mut command = Arguments::command().color(style::for_help(std::env::args_os()));
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    let arguments =
        Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    match (&arguments.command, arguments.generate) {
        (None, None) => Err(command.error(ErrorKind::MissingSubcommand, "a COMMAND is missing")),
        (Some(_), Some(_)) => Err(command.error(
            ErrorKind::ArgumentConflict,
            "--generate goes with no COMMAND",
        )),
        _ => Ok(arguments),
    }
}
