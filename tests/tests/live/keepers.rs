//! Holders that only keep a descriptor are no end of its conversations.

use serde_json::Value;
use whotalks_tests::World;
use whotalks_tests::environment::skip;
use whotalks_tests::script::{Script, links, list};

/// The reason by which each process keeps a socket that several of them hold, from the exported map.
fn reasons(world: &World, script: &Script) -> Vec<Option<String>> {
    let map = whotalks_tests::world::export(&world.snapshot());
    let holders = map["sockets"].as_array().unwrap().iter();
    let holders = holders.flat_map(|socket| socket["holders"].as_array().unwrap());
    let reason = |pid: &u32| {
        let id = Value::from(format!("h0/p{pid}"));
        let mut own = holders.clone().filter(|holder| holder["process"] == id);
        let kept = own.find(|holder| holder["keeps"] == true)?;
        Some(kept["keeps_why"].as_str().unwrap().to_owned())
    };
    script.pids.iter().map(reason).collect()
}

/// Processes 0 and 1 are connected by a socketpair; 2, the parent of both, has the socket `a` of 1, too.
/// Process 1 runs `user`, and 2 `prepare` and then `hold`.
fn shared_socket(user: &str, prepare: &str, hold: &str) -> Script {
    Script::start(&format!(
        "
a, b = S.socketpair()
peer = fork(lambda: (a.close(), b.send(b'x'), rest()))
def use():
    b.close()
    a.recv(1)
    {user}
user = fork(use)
b.close()
{prepare}
ready(peer, user, os.getpid())
{hold}
"
    ))
}

/// Asserts whether 2 is an end of the conversation, and why not.
#[track_caller]
fn check(script: &Script, reason: Option<&str>) {
    let world = World::new();
    let expected = match reason {
        Some(_) => &["0 ↔ 1"][..],
        None => &["0 ↔ 1", "0 ↔ 2"],
    };
    assert_eq!(links(&list(&world, &[]), &script.pids), expected);
    assert_eq!(
        reasons(&world, script),
        [None, None, reason.map(str::to_owned)]
    );
}

/// A stored descriptor is watched for the end of the connection only, as systemd does.
#[test]
fn a_store_watches_for_hangups_only() {
    let user = "e = select.epoll(); e.register(a, select.EPOLLIN); e.poll()";
    let prepare = "store = select.epoll(); store.register(a, select.EPOLLHUP)";
    check(
        &shared_socket(user, prepare, "store.poll()"),
        Some("poll-mask"),
    );
}

/// A poll tells what its thread uses, as an epoll does.
#[test]
fn a_poll_watches_what_is_in_its_set() {
    let user = "a.recv(1)";
    let other = "r, w = os.pipe()";
    let elsewhere = "p = select.poll(); p.register(r, select.POLLIN); p.poll()";
    check(
        &shared_socket(user, other, elsewhere),
        Some("blocked-elsewhere"),
    );
    check(
        &shared_socket(user, other, "select.select([r], [], [])"),
        Some("blocked-elsewhere"),
    );
    let hangup = "p = select.poll(); p.register(r, select.POLLIN); p.register(a, 0); p.poll()";
    check(&shared_socket(user, other, hangup), Some("poll-mask"));
    let both =
        "p = select.poll(); p.register(r, select.POLLIN); p.register(a, select.POLLIN); p.poll()";
    check(&shared_socket(user, other, both), None);
}

/// A shell that waits for the program which it started, in a call that is not decoded.
#[test]
fn a_parent_waits_for_its_child() {
    let script = shared_socket("rest()", "", "os.waitpid(user, 0)");
    check(&script, Some("blocked-elsewhere"));
}

/// A descriptor that was inherited by accident: its holder reads from something else, while another
/// process reads from it.
#[test]
fn a_leak_while_another_reads() {
    let script = shared_socket("a.recv(1)", "r, w = os.pipe()", "os.read(r, 1)");
    check(&script, Some("blocked-elsewhere"));
}

