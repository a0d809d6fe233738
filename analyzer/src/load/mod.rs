//! Turns the bytes of a snapshot into typed rows: a [`Capture`] for each capture of the file.
//!
//! Parsers take bytes, bound what they read, and report what they cannot read as damage. They join no
//! rows and judge nothing; that is the work of `model`.
//!
//! Reading order: `capture` (the result), `read` and `prefetch` (blocks to captures), then one parser
//! for each kernel table.

mod block_records;
mod capture;
mod prefetch;
mod raw_parts;
mod read;
mod series_summary;

pub mod index;

pub mod conntrack;
pub mod inet_diag;
pub mod netlink_diag;
pub mod packet_diag;
pub mod receive_buffer;
pub mod route_addr;
pub mod route_link;
mod sock_diag;
pub mod tcp_info;
pub mod unix_diag;
pub mod vsock_diag;

pub mod mountinfo;
pub mod proc_locks;
pub mod proc_net_inet;
pub mod proc_net_unix;
pub mod proc_pid;
pub mod shared_files;
pub mod syscall;
pub mod sysvipc;
pub mod thread_memory;

pub use capture::{Capture, Loaded, RawSource};
pub use read::{load, load_each, load_some, load_summary};
