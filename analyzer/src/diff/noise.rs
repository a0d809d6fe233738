//! Classifies noise: processes that are left out of the comparison.

use super::activity::listening;
use super::capture_processes::capture_processes;
use super::host_pair::HostPair;
use super::host_processes::HostProcesses;
use super::matching::Matching;
use super::short_lived::{mark_respawned, mark_young, unmark_settled};
use super::side::{OldNew, Side};
use crate::model::Map;

/// Why a process is noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noise {
    /// It is the collector, or was started to run it.
    Capture,
    /// It is short-lived.
    ShortLived,
}

/// Why each process is noise, by index; `None`: it is not.
pub(super) type Noises = OldNew<Vec<Option<Noise>>>;

/// Classifies the processes of both maps.
pub(super) fn noise(maps: OldNew<&Map>, hosts: &[HostPair], matching: &Matching) -> Noises {
    let none = OldNew::from_fn(|side| vec![false; maps.of(side).processes.len()]);
    let (mut capture, mut short_lived) = (none.clone(), none);
    let listening = OldNew::from_fn(|side| listening(maps.of(side)));
    for pair in hosts {
        for side in Side::BOTH {
            let host = HostProcesses::new(maps, side, pair, matching, &listening);
            let capture = capture.of_mut(side);
            for id in capture_processes(&host) {
                capture[id.index()] = true;
            }
            mark_young(maps, pair, &host, capture, short_lived.of_mut(side));
        }
    }
    mark_respawned(maps, hosts, matching, &capture, &mut short_lived);
    unmark_settled(maps, hosts, &capture, &mut short_lived);
    OldNew::from_fn(|side| {
        let marks = capture.of(side).iter().zip(short_lived.of(side));
        let noise = marks.map(|(capture, short_lived)| match (capture, short_lived) {
            (true, _) => Some(Noise::Capture),
            (false, true) => Some(Noise::ShortLived),
            (false, false) => None,
        });
        noise.collect()
    })
}
