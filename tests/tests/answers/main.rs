//! Answers as their readers get them: ways hop by hop, documents opened by the programs that they
//! are for, raw blocks, manual pages and completions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod generated;
mod opened;
mod path;
mod raw;
mod redact;
mod show;

use std::ffi::OsStr;
use std::process::Command;

use whotalks_tests::programs::programs;

/// `whotalks` with these arguments.
fn whotalks(arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(&programs().analyze);
    command.args(arguments);
    command
}
