//! `whotalks`: analyzes snapshots of the sockets of a machine.
//!
//! Parses the command line, runs the command and maps the result to an exit code. The analysis is in the
//! library; options and output of each command are in `commands`.
//!
//! A module imports only modules before it in this list:
//! `messages`, `terminal`, `input`, `output`, `cli`, `commands`, `arguments`, `generate`.

#![forbid(unsafe_code)]

mod arguments;
mod cli;
mod commands;
mod generate;
mod input;
mod messages;
mod output;
mod terminal;

use std::process::ExitCode;

use commands::Outcome;
use messages::{message, usage_error};

fn main() -> ExitCode {
    let arguments = match arguments::parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; clap's own exit code for the others is 2.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            if error.use_stderr() {
                usage_error(&error);
            } else {
                let _ = error.print();
            }
            return ExitCode::from(code);
        }
    };
    terminal::color::init(arguments.color);
    if let Some(bytes) = arguments.limit_bytes {
        input::set_limit_bytes(bytes);
    }
    let result = match (&arguments.command, arguments.generate) {
        (Some(command), _) => commands::run(command),
        (None, Some(what)) => generate::run(what).map(|()| Outcome::Success),
        (None, None) => Ok(Outcome::Success), // `arguments::parse` refuses it
    };
    match result {
        Ok(Outcome::Success) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(1),
        // The reader of standard output has closed it early, as `head` does.
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            message!("{error:#}");
            ExitCode::from(2)
        }
    }
}
