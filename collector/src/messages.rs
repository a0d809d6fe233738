//! Prints messages on standard error, all in one form.

use std::io::{self, Write};

/// Prints `whotalks: MESSAGE`. Ignores write errors: the exit code still tells whether a snapshot
/// was written.
pub(crate) fn print(message: &str) {
    let _ = writeln!(io::stderr(), "whotalks: {message}");
}
