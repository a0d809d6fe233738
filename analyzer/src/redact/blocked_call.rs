//! Redacts what a thread is blocked in: keeps the call, its numbers, the descriptors that it polls and
//! the owner of the lock that it waits for. All else that was in memory is left out.

use whotalks_snapshot::netlink::ByteOrder;
use whotalks_snapshot::records::{MemoryRead, Wait};
use whotalks_snapshot::wire::put_record;

use super::pointers::{removed, without_addresses};
use crate::load::syscall::{Syscall, call, syscall};
use crate::load::thread_memory::{OwnedLock, at, owned_lock, pollfds, set_members};

/// Larger numbers in a `pollfd` are no descriptors: the default of `fs.nr_open`.
const DESCRIPTORS: u32 = 1 << 20;
/// `FUTEX_WAIT | FUTEX_PRIVATE_FLAG`.
const FUTEX_WAIT: u64 = 0x80;

/// The text of `/proc/PID/task/TID/syscall` without addresses, and what is kept of the memory.
pub(super) fn redact(record: &Wait, arch: &[u8], order: ByteOrder) -> (Vec<u8>, Vec<u8>) {
    let mut memory = Vec::new();
    let parsed = match syscall(&record.syscall) {
        Some(Syscall::Call {
            number,
            mut arguments,
            stack,
        }) => {
            let name = call(arch, number, stack).map(|(name, _)| name);
            let parts = kept(record, name.unwrap_or_default(), &mut arguments, order);
            for part in parts {
                put_record(&part, &mut memory);
            }
            Some(Syscall::Call {
                number,
                arguments,
                stack,
            })
        }
        other => other,
    };
    let text = parsed.map_or_else(Vec::new, |call| without_addresses(&call, arch));
    (text, memory)
}

/// The parts of the memory that are kept, at the addresses that stand for those that were removed.
fn kept(record: &Wait, name: &str, arguments: &mut [u64; 6], order: ByteOrder) -> Vec<MemoryRead> {
    let read = |address: u64| at(&record.memory, address).filter(|part| !part.bytes.is_empty());
    let part = |index: usize, bytes: Vec<u8>, errno: u16| MemoryRead {
        address: removed(index),
        bytes,
        errno,
    };
    match name {
        "poll" | "ppoll" => {
            let array = read(arguments[0]);
            let kept = array.map(|array| {
                let bytes = array.bytes.chunks_exact(8);
                let bytes = bytes.flat_map(|entry| pollfd(entry, order));
                part(0, bytes.collect(), array.errno)
            });
            kept.into_iter().collect()
        }
        "select" | "pselect6" => {
            let limit = arguments[0] as u32;
            let set = |index: usize| {
                let set = read(arguments[index])?;
                let mut words = vec![0_u64; set.bytes.len() / 8];
                for fd in set_members(&set.bytes, order, limit) {
                    words[fd as usize / 64] |= 1 << (fd % 64);
                }
                let bytes = words.iter().flat_map(|word| match order {
                    ByteOrder::Little => word.to_le_bytes(),
                    ByteOrder::Big => word.to_be_bytes(),
                });
                Some(part(index, bytes.collect(), set.errno))
            };
            (1..=3).filter_map(set).collect()
        }
        "futex" => {
            let words = read(arguments[0]).map(|futex| {
                let words = futex.bytes.chunks_exact(4);
                let words = words.filter_map(|word| order.u32(word, 0));
                words.collect::<Vec<_>>()
            });
            let lock =
                words.and_then(|words| owned_lock(&words, arguments[1], arguments[2] as u32));
            // The same lock as it is most common.
            let (words, expected) = match lock {
                Some(OwnedLock::Mutex(owner)) => ([2, 0, owner, 1, 0, 0, 0, 0], 2),
                Some(OwnedLock::ReadWrite(owner)) => ([3, 0, 0, owner, 0, 0, 0, 0], 3),
                None => return Vec::new(),
            };
            (arguments[1], arguments[2]) = (FUTEX_WAIT, expected);
            let bytes = words.into_iter().flat_map(|word| u32_bytes(word, order));
            vec![part(0, bytes.collect(), 0)]
        }
        _ => Vec::new(),
    }
}

