//! Parser of `/proc/PID/mountinfo`.
//!
//! Reference: proc_pid_mountinfo(5).

use std::borrow::Cow;

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount<'a> {
    /// Its id, of which no other mount of the machine has the same.
    pub id: u32,
    /// Major and minor number of the file system's device.
    pub device: (u32, u32),
    /// The mounted directory: a path within the file system.
    pub root: Cow<'a, [u8]>,
    /// Mount point, as the process sees it.
    pub point: Cow<'a, [u8]>,
    /// Type of the file system.
    pub kind: &'a [u8],
    /// Options of the file system, separated by commas: the last word of the line.
    pub super_options: &'a [u8],
}

/// The mounts of a table, in order; malformed lines are skipped.
pub fn mounts(table: &[u8]) -> Vec<Mount<'_>> {
    let lines = table.split(|byte| *byte == b'\n');
    lines.filter_map(mount).collect()
}

/// `36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw`
fn mount(line: &[u8]) -> Option<Mount<'_>> {
    let mut words = line.split(|byte| *byte == b' ');
    let id = std::str::from_utf8(words.next()?).ok()?.parse().ok()?;
    let device = std::str::from_utf8(words.nth(1)?).ok()?;
    let (major, minor) = device.split_once(':')?;
    Some(Mount {
        id,
        device: (major.parse().ok()?, minor.parse().ok()?),
        root: unescaped(words.next()?),
        point: unescaped(words.next()?),
        kind: words
            .find(|word| *word == b"-")
            .and_then(|_| words.next())
            .unwrap_or_default(),
        super_options: words.next_back().unwrap_or_default(),
    })
}

/// Undoes the escapes `\040` (space), `\011`, `\012` and `\134`.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'\\') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail.first_chunk::<3>().filter(|_| first == b'\\');
        let value = octal
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        let (byte, after) = value.map_or((first, tail), |byte| (byte, &tail[3..]));
        out.push(byte);
        rest = after;
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let table = b"36 35 98:0 /a\\040b /mnt\\134x rw master:1 - ext3 /dev/root rw\nnonsense\n\
            37 36 0:21 / /run rw - tmpfs tmpfs rw";
        let read = mounts(table);
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].id, read[0].device), (36, (98, 0)));
        assert_eq!(
            (read[0].kind, read[0].super_options),
            (&b"ext3"[..], &b"rw"[..])
        );
        assert_eq!(
            (&*read[0].root, &*read[0].point),
            (&b"/a b"[..], &b"/mnt\\x"[..])
        );
        assert_eq!((read[1].device, &*read[1].point), ((0, 21), &b"/run"[..]));
        assert_eq!(&*unescaped(br"\9\04\777"), br"\9\04\777");
    }
}
