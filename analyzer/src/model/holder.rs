//! Holders: descriptors that refer to a socket or pipe.

use super::ids::ProcessId;

/// One descriptor that refers to a socket or pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The process.
    pub process: ProcessId,
    /// The thread, where the descriptor table is private to it.
    pub tid: Option<u32>,
    /// The descriptor; with `through_io_uring` that of the ring.
    pub fd: u32,
    /// Whether the file has no descriptor here, but is registered with an io_uring.
    pub through_io_uring: bool,
    /// Whether it is close-on-exec; `None`: not captured.
    pub cloexec: Option<bool>,
    /// Why the process is believed to keep the descriptor without using it; `None`: it may use it.
    pub keeps: Option<KeepReason>,
}

/// Evidence that a process keeps a socket or pipe which another process uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeepReason {
    /// Its program manages services.
    Manager,
    /// Its epolls watch the file for neither data nor space.
    PollMask,
    /// All of its threads wait for children; or for other files, while another process waits for
    /// this one.
    BlockedElsewhere,
    /// Other processes hold the connections that the listener accepted.
    AcceptedElsewhere,
}

impl KeepReason {
    /// The word for it in JSON output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::PollMask => "poll-mask",
            Self::BlockedElsewhere => "blocked-elsewhere",
            Self::AcceptedElsewhere => "accepted-elsewhere",
        }
    }
}

/// Identifies a descriptor: process, thread where the table is private to it, number.
pub(crate) type DescriptorKey = (ProcessId, Option<u32>, u32);

impl Holder {
    /// What identifies the descriptor.
    pub(crate) fn key(&self) -> DescriptorKey {
        (self.process, self.tid, self.fd)
    }
}
