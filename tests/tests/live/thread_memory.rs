//! What blocked calls point to in memory: polled descriptors, owners of locks, addresses, paths.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};
use whotalks_tests::World;
use whotalks_tests::compiled::Compiled;
use whotalks_tests::environment::{euid, needs_namespaces, needs_root, say, works};
use whotalks_tests::programs::{programs, run};
use whotalks_tests::script::Script;
use whotalks_tests::world::export;

/// The blocked threads of a capture, by thread id.
fn threads(file: &std::path::Path) -> BTreeMap<u64, Value> {
    let mut command = Command::new(&programs().analyze);
    let answer = run(
        command
            .args(["waits", "--all", "--format", "json"])
            .arg(file),
        b"",
    )
    .json();
    let rows = answer["waits"].as_array().unwrap().iter();
    rows.map(|row| (row["tid"].as_u64().unwrap(), row.clone()))
        .collect()
}

/// The descriptors that a thread waits on, and what for.
fn on(row: &Value) -> Vec<(u64, &str)> {
    let rows = row["on"].as_array().unwrap().iter();
    rows.map(|on| (on["fd"].as_u64().unwrap(), on["want"].as_str().unwrap()))
        .collect()
}

#[test]
fn sets_of_poll_and_select() {
    let world = World::new();
    let source = include_str!("scenes/poll_sets.c");
    let Some(scene) = Compiled::start(&world, source, &[], &[]) else {
        return;
    };
    let file = world.snapshot();
    let threads = threads(&file);
    let thread = |name: &str| &threads[&u64::from(scene.number(name))];
    let [idle, full] = ["idle", "full"].map(|name| u64::from(scene.number(name)));
    for (name, call, memory, expected) in [
        ("one", "poll", json!("known"), vec![(idle, "read")]),
        (
            "three",
            "poll",
            json!("known"),
            // In order of the descriptors.
            vec![(idle, "read"), (idle, "hangup"), (full, "write")],
        ),
        ("none", "poll", json!("known"), vec![]),
        (
            "with_mask",
            "ppoll",
            json!("known"),
            vec![(idle, "read"), (full, "write")],
        ),
        (
            "selects",
            "select",
            json!("known"),
            vec![(idle, "read"), (1000, "read")],
        ),
        (
            "selects_with_mask",
            "pselect6",
            json!("known"),
            vec![(idle, "read"), (full, "write")],
        ),
        // What it watches.
        ("epolls", "epoll_wait", Value::Null, vec![(idle, "read")]),
        ("loses_its_array", "poll", json!("unreadable"), vec![]),
        ("at_the_end_of_a_page", "futex", json!("known"), vec![]),
    ] {
        let row = thread(name);
        assert_eq!(
            (&row["call"], &row["memory"]),
            (&json!(call), &memory),
            "{name}"
        );
        assert_eq!(on(row), expected, "{name}");
    }
    // 64 KiB of them are read, of which a row has the first; that there are more is said.
    let many = thread("ten_thousand");
    assert_eq!(many["memory"], "partial");
    let listed = on(many);
    assert!(listed.iter().all(|one| *one == (idle, "read")));
    let more = many["on_more"].as_u64().unwrap_or(0);
    assert_eq!(listed.len() as u64 + more, 8192);
    let much = thread("claims_much");
    assert_eq!(much["memory"], "partial");
    assert!(on(much).contains(&(idle, "read")));
    // What they refer to.
    let map = export(&file);
    let sockets = map["sockets"].as_array().unwrap().iter();
    let held: Vec<_> = sockets
        .filter(|socket| {
            let mut holders = socket["holders"].as_array().unwrap().iter();
            holders.any(|holder| {
                holder["process"] == format!("h0/p{}", scene.pid()) && holder["fd"] == idle
            })
        })
        .collect();
    assert_eq!(thread("one")["on"][0]["object"], held[0]["id"]);
    let pipe = thread("with_mask")["on"][1]["object"].as_str().unwrap();
    assert!(pipe.starts_with("h0/i"), "{pipe}");
}

