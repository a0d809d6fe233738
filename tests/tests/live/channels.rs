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
        match end["fd"].as_u64() {
            Some(fd) => format!("{role} {own} {fd}"),
            None => format!("{role} {own}"),
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

/// The name that `/proc/locks` has for a file.
fn lock_name(path: &std::path::Path) -> String {
    use std::os::unix::fs::MetadataExt;
    let file = std::fs::metadata(path).unwrap();
    let (major, minor) = (rustix::fs::major(file.dev()), rustix::fs::minor(file.dev()));
    format!("{major:02x}:{minor:02x}:{}", file.ino())
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
    pid = fork(lambda: run())
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
    let name = |file: &str| lock_name(&world.directory().join(file));
    let mut expected = [
        format!("{}: holder 0, waiter 1, waiter 2", name("flock")),
        format!("{}: holder 0, waiter 3", name("posix")),
        format!("{}: holder 5, waiter 3", name("posix")),
        // A lock of an open file has no process.
        format!("{}: waiter 4", name("ofd")),
    ];
    expected.sort();
    assert_eq!(channels(&world, "lock", &script.pids), expected);
}
