//! Parsers of what the collector reads from the memory of a blocked thread: `pollfd` arrays, sets of
//! select(2), socket addresses, lock words. All are those of a 64-bit program.
//!
//! References: poll(2), select(2), unix(7), ip(7), ipv6(7), vsock(7); `struct_mutex.h` and
//! `struct_rwlock.h` of glibc.

use std::net::IpAddr;

use whotalks_snapshot::netlink::ByteOrder;
use whotalks_snapshot::records::MemoryRead;

/// The part of the memory that was read from an address on; `None`: it was not read.
pub fn at(memory: &[u8], address: u64) -> Option<MemoryRead> {
    let parts = whotalks_snapshot::records::<MemoryRead>(memory);
    parts
        .filter_map(Result::ok)
        .find(|part| part.address == address)
}

/// The descriptors and events of a `struct pollfd` array, without the negative descriptors, which the
/// kernel ignores.
pub fn pollfds(bytes: &[u8], order: ByteOrder) -> impl Iterator<Item = (u32, u16)> {
    let entries = bytes.chunks_exact(8).filter_map(move |entry| {
        let fd = order.u32(entry, 0)?;
        Some((fd, order.u16(entry, 4)?))
    });
    entries.filter(|(fd, _)| fd.cast_signed() >= 0)
}

/// The descriptors of a set of select(2) below `limit`, ascending.
pub fn set_members(bytes: &[u8], order: ByteOrder, limit: u32) -> impl Iterator<Item = u32> {
    let words = (0..bytes.len() / 8).filter_map(move |index| {
        let word = order.u64(bytes, index * 8)?;
        Some((index as u32 * 64, word))
    });
    let members = words.flat_map(|(first, word)| {
        let bits = (0..64).filter(move |bit| word >> bit & 1 != 0);
        bits.map(move |bit| first + bit)
    });
    members.filter(move |fd| *fd < limit)
}

/// An address of a socket (`struct sockaddr`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketAddress<'a> {
    /// `AF_UNIX`: a path, or an abstract name with its NUL.
    Unix(&'a [u8]),
    /// `AF_INET`, `AF_INET6`: address and port.
    Ip(IpAddr, u16),
    /// `AF_VSOCK`: context id and port.
    Vsock(u32, u32),
    /// Another family, or no name.
    Other(u16),
}

/// Parses an address of `length` bytes; `None`: it is cut short.
pub fn socket_address(bytes: &[u8], length: u32, order: ByteOrder) -> Option<SocketAddress<'_>> {
    let bytes = &bytes[..bytes.len().min(length as usize)];
    let family = order.u16(bytes, 0)?;
    Some(match family {
        1 => match bytes.get(2..)? {
            [] => SocketAddress::Other(family),
            // An abstract name has the length that was given.
            name @ [0, ..] if bytes.len() == length as usize => SocketAddress::Unix(name),
            [0, ..] => return None,
            path => SocketAddress::Unix(path.split(|byte| *byte == 0).next()?),
        },
        2 => {
            let address: [u8; 4] = *bytes.get(4..)?.first_chunk()?;
            SocketAddress::Ip(address.into(), ByteOrder::Big.u16(bytes, 2)?)
        }
        10 => {
            let address: [u8; 16] = *bytes.get(8..)?.first_chunk()?;
            SocketAddress::Ip(address.into(), ByteOrder::Big.u16(bytes, 2)?)
        }
        40 => SocketAddress::Vsock(order.u32(bytes, 8)?, order.u32(bytes, 4)?),
        other => SocketAddress::Other(other),
    })
}

/// A lock that was recognized at a futex, and the thread id of its owner in the pid namespace of the
/// process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnedLock {
    /// `pthread_mutex_t`, or a futex with priority inheritance.
    Mutex(u32),
    /// `pthread_rwlock_t` with a writer.
    ReadWrite(u32),
}

/// `FUTEX_CMD_MASK`, `FUTEX_WAITERS` and `FUTEX_TID_MASK` of `linux/futex.h`.
const COMMAND: u64 = 0x7f;
const WAITERS: u32 = 0x8000_0000;
const TID: u32 = 0x3fff_ffff;

