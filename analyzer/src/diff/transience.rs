//! Classifies the processes of two captures of one machine for the noise filter of a series.

use super::activity::listening;
use super::host_pair::{pair_hosts, processes_of};
use super::matching::Matching;
use super::noise::{Noise, noise};
use super::short_lived::{COMMAND_NS, is_younger};
use super::side::OldNew;
use crate::model::Map;

/// What two captures show about a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transience {
    /// It belongs to the capture itself.
    pub capture: bool,
    /// It is short-lived.
    pub short_lived: bool,
    /// It is in one capture only, started shortly before it, and does not listen: if the neighbour on
    /// the other side lacks it too, it is short-lived.
    pub seen_once: bool,
}

/// Classifies all processes of two captures of one machine, by index.
pub fn transience(old: &Map, new: &Map) -> OldNew<Vec<Transience>> {
    let maps = OldNew { old, new };
    let hosts = pair_hosts(maps);
    let matching = Matching::by_identity(maps, &hosts);
    let noise = noise(maps, &hosts, &matching);
    OldNew::from_fn(|side| {
        let noise = noise.of(side).iter();
        let mut all: Vec<Transience> = noise
            .map(|noise| Transience {
                capture: *noise == Some(Noise::Capture),
                short_lived: *noise == Some(Noise::ShortLived),
                seen_once: false,
            })
            .collect();
        let map = maps.of(side);
        let listening = listening(map);
        for pair in hosts.iter().filter(|pair| pair.is_same_boot()) {
            let host = pair.host(side);
            let started_ns = map.hosts[host.index()].started_at_ns;
            for (id, process) in processes_of(map, host) {
                all[id.index()].seen_once = is_younger(process, COMMAND_NS, started_ns)
                    && !matching.is_same(side, id)
                    && !listening[id.index()];
            }
        }
        all
    })
}
