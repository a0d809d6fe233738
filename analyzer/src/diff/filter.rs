//! Two maps as far as selectors want them.
//!
//! Each restricted for itself, they would differ by what was chosen in one of them only: a neighbour
//! of `--focus` that lost its conversation would be gone, though it runs on. So what is chosen in
//! either map is chosen in both, and what is noise is judged by the whole machine. Every process that
//! is told as new or gone then is so without selectors too.

use std::collections::BTreeMap;

use super::compare::{compare, context, finish, partners};
use super::matching::{MatchReason, Matching, Pair};
use super::merged::{MergedMaps, marks};
use super::noise::{Noise, Noises};
use super::{Diff, OldNew, Options, Side, lend};
use crate::model::{HostId, Map, ProcessId, SocketId, SocketState};
use crate::query::{Filter, FilterMatch, keep_matches};

/// Two maps to compare.
#[derive(Debug)]
pub struct FilteredMaps {
    /// The first.
    pub old: Map,
    /// The second.
    pub new: Map,
    /// `None`: these are the whole maps.
    judged: Option<Judged>,
}

/// What the whole maps say of what is left of them.
#[derive(Debug)]
pub(super) struct Judged {
    /// Who is noise.
    pub(super) noise: Noises,
    /// Who was taken for the same by role.
    pub(super) pairs: Vec<Pair>,
}

impl FilteredMaps {
    /// What of two maps is wanted, each with what only the other knows; `None` when nothing in either
    /// matches.
    pub fn of(mut old: Map, mut new: Map, filter: &Filter) -> Option<Self> {
        // Before selectors, which would not know who could not be read.
        lend(&mut old, &mut new);
        if filter.is_empty() {
            let judged = None;
            return Some(Self { old, new, judged });
        }
        let maps = OldNew {
            old: &old,
            new: &new,
        };
        let (_, matching, noise) = partners(maps, false, None);
        let pairs = Pairs::of(maps, &matching);
        let mut chosen = OldNew {
            old: FilterMatch::new(&old, filter),
            new: FilterMatch::new(&new, filter),
        };
        pairs.join(&mut chosen);
        if !chosen.old.all_found() {
            return None;
        }
        for side in Side::BOTH {
            chosen.of_mut(side).record_kept(maps.of(side), filter);
        }
        pairs.join(&mut chosen);
        let known = OldNew {
            old: by_process(&old, &noise.old),
            new: by_process(&new, &noise.new),
        };
        let of_pair = |pair: &Pair| (key(&old, pair.old), key(&new, pair.new), pair.why);
        let pairs: Vec<_> = matching.pairs.iter().map(of_pair).collect();
        let old = keep_matches(old, filter, &chosen.old);
        let new = keep_matches(new, filter, &chosen.new);
        let noise = OldNew {
            old: of_left(&old, &known.old),
            new: of_left(&new, &known.new),
        };
        let (ids, new_ids) = (ids(&old), ids(&new));
        let left = |(one, two, why): &(Key, Key, MatchReason)| {
            Some(Pair {
                old: *ids.get(one)?,
                new: *new_ids.get(two)?,
                why: *why,
            })
        };
        let pairs = pairs.iter().filter_map(left).collect();
        let judged = Some(Judged { noise, pairs });
        Some(Self { old, new, judged })
    }

    /// What changed.
    pub fn diff(&self, options: &Options) -> Diff {
        let (context, ignored) = context(&self.old, &self.new, options, self.judged.as_ref());
        let (diff, _) = compare(&context, ignored);
        finish(diff, context)
    }

    /// What changed, and everything in both marked with what became of it.
    pub fn marked(&self, options: &Options) -> (Diff, MergedMaps) {
        marks(&self.old, &self.new, options, self.judged.as_ref())
    }
}

/// Indices of the same processes and sockets, of the first map and the second.
struct Pairs {
    processes: Vec<(usize, usize)>,
    sockets: Vec<(usize, usize)>,
}

