//! The live scenarios: real processes build a known set of sockets, and the map must equal it.
//!
//! One binary, since linking is what takes long; one module for each kind of question.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod again;
mod boundaries;
mod churn;
mod datagrams;
mod descriptors;
mod harmless;
mod honest;
mod inet;
mod listeners;
mod names;
mod netlink;
mod oracles;
mod pairs;
mod pipes;
mod queues;
mod rebound;
mod spaces;
mod stuck;
mod threads;
mod waits;
