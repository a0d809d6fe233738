//! Applies selectors to two maps that are then compared.
//!
//! Filtered one by one, the maps would differ by what was selected in one of them only: a neighbour of
//! `--focus` whose conversation ended would be missing although it still runs. So what is selected in
//! either map is selected in both. Noise and roles are those of the whole maps: a process that is
//! reported as added or removed is so without selectors too.

use std::collections::BTreeMap;

use super::backfill::backfill;
use super::context::Correspondence;
use super::host_pair::pair_hosts;
use super::matching::{MatchReason, Matching, Pair};
use super::side::{OldNew, Side};
use crate::model::{HostId, Map, ProcessId, SocketId, SocketState};
use crate::query::{Filter, FilterMatch, hide_logs, keep_matches};

/// Two maps to compare, filtered.
#[derive(Debug)]
pub struct FilteredMaps {
    /// The first map.
    pub old: Map,
    /// The second map.
    pub new: Map,
    /// Hosts, identities, noise and role pairs; the latter two as found in the whole maps.
    pub(super) correspondence: Correspondence,
}

impl FilteredMaps {
    /// Filters two maps, after each was backfilled from the other. `None` if nothing in either
    /// matches.
    pub fn of(mut old: Map, mut new: Map, filter: &Filter) -> Option<Self> {
        let maps = borrow(&old, &new);
        let hosts = pair_hosts(maps);
        let identity = Matching::by_identity(maps, &hosts);
        // Before the selectors, which cannot match what could not be read.
        backfill(&mut old, &mut new, &hosts, &identity);
        hide_logs(&mut old, filter);
        hide_logs(&mut new, filter);
        let maps = borrow(&old, &new);
        let whole = Correspondence::new(maps, hosts, identity);
        if filter.is_empty() {
            return Some(Self {
                old,
                new,
                correspondence: whole,
            });
        }
        let matching = whole.matching(maps, false);
        let shared = Shared::new(maps, &matching);
        let mut chosen = OldNew::from_fn(|side| FilterMatch::new(maps.of(side), filter));
        shared.join(&mut chosen);
        if !chosen.old.all_found() {
            return None;
        }
        for side in Side::BOTH {
            chosen.of_mut(side).record_kept(maps.of(side), filter);
        }
        shared.join(&mut chosen);
        let keys = OldNew::from_fn(|side| keys(maps.of(side)));
        let old = keep_matches(old, filter, &chosen.old);
        let new = keep_matches(new, filter, &chosen.new);
        let correspondence = renumbered(whole, &matching.pairs, &keys, borrow(&old, &new));
        Some(Self {
            old,
            new,
            correspondence,
        })
    }
}

fn borrow<'a>(old: &'a Map, new: &'a Map) -> OldNew<&'a Map> {
    OldNew { old, new }
}

/// Pairs of indices in the first and second map that selectors treat as one.
struct Shared {
    processes: Vec<(usize, usize)>,
    sockets: Vec<(usize, usize)>,
}

impl Shared {
    fn new(maps: OldNew<&Map>, matching: &Matching) -> Self {
        // A role alone may have several programs, of which a selector matches one.
        let is_same_program = |pair: &&Pair| {
            let (old, new) = (maps.old.process(pair.old), maps.new.process(pair.new));
            let named = !old.exe.is_empty() || old.comm == new.comm;
            pair.why == MatchReason::Identity || old.exe == new.exe && named
        };
        let processes = matching.pairs.iter().filter(is_same_program);
        let processes = processes.map(|pair| (pair.old.index(), pair.new.index()));
        let sockets = (0..maps.old.sockets.len()).filter_map(|index| {
            let new = matching.socket(Side::Old, SocketId::new(index))?;
            Some((index, new.index()))
        });
        let mut sockets: Vec<_> = sockets.collect();
        sockets.extend(rebound_listeners(maps, matching));
        Self {
            processes: processes.collect(),
            sockets,
        }
    }

    /// Selects in each map what is selected in the other.
    fn join(&self, chosen: &mut OldNew<FilterMatch>) {
        let swap = |(old, new): &(usize, usize)| (*new, *old);
        let OldNew { old, new } = chosen;
        // Twice: a listener may be paired with several of the other map, and selects them all.
        for _ in 0..2 {
            let (processes, sockets) = (self.processes.iter(), self.sockets.iter());
            new.merge(old, processes.map(swap), sockets.map(swap));
            let (processes, sockets) = (self.processes.iter(), self.sockets.iter());
            old.merge(new, processes.copied(), sockets.copied());
        }
    }
}

/// Pairs of different listeners that are bound to the same name or address.
fn rebound_listeners(maps: OldNew<&Map>, matching: &Matching) -> Vec<(usize, usize)> {
    let mut bound: BTreeMap<_, OldNew<Vec<usize>>> = BTreeMap::new();
    for side in Side::BOTH {
        for (index, socket) in maps.of(side).sockets.iter().enumerate() {
            let is_matched = matching.socket(side, SocketId::new(index)).is_some();
            if socket.state == SocketState::Listening && !is_matched {
                let name = socket.name.as_ref().map(|name| name.bytes());
                let both = bound.entry((socket.family, socket.protocol, name, socket.local));
                both.or_default().of_mut(side).push(index);
            }
        }
    }
    let pairs = bound.into_values().flat_map(|OldNew { old, new }| {
        // Connected, so that one selected listener of a name selects all of them in two rounds.
        let (first_old, first_new) = (old.first().copied(), new.first().copied());
        let with_new = old.into_iter().zip(first_new.into_iter().cycle());
        let with_old = first_old.into_iter().cycle().zip(new);
        with_new.chain(with_old).collect::<Vec<_>>()
    });
    pairs.collect()
}

