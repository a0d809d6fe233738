//! Words that are kept: those that many machines have, and those that the rules look for. They
//! identify nothing.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::check::{vocabulary, vocabulary_within};

/// Kept everywhere. Sorted.
#[rustfmt::skip]
pub const KNOWN: &[&str] = &[
    "X", "X11", "apt", "ash", "bash", "bin", "boot", "bus", "busybox", "c", "cgroup", "conf",
    "containerd", "coreutils", "cri", "cri-containerd", "crio", "dash", "dbus", "deleted", "dev",
    "docker", "e", "etc", "fd", "fs", "fuse", "gjs", "home", "init", "jar", "java", "js", "ksh",
    "kubepods", "lib", "lib32", "lib64", "libexec", "libpod", "local", "log", "lua", "lxc", "m",
    "machine", "media", "mnt", "mount", "name", "nerdctl", "net", "node", "nodejs", "ns", "null",
    "opt", "path", "payload", "perl", "php", "pid", "pipe", "pod", "pod_parent", "proc", "ptmx",
    "pts", "py", "python", "python2", "python3", "random", "rb", "root", "ruby", "run", "sbin",
    "scope", "self", "service", "session", "sh", "share", "shm", "slice", "so", "sock", "socket",
    "srv", "sys", "system", "systemd", "target", "task", "timer", "tmp", "toybox", "tty", "unix",
    "urandom", "user", "usr", "var", "zero", "zsh",
];

/// Separators of words. They are the same in every text, so that a path in a command line gets the
/// same pseudonym as a socket's name.
const SEPARATORS: &[u8] = b"/\0\n\t \"'()[]{}<>=:;,@.-|&?#*%$!~+";

/// Shorter prefixes would match every other word.
pub(super) const MIN_PREFIX_BYTES: usize = 3;

/// Whether a byte separates words.
pub(super) fn is_separator(byte: &u8) -> bool {
    SEPARATORS.contains(byte)
}

/// Words and parts of words that are kept.
#[derive(Debug)]
pub(super) struct KeptWords {
    words: BTreeSet<&'static [u8]>,
    /// Prefixes of words that rules look for, the longest first.
    prefixes: Vec<&'static [u8]>,
    /// Parts of words that rules look for.
    within: Vec<&'static [u8]>,
}

impl KeptWords {
    /// The known words and those of the rules.
    pub(super) fn new() -> Self {
        let of_rules = vocabulary().flat_map(|text| text.as_bytes().split(is_separator));
        let known = KNOWN.iter().map(|word| word.as_bytes());
        let last = vocabulary().filter_map(|text| text.as_bytes().rsplit(is_separator).next());
        let mut prefixes: Vec<_> = last.filter(|word| word.len() >= MIN_PREFIX_BYTES).collect();
        prefixes.sort_by_key(|prefix| (Reverse(prefix.len()), *prefix));
        prefixes.dedup();
        Self {
            words: known.chain(of_rules).collect(),
            prefixes,
            within: vocabulary_within().map(str::as_bytes).collect(),
        }
    }

    /// Whether a word is kept: a known one, or a number too small to identify anything.
    pub(super) fn contains(&self, word: &[u8]) -> bool {
        let small = word.len() <= 3 && word.iter().all(u8::is_ascii_digit);
        small || self.words.contains(word)
    }

    /// What is kept of another word, in front of its pseudonym: by `php` of `php8` rules recognize the
    /// program.
    pub(super) fn prefix(&self, word: &[u8]) -> &'static [u8] {
        let prefix = self.prefixes.iter().find(|prefix| word.starts_with(prefix));
        let is_within = |part: &&&[u8]| word.windows(part.len()).any(|window| window == **part);
        let kept = prefix.or_else(|| self.within.iter().find(is_within));
        kept.copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(KNOWN.is_sorted_by(|one, other| one < other));
    }
}
