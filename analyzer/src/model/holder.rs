//! Holders: descriptors that refer to a socket or pipe.

use super::ids::ProcessId;

/// One descriptor that refers to a socket or pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The process.
    pub process: ProcessId,
    /// The thread, where the descriptor table is private to it.
    pub tid: Option<u32>,
    /// The descriptor.
    pub fd: u32,
    /// Whether it is close-on-exec; `None`: not captured.
    pub cloexec: Option<bool>,
}

/// Identifies a descriptor: process, thread where the table is private to it, number.
pub(crate) type DescriptorKey = (ProcessId, Option<u32>, u32);

impl Holder {
    /// What identifies the descriptor.
    pub(crate) fn key(&self) -> DescriptorKey {
        (self.process, self.tid, self.fd)
    }
}
