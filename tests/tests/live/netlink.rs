//! Netlink sockets of processes: communication with the kernel is not a connection, with another
//! process it is.

use whotalks_tests::{Address, Edge, Kind, World};

#[test]
fn one_process_talks_to_another() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let port = server.pid();
    let receiver = server.bound(&Address::Netlink(port), Kind::Datagram);
    let sender = client.socket(&Address::Netlink(0), Kind::Datagram);
    client.connect_to(&sender, &Address::Netlink(port));
    // To the kernel: bound, and connected to port 0.
    let to_kernel = client.bound(&Address::Netlink(0), Kind::Datagram);
    let map = world.capture();
    map.is_exactly(&[Edge::netlink(&sender, &receiver)]);
    for socket in [&receiver, &sender, &to_kernel] {
        map.has(socket, "family", "netlink");
        map.has(socket, "protocol", "usersock");
    }
    map.has(&sender, "state", "established");
    map.has(&to_kernel, "state", "unconnected");
}

/// Both connected to each other: one connection.
#[test]
fn two_processes_talk_to_each_other() {
    let world = World::new();
    let (left, right) = (world.actor(), world.actor());
    let (one, two) = (left.pid(), right.pid());
    let a = left.bound(&Address::Netlink(one), Kind::Datagram);
    let b = right.bound(&Address::Netlink(two), Kind::Datagram);
    left.connect_to(&a, &Address::Netlink(two));
    right.connect_to(&b, &Address::Netlink(one));
    let map = world.capture();
    map.is_exactly(&[Edge::netlink_pair(&a, &b)]);
}
