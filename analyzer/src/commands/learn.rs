//! `whotalks learn`: writes the conversations of snapshots as a policy.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use whotalks::model::{At, join, series};
use whotalks::policy::{Learned, write};
use whotalks::query::{apply_filter, hide_logs};
use whotalks::text::escape;

use super::coverage::hidden_logs;
use super::map::no_capture;
use super::outcome::Outcome;
use super::suggest::{no_match, similar_names};
use crate::cli::FilterArgs;
use crate::messages::{message, warning};
use crate::terminal::plural;
use crate::{input, output};

const AFTER_HELP: &str = "\
All captures of all files are used, unless --at selects one. Conversations found in every capture become expected ones, \
whose absence is a finding. Conversations with a process that could not be read are left out.

Examples:
  whotalks learn web1.whotalks -o policy.toml
  whotalks learn unit:nginx.service web1.whotalks
  whotalks learn mon.whotalks tue.whotalks wed.whotalks -o policy.toml
  whotalks check --policy policy.toml   capture this machine and check it";

/// `whotalks learn`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct LearnArgs {
    /// Write the policy to FILE (- is standard output)
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) selection: FilterArgs,
}

pub(super) fn run(args: &LearnArgs) -> Result<Outcome> {
    let selection = &args.selection;
    let filter = selection.talk_filter()?;
    let snapshots = input::open(&selection.files())?;
    let names = snapshots.iter();
    let names: Vec<String> = names
        .map(|snapshot| escape::display(snapshot.name.as_bytes()))
        .collect();
    let loaded = input::loaded(snapshots);
    let mut learned = Learned::default();
    let mut hidden = None;
    let mut similar = None;
    let mut found = false;
    for series in &series(&loaded) {
        let all = series.captures();
        let captures = match selection.at {
            At::Last | At::All => all,
            at => {
                let index = series.index_of(at).ok_or_else(no_capture)?;
                &all[index..=index]
            }
        };
        // One map at a time, since a series may have thousands of captures.
        for capture in captures {
            let mut map = join(&[*capture]);
            hide_logs(&mut map, &filter);
            similar.get_or_insert_with(|| similar_names(&map, selection));
            let (map, matches) = apply_filter(map, &filter);
            found |= matches;
            hidden = hidden_logs(&map.hidden_logs).or(hidden);
            learned.add(&map);
        }
    }
    if !found {
        return Err(no_match(&similar.unwrap_or_default()));
    }
    if learned.unreadable > 0 {
        let left_out = plural(
            learned.unreadable,
            "conversation with somebody who could not be read is",
            "conversations with somebody who could not be read are",
        );
        message!("{left_out} left out");
    }
    if let Some(hidden) = hidden {
        message!("{}", hidden.trim_end_matches('.'));
    }
    if let Some(missing) = learned.missing() {
        warning!("{missing}");
    }
    output::write(&args.output, |out| Ok(write(out, &learned, &names)?))?;
    Ok(Outcome::Success)
}
