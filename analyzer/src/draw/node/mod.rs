//! The contents and sizes of nodes: text cut to fit, badges, attached listeners. No positions.

mod content;
pub(crate) mod shape;
mod size;
mod text_block;
pub(crate) mod text_width;
pub(crate) mod truncate;

pub(crate) use size::shapes;