/// Asserts who is named as the owner of each lock, for a program whose threads have these ids.
#[track_caller]
fn check_owners(threads: &BTreeMap<u64, Value>, id: impl Fn(&str) -> u64) {
    for name in [
        "at_plain",
        "at_recursive",
        "at_checked",
        "at_robust",
        "at_inheriting",
        "at_timed",
        "as_reader",
        "as_writer",
    ] {
        let row = &threads[&id(name)];
        assert_eq!(row["owner_tid"], id("owner"), "{name}: {row:#}");
    }
    for name in [
        "behind_readers",
        "at_condition",
        "at_other_library",
        "joins",
    ] {
        let row = &threads[&id(name)];
        assert_eq!(row["call"], "futex", "{name}");
        assert_eq!(row["owner_tid"], Value::Null, "{name}: {row:#}");
    }
}

const LOCKS: &str = include_str!("scenes/locks.c");

#[test]
fn owners_of_locks() {
    let world = World::new();
    let Some(scene) = Compiled::start(&world, LOCKS, &[], &[]) else {
        return;
    };
    check_owners(&threads(&world.snapshot()), |name| {
        scene.number(name).into()
    });
}

/// In a pid namespace of its own the program knows its threads by other ids.
#[test]
fn owners_of_locks_in_a_pid_namespace() {
    if !needs_root() {
        return;
    }
    if !needs_namespaces() {
        return;
    }
    let world = World::new();
    let wrapper = ["unshare", "--pid", "--fork", "--kill-child"];
    let Some(scene) = Compiled::start(&world, LOCKS, &[], &wrapper) else {
        return;
    };
    assert!(scene.number("owner") < 100, "{:?}", scene.numbers);
    let file = world.snapshot();
    let threads = threads(&file);
    let map = export(&file);
    let mut processes = map["processes"].as_array().unwrap().iter();
    let parent = scene.pid();
    let pid = processes.find(|process| process["ppid"] == parent).unwrap()["pid"].as_u64();
    // Thread ids rise in both namespaces.
    let own = threads.values().filter(|row| row["pid"].as_u64() == pid);
    let mut own: Vec<u64> = own.map(|row| row["tid"].as_u64().unwrap()).collect();
    own.sort_unstable();
    let mut inner: Vec<u32> = scene.numbers.iter().map(|(_, number)| *number).collect();
    inner.push(1);
    inner.sort_unstable();
    assert_eq!(own.len(), inner.len());
    check_owners(&threads, |name| {
        own[inner.binary_search(&scene.number(name)).unwrap()]
    });
}

/// A blocked sender or client is the last process of each script.
#[test]
fn destinations_and_paths() {
    let world = World::new();
    let folder = world.directory().to_str().unwrap();
    let full = "
r = S.socket(S.AF_UNIX, S.SOCK_DGRAM)
r.bind(NAME)
s = S.socket(S.AF_UNIX, S.SOCK_DGRAM)
s.setblocking(False)
try:
    while True: s.sendto(b'x', NAME)
except BlockingIOError: pass
s.setblocking(True)
";
    let path = format!("{folder}/receiver");
    let name = format!("whotalks-test-{}", std::process::id());
    let fifo = format!("{folder}/fifo");
    let listener = format!("{folder}/listener");
    for (call, text, scene) in [
        (
            "sendto",
            path.clone(),
            format!("NAME = {path:?}{full}\nready(os.getpid())\ns.sendto(b'x', NAME)"),
        ),
        (
            "sendmsg",
            format!("@{name}"),
            format!(
                "NAME = '\\0' + {name:?}{full}\nready(os.getpid())\ns.sendmsg([b'x'], [], 0, NAME)"
            ),
        ),
        (
            "connect",
            listener.clone(),
            format!(
                "
l = S.socket(S.AF_UNIX)
l.bind({listener:?})
l.listen(0)
c = S.socket(S.AF_UNIX)
c.connect({listener:?})
d = S.socket(S.AF_UNIX)
ready(os.getpid())
d.connect({listener:?})"
            ),
        ),
        (
            "openat",
            fifo.clone(),
            format!("os.mkfifo({fifo:?})\nready(os.getpid())\nos.open({fifo:?}, os.O_RDONLY)"),
        ),
    ] {
        let script = Script::start(&scene);
        std::thread::sleep(std::time::Duration::from_millis(300));
        let threads = threads(&world.snapshot());
        let row = &threads[&u64::from(script.pids[0])];
        assert_eq!(row["call"], call, "{row:#}");
        assert_eq!(row["named"], *text, "{row:#}");
        assert_eq!(row["memory"], "known", "{row:#}");
    }
}

