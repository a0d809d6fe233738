//! Running a program on a terminal: what it shows there, and what it refuses to.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::programs::{Ran, TIMEOUT, finish};

/// Runs a program with its standard output on a terminal of 80 columns.
///
/// # Panics
/// If there are no pseudo-terminals, or the program does not finish.
pub fn on_terminal(command: &mut Command) -> Ran {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let controller = openpt(flags).expect("a pseudo-terminal can be had");
    grantpt(&controller).expect("the terminal is ours");
    unlockpt(&controller).expect("the terminal is ours");
    let name = ptsname(&controller, Vec::new()).expect("the terminal has a name");
    let name = name.to_str().expect("the name is ASCII");
    let terminal = std::fs::File::options().read(true).write(true).open(name);
    let terminal = terminal.expect("the terminal opens");
    let size = rustix::termios::Winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    rustix::termios::tcsetwinsize(&terminal, size).expect("the terminal has a size");
    command
        .stdin(Stdio::null())
        .stdout(terminal)
        .stderr(Stdio::piped());
    let shown = std::thread::spawn(move || read_terminal(controller));
    let mut ran = finish(command, b"", TIMEOUT);
    // Drops the last descriptor of the terminal, so that the reader ends.
    command.stdout(Stdio::null());
    ran.stdout = shown.join().expect("the reader does not panic");
    ran
}

/// All output until the other side is closed, which a terminal reports as EIO.
fn read_terminal(controller: OwnedFd) -> Vec<u8> {
    let mut file = std::fs::File::from(controller);
    let (mut all, mut some) = (Vec::new(), [0; 4096]);
    while let Ok(count @ 1..) = file.read(&mut some) {
        all.extend_from_slice(&some[..count]);
    }
    all
}
