//! The processes that one selector on the command line means, and names near it.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use whotalks::graph;
use whotalks::model::{Map, ProcessId, SocketState};
use whotalks::query::{Selector, SelectorSet, matching_processes, matching_sockets};
use whotalks::text::escape;

/// The processes that match.
///
/// # Errors
/// When it is no selector; that nothing matches is no error.
pub(super) fn processes(map: &Map, selector: &str) -> Result<Vec<ProcessId>> {
    let parsed: Selector = selector.parse().map_err(|error| anyhow!("{error}"))?;
    let found = matching_processes(map, &SelectorSet::new(vec![parsed]));
    let chosen = found.iter().enumerate().filter(|(_, matches)| **matches);
    Ok(chosen.map(|(at, _)| ProcessId::new(at)).collect())
}

/// Says on standard error when a selector means nobody and nothing, with names that are near.
pub(super) fn say_unmatched(map: &Map, selector: &str) -> Result<()> {
    let parsed: Selector = selector.parse().map_err(|error| anyhow!("{error}"))?;
    let selection = SelectorSet::new(vec![parsed]);
    let sockets = selection.has_socket_kinds() && matching_sockets(map, &selection).contains(&true);
    if sockets || matching_processes(map, &selection).contains(&true) {
        return Ok(());
    }
    let near = match near(map, selector) {
        near if near.is_empty() => String::new(),
        near => format!(", near: {}", near.join(", ")),
    };
    let selector = escape::display(selector.as_bytes());
    eprintln!("whotalks: {selector}: nothing matches{near}");
    Ok(())
}

/// The names that are most like a selector that matched nothing; at most five.
pub(super) fn near(map: &Map, selector: &str) -> Vec<String> {
    let word = selector.split_once(':').map_or(selector, |(_, word)| word);
    let processes = map.processes.iter();
    let units = processes
        .clone()
        .filter_map(|process| process.unit.as_deref());
    let containers = processes
        .clone()
        .filter_map(|process| process.container.as_ref());
    let containers = containers.filter_map(|container| container.name.as_deref());
    let listening = map
        .sockets
        .iter()
        .filter(|one| one.state == SocketState::Listening);
    let names = listening.filter_map(|socket| socket.name.as_ref());
    let users = processes
        .clone()
        .filter_map(|process| process.user.as_deref());
    // Of many names that are the same one is enough.
    let all: BTreeSet<String> = processes
        .map(graph::program)
        .chain(
            units
                .chain(containers)
                .map(|name| escape::display(name.as_bytes())),
        )
        .chain(users.map(escape::display))
        .chain(names.map(|name| escape::name(name.bytes())))
        .collect();
    nearest(word, all.into_iter())
}

/// Of names, the five most like a word as a whole or in one of their own words, nearest first.
pub(super) fn nearest(word: &str, names: impl Iterator<Item = String>) -> Vec<String> {
    let allowed = 1 + word.chars().count() / 3;
    let mut near: Vec<(usize, String)> = names
        .map(|name| {
            let parts = name.split(|c: char| !c.is_alphanumeric());
            let part = parts.map(|part| distance(word, part)).min();
            (distance(word, &name).min(part.unwrap_or(usize::MAX)), name)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().map(|(_, name)| name).take(5).collect()
}

/// Letters to insert, remove or change to make one name of the other, in any case.
fn distance(one: &str, two: &str) -> usize {
    let (one, two) = (one.to_lowercase(), two.to_lowercase());
    let mut row: Vec<usize> = (0..=two.chars().count()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in two.chars().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_come_nearest_first() {
        let check =
            |word: &str, names: &[&str]| nearest(word, names.iter().map(|name| (*name).to_owned()));
        assert_eq!(
            check("ngnix", &["nginx", "inx", "postgres", "a-nginx"]),
            ["a-nginx", "nginx"]
        );
        assert_eq!(
            check("postgers", &["postgres-main", "nginx"]),
            ["postgres-main"]
        );
    }
}