/// A one-shot epoll clears the events of a descriptor while one is handled: no sign that its holder only
/// keeps it.
#[test]
fn an_event_that_is_being_handled_is_use() {
    let prepare = "\
e = select.epoll(); e.register(a, select.EPOLLOUT | select.EPOLLONESHOT); e.poll()";
    check(&shared_socket("rest()", prepare, "rest()"), None);
}

/// An epoll names the number under which a file was added, which may refer to another file by now.
#[test]
fn a_number_that_was_used_again() {
    let prepare = "\
other, far = S.socketpair(); number = other.fileno(); kept = other.dup()
e = select.epoll(); e.register(other, select.EPOLLHUP)
os.dup2(a.fileno(), number); a.close()";
    check(&shared_socket("rest()", prepare, "rest()"), None);
}

/// Where nothing tells who uses it, every holder does.
#[test]
fn without_evidence_all_talk() {
    check(&shared_socket("rest()", "", "rest()"), None);
}

/// A master that keeps the listener of its workers: a client in the queue waits for the worker.
#[test]
fn a_master_accepts_nothing() {
    let world = World::new();
    let script = Script::start(
        "
l = S.socket(S.AF_UNIX); l.bind('\\0keepers-%d' % os.getpid()); l.listen(8)
def client():
    c = S.socket(S.AF_UNIX); c.connect(l.getsockname()); name = l.getsockname(); l.close()
    time.sleep(0.2)
    d = S.socket(S.AF_UNIX); d.connect(name)
    rest()
def worker():
    c = l.accept(); rest()
work = fork(worker)
peer = fork(client)
ready(peer, work, os.getpid())
rest()
",
    );
    let answer = list(&world, &[]);
    assert_eq!(links(&answer, &script.pids), ["0 → 1"]);
    let rows = answer["links"].as_array().unwrap().iter();
    let mut own = rows.filter(|row| {
        row["via"]
            .as_str()
            .is_some_and(|via| via.starts_with("@keepers-"))
    });
    let row = own.next().unwrap();
    assert_eq!(
        (&row["connections"], &row["pending"]),
        (&2.into(), &1.into())
    );
    let expected = [None, None, Some("accepted-elsewhere".to_owned())];
    assert_eq!(reasons(&world, &script), expected);
}

/// A listener whose only reference is its registration with an io_uring.
#[test]
fn a_socket_registered_with_io_uring() {
    let world = World::new();
    let script = Script::start(
        "
import ctypes
call = ctypes.CDLL(None, use_errno=True).syscall
l = S.socket(S.AF_UNIX); l.bind('\\0ring-%d' % os.getpid()); l.listen(8)
def client():
    c = S.socket(S.AF_UNIX); c.connect(l.getsockname()); l.close(); rest()
peer = fork(client)
ring = call(425, 4, ctypes.byref((ctypes.c_uint32 * 30)()))
if ring >= 0:
    assert call(427, ring, 2, ctypes.byref((ctypes.c_int32 * 1)(l.fileno())), 1) == 0
    time.sleep(0.2); l.close()
ready(peer, os.getpid(), 1 if ring >= 0 else 0)
rest()
",
    );
    if script.pids[2] == 0 {
        return skip("io_uring is not allowed here");
    }
    let answer = list(&world, &[]);
    assert_eq!(links(&answer, &script.pids[..2]), ["0 → 1"]);
    let map = whotalks_tests::world::export(&world.snapshot());
    let owner = Value::from(format!("h0/p{}", script.pids[1]));
    let sockets = map["sockets"].as_array().unwrap().iter();
    let holders = sockets.flat_map(|socket| socket["holders"].as_array().unwrap());
    let mut own = holders.filter(|holder| holder["process"] == owner);
    let through = own.find(|holder| holder["through"] == "io_uring").unwrap();
    assert_eq!(through["fd"], Value::Null);
}
