//! Documents for programs: what is serialized, and how values are written.
//!
//! The field names here are a contract. Text in a document is for display; wherever escaping
//! changed it, a sibling `…_hex` has the exact bytes.

pub mod csv;
pub mod dot;
mod graph;
pub mod graphml;
mod network;
mod relation;
mod text;
mod time;

pub use graph::{Connection, Graph, Process, Socket, connection, graph, process, socket};
pub use network::{Kind, Network, network};
pub use text::{Shown, hex_of, hex_of_name, shown};
pub use time::rfc3339;
