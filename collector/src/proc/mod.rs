//! Reads files below `/proc`, relative to an open directory, into reused buffers.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::fs::{CWD, Mode, OFlags, RawDir, openat};
use rustix::io::Errno;
use rustix::path::Arg;

pub(crate) mod fd_links;
pub(crate) mod fd_table;
pub(crate) mod fdinfo;
pub(crate) mod held_file;
mod held_waits;
mod memory;
pub(crate) mod process;
pub(crate) mod reader;
pub(crate) mod reader_state;
pub(crate) mod retained_table;
pub(crate) mod scan;
pub(crate) mod threads;

/// At least as much as the kernel returns from one read.
pub(crate) const CHUNK_BYTES: usize = 64 << 10;

/// More than most files of a process contain.
const PIECE_BYTES: usize = 2 << 10;

/// Converts an errno to the type in the records.
pub(crate) fn errno_number(errno: Errno) -> u16 {
    u16::try_from(errno.raw_os_error()).unwrap_or(u16::MAX)
}

/// Opens `/proc`.
pub(crate) fn open_root() -> io::Result<OwnedFd> {
    let root = open_directory(CWD, c"/proc")?;
    // An empty directory would read as a machine without processes.
    openat(
        &root,
        c"stat",
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    Ok(root)
}

/// Opens a directory relative to another.
pub(crate) fn open_directory(at: impl AsFd, path: impl Arg) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(at, path, flags, Mode::empty())
}

/// Reads a small file into `into`, which is cleared first. Returns `E2BIG` after `limit` bytes.
pub(crate) fn read_file(
    at: impl AsFd,
    path: impl Arg,
    limit: usize,
    into: &mut Vec<u8>,
) -> Result<(), Errno> {
    into.clear();
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = openat(at, path, flags, Mode::empty())?;
    loop {
        if into.len() >= limit {
            into.truncate(limit);
            return Err(Errno::TOOBIG);
        }
        into.reserve(1024);
        match rustix::io::read(&file, spare_capacity(into)) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Reads a file that the kernel produces with `single_open`, such as `stat`, `status` and `fdinfo`,
/// into `into`, which is cleared first. A read that does not fill the buffer is the last one.
/// Returns `E2BIG` after `limit` bytes.
pub(crate) fn read_single_open(
    at: impl AsFd,
    path: impl Arg,
    limit: usize,
    into: &mut Vec<u8>,
) -> Result<(), Errno> {
    into.clear();
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = openat(at, path, flags, Mode::empty())?;
    loop {
        into.reserve(PIECE_BYTES);
        let room = into.capacity() - into.len();
        match rustix::io::read(&file, spare_capacity(into)) {
            Ok(count) if count < room => break,
            Ok(_) if into.len() < limit => {}
            Ok(_) => break,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    if into.len() > limit {
        into.truncate(limit);
        return Err(Errno::TOOBIG);
    }
    Ok(())
}

/// Reads a file of any length in pieces.
///
/// # Errors
/// The outer error is that of `each`, the inner one that of reading.
pub(crate) fn stream_file(
    file: &OwnedFd,
    mut each: impl FnMut(&mut [u8]) -> io::Result<()>,
) -> io::Result<Result<(), Errno>> {
    let mut buffer = Vec::with_capacity(CHUNK_BYTES);
    loop {
        buffer.clear();
        match rustix::io::read(file, spare_capacity(&mut buffer)) {
            Ok(0) => return Ok(Ok(())),
            Ok(_) => each(&mut buffer)?,
            Err(Errno::INTR) => {}
            Err(errno) => return Ok(Err(errno)),
        }
    }
}

/// Returns the numeric names in a directory: pids, thread ids, descriptors.
pub(crate) fn numeric_entries(directory: impl AsFd) -> Result<Vec<u32>, Errno> {
    // Opened again: the offset of the given directory may be at its end.
    let directory = open_directory(directory, c".")?;
    let mut buffer = Vec::with_capacity(CHUNK_BYTES);
    let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
    let mut numbers = Vec::new();
    while let Some(entry) = entries.next() {
        numbers.extend(parse_decimal(entry?.file_name().to_bytes()));
    }
    Ok(numbers)
}

/// Parses a decimal number. The whole text must be digits.
pub(crate) fn parse_decimal(text: &[u8]) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u32, |sum, digit| {
        let digit = u32::from(digit.wrapping_sub(b'0'));
        (digit < 10).then_some(())?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// Parses the inode of a link such as `net:[4026531833]`.
pub(crate) fn namespace_inode(text: &[u8]) -> Option<u64> {
    let (_, rest) = text.split_at_checked(text.iter().position(|byte| *byte == b'[')? + 1)?;
    std::str::from_utf8(rest.strip_suffix(b"]")?)
        .ok()?
        .parse()
        .ok()
}

/// Reads the target of a link into the caller's buffer.
pub(crate) fn read_link(at: impl AsFd, path: impl Arg, buffer: &mut [u8]) -> Result<&[u8], Errno> {
    let length = rustix::fs::readlinkat_raw(at, path, &mut *buffer)?;
    if length == buffer.len() {
        return Err(Errno::NAMETOOLONG);
    }
    Ok(&buffer[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_rejects_partial_numbers() {
        for (text, expected) in [
            ("0", Some(0)),
            ("4294967295", Some(u32::MAX)),
            ("4294967296", None),
            ("", None),
            ("12a", None),
            ("..", None),
        ] {
            assert_eq!(parse_decimal(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(namespace_inode(b"net:[4026531833]"), Some(4_026_531_833));
        assert_eq!(namespace_inode(b"net:4026531833"), None);
        assert_eq!(namespace_inode(b"net:["), None);
    }
}
