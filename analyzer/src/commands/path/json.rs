//! JSON output of `path`: `whotalks-path/1`.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::graph::Conversation;
use whotalks::id;
use whotalks::model::Map;
use whotalks::query::Hop;

use crate::output;

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    found: bool,
    hops: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    process: String,
    /// Id of the connection or pipe to the next process; null in the last row.
    connection: Option<String>,
}

/// Writes the document; without hops there is no path.
pub(super) fn write(out: &mut dyn Write, map: &Map, hops: &[Hop]) -> Result<()> {
    let conversation_id = |conversation: Conversation| match conversation {
        Conversation::Connection(index) => id::connection(map, index),
        Conversation::Pipe(pipe) => id::pipe(map, pipe),
    };
    let row = |hop: &Hop| Row {
        process: id::process(map, hop.process),
        connection: hop.next.map(|(next, _)| conversation_id(next)),
    };
    let document = Document {
        schema: "whotalks-path/1",
        found: !hops.is_empty(),
        hops: hops.iter().map(row).collect(),
    };
    output::json(out, &document)
}
