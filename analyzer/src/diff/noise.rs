//! Classifies noise: processes that are left out of the comparison, or of a series.

use super::activity::listening;
use super::capture_processes::capture_processes;
use super::host_pair::{HostPair, is_same_boot, pair_hosts};
use super::host_processes::HostProcesses;
use super::matching::Matching;
use super::short_lived::{COMMAND_NS, is_younger, mark_respawned, mark_young, unmark_settled};
use super::side::{OldNew, Side};
use crate::model::{Map, ProcessId};

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

/// What two captures show about a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Transience {
    /// Why it is noise; `None`: it is not.
    pub(crate) noise: Option<Noise>,
    /// It is in one capture only, started shortly before it, and does not listen: if the neighbour on
    /// the other side lacks it too, it is short-lived.
    pub(crate) seen_once: bool,
}

/// Classifies all processes of two captures of one machine, by index.
pub(crate) fn transience(old: &Map, new: &Map) -> OldNew<Vec<Transience>> {
    let maps = OldNew { old, new };
    let hosts = pair_hosts(maps);
    let matching = Matching::by_identity(maps, &hosts);
    let noise = noise(maps, &hosts, &matching);
    OldNew::from_fn(|side| {
        let map = maps.of(side);
        let listening = listening(map);
        let processes = map.processes.iter().enumerate();
        let transience = processes.map(|(index, process)| {
            let started_ns = map.hosts[process.host.index()].started_at_ns;
            Transience {
                noise: noise.of(side)[index],
                seen_once: is_same_boot(&hosts, side, process.host)
                    && is_younger(process, COMMAND_NS, started_ns)
                    && !matching.is_same(side, ProcessId::new(index))
                    && !listening[index],
            }
        });
        transience.collect()
    })
}
