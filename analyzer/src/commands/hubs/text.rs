//! Text output of `hubs`.

use std::io::Write;

use anyhow::Result;
use whotalks::graph::program;
use whotalks::query::{Hub, outside_hubs};

use super::ranking::Ranking;
use crate::commands::coverage::{hidden_logs, is_complete, unreadable};
use crate::terminal::{self, color, plural};

pub(super) fn write(out: &mut dyn Write, ranking: &Ranking<'_>) -> Result<()> {
    let hubs = ranking.hubs.iter().map(|hub| {
        let listeners = ranking.listener_names(hub).join(" ");
        (hub.peers, hub.connections, label(ranking, hub), listeners)
    });
    // Addresses outside are no processes, but may have many peers.
    let outside = outside_hubs(ranking.map).into_iter().map(|outside| {
        let name = format!("(outside) {}", outside.address);
        (outside.peers, outside.connections, name, String::new())
    });
    let mut all: Vec<(usize, usize, String, String)> = hubs.chain(outside).collect();
    all.sort_by_key(|(peers, connections, ..)| std::cmp::Reverse((*peers, *connections)));
    let rows: Vec<Vec<String>> = all
        .into_iter()
        .map(|(peers, connections, name, listeners)| {
            vec![peers.to_string(), connections.to_string(), name, listeners]
        })
        .collect();
    let subject = match ranking.is_by_process() {
        true => "PROCESS",
        false => "GROUP",
    };
    let heading = format!("PEERS>|CONNS>|{subject}|LISTENS");
    terminal::print(out, &heading, &rows)?;
    let footer = [Some(footer(ranking)), hidden_logs(&ranking.map.hidden_logs)];
    let footer: Vec<String> = footer.into_iter().flatten().collect();
    Ok(writeln!(out, "{}", footer.join(" "))?)
}

/// `nginx [812]`, `nginx ×3`
fn label(ranking: &Ranking<'_>, hub: &Hub) -> String {
    let process = ranking.map.process(hub.process);
    let name = ranking.name(hub).text;
    match ranking.members(hub) {
        None => format!("{} [{}]", program(process), process.pid),
        Some(1) => name,
        Some(members) => format!("{name} ×{members}"),
    }
}

/// How many rows there are, and how far the ranks can be trusted.
fn footer(ranking: &Ranking<'_>) -> String {
    let map = ranking.map;
    let exact = match unreadable(map) {
        None if is_complete(map) => "All readable: ranks exact.".to_owned(),
        None => "Coverage is incomplete (whotalks info): ranks are lower bounds.".to_owned(),
        Some(unread) => format!("{} Ranks are lower bounds.", color::warning(&unread)),
    };
    let count = ranking.hubs.len();
    if map.restricted {
        // The other processes of the capture were not counted.
        let selected = match ranking.is_by_process() {
            true => plural(count, "process", "processes"),
            false => plural(count, "group", "groups"),
        };
        return format!("{selected} selected. {exact}");
    }
    let talking = match ranking.is_by_process() {
        true => plural(count, "process talks", "processes talk"),
        false => plural(count, "group talks", "groups talk"),
    };
    let silent = map.processes.len() - count;
    let not = if silent == 1 { "doesn't" } else { "don't" };
    format!("{talking}, {silent} {not}. {exact}")
}
