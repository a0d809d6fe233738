//! Decodes what the arguments of a blocked call point to, from the memory that the collector read.

use std::collections::BTreeMap;

use whotalks_snapshot::netlink::ByteOrder;
use whotalks_snapshot::records::{MemoryRead, Wait as Record};

use super::call_memory::{
    CallMemory, Destination, Futex, Known, Lock, LockKind, NotKnown, PollSet, Polled,
};
use super::fd_relation::FdTarget;
use super::ids::ProcessId;
use super::map::Map;
use super::name::Name;
use super::socket::Address;
use super::wait::{ThreadState, Wait};
use crate::load::thread_memory::{self, OwnedLock, SocketAddress};

/// `EAGAIN`: the thread continued while its memory was read.
const EAGAIN: u16 = 11;
/// `ECANCELED`: an option of the collector excluded memory.
const ECANCELED: u16 = 125;
/// Events of select(2): `POLLIN`, `POLLOUT`, `POLLPRI`.
const SELECT_EVENTS: [u16; 3] = [0x1, 0x4, 0x2];

/// What the arguments of the call of a thread point to. The owner of a lock is the thread id in the
/// process's own pid namespace; see [`resolve_owners`].
pub(super) fn decode(
    record: &Record,
    name: Option<&str>,
    arguments: [u64; 6],
    order: ByteOrder,
) -> CallMemory {
    let memory = CapturedMemory { record, order };
    let [first, second, third, fourth, fifth, sixth] = arguments;
    // An int in a register.
    let int = |argument: u64| argument as u32;
    match name {
        Some("poll" | "ppoll") => CallMemory::Polled(memory.poll_array(first, int(second))),
        Some("select" | "pselect6") => {
            CallMemory::Polled(memory.sets(int(first), [second, third, fourth]))
        }
        Some("futex") => CallMemory::Futex(memory.futex(first, second, int(third))),
        Some("connect") => CallMemory::Destination(memory.address(second, int(third))),
        Some("sendto") => CallMemory::Destination(memory.address(fifth, int(sixth))),
        Some("sendmsg") => CallMemory::Destination(memory.message(second)),
        Some("open") => CallMemory::Path(memory.path(first)),
        Some("openat" | "openat2") => CallMemory::Path(memory.path(second)),
        _ => CallMemory::None,
    }
}

/// The memory of one thread.
struct CapturedMemory<'a> {
    record: &'a Record,
    order: ByteOrder,
}

impl CapturedMemory<'_> {
    /// What was read from an address on, at least one byte.
    fn at(&self, address: u64) -> Known<MemoryRead> {
        match thread_memory::at(&self.record.memory, address) {
            Some(read) if read.bytes.is_empty() => Err(NotKnown::Unreadable(read.errno)),
            Some(read) => Ok(read),
            None => Err(match self.record.memory_errno {
                0 | ECANCELED => NotKnown::NotCaptured,
                EAGAIN => NotKnown::Moved,
                errno => NotKnown::Unreadable(errno),
            }),
        }
    }

    fn poll_array(&self, address: u64, count: u32) -> Known<PollSet> {
        if count == 0 {
            return Ok(PollSet {
                files: Vec::new(),
                complete: true,
            });
        }
        let read = self.at(address)?;
        let files = thread_memory::pollfds(&read.bytes, self.order);
        Ok(PollSet {
            files: files.map(|(fd, events)| polled(fd, events)).collect(),
            complete: read.bytes.len() / 8 >= count as usize,
        })
    }

    fn sets(&self, limit: u32, addresses: [u64; 3]) -> Known<PollSet> {
        let mut events: BTreeMap<u32, u16> = BTreeMap::new();
        let mut complete = true;
        for (address, event) in addresses.into_iter().zip(SELECT_EVENTS) {
            if address == 0 || limit == 0 {
                continue;
            }
            let read = self.at(address)?;
            complete &= read.bytes.len() as u64 * 8 >= u64::from(limit);
            for fd in thread_memory::set_members(&read.bytes, self.order, limit) {
                *events.entry(fd).or_default() |= event;
            }
        }
        let files = events.into_iter();
        Ok(PollSet {
            files: files.map(|(fd, events)| polled(fd, events)).collect(),
            complete,
        })
    }

    fn futex(&self, address: u64, operation: u64, expected: u32) -> Known<Futex> {
        if !thread_memory::may_be_lock(operation, expected) {
            return Ok(Futex {
                address,
                words: Box::default(),
                lock: None,
            });
        }
        let read = self.at(address)?;
        let words = read.bytes.chunks_exact(4);
        let words: Box<[u32]> = words.filter_map(|word| self.order.u32(word, 0)).collect();
        if words.is_empty() {
            return Err(NotKnown::Malformed);
        }
        let lock = thread_memory::owned_lock(&words, operation, expected);
        let lock = lock.map(|lock| match lock {
            OwnedLock::Mutex(owner) => (LockKind::Mutex, owner),
            OwnedLock::ReadWrite(owner) => (LockKind::ReadWrite, owner),
        });
        Ok(Futex {
            address,
            words,
            lock: lock.map(|(kind, owner_tid)| Lock { kind, owner_tid }),
        })
    }

    fn address(&self, address: u64, length: u32) -> Known<Option<Destination>> {
        if address == 0 || length == 0 {
            return Ok(None);
        }
        let read = self.at(address)?;
        let parsed = thread_memory::socket_address(&read.bytes, length, self.order);
        let destination = match parsed.ok_or(NotKnown::Malformed)? {
            SocketAddress::Unix(name) => {
                Destination::Unix(Name::from_diag(name).ok_or(NotKnown::Malformed)?)
            }
            SocketAddress::Ip(ip, port) => Destination::Address(Address::Ip(ip, port)),
            SocketAddress::Vsock(cid, port) => Destination::Address(Address::Vsock(cid, port)),
            SocketAddress::Other(family) => Destination::Other(family),
        };
        Ok(Some(destination))
    }

    /// `msg_name` of a `struct msghdr`.
    fn message(&self, address: u64) -> Known<Option<Destination>> {
        let read = self.at(address)?;
        let name = self.order.u64(&read.bytes, 0);
        let length = self.order.u32(&read.bytes, 8);
        let (name, length) = name.zip(length).ok_or(NotKnown::Malformed)?;
        self.address(name, length)
    }

    fn path(&self, address: u64) -> Known<Box<[u8]>> {
        let read = self.at(address)?;
        let path = read.bytes.strip_suffix(b"\0").ok_or(NotKnown::Malformed)?;
        Ok(path.into())
    }
}

