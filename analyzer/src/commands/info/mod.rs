//! `whotalks info`: describes snapshots: host, time, counts, coverage, damage.

mod args;
mod file_summary;
mod series;
mod text;
mod verify;

pub(super) use args::InfoArgs;

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::model::Map;

use super::outcome::Outcome;
use crate::cli::Format;
use crate::messages::message;
use crate::{input, output};
use file_summary::FileSummary;
use verify::verify;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    files: Vec<&'a FileSummary>,
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
            message!("--at: there is no such capture in {}", snapshot.name);
            return Ok(Outcome::Found);
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
            let document = Document {
                schema: "whotalks-info/1",
                files: files.iter().map(|file| &file.summary).collect(),
            };
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
