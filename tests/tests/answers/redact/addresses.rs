//! No address of memory survives: one of them would tell where a running process has its code or stack.

use whotalks_tests::World;
use whotalks_tests::script::Script;

use super::{payloads, redact};

/// The mappings of a process, as ranges of addresses.
fn mappings(pid: u32) -> Vec<(u64, u64)> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let range = |line: &str| {
        let (start, end) = line.split_once(' ')?.0.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        Some((number(start)?, number(end)?))
    };
    maps.lines().filter_map(range).collect()
}

/// Numbers above 4 GiB: words in hexadecimal and decimal, and integers of the records.
fn large_numbers(bytes: &[u8]) -> Vec<u64> {
    let words = bytes.split(|byte| !byte.is_ascii_hexdigit());
    let words = words.filter_map(|word| std::str::from_utf8(word).ok());
    let texts = words.flat_map(|word| [u64::from_str_radix(word, 16).ok(), word.parse().ok()]);
    let integers = bytes
        .windows(8)
        .map(|raw| Some(u64::from_le_bytes(raw.try_into().ok()?)));
    let all = texts.chain(integers).flatten();
    all.filter(|number| *number > u64::from(u32::MAX)).collect()
}

#[test]
fn no_address_of_memory_is_left() {
    let world = World::new();
    let script = Script::start(
        "
import threading
a, b = S.socketpair()
def epoll():
    e = select.epoll()
    e.register(a, select.EPOLLIN)
    e.poll()
def poll():
    p = select.poll()
    p.register(a, select.POLLIN)
    p.poll()
for wait in (epoll, poll, lambda: select.select([a], [], []), lambda: a.recv(1)):
    threading.Thread(target=wait, daemon=True).start()
lock = threading.Lock()
lock.acquire()
ready(os.getpid())
lock.acquire()",
    );
    let mappings = mappings(script.pids[0]);
    let found = |file: &std::path::Path| {
        let numbers = large_numbers(&payloads(file)).into_iter();
        let is_mapped = |number: &u64| {
            let mut mappings = mappings.iter();
            mappings.any(|(start, end)| (start..end).contains(&number))
        };
        numbers.filter(is_mapped).collect::<Vec<u64>>()
    };
    let file = world.snapshot();
    assert!(found(&file).len() > 10, "the scene has no addresses");
    let left = found(&redact(&file, &[]));
    assert!(left.is_empty(), "{left:x?}");
}
