//! What is kept of a capture whose place in a series is all that is asked of it.

use whotalks_snapshot::descriptors::DescriptorTable;
use whotalks_snapshot::limits::Exceeded;
use whotalks_snapshot::records::{
    BoundPath, DescriptorInfo, Netns, Process, RawHeader, User, Wait,
};
use whotalks_snapshot::wire::{Record, take_record};
use whotalks_snapshot::{BlockKind, Budget};

use super::{Bad, Capture, many, single};

/// Keeps of a payload what [`load_thin`](super::load_thin) says; what is bad in the others is told
/// all the same.
pub(super) fn keep(
    kind: BlockKind,
    payload: &[u8],
    capture: &mut Capture,
    budget: &mut Budget,
) -> Result<Bad, Exceeded> {
    match kind {
        BlockKind::Host => single(payload, &mut capture.host, budget),
        BlockKind::End => single(payload, &mut capture.end, budget),
        BlockKind::Processes => {
            reduced(payload, &mut capture.processes, budget, |process| Process {
                pid: process.pid,
                stat: process.stat,
                ..Process::default()
            })
        }
        BlockKind::Descriptors => reduced(payload, &mut capture.tables, budget, |table| {
            DescriptorTable {
                pid: table.pid,
                tid: table.tid,
                pass: table.pass,
                kinds: table.kinds,
                ..DescriptorTable::default()
            }
        }),
        BlockKind::DescriptorInfo => dropped::<DescriptorInfo>(payload, budget),
        BlockKind::Waits => dropped::<Wait>(payload, budget),
        BlockKind::Namespaces => dropped::<Netns>(payload, budget),
        BlockKind::Users => dropped::<User>(payload, budget),
        BlockKind::Paths => dropped::<BoundPath>(payload, budget),
        BlockKind::Raw => {
            let header = take_record::<RawHeader>(&mut &*payload);
            Ok(header.err().map(|cause| (1, cause)))
        }
        _ => Ok(None),
    }
}

/// Records with what is wanted of each.
fn reduced<R: Record>(
    payload: &[u8],
    into: &mut Vec<R>,
    budget: &mut Budget,
    wanted: impl Fn(R) -> R,
) -> Result<Bad, Exceeded> {
    let mut all = Vec::new();
    let bad = many(payload, &mut all, budget)?;
    into.extend(all.into_iter().map(wanted));
    Ok(bad)
}

/// Records of which nothing is wanted but that they are good.
fn dropped<R: Record>(payload: &[u8], budget: &mut Budget) -> Result<Bad, Exceeded> {
    many(payload, &mut Vec::<R>::new(), budget)
}
