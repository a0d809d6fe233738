//! Output of the query commands, and documents opened by the programs they are made for:
//! paths, exports, raw blocks, redacted copies, manual pages and completions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod export_readers;
mod generated;
mod guest;
mod path;
mod raw;
mod redact;
mod show;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use whotalks_tests::programs::programs;

/// A sample of the repository.
fn sample(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../snapshots/samples");
    folder.join(format!("{name}.whotalks"))
}

/// `whotalks` with these arguments.
fn whotalks(arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(&programs().analyze);
    command.args(arguments);
    command
}
