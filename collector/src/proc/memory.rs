//! Reads what the arguments of a blocked call point to, from the memory of the process: without
//! stopping it, and not more than says what the call waits for.
//!
//! The bytes are recorded as they are. This file knows the calls only by their numbers, where an
//! argument points, and how much is of use.

use std::os::fd::{BorrowedFd, OwnedFd};

use libc::c_long;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::{Errno, pread};
use whotalks_snapshot::records::MemoryRead;
use whotalks_snapshot::wire::put_record;

use super::errno_number;

/// Of a `pollfd` array: 8,192 descriptors.
const POLL_BYTES: u64 = 64 << 10;
/// Of each set of select(2): 131,072 descriptors.
const SET_BYTES: u64 = 16 << 10;
/// A futex and what follows it: a mutex or read-write lock of the C library names its owner there.
const FUTEX_BYTES: u64 = 32;
/// `sizeof(struct sockaddr_storage)`, the longest address that the kernel accepts.
const ADDRESS_BYTES: u64 = 128;
/// `PATH_MAX`.
const PATH_BYTES: u64 = 4096;
/// `msg_name` and `msg_namelen` of `struct msghdr`.
const MESSAGE_BYTES: u64 = 16;
/// `sizeof(struct pollfd)`.
const POLLFD_BYTES: u64 = 8;

/// `FUTEX_CMD_MASK`; the operations `FUTEX_WAIT` and `FUTEX_WAIT_BITSET`; `FUTEX_LOCK_PI` and
/// `FUTEX_LOCK_PI2` of `linux/futex.h`.
const FUTEX_COMMAND: u64 = 0x7f;
const FUTEX_WAITS: [u64; 2] = [0, 9];
const FUTEX_LOCKS: [u64; 2] = [6, 13];

const POLL: &[c_long] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    libc::SYS_ppoll,
];
const SELECT: &[c_long] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_select,
    libc::SYS_pselect6,
];

/// What an argument points to: its address, the bytes wanted, and the bytes that are read at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Region {
    address: u64,
    wanted: u64,
    limit: u64,
    /// Whether it ends after its first NUL.
    is_text: bool,
}

/// The call in the text of `syscall`: its number and arguments.
///
/// `None` if the thread is in no call, or has its stack below 4 GiB: a 32-bit program uses other
/// numbers.
fn call(text: &[u8]) -> Option<(c_long, [u64; 6])> {
    if size_of::<usize>() != 8 {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let mut words = text.split(' ');
    let number = words.next()?.parse().ok()?;
    let mut hexadecimal = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = hexadecimal()?;
    }
    let stack = hexadecimal()?;
    (number >= 0 && stack > u64::from(u32::MAX)).then_some((number, arguments))
}

/// Whether a futex that a thread waits on may be a lock, so that its memory names an owner: the
/// operation locks, or the expected value is that of a lock with waiters or names a thread. Most idle
/// threads wait for other values.
fn may_be_lock(operation: u64, expected: u64) -> bool {
    /// `FUTEX_WAITERS` of `linux/futex.h`.
    const WAITERS: u32 = 0x8000_0000;
    let expected = expected as u32;
    match operation & FUTEX_COMMAND {
        command if FUTEX_WAITS.contains(&command) => {
            matches!(expected, 2 | 3) || expected & WAITERS != 0
        }
        command => FUTEX_LOCKS.contains(&command),
    }
}

/// Whether the text of `syscall` is that of a futex.
pub(super) fn is_futex(text: &[u8]) -> bool {
    call(text).is_some_and(|(number, _)| number == libc::SYS_futex)
}

/// The regions that the arguments of a call point to, at most three.
fn regions(number: c_long, arguments: [u64; 6]) -> [Option<Region>; 3] {
    let [first, second, third, fourth, fifth, sixth] = arguments;
    let region = |address, wanted, limit| {
        let region = Region {
            address,
            wanted,
            limit,
            is_text: false,
        };
        (address != 0 && wanted != 0).then_some(region)
    };
    let one = |address, wanted, limit| [region(address, wanted, limit), None, None];
    let path = |address| {
        let path = region(address, PATH_BYTES, PATH_BYTES);
        let path = path.map(|path| Region {
            is_text: true,
            ..path
        });
        [path, None, None]
    };
    // An int or unsigned int: the kernel ignores the upper half of the register.
    let int = |argument: u64| u64::from(argument as u32);
    match number {
        number if POLL.contains(&number) => {
            one(first, int(second).saturating_mul(POLLFD_BYTES), POLL_BYTES)
        }
        number if SELECT.contains(&number) => {
            let bytes = int(first).div_ceil(64) * 8;
            [second, third, fourth].map(|set| region(set, bytes, SET_BYTES))
        }
        libc::SYS_futex if may_be_lock(second, third) => one(first, FUTEX_BYTES, FUTEX_BYTES),
        libc::SYS_connect => one(second, int(third), ADDRESS_BYTES),
        libc::SYS_sendto => one(fifth, int(sixth), ADDRESS_BYTES),
        libc::SYS_sendmsg => one(second, MESSAGE_BYTES, MESSAGE_BYTES),
        libc::SYS_openat | libc::SYS_openat2 => path(second),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_open => path(first),
        _ => [None; 3],
    }
}

