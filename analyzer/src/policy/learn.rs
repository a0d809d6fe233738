//! Learns a policy from maps and writes it as TOML.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::conversations::role_conversations;
use super::file::SCHEMA;
use crate::diff::NameClasses;
use crate::model::Map;
use crate::query::LinkKind;
use crate::text::format::plural;

/// How often a conversation was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Seen {
    /// The number of maps that have it.
    maps: usize,
    /// The maximum number of connections in a map.
    connections: usize,
}

/// Server, client and kind: the order in which a policy lists conversations.
type Ends = (String, String, LinkKind);

/// What conversations between two roles go over.
#[derive(Debug, Clone, Default)]
struct Vias {
    /// Names that differ in random parts are one.
    names: NameClasses,
    by_name: BTreeMap<usize, Seen>,
    by_address: BTreeMap<String, Seen>,
}

/// The conversations of several maps.
#[derive(Debug, Clone, Default)]
pub struct Learned {
    seen: BTreeMap<Ends, Vias>,
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
        // Of this map: conversations by what they go over.
        let mut counts: BTreeMap<(Ends, Result<usize, String>), usize> = BTreeMap::new();
        for (conversation, evidence) in role_conversations(map) {
            if evidence.unreadable {
                self.unreadable += 1;
                continue;
            }
            // Clients outside are not the same each time.
            let client = match conversation.client.starts_with("(outside)") {
                true => "(outside) *".to_owned(),
                false => conversation.client,
            };
            let ends = (conversation.server, client, conversation.kind);
            let vias = self.seen.entry(ends.clone()).or_default();
            let mut names = evidence.names.iter();
            let via = match names.next() {
                Some(name) => Ok(vias.names.add(name)),
                None => Err(conversation.via),
            };
            for name in names {
                vias.names.add(name);
            }
            *counts.entry((ends, via)).or_default() += evidence.connections;
        }
        for ((ends, via), connections) in counts {
            let vias = self.seen.entry(ends).or_default();
            let seen = match via {
                Ok(class) => vias.by_name.entry(class).or_default(),
                Err(address) => vias.by_address.entry(address).or_default(),
            };
            seen.maps += 1;
            seen.connections = seen.connections.max(connections);
        }
    }

    /// The conversations, by server, client and what they go over.
    fn rows(&self) -> Vec<(&Ends, String, Seen)> {
        let mut rows = Vec::new();
        for (ends, vias) in &self.seen {
            let names = vias.by_name.iter();
            let names = names.map(|(class, seen)| (vias.names.pattern(*class), *seen));
            let addresses = vias.by_address.iter();
            let addresses = addresses.map(|(address, seen)| (address.clone(), *seen));
            let all: BTreeMap<String, Seen> = names.chain(addresses).collect();
            rows.extend(all.into_iter().map(|(via, seen)| (ends, via, seen)));
        }
        rows
    }
}

/// Writes the policy: one line for each conversation, under a comment for each service.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, learned: &Learned, sources: &[String]) -> io::Result<()> {
    let captures = plural(learned.maps, "capture", "captures");
    writeln!(
        out,
        "# Who may talk to whom, for whotalks check --policy THIS_FILE.\n\
         # Learned from {} ({captures}).\n\
         #\n\
         # Roles are units or containers with their programs, as whotalks list shows them. In client,\n\
         # server and via * stands for any text and ? for any character; without via any listener is\n\
         # meant, without kind any kind.\n\
         # A conversation that no entry allows is WT501; one that is expected and missing is WT502.\n\
         # What was in every capture is expected: remove that where it comes and goes.",
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
    writeln!(out, "\nschema = \"{SCHEMA}\"\n\nallow = [")?;
    let rows = learned.rows();
    for of_server in rows.chunk_by(|a, b| a.0.0 == b.0.0) {
        let connections = of_server.iter().map(|(.., seen)| seen.connections).sum();
        let connections = plural(connections, "connection", "connections");
        writeln!(out, "  # {}: up to {connections}", of_server[0].0.0)?;
        for ((server, client, kind), via, seen) in of_server {
            let expected = match seen.maps == learned.maps {
                true => ", expected = true",
                false => "",
            };
            let often = match seen.maps == learned.maps {
                true => String::new(),
                false => format!("  # in {} of {captures}", seen.maps),
            };
            writeln!(
                out,
                "  {{ client = {}, server = {}, via = {}, kind = \"{}\"{expected} }},{often}",
                quoted(client),
                quoted(server),
                quoted(via),
                kind.as_str()
            )?;
        }
    }
    writeln!(out, "]")
}

/// A basic string of TOML; the text is printable already.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
