//! The rules, a file each, and their one table.

mod wt101_shared_connected_socket;
mod wt102_leaked_listener;

use super::Rule;

/// All rules, sorted by code. Codes are for ever; a retired one is not used again.
pub static RULES: &[&Rule] = &[
    &wt101_shared_connected_socket::RULE,
    &wt102_leaked_listener::RULE,
];
