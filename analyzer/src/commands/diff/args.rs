//! Options of `diff`.

use clap::Args;

use crate::cli::ComparisonArgs;

const AFTER_HELP: &str = "\
OLD and NEW are snapshots of one machine at two times, or of two machines that should be alike. Of \
a series the last capture is used; --at selects another one, and --since another one of OLD. With \
OLD alone, the first capture of a series is compared with its last, and a single capture with \
this machine now. What matches a selector in one of the two is shown in both.

Within one boot a process is identified by pid and start time, and a socket by its cookie. \
Otherwise processes are matched by role: unit or container, program, and command line without \
numbers, hashes and temporary names (see --why). A difference that may be due to what could not \
be captured is not reported.

Exit code 1 means that something has changed.

Examples:
  whotalks diff monday.whotalks tuesday.whotalks
  whotalks diff web1.whotalks           compare with this machine now
  whotalks diff web1.whotalks web2.whotalks
  whotalks diff --since 17:00 --at 17:10 series.whotalks
  whotalks diff --by process --why --only nginx old.whotalks new.whotalks
  whotalks diff --format json old.whotalks new.whotalks | jq '.listeners'";

/// `whotalks diff`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
#[command(override_usage = "whotalks diff [OPTIONS] [SELECTOR]... OLD [NEW]")]
pub(crate) struct DiffArgs {
    /// Show which processes were matched with each other, and why
    #[arg(long)]
    pub(crate) why: bool,
    #[command(flatten)]
    pub(crate) comparison: ComparisonArgs,
}
