//! `whotalks learn`: writes the conversations of snapshots as a policy.

mod args;

pub(super) use args::LearnArgs;

use anyhow::Result;
use whotalks::model::{join, series};
use whotalks::policy::{learn, write};
use whotalks::text::escape;

use super::map::take_loaded;
use super::outcome::Outcome;
use crate::messages::{message, warning};
use crate::terminal::plural;
use crate::{input, output};

pub(super) fn run(args: &LearnArgs) -> Result<Outcome> {
    let mut snapshots = input::open(&args.snapshots.files)?;
    let names: Vec<String> = snapshots
        .iter()
        .map(|snapshot| escape::display(snapshot.name.as_bytes()))
        .collect();
    let loaded = take_loaded(&mut snapshots);
    let mut learned = learn([]);
    for series in &series(&loaded) {
        // One map at a time, since a series may have thousands of captures.
        for capture in series.captures() {
            learned.add(&join(&[*capture]));
        }
    }
    if learned.unreadable > 0 {
        let left_out = plural(
            learned.unreadable,
            "conversation with somebody who could not be read is",
            "conversations with somebody who could not be read are",
        );
        message!("{left_out} left out");
    }
    if let Some(missing) = learned.missing() {
        warning!("{missing}");
    }
    output::write(&args.output, |out| Ok(write(out, &learned, &names)?))?;
    Ok(Outcome::Success)
}
