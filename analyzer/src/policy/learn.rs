//! A policy from what was seen.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::file::SCHEMA;
use super::{Conversation, conversations};
use crate::model::Map;
use crate::names;

/// What was seen of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Seen {
    /// Maps that have it.
    maps: usize,
    /// The most connections in one.
    connections: usize,
}

/// What several maps say.
#[derive(Debug, Clone, Default)]
pub struct Learned {
    seen: BTreeMap<Conversation, Seen>,
    maps: usize,
    /// Conversations with an end that could not be read: they are left out.
    pub unreadable: usize,
}

impl Learned {
    /// How many conversations.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }
}

/// Learns from maps, one at a time.
pub fn learn<'a>(maps: impl IntoIterator<Item = &'a Map>) -> Learned {
    let mut learned = Learned::default();
    for map in maps {
        learned.add(map);
    }
    learned
}

impl Learned {
    /// Adds what another map has.
    pub fn add(&mut self, map: &Map) {
        self.maps += 1;
        let mut counts: BTreeMap<Conversation, usize> = BTreeMap::new();
        for (mut conversation, evidence) in conversations(map) {
            if evidence.unreadable {
                self.unreadable += 1;
                continue;
            }
            // Who connects from outside is another each time.
            if conversation.client.starts_with("(outside)") {
                conversation.client = "(outside) *".to_owned();
            }
            *counts.entry(conversation).or_default() += evidence.connections;
        }
        for (conversation, connections) in counts {
            let seen = self.seen.entry(conversation).or_default();
            seen.maps += 1;
            seen.connections = seen.connections.max(connections);
        }
    }
}

/// Writes the policy with comments for whoever edits it.
///
/// # Errors
/// Those of writing.
pub fn write(out: &mut dyn Write, learned: &Learned, sources: &[String]) -> io::Result<()> {
    writeln!(
        out,
        "# Who may talk to whom, for whotalks check --policy THIS_FILE.\n\
         # Learned from {}.\n\
         #\n\
         # Roles are units or containers with their programs, as whotalks list shows them. In client,\n\
         # server and via * stands for any text and ? for any character; without via any listener is\n\
         # meant, without kind any kind.\n\
         # A conversation that no entry allows is WT501; one that is expected and missing is WT502.\n\
         # What was in every capture is expected: take that line away where it comes and goes.",
        sources.join(", ")
    )?;
    if learned.unreadable > 0 {
        writeln!(
            out,
            "# Left out: {} conversations with somebody who could not be read.",
            learned.unreadable
        )?;
    }
    writeln!(out, "\nschema = \"{SCHEMA}\"")?;
    for (conversation, seen) in &learned.seen {
        let connections = match seen.connections {
            1 => "1 connection".to_owned(),
            more => format!("up to {more} connections"),
        };
        writeln!(
            out,
            "\n# {connections}, in {} of {} captures\n[[allow]]",
            seen.maps, learned.maps
        )?;
        writeln!(out, "client = {}", quoted(&conversation.client))?;
        writeln!(out, "server = {}", quoted(&conversation.server))?;
        writeln!(out, "via = {}", quoted(&conversation.via))?;
        writeln!(out, "kind = \"{}\"", names::link_kind(conversation.kind))?;
        if seen.maps == learned.maps {
            writeln!(out, "expected = true")?;
        }
    }
    Ok(())
}

/// A basic string of TOML: what is in it is printable already.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
