//! `whotalks path`: finds the shortest path between processes over conversations.

mod json;
mod text;

use anyhow::Result;
use clap::Args;
use whotalks::model::{Map, ProcessId, build_at};
use whotalks::query::{self, Filter, hide_logs};
use whotalks::text::escape;

use super::coverage::unreadable;
use super::map::{matching_process_ids, whole_map};
use super::outcome::Outcome;
use super::suggest::report_unmatched;
use crate::cli::{Format, SnapshotArgs, parse_selectors};
use crate::messages::message;
use crate::{input, output};

const AFTER_HELP: &str = "\
A and B are selectors. The shortest path is shown, over conversations in either direction. Arrows \
point from client to server, and from writer to reader.

Examples:
  whotalks path nginx postgres web1.whotalks
  whotalks path pid:812 'comm:redis*'   capture this machine
  whotalks path firefox Xorg desk.whotalks && echo connected";

/// `whotalks path`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct PathArgs {
    /// First process
    #[arg(value_name = "A")]
    pub(crate) from: String,
    /// Last process
    #[arg(value_name = "B")]
    pub(crate) to: String,
    /// Include conversations with loggers, such as journald and rsyslogd
    #[arg(long)]
    pub(crate) logs: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) snapshots: SnapshotArgs,
}

pub(super) fn run(args: &PathArgs) -> Result<Outcome> {
    let snapshots = input::open_at(&args.snapshots.files, args.snapshots.at)?;
    let mut map = whole_map(snapshots, args.snapshots.at, build_at)?;
    let named = [&args.from, &args.to].into_iter();
    let named = named.map(|text| parse_selectors([text]));
    let filter = Filter {
        hide_logs: !args.logs,
        named: named.collect::<Result<_>>()?,
        ..Filter::default()
    };
    hide_logs(&mut map, &filter);
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
    let processes = matching_process_ids(map, &parse_selectors([selector])?);
    if processes.is_empty() {
        report_unmatched(map, selector)?;
    }
    Ok(processes)
}
