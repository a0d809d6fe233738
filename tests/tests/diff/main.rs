//! `diff`: something changes on the real machine, and exactly that is told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod changes;
mod coverage;
mod noise;
mod rewrite;
mod scene;
mod selectors;
mod trend;
mod usage;
