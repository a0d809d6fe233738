//! The shortest path from one process to another, over connections, pipes and pseudo-terminals.

use std::collections::{BTreeSet, VecDeque};

use crate::graph::{Conversation, ConversationEnds, conversations_and_channels};
use crate::model::{Map, ProcessId};

/// A process on a path, and the conversation that leads to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop {
    /// The process.
    pub process: ProcessId,
    /// The conversation with the next process; `None` for the last process.
    pub next: Option<(Conversation, Direction)>,
}

/// The direction in which a path crosses a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From client to server, from writer to reader.
    Along,
    /// From server to client, from reader to writer.
    Against,
    /// It is not known which end is the client's.
    Unknown,
}

/// The shortest path from a process in `from` to one in `to`, conversations being crossed in either
/// direction; `None` if there is none. Of several such paths the first in the map's order.
///
/// A process in both sets is an end of the path only if its set has no other. Holders of the same end
/// of a conversation are not connected by it. A pending connection counts.
pub fn path(map: &Map, from: &[ProcessId], to: &[ProcessId]) -> Option<Vec<Hop>> {
    let (starts, goals): (BTreeSet<_>, BTreeSet<_>) =
        (from.iter().copied().collect(), to.iter().copied().collect());
    let both: BTreeSet<_> = starts.intersection(&goals).copied().collect();
    let without_both = |set: &BTreeSet<ProcessId>| -> BTreeSet<ProcessId> {
        let rest: BTreeSet<_> = set.difference(&both).copied().collect();
        if rest.is_empty() { set.clone() } else { rest }
    };
    let (starts, goals) = (without_both(&starts), without_both(&goals));
    let trivial = || {
        let process = *both.first()?;
        let next = None;
        Some(vec![Hop { process, next }])
    };
    if starts == goals {
        return trivial();
    }
    search(map, &starts, &goals).or_else(trivial)
}

/// How a process was reached.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    before: ProcessId,
    /// Index into the ends of all conversations.
    conversation: usize,
    /// Whether the conversation was crossed from client to server.
    from_client: bool,
}

/// Breadth-first search; each conversation is crossed at most once in each direction, so that the
/// time is linear.
///
/// Not petgraph's: edges between processes would be quadratic in the holders of a conversation, its
/// `Bfs` records no predecessors, and `astar` does not define which of several shortest paths it
/// returns.
fn search(
    map: &Map,
    starts: &BTreeSet<ProcessId>,
    goals: &BTreeSet<ProcessId>,
) -> Option<Vec<Hop>> {
    let all: Vec<ConversationEnds> = conversations_and_channels(map).collect();
    let mut of_process: Vec<Vec<u32>> = vec![Vec::new(); map.processes.len()];
    for (index, ends) in all.iter().enumerate() {
        for process in ends.from.iter().chain(&ends.to) {
            of_process[process.index()].push(index as u32);
        }
    }
    let mut crossed = vec![[false; 2]; all.len()];
    let mut arrivals: Vec<Option<Arrival>> = vec![None; map.processes.len()];
    let mut queue: VecDeque<ProcessId> = starts.iter().copied().collect();
    while let Some(process) = queue.pop_front() {
        for index in &of_process[process.index()] {
            let conversation = *index as usize;
            let ends = &all[conversation];
            for (side, (near, far)) in [(&ends.from, &ends.to), (&ends.to, &ends.from)]
                .into_iter()
                .enumerate()
            {
                if crossed[conversation][side] || near.binary_search(&process).is_err() {
                    continue;
                }
                crossed[conversation][side] = true;
                for other in far {
                    let arrival = &mut arrivals[other.index()];
                    if arrival.is_some() || starts.contains(other) {
                        continue;
                    }
                    *arrival = Some(Arrival {
                        before: process,
                        conversation,
                        from_client: side == 0,
                    });
                    if goals.contains(other) {
                        return Some(trace(map, &all, &arrivals, *other));
                    }
                    queue.push_back(*other);
                }
            }
        }
    }
    None
}

/// Follows the arrivals back from a goal.
fn trace(
    map: &Map,
    all: &[ConversationEnds],
    arrivals: &[Option<Arrival>],
    goal: ProcessId,
) -> Vec<Hop> {
    let mut hops = vec![Hop {
        process: goal,
        next: None,
    }];
    let mut process = goal;
    while let Some(arrival) = arrivals[process.index()] {
        let ends = &all[arrival.conversation];
        let direction = direction(map, ends, arrival.from_client);
        hops.push(Hop {
            process: arrival.before,
            next: Some((ends.conversation, direction)),
        });
        process = arrival.before;
    }
    hops.reverse();
    hops
}

fn direction(map: &Map, ends: &ConversationEnds, from_client: bool) -> Direction {
    match (ends.is_directed(map), from_client) {
        (false, _) => Direction::Unknown,
        (true, true) => Direction::Along,
        (true, false) => Direction::Against,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pids and directions of the path, as `1>2<3`.
    fn shown(map: &Map, hops: Option<Vec<Hop>>) -> String {
        let Some(hops) = hops else {
            return "none".to_owned();
        };
        let text = |hop: &Hop| {
            let arrow = match hop.next {
                Some((_, Direction::Along)) => ">",
                Some((_, Direction::Against)) => "<",
                Some((_, Direction::Unknown)) => "=",
                None => "",
            };
            format!("{}{arrow}", map.process(hop.process).pid)
        };
        hops.iter().map(text).collect()
    }

    #[test]
    fn the_shortest_path_in_any_direction() {
        let mut map = Map::with_host();
        let all: Vec<_> = (1..=6).map(|pid| map.add_process(pid, b"x")).collect();
        let socket = map.add_listener(&[all[1]], b"/run/app.sock");
        map.add_connection(&[all[0]], &[all[1]], Some(socket));
        map.add_connection(&[all[2]], &[all[1]], Some(socket));
        map.add_connection(&[all[2]], &[all[3]], None);
        map.add_pipe(&[all[3]], &[all[4]]);
        let shortest = |from: &[usize], to: &[usize]| {
            let ids = |of: &[usize]| of.iter().map(|at| all[*at]).collect::<Vec<_>>();
            shown(&map, path(&map, &ids(from), &ids(to)))
        };
        assert_eq!(shortest(&[0], &[4]), "1>2<3=4>5");
        assert_eq!(shortest(&[4], &[0]), "5<4=3>2<1");
        // The nearest pair of several.
        assert_eq!(shortest(&[0, 2], &[4, 3]), "3=4");
        assert_eq!(shortest(&[0], &[5]), "none");
        assert_eq!(shortest(&[0], &[0]), "1");
        // A process in both sets is an end only if there is no other.
        assert_eq!(shortest(&[0, 1], &[1, 3]), "1>2<3=4");
        assert_eq!(shortest(&[0, 5], &[5]), "6");
        assert_eq!(shortest(&[], &[1]), "none");
    }

    #[test]
    fn holders_of_one_end_are_not_connected_by_it() {
        let mut map = Map::with_host();
        let all: Vec<_> = (1..=3).map(|pid| map.add_process(pid, b"x")).collect();
        map.add_connection(&[all[0], all[1]], &[all[2]], None);
        let shortest = |from: usize, to: usize| shown(&map, path(&map, &[all[from]], &[all[to]]));
        assert_eq!(shortest(0, 1), "1=3=2");
        assert_eq!(shortest(0, 2), "1=3");
    }
}
