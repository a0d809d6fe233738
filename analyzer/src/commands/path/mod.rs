//! `whotalks path`: finds the shortest path between processes over conversations.

mod args;
mod json;
mod text;

pub(super) use args::PathArgs;

use anyhow::{Result, anyhow};
use whotalks::model::{Map, ProcessId, build_at};
use whotalks::query::{self, Filter, Selector, SelectorSet, hide_logs};
use whotalks::text::escape;

use super::coverage::unreadable;
use super::map::{matching_process_ids, whole_map};
use super::outcome::Outcome;
use super::suggest::report_unmatched;
use crate::cli::{Format, parse_selectors};
use crate::messages::message;
use crate::{input, output};

pub(super) fn run(args: &PathArgs) -> Result<Outcome> {
    let mut snapshots = input::open_at(&args.snapshots.files, args.snapshots.at)?;
    let Some(mut map) = whole_map(&mut snapshots, args.snapshots.at, build_at) else {
        return Ok(Outcome::Found);
    };
    let named = [&args.from, &args.to].into_iter();
    let hide = Filter {
        hide_logs: !args.logs,
        named: named
            .map(|text| parse_selectors(std::iter::once(text.clone())))
            .collect::<Result<_>>()?,
        ..Filter::default()
    };
    hide_logs(&mut map, &hide);
    let from = select(&map, &args.from)?;
    let to = select(&map, &args.to)?;
    let hops = query::path(&map, &from, &to);
    output::stdout(|out| match (args.format, &hops) {
        (Format::Json, _) => json::write(out, &map, hops.as_deref().unwrap_or_default()),
        (Format::Text, Some(hops)) => text::write(out, &map, hops),
        (Format::Text, None) => Ok(()),
    })?;
    if hops.is_some() {
        return Ok(Outcome::Success);
    }
    if !from.is_empty() && !to.is_empty() {
        let unread = unreadable(&map).map_or_else(String::new, |unread| format!("; {unread}"));
        message!(
            "no path from {} to {}{}",
            escape::display(args.from.as_bytes()),
            escape::display(args.to.as_bytes()),
            unread.trim_end_matches('.')
        );
    }
    Ok(Outcome::Found)
}

/// The processes that a selector matches. If there are none, prints similar names.
fn select(map: &Map, selector: &str) -> Result<Vec<ProcessId>> {
    let parsed: Selector = selector.parse().map_err(|error| anyhow!("{error}"))?;
    let processes = matching_process_ids(map, &SelectorSet::new(vec![parsed]));
    if processes.is_empty() {
        report_unmatched(map, selector)?;
    }
    Ok(processes)
}
