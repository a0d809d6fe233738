//! Classifies the processes of two captures of one machine for the noise filter of a series.

use super::activity::listening;
use super::host_pair::{is_same_boot, pair_hosts};
use super::matching::Matching;
use super::noise::{Noise, noise};
use super::short_lived::{COMMAND_NS, is_younger};
use super::side::OldNew;
use crate::model::{Map, ProcessId};

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
