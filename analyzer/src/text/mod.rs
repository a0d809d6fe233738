//! Text in output languages.

pub mod xml;
