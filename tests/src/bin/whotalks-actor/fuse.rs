//! A FUSE file system of one file that stops answering on request: every lookup of the file then
//! blocks forever. Implements the minimum of `linux/fuse.h` for a mount over that file.

use std::io::{BufRead, Error, Result, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::exit;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};
use rustix::mount::{MountFlags, mount};

/// The name of the file.
const FILE: &[u8] = b"file\0";
/// Node ids of the folder and of the file.
const FOLDER_NODE: u64 = 1;
const FILE_NODE: u64 = 2;
const LOOKUP: u32 = 1;
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const INIT: u32 = 26;
const BATCH_FORGET: u32 = 42;
/// Bytes of `struct fuse_in_header`, and of `struct fuse_out_header`.
const IN_BYTES: usize = 40;
const OUT_BYTES: u32 = 16;

/// `--fuse FOLDER`: prints `served` when mounted, stops answering at the first line of its input,
/// and exits at the end of its input.
pub(crate) fn run(folder: &str) -> ! {
    let done = serve(folder);
    if let Err(error) = &done {
        eprintln!("whotalks-actor: {error}");
    }
    exit(i32::from(done.is_err()));
}

fn serve(folder: &str) -> Result<()> {
    let device = rustix::fs::open("/dev/fuse", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    let options = format!(
        "fd={},rootmode=40000,user_id=0,group_id=0,allow_other",
        device.as_raw_fd()
    );
    let options = std::ffi::CString::new(options)?;
    mount(
        "none",
        folder,
        "fuse.silent",
        MountFlags::empty(),
        Some(&*options),
    )?;
    println!("served");
    std::io::stdout().flush()?;
    let mut input = std::io::stdin().lock();
    loop {
        let mut ready = [
            PollFd::new(&device, PollFlags::IN),
            PollFd::from_borrowed_fd(rustix::stdio::stdin(), PollFlags::IN),
        ];
        poll(&mut ready, None)?;
        let told = !ready[1].revents().is_empty();
        if told {
            break;
        }
        answer(&device)?;
    }
    let mut line = String::new();
    input.read_line(&mut line)?;
    println!("silent");
    std::io::stdout().flush()?;
    // The device stays open, without a reader.
    while input.read_line(&mut line)? > 0 {}
    drop(device);
    Ok(())
}

/// Answers one request.
fn answer(device: &OwnedFd) -> Result<()> {
    let mut buffer = vec![0; 1 << 20];
    let length = rustix::io::read(device, &mut buffer[..])?;
    let question = &buffer[..length];
    let word = |at: usize| {
        let bytes = question
            .get(at..at + 4)
            .and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u32::from_ne_bytes)
    };
    let long = |at: usize| {
        let bytes = question
            .get(at..at + 8)
            .and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u64::from_ne_bytes)
    };
    let (call, unique, node) = (word(4), long(8), long(16));
    let given = match call {
        FORGET | BATCH_FORGET => return Ok(()),
        INIT => Some(protocol()),
        GETATTR => Some([&[0; 16][..], &attributes(node)].concat()),
        LOOKUP if question.get(IN_BYTES..) == Some(FILE) => {
            // Node and generation; names and attributes must not be cached.
            let entry = [FILE_NODE, 0, 0, 0, 0].map(u64::to_ne_bytes);
            Some([entry.concat(), attributes(FILE_NODE)].concat())
        }
        _ => None,
    };
    let error = match (&given, call) {
        (Some(_), _) => 0,
        (None, LOOKUP) => -libc::ENOENT,
        (None, _) => -libc::ENOSYS,
    };
    let given = given.unwrap_or_default();
    let length = OUT_BYTES + u32::try_from(given.len()).map_err(Error::other)?;
    let mut answer = length.to_ne_bytes().to_vec();
    answer.extend(error.to_ne_bytes());
    answer.extend(unique.to_ne_bytes());
    answer.extend(given);
    rustix::io::write(device, &answer)?;
    Ok(())
}

/// `struct fuse_init_out`: version 7.31, no optional features.
fn protocol() -> Vec<u8> {
    let mut words = vec![7_u32, 31, 0, 0, 0, 4096, 1];
    words.resize(16, 0);
    words.into_iter().flat_map(u32::to_ne_bytes).collect()
}

/// `struct fuse_attr`.
fn attributes(node: u64) -> Vec<u8> {
    let mode = if node == FOLDER_NODE {
        0o040_755
    } else {
        0o100_644
    };
    let longs = [node, 0, 0, 0, 0, 0].map(u64::to_ne_bytes).concat();
    let words = [0_u32, 0, 0, mode, 1, 0, 0, 0, 4096, 0].map(u32::to_ne_bytes);
    [longs, words.concat()].concat()
}
