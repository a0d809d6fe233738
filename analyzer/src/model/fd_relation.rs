//! Relations other than connections: epoll, eventfd and pidfd, and what a descriptor refers to.

use super::holder::Holder;
use super::ids::{PipeId, ProcessId, SocketId};

/// What a descriptor refers to.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FdTarget {
    /// A socket.
    Socket(SocketId),
    /// A pipe or FIFO.
    Pipe(PipeId),
    /// Another file; the text of its link in `/proc/PID/fd`.
    Other(Box<[u8]>),
    /// Not known: no captured descriptor table has it, or the call has no descriptor.
    #[default]
    Unknown,
}

/// A relation between processes or files other than a connection.
#[derive(Debug, Clone)]
pub enum FdRelation {
    /// An epoll descriptor and the files it watches.
    Epoll {
        /// The descriptor.
        holder: Holder,
        /// The files it watches, in the kernel's order.
        targets: Vec<EpollTarget>,
    },
    /// An eventfd with several descriptors.
    Eventfd {
        /// `eventfd-id`.
        id: u64,
        /// Its descriptors, as far as fdinfo was captured.
        holders: Vec<Holder>,
    },
    /// A pidfd.
    Pidfd {
        /// The descriptor.
        holder: Holder,
        /// The pid in the pid namespace of the collector; `None`: the process has ended or is outside
        /// that namespace.
        pid: Option<u32>,
        /// The process, where the map has it.
        target: Option<ProcessId>,
    },
}

impl FdRelation {
    /// The relation with other ids, after rows of the map were removed; `None`: no descriptor is left.
    pub(crate) fn remap(
        self,
        process: &impl Fn(ProcessId) -> Option<ProcessId>,
        target: &impl Fn(FdTarget) -> FdTarget,
    ) -> Option<Self> {
        let remap = |holder: Holder| {
            Some(Holder {
                process: process(holder.process)?,
                ..holder
            })
        };
        Some(match self {
            Self::Epoll { holder, targets } => {
                let watched = |watched: EpollTarget| EpollTarget {
                    target: target(watched.target),
                    ..watched
                };
                Self::Epoll {
                    holder: remap(holder)?,
                    targets: targets.into_iter().map(watched).collect(),
                }
            }
            Self::Eventfd { id, holders } => {
                let holders: Vec<Holder> = holders.into_iter().filter_map(remap).collect();
                (!holders.is_empty()).then_some(Self::Eventfd { id, holders })?
            }
            Self::Pidfd {
                holder,
                pid,
                target,
            } => Self::Pidfd {
                holder: remap(holder)?,
                pid,
                target: target.and_then(process),
            },
        })
    }
}

/// A file that an epoll descriptor watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpollTarget {
    /// The descriptor number it was added under.
    pub fd: u32,
    /// The events (`EPOLLIN`, …) for which it is watched.
    pub events: u32,
    /// Its inode; `None`: the kernel is older than Linux 4.13.
    pub inode: Option<u64>,
    /// What the number refers to; unknown where it now refers to another file.
    pub target: FdTarget,
}
