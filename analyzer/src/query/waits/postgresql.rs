//! Locks inside PostgreSQL, by the titles of its sessions.
//!
//! A session that waits for a lock sleeps on an event of its own; who holds the lock is in memory that the
//! sessions share. Their titles (`update_process_title`, on by default) say which session waits, and which
//! ones of the same server and database are in a transaction. That is evidence, not proof.

use std::collections::BTreeMap;

use crate::model::{HostId, Map, Process, ProcessId, program};

/// Title of a session: `postgres: [CLUSTER: ]USER DATABASE CLIENT ACTIVITY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Session<'a> {
    database: &'a [u8],
    activity: Activity,
}

/// What a session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Activity {
    /// It waits for its client inside a transaction, and keeps its locks.
    IdleInTransaction,
    /// It executes a statement.
    Busy,
    /// It waits for a lock.
    Waiting,
    /// It waits for its client outside of a transaction.
    Idle,
}

/// Host, pid of the server, name of the database.
type Database = (HostId, u32, Vec<u8>);

/// The sessions of the PostgreSQL servers of a map.
pub(super) struct Sessions {
    /// The sessions that may hold a lock.
    holders: BTreeMap<Database, Vec<(Activity, ProcessId)>>,
}

impl Sessions {
    pub(super) fn new(map: &Map) -> Self {
        let mut holders: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (index, process) in map.processes.iter().enumerate() {
            let Some(session) = session(process) else {
                continue;
            };
            if session.activity <= Activity::Busy {
                let key = (process.host, process.ppid, session.database.to_vec());
                let holder = (session.activity, ProcessId::new(index));
                holders.entry(key).or_default().push(holder);
            }
        }
        for holders in holders.values_mut() {
            // A busy session is suspected only where none is idle in a transaction.
            holders.sort_unstable();
            let first = holders.first().map(|(activity, _)| *activity);
            holders.retain(|(activity, _)| Some(*activity) == first);
        }
        Self { holders }
    }

    /// The sessions that may hold the lock that a process waits for, sorted; `None`: it waits for no lock.
    pub(super) fn lock_holders(&self, process: &Process) -> Option<Vec<ProcessId>> {
        let session = session(process).filter(|session| session.activity == Activity::Waiting)?;
        let key = (process.host, process.ppid, session.database.to_vec());
        let holders = self.holders.get(&key).into_iter().flatten();
        Some(holders.map(|(_, process)| *process).collect())
    }
}

/// Whether a process is a session that is idle in a transaction.
pub(super) fn is_idle_in_transaction(process: &Process) -> bool {
    session(process).is_some_and(|session| session.activity == Activity::IdleInTransaction)
}

fn session(process: &Process) -> Option<Session<'_>> {
    let title = process.title()?;
    if program(process) != "postgres" {
        return None;
    }
    let fields = title.strip_prefix(b"postgres: ")?;
    // The name of the cluster, where it has one.
    let colon = fields.windows(2).position(|two| two == b": ");
    let fields = colon.map_or(fields, |at| &fields[at + 2..]);
    let mut words = fields.splitn(4, |byte| *byte == b' ');
    let (_user, database, _client) = (words.next()?, words.next()?, words.next()?);
    let activity = words.next()?;
    Some(Session {
        database,
        activity: match activity {
            _ if activity.starts_with(b"idle in transaction") => Activity::IdleInTransaction,
            _ if activity.ends_with(b" waiting") => Activity::Waiting,
            b"idle" | b"authentication" | b"startup" => Activity::Idle,
            _ => Activity::Busy,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_of_sessions() {
        let activity = |cmdline: &[u8]| {
            let process = Process {
                exe: b"/usr/lib/postgresql/15/bin/postgres"[..].into(),
                cmdline: cmdline.into(),
                ..Process::default()
            };
            let session = session(&process);
            session.map(|session| (session.database.to_vec(), session.activity))
        };
        let shop = |activity| Some((b"shop".to_vec(), activity));
        assert_eq!(
            activity(b"postgres: app shop [local] UPDATE waiting\0"),
            shop(Activity::Waiting)
        );
        assert_eq!(
            activity(b"postgres: 15/main: app shop 127.0.0.1(4711) idle in transaction\0\0"),
            shop(Activity::IdleInTransaction)
        );
        assert_eq!(
            activity(b"postgres: app shop [local] idle\0"),
            shop(Activity::Idle)
        );
        assert_eq!(
            activity(b"postgres: app shop [local] SELECT\0"),
            shop(Activity::Busy)
        );
        assert_eq!(activity(b"postgres: checkpointer \0"), None);
        assert_eq!(activity(b"postgres\0-D\0/data\0"), None);
    }
}
