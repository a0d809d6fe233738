//! CSV output of `diff`.

use std::io::Write;

use anyhow::Result;
use whotalks::export::csv;
use whotalks::query::Via;

use super::comparison::Comparison;
use super::rows::unlinked_word;

/// Writes a row for each difference. `role` is the client of a link, and the holder of anything else.
pub(super) fn write(out: &mut dyn Write, comparison: &Comparison) -> Result<()> {
    let diff = &comparison.diff;
    csv::heading(out, "change,what,role,name_kind,name,server,kind,old,new")?;
    let mut write = |subject: [&str; 3], via: &Via, [server, kind]: [&str; 2], counts: [u64; 2]| {
        let [old, new] = counts.map(|count| count.to_string());
        write_row(out, subject, via, [server, kind], [&old, &new])
    };
    let unnamed = Via::default();
    for row in &diff.processes {
        let counts = [row.old.len() as u64, row.new.len() as u64];
        let subject = [row.change.as_str(), "process", &row.role];
        write(subject, &unnamed, ["", ""], counts)?;
    }
    for row in &diff.listeners {
        let counts = [row.old.is_some().into(), row.new.is_some().into()];
        let subject = [row.change.as_str(), "listener", &row.role];
        write(subject, &row.name, ["", row.protocol], counts)?;
    }
    for row in &diff.links {
        let counts = [row.old as u64, row.new as u64];
        let subject = [row.change.as_str(), "link", &row.client];
        write(subject, &row.via, [&row.server, row.kind.as_str()], counts)?;
    }
    for row in &diff.descriptors {
        let subject = ["changed", "descriptors", &row.role];
        write(subject, &unnamed, ["", &row.kind], [row.old, row.new])?;
    }
    for row in &diff.unlinked {
        let what = unlinked_word(row.change);
        write(["changed", what, &row.role], &row.name, ["", ""], [1, 1])?;
    }
    for row in &diff.altered {
        let name = row.listener.as_ref().map_or(&unnamed, |(name, _)| name);
        let subject = ["altered", row.aspect.as_str(), &row.roles.new];
        write_row(out, subject, name, ["", ""], [&row.from, &row.to])?;
    }
    Ok(())
}

fn write_row(
    out: &mut dyn Write,
    [change, what, role]: [&str; 3],
    via: &Via,
    [server, kind]: [&str; 2],
    [old, new]: [&str; 2],
) -> Result<()> {
    let (name_kind, name) = csv::name_cells(via);
    let cells: [&dyn csv::Cell; 9] = [
        &change, &what, &role, &name_kind, &name, &server, &kind, &old, &new,
    ];
    Ok(csv::row(out, &cells)?)
}
