//! Learns a policy from maps and writes it as TOML.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::conversations::{RoleConversation, role_conversations};
use super::file::SCHEMA;
use crate::model::Map;
use crate::text::format::plural;

/// How often a conversation was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Seen {
    /// The number of maps that have it.
    maps: usize,
    /// The maximum number of connections in a map.
    connections: usize,
}

/// The conversations of several maps.
#[derive(Debug, Clone, Default)]
pub struct Learned {
    seen: BTreeMap<RoleConversation, Seen>,
    maps: usize,
    /// The number of conversations with an end that could not be read; they are left out.
    pub unreadable: usize,
    /// The number of damaged captures.
    pub damaged: usize,
    /// The number of captures that are damaged or have processes that could not be read.
    pub incomplete: usize,
}

impl Learned {
    /// What is missing, as a clause; `None`: every capture was complete.
    pub fn missing(&self) -> Option<String> {
        let captures = plural(self.maps, "capture", "captures");
        let (count, state) = match (self.damaged, self.incomplete) {
            (_, 0) => return None,
            (0, incomplete) => (incomplete, "incomplete"),
            (damaged, _) => (damaged, "damaged"),
        };
        let are = if count == 1 { "is" } else { "are" };
        Some(format!(
            "{count} of {captures} {are} {state}: conversations may be missing here"
        ))
    }

    /// Adds the conversations of another map.
    pub fn add(&mut self, map: &Map) {
        self.maps += 1;
        let coverage = || map.hosts.iter().map(|host| &host.coverage);
        let damaged = coverage().any(|coverage| !coverage.damage.is_empty());
        let complete = coverage().all(|coverage| coverage.complete);
        self.damaged += usize::from(damaged);
        self.incomplete += usize::from(damaged || !complete);
        let mut counts: BTreeMap<RoleConversation, usize> = BTreeMap::new();
        for (mut conversation, evidence) in role_conversations(map) {
            if evidence.unreadable {
                self.unreadable += 1;
                continue;
            }
            // Clients outside are not the same each time.
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

/// Writes the policy, with comments that help editing it.
///
/// # Errors
/// Those of the writer.
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
        let count = plural(learned.unreadable, "conversation", "conversations");
        writeln!(
            out,
            "# Left out: {count} with somebody who could not be read."
        )?;
    }
    if let Some(missing) = learned.missing() {
        writeln!(
            out,
            "# Incomplete: {missing}.\n# Learn again from a whole capture, or add by hand what you know is meant."
        )?;
    }
    writeln!(out, "\nschema = \"{SCHEMA}\"")?;
    for (conversation, seen) in &learned.seen {
        let most = if seen.connections > 1 { "up to " } else { "" };
        let connections = plural(seen.connections, "connection", "connections");
        let captures = plural(learned.maps, "capture", "captures");
        writeln!(
            out,
            "\n# {most}{connections}, in {} of {captures}\n[[allow]]",
            seen.maps
        )?;
        writeln!(out, "client = {}", quoted(&conversation.client))?;
        writeln!(out, "server = {}", quoted(&conversation.server))?;
        writeln!(out, "via = {}", quoted(&conversation.via))?;
        writeln!(out, "kind = \"{}\"", conversation.kind.as_str())?;
        if seen.maps == learned.maps {
            writeln!(out, "expected = true")?;
        }
    }
    Ok(())
}

/// A basic string of TOML; the text is printable already.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
