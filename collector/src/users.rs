//! Records the names of the user ids that occur, from `/etc/passwd`.

use std::collections::BTreeSet;

use rustix::fs::CWD;
use whotalks_snapshot::records::User;

use crate::proc::{parse_decimal, read_file};

/// Some sites have all users in this file. Beyond this size the rest is ignored.
pub(crate) const PASSWD_LIMIT_BYTES: usize = 4 << 20;

/// Returns the users among `uids` that are in `/etc/passwd`. The first line of each counts.
pub(crate) fn named(uids: &BTreeSet<u32>) -> Vec<User> {
    let mut text = Vec::new();
    let _ = read_file(CWD, c"/etc/passwd", PASSWD_LIMIT_BYTES, &mut text);
    select(&text, uids)
}

fn select(passwd: &[u8], uids: &BTreeSet<u32>) -> Vec<User> {
    let mut wanted = uids.clone();
    let named = lines(passwd)
        .filter(|(_, uid)| wanted.remove(uid))
        .map(|(name, uid)| User {
            uid,
            name: name.to_vec(),
        });
    named.collect()
}

/// Name and id in each line of passwd(5).
pub(crate) fn lines(passwd: &[u8]) -> impl Iterator<Item = (&[u8], u32)> {
    let lines = passwd.split(|byte| *byte == b'\n');
    lines.filter_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        Some((fields.next()?, parse_decimal(fields.nth(1)?)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_line_of_a_uid_counts() {
        let passwd = b"root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\nbad\n:x:7\nann:x:12:1:\n";
        let names = select(passwd, &BTreeSet::from([0, 12, 99]));
        let names: Vec<_> = names
            .iter()
            .map(|user| (user.uid, &user.name[..]))
            .collect();
        assert_eq!(names, [(0, &b"root"[..]), (12, b"ann")]);
    }
}
