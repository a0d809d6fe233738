//! Reads only the records that describe a capture's place in a series.

use whotalks_snapshot::descriptors::DescriptorTable;
use whotalks_snapshot::limits::Exceeded;
use whotalks_snapshot::records::{
    BoundPath, DescriptorInfo, Netns, Process, RawHeader, User, Wait,
};
use whotalks_snapshot::wire::{Record, take_record};
use whotalks_snapshot::{BlockKind, Budget};

use super::block_records::{BadRecords, read_all, read_one};
use super::capture::Capture;

/// Reads the records of a payload that [`load_summary`](super::load_summary) keeps. Records that are not
/// kept are checked all the same.
pub(super) fn read(
    kind: BlockKind,
    payload: &[u8],
    capture: &mut Capture,
    budget: &mut Budget,
) -> Result<BadRecords, Exceeded> {
    match kind {
        BlockKind::Host => read_one(payload, &mut capture.host, budget),
        BlockKind::End => read_one(payload, &mut capture.end, budget),
        BlockKind::Processes => {
            read_reduced(payload, &mut capture.processes, budget, |process| Process {
                pid: process.pid,
                stat: process.stat,
                ..Process::default()
            })
        }
        BlockKind::Descriptors => read_reduced(payload, &mut capture.tables, budget, |table| {
            DescriptorTable {
                pid: table.pid,
                tid: table.tid,
                pass: table.pass,
                kinds: table.kinds,
                ..DescriptorTable::default()
            }
        }),
        BlockKind::DescriptorInfo => check::<DescriptorInfo>(payload, budget),
        BlockKind::Waits => check::<Wait>(payload, budget),
        BlockKind::Namespaces => check::<Netns>(payload, budget),
        BlockKind::Users => check::<User>(payload, budget),
        BlockKind::Paths => check::<BoundPath>(payload, budget),
        BlockKind::Raw => {
            let header = take_record::<RawHeader>(&mut &*payload);
            Ok(header.err().map(|error| (1, error)))
        }
        _ => Ok(None),
    }
}

/// Appends the records of a payload, each reduced by `reduce`.
fn read_reduced<R: Record>(
    payload: &[u8],
    into: &mut Vec<R>,
    budget: &mut Budget,
    reduce: impl Fn(R) -> R,
) -> Result<BadRecords, Exceeded> {
    let mut all = Vec::new();
    let bad = read_all(payload, &mut all, budget)?;
    into.extend(all.into_iter().map(reduce));
    Ok(bad)
}

/// Checks the records of a payload and drops them.
fn check<R: Record>(payload: &[u8], budget: &mut Budget) -> Result<BadRecords, Exceeded> {
    read_all(payload, &mut Vec::<R>::new(), budget)
}
