//! As whom the tests run, what that user may do, and how a test says that it cannot run.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Environment variable: with `1`, a skipped test is a failed one.
pub const NO_SKIP: &str = "WHOTALKS_NO_SKIP";
/// Environment variable, set in the runs that a test begins itself: as whom.
pub const AGAIN: &str = "WHOTALKS_TESTS_AGAIN";

/// Says why a test does not run, on the real standard error (the test runner hides the other).
///
/// # Panics
/// When nothing may be skipped ([`NO_SKIP`]).
pub fn skip(reason: &str) {
    let forbidden = std::env::var_os(NO_SKIP).is_some_and(|value| value == "1");
    let line = format!("SKIPPED: {}: {reason}", test());
    assert!(!forbidden, "{line}");
    show(&line);
}

/// A line for whoever runs the tests.
pub fn say(line: &str) {
    show(&format!("{}: {line}", test()));
}

fn test() -> String {
    std::thread::current().name().unwrap_or("?").to_owned()
}

fn show(line: &str) {
    let shown = writeln!(std::io::stderr(), "{line}");
    debug_assert!(shown.is_ok());
}

/// Whether namespaces can be made here.
pub fn makes_namespaces() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| works(&["unshare", "-n", "-m", "true"]))
}

/// Whether a command succeeds, quietly.
pub fn works(command: &[&str]) -> bool {
    let mut run = Command::new(command[0]);
    run.args(&command[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    run.status().is_ok_and(|status| status.success())
}

/// Whether the calling test, which needs namespaces, can run here and now.
///
/// Where only a user namespace gives the right to make them, the whole test runs again in one
/// (`again::in_a_user_namespace`), which skips with a reason where that is forbidden too.
pub fn needs_namespaces() -> bool {
    if !makes_namespaces() {
        say("left to the run in a user namespace");
    }
    makes_namespaces()
}

/// Effective user id.
pub fn euid() -> u32 {
    rustix::process::geteuid().as_raw()
}
