//! A collector that lacks permissions or kernel features finishes, and the file records what is
//! missing.

use std::process::Command;

use serde_json::Value;
use whotalks_tests::environment::{RERUN_AS, euid, needs_namespaces, skip, works};
use whotalks_tests::programs::{programs, run};
use whotalks_tests::world::export;
use whotalks_tests::{Address, Edge, Kind, World};

/// A capture behind a command that executes its last arguments, and its map.
fn capture_behind(world: &World, wrapper: &[&str]) -> Value {
    let file = world.directory().join("behind.whotalks");
    let mut command = Command::new(wrapper[0]);
    command.args(&wrapper[1..]).arg(&programs().collect);
    run(command.args(["-q", "--force", "-o"]).arg(&file), b"").succeeds();
    export(&file)
}

/// A capture by a process to which the kernel refuses these calls: `NAME[:ARGUMENT=VALUE]:ERRNO`.
fn capture_refused(world: &World, refused: &str) -> Value {
    let actor = programs().actor.to_str().unwrap();
    capture_behind(world, &[actor, "--refuse", refused])
}

fn pids(graph: &Value) -> Vec<u64> {
    let processes = graph["processes"].as_array().unwrap().iter();
    processes
        .map(|process| process["pid"].as_u64().unwrap())
        .collect()
}

/// Linux 3.10 to 5.13: without what came since, nothing of a plain map is missing.
#[test]
fn an_old_kernel_is_enough_for_a_map() {
    const ENOSYS: u32 = 38;
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let listener = server.listen(&world.path("old.sock"), Kind::Stream, 4);
    let connected = client.connect(&listener, Kind::Stream);
    let accepted = server.accept(&listener);
    let newer = [
        "statx",
        "openat2",
        "pidfd_open",
        "pidfd_getfd",
        "kcmp",
        "renameat2",
    ];
    let refused: Vec<_> = newer
        .iter()
        .map(|name| format!("{name}:{ENOSYS}"))
        .collect();
    capture_refused(&world, &refused.join(","));
    let map = world.map_of(&world.directory().join("behind.whotalks"));
    map.is_exactly(&[Edge::accepted(&connected, &accepted, &listener)]);
}

/// A container's filter: no netlink of this protocol. Data of the text tables is still there.
#[test]
fn missing_sock_diag_is_recorded() {
    let world = World::new();
    let actor = world.actor();
    let (one, _) = actor.pair(Kind::Stream);
    for (errno, said) in [(1, "denied"), (93, "unavailable")] {
        let graph = capture_refused(&world, &format!("socket:2=4:{errno}"));
        let coverage = &graph["coverage"][0];
        let spaces = coverage["netns"].as_array().unwrap();
        assert!(
            spaces.iter().any(|space| space["diag"] == said),
            "{coverage:#}"
        );
        assert!(
            spaces.iter().all(|space| space["diag"] != "ok"),
            "{coverage:#}"
        );
        assert_eq!(coverage["complete"], false);
        let mut sockets = graph["sockets"].as_array().unwrap().iter();
        let socket = sockets.find(|socket| socket["inode"] == one.inode);
        assert_eq!(socket.unwrap()["holders"].as_array().unwrap().len(), 1);
    }
}

/// The text tables of the inet families replace the dumps: the same edges, without cookies.
#[test]
fn without_sock_diag_addresses_still_pair() {
    let world = World::new();
    let (server, client) = (world.actor(), world.actor());
    let mut edges = Vec::new();
    for loopback in ["127.0.0.1:0", "[::1]:0"] {
        let loopback = Address::Inet(loopback.into());
        let listener = server.listen(&loopback, Kind::Stream, 4);
        let connected = client.connect(&listener, Kind::Stream);
        let accepted = server.accept(&listener);
        edges.push(Edge::inet(&connected, &accepted).via(&listener));
        let (a, b) = (
            server.bound(&loopback, Kind::Datagram),
            client.bound(&loopback, Kind::Datagram),
        );
        server.connect_to(&a, b.address.as_ref().unwrap());
        client.connect_to(&b, a.address.as_ref().unwrap());
        edges.push(Edge::inet(&a, &b));
    }
    capture_refused(&world, "socket:2=4:1");
    let map = world.map_of(&world.directory().join("behind.whotalks"));
    map.without_cookies().is_exactly(&edges);
}

/// `hidepid=2` hides processes from unprivileged users; the map must be marked incomplete.
#[test]
fn hidden_processes_are_not_taken_for_none() {
    // Another user's processes are to be hidden: an ordinary one has none, nor has a user namespace.
    if std::env::var_os(RERUN_AS).is_some() || euid() != 0 || !needs_namespaces() {
        return;
    }
    if !works(&["setpriv", "--reuid", "54321", "true"]) {
        return skip("setpriv cannot change the user");
    }
    let world = World::new();
    let actor = world.actor();
    actor.pair(Kind::Stream);
    let folder = world.directory().join("open");
    std::fs::create_dir(&folder).unwrap();
    let open = |path: &std::path::Path, mode| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(path, mode).unwrap();
    };
    open(world.directory(), 0o755);
    open(&folder, 0o777);
    let program = folder.join("collect");
    std::fs::copy(&programs().collect, &program).unwrap();
    let script = r#"mount -t proc -o hidepid=2 proc /proc && cd "$0" &&
        exec setpriv --reuid 54321 --regid 54321 --clear-groups ./collect -q -o hidden.whotalks"#;
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script]).arg(&folder);
    run(&mut command, b"").succeeds();
    let graph = export(&folder.join("hidden.whotalks"));
    assert!(!pids(&graph).contains(&u64::from(actor.pid())));
    assert_eq!(
        graph["coverage"][0]["complete"], false,
        "{:#}",
        graph["coverage"]
    );
}

/// In a pid namespace only processes in it are visible; the map must be marked incomplete.
#[test]
fn a_capture_in_a_pid_namespace_is_marked() {
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let actor = world.actor();
    actor.pair(Kind::Stream);
    let graph = capture_behind(&world, &["unshare", "--pid", "--fork", "--mount-proc"]);
    assert!(pids(&graph).contains(&1) && !pids(&graph).contains(&u64::from(actor.pid())));
    assert_eq!(graph["coverage"][0]["complete"], false);
}

/// A low descriptor limit of the collector: files it could not open are not reported as vanished.
#[test]
fn a_collector_short_of_descriptors_records_what_it_missed() {
    let world = World::new();
    let actor = world.actor();
    actor.pair(Kind::Stream);
    let file = world.directory().join("short.whotalks");
    let mut recorded = false;
    for limit in (5..24).rev() {
        let mut command = Command::new("prlimit");
        command
            .arg(format!("--nofile={limit}:{limit}"))
            .arg(&programs().collect);
        command.args(["-q", "--force", "-j", "1", "-o"]).arg(&file);
        let ran = run(&mut command, b"");
        match ran.status.code() {
            Some(0) => {
                let graph = export(&file);
                assert!(
                    pids(&graph).contains(&u64::from(actor.pid())),
                    "of {limit} descriptors"
                );
                recorded = true;
            }
            // Too few for any capture: an error, and no file.
            code => {
                assert!(code == Some(2) || code == Some(127), "{limit}: {ran:?}");
                assert!(!ran.stderr.is_empty());
            }
        }
    }
    assert!(recorded, "no limit was enough");
}
