//! Runs a program and reports its resource usage. Done in a small process, because the peak
//! memory of a child is never below that of its parent.

use std::process::{Command, Stdio, exit};
use std::time::{Duration, Instant};

use whotalks_tests::protocol::Usage;

use crate::raw;

/// Runs a command with its output discarded; prints a [`Usage`].
pub(crate) fn run(arguments: &[String]) -> ! {
    let Some((program, arguments)) = arguments.split_first() else {
        eprintln!("whotalks-actor: --measure needs a program");
        exit(2);
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let status = command.status();
    let wall = begun.elapsed();
    let (user, system, peak_kb) = raw::children_usage();
    let microseconds = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let usage = Usage {
        success: status.is_ok_and(|status| status.success()),
        wall_us: microseconds(wall),
        user_us: microseconds(user),
        system_us: microseconds(system),
        peak_kb,
    };
    println!("{}", serde_json::to_string(&usage).unwrap_or_default());
    exit(0);
}
