//! A machine that changes during the capture: stable sockets are exact, and no edge is false.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use whotalks_tests::environment::say;
use whotalks_tests::programs::programs;
use whotalks_tests::{Edge, Kind, World};

fn inode(id: &Value) -> Option<u64> {
    id.as_str()?.strip_prefix("h0/s")?.parse().ok()
}

#[test]
fn no_false_edge_while_everything_changes() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("stable.sock"), Kind::Stream, 4);
    let connected = client.connect(&listener, Kind::Stream);
    let accepted = server.accept(&listener);
    let restless = world.restless_actor();
    restless.churn(&world.abstract_name("churn"));
    std::thread::sleep(Duration::from_millis(100));
    let maps = [(); 3].map(|()| world.capture());
    let churned = restless.churn_end();
    assert!(
        churned.processes > 20,
        "{} processes came and went",
        churned.processes
    );
    assert!(
        churned.pairs.len() > 1_000,
        "{} pairs came and went",
        churned.pairs.len()
    );

    let both_ways = churned.pairs.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]);
    let peers: HashSet<(u64, u64)> = both_ways.collect();
    let holders: HashMap<u64, u32> = churned.holders.iter().copied().collect();
    let children: HashSet<u32> = holders.values().copied().collect();
    let mut seen = 0;
    for map in &maps {
        map.is_exactly(&[Edge::accepted(&connected, &accepted, &listener)]);
        for edge in map.rows("connections") {
            let ends = (inode(&edge["a"]), inode(&edge["b"]));
            let (Some(a), Some(b)) = ends else { continue };
            if holders.contains_key(&a) || holders.contains_key(&b) {
                assert!(peers.contains(&(a, b)), "this pair never was: {edge:#}");
                seen += 1;
            }
        }
        for socket in map.rows("sockets") {
            let Some(owner) = socket["inode"]
                .as_u64()
                .and_then(|inode| holders.get(&inode))
            else {
                continue;
            };
            for holder in socket["holders"].as_array().unwrap() {
                let process = holder["process"].as_str().unwrap();
                let pid: u32 = process.strip_prefix("h0/p").unwrap().parse().unwrap();
                // Between fork and exec a child holds whatever its parent does.
                let forked = *owner == restless.pid() && children.contains(&pid);
                assert!(pid == *owner || forked, "not held by {process}: {socket:#}");
            }
        }
    }
    assert!(
        seen > 0,
        "the churn left no trace in the maps: this test proves nothing"
    );
}

/// A process that forks clients of its own as fast as it can.
fn storm(world: &World, name: &str) -> Child {
    let name: String = world.abstract_name(name).bytes()[1..]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Command::new(&programs().actor)
        .args(["--storm", &name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// How many there were.
fn calm(mut storm: Child) -> u64 {
    drop(storm.stdin.take());
    let mut said = String::new();
    storm
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(storm.wait().unwrap().success());
    said.trim().parse().unwrap()
}

/// Thousands of short-lived processes connect per second: every capture succeeds, and the stable
/// is exact in each.
#[test]
fn a_storm_of_processes_leaves_the_rest_exact() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("stable.sock"), Kind::Stream, 4);
    let connected = client.connect(&listener, Kind::Stream);
    let accepted = server.accept(&listener);
    let (one, other) = client.pair(Kind::Stream);
    let begun = Instant::now();
    let storms = ["first", "second"].map(|name| storm(&world, name));
    std::thread::sleep(Duration::from_millis(100));
    for _ in 0..10 {
        world.capture().is_exactly(&[
            Edge::accepted(&connected, &accepted, &listener),
            Edge::pair(&one, &other),
        ]);
    }
    let took = begun.elapsed();
    let each = storms.map(calm);
    let count: u64 = each.iter().sum();
    let rate = count as f64 / took.as_secs_f64();
    say(&format!("{count} forks and connects, {rate:.0} a second"));
    assert!(each.iter().all(|count| *count > 100), "no storm: {each:?}");
}
