//! Text for output: escaping for each output language, and numbers in sentences. Knows nothing of the map.

pub mod escape;
pub mod format;
