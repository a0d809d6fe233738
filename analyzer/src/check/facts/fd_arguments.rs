//! Descriptor numbers on command lines: a descriptor that is named there was passed on purpose.

use super::base::Facts;
use crate::model::ProcessId;

/// Words that precede the number of a descriptor.
const WORDS: [&[u8]; 6] = [
    b"fd",
    b"sock",
    b"pipe",
    b"handle",
    b"channel",
    b"print-address",
];

impl Facts<'_> {
    /// Whether the command line of a process names one of its descriptors.
    pub(crate) fn is_fd_argument(&self, process: ProcessId, fd: u32) -> bool {
        let number = fd.to_string();
        let mut previous: &[u8] = b"";
        self.map.process(process).arguments().any(|argument| {
            let names = names_fd(previous, argument, number.as_bytes());
            previous = argument;
            names
        })
    }
}

/// Whether an argument ends in the number, and it or the argument before it has a word for a
/// descriptor: `--fd=7`, `/dev/fd/7`, `--socket 7`.
fn names_fd(previous: &[u8], argument: &[u8], number: &[u8]) -> bool {
    let Some(rest) = argument.strip_suffix(number) else {
        return false;
    };
    let context = if rest.is_empty() { previous } else { rest };
    !rest.last().is_some_and(u8::is_ascii_digit)
        && WORDS
            .iter()
            .any(|word| context.windows(word.len()).any(|part| part == *word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_arguments() {
        let check = |previous: &str, argument: &str| {
            names_fd(previous.as_bytes(), argument.as_bytes(), b"7")
        };
        assert!(check("", "--fd=7") && check("", "/dev/fd/7") && check("--socket", "7"));
        assert!(!check("", "--fd=17") && !check("sleep", "7") && !check("", "--fd=78"));
    }
}
