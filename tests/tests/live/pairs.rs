//! Socket pairs, and the holders of their ends.

use whotalks_tests::{Edge, Kind, World};

#[test]
fn pairs_of_the_three_types() {
    let world = World::new();
    let actor = world.actor();
    let pairs = Kind::ALL.map(|kind| (kind, actor.pair(kind)));
    let map = world.capture();
    map.is_exactly(&pairs.each_ref().map(|(_, (a, b))| Edge::pair(a, b)));
    for (kind, (a, b)) in &pairs {
        for end in [a, b] {
            map.has(end, "family", "unix");
            map.has(end, "type", kind.word());
            map.has(end, "protocol", None::<String>);
            map.has(end, "state", "established");
            map.has(end, "name", None::<String>);
            map.has(end, "backlog", None::<u32>);
            map.has(end, "accepting", None::<bool>);
        }
    }
}

#[test]
fn two_unconnected_sockets_are_no_pair() {
    let world = World::new();
    let actor = world.actor();
    let like = world.abstract_name("nobody");
    let sockets = Kind::ALL.map(|kind| actor.socket(&like, kind));
    let map = world.capture();
    map.is_exactly(&[]);
    for socket in &sockets {
        map.has(socket, "state", "unconnected");
    }
}

#[test]
fn a_socket_inherited_by_several_processes() {
    let world = World::new();
    let parent = world.actor();
    let (a, b) = parent.pair(Kind::Stream);
    let child = world.heir(&parent, &[a.fd, b.fd]);
    let grandchild = world.heir(&child, &[a.fd]);
    world.heir(&parent, &[a.fd]);
    // The parent keeps one end only, the grandchild has two numbers for the other.
    parent.close(&b);
    let again = grandchild.duplicate(&a);
    assert_eq!(again.inode, a.inode);
    let map = world.capture();
    map.is_exactly(&[Edge::pair(&a, &b)]);
    assert_eq!(map.socket(&a)["holders"].as_array().unwrap().len(), 5);
}

#[test]
fn close_on_exec_is_recorded_for_shared_sockets() {
    let world = World::new();
    let parent = world.actor();
    let (a, b) = parent.pair(Kind::Stream);
    let child = world.heir(&parent, &[a.fd]);
    let map = world.capture();
    map.is_exactly(&[Edge::pair(&a, &b)]);
    let cloexec = |pid: u32| {
        let holders = map.socket(&a)["holders"].as_array().unwrap();
        let holder = holders
            .iter()
            .find(|holder| holder["process"] == format!("h0/p{pid}"));
        holder.unwrap()["cloexec"].clone()
    };
    assert_eq!(cloexec(parent.pid()), true);
    assert_eq!(cloexec(child.pid()), false);
}

#[test]
fn the_other_end_is_closed() {
    let world = World::new();
    let actor = world.actor();
    let pairs = Kind::ALL.map(|kind| actor.pair(kind));
    for (_, b) in &pairs {
        actor.close(b);
    }
    let closing = pairs.map(|(a, _)| Edge::closing(&a));
    world.capture().is_exactly(&closing);
}

#[test]
fn shut_down_but_open_is_still_a_pair() {
    let world = World::new();
    let actor = world.actor();
    let (a, b) = actor.pair(Kind::Stream);
    actor.shutdown(&a);
    let map = world.capture();
    map.is_exactly(&[Edge::pair(&a, &b)]);
}

#[test]
fn what_waits_to_be_read_is_counted() {
    let world = World::new();
    let actor = world.actor();
    let (a, b) = actor.pair(Kind::Stream);
    actor.send(&a, b"seven..");
    let map = world.capture();
    map.is_exactly(&[Edge::pair(&a, &b)]);
    map.has(&b, "recv_queue_bytes", 7);
    map.has(&a, "recv_queue_bytes", 0);
}

#[test]
fn a_stable_pair_is_confirmed() {
    let world = World::new();
    let actor = world.actor();
    let (a, b) = actor.pair(Kind::Stream);
    let map = world.capture();
    map.is_exactly(&[Edge::pair(&a, &b)]);
    let a = a.id();
    let edge = map.connections_of(&a).next().unwrap();
    assert_eq!(edge["confirmed"], true, "{edge:#}");
}