/// Identifies a process of one map, filtered or not: host, pid, start in clock ticks.
type Key = (HostId, u32, u64);

/// The keys of all processes, by index.
fn keys(map: &Map) -> Vec<Key> {
    let processes = map.processes.iter();
    let keys = processes.map(|process| (process.host, process.pid, process.start_ticks));
    keys.collect()
}

/// The correspondence of filtered maps: noise and pairs as in the whole maps, whose processes had
/// these keys.
fn renumbered(
    whole: Correspondence,
    pairs: &[Pair],
    whole_keys: &OldNew<Vec<Key>>,
    maps: OldNew<&Map>,
) -> Correspondence {
    let ids = OldNew::from_fn(|side| {
        let keys = keys(maps.of(side)).into_iter().enumerate();
        let ids = keys.map(|(index, key)| (key, ProcessId::new(index)));
        ids.collect::<BTreeMap<Key, ProcessId>>()
    });
    let id = |side: Side, whole: usize| ids.of(side).get(&whole_keys.of(side)[whole]).copied();
    let noise = OldNew::from_fn(|side| {
        let mut noise = vec![None; maps.of(side).processes.len()];
        for (index, known) in whole.noise.of(side).iter().enumerate() {
            if let Some(id) = id(side, index) {
                noise[id.index()] = *known;
            }
        }
        noise
    });
    let known = pairs.iter().filter_map(|pair| {
        Some(Pair {
            old: id(Side::Old, pair.old.index())?,
            new: id(Side::New, pair.new.index())?,
            why: pair.why,
        })
    });
    Correspondence {
        identity: Matching::by_identity(maps, &whole.hosts),
        known: known.collect(),
        noise,
        hosts: whole.hosts,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::diff::{Change, Options};
    use crate::query::SelectorSet;

    fn selection(text: &str) -> SelectorSet {
        SelectorSet::new(text.parse().into_iter().collect())
    }

    /// A server with two clients, of which one talks to it.
    fn machine(boot: &str, talks: bool) -> Map {
        let mut map = Map::with_host();
        map.hosts[0].boot_id = boot.as_bytes().into();
        map.hosts[0].started_at_ns = 1 << 60;
        let server = map.add_process(1, b"server");
        let socket = map.add_listener(&[server], b"/run/app\0");
        let other = map.add_listener(&[server], b"/run/other\0");
        let clients = [2, 3].map(|pid| map.add_process(pid, b"client"));
        let own = map.add_listener(&[clients[0]], b"/run/client\0");
        map.add_connection(&[clients[1]], &[server], Some(other));
        if talks {
            map.add_connection(&[clients[0]], &[server], Some(socket));
            map.add_connection(&[server], &[clients[0]], Some(own));
        }
        map
    }

    #[test]
    fn a_neighbour_that_fell_silent_is_not_gone() {
        for boot in ["boot", "another"] {
            for filter in [
                Filter {
                    only: selection("comm:server"),
                    ..Filter::default()
                },
                Filter {
                    focus: selection("comm:server"),
                    hops: 1,
                    ..Filter::default()
                },
                Filter {
                    only: selection("socket:/run/app"),
                    ..Filter::default()
                },
            ] {
                let (old, new) = (machine("boot", true), machine(boot, false));
                let both = FilteredMaps::of(old, new, &filter).unwrap();
                let found = both.diff(&Options::default());
                assert_eq!(found.processes, [], "{filter:?}");
                assert_eq!(found.listeners, [], "{filter:?}");
                let links: Vec<_> = found.links.iter().map(|row| row.change).collect();
                let over_app = filter.only.has_socket_kinds();
                let expected = vec![Change::Removed; if over_app { 1 } else { 2 }];
                assert_eq!(links, expected, "{filter:?}");
            }
        }
    }

    #[test]
    fn what_is_hidden_in_one_is_hidden_in_both() {
        let (mut old, new) = (machine("boot", true), machine("boot", true));
        old.processes[1].comm = b"other"[..].into();
        let filter = Filter {
            hide: vec![selection("comm:other")],
            ..Filter::default()
        };
        let both = FilteredMaps::of(old, new, &filter).unwrap();
        assert_eq!((both.old.processes.len(), both.new.processes.len()), (2, 2));
        assert!(both.diff(&Options::default()).is_empty());
    }

    #[test]
    fn nothing_matches() {
        let (old, new) = (machine("boot", true), machine("boot", true));
        let filter = Filter {
            only: selection("comm:nobody"),
            ..Filter::default()
        };
        assert!(FilteredMaps::of(old, new, &filter).is_none());
    }
}
