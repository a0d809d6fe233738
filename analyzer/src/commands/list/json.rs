//! JSON output of `list`: `whotalks-list/1`.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::export::{departed, object, rfc3339};
use whotalks::graph::By;
use whotalks::model::Map;
use whotalks::query::{Link, LinkSeen, count_self_conversations};

use crate::cli::value_name;
use crate::commands::names::process_ids;
use crate::output;

pub(super) fn write(out: &mut dyn Write, map: &Map, links: &[Link], by: By) -> Result<()> {
    let within = count_self_conversations(map);
    // Conversations that are left out: with loggers, and of processes with themselves.
    let hidden = object()
        .field("log", map.hidden_logs.conversations)
        .field("self", within);
    let document = object()
        .field("schema", "whotalks-list/1")
        .field("by", value_name(by))
        .list("links", links.iter().map(|link| link_row(map, link)))
        .field("within", within)
        .field("hidden", hidden)
        .list("departed", map.departed.iter().map(departed));
    output::json(out, &document)
}

/// The row of a link.
pub(crate) fn link_row(map: &Map, link: &Link) -> impl Serialize {
    let seen = link.seen.as_ref();
    let time = |of: fn(&LinkSeen) -> Option<u64>| seen.and_then(of).map(rfc3339);
    object()
        .escaped("client", &link.client)
        .escaped("server", &link.server)
        .name("via", &link.via)
        .field("kind", link.kind.as_str())
        // Neither end is known to be the server.
        .known("direction", (!link.is_directed).then_some("none"))
        .field("connections", link.connections)
        .field("pending", link.pending)
        .known(
            "connecting",
            Some(link.connecting).filter(|count| *count > 0),
        )
        // In a union of captures: in how many, of how many, and when the first and the last one began.
        .known("seen", seen.map(LinkSeen::count))
        .known("captures", seen.map(|seen| seen.of))
        .known("first_seen_at", time(|seen| seen.first_ns))
        .known("last_seen_at", time(|seen| seen.last_ns))
        .field("clients", process_ids(map, &link.clients))
        .field("servers", process_ids(map, &link.servers))
}
