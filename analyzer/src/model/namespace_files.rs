//! Descriptors of namespaces whose links are paths: opened where the namespace is mounted.

use std::collections::HashSet;

use crate::load::Capture;

/// These descriptors, by pid, thread (0: the table of the process) and number.
pub(super) fn namespace_files(capture: &Capture) -> HashSet<(u32, u32, u32)> {
    let lines = capture
        .sources("namespace-descriptors")
        .flat_map(|raw| raw.bytes.split(|byte| *byte == b'\n'));
    lines
        .filter_map(|line| {
            // `PID TID FD net:[INODE]`
            let mut words = std::str::from_utf8(line).ok()?.split(' ');
            let mut number = || words.next()?.parse().ok();
            Some((number()?, number()?, number()?))
        })
        .collect()
}
