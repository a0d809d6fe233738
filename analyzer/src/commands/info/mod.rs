//! `whotalks info`: describes snapshots: host, time, counts, coverage, damage.

mod file_summary;
mod series;
mod text;
mod verify;

use std::io::Write;

use anyhow::{Result, bail};
use clap::Args;
use whotalks::export::object;
use whotalks::model::Map;

use super::outcome::{NothingFound, Outcome};
use crate::cli::{Format, SnapshotArgs};
use crate::{input, output};
use file_summary::FileSummary;
use verify::verify;

const AFTER_HELP: &str = "\
Examples:
  whotalks info web1.whotalks           show host, time, coverage
  whotalks info --verify web1.whotalks  check each block of the file
  whotalks info --format json web1.whotalks | jq '.files[].complete'";

/// `whotalks info`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct InfoArgs {
    /// Verify every block; exit with 1 if there is damage
    #[arg(long)]
    pub(crate) verify: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) snapshots: SnapshotArgs,
}

/// What is printed about a file.
struct Description {
    summary: FileSummary,
    map: Map,
    /// One line for each block, with `--verify`.
    blocks: String,
}

pub(super) fn run(args: &InfoArgs) -> Result<Outcome> {
    let snapshots = input::open_at(&args.snapshots.files, args.snapshots.at)?;
    let mut is_damaged = false;
    let mut files = Vec::new();
    for mut snapshot in snapshots {
        let mut blocks = String::new();
        if args.verify {
            let is_intact;
            (blocks, is_intact) = verify(&snapshot);
            is_damaged |= !is_intact || !snapshot.loaded.damages.is_empty();
        }
        let loaded = std::mem::take(&mut snapshot.loaded);
        let Some((summary, map)) = FileSummary::new(&snapshot, loaded, args.snapshots.at) else {
            let name = &snapshot.name;
            bail!(NothingFound(format!(
                "--at: there is no such capture in {name}"
            )));
        };
        files.push(Description {
            summary,
            map,
            blocks,
        });
    }
    output::stdout(|out| match args.format {
        Format::Text => write_text(out, &files),
        Format::Json => {
            let document = object()
                .field("schema", "whotalks-info/1")
                .list("files", files.iter().map(|file| &file.summary));
            output::json(out, &document)
        }
    })?;
    Ok(Outcome::found_if(is_damaged))
}

fn write_text(out: &mut dyn Write, files: &[Description]) -> Result<()> {
    for (index, file) in files.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        text::write(out, &file.summary, &file.map)?;
        series::write(out, &file.summary)?;
        write!(out, "{}", file.blocks)?;
    }
    Ok(())
}
