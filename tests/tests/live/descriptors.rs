//! Descriptors in flight from one process to another (`SCM_RIGHTS`), and sockets in no table.

use whotalks_tests::environment::skip;
use whotalks_tests::script::Script;
use whotalks_tests::{Edge, Kind, World};

/// A way between two actors, to send descriptors over.
fn way(
    world: &World,
) -> (
    whotalks_tests::Actor,
    whotalks_tests::Actor,
    [whotalks_tests::Socket; 3],
) {
    let (sender, receiver) = (world.actor(), world.actor());
    let listener = receiver.listen(&world.path("way.sock"), Kind::Stream, 1);
    let out = sender.connect(&listener, Kind::Stream);
    let into = receiver.accept(&listener);
    (sender, receiver, [listener, out, into])
}

#[test]
fn a_descriptor_in_flight_has_no_holder() {
    let world = World::new();
    let (sender, _receiver, [listener, out, into]) = way(&world);
    let (kept, sent) = sender.pair(Kind::Stream);
    sender.send_descriptor(&out, &sent);
    sender.close(&sent);
    let map = world.capture();
    map.is_exactly(&[
        Edge::accepted(&out, &into, &listener),
        Edge::pair(&kept, &sent),
    ]);
    assert_eq!(map.socket(&sent)["holders"].as_array().unwrap().len(), 0);
}

#[test]
fn having_arrived_it_is_held_by_the_receiver() {
    let world = World::new();
    let (sender, receiver, [listener, out, into]) = way(&world);
    let (kept, sent) = sender.pair(Kind::Stream);
    sender.send_descriptor(&out, &sent);
    sender.close(&sent);
    assert_eq!(receiver.receive_descriptor(&into).inode, sent.inode);
    let map = world.capture();
    map.is_exactly(&[
        Edge::accepted(&out, &into, &listener),
        Edge::pair(&kept, &sent),
    ]);
    let holder = &map.socket(&sent)["holders"][0];
    assert_eq!(holder["process"], format!("h0/p{}", receiver.pid()));
}

/// As in a service manager: it holds the listener and passes it to the server.
#[test]
fn a_listener_handed_to_its_server() {
    let world = World::new();
    let (manager, service, [way_listener, out, into]) = way(&world);
    let listener = manager.listen(&world.path("service.sock"), Kind::Stream, 4);
    manager.send_descriptor(&out, &listener);
    let inherited = service.receive_descriptor(&into);
    let client = world.actor();
    let connected = client.connect(&listener, Kind::Stream);
    let accepted = service.accept(&inherited);
    let map = world.capture();
    map.is_exactly(&[
        Edge::accepted(&out, &into, &way_listener),
        Edge::accepted(&connected, &accepted, &listener),
    ]);
    assert_eq!(
        map.socket(&listener)["holders"].as_array().unwrap().len(),
        2
    );
}

/// A socket in no table: the kernel names its protocol all the same.
#[test]
fn the_protocol_of_a_socket_in_no_table() {
    let world = World::new();
    // AF_VSOCK, AF_XDP, AF_ALG, AF_KEY: the first that this kernel has; a collector that may use all
    // modules dumps none of the last two.
    let script = Script::start(
        "
word = 0
for family, kind, number in (38, 5, 1), (15, 3, 2), (40, 1, 3), (44, 3, 4):
    try:
        s = S.socket(family, kind, 2 if family == 15 else 0); word = number; break
    except OSError:
        pass
ready(os.getpid(), word)
rest()
",
    );
    let expected = match script.pids[1] {
        0 => return skip("this kernel has no socket family without a table"),
        number => ["alg", "key", "vsock", "xdp"][number as usize - 1],
    };
    let map = whotalks_tests::world::export(&world.snapshot());
    let owner = serde_json::Value::from(format!("h0/p{}", script.pids[0]));
    let mut sockets = map["sockets"].as_array().unwrap().iter();
    let own = sockets.find(|socket| {
        let mut holders = socket["holders"].as_array().unwrap().iter();
        holders.any(|holder| holder["process"] == owner)
    });
    assert_eq!(own.unwrap()["protocol"], expected);
}
