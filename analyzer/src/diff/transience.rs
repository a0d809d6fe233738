//! Which processes of two captures of one machine are noise, for who follows more than two.

use super::coverage::{HostRelation, pair_hosts, processes_of};
use super::matching::Matching;
use super::noise::{COMMAND_NS, Noise, listens, noise};
use super::{OldNew, Side};
use crate::model::{Map, ProcessId};

/// A process, as it stands between two captures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transience {
    /// The capture itself.
    pub capture: bool,
    /// It lives for a moment, as far as these two show.
    pub short_lived: bool,
    /// It is in the one and not in the other, has begun just before it was seen, and serves nobody: if
    /// it is in no capture on the other side either, it has lived for a moment.
    pub seen_once: bool,
}

/// All processes of two captures of one machine, by index.
pub fn transience(old: &Map, new: &Map) -> OldNew<Vec<Transience>> {
    let maps = OldNew { old, new };
    let hosts = pair_hosts(old, new);
    let matching = Matching::certain(maps, &hosts);
    let judged = noise(maps, &hosts, &matching);
    let of = |side: Side| {
        let noise = judged.of(side).iter();
        let mut passing: Vec<Transience> = noise
            .map(|noise| Transience {
                capture: *noise == Some(Noise::Capture),
                short_lived: *noise == Some(Noise::ShortLived),
                seen_once: false,
            })
            .collect();
        let map = maps.of(side);
        let listens = listens(map);
        for pair in hosts
            .iter()
            .filter(|p| p.relation == HostRelation::SameBoot)
        {
            let host = match side {
                Side::Old => pair.old,
                Side::New => pair.new,
            };
            let began = map.hosts[host.index()].started_at_ns;
            for (id, process) in processes_of(map, host) {
                let young = process.started_at_ns.saturating_add(COMMAND_NS) > began;
                let new = !matching.is_same(side, id) && !listens[id.index()];
                passing[ProcessId::index(id)].seen_once = young && new;
            }
        }
        passing
    };
    OldNew {
        old: of(Side::Old),
        new: of(Side::New),
    }
}