impl Pairs {
    fn of(maps: OldNew<&Map>, matching: &Matching) -> Self {
        // By role alone two would be taken for the same of which the selector means one.
        let alike = |pair: &&Pair| {
            let (old, new) = (maps.old.process(pair.old), maps.new.process(pair.new));
            let named = !old.exe.is_empty() || old.comm == new.comm;
            pair.why == MatchReason::Identity || old.exe == new.exe && named
        };
        let processes = matching.pairs.iter().filter(alike);
        let processes = processes.map(|pair| (pair.old.index(), pair.new.index()));
        let mut sockets = Vec::new();
        for at in 0..maps.old.sockets.len() {
            if let Some(new) = matching.socket(Side::Old, SocketId::new(at)) {
                sockets.push((at, new.index()));
            }
        }
        // Listeners that were bound anew, by what they are bound to.
        let unmatched = |side: Side| {
            let all = maps.of(side).sockets.iter().enumerate();
            all.filter(move |(at, socket)| {
                socket.state == SocketState::Listening
                    && matching.socket(side, SocketId::new(*at)).is_none()
            })
        };
        let mut bound: BTreeMap<_, OldNew<Vec<usize>>> = BTreeMap::new();
        for side in Side::BOTH {
            for (at, socket) in unmatched(side) {
                let name = socket.name.as_ref().map(|name| name.bytes());
                let both = bound.entry((socket.family, socket.protocol, name, socket.local));
                both.or_default().of_mut(side).push(at);
            }
        }
        for both in bound.values() {
            // Of several everybody: who has the last of them follows from the first.
            let (old, new) = (both.old.iter(), both.new.iter());
            let longer = both.old.len().max(both.new.len());
            let pairs = old.cycle().zip(new.cycle()).take(longer);
            sockets.extend(pairs.map(|(old, new)| (*old, *new)));
        }
        Self {
            processes: processes.collect(),
            sockets,
        }
    }

    fn join(&self, chosen: &mut OldNew<FilterMatch>) {
        let turned = |pairs: &[(usize, usize)]| -> Vec<(usize, usize)> {
            pairs.iter().map(|(old, new)| (*new, *old)).collect()
        };
        let (to_new, sockets_to_new) = (turned(&self.processes), turned(&self.sockets));
        let OldNew { old, new } = chosen;
        // Twice: one of either map may be paired with several of the other, and brings them all.
        for _ in 0..2 {
            let (processes, sockets) = (to_new.iter(), sockets_to_new.iter());
            new.merge(old, processes.copied(), sockets.copied());
            let (processes, sockets) = (self.processes.iter(), self.sockets.iter());
            old.merge(new, processes.copied(), sockets.copied());
        }
    }
}

/// A process of one map.
type Key = (HostId, u32, u64);

fn key(map: &Map, id: ProcessId) -> Key {
    let process = map.process(id);
    (process.host, process.pid, process.start_ticks)
}

fn ids(map: &Map) -> BTreeMap<Key, ProcessId> {
    let processes = (0..map.processes.len()).map(ProcessId::new);
    processes.map(|id| (key(map, id), id)).collect()
}

fn by_process(map: &Map, noise: &[Option<Noise>]) -> BTreeMap<Key, Noise> {
    let noise = noise.iter().enumerate();
    let known = noise.filter_map(|(at, noise)| Some((key(map, ProcessId::new(at)), (*noise)?)));
    known.collect()
}

fn of_left(map: &Map, judged: &BTreeMap<Key, Noise>) -> Vec<Option<Noise>> {
    let processes = (0..map.processes.len()).map(ProcessId::new);
    processes
        .map(|id| judged.get(&key(map, id)).copied())
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::diff::Change;
    use crate::model::fixture::{self, connect, listener, process};
    use crate::query::SelectorSet;

    fn selection(text: &str) -> SelectorSet {
        SelectorSet::new(text.parse().into_iter().collect())
    }

    /// A server with two clients, of which one talks to it.
    fn machine(boot: &str, talks: bool) -> Map {
        let mut map = fixture::map();
        map.hosts[0].boot_id = boot.as_bytes().into();
        map.hosts[0].started_at_ns = 1 << 60;
        let server = process(&mut map, 1, b"server");
        let socket = listener(&mut map, &[server], b"/run/app\0");
        let other = listener(&mut map, &[server], b"/run/other\0");
        let clients = [2, 3].map(|pid| process(&mut map, pid, b"client"));
        let own = listener(&mut map, &[clients[0]], b"/run/client\0");
        connect(&mut map, &[clients[1]], &[server], Some(other));
        if talks {
            connect(&mut map, &[clients[0]], &[server], Some(socket));
            connect(&mut map, &[server], &[clients[0]], Some(own));
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
