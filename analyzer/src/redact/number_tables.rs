//! Redacts tables of numbers and fixed words: file locks, System V objects, shared files.

/// The words of `/proc/locks`, `shared-files`, and the headings of `/proc/sysvipc/*`.
const WORDS: &str = "
    FLOCK POSIX OFDLCK ACCESS LEASE DELEG ADVISORY ACTIVE BREAKING BREAKER READ WRITE UNLCK EOF ->
    ptmx pts tty mqueue memory
    key shmid msqid semid perms size nsems cbytes qnum cpid lpid lspid lrpid nattch uid gid cuid cgid
    atime dtime ctime stime rtime otime rss swap
";

/// Whether a line has numbers and known words only.
pub(super) fn is_understood(line: &[u8]) -> bool {
    let words = line.split(u8::is_ascii_whitespace);
    words.filter(|word| !word.is_empty()).all(|word| {
        is_number(word)
            || WORDS
                .split_ascii_whitespace()
                .any(|known| known.as_bytes() == word)
    })
}

/// `17`, `-1`, `9:`, `fe:00:1024`.
fn is_number(word: &[u8]) -> bool {
    let digits = word.strip_prefix(b"-").unwrap_or(word);
    digits.first().is_some_and(u8::is_ascii_hexdigit)
        && digits.iter().any(u8::is_ascii_digit)
        && digits
            .iter()
            .all(|byte| byte.is_ascii_hexdigit() || *byte == b':')
}

/// The lines that are understood.
pub(super) fn redact(table: &[u8]) -> Vec<u8> {
    let lines = table.split_inclusive(|byte| *byte == b'\n');
    lines
        .filter(|line| is_understood(line))
        .flatten()
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_left_out() {
        let table = b"9: FLOCK  ADVISORY  WRITE 17800 fe:00:10010749 0 EOF\n\
            9:  -> FLOCK  ADVISORY  READ -1 fe:00:10010749 0 EOF\n\
            9: FLOCK secret WRITE 17800 fe:00:10010749 0 EOF\n17 0 3 pts 0:24 4 700\n";
        let redacted = redact(table);
        assert!(!redacted.windows(6).any(|part| part == b"secret"));
        assert_eq!(redacted.split(|byte| *byte == b'\n').count(), 4);
    }
}
