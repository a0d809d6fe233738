//! `whotalks show`: shows details of processes, sockets, units or containers.

mod args;
mod fields;
mod json;
mod process_page;
mod socket_page;
mod source;
mod subject;
mod text;

pub(super) use args::ShowArgs;

use anyhow::{Result, bail};
use whotalks::check;
use whotalks::model::build_whole;
use whotalks::query::waits;

use super::map::{report_no_capture, report_series, take_loaded};
use super::outcome::Outcome;
use super::suggest::{report_no_match, similar_names};
use crate::cli::Format;
use crate::{input, output};
use source::PageSource;
use subject::subjects;

/// Subjects that have a page; the others are listed.
const MAX_PAGES: usize = 3;

pub(super) fn run(args: &ShowArgs) -> Result<Outcome> {
    let selection = &args.selection;
    let selectors = selection.selectors();
    if selectors.is_empty() && selection.only.is_empty() {
        bail!("show: a selector is missing: of whom or what? (whotalks show --help)");
    }
    let mut snapshots = input::open(&selection.files())?;
    let loaded = take_loaded(&mut snapshots);
    let judged = check::judge(&loaded, selection.at, &check::Options::default());
    let (Some(map), Some((_, report))) = (build_whole(&loaded, selection.at), judged) else {
        report_no_capture();
        return Ok(Outcome::Found);
    };
    report_series(&loaded, &map, selection.at);
    let selectors: Vec<String> = selection.only.iter().cloned().chain(selectors).collect();
    let subjects = subjects(&map, selectors)?;
    if subjects.is_empty() {
        report_no_match(&similar_names(&map, selection));
        return Ok(Outcome::Found);
    }
    let source = PageSource {
        map: &map,
        loaded: &loaded,
        at: selection.at,
        waits: waits(&map),
        report,
    };
    let (pages, others) = subjects.split_at(subjects.len().min(MAX_PAGES));
    output::stdout(|out| match args.format {
        Format::Text => text::write(out, &source, pages, others),
        Format::Json => json::write(out, &source, pages, others),
    })?;
    Ok(Outcome::Success)
}
