//! The map as a graph: groups of processes as nodes, conversations as edges.

mod conversation;
mod group;
mod program;

pub use conversation::{Conversation, ConversationEnds, conversations};
pub use group::{By, Groups, group_label, unit_base};
pub use program::{display_name, program};
