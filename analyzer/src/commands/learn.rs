//! `whotalks learn`: who talks to whom, as a policy.

use anyhow::Result;
use whotalks::model::{join, series};
use whotalks::policy::{learn, write};

use crate::Outcome;
use crate::cli::Learn;
use crate::{input, output};

pub(super) fn run(options: &Learn) -> Result<Outcome> {
    let mut snapshots = input::open(&options.snapshots.files)?;
    let names: Vec<String> = snapshots
        .iter()
        .map(|snapshot| whotalks::escape::display(snapshot.name.as_bytes()))
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
        eprintln!(
            "whotalks: {} conversations with somebody who could not be read are left out",
            learned.unreadable
        );
    }
    output::write(&options.output, |out| Ok(write(out, &learned, &names)?))?;
    Ok(Outcome::Done)
}
