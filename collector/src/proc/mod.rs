//! Reading below `/proc`: everything relative to an open directory, into buffers that are reused.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::fs::{CWD, Mode, OFlags, RawDir, openat};
use rustix::io::Errno;
use rustix::path::Arg;

pub(crate) mod fd_links;
pub(crate) mod fd_table;
pub(crate) mod fdinfo;
pub(crate) mod process;
pub(crate) mod reader;
pub(crate) mod reader_state;
pub(crate) mod retained_table;
pub(crate) mod scan;
pub(crate) mod threads;

/// Enough for what the kernel gives at once.
pub(crate) const CHUNK_BYTES: usize = 64 << 10;

/// More than most files of a process have.
const PIECE_BYTES: usize = 2 << 10;

/// An errno as the records have it.
pub(crate) fn errno_number(errno: Errno) -> u16 {
    u16::try_from(errno.raw_os_error()).unwrap_or(u16::MAX)
}

/// Opens `/proc` itself.
pub(crate) fn open_root() -> io::Result<OwnedFd> {
    let root = open_directory(CWD, c"/proc")?;
    // An empty directory of that name would read as a machine without processes.
    openat(
        &root,
        c"stat",
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    Ok(root)
}

/// Opens a directory below another.
pub(crate) fn open_directory(at: impl AsFd, path: impl Arg) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(at, path, flags, Mode::empty())
}

/// Reads a small file into `into` (emptied first), at most `limit` bytes: then `E2BIG`.
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

/// Reads a file that the kernel gives in one piece (`single_open` in its source, as `stat`, `status`
/// and `fdinfo`) into `into` (emptied first): a read that does not fill its room was the last one.
/// At most `limit` bytes: then `E2BIG`.
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

/// Reads a file of any length piece by piece.
///
/// # Errors
/// The outer error is `each`'s, the inner one the file's.
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

/// The entries of a directory that are numbers: pids, thread ids, descriptors.
pub(crate) fn numeric_entries(directory: impl AsFd) -> Result<Vec<u32>, Errno> {
    // Opened anew: a directory that was listed before stands at its end.
    let directory = open_directory(directory, c".")?;
    let mut buffer = Vec::with_capacity(CHUNK_BYTES);
    let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
    let mut numbers = Vec::new();
    while let Some(entry) = entries.next() {
        numbers.extend(parse_decimal(entry?.file_name().to_bytes()));
    }
    Ok(numbers)
}

/// A whole decimal number.
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

/// The inode in a link such as `net:[4026531833]`.
pub(crate) fn namespace_inode(text: &[u8]) -> Option<u64> {
    let (_, rest) = text.split_at_checked(text.iter().position(|byte| *byte == b'[')? + 1)?;
    std::str::from_utf8(rest.strip_suffix(b"]")?)
        .ok()?
        .parse()
        .ok()
}

/// A link's target, into a buffer of the caller's.
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
    fn numbers_are_whole_or_none() {
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
