//! `waits`: each way to wait, its chain and its end; and healthy services, which have no row.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use whotalks_tests::World;
use whotalks_tests::compiled::Compiled;
use whotalks_tests::environment::{needs_root, skip};
use whotalks_tests::programs::{programs, run};
use whotalks_tests::script::Script;
use whotalks_tests::service::{Nginx, Postgresql, Redis};

/// Servers and clients over Unix sockets. `serve(name, body)` accepts a client and runs `body` with it;
/// `ask(name)` connects and asks.
const SERVERS: &str = "
import fcntl
home = 'HOME'
def listen(name, backlog=8):
    s = S.socket(S.AF_UNIX); s.bind(home + '/' + name); s.listen(backlog); return s
def serve(listener, body):
    c, _ = listener.accept(); c.recv(9); body(c); rest()
def ask(name):
    s = S.socket(S.AF_UNIX); s.connect(home + '/' + name); s.sendall(b'x'); return s
";

fn scene(world: &World, text: &str) -> Script {
    let home = world.directory();
    let text = format!("{SERVERS}{text}").replace("HOME", home.to_str().unwrap());
    Script::start(&text)
}

fn answer(file: &Path, arguments: &[&str]) -> Value {
    let mut command = Command::new(&programs().analyze);
    run(
        command
            .args(["waits", "--format", "json"])
            .args(arguments)
            .arg(file),
        b"",
    )
    .json()
}

fn id(pid: u32) -> Value {
    format!("h0/p{pid}").into()
}

fn rows(answer: &Value, pid: u32) -> Vec<&Value> {
    let rows = answer["waits"].as_array().unwrap().iter();
    rows.filter(|row| row["pid"] == pid).collect()
}

fn row(answer: &Value, pid: u32) -> &Value {
    match rows(answer, pid)[..] {
        [row] => row,
        _ => panic!("not one row of {pid} in {answer:#}"),
    }
}

/// Call, chain and end of the one row of a process.
fn check(answer: &Value, pid: u32, call: &str, chain: &[u32], end: &str) {
    let row = row(answer, pid);
    let steps = row["chain"].as_array().unwrap().iter();
    let steps: Vec<&Value> = steps.map(|step| &step["process"]).collect();
    let expected: Vec<Value> = chain.iter().map(|pid| id(*pid)).collect();
    let expected: Vec<&Value> = expected.iter().collect();
    assert_eq!(
        (&row["call"], steps, &row["end"]["kind"], &row["problem"]),
        (&json!(call), expected, &json!(end), &json!(true)),
        "{row:#}"
    );
}

/// poll, select, and an epoll with a mask, each on one server alone.
#[test]
fn through_poll_select_and_epoll() {
    let world = World::new();
    let text = "
a, b, c = listen('a'), listen('b'), listen('c')
def sleeps(client): rest()
def epolls(client):
    up = ask('a'); e = select.epoll(); e.register(up, select.EPOLLIN); e.poll()
def selects(client):
    up = ask('b'); select.select([up], [], [])
def polls():
    up = ask('c'); up.settimeout(1000); up.recv(9)
end = fork(lambda: serve(a, sleeps)); third = fork(lambda: serve(b, epolls))
second = fork(lambda: serve(c, selects))
for s in (a, b, c): s.close()
ready(fork(polls), second, third, end)
rest()
";
    let scene = scene(&world, text);
    let [first, second, third, end] = scene.pids[..] else {
        panic!("{:?}", scene.pids)
    };
    let answer = answer(&world.snapshot(), &[]);
    check(&answer, first, "poll", &[second, third, end], "asleep");
    let select = if cfg!(target_arch = "x86_64") {
        "select"
    } else {
        "pselect6"
    };
    let call = row(&answer, second)["call"].as_str().unwrap().to_owned();
    assert!([select, "pselect6"].contains(&&*call), "{call}");
    check(&answer, second, &call, &[third, end], "asleep");
    check(&answer, third, "epoll_wait", &[end], "asleep");
    for pid in [first, second, third] {
        let on = row(&answer, pid)["on"].as_array().unwrap();
        assert_eq!((on.len(), &on[0]["want"]), (1, &json!("read")));
    }
}