fn polled(fd: u32, events: u16) -> Polled {
    Polled {
        fd,
        events,
        target: FdTarget::Unknown,
    }
}

/// Replaces the owners of locks by the threads that they are among `waits`, which are sorted by process
/// and thread. A lock whose owner is no thread of the process is not recognized. `inner` has the ids of
/// threads in their own pid namespaces, by process.
pub(super) fn resolve_owners(
    waits: &mut [Wait],
    map: &Map,
    inner: &BTreeMap<(ProcessId, u32), u32>,
) {
    let mut owners = Vec::new();
    for (index, wait) in waits.iter().enumerate() {
        let Some(lock) = lock(wait) else { continue };
        let process = map.process(wait.process);
        let host = &map.hosts[process.host.index()];
        let tid = if process.ns_pid == lock.owner_tid {
            // The main thread.
            Some(process.pid)
        } else if host.pidns.is_some() && host.pidns == process.pidns {
            Some(lock.owner_tid)
        } else {
            inner.get(&(wait.process, lock.owner_tid)).copied()
        };
        let is_thread = |tid: &u32| {
            let key = (wait.process, *tid);
            let found = waits.binary_search_by_key(&key, |wait| (wait.process, wait.tid));
            found.is_ok()
        };
        owners.push((index, tid.filter(is_thread)));
    }
    for (index, owner) in owners {
        if let ThreadState::Call(call) = &mut waits[index].state
            && let CallMemory::Futex(Ok(futex)) = &mut call.memory
        {
            futex.lock = futex
                .lock
                .zip(owner)
                .map(|(lock, owner_tid)| Lock { owner_tid, ..lock });
        }
    }
}

