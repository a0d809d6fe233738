//! The words that documents use: those of the map, and those of the answers to questions of it.

pub use crate::names::*;
use crate::query::{LinkKind, ViaKind};

/// What kind of conversation a link counts.
pub fn link_kind(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Unix => "unix",
        LinkKind::Inet => "inet",
        LinkKind::Netlink => "netlink",
        LinkKind::Vsock => "vsock",
        LinkKind::Pipe => "pipe",
    }
}

/// What kind of name something goes by; empty where it has none.
pub fn via_kind(kind: ViaKind) -> &'static str {
    match kind {
        ViaKind::Unnamed => "",
        ViaKind::Path => "path",
        ViaKind::Abstract => "abstract",
        ViaKind::Address => "address",
    }
}