/// A `struct pollfd` with its descriptor and the events that exist, or without a descriptor.
fn pollfd(entry: &[u8], order: ByteOrder) -> [u8; 8] {
    /// `POLLIN` to `POLLRDHUP` of `asm-generic/poll.h`.
    const EVENTS: u16 = 0x3fff;
    let (fd, events) = pollfds(entry, order)
        .find(|(fd, _)| *fd < DESCRIPTORS)
        .unwrap_or((u32::MAX, 0));
    let events = match order {
        ByteOrder::Little => (events & EVENTS).to_le_bytes(),
        ByteOrder::Big => (events & EVENTS).to_be_bytes(),
    };
    let [a, b, c, d] = u32_bytes(fd, order);
    [a, b, c, d, events[0], events[1], 0, 0]
}

fn u32_bytes(word: u32, order: ByteOrder) -> [u8; 4] {
    match order {
        ByteOrder::Little => word.to_le_bytes(),
        ByteOrder::Big => word.to_be_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(syscall: &str, parts: &[(u64, &[u8])]) -> (String, Vec<MemoryRead>) {
        let mut record = Wait {
            syscall: syscall.as_bytes().to_vec(),
            ..Wait::default()
        };
        for (address, bytes) in parts {
            let part = MemoryRead {
                address: *address,
                bytes: bytes.to_vec(),
                errno: 0,
            };
            put_record(&part, &mut record.memory);
        }
        let (text, memory) = redact(&record, b"x86_64", ByteOrder::Little);
        let parts = whotalks_snapshot::records::<MemoryRead>(&memory);
        let text = String::from_utf8_lossy(&text).into_owned();
        (text, parts.filter_map(Result::ok).collect())
    }

    const REST: &str = "0x0 0x0 0x0 0x7ffc12345678 0x7f3312345678";
    const REST_AFTER: &str = "0x0 0x0 0x0 0x7fff00000000 0x0";

    #[test]
    fn descriptors_and_owners_are_kept() {
        let array = [3, 0, 0, 0, 1, 0, 9, 9, 0, 0, 0x50, 0x7f, 1, 0, 0, 0];
        let (text, parts) = check(
            &format!("7 0x7ffc0000aaaa 0x2 0xffffffff {REST}"),
            &[(0x7ffc_0000_aaaa, &array)],
        );
        assert_eq!(
            text,
            format!("7 {:#x} 0x2 0xffffffff {REST_AFTER}", removed(0))
        );
        let kept = [3, 0, 0, 0, 1, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0];
        assert_eq!(
            (parts[0].address, &parts[0].bytes[..]),
            (removed(0), &kept[..])
        );

        let set = [0xff; 8];
        let (_, parts) = check(
            "23 0x4 0x7ffc0000aaaa 0x0 0x7ffc0000bbbb 0x0 0x0 0x7ffc12345678 0x7f3312345678",
            &[(0x7ffc_0000_aaaa, &set), (0x7ffc_0000_bbbb, &set)],
        );
        let addresses: Vec<u64> = parts.iter().map(|part| part.address).collect();
        assert_eq!(addresses, [removed(1), removed(3)]);
        assert_eq!(parts[0].bytes, [0x0f, 0, 0, 0, 0, 0, 0, 0]);

        let lock = [2, 0, 0, 0, 0, 0, 0, 0, 77, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
        let lock = [&lock[..], &[0, 0, 0, 0, 0x18, 0xfc, 0x55, 0x7f, 0, 0, 0, 0]].concat();
        let (text, parts) = check(
            &format!("202 0x7ffc0000aaaa 0x80 0x2 {REST}"),
            &[(0x7ffc_0000_aaaa, &lock)],
        );
        assert_eq!(text, format!("202 {:#x} 0x80 0x2 {REST_AFTER}", removed(0)));
        assert_eq!(parts[0].bytes[8..12], [77, 0, 0, 0]);
        assert_eq!(parts[0].bytes[20..], [0; 12]);
    }

    #[test]
    fn names_and_other_words_are_left_out() {
        let words = [0x18; 32];
        let futex = format!("202 0x7ffc0000aaaa 0x80 0x0 {REST}");
        assert_eq!(check(&futex, &[(0x7ffc_0000_aaaa, &words)]).1, []);
        let open = format!("257 0xffffff9c 0x7ffc0000aaaa 0x0 {REST}");
        assert_eq!(check(&open, &[(0x7ffc_0000_aaaa, b"/secret\0")]).1, []);
    }
}
