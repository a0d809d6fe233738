//! Processes and file systems that do not answer: recorded as such, without delay for others.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use whotalks_tests::environment::{needs_namespaces, needs_root, skip, works};
use whotalks_tests::programs::{TIMEOUT, programs, run};
use whotalks_tests::script::Script;
use whotalks_tests::world::{export, namespace};
use whotalks_tests::{Actor, Address, Edge, Kind, World};

/// Captures while each of these calls on this file takes longer than anybody waits; the child still
/// has a thread in it when the snapshot is there.
fn capture_stuck_in(world: &World, call: &str, path: &str) -> Child {
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={call}"));
    strace.args(["-P", path, "-e"]);
    strace.arg(format!("inject={call}:delay_enter=600s"));
    strace.arg(&programs().collect).args(["-q", "-o"]);
    strace.arg(world.directory().join("machine.whotalks"));
    strace
        .process_group(0)
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

fn wait_for(file: &Path, child: &mut Child) {
    let begun = Instant::now();
    while !file.exists() {
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "no snapshot: {ended:?}");
        assert!(begun.elapsed() < TIMEOUT, "the capture is held up");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_process_that_does_not_answer_is_read_without_its_memory() {
    if !works(&["strace", "-f", "-o", "/dev/null", "true"]) {
        skip("strace is not there, or may not trace");
        return;
    }
    let world = World::new();
    let (stuck, other) = (world.actor(), world.actor());
    let (a, b) = stuck.pair(Kind::Stream);
    let (c, d) = other.pair(Kind::Stream);
    let pid = stuck.pid();
    let mut child = capture_stuck_in(&world, "read", &format!("/proc/{pid}/cmdline"));
    let file = world.directory().join("machine.whotalks");
    wait_for(&file, &mut child);
    kill_process_group(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();

    let graph = export(&file);
    let process = |pid: u32| {
        let mut processes = graph["processes"].as_array().unwrap().iter();
        processes.find(|process| process["pid"] == pid).unwrap()
    };
    assert_eq!(process(pid)["cmdline"], serde_json::json!([]));
    assert_eq!(process(pid)["fds_status"], "read");
    assert_eq!(process(other.pid())["cmdline"].as_array().unwrap().len(), 1);
    for (one, other) in [(&a, &b), (&c, &d)] {
        let mut edges = graph["connections"].as_array().unwrap().iter();
        assert!(edges.any(|edge| edge["a"] == one.id() && edge["b"] == other.id()));
        let mut sockets = graph["sockets"].as_array().unwrap().iter();
        let socket = sockets.find(|socket| socket["id"] == one.id()).unwrap();
        assert_eq!(socket["holders"].as_array().unwrap().len(), 1, "{socket:#}");
    }
}

/// A page of a mapped file whose server is silent: what threads point to is not read, their calls are.
#[test]
fn memory_that_does_not_answer_hides_no_call() {
    if !works(&["strace", "-f", "-o", "/dev/null", "true"]) {
        skip("strace is not there, or may not trace");
        return;
    }
    let world = World::new();
    let script = Script::start(
        "
import threading
pairs = [S.socketpair() for _ in range(4)]
for a, b in pairs[1:]:
    threading.Thread(target=lambda a=a: select.select([a], [], []), daemon=True).start()
ready(os.getpid(), fork(lambda: select.select([pairs[0][0]], [], [])))
select.select([pairs[0][0]], [], [])",
    );
    let [stuck, other] = [0, 1].map(|index| script.pids[index]);
    let mut child = capture_stuck_in(&world, "pread64", &format!("/proc/{stuck}/mem"));
    let file = world.directory().join("machine.whotalks");
    wait_for(&file, &mut child);
    kill_process_group(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();

    let mut command = Command::new(&programs().analyze);
    let answer = run(
        command
            .args(["waits", "--all", "--format", "json"])
            .arg(&file),
        b"",
    )
    .json();
    let threads = |pid: u32| {
        let rows = answer["waits"].as_array().unwrap().iter();
        let rows = rows.filter(|row| row["pid"] == pid);
        rows.map(|row| row["memory"].as_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(threads(stuck), ["unreadable"; 4]);
    assert_eq!(threads(other), ["known"]);
}

#[test]
fn a_table_whose_links_block_is_recorded_as_unread() {
    not_called_read("readlinkat", |actor| {
        actor.pair(Kind::Stream);
    });
}

#[test]
fn a_table_that_never_ends_is_not_called_read() {
    // With holes: only such a table is listed.
    not_called_read("getdents64", |actor| {
        let below: Vec<_> = (0..4).map(|_| actor.pair(Kind::Stream)).collect();
        actor.pair(Kind::Stream);
        for (one, other) in &below {
            actor.close(one);
            actor.close(other);
        }
    });
}

/// One process's table does not answer to a call.
fn not_called_read(call: &str, hold: impl Fn(&Actor)) {
    if !works(&["strace", "-f", "-o", "/dev/null", "true"]) {
        skip("strace is not there, or may not trace");
        return;
    }
    let world = World::new();
    let (stuck, other) = (world.actor(), world.actor());
    hold(&stuck);
    hold(&other);
    let pid = stuck.pid();
    let mut child = capture_stuck_in(&world, call, &format!("/proc/{pid}/fd"));
    let file = world.directory().join("machine.whotalks");
    wait_for(&file, &mut child);
    kill_process_group(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();

    let graph = export(&file);
    let status = |pid: u32| {
        let mut processes = graph["processes"].as_array().unwrap().iter();
        processes.find(|process| process["pid"] == pid).unwrap()["fds_status"].clone()
    };
    assert_ne!(status(pid), "read");
    assert_eq!(status(other.pid()), "read");
    assert_eq!(graph["coverage"][0]["complete"], false);
}

/// A network namespace is mounted below a file system whose server has fallen silent, and a process
/// works there: whoever goes that way waits for ever.
#[test]
fn an_unserved_path_does_not_delay_the_capture() {
    // In a user namespace /dev/fuse may be another's.
    if !needs_root() {
        return;
    }
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let folder = world.directory().join("silent");
    std::fs::create_dir(&folder).unwrap();
    let folder = folder.to_str().unwrap();
    let mut server = Command::new("unshare")
        .args(["-m", programs().actor.to_str().unwrap(), "--fuse", folder])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = server.stdin.take().unwrap();
    let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
    if said.next().is_none() {
        server.wait().unwrap();
        return skip("no file system may be mounted from /dev/fuse");
    }
    let pid = server.id().to_string();
    let enter = ["nsenter", "-m", "-t", &pid];
    let hidden = r#"readlink /proc/self/ns/net && mount --bind /proc/self/ns/net "$0/file""#;
    let mut mount = Command::new(enter[0]);
    mount
        .args(&enter[1..])
        .args(["unshare", "-n", "sh", "-c", hidden, folder]);
    let mounted = mount.output().unwrap();
    assert!(mounted.status.success(), "{mounted:?}");
    let text = String::from_utf8(mounted.stdout).unwrap();
    let inode: u64 = text
        .trim()
        .trim_matches(|c: char| !c.is_ascii_digit())
        .parse()
        .unwrap();
    let worker = world.actor_with(&enter, &[]);
    worker.change_directory(&Address::Path(folder.into()));
    let (one, other) = worker.pair(Kind::Stream);
    let elsewhere = world.actor_with(&["unshare", "-n"], &[]);
    let netns = namespace(elsewhere.pid(), "net").unwrap();
    let (third, fourth) = elsewhere.pair(Kind::Stream);
    writeln!(input, "enough").unwrap();
    assert_eq!(said.next().unwrap().unwrap(), "silent");

    let map = world.capture();
    map.is_exactly(&[Edge::pair(&one, &other), Edge::pair(&third, &fourth)]);
    let coverage = map.rows("coverage").next().unwrap();
    let diag = |inode: u64| {
        let mut spaces = coverage["netns"].as_array().unwrap().iter();
        spaces.find(|space| space["inode"] == inode).unwrap()["diag"].clone()
    };
    assert_eq!(diag(netns), "ok");
    assert_eq!(diag(inode), "unavailable");
    assert_eq!(coverage["complete"], false);
    drop(input);
    server.wait().unwrap();
}
