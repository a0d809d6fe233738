//! The contract of the command line: documents, exit codes, streams and files, as documented.
//! Text output may change; only what must never be in it is tested.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod collector;
mod determinism;
mod documents;
mod drawing;
mod graph;
mod rendering;
mod scene;
mod streams;
