//! Chains that end alike as one tree: the cause, below it those that wait for it, below these those that wait
//! for them. Replicas are one branch.

use std::collections::BTreeMap;

use whotalks::graph::program;
use whotalks::model::{Map, ProcessId};
use whotalks::query::{BlockedThread, ChainEnd, WaitAnalysis, socket_via};

use super::phrase::{doing, title};

/// A thread, or a process of which no thread is known or matters.
pub(super) type Key = (ProcessId, Option<usize>);

/// Threads that do the same and wait for the same.
pub(super) struct Branch<'a> {
    /// The threads, sorted.
    pub(super) members: Vec<Key>,
    /// Their rows; ends of chains that are no problem by themselves have none.
    pub(super) rows: Vec<&'a BlockedThread>,
    /// Those that wait for them.
    pub(super) waiters: Vec<Branch<'a>>,
    /// A row whose chain ends here: it says why.
    pub(super) ending: Option<&'a BlockedThread>,
    /// The cycle that the chains end at.
    pub(super) cycle: Option<usize>,
}

impl Branch<'_> {
    /// The number of threads that wait for these, directly or not.
    pub(super) fn waiting(&self) -> usize {
        let below = self.waiters.iter();
        below
            .map(|branch| branch.members.len() + branch.waiting())
            .sum()
    }
}

/// The problems as trees, the worst first.
pub(super) fn trees<'a>(map: &Map, waits: &'a WaitAnalysis) -> Vec<Branch<'a>> {
    let forest = Forest::new(waits);
    let mut trees = forest.group(map, &forest.roots);
    let place = |branch: &Branch<'_>| {
        let places = branch
            .members
            .iter()
            .filter_map(|key| forest.roots.iter().position(|root| root == key));
        places.min()
    };
    trees.sort_by_key(place);
    trees
}

/// The problems and the ends of their chains.
struct Forest<'a> {
    rows: BTreeMap<Key, &'a BlockedThread>,
    /// By end: the first row whose chain ends there.
    endings: BTreeMap<Key, &'a BlockedThread>,
    waiters: BTreeMap<Key, Vec<Key>>,
    /// In the order of the rows.
    roots: Vec<Key>,
}

impl<'a> Forest<'a> {
    fn new(waits: &'a WaitAnalysis) -> Self {
        let mut forest = Self {
            rows: BTreeMap::new(),
            endings: BTreeMap::new(),
            waiters: BTreeMap::new(),
            roots: Vec::new(),
        };
        let mut next: BTreeMap<Key, Key> = BTreeMap::new();
        let problems = || waits.waits.iter().filter(|row| row.problem);
        let is_step = |key: Key| {
            let mut steps = waits.cycles.iter().flat_map(|cycle| &cycle.steps);
            steps.any(|step| (step.process, step.wait) == key)
        };
        for row in problems() {
            forest.rows.insert((row.process, row.wait), row);
            let mut key = (row.process, row.wait);
            for step in &row.chain {
                // A cycle is one line, whose steps do not wait below each other.
                if is_step(key) {
                    break;
                }
                let to = (step.process, step.wait);
                next.insert(key, to);
                key = to;
            }
        }
        for (key, to) in &next {
            forest.waiters.entry(*to).or_default().push(*key);
        }
        for row in problems() {
            let own = (row.process, row.wait);
            let mut root = own;
            // Chains have no circles: each step of `next` is nearer to an end.
            while let Some(to) = next.get(&root) {
                root = *to;
            }
            let is_listed = matches!(row.end, ChainEnd::Cycle(_))
                && forest.endings.values().any(|other| other.end == row.end)
                && !forest.waiters.contains_key(&root);
            forest.endings.entry(root).or_insert(row);
            if !forest.roots.contains(&root) && !is_listed {
                forest.roots.push(root);
            }
        }
        forest
    }

    /// Threads that do the same as branches, those with most threads first.
    fn group(&self, map: &Map, keys: &[Key]) -> Vec<Branch<'a>> {
        let mut groups: BTreeMap<String, Vec<Key>> = BTreeMap::new();
        for key in keys {
            groups
                .entry(self.signature(map, *key))
                .or_default()
                .push(*key);
        }
        let mut branches: Vec<Branch<'a>> = groups
            .into_values()
            .map(|mut members| {
                members.sort_unstable();
                members.dedup();
                let waiters = members.iter().filter_map(|key| self.waiters.get(key));
                let waiters: Vec<Key> = waiters.flatten().copied().collect();
                let ending = members
                    .iter()
                    .find_map(|key| self.endings.get(key))
                    .copied();
                Branch {
                    rows: members
                        .iter()
                        .filter_map(|key| self.rows.get(key))
                        .copied()
                        .collect(),
                    waiters: self.group(map, &waiters),
                    ending,
                    cycle: match ending.map(|row| &row.end) {
                        Some(ChainEnd::Cycle(cycle)) => Some(*cycle),
                        _ => None,
                    },
                    members,
                }
            })
            .collect();
        branches.sort_by_key(|branch| {
            (
                std::cmp::Reverse(branch.members.len()),
                branch.members.first().copied(),
            )
        });
        branches
    }

    /// What replicas have in common.
    fn signature(&self, map: &Map, key: Key) -> String {
        let row = self.rows.get(&key);
        let via = row.map_or("", |row| &row.via.text);
        let end = self.endings.get(&key).map_or("", |row| row.end.as_str());
        let process = map.process(key.0);
        // Titles differ by ports and counts.
        let title = title(map, key.0).unwrap_or_default();
        let title: String = title.chars().filter(|c| !c.is_ascii_digit()).collect();
        let parts = [&*program(process), &doing(map, key.1), via, end, &title];
        // Of two causes each has its own queue.
        let neglects = row.filter(|_| self.roots.contains(&key));
        let neglects = neglects.map_or(&[][..], |row| &row.neglects);
        let first = neglects.first().and_then(|id| socket_via(map, *id));
        let first = first.map_or_else(String::new, |via| via.text);
        format!("{}\n{first}", parts.join("\n"))
    }
}
