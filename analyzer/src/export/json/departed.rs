//! Connections without a socket.

use serde::Serialize;

use crate::id;
use crate::model::{Departed, Map};

/// Connections between two addresses of which only rows without a socket are left.
#[derive(Debug, Serialize)]
pub struct DepartedDocument {
    host: String,
    netns: u64,
    server: String,
    client: String,
    state: &'static str,
    count: usize,
}

/// Describes all of a map.
pub fn departed(map: &Map) -> Vec<DepartedDocument> {
    let document = |departed: &Departed| DepartedDocument {
        host: id::host(departed.host),
        netns: departed.netns,
        server: departed.server.to_string(),
        client: departed.client.to_string(),
        state: departed.state.as_str(),
        count: departed.count,
    };
    map.departed.iter().map(document).collect()
}
