//! Effective user, required tools and namespaces of the test run; skipping of tests.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Environment variable: if `1`, tests that would be skipped fail.
pub const NO_SKIP: &str = "WHOTALKS_NO_SKIP";
/// Environment variable, set when the suite runs itself again: the user it runs as.
pub const RERUN_AS: &str = "WHOTALKS_TESTS_AGAIN";

/// Prints why a test is skipped, to the standard error of the process, which the test runner does not capture.
///
/// # Panics
/// If [`NO_SKIP`] is set.
pub fn skip(reason: &str) {
    let forbidden = std::env::var_os(NO_SKIP).is_some_and(|value| value == "1");
    let line = format!("SKIPPED: {}: {reason}", test());
    assert!(!forbidden, "{line}");
    show(&line);
}

/// Prints a line with the name of the test, uncaptured.
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

/// Whether this user may create namespaces.
pub fn makes_namespaces() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| works(&["unshare", "-n", "-m", "true"]))
}

/// Whether a command succeeds; its output is discarded.
pub fn works(command: &[&str]) -> bool {
    let mut run = Command::new(command[0]);
    run.args(&command[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    run.status().is_ok_and(|status| status.success())
}

/// Whether the calling test, which needs namespaces, can run.
///
/// If they require a user namespace, the whole suite runs again in one
/// (`other_users::in_a_user_namespace`), which is skipped with a reason if that is forbidden too.
pub fn needs_namespaces() -> bool {
    if !makes_namespaces() {
        say("left to the run in a user namespace");
    }
    makes_namespaces()
}

/// Whether the calling test, which needs root outside of user namespaces, can run. Elsewhere it is left to
/// the run as root.
pub fn needs_root() -> bool {
    let is_root = euid() == 0 && std::env::var_os(RERUN_AS).is_none();
    if !is_root {
        say("left to the run as root");
    }
    is_root
}

/// Effective user id.
pub fn euid() -> u32 {
    rustix::process::geteuid().as_raw()
}
