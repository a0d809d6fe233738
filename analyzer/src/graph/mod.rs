//! The map as graphs: what counts as one, and who talks to whom.

mod conversation;
mod group;
mod program;

pub use conversation::{Conversation, ConversationEnds, conversations, ends};
pub use group::{By, Groups, label, unit_base};
pub use program::{display_name, program};
