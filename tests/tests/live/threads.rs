//! Processes whose threads differ from what `/proc/PID` shows.

use whotalks_tests::{Edge, Kind, World};

/// `/proc/PID/fd` of such a process is empty; its other threads still have the table.
#[test]
fn the_main_thread_has_left() {
    let world = World::new();
    let actor = world.actor_with(&[], &["--leave-main"]);
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", actor.pid())).unwrap();
    assert!(stat.contains(") Z "), "the leader is no zombie: {stat}");
    let (a, b) = actor.pair(Kind::Stream);
    world.capture().is_exactly(&[Edge::pair(&a, &b)]);
}

#[test]
fn a_thread_with_a_table_of_its_own() {
    let world = World::new();
    let actor = world.actor();
    let shared = actor.pair(Kind::Stream);
    let private = actor.private_table();
    world.capture().is_exactly(&[
        Edge::pair(&shared.0, &shared.1),
        Edge::pair(&private.0, &private.1),
    ]);
}
