//! `whotalks list`: lists conversations, or sockets (`--sockets`), or counts of descriptors (`--fds`).

mod csv;
mod fds;
mod json;
mod sockets;
mod text;

pub(super) use json::link_row;
pub(super) use text::link_cells;

use anyhow::{Result, bail};
use clap::Args;
use whotalks::graph::{By, ConversationClass, Groups};
use whotalks::load::Loaded;
use whotalks::model::{At, Map, build_at};
use whotalks::query::{Filter, LinkFilter, SelectorSet, links};

use super::map::{Build, filtered_map, matching_process_ids, matching_socket_ids};
use super::outcome::{NothingFound, Outcome};
use super::suggest::{no_match, report_unmatched, similar_names};
use crate::cli::{FilterArgs, TableFormat, parse_selectors};
use crate::output;

const AFTER_HELP: &str = "\
Examples:
  whotalks list                         capture this machine
  whotalks list --by process web1.whotalks
  whotalks list unit:nginx.service web1.whotalks
  whotalks list --focus redis --hops 2 web1.whotalks
  whotalks list --format csv web1.whotalks > web1.csv";

/// `whotalks list`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ListArgs {
    /// Group clients and servers by
    #[arg(long, visible_alias = "view", value_enum, default_value_t = By::Role)]
    pub(crate) by: By,
    /// Show all rows, those of queues, shared memory, semaphores, eventfds and locks included
    #[arg(long)]
    pub(crate) all: bool,
    /// Include only conversations whose client matches
    #[arg(long, value_name = "SEL")]
    pub(crate) from: Vec<String>,
    /// Include only conversations whose server matches
    #[arg(long, value_name = "SEL")]
    pub(crate) to: Vec<String>,
    /// List sockets and their holders instead
    #[arg(long, conflicts_with_all = ["from", "to", "fds"])]
    pub(crate) sockets: bool,
    /// List the number of descriptors of each kind by process instead
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub(crate) fds: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}

pub(super) fn run(args: &ListArgs) -> Result<Outcome> {
    let named = args.from.iter().chain(&args.to);
    let named = named.map(|text| parse_selectors([text]));
    let filter = Filter {
        named: named.collect::<Result<_>>()?,
        ..args.selection.talk_filter()?
    };
    if args.sockets {
        return list_sockets(args, filter);
    }
    let build: Build = if args.all {
        build_with_channels
    } else {
        build_at
    };
    let map = filtered_map(&args.selection, &filter, build)?;
    match args.fds {
        true => fds::write(&map, &filter.only, args.format)?,
        false => write_links(&map, args, &filter)?,
    }
    Ok(Outcome::Success)
}

/// The map with the channels that are hidden by default.
fn build_with_channels(files: &[Loaded], at: At) -> Option<Map> {
    let mut map = build_at(files, at)?;
    for channel in &mut map.channels {
        channel.hidden = false;
    }
    Some(map)
}

/// Lists the sockets that match, with all of their holders, those that do not match included.
fn list_sockets(args: &ListArgs, filter: Filter) -> Result<Outcome> {
    let only = filter.only.clone();
    let rest = Filter {
        only: SelectorSet::default(),
        hide_logs: false,
        ..filter
    };
    let map = filtered_map(&args.selection, &rest, build_at)?;
    let sockets = matching_socket_ids(&map, &only);
    if sockets.is_empty() && matching_process_ids(&map, &only).is_empty() {
        return Err(no_match(&similar_names(&map, &args.selection)));
    }
    sockets::write(&map, &sockets, args.format)?;
    Ok(Outcome::Success)
}

/// `class:self` in one of the filter's sets.
fn with_self(filter: &Filter) -> bool {
    let sets = [&filter.only, &filter.focus];
    let mut sets = sets.into_iter().chain(&filter.named);
    sets.any(|set| set.has_class(ConversationClass::OneProcess))
}

fn write_links(map: &Map, args: &ListArgs, filter: &Filter) -> Result<()> {
    let groups = Groups::new(map, args.by);
    let between = LinkFilter {
        from: parse_selectors(&args.from)?,
        to: parse_selectors(&args.to)?,
        with_self: with_self(filter),
    };
    let rows = links(map, &groups, &between);
    let is_everything = between.from.is_empty() && between.to.is_empty();
    if rows.is_empty() && !is_everything {
        for selector in args.from.iter().chain(&args.to) {
            report_unmatched(map, selector)?;
        }
        bail!(NothingFound("nobody talks that way".to_owned()));
    }
    output::stdout(|out| match args.format {
        TableFormat::Text => text::write(out, map, &rows, args.all, is_everything),
        TableFormat::Json => json::write(out, map, &rows, args.by),
        TableFormat::Csv => csv::write(out, map, &rows),
    })
}
