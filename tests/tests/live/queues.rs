//! Clients waiting to be accepted, and clients waiting for a place in the queue.

use whotalks_tests::environment::{needs_namespaces, say, skip, works};
use whotalks_tests::{Edge, Kind, World};

#[test]
fn a_pending_client() {
    for kind in [Kind::Stream, Kind::Seqpacket] {
        let world = World::new();
        let (server, client) = (world.actor(), world.actor());
        let path = server.listen(&world.path("busy.sock"), kind, 3);
        let name = server.listen(&world.abstract_name("busy"), kind, 5);
        let waiting = [&path, &path, &name].map(|to| (client.connect(to, kind), to));
        let map = world.capture();
        map.is_exactly(
            &waiting
                .each_ref()
                .map(|(client, to)| Edge::pending(client, to)),
        );
        map.has(&path, "pending", 2);
        map.has(&path, "backlog", 3);
        map.has(&name, "pending", 1);
        map.has(&name, "backlog", 5);
        map.has(&waiting[0].0, "state", "pending");
    }
}

/// It has no peer and is in no queue: only the call of its blocked thread shows the address.
#[test]
fn a_client_blocked_on_a_full_backlog_has_no_edge() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("full.sock"), Kind::Stream, 1);
    // The kernel admits one more than the backlog.
    let queued = [(); 2].map(|()| client.connect(&listener, Kind::Stream));
    let blocked = client.connect_blocked(&listener, Kind::Stream);
    let map = world.capture();
    map.is_exactly(
        &queued
            .each_ref()
            .map(|client| Edge::pending(client, &listener)),
    );
    map.has(&listener, "pending", 2);
    map.has(&listener, "backlog", 1);
    let state = &map.socket(&blocked)["state"];
    assert!(state == "unconnected" || state == "connecting", "{state}");
}

#[test]
fn a_pending_client_that_has_gone_leaves_no_edge() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("left.sock"), Kind::Stream, 4);
    let gone = client.connect(&listener, Kind::Stream);
    let waiting = client.connect(&listener, Kind::Stream);
    client.close(&gone);
    let map = world.capture();
    map.is_exactly(&[Edge::pending(&waiting, &listener)]);
    map.has(&listener, "pending", 2);
}

/// With its list of pending clients in one message, such a listener ends a dump before its time.
#[test]
fn a_long_queue_hides_nothing() {
    const CLIENTS: u32 = 1500;
    let limit = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    if limit.trim().parse::<u32>().unwrap() < CLIENTS {
        return skip("net.core.somaxconn is below 1,500");
    }
    let world = World::new();
    let server = world.actor();
    let before = server.pair(Kind::Stream);
    let listener = server.listen(
        &world.path("long.sock"),
        Kind::Stream,
        CLIENTS.cast_signed(),
    );
    // Not more for each process than the smallest usual limit of descriptors allows.
    let crowds = [(); 5].map(|()| world.actor());
    let crowd = crowds.iter();
    let waiting: Vec<_> = crowd
        .flat_map(|crowd| crowd.connect_many(&listener, Kind::Stream, CLIENTS / 5))
        .collect();
    let after = server.pair(Kind::Stream);
    let map = world.capture();
    let mut edges: Vec<_> = waiting
        .iter()
        .map(|client| Edge::pending(client, &listener))
        .collect();
    edges.extend([before, after].map(|(a, b)| Edge::pair(&a, &b)));
    map.is_exactly(&edges);
    map.has(&listener, "pending", CLIENTS);
}

/// The kernel cannot even tell who waits in such a queue: that is not known, and nothing else is
/// lost with it.
#[test]
fn nine_thousand_pending_clients_hide_no_other_socket() {
    const CLIENTS: u32 = 9_000;
    // Not more for each process than the smallest usual limit of descriptors allows.
    const CROWDS: u32 = 10;
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    // The limit belongs to the network namespace, so that no other one is changed.
    let raised = r#"echo 10000 > /proc/sys/net/core/somaxconn; exec "$@""#;
    let server = world.actor_with(&["unshare", "-n", "sh", "-c", raised, "sh"], &[]);
    let pid = server.pid().to_string();
    let beside: &[&str] = &["nsenter", "-n", "-t", &pid];
    let limit = [
        beside,
        &["grep", "-q", "10000", "/proc/sys/net/core/somaxconn"],
    ]
    .concat();
    if !works(&limit) {
        return say("net.core.somaxconn cannot be raised in a user namespace of this kernel");
    }
    let before = server.pair(Kind::Stream);
    let path = world.path("crowded.sock");
    let listener = server.listen(&path, Kind::Stream, CLIENTS.cast_signed());
    let other = server.listen(&world.path("other.sock"), Kind::Stream, 4);
    let crowds: Vec<_> = (0..CROWDS).map(|_| world.actor_with(beside, &[])).collect();
    let waiting: Vec<_> = crowds
        .iter()
        .flat_map(|crowd| crowd.connect_many(&listener, Kind::Stream, CLIENTS / CROWDS))
        .collect();
    let client = world.actor_with(beside, &[]);
    let served = client.connect(&other, Kind::Stream);
    let accepted = server.accept(&other);
    let late = client.connect(&other, Kind::Stream);
    let after = server.pair(Kind::Stream);
    let map = world.capture();
    map.has(&listener, "pending", CLIENTS);
    for client in &waiting {
        let holders = map.socket(client)["holders"].as_array().map(Vec::len);
        assert_eq!(holders, Some(1), "{client:?}");
    }
    for (one, two) in [before, after, (served, accepted)] {
        let id = one.id();
        let all: Vec<_> = map.connections_of(&id).collect();
        assert_eq!(all.len(), 1, "{all:?}");
        let ends = [&all[0]["a"], &all[0]["b"]];
        assert!(ends.iter().any(|end| **end == two.id()), "{all:?}");
        assert_eq!(all[0]["state"], "established");
    }
    let id = late.id();
    let pending: Vec<_> = map.connections_of(&id).collect();
    assert_eq!(pending.len(), 1);
    assert_eq!(
        (&pending[0]["state"], &pending[0]["listener"]),
        (&"pending".into(), &other.id().into())
    );
    // No client of the crowd waits elsewhere in the map.
    for client in &waiting {
        for connection in map.connections_of(&client.id()) {
            let listener_id = &connection["listener"];
            assert!(
                listener_id.is_null() || *listener_id == listener.id(),
                "{connection}"
            );
        }
    }
}
