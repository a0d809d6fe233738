//! WT301 to WT305, WT308, WT401, WT402: socket names and socket files.

use std::fs::{Permissions, remove_file, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use whotalks_tests::environment::{euid, makes_namespaces, needs_namespaces};
use whotalks_tests::findings::{Findings, check};
use whotalks_tests::protocol::Address;
use whotalks_tests::world::namespace;
use whotalks_tests::{Actor, Kind, World};

use super::foreign_process::ForeignProcess;

fn once(world: &World) -> Findings {
    Findings::of(world, &[], &[&world.snapshot()])
}

fn file(address: &Address) -> PathBuf {
    PathBuf::from(String::from_utf8(address.bytes()).expect("a test's path is text"))
}

#[test]
fn a_world_writable_listener() {
    let world = World::new();
    let path = world.path("daemon.sock");
    world.actor().listen(&path, Kind::Stream, 3);
    set_permissions(file(&path), Permissions::from_mode(0o777)).expect("it is ours");
    // Only a program that may do what root may is worth more than a note.
    let severity = if euid() == 0 { "medium" } else { "low" };
    once(&world).are_exactly(&[("WT301", severity)]);
    set_permissions(file(&path), Permissions::from_mode(0o755)).expect("it is ours");
    once(&world).are_exactly(&[]);
}

/// A container that is being made sees every folder of the machine: one at a time.
static CONTAINERS: Mutex<()> = Mutex::new(());

fn one_at_a_time() -> MutexGuard<'static, ()> {
    CONTAINERS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_control_socket_that_a_container_sees() {
    if !needs_namespaces() {
        return;
    }
    let _alone = one_at_a_time();
    let world = World::new();
    world
        .actor()
        .listen(&world.path("docker.sock"), Kind::Stream, 3);
    once(&world).are_exactly(&[]);
    let command = ["unshare", "-n", "-p", "-f", "unshare", "-m", "sleep", "600"];
    let container = ForeignProcess::start(&command);
    container.wait_for("sleep");
    let findings = once(&world);
    // Its root is the machine's: it may be a service with mounts and processes of its own.
    let found = findings.are_exactly(&[("WT302", "medium")]);
    let evidence = found[0]["evidence"].to_string();
    assert!(evidence.contains("docker.sock leads to it"), "{evidence}");
}

/// A root file system of its own, with the machine's programs, and the listener's folder as `/run`.
const CONTAINER: &str = r#"
set -e
mount -t tmpfs none "$0/root"
cd "$0/root"
mkdir old run proc
mount -t proc proc proc
for part in bin lib lib64 usr; do
    if [ -e /$part ]; then mkdir $part; mount --rbind /$part $part; fi
done
mount --bind "$0/shared" run
pivot_root . old
umount -l old
exec sleep 600"#;

#[test]
fn a_control_socket_that_is_mounted_in_a_container() {
    if !needs_namespaces() {
        return;
    }
    let _alone = one_at_a_time();
    let world = World::new();
    for folder in ["root", "shared"] {
        std::fs::create_dir(world.directory().join(folder)).expect("the world is ours");
    }
    let path = world.path("shared/docker.sock");
    world.actor().listen(&path, Kind::Stream, 3);
    let directory = world.directory().display().to_string();
    let command = [
        "unshare", "-n", "-p", "-f", "unshare", "-m", "sh", "-c", CONTAINER, &directory,
    ];
    let container = ForeignProcess::start(&command);
    container.wait_for("sleep");
    let findings = once(&world);
    let found = findings.are_exactly(&[("WT302", "high")]);
    let evidence = found[0]["evidence"].to_string();
    assert!(
        evidence.contains("/run/docker.sock leads to it"),
        "{evidence}"
    );
}

#[test]
fn an_abstract_listener_beside_a_sandbox() {
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    // A network of their own, lest other scenes are beside it too.
    let server = world.actor_with(&["unshare", "-n"], &[]);
    server.listen(&world.abstract_name("shim"), Kind::Stream, 3);
    once(&world).are_exactly(&[]);
    let pid = server.pid().to_string();
    let command = [
        "nsenter", "-n", "-t", &pid, "unshare", "-p", "-f", "sleep", "600",
    ];
    let sandbox = ForeignProcess::start(&command);
    sandbox.wait_for("sleep");
    let findings = once(&world);
    let severity = if euid() == 0 { "medium" } else { "low" };
    findings.are_exactly(&[("WT303", severity)]);
}

#[test]
fn a_listener_whose_file_was_removed() {
    let world = World::new();
    let path = world.path("app.sock");
    world.actor().listen(&path, Kind::Stream, 3);
    remove_file(file(&path)).expect("it is there");
    once(&world).are_exactly(&[("WT304", "medium")]);
}

#[test]
fn a_listener_whose_file_was_replaced() {
    let world = World::new();
    let path = world.path("app.sock");
    let (old, new) = (world.actor(), world.actor());
    let hidden = old.listen(&path, Kind::Stream, 3);
    remove_file(file(&path)).expect("it is there");
    new.listen(&path, Kind::Stream, 3);
    let findings = once(&world);
    let found = findings.are_exactly(&[("WT304", "medium")]);
    assert_eq!(found[0]["subject"], hidden.id());
}

#[test]
fn a_listener_that_was_renamed_can_be_reached() {
    let world = World::new();
    let path = world.path("app.sock.new");
    world.actor().listen(&path, Kind::Stream, 3);
    std::fs::rename(file(&path), world.directory().join("app.sock")).expect("it is there");
    once(&world).are_exactly(&[]);
}

#[test]
fn a_socket_file_that_was_left_behind() {
    let world = World::new();
    let actor = world.actor();
    let socket = actor.listen(&world.path("left.sock"), Kind::Stream, 3);
    actor.listen(&world.path("live.sock"), Kind::Stream, 3);
    let directory = world.directory().display().to_string();
    let stale = || {
        let document = check(&["--rule", "WT305"], &[&world.snapshot()]);
        let unknown = document["unknown"] != serde_json::json!([]);
        let findings = document["findings"].as_array().cloned().unwrap_or_default();
        let about = findings.into_iter().filter(|finding| {
            let title = finding["title"].as_str();
            title.is_some_and(|title| title.contains(&format!(" {directory}:")))
        });
        (about.collect::<Vec<_>>(), unknown)
    };
    assert_eq!(stale().0, Vec::<serde_json::Value>::new());
    actor.close(&socket);
    let mut told = stale();
    if sees_every_socket() {
        // A network of another test that ends while it is captured makes it unknown for once.
        for _ in 0..20 {
            if !told.0.is_empty() {
                break;
            }
            assert!(told.1, "neither found nor unknown");
            told = stale();
        }
        assert_eq!(told.0.len(), 1);
    }
    let (found, unknown) = told;
    assert!(unknown || found.len() == 1, "{found:#?}");
    for finding in found {
        let title = finding["title"].as_str().unwrap_or_default();
        assert!(title.ends_with(": left.sock"), "{title}");
        assert_eq!(finding["severity"], "low");
    }
}

/// Whether this user can see the sockets of every network of the machine: root, in the pid namespace
/// that the kernel began with (`PROC_PID_INIT_INO`).
fn sees_every_socket() -> bool {
    euid() == 0 && namespace(std::process::id(), "pid") == Some(0xefff_fffc)
}

/// An actor in a network of its own, where that can be had: abstract names are WT303's where a sandbox
/// of the machine shares the network.
fn alone(world: &World) -> Actor {
    if makes_namespaces() {
        world.actor_with(&["unshare", "-n"], &[])
    } else {
        world.actor()
    }
}

#[test]
fn abstract_names_that_look_alike() {
    let world = World::new();
    let actor = alone(&world);
    actor.listen(&world.abstract_name("app"), Kind::Stream, 3);
    once(&world).are_exactly(&[]);
    actor.listen(&world.abstract_name("app\0\0"), Kind::Stream, 3);
    once(&world).are_exactly(&[("WT308", "medium")]);
}

#[test]
fn a_name_that_forges_a_row() {
    let world = World::new();
    let name = b"x\n0000000000000000: 00000002 00000000 00010000 0001 01 4711 /run/docker.sock";
    alone(&world).listen(&world.abstract_name(name), Kind::Stream, 3);
    once(&world).are_exactly(&[("WT401", "high")]);
}

/// The accepted end has the listener's name, and forges nothing more.
#[test]
fn a_name_that_forges_a_row_and_its_connections() {
    let world = World::new();
    let name = b"y\n0000000000000000: 00000002 00000000 00010000 0001 01 4712 /run/docker.sock";
    let server = alone(&world);
    let listener = server.listen(&world.abstract_name(name), Kind::Stream, 3);
    let client = server.connect(&listener, Kind::Stream);
    let accepted = server.accept(&listener);
    let findings = once(&world);
    let found = findings.are_exactly(&[("WT401", "high")]);
    let sockets = found[0]["sockets"].to_string();
    assert!(sockets.contains(&listener.id()) && sockets.contains(&accepted.id()));
    assert!(!sockets.contains(&client.id()), "{sockets}");
}

#[test]
fn a_name_that_is_not_printable() {
    for name in [&b"x\x1b[2K"[..], b"x\x9b2K"] {
        let world = World::new();
        let name = world.abstract_name(name);
        alone(&world).listen(&name, Kind::Stream, 3);
        let findings = once(&world);
        let found = findings.are_exactly(&[("WT402", "medium")]);
        // The displayed name is escaped; the exact bytes follow.
        let exact = found[0]["evidence_hex"].to_string();
        let hex: String = name.bytes()[1..]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert!(exact.contains(&hex), "{exact}");
    }
}

/// More files beside a listener than the collector reads: the rest is unknown, not clean.
#[test]
fn a_search_beyond_its_limits_is_unknown() {
    let world = World::new();
    let crowd = world.directory().join("crowd");
    std::fs::create_dir(&crowd).expect("the world's directory is ours");
    for number in 0..40_000 {
        std::fs::File::create(crowd.join(number.to_string())).expect("it can be made");
    }
    world
        .actor()
        .listen(&world.path("crowd/app.sock"), Kind::Stream, 3);
    let document = check(&["--rule", "WT305"], &[&world.snapshot()]);
    let unknown = document["unknown"].to_string();
    assert!(
        unknown.contains("search for socket files stopped"),
        "{unknown}"
    );
}