/// Each time the set is one that the thread polled, or it is not known.
#[test]
fn a_set_that_changes_all_the_time() {
    let world = World::new();
    let source = include_str!("scenes/moving_set.c");
    let Some(scene) = Compiled::start(&world, source, &[], &[]) else {
        return;
    };
    let sets = ["one", "other"].map(|name| vec![(u64::from(scene.number(name)), "read"); 64]);
    let mut known = 0;
    for _ in 0..30 {
        let threads = threads(&world.snapshot());
        let Some(row) = threads.get(&u64::from(scene.pid())) else {
            continue; // it was running
        };
        let on = on(row);
        match row["memory"].as_str() {
            Some("known") => {
                assert!(sets.contains(&on), "{on:?}");
                known += 1;
            }
            Some("moved") => assert_eq!(on, []),
            other => panic!("{other:?}"),
        }
    }
    assert!(known > 0, "never known");
}

#[test]
fn a_32_bit_program_is_not_decoded() {
    let world = World::new();
    let source = include_str!("scenes/narrow.c");
    let flags = [
        "-m32",
        "-nostdlib",
        "-static",
        "-ffreestanding",
        "-fno-pie",
        "-no-pie",
    ];
    let Some(scene) = Compiled::start(&world, source, &flags, &[]) else {
        return;
    };
    std::thread::sleep(std::time::Duration::from_millis(100));
    let threads = threads(&world.snapshot());
    let row = &threads[&u64::from(scene.pid())];
    assert_eq!(row["call"], Value::Null, "{row:#}");
    assert_eq!(row["call_number"], 168);
    assert_eq!((on(row), &row["owner_tid"]), (vec![], &Value::Null));
}

/// The options that leave memory alone leave what is in it unknown.
#[test]
fn without_memory() {
    let script =
        Script::start("a, b = S.socketpair()\nready(os.getpid())\nselect.select([a], [], [])");
    let world = World::new();
    let pid = u64::from(script.pids[0]);
    for arguments in [&["--waits", "calls"][..], &["--passive"]] {
        let threads = threads(&world.snapshot_with(arguments));
        assert_eq!(threads[&pid]["memory"], "not-captured");
        assert_eq!(on(&threads[&pid]), []);
    }
    let without = threads(&world.snapshot_with(&["--waits", "no"]));
    assert!(!without.contains_key(&pid), "its call is not known");
    assert_eq!(on(&threads(&world.snapshot())[&pid]).len(), 1);
}

/// A program that does not want to be read (`PR_SET_DUMPABLE`) is not read by its own user.
#[test]
fn a_refused_read_is_no_answer() {
    if euid() != 0 || !works(&["setpriv", "--reuid", "54321", "true"]) {
        return say("left to the run as root");
    }
    let world = World::new();
    let ordinary = [
        "setpriv",
        "--reuid",
        "54321",
        "--regid",
        "54321",
        "--clear-groups",
    ];
    let script = Script::start(
        "
import ctypes
a, b = S.socketpair()
def run(dumpable):
    os.setgroups([])
    os.setresgid(54321, 54321, 54321)
    os.setresuid(54321, 54321, 54321)
    ctypes.CDLL(None).prctl(4, dumpable, 0, 0, 0)
    select.select([a], [], [])
ready(fork(lambda: run(1)), fork(lambda: run(0)))
rest()",
    );
    let folder = world.directory().join("theirs");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::chown(&folder, Some(54321), Some(54321)).unwrap();
    let open = |path: &std::path::Path| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    };
    open(world.directory());
    // The programs may be where that user cannot go.
    let collect = folder.join("collect");
    std::fs::copy(&programs().collect, &collect).unwrap();
    open(&collect);
    let file = folder.join("own.whotalks");
    let mut command = Command::new(ordinary[0]);
    command
        .args(&ordinary[1..])
        .arg(&collect)
        .args(["-q", "-o"])
        .arg(&file);
    run(&mut command, b"").succeeds();
    let [open_one, closed_one] = [0, 1].map(|index| u64::from(script.pids[index]));
    let own = threads(&file);
    assert_eq!(on(&own[&open_one]).len(), 1);
    assert!(!own.contains_key(&closed_one), "its call is not known");
    let whole = threads(&world.snapshot());
    for pid in [open_one, closed_one] {
        assert_eq!(on(&whole[&pid]).len(), 1);
    }
}
