//! `diff` and `trend`: a change on the real machine is reported, and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod changes;
mod coverage;
mod identity;
mod noise;
mod program;
mod rewrite;
mod scene;
mod selectors;
mod temporary_names;
mod trend;
mod usage;
mod what_was_captured;
