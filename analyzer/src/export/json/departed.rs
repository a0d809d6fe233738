//! Connections without a socket.

use serde::Serialize;

use super::object::object;
use crate::id;
use crate::model::Departed;

/// Describes connections between two addresses of which only rows without a socket are left.
pub fn departed(departed: &Departed) -> impl Serialize {
    object()
        .field("host", id::host(departed.host))
        .field("netns", departed.netns)
        .field("server", departed.server.to_string())
        .field("client", departed.client.to_string())
        .field("state", departed.state.as_str())
        .field("count", departed.count)
}
