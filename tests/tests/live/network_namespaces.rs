//! Network namespaces in the file: identity, and whether they could be entered.

use std::path::Path;
use std::process::Command;

use whotalks_snapshot::records::Netns;
use whotalks_snapshot::{BlockKind, Event, Limits, Reader, records};
use whotalks_tests::environment::{needs_namespaces, needs_root, skip};
use whotalks_tests::findings::Findings;
use whotalks_tests::programs::programs;
use whotalks_tests::script::Script;
use whotalks_tests::world::namespace;
use whotalks_tests::{Kind, World};

/// `EPERM`
const REFUSED: u16 = 1;

/// The namespaces in a file.
fn recorded(file: &Path) -> Vec<Netns> {
    let bytes = std::fs::read(file).unwrap();
    let limits = Limits::default();
    let mut all = Vec::new();
    for event in Reader::new(&bytes, &limits).unwrap() {
        if let Event::Block(block) = event
            && block.header.kind == BlockKind::Namespaces
        {
            let payload = block.payload(&limits).unwrap();
            all.extend(records::<Netns>(&payload).map(Result::unwrap));
        }
    }
    all
}

/// The namespace as a socket in it reports it.
fn cookie(wrapper: &[&str]) -> Option<u64> {
    let mut command = Command::new(wrapper[0]);
    command
        .args(&wrapper[1..])
        .arg(&programs().actor)
        .arg("--netns-cookie");
    let output = command.output().unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .trim()
        .parse()
        .ok()
}

/// A namespace's inode is used again, its cookie is not: both are in the file.
#[test]
fn cookies_are_those_that_sockets_tell() {
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let inside = world.actor_with(&["unshare", "-n"], &[]);
    let pid = inside.pid().to_string();
    let Some(own) = cookie(&["env"]) else {
        return skip("this kernel has no SO_NETNS_COOKIE (Linux 5.14)");
    };
    let other = cookie(&["nsenter", "-n", "-t", &pid]).unwrap();
    assert_ne!(own, other);
    let all = recorded(&world.snapshot());
    let of = |pid: u32| {
        let inode = namespace(pid, "net").unwrap();
        all.iter().find(|space| space.inode == inode).unwrap()
    };
    assert_eq!(of(std::process::id()).cookie, Some(own));
    assert_eq!(of(inside.pid()).cookie, Some(other));
    assert!(of(std::process::id()).own && !of(inside.pid()).own);
}

/// A filter that lets nobody change namespaces: what the text tables tell is there, through a process
/// that lives in the namespace, and nothing is claimed beyond that.
#[test]
fn a_namespace_that_may_not_be_entered_is_read_from_outside() {
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let inside = world.actor_with(&["unshare", "-n"], &[]);
    let listener = inside.listen(&world.abstract_name("inside"), Kind::Stream, 4);
    let (one, two) = inside.pair(Kind::Stream);
    let (third, fourth) = world.actor().pair(Kind::Stream);
    let actor = programs().actor.to_str().unwrap();
    let refuse = [actor, "--refuse", &format!("setns:{REFUSED}")];
    let file = world.snapshot_as("refused.whotalks", &refuse, &[]);

    let inode = namespace(inside.pid(), "net").unwrap();
    let all = recorded(&file);
    let space = all.iter().find(|space| space.inode == inode).unwrap();
    assert_eq!(space.enter_errno, REFUSED);
    let map = world.map_of(&file);
    let coverage = map.rows("coverage").next().unwrap();
    let mut spaces = coverage["netns"].as_array().unwrap().iter();
    let space = spaces.find(|space| space["inode"] == inode).unwrap();
    assert_eq!(space["diag"], "denied");
    assert_eq!(space["proc_net"], "ok");
    assert_eq!(coverage["complete"], false);
    for socket in [&listener, &one, &two] {
        map.has(socket, "netns", inode);
        assert_eq!(map.socket(socket)["holders"].as_array().unwrap().len(), 1);
    }
    map.has(&listener, "state", "listening");
    // Only a dump from inside contains the peers.
    assert_eq!(map.connections_of(&one.id()).count(), 0);
    let mut elsewhere = map.rows("connections");
    assert!(elsewhere.any(|edge| edge["a"] == third.id() && edge["b"] == fourth.id()));
}

/// Opened where it is mounted, with the link of a path: by name, elsewhere, with `O_PATH`, and in the
/// private table of a thread. The namespaces of other kinds that are opened so are none of the network.
#[test]
fn a_namespace_that_was_opened_by_path_is_one() {
    if !needs_root() {
        return;
    }
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let script = Script::start_in(
        &["unshare", "-m"],
        "
import ctypes, subprocess, tempfile, threading
run = lambda *command: subprocess.run(command, check=True)
S.socketpair()
def by_name(name):
    run('ip', 'netns', 'add', name)
    fd = os.open('/run/netns/' + name, os.O_RDONLY)
    run('ip', 'netns', 'del', name)
    return fd
run('mount', '-t', 'tmpfs', 'none', '/run')
run('mount', '-t', 'tmpfs', 'none', '/mnt')
named = by_name('one')
def mounted(option, kind):
    path = '/mnt/' + kind
    open(path, 'w').close()
    run('unshare', option, 'sh', '-c', f'mount --bind /proc/self/ns/{kind} {path}')
    return path
elsewhere = os.open(mounted('-n', 'net'), os.O_PATH)
run('umount', '-l', '/mnt/net')
hostname = os.open(mounted('-u', 'uts'), os.O_RDONLY)
reached = threading.Event()
def alone():
    ctypes.CDLL(None).unshare(0x400)
    os.closerange(3, 1024)
    own = by_name('two'); reached.set(); rest()
threading.Thread(target=alone, daemon=True).start()
reached.wait()
ready(os.getpid())
rest()
",
    );
    let pid = script.pids[0];
    let file = world.snapshot();
    let inode = |fd: &str| {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(format!("/proc/{pid}/{fd}"))
            .unwrap()
            .ino()
    };
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let mut threads = tasks.map(|task| task.unwrap().file_name().into_string().unwrap());
    let thread = threads.find(|tid| *tid != pid.to_string()).unwrap();
    let links: Vec<u64> = ["fd/3", "fd/4"]
        .map(inode)
        .into_iter()
        .chain([inode(&format!("task/{thread}/fd/3"))])
        .collect();
    let all = recorded(&file);
    for link in links {
        let space = all.iter().find(|space| space.inode == link).unwrap();
        assert_eq!(
            (&space.found_by[..], space.pid, space.enter_errno),
            (&b"descriptor"[..], pid, 0)
        );
    }
    assert!(!all.iter().any(|space| space.inode == inode("fd/5")));
    let found = Findings::of(&world, &[pid], &[&file]);
    found.are_exactly(&[("WT306", "low"); 3]);
    let map = world.map_of(&file);
    let process = map.rows("processes").find(|row| row["pid"] == pid).unwrap();
    assert_eq!(process["fd_counts"]["ns"], 4, "{process}");
}
