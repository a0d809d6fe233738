//! Who may talk to whom, by role: learned from maps, written as TOML, compared with another map.
//!
//! Roles survive restarts (`diff::role`), and names lose what differs from run to run, so that a
//! policy that was learned once holds for the machine's twin and after a reboot.

mod conversations;
mod file;
mod learn;

use std::collections::BTreeSet;

pub use conversations::{Evidence, RoleConversation, role_conversations};
pub use file::{PolicyError, one_line};
pub use learn::{Learned, learn, write};

use crate::query::{Glob, LinkKind};

/// What is allowed.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// In the file's order.
    pub entries: Vec<Entry>,
    /// Entries that stand for one conversation each, for a quick look.
    exact: BTreeSet<(String, String, String)>,
}

/// Allowed conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The client's role.
    pub client: Glob,
    /// The server's role.
    pub server: Glob,
    /// The listener's name or address.
    pub via: Glob,
    /// Which kind; `None`: any.
    pub kind: Option<LinkKind>,
    /// It must be there.
    pub expected: bool,
    /// How the file has it: `client → server via name`.
    pub text: String,
}

impl Entry {
    /// Whether a conversation is meant.
    pub fn allows(&self, conversation: &RoleConversation) -> bool {
        self.kind.is_none_or(|kind| kind == conversation.kind)
            && self.client.matches(&conversation.client)
            && self.server.matches(&conversation.server)
            && self.via.matches(&conversation.via)
    }
}

impl Policy {
    /// Of entries.
    pub fn new(entries: Vec<Entry>) -> Self {
        let exact = entries.iter().filter(|entry| entry.kind.is_none());
        let exact = exact
            .filter_map(|entry| {
                let [client, server, via] = [&entry.client, &entry.server, &entry.via];
                Some((
                    client.literal()?.to_owned(),
                    server.literal()?.to_owned(),
                    via.literal()?.to_owned(),
                ))
            })
            .collect();
        Self { entries, exact }
    }

    /// Whether a conversation is allowed.
    pub fn allows(&self, conversation: &RoleConversation) -> bool {
        let key = (
            conversation.client.clone(),
            conversation.server.clone(),
            conversation.via.clone(),
        );
        self.exact.contains(&key) || self.entries.iter().any(|entry| entry.allows(conversation))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::model::Map;

    #[test]
    fn what_was_learned_is_allowed_after_a_restart() {
        let map = |pid: u32| {
            let mut map = Map::with_host();
            let app = map.add_process(pid, b"app");
            let db = map.add_process(pid + 1, b"db");
            let name = format!("\0db-{pid}");
            let listener = map.add_listener(&[db], name.as_bytes());
            map.add_connection(&[app], &[db], Some(listener));
            map
        };
        let learned = learn([&map(812)]);
        let mut text = Vec::new();
        write(&mut text, &learned, &["a.whotalks".to_owned()]).unwrap();
        let text = String::from_utf8(text).unwrap();
        let policy: Policy = text.parse().unwrap();
        assert_eq!(policy.entries.len(), 1, "{text}");
        assert!(policy.entries[0].expected);
        let after = role_conversations(&map(990));
        assert_eq!(after.len(), 1);
        assert!(after.keys().all(|one| policy.allows(one)), "{text}");
    }

    #[test]
    fn files_are_read_strictly() {
        let check = |text: &str, expected: &str| {
            let error = text.parse::<Policy>().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("schema = \"whotalks-policy/2\"", "whotalks-policy/1");
        check("[[allow]]\nclient = \"a\"", "server");
        check(
            "[[allow]]\nclient = \"a\"\nserver = \"b\"\nvai = \"c\"",
            "vai",
        );
        check(
            "[[allow]]\nclient = \"a\"\nserver = \"b\"\nkind = \"tcp\"",
            "kind",
        );
        let policy: Policy = "[[allow]]\nclient = \"*\"\nserver = \"db\""
            .parse()
            .unwrap();
        let conversation = RoleConversation {
            client: "x".to_owned(),
            server: "db".to_owned(),
            via: "/run/db".to_owned(),
            kind: LinkKind::Unix,
        };
        assert!(policy.allows(&conversation));
        let other = RoleConversation {
            server: "web".to_owned(),
            ..conversation
        };
        assert!(!policy.allows(&other));
    }
}