/// Threads wait for locks of a thread that waits for another process; two wait for each other.
#[test]
fn locks_of_threads() {
    let world = World::new();
    let Some(scene) = Compiled::start(&world, include_str!("scenes/mutexes.c"), &[], &[]) else {
        return;
    };
    let answer = answer(&world.snapshot(), &[]);
    let thread = |name: &str| {
        let tid = scene.number(name);
        let rows = answer["waits"].as_array().unwrap().iter();
        let mut rows = rows.filter(|row| row["tid"] == tid);
        rows.next()
            .unwrap_or_else(|| panic!("no row of {name} in {answer:#}"))
    };
    let reader = scene.number("reader");
    for name in ["at_mutex", "at_rwlock"] {
        let row = thread(name);
        assert_eq!(
            (&row["call"], &row["owner_tid"]),
            (&json!("futex"), &json!(reader))
        );
        assert_eq!(row["chain"][0]["tid"], reader);
        assert_eq!(row["chain"][1]["process"], id(scene.number("server")));
        assert_eq!(row["end"]["kind"], "asleep");
    }
    for (name, other) in [("one", "two"), ("two", "one")] {
        let row = thread(name);
        assert_eq!(row["owner_tid"], scene.number(other));
        assert_eq!(
            (&row["end"]["kind"], &row["class"]),
            (&json!("cycle"), &json!("in-cycle"))
        );
    }
    let cycles = answer["cycles"].as_array().unwrap().iter();
    let own: Vec<&Value> = cycles
        .filter(|c| c["processes"] == json!([id(scene.pid())]))
        .collect();
    assert_eq!(own.len(), 1, "{answer:#}");
    assert_eq!(
        (
            own[0]["deadlock"].as_bool(),
            own[0]["steps"].as_array().unwrap().len()
        ),
        (Some(true), 2)
    );
}

/// Two processes that each read what the other does not write, and three in a ring of pipes.
#[test]
fn rings() {
    let world = World::new();
    let text = "
l = listen('l')
def reads(client): client.recv(9)
one = fork(lambda: serve(l, reads))
def asks():
    l.close(); s = ask('l'); time.sleep(0.1); s.recv(9)
two = fork(asks); l.close()
pipes = [os.pipe() for _ in range(3)]
def member(n):
    read, write = pipes[n][0], pipes[(n + 1) % 3][1]
    for p in pipes:
        for fd in p:
            if fd not in (read, write): os.close(fd)
    os.read(read, 1)
ring = [fork(lambda n=n: member(n)) for n in range(3)]
for p in pipes:
    for fd in p: os.close(fd)
ready(one, two, *ring)
rest()
";
    let scene = scene(&world, text);
    let [one, two, a, b, c] = scene.pids[..] else {
        panic!("{:?}", scene.pids)
    };
    let file = world.snapshot();
    let all = answer(&file, &[]);
    check(&all, one, "recvfrom", &[two, one], "cycle");
    check(&all, two, "recvfrom", &[one, two], "cycle");
    check(&all, a, "read", &[c, b, a], "cycle");
    check(&all, b, "read", &[a, c, b], "cycle");
    // Only cycles that a selector touches.
    let of_ring = answer(&file, &[&format!("pid:{b}")]);
    let cycles = of_ring["cycles"].as_array().unwrap();
    assert_eq!(cycles.len(), 1, "{of_ring:#}");
    assert_eq!(cycles[0]["processes"], json!([id(a), id(b), id(c)]));
}

/// A program writes to a terminal that nobody reads any more: its reader is stopped.
#[test]
fn a_terminal_whose_reader_stopped() {
    let world = World::new();
    let script = scene(
        &world,
        "
import pty
master, slave = pty.openpty()
def reader():
    os.close(slave)
    while True: os.read(master, 4096)
def writer():
    os.close(master)
    while True: os.write(slave, b'x' * 4096)
reads = fork(reader)
writes = fork(writer)
os.close(master); os.close(slave)
time.sleep(0.3); os.kill(reads, signal.SIGSTOP)
ready(reads, writes)
rest()
",
    );
    let all = answer(&world.snapshot(), &[]);
    let [reads, writes] = script.pids[..] else {
        panic!("{:?}", script.pids);
    };
    check(&all, writes, "write", &[reads], "stopped");
    let stopped = row(&all, reads);
    assert_eq!(
        (&stopped["class"], &stopped["end"]["kind"]),
        (&json!("stopped"), &json!("stopped"))
    );
}

