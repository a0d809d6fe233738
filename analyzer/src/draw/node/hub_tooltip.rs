//! The tooltip of a hub's badge.

use crate::draw::graph::Kind;

/// The tooltip, from the hub's own, the number of connections and whether the client reads and writes.
pub(crate) fn hub_tooltip(
    hub: Kind,
    tooltip: &[String],
    n: u32,
    directions: (bool, bool),
) -> String {
    let name = tooltip.first().map_or("", String::as_str);
    let many = match n {
        1 => String::new(),
        n => format!(" ×{n}"),
    };
    match (hub, directions) {
        (Kind::Process, _) if n == 1 => format!("1 connection to {name}"),
        (Kind::Process, _) => format!("{n} connections to {name}"),
        (Kind::Pipe, (true, true)) => format!("reads and writes {name}{many}"),
        (Kind::Pipe, (true, false)) => format!("reads {name}{many}"),
        (Kind::Pipe, _) => format!("writes {name}{many}"),
        _ => format!("holds this{many}: {name}"),
    }
}
