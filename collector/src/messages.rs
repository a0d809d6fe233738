//! Messages on standard error: errors, warnings and the summary, all in one form.

use std::io::{self, Write};

/// Prints one line, `whotalks: MESSAGE`. A failure to write it is ignored: the exit code still tells
/// whether a snapshot was written.
pub(crate) fn print(message: &str) {
    let _ = writeln!(io::stderr(), "whotalks: {message}");
}