/// What cannot be sent or opened, by path; locks of files; a client that polls a stopped server.
#[test]
fn files_datagrams_and_stops() {
    let world = World::new();
    let text = "
d = S.socket(S.AF_UNIX, S.SOCK_DGRAM); d.bind(home + '/d')
receiver = fork(rest); d.close()
def sends():
    s = S.socket(S.AF_UNIX, S.SOCK_DGRAM)
    while True: s.sendto(b'x', home + '/d')
sender = fork(sends)
for name in ('full', 'no_reader', 'no_writer'): os.mkfifo(home + '/' + name)
def holds_fifo(): fd = os.open(home + '/full', os.O_RDONLY); rest()
def fills():
    fd = os.open(home + '/full', os.O_WRONLY)
    while True: os.write(fd, b'x' * 4096)
fifo_reader, fifo_writer = fork(holds_fifo), fork(fills)
no_reader = fork(lambda: os.open(home + '/no_reader', os.O_WRONLY))
no_writer = fork(lambda: os.open(home + '/no_writer', os.O_RDONLY))
def lock(call):
    f = open(home + '/locked.' + call.__name__, 'w'); call(f, fcntl.LOCK_EX); rest()
flock = [fork(lambda: lock(fcntl.flock))]; posix = [fork(lambda: lock(fcntl.lockf))]
time.sleep(0.3)
flock.append(fork(lambda: lock(fcntl.flock))); posix.append(fork(lambda: lock(fcntl.lockf)))
l = listen('l')
def nothing(client): rest()
stopped = fork(lambda: serve(l, nothing)); l.close()
def polls():
    s = ask('l'); p = select.poll(); p.register(s, select.POLLIN); p.poll()
client = fork(polls)
time.sleep(0.3); os.kill(stopped, signal.SIGSTOP)
def waits_for_stopped():
    child = fork(rest); time.sleep(0.1); os.kill(child, signal.SIGSTOP); os.waitpid(child, 0)
parent = fork(waits_for_stopped)
ready(sender, receiver, fifo_writer, fifo_reader, no_reader, no_writer, *flock, *posix, client, stopped, parent)
rest()
";
    let scene = scene(&world, text);
    let file = world.snapshot();
    let all = answer(&file, &[]);
    let pids = &scene.pids;
    check(&all, pids[0], "sendto", &[pids[1]], "asleep");
    check(&all, pids[2], "write", &[pids[3]], "asleep");
    let home = world.directory().to_str().unwrap();
    for (pid, name) in [
        (pids[0], "d"),
        (pids[2], "full"),
        (pids[4], "no_reader"),
        (pids[5], "no_writer"),
    ] {
        assert_eq!(row(&all, pid)["via"], format!("{home}/{name}"));
    }
    for pid in &pids[4..6] {
        check(&all, *pid, "openat", &[], "nobody");
    }
    check(&all, pids[7], "flock", &[pids[6]], "asleep");
    check(&all, pids[9], "fcntl", &[pids[8]], "asleep");
    check(&all, pids[10], "poll", &[pids[11]], "stopped");
    let stopped = row(&all, pids[11]);
    assert_eq!(
        (&stopped["class"], &stopped["end"]["kind"]),
        (&json!("stopped"), &json!("stopped"))
    );
    let parent = row(&all, pids[12]);
    assert_eq!(
        (&parent["call"], &parent["end"]["kind"]),
        (&json!("wait4"), &json!("stopped"))
    );
    let text = stopped["end"]["text"].as_str().unwrap();
    assert!(text.contains(&format!("kill -CONT {}", pids[11])), "{text}");
}

/// Idle services and their clients have no row, and the samples none at all.
#[test]
fn nothing_at_rest() {
    if !needs_root() {
        return;
    }
    let world = World::new();
    let Some(nginx) = Nginx::start(&world) else {
        return skip("no nginx");
    };
    let postgres = match Postgresql::start(&world) {
        Ok(postgres) => postgres,
        Err(why) => return skip(why),
    };
    let Some(redis) = Redis::start(&world) else {
        return skip("no redis");
    };
    let file = world.snapshot();
    let all = answer(&file, &[]);
    for pid in [&nginx.server, &postgres.server, &redis.server]
        .iter()
        .flat_map(|s| s.pids())
    {
        assert_eq!(rows(&all, pid), [] as [&Value; 0]);
    }
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../snapshots/samples");
    for name in ["server", "desktop", "guest"] {
        let quiet = answer(&samples.join(format!("{name}.whotalks")), &[]);
        assert_eq!(
            (&quiet["waits"], &quiet["cycles"]),
            (&json!([]), &json!([])),
            "{name}"
        );
        assert!(quiet["idle"].as_u64() > Some(30));
    }
}
