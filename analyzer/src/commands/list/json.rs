//! JSON output of `list`: `whotalks-list/1`.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::export::{DepartedDocument, departed, hex_of, hex_of_name};
use whotalks::model::Map;
use whotalks::query::{Link, count_self_conversations};

use super::args::ListArgs;
use crate::cli::value_name;
use crate::commands::names::process_ids;
use crate::output;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    by: String,
    links: Vec<LinkRow<'a>>,
    /// Conversations of processes with themselves, which are no links.
    within: usize,
    hidden: Hidden,
    departed: Vec<DepartedDocument>,
}

/// Numbers of conversations that are left out.
#[derive(Serialize)]
struct Hidden {
    log: usize,
    /// As `within`.
    #[serde(rename = "self")]
    within: usize,
}

/// A link.
#[derive(Serialize)]
pub(crate) struct LinkRow<'a> {
    client: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_hex: Option<String>,
    server: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_hex: Option<String>,
    via: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    via_hex: Option<String>,
    kind: &'static str,
    /// `none`: neither end is known to be the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<&'static str>,
    connections: usize,
    pending: usize,
    #[serde(skip_serializing_if = "is_zero")]
    connecting: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<u32>,
    clients: Vec<String>,
    servers: Vec<String>,
}

pub(super) fn write(out: &mut dyn Write, map: &Map, links: &[Link], args: &ListArgs) -> Result<()> {
    let within = count_self_conversations(map);
    let document = Document {
        schema: "whotalks-list/1",
        by: value_name(args.by),
        links: links.iter().map(|link| link_row(map, link)).collect(),
        within,
        hidden: Hidden {
            log: map.hidden_logs.conversations,
            within,
        },
        departed: departed(map),
    };
    output::json(out, &document)
}

/// The row of a link.
pub(crate) fn link_row<'a>(map: &Map, link: &'a Link) -> LinkRow<'a> {
    LinkRow {
        client: &link.client,
        client_hex: hex_of(&link.client),
        server: &link.server,
        server_hex: hex_of(&link.server),
        via: (!link.via.text.is_empty()).then_some(&link.via.text),
        via_hex: hex_of_name(&link.via),
        kind: link.kind.as_str(),
        direction: (!link.is_directed).then_some("none"),
        connections: link.connections,
        pending: link.pending,
        connecting: link.connecting,
        seen: link.seen,
        clients: process_ids(map, &link.clients),
        servers: process_ids(map, &link.servers),
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}
