//! The rules, one file each, and the table of them.

/// Declares the rule of a file: its code, name, highest severity, first version, and what an earlier
/// capture adds. The file defines `DOC`, its documentation, `check`, and `CASES`, for tests.
macro_rules! rule {
    ($code:ident $name:literal, $severity:ident, since $since:literal, earlier $earlier:ident) => {
        pub(super) static RULE: crate::check::Rule = crate::check::Rule {
            code: stringify!($code),
            name: $name,
            severity: Severity::$severity,
            since: $since,
            earlier: crate::check::Earlier::$earlier,
            doc: DOC,
            check,
            #[cfg(test)]
            cases: CASES,
        };
    };
}

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
mod wt210_stopped_with_clients;
mod wt211_stalled_pipe;
mod wt212_black_holed_connection;
mod wt213_reuseport_member_dead;
mod wt214_ports_nearly_used_up;
mod wt215_zombies;
mod wt216_user_limit_near;
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
mod wt312_exposed_local_service;
mod wt313_relayed_shell;
mod wt314_deleted_executable_listens;
mod wt401_forged_table_row;
mod wt402_unprintable_name;
mod wt403_tables_disagree;
mod wt501_outside_policy;
mod wt502_missing_conversation;

use super::facts::well_known_sockets::{CONTROL, PUBLIC};
use super::rule::Rule;
use crate::model::MANAGERS;

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
    &wt210_stopped_with_clients::RULE,
    &wt211_stalled_pipe::RULE,
    &wt212_black_holed_connection::RULE,
    &wt213_reuseport_member_dead::RULE,
    &wt214_ports_nearly_used_up::RULE,
    &wt215_zombies::RULE,
    &wt216_user_limit_near::RULE,
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
    &wt312_exposed_local_service::RULE,
    &wt313_relayed_shell::RULE,
    &wt314_deleted_executable_listens::RULE,
    &wt401_forged_table_row::RULE,
    &wt402_unprintable_name::RULE,
    &wt403_tables_disagree::RULE,
    &wt501_outside_policy::RULE,
    &wt502_missing_conversation::RULE,
];

impl Rule {
    /// Finds a rule by code or name, ignoring case.
    pub fn find(code_or_name: &str) -> Option<&'static Self> {
        let matches = |text: &str| text.eq_ignore_ascii_case(code_or_name);
        RULES
            .iter()
            .copied()
            .find(|rule| matches(rule.code) || matches(rule.name))
    }
}

/// The words by which rules recognize programs and sockets: names, prefixes, parts of paths.
///
/// A redacted capture must keep them to have the same findings.
pub fn vocabulary() -> impl Iterator<Item = &'static str> {
    let lists = [
        MANAGERS,
        PUBLIC,
        CONTROL,
        wt302_control_socket_in_container::CONTROL,
        wt306_foreign_namespace_socket::MULTI_NAMESPACE,
        wt310_shell_on_a_socket::SHELLS,
        wt310_shell_on_a_socket::MULTI_CALL,
        wt310_shell_on_a_socket::INTERPRETERS,
        wt310_shell_on_a_socket::STARTERS,
        wt311_packet_sniffer::PROTOCOLS,
        wt311_packet_sniffer::CAPTURE_TOOLS,
        wt312_exposed_local_service::SERVICES,
        wt313_relayed_shell::TERMINALS,
    ];
    lists.into_iter().flat_map(str::split_ascii_whitespace)
}

/// The words of the vocabulary that rules search for anywhere in a name.
pub fn vocabulary_within() -> impl Iterator<Item = &'static str> {
    CONTROL.split_ascii_whitespace()
}
