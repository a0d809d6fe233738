//! Live scenarios: real processes create a known set of sockets, and the map must equal it.
//!
//! One binary, because linking takes most of the build time; one module per subject.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod across_namespaces;
mod booted_guest;
mod channels;
mod churn;
mod containers;
mod datagrams;
mod descriptors;
mod in_flight;
mod inet;
mod keepers;
mod listeners;
mod loggers;
mod missing_data;
mod names;
mod netlink;
mod network_namespaces;
mod oracles;
mod other_users;
mod outage;
mod pairs;
mod pipes;
mod queues;
mod reused_names;
mod selectors;
mod syscalls;
mod tcp_states;
mod thread_memory;
mod threads;
mod translations;
mod unresponsive;
mod wait_scenes;
mod waits;
