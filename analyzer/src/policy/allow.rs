//! The entries of a policy, and whether they allow a conversation.

use std::collections::BTreeSet;

use super::conversations::RoleConversation;
use crate::query::{Glob, LinkKind};

/// A policy: what no entry allows is not allowed.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// In the order of the file.
    pub entries: Vec<PolicyEntry>,
    /// Client, server and via of the entries without patterns and kind, for fast lookup.
    exact: BTreeSet<(String, String, String)>,
}

/// Conversations that are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyEntry {
    /// Pattern of the client's role.
    pub client: Glob,
    /// Pattern of the server's role.
    pub server: Glob,
    /// Pattern of the listener's name or address.
    pub via: Glob,
    /// Kind of conversation; `None`: any.
    pub kind: Option<LinkKind>,
    /// Whether such a conversation must exist.
    pub expected: bool,
    /// The entry as text, printable: `client → server via name`.
    pub text: String,
}

impl PolicyEntry {
    /// Whether the entry allows a conversation.
    pub fn allows(&self, conversation: &RoleConversation) -> bool {
        self.kind.is_none_or(|kind| kind == conversation.kind)
            && self.client.matches(&conversation.client)
            && self.server.matches(&conversation.server)
            && self.via.matches(&conversation.via)
    }
}

impl Policy {
    /// A policy with these entries.
    pub fn new(entries: Vec<PolicyEntry>) -> Self {
        let any_kind = entries.iter().filter(|entry| entry.kind.is_none());
        let exact = any_kind.filter_map(|entry| {
            let literal = |glob: &Glob| Some(glob.literal()?.to_owned());
            let (client, server) = (literal(&entry.client)?, literal(&entry.server)?);
            Some((client, server, literal(&entry.via)?))
        });
        Self {
            exact: exact.collect(),
            entries,
        }
    }

    /// Whether an entry allows a conversation.
    pub fn allows(&self, conversation: &RoleConversation) -> bool {
        let (client, server) = (conversation.client.clone(), conversation.server.clone());
        let key = (client, server, conversation.via.clone());
        self.exact.contains(&key) || self.entries.iter().any(|entry| entry.allows(conversation))
    }
}
