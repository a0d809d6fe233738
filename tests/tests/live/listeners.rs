//! Listeners, and the connections accepted from them.

use whotalks_tests::environment::{skip, works};
use whotalks_tests::{Actor, Address, Edge, Kind, World};

/// Two clients, one of them accepted by a child that inherited the listener.
fn accepted_clients(world: &World, address: &Address, kind: Kind, name_kind: &str) {
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(address, kind, 8);
    let worker = world.heir(&server, &[listener.fd]);
    let first = client.connect(&listener, kind);
    let first_accepted = server.accept(&listener);
    let second = client.connect(&listener, kind);
    let second_accepted = worker.accept(&listener);
    let map = world.capture();
    map.is_exactly(&[
        Edge::accepted(&first, &first_accepted, &listener),
        Edge::accepted(&second, &second_accepted, &listener),
    ]);
    map.has(&listener, "state", "listening");
    map.has(&listener, "type", kind.word());
    map.has(&listener, "backlog", 8);
    map.has(&listener, "pending", 0);
    map.has(&listener, "accepting", true);
    for named in [&listener, &first_accepted] {
        let name = &map.socket(named)["name"];
        assert_eq!(name["kind"], name_kind);
        assert_eq!(name["hex"], hex(&address.bytes()));
    }
    map.has(&first, "name", None::<String>);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn accepted_over_a_path() {
    for kind in [Kind::Stream, Kind::Seqpacket] {
        let world = World::new();
        accepted_clients(&world, &world.path("app.sock"), kind, "path");
    }
}

#[test]
fn accepted_over_an_abstract_name() {
    for kind in [Kind::Stream, Kind::Seqpacket] {
        let world = World::new();
        accepted_clients(&world, &world.abstract_name("app"), kind, "abstract");
    }
}

/// As in inetd and sshd: the process that serves a connection no longer holds the listener.
#[test]
fn the_serving_process_need_not_hold_the_listener() {
    for named in [false, true] {
        let world = World::new();
        let address = match named {
            true => world.path("app.sock"),
            false => world.abstract_name("app"),
        };
        let (server, client) = (world.actor(), world.actor());
        let listener = server.listen(&address, Kind::Stream, 8);
        // The listener must be the older one by its inode too, which two processors may undo.
        let (connected, accepted) = loop {
            let connected = client.connect(&listener, Kind::Stream);
            let accepted = server.accept(&listener);
            if accepted.inode > listener.inode {
                break (connected, accepted);
            }
            client.close(&connected);
            server.close(&accepted);
        };
        world.heir(&server, &[accepted.fd]);
        server.close(&accepted);
        let map = world.capture();
        map.is_exactly(&[Edge::accepted(&connected, &accepted, &listener)]);
    }
}

/// Moves a process to a processor.
fn pin(actor: &Actor, cpu: usize) -> bool {
    let (cpu, pid) = (cpu.to_string(), actor.pid().to_string());
    works(&["taskset", "-p", "-c", &cpu, &pid])
}

/// Each processor numbers sockets from a range of its own, so a listener's inode can be higher than
/// that of an accepted socket. The file it is bound to proves its listener nevertheless.
#[test]
fn a_listener_may_have_the_higher_inode() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    if !(pin(&server, 1) && pin(&server, 0)) {
        return skip("there are no two processors to choose from");
    }
    // Again where a range came to its end just then.
    for attempt in 0.. {
        let inodes = [0, 1].map(|cpu| {
            assert!(pin(&server, cpu));
            let (a, b) = server.pair(Kind::Stream);
            server.close(&b);
            server.close(&a);
            a.inode
        });
        let higher = usize::from(inodes[1] > inodes[0]);
        assert!(pin(&server, higher));
        let address = world.path(format!("app{attempt}.sock"));
        let listener = server.listen(&address, Kind::Stream, 4);
        assert!(pin(&server, 1 - higher));
        let worker = world.heir(&server, &[listener.fd]);
        let connected = client.connect(&listener, Kind::Stream);
        let accepted = worker.accept(&listener);
        worker.close(&listener);
        if accepted.inode < listener.inode {
            let map = world.capture();
            return map.is_exactly(&[Edge::accepted(&connected, &accepted, &listener)]);
        }
        client.close(&connected);
        worker.close(&accepted);
        server.close(&listener);
    }
}

#[test]
fn a_process_that_talks_to_itself() {
    let world = World::new();
    let actor = world.actor();
    let listener = actor.listen(&world.path("self.sock"), Kind::Stream, 1);
    let client = actor.connect(&listener, Kind::Stream);
    let accepted = actor.accept(&listener);
    world
        .capture()
        .is_exactly(&[Edge::accepted(&client, &accepted, &listener)]);
}

#[test]
fn a_client_with_a_name_of_its_own_is_still_the_client() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("server.sock"), Kind::Stream, 1);
    let named = client.bound(&world.path("client.sock"), Kind::Stream);
    client.connect_to(&named, listener.address.as_ref().unwrap());
    let accepted = server.accept(&listener);
    world
        .capture()
        .is_exactly(&[Edge::accepted(&named, &accepted, &listener)]);
}

/// One abstract name is three names: one for each type.
#[test]
fn one_abstract_name_in_three_types() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let name = world.abstract_name("thrice");
    let stream = server.listen(&name, Kind::Stream, 4);
    let seqpacket = server.listen(&name, Kind::Seqpacket, 4);
    let datagram = server.bound(&name, Kind::Datagram);
    let to_stream = client.connect(&stream, Kind::Stream);
    let from_stream = server.accept(&stream);
    let to_seqpacket = client.connect(&seqpacket, Kind::Seqpacket);
    let from_seqpacket = server.accept(&seqpacket);
    let to_datagram = client.connect(&datagram, Kind::Datagram);
    world.capture().is_exactly(&[
        Edge::accepted(&to_stream, &from_stream, &stream),
        Edge::accepted(&to_seqpacket, &from_seqpacket, &seqpacket),
        Edge::one_way(&to_datagram, &datagram),
    ]);
}

#[test]
fn a_listener_that_was_shut_down_accepts_no_more() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("closed.sock"), Kind::Stream, 4);
    let served = client.connect(&listener, Kind::Stream);
    let accepted = server.accept(&listener);
    let queued = client.connect(&listener, Kind::Stream);
    server.shutdown(&listener);
    let map = world.capture();
    map.is_exactly(&[
        Edge::accepted(&served, &accepted, &listener),
        Edge::pending(&queued, &listener),
    ]);
    map.has(&listener, "state", "listening");
    map.has(&listener, "accepting", false);
    map.has(&listener, "pending", 1);
}

#[test]
fn a_closed_listener_has_no_holder() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let mut edges = Vec::new();
    for address in [world.path("gone.sock"), world.abstract_name("gone")] {
        let listener = server.listen(&address, Kind::Stream, 1);
        let connected = client.connect(&listener, Kind::Stream);
        edges.push(Edge::pair(&connected, &server.accept(&listener)));
        server.close(&listener);
    }
    world.capture().is_exactly(&edges);
}
