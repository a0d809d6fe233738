//! Connections across network and mount namespaces.

use whotalks_tests::environment::needs_namespaces;
use whotalks_tests::world::namespace;
use whotalks_tests::{Actor, Edge, Kind, World};

const OTHER_NETWORK: &[&str] = &["unshare", "-n"];

fn netns(actor: &Actor) -> u64 {
    namespace(actor.pid(), "net").unwrap()
}

/// The server's end of a connection lives where its client lives.
#[test]
fn a_client_in_another_network_across_a_path() {
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let (server, client) = (world.actor(), world.actor_with(OTHER_NETWORK, &[]));
    assert_ne!(netns(&server), netns(&client));
    let listener = server.listen(&world.path("host.sock"), Kind::Stream, 4);
    let served = client.connect(&listener, Kind::Stream);
    let accepted = server.accept(&listener);
    let waiting = client.connect(&listener, Kind::Stream);
    let map = world.capture();
    map.is_exactly(&[
        Edge::accepted(&served, &accepted, &listener),
        Edge::pending(&waiting, &listener),
    ]);
    map.has(&listener, "netns", netns(&server));
    map.has(&served, "netns", netns(&client));
    map.has(&accepted, "netns", netns(&client));
    map.has(&listener, "pending", 1);
}

/// A descriptor can be all that keeps a namespace: a server that outlives its client's network.
#[test]
fn a_receiver_in_another_network_across_a_path() {
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let (inside, outside) = (world.actor_with(OTHER_NETWORK, &[]), world.actor());
    let receiver = inside.bound(&world.path("log"), Kind::Datagram);
    let near = inside.connect(&receiver, Kind::Datagram);
    let far = outside.connect(&receiver, Kind::Datagram);
    world.capture().is_exactly(&[
        Edge::one_way(&near, &receiver),
        Edge::one_way(&far, &receiver),
    ]);
}

/// Abstract names belong to their network: the same one twice is two.
#[test]
fn one_abstract_name_in_two_networks() {
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let name = world.abstract_name("app");
    let mut edges = Vec::new();
    for wrapper in [&[], OTHER_NETWORK] {
        let server = world.actor_with(wrapper, &[]);
        let pid = server.pid().to_string();
        // A client beside its server.
        let client = match wrapper {
            [] => world.actor(),
            _ => world.actor_with(&["nsenter", "-n", "-t", &pid], &[]),
        };
        assert_eq!(netns(&server), netns(&client));
        let listener = server.listen(&name, Kind::Stream, 4);
        let connected = client.connect(&listener, Kind::Stream);
        edges.push(Edge::accepted(
            &connected,
            &server.accept(&listener),
            &listener,
        ));
        edges.push(Edge::pending(
            &client.connect(&listener, Kind::Stream),
            &listener,
        ));
    }
    world.capture().is_exactly(&edges);
}

/// Two containers may each have their `/run/app.sock`.
#[test]
fn one_path_in_two_mount_namespaces() {
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let run = world.directory().join("run");
    std::fs::create_dir(&run).unwrap();
    let run = run.to_str().unwrap();
    let mount = r#"mount -t tmpfs tmpfs "$0" && exec "$@""#;
    let mut edges = Vec::new();
    for _ in 0..2 {
        let server = world.actor_with(&["unshare", "-m", "sh", "-c", mount, run], &[]);
        let pid = server.pid().to_string();
        let client = world.actor_with(&["nsenter", "-m", "-t", &pid], &[]);
        let listener = server.listen(&world.path("run/app.sock"), Kind::Stream, 4);
        let connected = client.connect(&listener, Kind::Stream);
        edges.push(Edge::accepted(
            &connected,
            &server.accept(&listener),
            &listener,
        ));
        edges.push(Edge::pending(
            &client.connect(&listener, Kind::Stream),
            &listener,
        ));
    }
    world.capture().is_exactly(&edges);
}

/// The same addresses in two networks are two conversations, not one.
#[test]
fn equal_tcp_addresses_in_two_networks() {
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let up = r#"ip link set lo up && exec "$@""#;
    let mut edges = Vec::new();
    let address = whotalks_tests::Address::Inet("127.0.0.1:7777".into());
    let local = whotalks_tests::Address::Inet("127.0.0.1:7778".into());
    for _ in 0..2 {
        let server = world.actor_with(&["unshare", "-n", "sh", "-c", up, "sh"], &[]);
        let pid = server.pid().to_string();
        let client = world.actor_with(&["nsenter", "-n", "-t", &pid], &[]);
        let listener = server.listen(&address, Kind::Stream, 4);
        let connected = client.bound(&local, Kind::Stream);
        client.connect_to(&connected, &address);
        edges.push(Edge::inet(&connected, &server.accept(&listener)).via(&listener));
    }
    world.capture().is_exactly(&edges);
}

/// What has lost its partner at home is not joined to another network's that has one.
#[test]
fn a_closed_end_finds_no_partner_in_another_network() {
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let up = r#"ip link set lo up && ip addr add 10.9.9.9/32 dev lo && exec "$@""#;
    let address = whotalks_tests::Address::Inet("10.9.9.9:7777".into());
    let local = whotalks_tests::Address::Inet("10.9.9.9:7778".into());
    let mut edges = Vec::new();
    for closes in [false, true] {
        let server = world.actor_with(&["unshare", "-n", "sh", "-c", up, "sh"], &[]);
        let pid = server.pid().to_string();
        let client = world.actor_with(&["nsenter", "-n", "-t", &pid], &[]);
        let listener = server.listen(&address, Kind::Stream, 4);
        let connected = client.bound(&local, Kind::Stream);
        client.connect_to(&connected, &address);
        let accepted = server.accept(&listener);
        if closes {
            server.close(&accepted);
            edges.push(Edge::inet_closing(&connected));
        } else {
            edges.push(Edge::inet(&connected, &accepted).via(&listener));
        }
    }
    world.capture().is_exactly(&edges);
}
