//! How one process reaches another: the shortest way over connections and pipes.

use std::collections::{BTreeSet, VecDeque};

use crate::graph::{Conversation, ConversationEnds, conversations};
use crate::model::{ConnectionState, Map, ProcessId};

/// One process on the way, and the conversation by which it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop {
    /// The process.
    pub process: ProcessId,
    /// What leads to the next process; `None`: this is the last.
    pub next: Option<(Conversation, Direction)>,
}

/// Which way a conversation is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From client to server, from writer to reader.
    Along,
    /// From server to client, from reader to writer.
    Against,
    /// Neither end is known to have begun it.
    Even,
}

/// The shortest way from one of `from` to one of `to`, whoever began each conversation; the first
/// in the map's order where several are as short. `None`: there is none.
///
/// Who is in both is an end of the way only where nothing else is. Those who hold the same end of a
/// conversation do not talk over it. A client that waits to be accepted counts as talking.
pub fn path(map: &Map, from: &[ProcessId], to: &[ProcessId]) -> Option<Vec<Hop>> {
    let (starts, goals): (BTreeSet<_>, BTreeSet<_>) =
        (from.iter().copied().collect(), to.iter().copied().collect());
    let both: BTreeSet<_> = starts.intersection(&goals).copied().collect();
    let only = |set: &BTreeSet<ProcessId>| -> BTreeSet<ProcessId> {
        let rest: BTreeSet<_> = set.difference(&both).copied().collect();
        if rest.is_empty() { set.clone() } else { rest }
    };
    let (starts, goals) = (only(&starts), only(&goals));
    let same = || {
        let process = *both.first()?;
        let next = None;
        Some(vec![Hop { process, next }])
    };
    if starts == goals {
        return same();
    }
    search(map, &starts, &goals).or_else(same)
}

/// Breadth first; each conversation is crossed at most once each way, so that the time is linear.
fn search(
    map: &Map,
    starts: &BTreeSet<ProcessId>,
    goals: &BTreeSet<ProcessId>,
) -> Option<Vec<Hop>> {
    let talks: Vec<ConversationEnds> = conversations(map).collect();
    let mut of_process: Vec<Vec<u32>> = vec![Vec::new(); map.processes.len()];
    for (at, ends) in talks.iter().enumerate() {
        for process in ends.from.iter().chain(&ends.to) {
            of_process[process.index()].push(at as u32);
        }
    }
    let mut crossed = vec![[false; 2]; talks.len()];
    // How each process was reached: from whom, by which conversation, from which side of it.
    let mut reached: Vec<Option<(ProcessId, usize, bool)>> = vec![None; map.processes.len()];
    let mut queue: VecDeque<ProcessId> = starts.iter().copied().collect();
    while let Some(process) = queue.pop_front() {
        for at in &of_process[process.index()] {
            let at = *at as usize;
            let ends = &talks[at];
            for (side, (own, others)) in [(&ends.from, &ends.to), (&ends.to, &ends.from)]
                .into_iter()
                .enumerate()
            {
                if crossed[at][side] || own.binary_search(&process).is_err() {
                    continue;
                }
                crossed[at][side] = true;
                for other in others {
                    let slot = &mut reached[other.index()];
                    if slot.is_some() || starts.contains(other) {
                        continue;
                    }
                    *slot = Some((process, at, side == 0));
                    if goals.contains(other) {
                        return Some(trace(map, &talks, &reached, *other));
                    }
                    queue.push_back(*other);
                }
            }
        }
    }
    None
}

/// The way back from a goal, turned round.
fn trace(
    map: &Map,
    talks: &[ConversationEnds],
    reached: &[Option<(ProcessId, usize, bool)>],
    goal: ProcessId,
) -> Vec<Hop> {
    let mut hops = vec![Hop {
        process: goal,
        next: None,
    }];
    let mut at = goal;
    while let Some((before, talk, along)) = reached[at.index()] {
        let talk = talks[talk].talk;
        hops.push(Hop {
            process: before,
            next: Some((talk, direction(map, talk, along))),
        });
        at = before;
    }
    hops.reverse();
    hops
}

fn direction(map: &Map, talk: Conversation, along: bool) -> Direction {
    let known = match talk {
        Conversation::Pipe(_) => true,
        Conversation::Connection(at) => {
            let connection = &map.connections[at];
            connection.listener.is_some() || connection.state == ConnectionState::OneWay
        }
    };
    match (known, along) {
        (false, _) => Direction::Even,
        (true, true) => Direction::Along,
        (true, false) => Direction::Against,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pids and directions of the way, as `1>2<3`.
    fn shown(map: &Map, hops: Option<Vec<Hop>>) -> String {
        let Some(hops) = hops else {
            return "none".to_owned();
        };
        let one = |hop: &Hop| {
            let arrow = match hop.next {
                Some((_, Direction::Along)) => ">",
                Some((_, Direction::Against)) => "<",
                Some((_, Direction::Even)) => "=",
                None => "",
            };
            format!("{}{arrow}", map.process(hop.process).pid)
        };
        hops.iter().map(one).collect()
    }

    #[test]
    fn the_shortest_way_whoever_began() {
        let mut map = Map::with_host();
        let all: Vec<_> = (1..=6).map(|pid| map.add_process(pid, b"x")).collect();
        let socket = map.add_listener(&[all[1]], b"/run/app.sock");
        map.add_connection(&[all[0]], &[all[1]], Some(socket));
        map.add_connection(&[all[2]], &[all[1]], Some(socket));
        map.add_connection(&[all[2]], &[all[3]], None);
        map.add_pipe(&[all[3]], &[all[4]]);
        let way = |from: &[usize], to: &[usize]| {
            let ids = |of: &[usize]| of.iter().map(|at| all[*at]).collect::<Vec<_>>();
            shown(&map, path(&map, &ids(from), &ids(to)))
        };
        assert_eq!(way(&[0], &[4]), "1>2<3=4>5");
        assert_eq!(way(&[4], &[0]), "5<4=3>2<1");
        // The nearest pair of several.
        assert_eq!(way(&[0, 2], &[4, 3]), "3=4");
        assert_eq!(way(&[0], &[5]), "none");
        assert_eq!(way(&[0], &[0]), "1");
        // Who is in both is an end only where nothing else is.
        assert_eq!(way(&[0, 1], &[1, 3]), "1>2<3=4");
        assert_eq!(way(&[0, 5], &[5]), "6");
        assert_eq!(way(&[], &[1]), "none");
    }

    #[test]
    fn holders_of_one_end_do_not_talk_over_it() {
        let mut map = Map::with_host();
        let all: Vec<_> = (1..=3).map(|pid| map.add_process(pid, b"x")).collect();
        map.add_connection(&[all[0], all[1]], &[all[2]], None);
        let way = |from: usize, to: usize| shown(&map, path(&map, &[all[from]], &[all[to]]));
        assert_eq!(way(0, 1), "1=3=2");
        assert_eq!(way(0, 2), "1=3");
    }
}
