//! Inet sockets: their holders, and pairs by their addresses.

use whotalks_tests::environment::{needs_namespaces, skip, works};
use whotalks_tests::{Address, Edge, Kind, World};

fn loopback(v6: bool) -> Address {
    Address::Inet(if v6 { "[::1]:0" } else { "127.0.0.1:0" }.into())
}

#[test]
fn tcp_over_loopback() {
    for v6 in [false, true] {
        let world = World::new();
        let (server, client) = (world.actor(), world.actor());
        let listener = server.listen(&loopback(v6), Kind::Stream, 4);
        let connected = client.connect(&listener, Kind::Stream);
        let accepted = server.accept(&listener);
        let map = world.capture();
        map.is_exactly(&[Edge::inet(&connected, &accepted).via(&listener)]);
        for socket in [&listener, &connected, &accepted] {
            map.has(socket, "family", if v6 { "inet6" } else { "inet" });
            map.has(socket, "type", "stream");
            map.has(socket, "protocol", "tcp");
        }
        map.has(&listener, "state", "listening");
        map.has(&connected, "state", "established");
        let address = listener.address.as_ref().unwrap().bytes();
        assert_eq!(
            map.socket(&listener)["local"]["text"]
                .as_str()
                .unwrap()
                .as_bytes(),
            address
        );
        assert_eq!(
            map.socket(&connected)["remote"]["text"]
                .as_str()
                .unwrap()
                .as_bytes(),
            address
        );
        map.has(&listener, "remote", None::<String>);
    }
}

#[test]
fn udp_connected_to_each_other() {
    let world = World::new();
    let (left, right) = (world.actor(), world.actor());
    let a = left.bound(&loopback(false), Kind::Datagram);
    let b = right.bound(&loopback(false), Kind::Datagram);
    left.connect_to(&a, b.address.as_ref().unwrap());
    right.connect_to(&b, a.address.as_ref().unwrap());
    let map = world.capture();
    map.is_exactly(&[Edge::inet(&a, &b)]);
    map.has(&a, "type", "dgram");
    map.has(&a, "protocol", "udp");
}

/// Most datagram servers are bound and never connected: resolvers, log servers.
#[test]
fn udp_to_a_server_that_is_only_bound() {
    let world = World::new();
    let (client, server) = (world.actor(), world.actor());
    for (receives, connects) in [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1")] {
        let b = server.bound(&Address::Inet(format!("{receives}:0")), Kind::Datagram);
        let bound = server.local_address(&b);
        let port = bound.rsplit(':').next().unwrap();
        let a = client.bound(&loopback(false), Kind::Datagram);
        client.connect_to(&a, &Address::Inet(format!("{connects}:{port}")));
        world.capture().is_exactly(&[Edge::inet_one_way(&a, &b)]);
        client.close(&a);
        server.close(&b);
    }
}

/// A closed connection without a holder (TIME_WAIT) is not a socket of the map.
#[test]
fn time_wait_is_not_a_socket() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&loopback(false), Kind::Stream, 4);
    let connected = client.connect(&listener, Kind::Stream);
    let accepted = server.accept(&listener);
    let local = client.local_address(&connected);
    client.close(&connected);
    server.close(&accepted);
    let map = world.capture();
    map.is_exactly(&[]);
    let leftover: Vec<_> = map
        .rows("sockets")
        .filter(|row| {
            [&row["local"]["text"], &row["remote"]["text"]].contains(&&local.clone().into())
        })
        .collect();
    assert!(leftover.is_empty(), "{leftover:#?}");
}

/// Both ends are on this host, in two networks that a cable joins.
#[test]
fn over_a_veth() {
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let alone = &["unshare", "-n"];
    let (server, client) = (world.actor_with(alone, &[]), world.actor_with(alone, &[]));
    let (here, there) = (server.pid().to_string(), client.pid().to_string());
    let made = format!(
        "nsenter -n -t {here} ip link add one type veth peer name two netns {there} &&
         nsenter -n -t {here} ip addr add 10.77.0.1/24 dev one &&
         nsenter -n -t {here} ip link set one up &&
         nsenter -n -t {there} ip addr add 10.77.0.2/24 dev two &&
         nsenter -n -t {there} ip link set two up"
    );
    if !works(&["sh", "-c", &made]) {
        return skip("no veth can be made here");
    }
    let listener = server.listen(&Address::Inet("10.77.0.1:7000".into()), Kind::Stream, 4);
    let connected = client.connect(&listener, Kind::Stream);
    let accepted = server.accept(&listener);
    let map = world.capture();
    map.is_exactly(&[Edge::inet(&connected, &accepted).via(&listener)]);
    assert_ne!(
        map.socket(&connected)["netns"],
        map.socket(&accepted)["netns"]
    );
}
