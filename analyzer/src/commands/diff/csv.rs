//! CSV output of `diff`.

use std::io::Write;

use anyhow::Result;
use whotalks::export::csv;

use super::comparison::Comparison;
use crate::output;

const COLUMNS: &str = "change,what,role,name_kind,name,server,kind,old,new";

/// Writes a row for each difference. `role` is the client of a link, and the holder of anything else.
pub(super) fn write(out: &mut dyn Write, comparison: &Comparison) -> Result<()> {
    let diff = &comparison.diff;
    output::csv_heading(out, COLUMNS)?;
    for row in &diff.processes {
        let (old, new) = (row.old.len().to_string(), row.new.len().to_string());
        let change = row.change.as_str();
        csv::row(
            out,
            &[change, "process", &row.role, "", "", "", "", &old, &new],
        )?;
    }
    for row in &diff.listeners {
        let (name_kind, name) = csv::name_cells(&row.name);
        let count = |exists: bool| if exists { "1" } else { "0" };
        csv::row(
            out,
            &[
                row.change.as_str(),
                "listener",
                &row.role,
                name_kind,
                name,
                "",
                row.protocol,
                count(row.old.is_some()),
                count(row.new.is_some()),
            ],
        )?;
    }
    for row in &diff.links {
        let (name_kind, name) = csv::name_cells(&row.via);
        let (old, new) = (row.old.to_string(), row.new.to_string());
        csv::row(
            out,
            &[
                row.change.as_str(),
                "link",
                &row.client,
                name_kind,
                name,
                &row.server,
                row.kind.as_str(),
                &old,
                &new,
            ],
        )?;
    }
    for row in &diff.descriptors {
        let (old, new) = (row.old.to_string(), row.new.to_string());
        csv::row(
            out,
            &[
                "changed",
                "descriptors",
                &row.role,
                "",
                "",
                "",
                &row.kind,
                &old,
                &new,
            ],
        )?;
    }
    for row in &diff.unlinked {
        let (name_kind, name) = csv::name_cells(&row.name);
        csv::row(
            out,
            &[
                "changed", "unlinked", &row.role, name_kind, name, "", "", "1", "1",
            ],
        )?;
    }
    Ok(())
}
