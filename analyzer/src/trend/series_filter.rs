//! Selectors over a series: what is chosen in one capture is followed through all of them.
//!
//! Else a neighbour whose conversation ended would seem to have ended itself.

use std::collections::BTreeMap;

use crate::model::{Map, SocketId};
use crate::query::{Filter, FilterMatch, keep_matches};

/// What selectors choose in any capture. Every capture is [`SeriesFilter::choose`]n from, then each is
/// [`SeriesFilter::keep`]t, then each can be [`SeriesFilter::restrict`]ed.
#[derive(Debug, Clone)]
pub struct SeriesFilter {
    filter: Filter,
    all: FilterMatch,
    /// Pid and start: what all captures have of a boot.
    processes: BTreeMap<(u32, u64), usize>,
    /// Cookie, or else inode: which lives as long as its socket.
    sockets: BTreeMap<(bool, u64), usize>,
}

impl SeriesFilter {
    /// Nothing is chosen yet.
    pub fn new(filter: Filter) -> Self {
        Self {
            filter,
            all: FilterMatch::default(),
            processes: BTreeMap::new(),
            sockets: BTreeMap::new(),
        }
    }

    /// Whether everything is wanted: there is nothing to follow.
    pub fn is_all(&self) -> bool {
        self.filter.is_empty()
    }

    /// Whether every selector fits something in one of the captures.
    pub fn found(&self) -> bool {
        self.all.all_found()
    }

    /// Adds what fits in a capture.
    pub fn choose(&mut self, map: &Map) {
        let chosen = FilterMatch::new(map, &self.filter);
        self.add(map, &chosen);
    }

    /// Adds what stays of a capture with all that is chosen.
    pub fn keep(&mut self, map: &Map) {
        let mut chosen = self.chosen(map);
        chosen.record_kept(map, &self.filter);
        self.add(map, &chosen);
    }

    /// What is left of a capture.
    pub fn apply_filter(&mut self, map: Map) -> Map {
        let chosen = self.chosen(&map);
        keep_matches(map, &self.filter, &chosen)
    }

    fn chosen(&mut self, map: &Map) -> FilterMatch {
        let mut chosen = FilterMatch::new(map, &self.filter);
        self.add(map, &chosen);
        let (processes, sockets) = self.places(map);
        chosen.merge(
            &self.all,
            processes.into_iter().enumerate(),
            sockets.into_iter().enumerate(),
        );
        chosen
    }

    fn add(&mut self, map: &Map, chosen: &FilterMatch) {
        let (processes, sockets) = self.places(map);
        self.all.resize(self.processes.len(), self.sockets.len());
        let turned = |places: Vec<usize>| places.into_iter().enumerate().map(|(own, at)| (at, own));
        self.all.merge(chosen, turned(processes), turned(sockets));
    }

    /// Where the processes and sockets of a map stand among those of all.
    fn places(&mut self, map: &Map) -> (Vec<usize>, Vec<usize>) {
        let mut processes = Vec::with_capacity(map.processes.len());
        for process in &map.processes {
            let next = self.processes.len();
            let place = self.processes.entry((process.pid, process.start_ticks));
            processes.push(*place.or_insert(next));
        }
        let mut sockets = Vec::with_capacity(map.sockets.len());
        for at in 0..map.sockets.len() {
            let socket = map.socket(SocketId::new(at));
            let next = self.sockets.len();
            let key = socket.cookie.map_or((false, socket.inode), |c| (true, c));
            sockets.push(*self.sockets.entry(key).or_insert(next));
        }
        (processes, sockets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::By;
    use crate::model::fixture::{self, connect, process};
    use crate::query::SelectorSet;
    use crate::trend::{Metric, Trend};

    #[test]
    fn a_neighbour_is_followed() {
        let maps: Vec<Map> = (0..3)
            .map(|step| {
                let mut map = fixture::map();
                let server = process(&mut map, 1, b"server");
                let client = process(&mut map, 2, b"client");
                process(&mut map, 3, b"other");
                if step == 1 {
                    connect(&mut map, &[client], &[server], None);
                }
                map
            })
            .collect();
        let selection = |text: &str| SelectorSet::new(text.parse().into_iter().collect());
        let mut followed = SeriesFilter::new(Filter {
            only: selection("comm:server"),
            ..Filter::default()
        });
        maps.iter().for_each(|map| followed.choose(map));
        assert!(followed.found());
        maps.iter().for_each(|map| followed.keep(map));
        let mut trend = Trend::new(By::Role);
        for map in maps {
            trend.add(&followed.apply_filter(map));
        }
        let rows = trend.rows();
        let of = |role: &str| {
            let fits = |row: &&crate::trend::Row| row.role == role && row.what == Metric::Processes;
            rows.iter().find(fits).map(|row| row.values.clone())
        };
        assert_eq!(of("client"), Some(vec![Some(1); 3]));
        assert_eq!(of("server"), Some(vec![Some(1); 3]));
        assert_eq!(of("other"), None);
    }
}
