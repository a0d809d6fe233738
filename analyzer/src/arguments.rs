//! The command line as a whole: the command, and the options of all commands.

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, ValueEnum};

use crate::cli::size;
use crate::commands::Command;
use crate::terminal::color::{self, Color};

const AFTER_HELP: &str = "\
Examples:
  whotalks hubs                         rank the processes of this machine
  whotalks list web1.whotalks           list the conversations in a snapshot
  whotalks export web1.whotalks | jq '.connections | length'
  ssh host sudo whotalks-collect -o - | whotalks draw - -o map.svg

Selectors:
  pid:812        unit:nginx.service          addr:10.0.0.0/8  inode:1452
  comm:dbus*     container:ID-or-name        port:1521        netns:4026531833
  exe:/usr/bin/* socket:/run/docker.sock     proto:tcp        host:web1
  cmd:*worker*   socket:@name                state:listening  user:www-data
  A bare word matches a part of a name. Selectors of different kinds are
  combined with AND, selectors of one kind with OR.

Without SNAPSHOT, this machine is captured with whotalks-collect, which is \
searched for beside whotalks and then in PATH. A SNAPSHOT of - is standard input.";

/// Show which processes talk to each other, from snapshots of a machine's sockets
#[derive(Debug, Parser)]
#[command(
    name = "whotalks",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// The command to run.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Print the manual pages or shell completions of both programs
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) generate: Option<Generate>,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, global = true)]
    pub(crate) color: Color,
    /// Limit the memory for a snapshot, as 512M or 16G [default: depends on its size, at most 4G]
    #[arg(long, value_name = "N", value_parser = size::parse, global = true)]
    pub(crate) limit_bytes: Option<u64>,
}

/// What `--generate` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Generate {
    /// Manual pages in one stream, for man -l
    Man,
    /// Completions for bash, to be sourced
    CompleteBash,
    /// Completions for zsh, to be saved as _whotalks in a directory of fpath
    CompleteZsh,
    /// Completions for fish
    CompleteFish,
}

/// Parses the command line. Help and version are errors with exit code 0.
pub(crate) fn parse() -> Result<Arguments, clap::Error> {
    let mut command = Arguments::command().color(color::for_help(std::env::args_os()));
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
