//! The rules, one file each, and the table of them.

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
mod wt301_world_writable_privileged_listener;
mod wt302_control_socket_in_container;
mod wt303_abstract_socket_crosses_boundary;
mod wt304_unreachable_listener;
mod wt305_stale_socket_file;
mod wt306_foreign_namespace_socket;
mod wt307_duplicate_listeners;
mod wt308_near_duplicate_abstract_names;
mod wt309_deleted_executable_talks;
mod wt310_shell_on_a_socket;
mod wt311_packet_sniffer;
mod wt401_forged_table_row;
mod wt402_unprintable_name;
mod wt403_tables_disagree;
mod wt501_outside_policy;
mod wt502_missing_conversation;

use super::Rule;
use super::facts::{CONTROL_SOCKETS, MANAGERS, PUBLIC_SOCKETS};

/// All rules, sorted by code. A code never changes, and that of a removed rule is not used again.
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
    &wt301_world_writable_privileged_listener::RULE,
    &wt302_control_socket_in_container::RULE,
    &wt303_abstract_socket_crosses_boundary::RULE,
    &wt304_unreachable_listener::RULE,
    &wt305_stale_socket_file::RULE,
    &wt306_foreign_namespace_socket::RULE,
    &wt307_duplicate_listeners::RULE,
    &wt308_near_duplicate_abstract_names::RULE,
    &wt309_deleted_executable_talks::RULE,
    &wt310_shell_on_a_socket::RULE,
    &wt311_packet_sniffer::RULE,
    &wt401_forged_table_row::RULE,
    &wt402_unprintable_name::RULE,
    &wt403_tables_disagree::RULE,
    &wt501_outside_policy::RULE,
    &wt502_missing_conversation::RULE,
];

/// The words by which rules recognize programs and sockets: names, prefixes, parts of paths.
///
/// A redacted capture must keep them to have the same findings.
pub fn vocabulary() -> impl Iterator<Item = &'static str> {
    let managers = MANAGERS.iter().map(|name| str::from_utf8(name));
    managers.map_while(Result::ok).chain(
        [
            &PUBLIC_SOCKETS[..],
            &CONTROL_SOCKETS,
            &wt302_control_socket_in_container::CONTROL,
            &wt306_foreign_namespace_socket::MULTI_NAMESPACE,
            &wt310_shell_on_a_socket::SHELLS,
            &wt310_shell_on_a_socket::INTERPRETERS,
            &wt310_shell_on_a_socket::STARTERS,
            &wt311_packet_sniffer::PROTOCOLS,
            &wt311_packet_sniffer::CAPTURE_TOOLS,
        ]
        .into_iter()
        .flatten()
        .copied(),
    )
}

/// The words of the vocabulary that rules search for anywhere in a name.
pub fn vocabulary_within() -> impl Iterator<Item = &'static str> {
    CONTROL_SOCKETS.iter().copied()
}