/// Whether a futex may be a lock with an owner, by the operation and the expected value alone: of others
/// the collector reads no memory.
pub fn may_be_lock(operation: u64, expected: u32) -> bool {
    match operation & COMMAND {
        0 | 9 => matches!(expected, 2 | 3) || expected & WAITERS != 0,
        command => matches!(command, 6 | 13),
    }
}

/// Recognizes a lock with an owner by the words from the futex on, the operation of futex(2), and the value
/// that the thread expects in the first word.
///
/// Only what is certain by the kernel's rules or the layouts of glibc 2.25 and later on 64 bits is
/// recognized: each word of the lock must have a value that it has while a thread waits.
pub fn owned_lock(words: &[u32], operation: u64, expected: u32) -> Option<OwnedLock> {
    let owner = match operation & COMMAND {
        // `FUTEX_LOCK_PI`, `FUTEX_LOCK_PI2`: the kernel requires the owner in the word.
        6 | 13 => OwnedLock::Mutex(words.first()? & TID),
        // `FUTEX_WAIT`, `FUTEX_WAIT_BITSET`.
        0 | 9 => {
            let words: &[u32; 8] = words.first_chunk()?;
            let mutex = mutex_owner(words, expected).map(OwnedLock::Mutex);
            mutex.or_else(|| writer(words, expected).map(OwnedLock::ReadWrite))?
        }
        _ => return None,
    };
    let (OwnedLock::Mutex(tid) | OwnedLock::ReadWrite(tid)) = owner;
    (tid != 0 && tid <= TID).then_some(owner)
}

/// The owner of a mutex: `__lock`, `__count`, `__owner`, `__nusers`, `__kind`, and a list.
fn mutex_owner(words: &[u32; 8], expected: u32) -> Option<u32> {
    /// Bits of `__kind`: `PTHREAD_MUTEX_ROBUST_NORMAL_NP`, and those that change nothing here: shared
    /// between processes, with and without lock elision.
    const ROBUST: u32 = 0x10;
    const NEUTRAL: u32 = 0x80 | 0x100 | 0x200;
    /// `PTHREAD_MUTEX_RECURSIVE_NP` among the types 0 to 3.
    const RECURSIVE: u32 = 1;
    let [lock, count, owner, users, kind, ..] = *words;
    let is_robust = kind & ROBUST != 0;
    let is_locked = if is_robust {
        lock & WAITERS != 0 && lock & TID == owner && expected == lock
    } else {
        // 2: locked, with waiters.
        lock == 2 && expected == 2
    };
    let is_kind = kind & !(ROBUST | NEUTRAL) <= 3;
    let is_counted = (count == 0) == (kind & 3 != RECURSIVE) || is_robust;
    // The owner is a user.
    (is_locked && is_kind && is_counted && (1..1 << 22).contains(&users)).then_some(owner)
}