/// The address that a `struct msghdr` points to.
fn message_address(header: &[u8]) -> Option<Region> {
    let (address, rest) = header.split_first_chunk()?;
    let length = rest.first_chunk()?;
    let region = Region {
        address: u64::from_ne_bytes(*address),
        wanted: u64::from(u32::from_ne_bytes(*length)),
        limit: ADDRESS_BYTES,
        is_text: false,
    };
    (region.address != 0 && region.wanted != 0).then_some(region)
}

/// What the arguments of a blocked call point to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operands {
    regions: [Option<Region>; 3],
    is_message: bool,
}

impl Operands {
    /// Finds them in the text of `syscall`; `None`: there is nothing that is read.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        let (number, arguments) = call(text)?;
        let regions = regions(number, arguments);
        let operands = Self {
            regions,
            is_message: number == libc::SYS_sendmsg,
        };
        regions.iter().any(Option::is_some).then_some(operands)
    }
}

/// The memory of a process, opened when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Memory(Option<Result<OwnedFd, Errno>>);

impl Memory {
    /// Appends what the arguments of a call point to, as [`MemoryRead`] records. `process` is its
    /// directory.
    ///
    /// # Errors
    /// That of opening the memory. What cannot be read is recorded.
    pub(super) fn read(
        &mut self,
        process: BorrowedFd<'_>,
        operands: Operands,
        into: &mut Vec<u8>,
    ) -> Result<(), Errno> {
        let opened = self.0.get_or_insert_with(|| {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            openat(process, c"mem", flags, Mode::empty())
        });
        let file = opened.as_ref().map_err(|errno| *errno)?;
        for region in operands.regions.into_iter().flatten() {
            let record = read_region(file, region);
            put_record(&record, into);
            if operands.is_message
                && let Some(address) = message_address(&record.bytes)
            {
                put_record(&read_region(file, address), into);
            }
        }
        Ok(())
    }
}

