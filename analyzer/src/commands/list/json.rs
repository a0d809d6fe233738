//! JSON output of `list`: `whotalks-list/1`.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::export::object;
use whotalks::graph::By;
use whotalks::model::Map;
use whotalks::query::{Link, count_self_conversations};

use crate::cli::value_name;
use crate::commands::names::process_ids;
use crate::output;

pub(super) fn write(out: &mut dyn Write, map: &Map, links: &[Link], by: By) -> Result<()> {
    let document = object()
        .field("schema", "whotalks-list/1")
        .field("by", value_name(by))
        .list("links", links.iter().map(|link| link_row(map, link)))
        // Conversations of processes with themselves, which are no links.
        .field("within", count_self_conversations(map));
    output::json(out, &document)
}

/// The row of a link.
pub(crate) fn link_row(map: &Map, link: &Link) -> impl Serialize {
    object()
        .escaped("client", &link.client)
        .escaped("server", &link.server)
        .name("via", &link.via)
        .field("kind", link.kind.as_str())
        .field("connections", link.connections)
        .field("pending", link.pending)
        .known("seen", link.seen)
        .field("clients", process_ids(map, &link.clients))
        .field("servers", process_ids(map, &link.servers))
}
