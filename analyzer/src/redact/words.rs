//! Words that every machine has, or many: they name nobody, and maps are read by them.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::names::is_separator;
use crate::check::{vocabulary, vocabulary_within};

/// Kept wherever they occur. Sorted.
pub const KNOWN: &[&str] = &[
    "X",
    "X11",
    "apt",
    "ash",
    "bash",
    "bin",
    "boot",
    "bus",
    "busybox",
    "c",
    "cgroup",
    "conf",
    "containerd",
    "coreutils",
    "cri",
    "cri-containerd",
    "crio",
    "dash",
    "dbus",
    "deleted",
    "dev",
    "docker",
    "e",
    "etc",
    "fd",
    "fs",
    "fuse",
    "gjs",
    "home",
    "init",
    "jar",
    "java",
    "js",
    "ksh",
    "kubepods",
    "lib",
    "lib32",
    "lib64",
    "libexec",
    "libpod",
    "local",
    "log",
    "lua",
    "lxc",
    "m",
    "machine",
    "media",
    "mnt",
    "mount",
    "name",
    "nerdctl",
    "net",
    "node",
    "nodejs",
    "ns",
    "null",
    "opt",
    "path",
    "payload",
    "perl",
    "php",
    "pid",
    "pipe",
    "pod",
    "pod_parent",
    "proc",
    "ptmx",
    "pts",
    "py",
    "python",
    "python2",
    "python3",
    "random",
    "rb",
    "root",
    "ruby",
    "run",
    "sbin",
    "scope",
    "self",
    "service",
    "session",
    "sh",
    "share",
    "shm",
    "slice",
    "so",
    "sock",
    "socket",
    "srv",
    "sys",
    "system",
    "systemd",
    "target",
    "task",
    "timer",
    "tmp",
    "toybox",
    "tty",
    "unix",
    "urandom",
    "user",
    "usr",
    "var",
    "zero",
    "zsh",
];

/// Shorter marks would be found in every other word.
const MARK_BYTES: usize = 3;

/// Words that stay as they are, wherever they occur, and parts of words.
#[derive(Debug)]
pub(super) struct Stay {
    words: BTreeSet<&'static [u8]>,
    /// Beginnings of words that rules look for, the longest first.
    beginnings: Vec<&'static [u8]>,
    within: Vec<&'static [u8]>,
}

impl Stay {
    pub(super) fn new() -> Self {
        let of_rules = vocabulary().flat_map(|text| text.as_bytes().split(is_separator));
        let known = KNOWN.iter().map(|word| word.as_bytes());
        let last = vocabulary().filter_map(|text| text.as_bytes().rsplit(is_separator).next());
        let mut beginnings: Vec<_> = last.filter(|word| word.len() >= MARK_BYTES).collect();
        beginnings.sort_by_key(|mark| (Reverse(mark.len()), *mark));
        beginnings.dedup();
        Self {
            words: known.chain(of_rules).collect(),
            beginnings,
            within: vocabulary_within().map(str::as_bytes).collect(),
        }
    }

    /// Whether a word stays: a known one, or a number too small to name anybody.
    pub(super) fn has(&self, word: &[u8]) -> bool {
        let small = word.len() <= 3 && word.iter().all(u8::is_ascii_digit);
        small || self.words.contains(word)
    }

    /// What of another word stays before its pseudonym: by `php` of `php8` rules know the program.
    pub(super) fn mark(&self, word: &[u8]) -> &'static [u8] {
        let begins = self.beginnings.iter().find(|mark| word.starts_with(mark));
        let has = |mark: &&&[u8]| word.windows(mark.len()).any(|part| part == **mark);
        let mark = begins.or_else(|| self.within.iter().find(has));
        mark.copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::{Keep, Names};
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(KNOWN.is_sorted_by(|one, other| one < other));
    }

    #[test]
    fn what_rules_look_for_stays_in_larger_words() {
        let stay = Stay::new();
        assert!(stay.has(b"dockerd") && stay.has(b"usr") && stay.has(b"812"));
        assert!(!stay.has(b"Kryptonite") && !stay.has(b"8122"));
        assert_eq!(stay.mark(b"php8"), b"php");
        assert_eq!(stay.mark(b"mysqldump"), b"mysqld");
        assert_eq!(stay.mark(b"mydockerwrapper"), b"docker");
        assert_eq!(stay.mark(b"Kryptonite"), b"");
        let names = Names::new([7; 32], Keep::default());
        for text in vocabulary() {
            assert_eq!(names.clone().text(text.as_bytes()), text.as_bytes());
            // A word that goes on after it.
            let longer = format!("{text}Kryptonite");
            let told = names.clone().text(longer.as_bytes());
            let short = text.rsplit(|c: char| !c.is_alphanumeric()).next();
            let stays = short.is_some_and(|word| word.len() >= MARK_BYTES || word.is_empty());
            assert!(told.starts_with(text.as_bytes()) || !stays, "{text}");
        }
    }
}
