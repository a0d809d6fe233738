//! Options of `raw`.

use std::ffi::OsString;

use clap::{Args, ValueHint};

const AFTER_HELP: &str = "\
BLOCK is the number of a block or the name of its source. A source is put together from all of \
its blocks. A single argument is the SNAPSHOT if it is -, an existing file, or ends in .whotalks.

Examples:
  whotalks raw web1.whotalks            list the blocks
  whotalks raw net/unix web1.whotalks   print /proc/net/unix
  whotalks raw diag/unix web1.whotalks | xxd
  whotalks raw 12 web1.whotalks > block.bin";

/// `whotalks raw`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, override_usage = "whotalks raw [OPTIONS] [BLOCK] [SNAPSHOT]")]
pub(crate) struct RawArgs {
    /// Block to extract (without it, blocks are listed), then a snapshot file (- is standard input)
    #[arg(value_name = "BLOCK|SNAPSHOT", num_args = 0..=2, value_hint = ValueHint::AnyPath)]
    pub(crate) words: Vec<OsString>,
}
