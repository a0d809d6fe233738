//! Text for output: escaping for each output language, XML elements, and numbers in sentences.
//!
//! Knows nothing of the map.

pub mod escape;
pub mod format;
pub mod xml;
