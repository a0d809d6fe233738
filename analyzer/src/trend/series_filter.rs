//! Applies selectors to a series: what is selected in one capture is selected in all of them.
//!
//! Otherwise a neighbour whose conversation ended would seem to have exited.

use std::collections::BTreeMap;

use crate::model::Map;
use crate::query::{Filter, FilterMatch, keep_matches};

/// What selectors match in any capture of a series.
///
/// Takes three passes over the captures: [`choose`](Self::choose), [`keep`](Self::keep), then
/// [`apply_filter`](Self::apply_filter).
#[derive(Debug, Clone)]
pub struct SeriesFilter {
    filter: Filter,
    all: FilterMatch,
    /// Indices into `all` by pid and start in clock ticks.
    processes: BTreeMap<(u32, u64), usize>,
    /// Indices into `all` by cookie, or else inode, which is not reused while its socket exists.
    sockets: BTreeMap<(bool, u64), usize>,
}

impl SeriesFilter {
    /// A filter that has seen no capture.
    pub fn new(filter: Filter) -> Self {
        Self {
            filter,
            all: FilterMatch::default(),
            processes: BTreeMap::new(),
            sockets: BTreeMap::new(),
        }
    }

    /// Whether there are no selectors.
    pub fn is_all(&self) -> bool {
        self.filter.is_empty()
    }

    /// Whether every selector matches something in one of the captures.
    pub fn found(&self) -> bool {
        self.all.all_found()
    }

    /// First pass: adds what matches in a capture.
    pub fn choose(&mut self, map: &Map) {
        let chosen = FilterMatch::new(map, &self.filter);
        self.add(map, &chosen);
    }

    /// Second pass: adds what is kept of a capture, given all matches.
    pub fn keep(&mut self, map: &Map) {
        let mut chosen = self.chosen(map);
        chosen.record_kept(map, &self.filter);
        self.add(map, &chosen);
    }

    /// Third pass: filters a capture.
    pub fn apply_filter(&mut self, map: Map) -> Map {
        let chosen = self.chosen(&map);
        keep_matches(map, &self.filter, &chosen)
    }

    /// The matches of a capture, joined with those of all others.
    fn chosen(&mut self, map: &Map) -> FilterMatch {
        let mut chosen = FilterMatch::new(map, &self.filter);
        self.add(map, &chosen);
        let (processes, sockets) = self.indices(map);
        chosen.merge(
            &self.all,
            processes.into_iter().enumerate(),
            sockets.into_iter().enumerate(),
        );
        chosen
    }

    fn add(&mut self, map: &Map, chosen: &FilterMatch) {
        let (processes, sockets) = self.indices(map);
        self.all.resize(self.processes.len(), self.sockets.len());
        let swapped =
            |indices: Vec<usize>| indices.into_iter().enumerate().map(|(own, all)| (all, own));
        self.all.merge(chosen, swapped(processes), swapped(sockets));
    }

    /// The indices into `all` of a map's processes and sockets.
    fn indices(&mut self, map: &Map) -> (Vec<usize>, Vec<usize>) {
        let mut processes = Vec::with_capacity(map.processes.len());
        for process in &map.processes {
            let next = self.processes.len();
            let index = self.processes.entry((process.pid, process.start_ticks));
            processes.push(*index.or_insert(next));
        }
        let mut sockets = Vec::with_capacity(map.sockets.len());
        for socket in &map.sockets {
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
    use crate::query::SelectorSet;
    use crate::trend::{Metric, Trend};

    #[test]
    fn a_neighbour_is_followed() {
        let maps: Vec<Map> = (0..3)
            .map(|step| {
                let mut map = Map::with_host();
                let server = map.add_process(1, b"server");
                let client = map.add_process(2, b"client");
                map.add_process(3, b"other");
                if step == 1 {
                    map.add_connection(&[client], &[server], None);
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
