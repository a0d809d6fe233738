//! `whotalks export`: the whole map as a document.

use anyhow::Result;
use whotalks::export::graph;

use super::map;
use crate::Outcome;
use crate::cli::{Export, ExportFormat};
use crate::{input, output};

pub(super) fn run(options: &Export) -> Result<Outcome> {
    let mut snapshots = input::open(&options.selection.files())?;
    let Some(map) = map(&mut snapshots, &options.selection)? else {
        return Ok(Outcome::Found);
    };
    output::write(&options.output, |out| {
        match options.format {
            ExportFormat::Json => serde_json::to_writer(&mut *out, &graph(&map))?,
        }
        writeln!(out)?;
        Ok(())
    })?;
    Ok(Outcome::Done)
}
