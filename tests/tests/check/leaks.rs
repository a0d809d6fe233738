//! WT101 to WT104: leaked descriptors.

use std::path::Path;

use whotalks_tests::environment::{skip, works};
use whotalks_tests::findings::Findings;
use whotalks_tests::{Kind, World};

fn once(world: &World, others: &[u32]) -> Findings {
    let file = world.snapshot();
    Findings::of(world, others, &[&file])
}

#[test]
fn a_connection_that_leaked_into_commands() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("server.sock"), Kind::Stream, 3);
    let leaked = client.connect(&listener, Kind::Stream);
    server.accept(&listener);
    // The shell waits for its own command: three programs with the client's.
    let shell = client.run(&["sh", "-c", "sleep 600; true"], &[leaked.fd]);
    wait_for_child(shell);
    let findings = once(&world, &[shell]);
    let found = findings.are_exactly(&[("WT101", "high")]);
    assert_eq!(found[0]["subject"], leaked.id());
    assert_eq!(found[0]["sockets"].as_array().map(Vec::len), Some(1));
    assert_eq!(found[0]["processes"].as_array().map(Vec::len), Some(3));
    let evidence = found[0]["evidence"].to_string();
    assert!(
        evidence.contains(&format!("sh [{shell}] → sleep [")),
        "{evidence}"
    );
}

#[test]
fn several_leaks_to_the_same_processes_are_one() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("server.sock"), Kind::Stream, 3);
    let leaked = [(); 3].map(|()| client.connect(&listener, Kind::Stream));
    for _ in &leaked {
        server.accept(&listener);
    }
    let sleep = client.run(
        &["sleep", "600"],
        &leaked.each_ref().map(|socket| socket.fd),
    );
    let findings = once(&world, &[sleep]);
    let found = findings.are_exactly(&[("WT101", "medium")]);
    assert_eq!(found[0]["sockets"].as_array().map(Vec::len), Some(3));
}

#[test]
fn workers_that_share_a_connection_are_no_leak() {
    let world = World::new();
    let master = world.actor();
    let (one, other) = master.pair(Kind::Stream);
    let _worker = world.heir(&master, &[one.fd, other.fd]);
    once(&world, &[]).are_exactly(&[]);
}

#[test]
fn a_listener_that_leaked_into_a_command() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("server.sock"), Kind::Stream, 3);
    client.connect(&listener, Kind::Stream);
    server.accept(&listener);
    let sleep = server.run(&["sleep", "600"], &[listener.fd]);
    let findings = once(&world, &[sleep]);
    let found = findings.are_exactly(&[("WT102", "medium")]);
    assert_eq!(found[0]["subject"], listener.id());
}

#[test]
fn a_listener_that_only_a_command_has_left() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("server.sock"), Kind::Stream, 3);
    let sleep = server.run(&["sleep", "600"], &[listener.fd]);
    server.close(&listener);
    client.connect(&listener, Kind::Stream);
    let findings = once(&world, &[sleep]);
    findings.are_exactly(&[("WT102", "high")]);
}

/// What inetd, postfix and socket activation do.
#[test]
fn a_descendant_that_serves_is_no_leak() {
    let world = World::new();
    let (parent, client) = (world.actor(), world.actor());
    let listener = parent.listen(&world.path("server.sock"), Kind::Stream, 3);
    let child = world.heir(&parent, &[listener.fd]);
    client.connect(&listener, Kind::Stream);
    child.accept(&listener);
    once(&world, &[]).are_exactly(&[]);
}

#[test]
fn a_pipe_whose_reader_kept_the_write_end() {
    let world = World::new();
    let parent = world.actor();
    let (_, write) = parent.pipe();
    let sleep = parent.run_with_output(&["sleep", "600"], &[], Some(write.fd));
    once(&world, &[sleep]).are_exactly(&[("WT103", "medium")]);
}

#[test]
fn a_pipe_as_it_should_be() {
    let world = World::new();
    let parent = world.actor();
    let (_, write) = parent.pipe();
    let sleep = parent.run_with_output(&["sleep", "600"], &[], Some(write.fd));
    parent.close_descriptor(write.fd);
    // Another that is all its own.
    parent.pipe();
    once(&world, &[sleep]).are_exactly(&[]);
}

#[test]
fn a_pipe_that_a_stray_keeps_open() {
    let world = World::new();
    let parent = world.actor();
    let (_, write) = parent.pipe();
    let sleep = parent.run(&["sleep", "600"], &[write.fd]);
    parent.close_descriptor(write.fd);
    once(&world, &[sleep]).are_exactly(&[("WT103", "low")]);
}

#[test]
fn descriptors_near_their_limit() {
    if !works(&["prlimit", "--nofile=64", "true"]) {
        return skip("prlimit is missing");
    }
    let world = World::new();
    let hungry = world.actor_with(&["prlimit", "--nofile=64"], &[]);
    for _ in 0..26 {
        hungry.pair(Kind::Stream);
    }
    once(&world, &[]).are_exactly(&[("WT104", "medium")]);
}

#[test]
fn descriptors_that_only_become_more() {
    let world = World::new();
    let (leaky, steady) = (world.actor(), world.actor());
    for _ in 0..40 {
        steady.pair(Kind::Stream);
    }
    let files = ["1", "2", "3", "4"].map(|name| {
        for _ in 0..8 {
            leaky.pair(Kind::Stream);
        }
        world.snapshot_as(name, &[], &[])
    });
    let files: Vec<&Path> = files.iter().map(AsRef::as_ref).collect();
    let findings = Findings::of(&world, &[], &files);
    // It has just begun: what grows in a program that runs for long is medium.
    let found = findings.are_exactly(&[("WT104", "low")]);
    assert_eq!(found[0]["subject"], format!("h0/p{}", leaky.pid()));
    // A single capture does not show growth.
    Findings::of(&world, &[], &files[..1]).are_exactly(&[]);
}

fn wait_for_child(pid: u32) {
    let file = format!("/proc/{pid}/task/{pid}/children");
    for _ in 0..1_000 {
        let child = std::fs::read_to_string(&file).unwrap_or_default();
        let comm = child.trim().parse::<u32>().ok();
        let comm = comm.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/comm")).ok());
        if comm.is_some_and(|comm| comm.trim() == "sleep") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("{pid} has no child");
}
