//! The map: hosts, processes, sockets, pipes, and the connections between them, each with its
//! evidence.
//!
//! [`build`] joins the typed rows of `load` into a [`Map`]. Kernel strings stay bytes; nothing here
//! formats output, and no type is serialized.
//!
//! Reading order, which is the order of dependencies; no file uses a later one:
//! - Rows: `ids`, `name`, `evidence`, `warning`, `seen`, `coverage` (completeness), `local_addresses`, `host`, `process`, `program`,
//!   `holder`, `socket`, `connection`, `departed`, `pipe`, `channel`, `fd_relation`, `call_memory`, `wait`, `tcp_times`,
//!   `left_out`, then `map`, which holds them all.
//! - Readers, from records to rows: `cgroup`, `container_names`, `user_names`, `processes`, `namespace_files`, `descriptors`, and for sockets
//!   `socket_draft`, `cross_check`, `unix_sockets`, `inet_sockets`, `netlink`, `packet`, `vsock`,
//!   `unlisted_sockets`.
//! - Joins between rows: `bound_path`, `in_flight`, `unix_listeners`, `unix_connections`, `inet_address`,
//!   `inet_ends`, `inet_listeners`, `inet_receivers`, `nat`, `published_ports`, `translations`,
//!   `inet_connections`, `decode_memory`, `thread_waits`, `fdinfo`, `fd_targets`,
//!   `channel_draft`, `ptys`, `shared_objects`, `file_locks`, `channels`, `keepers`.
//! - Whole maps: `at`, `series`, `join` (captures to a map), `series_union`, `build` (files to a map).

// Rows.
mod call_memory;
mod channel;
mod connection;
mod coverage;
mod departed;
mod evidence;
mod fd_relation;
mod holder;
mod host;
mod ids;
mod left_out;
mod local_addresses;
mod map;
mod name;
mod pipe;
mod process;
mod program;
mod seen;
mod socket;
mod tcp_times;
#[cfg(test)]
mod test_map;
mod wait;
mod warning;

// Readers.
mod cgroup;
mod container_names;
mod cross_check;
mod descriptors;
mod inet_sockets;
mod namespace_files;
mod netlink;
mod packet;
mod processes;
mod socket_draft;
mod unix_sockets;
mod unlisted_sockets;
mod user_names;
mod vsock;

// Joins.
mod bound_path;
mod channel_draft;
mod channels;
mod decode_memory;
mod fd_targets;
pub(crate) mod fdinfo;
mod file_locks;
mod in_flight;
mod inet_address;
mod inet_connections;
mod inet_ends;
mod inet_listeners;
mod inet_receivers;
mod keepers;
mod nat;
mod ptys;
mod published_ports;
mod shared_objects;
mod thread_waits;
mod translations;
mod unix_connections;
mod unix_listeners;

// Whole maps.
mod at;
mod build;
mod join;
mod series;
mod series_union;

pub use at::At;
pub(crate) use bound_path::{device, kernel_device};
pub use build::{build, build_at, build_whole};
pub use call_memory::{
    CallMemory, Destination, Futex, Known, Lock, LockKind, NotKnown, PollSet, Polled,
};
pub use channel::{Channel, ChannelEnd, ChannelKind, ChannelRole};
pub use connection::{
    BoundTo, Connection, ConnectionKind, ConnectionState, Translation, Translator,
};
pub use coverage::{FdsStatus, HostCoverage, NetnsCoverage, Readable};
pub use departed::Departed;
pub use evidence::{Evidence, ListenerEvidence};
pub use fd_relation::{EpollTarget, FdRelation, FdTarget};
pub(crate) use fd_targets::PrivateTables;
pub(crate) use holder::DescriptorKey;
pub use holder::{Holder, KeepReason};
pub use host::Host;
pub use ids::{ChannelId, HostId, PipeId, ProcessId, SocketId};
pub use join::{join, join_whole};
pub use left_out::LeftOut;
pub(crate) use map::using_processes;
pub use map::{HiddenLogs, Map};
pub use name::Name;
pub use pipe::{Pipe, PipeKey};
pub use process::{Container, Process};
pub use program::program;
pub(crate) use program::{MANAGERS, script_path};
pub use seen::{Captures, Seen};
pub use series::{Series, TimedCapture, series};
pub use socket::{
    Address, FIRST_EPHEMERAL_PORT, Family, InFlight, Socket, SocketKey, SocketState, SocketType,
};
pub use tcp_times::TcpTimes;
pub use wait::{Call, ThreadState, Wait};
pub use warning::Warning;
