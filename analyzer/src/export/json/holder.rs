//! Descriptors by which processes hold sockets and pipes.

use serde::Serialize;

use crate::id;
use crate::model::{Holder, KeepReason, Map};

/// A descriptor of a process, or of a thread with a descriptor table of its own.
#[derive(Debug, Serialize)]
pub(super) struct HolderDocument {
    process: String,
    tid: Option<u32>,
    /// `None`: through an io_uring.
    fd: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    through: Option<&'static str>,
    cloexec: Option<bool>,
    /// Present, and true, if it only keeps what another holder uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    keeps: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keeps_why: Option<&'static str>,
}

impl HolderDocument {
    pub(super) fn list(map: &Map, holders: &[Holder]) -> Vec<Self> {
        let holder = |holder: &Holder| Self {
            process: id::process(map, holder.process),
            tid: holder.tid,
            fd: (!holder.through_io_uring).then_some(holder.fd),
            through: holder.through_io_uring.then_some("io_uring"),
            cloexec: holder.cloexec,
            keeps: holder.keeps.map(|_| true),
            keeps_why: holder.keeps.map(KeepReason::as_str),
        };
        holders.iter().map(holder).collect()
    }
}
