//! Pseudo-terminals, queues, shared memory and locks.

use serde::Serialize;

use super::object::object;
use crate::id;
use crate::model::{Channel, ChannelEnd, Map};

/// Describes a channel.
pub fn channel<'a>(map: &'a Map, channel: &'a Channel) -> impl Serialize + 'a {
    let end = move |end: &ChannelEnd| {
        object()
            .field("process", id::process(map, end.process))
            .field("tid", end.tid)
            .field("fd", end.fd)
            .field("role", end.role.as_str())
            .known("keeps", end.keeps.then_some(true))
    };
    object()
        .field("id", id::channel(channel))
        .field("host", id::host(channel.host))
        .field("kind", channel.kind.as_str())
        .bytes("name", &channel.name)
        .list("ends", channel.ends.iter().map(end))
}
