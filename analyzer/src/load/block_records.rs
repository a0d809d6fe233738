//! Reads the records of one block within the memory budget.

use whotalks_snapshot::limits::Exceeded;
use whotalks_snapshot::wire::{Record, count};
use whotalks_snapshot::{Budget, WireError};

/// Number of unreadable records of a block, and the error of the first; `None`: all were read.
pub(super) type BadRecords = Option<(u64, WireError)>;

/// Appends all records of a payload; none if they would exceed the memory budget.
pub(super) fn read_all<R: Record>(
    payload: &[u8],
    into: &mut Vec<R>,
    budget: &mut Budget,
) -> Result<BadRecords, Exceeded> {
    budget.take(count(payload) as u64 * size_of::<R>() as u64)?;
    let mut bad = None;
    for record in whotalks_snapshot::records::<R>(payload) {
        match record {
            Ok(record) => into.push(record),
            Err(error) => bad.get_or_insert((0, error)).0 += 1,
        }
    }
    Ok(bad)
}

/// Reads the only record of a payload; an earlier one in `into` stays.
pub(super) fn read_one<R: Record>(
    payload: &[u8],
    into: &mut Option<R>,
    budget: &mut Budget,
) -> Result<BadRecords, Exceeded> {
    let mut all = Vec::new();
    let bad = read_all(payload, &mut all, budget)?;
    if into.is_none() {
        *into = all.into_iter().next();
    }
    Ok(bad)
}
