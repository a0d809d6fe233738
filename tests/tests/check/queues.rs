//! WT201 to WT209: queues and blocked processes.

use std::path::Path;
use std::time::Duration;

use whotalks_tests::environment::needs_namespaces;
use whotalks_tests::findings::Findings;
use whotalks_tests::{Address, Kind, World};

fn once(world: &World) -> Findings {
    let file = world.snapshot();
    Findings::of(world, &[], &[&file])
}

/// Two captures with a little time between them.
fn twice(world: &World) -> Findings {
    let first = world.snapshot_as("first", &[], &[]);
    std::thread::sleep(Duration::from_millis(1_200));
    let second = world.snapshot_as("second", &[], &[]);
    let files: [&Path; 2] = [&first, &second];
    Findings::of(world, &[], &files)
}

#[test]
fn a_full_backlog() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("full.sock"), Kind::Stream, 1);
    let _queued = [(); 2].map(|()| client.connect(&listener, Kind::Stream));
    let findings = once(&world);
    let found = findings.are_exactly(&[("WT201", "medium")]);
    assert_eq!(found[0]["subject"], listener.id());
    client.connect_blocked(&listener, Kind::Stream);
    once(&world).are_exactly(&[("WT201", "high")]);
}

#[test]
fn a_queue_with_room_and_an_idle_one_without_any() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("room.sock"), Kind::Stream, 3);
    server.listen(&world.path("none.sock"), Kind::Stream, 0);
    client.connect(&listener, Kind::Stream);
    once(&world).are_exactly(&[]);
}

#[test]
fn a_client_that_is_not_accepted() {
    for kind in [Kind::Stream, Kind::Seqpacket] {
        let world = World::new();
        let (server, client) = (world.actor(), world.actor());
        let listener = server.listen(&world.abstract_name("stuck"), kind, 3);
        let waiting = client.connect(&listener, kind);
        let findings = twice(&world);
        let found = findings.are_exactly(&[("WT202", "medium")]);
        assert!(found[0]["sockets"].to_string().contains(&waiting.id()));
    }
}

/// The queue is as long as before, but others wait in it.
#[test]
fn a_server_that_goes_on_is_not_stuck() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("busy.sock"), Kind::Stream, 3);
    client.connect(&listener, Kind::Stream);
    let first = world.snapshot_as("first", &[], &[]);
    server.accept(&listener);
    client.connect(&listener, Kind::Stream);
    let second = world.snapshot_as("second", &[], &[]);
    Findings::of(&world, &[], &[&first, &second]).are_exactly(&[]);
}

#[test]
fn a_client_that_left_its_place_in_the_queue() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("left.sock"), Kind::Stream, 4);
    let gone = client.connect(&listener, Kind::Stream);
    client.connect(&listener, Kind::Stream);
    client.close(&gone);
    once(&world).are_exactly(&[("WT203", "low")]);
}

#[test]
fn a_reader_that_does_not_read() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("slow.sock"), Kind::Stream, 4);
    let writer = client.connect(&listener, Kind::Stream);
    let reader = server.accept(&listener);
    client.write_blocked(&writer);
    let findings = once(&world);
    let found = findings.are_exactly(&[("WT204", "high")]);
    assert_eq!(found[0]["subject"], reader.id());
}

#[test]
fn a_logger_that_does_not_read() {
    let world = World::new();
    let (logger, program) = (world.actor(), world.actor());
    let log = logger.bound(&world.path("log"), Kind::Datagram);
    let sender = program.connect(&log, Kind::Datagram);
    program.write_blocked(&sender);
    let findings = once(&world);
    let found = findings.are_exactly(&[("WT204", "high")]);
    assert_eq!(found[0]["subject"], log.id());
}

#[test]
fn a_few_bytes_that_are_never_read() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("slow.sock"), Kind::Stream, 4);
    let writer = client.connect(&listener, Kind::Stream);
    server.accept(&listener);
    client.send(&writer, b"hello");
    once(&world).are_exactly(&[]);
    twice(&world).are_exactly(&[("WT204", "low")]);
}

#[test]
fn two_that_write_and_do_not_read() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("lock.sock"), Kind::Stream, 4);
    let one = client.connect(&listener, Kind::Stream);
    let other = server.accept(&listener);
    client.write_blocked(&one);
    server.write_blocked(&other);
    let findings = once(&world);
    let found = findings.are_exactly(&[("WT205", "high")]);
    assert_eq!(found[0]["processes"].as_array().map(Vec::len), Some(2));
}

#[test]
fn descriptors_that_are_not_received() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("fds.sock"), Kind::Stream, 4);
    let over = client.connect(&listener, Kind::Stream);
    let receiver = server.accept(&listener);
    let (sent, _) = client.pair(Kind::Stream);
    client.send_descriptor(&over, &sent);
    once(&world).are_exactly(&[]);
    let findings = twice(&world);
    // The byte that it came with is not read either.
    let found = findings.are_exactly(&[("WT204", "low"), ("WT206", "low")]);
    assert_eq!(found[1]["subject"], receiver.id());
}

#[test]
fn a_socket_in_flight_has_no_holder() {
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let actor = world.actor_with(&["unshare", "-n"], &[]);
    let (over, receiver) = actor.pair(Kind::Stream);
    let (sent, other) = actor.pair(Kind::Stream);
    actor.send_descriptor(&over, &sent);
    actor.close(&sent);
    let inside = format!("--net=/proc/{}/ns/net", actor.pid());
    // Only this namespace: other sockets of the machine are not under control.
    let file = world.snapshot_as("own", &["nsenter", &inside], &["--netns", "own"]);
    let findings = Findings::of(&world, &[], &[&file]);
    let found = findings.are_exactly(&[("WT207", "low")]);
    assert_eq!(found[0]["subject"], sent.id());
    let evidence = found[0]["evidence"].to_string();
    assert!(
        evidence.contains(&format!("fd {}", receiver.fd)),
        "{evidence}"
    );
    assert_ne!(found[0]["sockets"].to_string(), other.id());
}

#[test]
fn connections_that_are_never_closed() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let any = Address::Inet("127.0.0.1:0".into());
    let listener = server.listen(&any, Kind::Stream, 32);
    let leave = |count: usize| {
        for _ in 0..count {
            let socket = client.connect(&listener, Kind::Stream);
            server.accept(&listener);
            client.close(&socket);
        }
    };
    leave(5);
    once(&world).are_exactly(&[]);
    leave(11);
    let findings = once(&world);
    let found = findings.are_exactly(&[("WT208", "medium")]);
    assert_eq!(found[0]["subject"], format!("h0/p{}", server.pid()));
    assert_eq!(found[0]["sockets"].as_array().map(Vec::len), Some(16));
}

/// The listener is in flight, in a network namespace without processes.
#[test]
fn a_client_of_an_unreachable_server() {
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let server = world.actor_with(&["unshare", "-n"], &[]);
    let (friend, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("lost.sock"), Kind::Stream, 4);
    friend.connect(&listener, Kind::Stream);
    let accepted = server.accept(&listener);
    server.send_descriptor(&accepted, &listener);
    world.end(server);
    let lost = client.connect(&listener, Kind::Stream);
    // The only queue without named clients is TCP's, which no Unix client can be in.
    let any = Address::Inet("127.0.0.1:0".into());
    let other = friend.listen(&any, Kind::Stream, 4);
    friend.connect(&other, Kind::Stream);
    let findings = once(&world);
    let found = findings.are_exactly(&[("WT209", "low")]);
    assert_eq!(found[0]["subject"], lost.id());
}
