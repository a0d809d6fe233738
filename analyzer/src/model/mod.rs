//! The map: hosts, processes, sockets, pipes, and the connections between them, each with its
//! evidence.
//!
//! [`build`] joins the typed rows of `load` into a [`Map`]. Kernel strings stay bytes; nothing here
//! formats output, and no type is serialized.
//!
//! Reading order, which is also the order of dependencies: the rows of the map; their readers, one
//! for each source; the joins between them; captures in time. A file uses only files listed above
//! it.

// Rows of the map.
mod connection;
mod coverage;
mod evidence;
mod fd_relation;
#[cfg(test)]
pub(crate) mod fixture;
mod holder;
mod host;
mod ids;
mod map;
mod name;
mod pipe;
mod process;
mod seen;
mod socket;
mod wait;
mod warning;

// Readers: processes, descriptor tables, and the sockets of each family.
mod cgroup;
mod cross_check;
mod descriptors;
mod inet_sockets;
mod netlink;
mod packet;
mod processes;
mod socket_draft;
mod unix_sockets;
mod vsock;

// Joins: paths, listeners, connections, threads.
mod bound_path;
mod fd_targets;
pub(crate) mod fdinfo;
mod inet_address;
mod inet_connections;
mod inet_listeners;
mod inet_receivers;
mod join;
mod thread_waits;
mod unix_connections;
mod unix_listeners;

// Captures in time.
mod at;
mod build;
mod series;
mod series_union;

pub use at::At;
pub use build::{build, build_at, build_whole};
pub use connection::{Connection, ConnectionKind, ConnectionState};
pub use coverage::{FdsStatus, HostCoverage, NetnsCoverage, Readable};
pub use evidence::{Evidence, ListenerEvidence};
pub use fd_relation::{EpollTarget, FdRelation, FdTarget};
pub(crate) use fd_targets::PrivateTables;
pub(crate) use holder::DescriptorKey;
pub use holder::Holder;
pub use host::Host;
pub use ids::{HostId, PipeId, ProcessId, SocketId};
pub use join::{join, join_whole};
pub use map::Map;
pub use name::Name;
pub use pipe::{Pipe, PipeKey};
pub use process::{Container, Process};
pub use seen::Seen;
pub use series::{Series, TimedCapture, series};
pub use socket::{Address, Family, Socket, SocketKey, SocketState, SocketType};
pub use wait::{Call, ThreadState, Wait};
pub use warning::Warning;
