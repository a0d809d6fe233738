//! Options of `redact`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

const AFTER_HELP: &str = "\
Host names, users, process names, arguments, paths, socket names and addresses are replaced with \
pseudonyms. Equal names have equal pseudonyms. They cannot be traced back without the key, which \
is discarded unless --map saves it. Addresses keep their kind (private, public, loopback). Numbers \
of the kernel (pids, inodes, ports, user ids, times) and common words such as /usr/bin are kept. \
Data in an unknown format is left out.

Examples:
  whotalks redact web1.whotalks -o shared.whotalks
  whotalks redact --keep comm,exe web1.whotalks -o shared.whotalks
  whotalks redact --map web1.key web1.whotalks -o shared.whotalks";

/// `whotalks redact`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RedactArgs {
    /// Write the copy to FILE (- is standard output)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Keep these names
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',')]
    pub(crate) keep: Vec<KeepKind>,
    /// Save the key and all replacements to FILE; if it exists, use its key
    #[arg(long, value_name = "FILE")]
    pub(crate) map: Option<PathBuf>,
    /// Snapshot file (- is standard input)
    #[arg(value_name = "SNAPSHOT")]
    pub(crate) snapshot: PathBuf,
}

/// Names that `--keep` keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeepKind {
    /// Process names
    Comm,
    /// Paths of executables
    Exe,
    /// Units, slices and scopes
    Unit,
}
