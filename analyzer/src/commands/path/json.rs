//! JSON output of `path`: `whotalks-path/1`.

use std::io::Write;

use anyhow::Result;
use whotalks::export::object;
use whotalks::graph::Conversation;
use whotalks::id;
use whotalks::model::Map;
use whotalks::query::Hop;

use crate::output;

/// Writes the document; without hops there is no path.
pub(super) fn write(out: &mut dyn Write, map: &Map, hops: &[Hop]) -> Result<()> {
    let row = |hop: &Hop| {
        let connection = hop.next.map(|(conversation, _)| match conversation {
            Conversation::Connection(index) => id::connection(map, index),
            Conversation::Pipe(pipe) => id::pipe(map, pipe),
            Conversation::Channel(channel) => id::channel(&map.channels[channel.index()]),
        });
        object()
            .field("process", id::process(map, hop.process))
            // To the next process; null in the last row.
            .field("connection", connection)
    };
    let document = object()
        .field("schema", "whotalks-path/1")
        .field("found", !hops.is_empty())
        .list("hops", hops.iter().map(row));
    output::json(out, &document)
}