/// The writer that holds a read-write lock: `__readers`, `__writers`, `__wrphase_futex`,
/// `__writers_futex`, two words that are 0, `__cur_writer`, `__shared`, …. Threads wait at the third word
/// or the fourth, while the lock is in its write phase (1) and has waiters (2).
fn writer(words: &[u32; 8], expected: u32) -> Option<u32> {
    const WRITE_PHASE: u32 = 1 | 2;
    // The byte `__rwelision` may be set.
    let is_empty = |word: u32| word & !0xff == 0;
    let owner = match *words {
        // A writer waits at `__writers_futex`. In a lock that is not shared the last word is 0.
        [1 | 3, 0, 0, owner, 0 | 1, pad, 0, _] if is_empty(pad) => owner,
        // A reader waits at `__wrphase_futex`.
        [1 | 3, 0 | 1 | 3, 0, 0, owner, 0 | 1, pad, 0] if is_empty(pad) => owner,
        _ => return None,
    };
    (expected == WRITE_PHASE).then_some(owner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ByteOrder::{Big, Little};

    #[test]
    fn descriptors() {
        let array = [3, 0, 0, 0, 1, 0, 0, 0, 255, 255, 255, 255, 4, 0, 0, 0, 9, 0];
        assert!(pollfds(&array, Little).eq([(3, 1)]));
        let set = [0x81, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 0, 0, 0, 0, 0, 0];
        assert!(set_members(&set, Little, 1024).eq([0, 7, 63, 64]));
        assert!(set_members(&set, Little, 64).eq([0, 7, 63]));
        let set = [0, 0, 0, 0, 0, 0, 1, 1];
        assert!(set_members(&set, Big, 64).eq([0, 8]));
    }

    #[test]
    fn addresses() {
        let check = |bytes: &[u8], length| {
            socket_address(bytes, length, Little).map(|address| format!("{address:?}"))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            check(b"\x01\0/dev/log\0rest", 110),
            some(&format!("{:?}", SocketAddress::Unix(b"/dev/log")))
        );
        assert_eq!(
            check(b"\x01\0\0a\0b", 5),
            some(&format!("{:?}", SocketAddress::Unix(b"\0a\0")))
        );
        assert_eq!(check(b"\x01\0\0a", 9), None, "an abstract name cut short");
        assert_eq!(check(b"\x01\0", 2), some("Other(1)"));
        assert_eq!(
            check(b"\x02\0\0\x35\x7f\0\0\x01", 16),
            some("Ip(127.0.0.1, 53)")
        );
        assert_eq!(check(b"\x02\0\0\x35\x7f", 16), None);
        assert_eq!(
            check(b"\x28\0\0\0\x16\0\0\0\x02\0\0\0", 16),
            some("Vsock(2, 22)")
        );
        assert_eq!(check(b"\x11\0", 2), some("Other(17)"));
        assert_eq!(check(b"\x11", 2), None);
    }

    /// The words of a mutex and a read-write lock of glibc 2.36, as they were read.
    #[test]
    fn locks() {
        use OwnedLock::{Mutex, ReadWrite};
        let wait = |words: [u32; 8], expected| {
            let lock = owned_lock(&words, 0x80, expected);
            assert!(lock.is_none() || may_be_lock(0x80, expected));
            lock
        };
        assert!(may_be_lock(0x86, 0) && !may_be_lock(0x80, 0) && !may_be_lock(0x81, 2));
        assert_eq!(wait([2, 0, 77, 1, 0, 0, 0, 0], 2), Some(Mutex(77)));
        assert_eq!(
            wait([2, 1, 77, 1, 1, 0, 0, 0], 2),
            Some(Mutex(77)),
            "recursive"
        );
        assert_eq!(
            wait([2, 0, 77, 1, 1, 0, 0, 0], 2),
            None,
            "recursive, and not entered"
        );
        assert_eq!(wait([2, 0, 0, 1, 0, 0, 0, 0], 2), None, "released");
        assert_eq!(wait([2, 0, 77, 0, 0, 0, 0, 0], 2), None);
        assert_eq!(wait([2, 0, 77, 1, 0x7f31, 0, 0, 0], 2), None);
        assert_eq!(
            wait([2, 0, 77, 1, 0, 0, 0, 0], 0),
            None,
            "a condition variable"
        );
        let robust = [WAITERS | 77, 0, 77, 1, 0x10, 0, 0, 0];
        assert_eq!(wait(robust, WAITERS | 77), Some(Mutex(77)));
        // musl: a type before the lock, and the number of waiters after it.
        assert_eq!(
            wait([WAITERS | 77, 1, 0, 0, 0, 0, 0, 0], WAITERS | 77),
            None
        );
        assert_eq!(wait([3, 0, 0, 77, 0, 0, 0, 0], 3), Some(ReadWrite(77)));
        assert_eq!(wait([3, 1, 0, 0, 77, 0, 0, 0], 3), Some(ReadWrite(77)));
        assert_eq!(wait([2, 1, 0, 0, 0, 0, 0, 0], 2), None, "readers hold it");
        assert_eq!(owned_lock(&[WAITERS | 77], 0x86, 0), Some(Mutex(77)));
        assert_eq!(owned_lock(&[2, 0, 77], 0x80, 2), None, "cut short");
    }
}