/// Reads a region up to its limit, or to the first byte that cannot be read.
fn read_region(file: &OwnedFd, region: Region) -> MemoryRead {
    let mut bytes = vec![0; region.wanted.min(region.limit) as usize];
    let mut length = 0;
    let mut errno = 0;
    while length < bytes.len() {
        let offset = region.address.wrapping_add(length as u64);
        match pread(file, &mut bytes[length..], offset) {
            // The process has released its memory.
            Ok(0) => errno = errno_number(Errno::SRCH),
            Ok(count) => {
                let read = &bytes[length..length + count];
                let end = read.iter().position(|byte| region.is_text && *byte == 0);
                length += end.map_or(count, |end| end + 1);
                if end.is_some() {
                    break;
                }
                continue;
            }
            Err(Errno::INTR) => continue,
            Err(error) => errno = errno_number(error),
        }
        break;
    }
    if errno == 0 && length as u64 == region.limit && region.wanted > region.limit {
        errno = errno_number(Errno::TOOBIG);
    }
    bytes.truncate(length);
    MemoryRead {
        address: region.address,
        bytes,
        errno,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::os::fd::AsFd;

    /// The text of `syscall` for a call with these arguments.
    fn text(number: c_long, arguments: [u64; 6]) -> Vec<u8> {
        let words: Vec<_> = arguments.iter().map(|word| format!("{word:#x}")).collect();
        format!("{number} {} 0x7fff00000000 0x7f0000000000", words.join(" ")).into_bytes()
    }

    fn ranges(number: c_long, arguments: [u64; 6]) -> Vec<(u64, u64, u64)> {
        let all = regions(number, arguments).into_iter().flatten();
        all.map(|region| (region.address, region.wanted, region.limit))
            .collect()
    }

    #[test]
    fn calls_with_memory() {
        let check = |number, arguments| ranges(number, arguments);
        assert_eq!(
            check(libc::SYS_ppoll, [0x1000, 3, 0, 0, 0, 0]),
            [(0x1000, 24, POLL_BYTES)]
        );
        // Hostile lengths: the kernel takes the lower half.
        assert_eq!(
            check(libc::SYS_ppoll, [0x1000, u64::MAX, 0, 0, 0, 0]),
            [(0x1000, u64::from(u32::MAX) * 8, POLL_BYTES)]
        );
        assert_eq!(
            check(libc::SYS_pselect6, [65, 0x1000, 0, 0x3000, 0, 0]),
            [(0x1000, 16, SET_BYTES), (0x3000, 16, SET_BYTES)]
        );
        assert_eq!(check(libc::SYS_ppoll, [0, 0, 0, 0, 0, 0]), []);
        // FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME, and FUTEX_WAKE.
        assert_eq!(
            check(libc::SYS_futex, [0x1000, 0x189, 3, 0, 0, 0]),
            [(0x1000, 32, 32)]
        );
        assert_eq!(check(libc::SYS_futex, [0x1000, 0x81, 3, 0, 0, 0]), []);
        assert_eq!(
            check(libc::SYS_sendto, [3, 0x1000, 9, 0, 0x2000, 110]),
            [(0x2000, 110, ADDRESS_BYTES)]
        );
        assert_eq!(check(libc::SYS_read, [3, 0x1000, 9, 0, 0, 0]), []);
    }

    #[test]
    fn texts_without_a_call() {
        let poll = text(libc::SYS_ppoll, [0x1000, 3, 0, 0, 0, 0]);
        assert!(Operands::of(&poll).is_some());
        let low = String::from_utf8(poll).unwrap();
        let low = low.replace("0x7fff00000000", "0xffffd000");
        assert!(Operands::of(low.as_bytes()).is_none(), "a 32-bit program");
        for text in [&b"running"[..], b"-1 0x7fff 0x7f", b"", b"271 0x1", b"\xff"] {
            assert!(Operands::of(text).is_none());
        }
    }

    #[test]
    fn locks() {
        assert!(may_be_lock(0x80, 2) && may_be_lock(0x189, 3) && may_be_lock(0x86, 0));
        assert!(may_be_lock(0x80, 0x8000_1234));
        assert!(!may_be_lock(0x80, 0) && !may_be_lock(0x81, 2));
        assert!(is_futex(&text(libc::SYS_futex, [0; 6])) && !is_futex(b"running"));
    }

    #[test]
    fn own_memory() {
        let word = Box::new([7_u32, 8, 9, 10, 11, 12, 13, 14]);
        let address = word.as_ptr() as u64;
        let own = super::super::open_root().unwrap();
        let own = openat(&own, c"self", OFlags::PATH, Mode::empty()).unwrap();
        let read = |number, arguments: [u64; 6]| {
            let mut bytes = Vec::new();
            let operands = Operands::of(&text(number, arguments)).unwrap();
            Memory::default()
                .read(own.as_fd(), operands, &mut bytes)
                .unwrap();
            let records = whotalks_snapshot::records::<MemoryRead>(&bytes);
            records.map(Result::unwrap).collect::<Vec<_>>()
        };
        let futex = read(libc::SYS_futex, [address, 0x80, 2, 0, 0, 0]);
        assert_eq!(futex[0].bytes, word.map(u32::to_ne_bytes).as_flattened());
        assert_eq!((futex[0].address, futex[0].errno), (address, 0));
        let path = c"/run/fifo";
        let open = read(libc::SYS_openat, [0, path.as_ptr() as u64, 0, 0, 0, 0]);
        assert_eq!(open[0].bytes, path.to_bytes_with_nul());
        let address = c"an address";
        let header = [address.as_ptr() as u64, 4_u64, 0, 0];
        let sent = read(libc::SYS_sendmsg, [3, header.as_ptr() as u64, 0, 0, 0, 0]);
        assert_eq!(sent[1].bytes, b"an a");
        // Into nowhere, into the kernel, and out of range.
        for (address, errno) in [
            (8, Errno::IO),
            (1 << 47, Errno::IO),
            (u64::MAX - 64, Errno::INVAL),
        ] {
            let futex = read(libc::SYS_futex, [address, 0x80, 2, 0, 0, 0]);
            assert_eq!(futex[0].bytes, b"");
            assert_eq!(futex[0].errno, errno_number(errno), "{address:#x}");
        }
    }
}
