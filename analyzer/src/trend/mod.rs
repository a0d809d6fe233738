//! Trends over a series of captures: processes, descriptors and conversations of each group.
//!
//! Each file imports only files above it in this list: `growth`, `row`, `gaps`, `significance`,
//! `collect`, `noise_filter`, `series_filter`.

mod collect;
mod gaps;
mod growth;
mod noise_filter;
mod row;
mod series_filter;
mod significance;

pub use collect::Trend;
pub use growth::{Growth, Sample, growth, rate_per_hour};
pub use noise_filter::NoiseFilter;
pub use row::{Metric, Row};
pub use series_filter::SeriesFilter;
