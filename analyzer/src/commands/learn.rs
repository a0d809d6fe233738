//! `whotalks learn`: who talks to whom, as a policy.

use anyhow::Result;
use whotalks::model::{join, series};
use whotalks::policy::{learn, write};

use crate::Outcome;
use crate::cli::Learn;
use crate::table::plural;
use crate::{input, output};

pub(super) fn run(options: &Learn) -> Result<Outcome> {
    let mut snapshots = input::open(&options.snapshots.files)?;
    let names: Vec<String> = snapshots
        .iter()
        .map(|snapshot| whotalks::text::escape::display(snapshot.name.as_bytes()))
        .collect();
    let loaded: Vec<_> = snapshots
        .iter_mut()
        .map(|snapshot| std::mem::take(&mut snapshot.loaded))
        .collect();
    let mut learned = learn([]);
    for one in &series(&loaded) {
        // One map at a time: a series of a day may be long.
        for taken in one.captures() {
            learned.add(&join(&[*taken]));
        }
    }
    if learned.unreadable > 0 {
        let left_out = plural(
            learned.unreadable,
            "conversation with somebody who could not be read is",
            "conversations with somebody who could not be read are",
        );
        eprintln!("whotalks: {left_out} left out");
    }
    if let Some(missing) = learned.missing() {
        eprintln!("whotalks: warning: {missing}");
    }
    output::write(&options.output, |out| Ok(write(out, &learned, &names)?))?;
    Ok(Outcome::Done)
}
