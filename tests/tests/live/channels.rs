//! Ways to talk other than sockets and pipes, and file locks.

use serde_json::Value;
use whotalks_tests::World;
use whotalks_tests::script::Script;
use whotalks_tests::world::export;

/// The channels of a kind with one of these processes at an end, as `NAME: ROLE N FD, …`: the name, and
/// of each end the role, the position of its process in `pids` and its descriptor.
fn channels(world: &World, kind: &str, pids: &[u32]) -> Vec<String> {
    let document = export(&world.snapshot());
    let end = |end: &Value| {
        let id = end["process"].as_str().unwrap();
        let own = pids.iter().position(|pid| id == format!("h0/p{pid}"));
        let own = own.map_or("?".to_owned(), |own| own.to_string());
        let role = end["role"].as_str().unwrap();
        let keeps = if end["keeps"] == true { "keeper " } else { "" };
        match end["fd"].as_u64() {
            Some(fd) => format!("{keeps}{role} {own} {fd}"),
            None => format!("{keeps}{role} {own}"),
        }
    };
    let is_ours = |channel: &&Value| {
        let ends = channel["ends"].as_array().unwrap();
        let mut own = ends.iter().flat_map(|end| {
            let id = end["process"].as_str().unwrap();
            pids.iter().filter(move |pid| id == format!("h0/p{pid}"))
        });
        channel["kind"] == kind && own.next().is_some()
    };
    let all = document["channels"].as_array().unwrap();
    let mut found: Vec<String> = all
        .iter()
        .filter(is_ours)
        .map(|channel| {
            let ends: Vec<String> = channel["ends"]
                .as_array()
                .unwrap()
                .iter()
                .map(end)
                .collect();
            format!("{}: {}", channel["name"].as_str().unwrap(), ends.join(", "))
        })
        .collect();
    found.sort();
    found
}

/// Locks of all calls, each with what waits for it; a request for other bytes waits for nobody.
#[test]
fn locks_and_who_waits_for_them() {
    let world = World::new();
    let directory = world.directory().display();
    let script = Script::start(&format!(
        "
import fcntl
F_OFD_SETLK = 37
def file(name): return os.open('{directory}/' + name, os.O_RDWR | os.O_CREAT)
flock, posix, ofd = file('flock'), file('posix'), file('ofd')
fcntl.flock(flock, fcntl.LOCK_EX)
fcntl.lockf(posix, fcntl.LOCK_EX, 10, 5)
fcntl.fcntl(ofd, F_OFD_SETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 0, 0))
def waiter(run):
    pid = fork(lambda: (os.closerange(3, 64), run()))
    time.sleep(0.1)
    return pid
def again(name, how): fcntl.flock(file(name), how)
first = waiter(lambda: again('flock', fcntl.LOCK_EX))
second = waiter(lambda: again('flock', fcntl.LOCK_SH))
third = waiter(lambda: fcntl.lockf(file('posix'), fcntl.LOCK_EX))
fourth = waiter(lambda: fcntl.lockf(file('ofd'), fcntl.LOCK_EX))
def elsewhere():
    fcntl.lockf(file('posix'), fcntl.LOCK_EX, 1, 100)
    rest()
fifth = waiter(elsewhere)
ready(os.getpid(), first, second, third, fourth, fifth)
rest()
"
    ));
    let name = |file: &str| world.directory().join(file).display().to_string();
    let mut expected = [
        format!("{}: holder 0 3, waiter 1, waiter 2", name("flock")),
        format!("{}: holder 0 4, waiter 3", name("posix")),
        format!("{}: holder 5 3, waiter 3", name("posix")),
        format!("{}: holder 0 5, waiter 4", name("ofd")),
    ];
    expected.sort();
    assert_eq!(channels(&world, "lock", &script.pids), expected);
}

/// A child holds the lock of its parent, too, and alone when the parent has ended.
#[test]
fn locks_of_an_open_file_that_is_inherited() {
    let world = World::new();
    let directory = world.directory().display();
    let script = Script::start(&format!(
        "
import fcntl
def locked(name):
    fd = os.open('{directory}/' + name, os.O_RDWR | os.O_CREAT)
    fcntl.flock(fd, fcntl.LOCK_EX)
    return fd
locked('shared')
child = fork(rest)
read, write = os.pipe()
def parent():
    locked('orphan')
    os.write(write, str(fork(rest)).encode())
    os._exit(0)
os.waitpid(fork(parent), 0)
ready(os.getpid(), child, int(os.read(read, 20)))
rest()
"
    ));
    let name = |file: &str| world.directory().join(file).display().to_string();
    let found = channels(&world, "lock", &script.pids);
    let expected = [
        format!("{}: holder 2 7", name("orphan")),
        format!(
            "{}: holder 0 3, keeper holder 1 3, keeper holder 2 3",
            name("shared")
        ),
    ];
    assert_eq!(found, expected);
}
