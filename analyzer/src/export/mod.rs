//! Documents for other programs: JSON, CSV, DOT, GraphML.
//!
//! Field names and columns are a contract. Text in a document is for display; wherever escaping
//! changed it, a sibling `…_hex` has the exact bytes.

pub mod conversations_csv;
pub mod csv;
pub mod dot;
mod exact_text;
pub mod graphml;
mod json;
mod network;
mod time;

pub use exact_text::{ExactText, hex_of, hex_of_name};
pub use json::{
    Fields, Object, channel, connection, departed, graph, object, pipe, process, socket,
};
pub use network::{Network, NetworkEdge, NetworkNode, NodeKind, network};
pub use time::rfc3339;
