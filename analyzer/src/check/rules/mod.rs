//! The rules, a file each, and their one table.

mod wt101_shared_connected_socket;
mod wt102_leaked_listener;
mod wt103_pipe_never_ends;
mod wt104_descriptor_growth;
mod wt201_backlog_full;
mod wt202_acceptor_stuck;
mod wt203_dead_client_in_queue;
mod wt204_stalled_reader;
mod wt205_write_deadlock;
mod wt206_descriptors_in_flight;
mod wt207_ownerless_socket;
mod wt208_close_wait_pileup;
mod wt209_half_open;

use super::Rule;

/// All rules, sorted by code. Codes are for ever; a retired one is not used again.
pub static RULES: &[&Rule] = &[
    &wt101_shared_connected_socket::RULE,
    &wt102_leaked_listener::RULE,
    &wt103_pipe_never_ends::RULE,
    &wt104_descriptor_growth::RULE,
    &wt201_backlog_full::RULE,
    &wt202_acceptor_stuck::RULE,
    &wt203_dead_client_in_queue::RULE,
    &wt204_stalled_reader::RULE,
    &wt205_write_deadlock::RULE,
    &wt206_descriptors_in_flight::RULE,
    &wt207_ownerless_socket::RULE,
    &wt208_close_wait_pileup::RULE,
    &wt209_half_open::RULE,
];
