//! Names of users: each mount namespace may have an `/etc/passwd` of its own.

use std::collections::BTreeMap;

use crate::load::Capture;

/// Names by user id in the collector's user namespace.
type Names<'a> = BTreeMap<u32, &'a [u8]>;

/// The names of a capture.
pub(super) struct UserNames<'a> {
    /// The machine's.
    own: Names<'a>,
    /// By mount namespace: those with another file than the machine's.
    others: BTreeMap<u64, Names<'a>>,
}

impl<'a> UserNames<'a> {
    pub(super) fn new(capture: &'a Capture) -> Self {
        let own = capture.users.iter();
        let mut others: BTreeMap<u64, Names<'a>> = BTreeMap::new();
        for raw in capture.sources("users") {
            let names = others.entry(raw.header.mntns).or_default();
            // `UID NAME`; none if the file could not be read.
            let lines = raw.bytes.split(|byte| *byte == b'\n');
            names.extend(lines.filter_map(|line| {
                let space = line.iter().position(|byte| *byte == b' ')?;
                let uid = std::str::from_utf8(&line[..space]).ok()?.parse().ok()?;
                Some((uid, &line[space + 1..]))
            }));
        }
        Self {
            own: own.map(|user| (user.uid, &user.name[..])).collect(),
            others,
        }
    }

    /// The name of a user id in a mount namespace. Without the file of a container, of its users only root
    /// is known.
    pub(super) fn name(&self, uid: u32, mntns: u64, is_contained: bool) -> Option<&'a [u8]> {
        match self.others.get(&mntns) {
            Some(names) => names.get(&uid).copied(),
            None if is_contained && uid != 0 => None,
            None => self.own.get(&uid).copied(),
        }
    }
}
