//! The contract of the command line: documents, exit codes, streams and files, exactly as
//! documented. Text output may change; what is tested of it is only what must never be in it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod collector;
mod documents;
mod drawing;
mod graph;
mod rendering;
mod scene;
mod steady;
mod streams;
