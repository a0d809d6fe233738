//! Names similar to a selector that matches nothing.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use whotalks::graph;
use whotalks::model::{Map, SocketState};
use whotalks::query::{SelectorSet, matching_processes, matching_sockets};
use whotalks::text::escape;

use super::outcome::NothingFound;
use crate::cli::{FilterArgs, parse_selectors};
use crate::messages::message;

/// Names that are suggested.
const MAX_NAMES: usize = 5;

/// What to say if the selectors of a command match nothing.
#[derive(Debug, Default)]
pub(super) struct Unmatched {
    /// The selectors, which may be misspelled, and names that are similar.
    text: String,
    /// The first of them that may have been meant as a file.
    path: Option<String>,
}

/// Nothing matches; `unmatched` is from [`similar_names`].
pub(super) fn no_match(unmatched: &Unmatched) -> anyhow::Error {
    match &unmatched.path {
        Some(path) => anyhow!("{path}: no such file, and nothing in the snapshot has this path"),
        None => NothingFound(format!("nothing matches{}", unmatched.text)).into(),
    }
}

/// The selectors of a command, and names that are similar.
pub(super) fn similar_names(map: &Map, selection: &FilterArgs) -> Unmatched {
    let selectors = selection.all_selectors();
    let similar = selectors.iter().flat_map(|one| similar_to(map, one));
    let similar: Vec<String> = similar.take(MAX_NAMES).collect();
    let near = match &similar[..] {
        [] => String::new(),
        names => format!(" (near: {})", names.join(", ")),
    };
    let mut words = selection.selectors().into_iter();
    let is_missing = |word: &String| {
        let selectors = parse_selectors([word]);
        word.starts_with('/') && selectors.is_ok_and(|selectors| !matches_any(map, &selectors))
    };
    let path = words.find(is_missing);
    Unmatched {
        text: format!(" {}{near}", escape::display(selectors.join(" ").as_bytes())),
        path: path.map(|path| escape::display(path.as_bytes())),
    }
}

/// Prints that a selector matches nothing, if so, with similar names.
pub(super) fn report_unmatched(map: &Map, selector: &str) -> Result<()> {
    let selectors = parse_selectors([selector])?;
    if matches_any(map, &selectors) {
        return Ok(());
    }
    let similar = suggestion(&similar_to(map, selector));
    message!(
        "{}: nothing matches{similar}",
        escape::display(selector.as_bytes())
    );
    Ok(())
}

/// Whether anything matches.
fn matches_any(map: &Map, selectors: &SelectorSet) -> bool {
    selectors.has_socket_kinds() && matching_sockets(map, selectors).contains(&true)
        || matching_processes(map, selectors).contains(&true)
}

/// `, near: a, b`; empty without names.
pub(super) fn suggestion(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!(", near: {}", names.join(", ")),
    }
}

/// Names of the map that are similar to a selector's pattern.
fn similar_to(map: &Map, selector: &str) -> Vec<String> {
    let word = selector.split_once(':').map_or(selector, |(_, word)| word);
    let processes = || map.processes.iter();
    let containers = processes().filter_map(|process| process.container.as_ref());
    let containers = containers.filter_map(|container| container.name.as_deref());
    let units = processes().filter_map(|process| process.unit.as_deref());
    let users = processes().filter_map(|process| process.user.as_deref());
    let sockets = map.sockets.iter();
    let listening = sockets.filter(|socket| socket.state == SocketState::Listening);
    let names = listening.filter_map(|socket| socket.name.as_ref());
    let texts = units.chain(containers).map(str::as_bytes).chain(users);
    let all: BTreeSet<String> = processes()
        .map(graph::program)
        .chain(texts.map(escape::display))
        .chain(names.map(|name| escape::name(name.bytes())))
        .collect();
    similar(word, all.into_iter())
}

/// The names most similar to a word, as a whole or in one of their own words, best first.
pub(super) fn similar(word: &str, names: impl Iterator<Item = String>) -> Vec<String> {
    let allowed = 1 + word.chars().count() / 3;
    let mut similar: Vec<(usize, String)> = names
        .map(|name| {
            let parts = name.split(|c: char| !c.is_alphanumeric());
            let part = parts.map(|part| distance(word, part)).min();
            (distance(word, &name).min(part.unwrap_or(usize::MAX)), name)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .collect();
    similar.sort();
    similar.dedup();
    let names = similar.into_iter().map(|(_, name)| name);
    names.take(MAX_NAMES).collect()
}

/// Levenshtein distance, ignoring case.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.chars().enumerate() {
            let changed = diagonal + usize::from(from != to);
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
    fn the_most_similar_name_is_first() {
        let check =
            |word: &str, names: &[&str]| similar(word, names.iter().map(|name| (*name).to_owned()));
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
