//! `whotalks list`: lists conversations, or sockets (`--sockets`), or counts of descriptors (`--fds`).

mod args;
mod csv;
mod fds;
mod json;
mod sockets;
mod text;

pub(super) use args::ListArgs;
pub(super) use json::link_row;
pub(super) use text::link_cells;

use anyhow::Result;
use whotalks::graph::Groups;
use whotalks::load::Loaded;
use whotalks::model::{Map, build_at};
use whotalks::query::{Filter, LinkFilter, links};

use super::map::filtered_map_for;
use super::outcome::Outcome;
use super::suggest::report_unmatched;
use crate::cli::{TableFormat, parse_selectors};
use crate::messages::message;
use crate::{input, output};

pub(super) fn run(args: &ListArgs) -> Result<Outcome> {
    let mut snapshots = input::open_at(&args.selection.files(), args.selection.at)?;
    let named = args.from.iter().chain(&args.to).cloned();
    let filter = Filter {
        named: named
            .map(|text| parse_selectors(std::iter::once(text)))
            .collect::<Result<_>>()?,
        ..args.selection.talk_filter()?
    };
    let build = |files: &[Loaded], at| Some((build_at(files, at)?, ()));
    let built = filtered_map_for(&mut snapshots, &args.selection, &filter, build)?;
    let Some((map, ())) = built else {
        return Ok(Outcome::Found);
    };
    if args.sockets {
        sockets::write(&map, args)?;
        return Ok(Outcome::Success);
    }
    if args.fds {
        fds::write(&map, args)?;
        return Ok(Outcome::Success);
    }
    list_links(&map, args)
}

fn list_links(map: &Map, args: &ListArgs) -> Result<Outcome> {
    let groups = Groups::new(map, args.by);
    let between = LinkFilter {
        from: parse_selectors(args.from.iter().cloned())?,
        to: parse_selectors(args.to.iter().cloned())?,
    };
    let rows = links(map, &groups, &between);
    let is_everything = between.from.is_empty() && between.to.is_empty();
    if rows.is_empty() && !is_everything {
        for selector in args.from.iter().chain(&args.to) {
            report_unmatched(map, selector)?;
        }
        message!("nobody talks that way");
        return Ok(Outcome::Found);
    }
    output::stdout(|out| match args.format {
        TableFormat::Text => text::write(out, map, &rows, args.all, is_everything),
        TableFormat::Json => json::write(out, map, &rows, args),
        TableFormat::Csv => csv::write(out, map, &rows),
    })?;
    Ok(Outcome::Success)
}
