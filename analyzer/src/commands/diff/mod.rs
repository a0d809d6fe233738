//! `whotalks diff`: compares two captures.

mod args;
mod captures;
mod comparison;
mod csv;
mod json;
mod rows;
mod text;

pub(super) use args::DiffArgs;

use std::mem::ManuallyDrop;

use anyhow::Result;
use whotalks::diff::{FilteredMaps, Options};
use whotalks::model::Map;

use super::outcome::Outcome;
use super::suggest::{report_no_match, similar_names};
use crate::cli::{FilterArgs, TableFormat};
use crate::output;
use captures::{is_one_capture, open_both};
use comparison::Comparison;

pub(super) fn run(args: &DiffArgs) -> Result<Outcome> {
    let common = &args.comparison;
    let selection = FilterArgs {
        // OLD and NEW may both be bare file names.
        bare_files: 2,
        ..common.selection.clone()
    };
    // Errors in selectors are reported before the files are read.
    selection.filter()?;
    let Some((old, new)) = open_both(common, &selection.files())? else {
        return Ok(Outcome::Found);
    };
    let is_one_capture = is_one_capture(&old, &new);
    let Some(maps) = filter_both(old, new, &selection)? else {
        return Ok(Outcome::Found);
    };
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
        TableFormat::Text => text::write(out, &comparison, args),
        TableFormat::Json => json::write(out, &comparison, args),
        TableFormat::Csv => csv::write(out, &comparison),
    })?;
    Ok(Outcome::found_if(!comparison.diff.is_empty()))
}

/// Applies the selectors to both maps. `None`, after a message, if nothing matches in either.
pub(super) fn filter_both(
    old: Map,
    new: Map,
    selection: &FilterArgs,
) -> Result<Option<FilteredMaps>> {
    let filter = selection.talk_filter()?;
    let similar = similar_names(&new, selection);
    let maps = FilteredMaps::of(old, new, &filter);
    if maps.is_none() {
        report_no_match(&similar);
    }
    Ok(maps)
}
