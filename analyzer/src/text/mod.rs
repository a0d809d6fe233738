//! Text for output: escaping, counts with nouns. Must not depend on the map.

pub mod escape;
pub mod format;
