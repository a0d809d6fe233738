//! `whotalks diff`: compares two captures.

mod captures;
mod comparison;
mod csv;
mod json;
mod rows;
mod text;

use std::mem::ManuallyDrop;

use anyhow::{Result, bail};
use clap::Args;
use whotalks::diff::{FilteredMaps, Options};
use whotalks::model::Map;

use super::outcome::Outcome;
use super::suggest::{no_match, similar_names};
use crate::cli::{ComparisonArgs, FilterArgs, TableFormat};
use crate::output;
use captures::{is_one_capture, open_both};
use comparison::Comparison;

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

pub(super) fn run(args: &DiffArgs) -> Result<Outcome> {
    let common = &args.comparison;
    let selection = FilterArgs {
        // OLD and NEW may both be bare file names.
        bare_files: 2,
        ..common.selection.clone()
    };
    // Errors in selectors are reported before the files are read.
    selection.filter()?;
    let (old, new) = open_both(common, &selection.files())?;
    let is_one_capture = is_one_capture(&old, &new);
    let maps = filter_both(old, new, &selection)?;
    let diff = maps.diff(&Options {
        by: common.by,
        all: common.all,
    });
    let FilteredMaps { old, new, .. } = maps;
    // Not freed: large maps take time to free, and the process exits soon.
    let comparison = ManuallyDrop::new(Comparison {
        is_identical: is_one_capture && diff.is_empty(),
        old,
        new,
        diff,
    });
    output::stdout(|out| match common.format {
        TableFormat::Text => text::write(out, &comparison, common.all, args.why),
        TableFormat::Json => json::write(out, &comparison, common.by, args.why),
        TableFormat::Csv => csv::write(out, &comparison),
    })?;
    let coverage = &comparison.diff.coverage;
    if coverage.other_names {
        bail!("{}", coverage.caveats.join("; "));
    }
    Ok(Outcome::found_if(!comparison.diff.is_empty()))
}

/// Applies the selectors to both maps.
pub(super) fn filter_both(old: Map, new: Map, selection: &FilterArgs) -> Result<FilteredMaps> {
    let filter = selection.talk_filter()?;
    let similar = similar_names(&new, selection);
    FilteredMaps::of(old, new, &filter).ok_or_else(|| no_match(&similar))
}
