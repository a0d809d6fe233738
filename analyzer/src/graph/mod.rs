//! The map as a graph: groups of processes as nodes, conversations as edges.

mod class;
mod conversation;
mod group;

pub use crate::model::program;
pub use class::{ConversationClass, class, has_log_name, is_logger};
pub use conversation::{
    Conversation, ConversationEnds, channel_ends, connection_ends, conversations,
    conversations_and_channels, pipe_ends,
};
pub use group::{By, Groups, group_label, unit_base};