fn lock(wait: &Wait) -> Option<Lock> {
    match &wait.state {
        ThreadState::Call(call) => match &call.memory {
            CallMemory::Futex(Ok(futex)) => futex.lock,
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(address: u64, bytes: &[u8], errno: u16) -> MemoryRead {
        MemoryRead {
            address,
            bytes: bytes.to_vec(),
            errno,
        }
    }

    fn check(name: &str, arguments: [u64; 6], parts: &[MemoryRead], errno: u16) -> CallMemory {
        let mut record = Record {
            memory_errno: errno,
            ..Record::default()
        };
        for part in parts {
            whotalks_snapshot::wire::put_record(part, &mut record.memory);
        }
        decode(&record, Some(name), arguments, ByteOrder::Little)
    }

    fn set(files: &[(u32, u16)], complete: bool) -> CallMemory {
        let files = files.iter().map(|(fd, events)| polled(*fd, *events));
        CallMemory::Polled(Ok(PollSet {
            files: files.collect(),
            complete,
        }))
    }

    #[test]
    fn sets() {
        let array = [3, 0, 0, 0, 1, 0, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0];
        let poll = |count, parts: &[MemoryRead], errno| {
            check("poll", [0x1000, count, 0, 0, 0, 0], parts, errno)
        };
        let read = [part(0x1000, &array, 0)];
        assert_eq!(poll(2, &read, 0), set(&[(3, 1)], true));
        assert_eq!(poll(3, &read, 0), set(&[(3, 1)], false));
        assert_eq!(poll(0, &[], 0), set(&[], true));
        let unknown = |parts: &[MemoryRead], errno| match poll(2, parts, errno) {
            CallMemory::Polled(Err(why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(unknown(&[], 0), NotKnown::NotCaptured);
        assert_eq!(unknown(&[], ECANCELED), NotKnown::NotCaptured);
        assert_eq!(unknown(&[], EAGAIN), NotKnown::Moved);
        assert_eq!(unknown(&[], 13), NotKnown::Unreadable(13));
        assert_eq!(unknown(&[part(0x1000, b"", 5)], 0), NotKnown::Unreadable(5));
        let elsewhere = [part(0x2000, &array, 0)];
        assert_eq!(unknown(&elsewhere, 0), NotKnown::NotCaptured);

        let sets = [
            part(0x1000, &[0b1010, 0, 0, 0, 0, 0, 0, 0], 0),
            part(0x2000, &[0b1000, 0, 0, 0, 0, 0, 0, 0], 0),
        ];
        let arguments = [4, 0x1000, 0x2000, 0, 0, 0];
        let expected = set(&[(1, 0x1), (3, 0x1 | 0x4)], true);
        assert_eq!(check("select", arguments, &sets, 0), expected);
        let arguments = [65, 0x1000, 0, 0, 0, 0];
        assert_eq!(
            check("select", arguments, &sets, 0),
            set(&[(1, 1), (3, 1)], false)
        );
    }

    #[test]
    fn destinations_and_paths() {
        let name = b"\x01\0/dev/log\0";
        let log = Name::from_diag(b"/dev/log").map(Destination::Unix);
        let to = |memory| match memory {
            CallMemory::Destination(destination) => destination,
            other => panic!("{other:?}"),
        };
        let send = |address, parts: &[MemoryRead]| {
            to(check("sendto", [3, 9, 9, 0, address, 11], parts, 0))
        };
        assert_eq!(send(0x1000, &[part(0x1000, name, 0)]), Ok(log.clone()));
        assert_eq!(send(0, &[]), Ok(None));
        assert_eq!(send(0x1000, &[]), Err(NotKnown::NotCaptured));
        assert_eq!(
            send(0x1000, &[part(0x1000, b"\x01", 0)]),
            Err(NotKnown::Malformed)
        );
        let header = [0, 0x10, 0, 0, 0, 0, 0, 0, 11, 0, 0, 0, 0, 0, 0, 0];
        let parts = [part(0x2000, &header, 0), part(0x1000, name, 0)];
        let message =
            |parts: &[MemoryRead]| to(check("sendmsg", [3, 0x2000, 0, 0, 0, 0], parts, 0));
        assert_eq!(message(&parts), Ok(log));
        assert_eq!(message(&parts[..1]), Err(NotKnown::NotCaptured));
        let path = |bytes: &[u8]| {
            let arguments = [0, 0x1000, 0, 0, 0, 0];
            match check("openat", arguments, &[part(0x1000, bytes, 0)], 0) {
                CallMemory::Path(path) => path,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(path(b"/run/fifo\0"), Ok(b"/run/fifo"[..].into()));
        assert_eq!(path(b"/run/fi"), Err(NotKnown::Malformed));
    }

    #[test]
    fn an_owner_is_a_thread_of_the_process() {
        let owner = |words: [u8; 4], inner: &[(u32, u32)]| {
            let mut map = Map::with_host();
            let process = map.add_process(700, b"x");
            map.processes[0].ns_pid = 1;
            let bytes = [2, 0, 0, 0, 0, 0, 0, 0];
            let rest = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            let bytes = [&bytes[..], &words, &rest].concat();
            let memory = check(
                "futex",
                [0x1000, 0x80, 2, 0, 0, 0],
                &[part(0x1000, &bytes, 0)],
                0,
            );
            let call = super::super::wait::Call {
                memory,
                ..Default::default()
            };
            map.add_wait(process, 700, ThreadState::Running);
            map.add_wait(process, 701, ThreadState::Call(call));
            let mut waits = std::mem::take(&mut map.waits);
            let inner = inner.iter().map(|(inner, tid)| ((process, *inner), *tid));
            resolve_owners(&mut waits, &map, &inner.collect());
            lock(&waits[1]).map(|lock| lock.owner_tid)
        };
        assert_eq!(owner([1, 0, 0, 0], &[]), Some(700), "the main thread");
        assert_eq!(owner([2, 0, 0, 0], &[(2, 701)]), Some(701));
        assert_eq!(owner([2, 0, 0, 0], &[(2, 999)]), None, "it has exited");
        assert_eq!(owner([2, 0, 0, 0], &[]), None);
    }
}
