//! `whotalks show`: shows details of processes, sockets, units or containers.

mod channel_page;
mod fields;
mod json;
mod process_page;
mod socket_page;
mod source;
mod subject;
mod text;

use anyhow::{Result, bail};
use clap::Args;
use whotalks::check;
use whotalks::model::build_whole;
use whotalks::query::waits;

use super::map::{no_capture, report_series};
use super::outcome::Outcome;
use super::suggest::{no_match, similar_names};
use crate::cli::{FilterArgs, Format};
use crate::{input, output};
use source::PageSource;
use subject::subjects;

const AFTER_HELP: &str = "\
Selectors of sockets (socket:, inode:, port:, ...) show sockets; pty: and paths also show terminals, \
FIFOs, queues, shared memory and locks. If there are only unit: or only \
container: selectors, each unit or container is shown as a whole. Other selectors show processes. \
The first three matches are shown in detail, the others are listed.

Examples:
  whotalks show pid:812 web1.whotalks    show peers, queues, waits
  whotalks show unit:nginx.service web1.whotalks
  whotalks show socket:/run/docker.sock  show holders, connections
  whotalks show pty:1 web1.whotalks      show the processes at a terminal
  whotalks show --format json inode:1452 web1.whotalks | jq '.pages[0]'";

/// `whotalks show`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ShowArgs {
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}

/// Subjects that have a page; the others are listed.
const MAX_PAGES: usize = 3;

pub(super) fn run(args: &ShowArgs) -> Result<Outcome> {
    let selection = &args.selection;
    let selectors = selection.selectors();
    if selectors.is_empty() && selection.only.is_empty() {
        bail!("show: a selector is missing: of whom or what? (whotalks show --help)");
    }
    let loaded = input::open(&selection.files()).map(input::loaded)?;
    let judged = check::judge(&loaded, selection.at, &check::Options::default());
    let (Some(map), Some((_, report))) = (build_whole(&loaded, selection.at), judged) else {
        return Err(no_capture());
    };
    report_series(&loaded, &map, selection.at);
    let selectors: Vec<String> = selection.only.iter().cloned().chain(selectors).collect();
    let subjects = subjects(&map, &selectors)?;
    if subjects.is_empty() {
        return Err(no_match(&similar_names(&map, selection)));
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
