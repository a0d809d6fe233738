//! Options of `trend`.

use clap::Args;

use crate::cli::ComparisonArgs;

const AFTER_HELP: &str = "\
Several files of one boot form a series, and so do the captures of one file (whotalks-collect \
--count 10 --interval 1m). --since and --at select a part of it. What matches a selector in one \
capture is counted in all captures. A damaged capture leaves a gap.

Examples:
  whotalks trend series.whotalks        show what grows
  whotalks trend --since 17:00 --at 17:30 series.whotalks
  whotalks trend --by process 9am.whotalks 10am.whotalks 11am.whotalks
  whotalks trend --format json series.whotalks | jq '.rows[0].growth'";

/// `whotalks trend`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct TrendArgs {
    #[command(flatten)]
    pub(crate) comparison: ComparisonArgs,
}
