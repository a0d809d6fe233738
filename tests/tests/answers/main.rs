//! Output of the query commands, and documents opened by the programs they are made for:
//! paths, exports, raw blocks, redacted copies, manual pages and completions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod export_readers;
mod generated;
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
