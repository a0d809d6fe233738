//! Descriptor numbers on command lines: a descriptor that is named there was passed on purpose.

use super::base::Facts;
use crate::model::ProcessId;

/// The first descriptor of those that `LISTEN_FDS` counts: `SD_LISTEN_FDS_START` of sd_listen_fds(3).
const LISTEN_FDS_START: u32 = 3;

/// What precedes a descriptor in the text of a program: `/dev/fd/7`, `>&7`, `fileno=7`.
const DESCRIPTOR: [&[u8]; 6] = [b"fd/", b"fd", b"fd=", b"&", b"fileno=", b"fdopen("];

impl Facts<'_> {
    /// Whether the command line of a process names one of its descriptors.
    pub(crate) fn is_fd_argument(&self, process: ProcessId, fd: u32) -> bool {
        let mut arguments = self.map.process(process).arguments();
        arguments.any(|argument| names_fd(argument, fd))
    }
}

/// Whether a whole number in an argument is that of a descriptor: `7`, `--log=7`, `/dev/fd/7`, `3,7`,
/// `fd:7`; or counts it, as `LISTEN_FDS=5` does.
fn names_fd(argument: &[u8], fd: u32) -> bool {
    if let Some(count) = argument.strip_prefix(b"LISTEN_FDS=") {
        let count = std::str::from_utf8(count).ok();
        let count: Option<u32> = count.and_then(|count| count.parse().ok());
        let end = count.map_or(0, |count| LISTEN_FDS_START.saturating_add(count));
        return (LISTEN_FDS_START..end).contains(&fd);
    }
    let number = fd.to_string();
    let number = number.as_bytes();
    // The numbers of a program text are of many kinds.
    let is_text = argument.iter().any(u8::is_ascii_whitespace);
    let mut starts = argument.windows(number.len()).enumerate();
    starts.any(|(start, part)| {
        let (before, after) = (&argument[..start], &argument[start + number.len()..]);
        part == number
            && ends_a_word(before)
            && begins_no_word(after)
            && (!is_text || DESCRIPTOR.iter().any(|word| before.ends_with(word)))
    })
}

/// Whether a number may begin after this text: `fd`, `=`, `/`, but not the `1.` of a version.
fn ends_a_word(before: &[u8]) -> bool {
    match before.last() {
        None => true,
        Some(b'.' | b'-') => before.len() == 1,
        Some(last) if last.is_ascii_alphanumeric() => before.ends_with(b"fd"),
        Some(_) => true,
    }
}

fn begins_no_word(after: &[u8]) -> bool {
    !after
        .first()
        .is_some_and(|first| first.is_ascii_alphanumeric() || matches!(first, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_arguments() {
        for argument in [
            "7",
            "--fd=7",
            "--log=7",
            "/dev/fd/7",
            "/proc/self/fd/7",
            "--fds=3,7,9",
            "fd:7",
            "fd7",
            "CHANNEL_FD=7",
            "LISTEN_FDS=5",
            "-7",
            "<&7",
            "exec cat <&7",
            "s = socket.socket(fileno=7)",
        ] {
            assert!(names_fd(argument.as_bytes(), 7), "{argument}");
        }
        for argument in [
            "17",
            "78",
            "--fd=78",
            "10.0.0.7",
            "7.1",
            "python3.7",
            "libc-7.so",
            "x7",
            "7s",
            "time.sleep(7) ",
            "sleep 7; true",
            "LISTEN_FDS=4",
            "LISTEN_FDS=x",
            "",
        ] {
            assert!(!names_fd(argument.as_bytes(), 7), "{argument}");
        }
    }
}
