//! A process that does not answer: it is recorded as such, and nobody else suffers.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use whotalks_tests::programs::{PATIENCE, programs};
use whotalks_tests::role::{skip, works};
use whotalks_tests::world::export;
use whotalks_tests::{Kind, World};

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
        assert!(begun.elapsed() < PATIENCE, "the capture is held up");
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

#[test]
fn a_table_that_never_ends_is_not_called_read() {
    if !works(&["strace", "-f", "-o", "/dev/null", "true"]) {
        skip("strace is not there, or may not trace");
        return;
    }
    let world = World::new();
    let (stuck, other) = (world.actor(), world.actor());
    stuck.pair(Kind::Stream);
    other.pair(Kind::Stream);
    let pid = stuck.pid();
    let mut child = capture_stuck_in(&world, "getdents64", &format!("/proc/{pid}/fd"));
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
