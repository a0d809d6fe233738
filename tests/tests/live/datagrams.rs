//! Datagram sockets: one-way and mutual peers.

use whotalks_tests::{Edge, Kind, World};

#[test]
fn many_senders_and_one_receiver() {
    let world = World::new();
    let receiver = world.actor();
    let path = receiver.bound(&world.path("log"), Kind::Datagram);
    let name = receiver.bound(&world.abstract_name("log"), Kind::Datagram);
    let senders = [(); 3].map(|()| world.actor());
    let mut edges = Vec::new();
    for sender in &senders {
        for to in [&path, &name] {
            let from = sender.connect(to, Kind::Datagram);
            sender.send(&from, b"hello");
            edges.push(Edge::one_way(&from, to));
        }
    }
    let map = world.capture();
    map.is_exactly(&edges);
    map.has(&path, "accepting", None::<bool>);
}

#[test]
fn two_connected_to_each_other_are_one_connection() {
    let world = World::new();
    let (left, right) = (world.actor(), world.actor());
    let (one, two) = (world.abstract_name("left"), world.abstract_name("right"));
    let a = left.bound(&one, Kind::Datagram);
    let b = right.bound(&two, Kind::Datagram);
    right.connect_to(&b, &one);
    left.connect_to(&a, &two);
    let map = world.capture();
    map.is_exactly(&[Edge::pair(&a, &b)]);
    let edge = map.connections_of(&a.id()).next().unwrap().clone();
    let (low, high) = if a.inode < b.inode {
        (&a, &b)
    } else {
        (&b, &a)
    };
    assert_eq!(
        (&edge["a"], &edge["b"]),
        (&low.id().into(), &high.id().into())
    );
}

#[test]
fn one_connected_to_itself() {
    let world = World::new();
    let actor = world.actor();
    let name = world.abstract_name("echo");
    let echo = actor.bound(&name, Kind::Datagram);
    actor.connect_to(&echo, &name);
    let map = world.capture();
    let edges: Vec<_> = map
        .rows("connections")
        .filter(|edge| edge["a"] == echo.id())
        .collect();
    assert_eq!(edges.len(), 1, "{edges:#?}");
    assert_eq!(edges[0]["b"], echo.id());
    assert!(
        ["established", "one-way"]
            .iter()
            .any(|state| edges[0]["state"] == *state)
    );
}

/// A connects to B, B to C: no edge goes back.
#[test]
fn a_chain_goes_one_way() {
    let world = World::new();
    let actors = [(); 3].map(|()| world.actor());
    let names = ["first", "middle", "last"].map(|name| world.path(name));
    let sockets = [0, 1, 2].map(|at| actors[at].bound(&names[at], Kind::Datagram));
    actors[0].connect_to(&sockets[0], &names[1]);
    actors[1].connect_to(&sockets[1], &names[2]);
    world.capture().is_exactly(&[
        Edge::one_way(&sockets[0], &sockets[1]),
        Edge::one_way(&sockets[1], &sockets[2]),
    ]);
}

#[test]
fn a_sender_whose_receiver_was_closed() {
    let world = World::new();
    let (receiver, sender) = (world.actor(), world.actor());
    let bound = receiver.bound(&world.path("log"), Kind::Datagram);
    let sends = sender.connect(&bound, Kind::Datagram);
    receiver.close(&bound);
    world.capture().is_exactly(&[Edge::closing(&sends)]);
}
