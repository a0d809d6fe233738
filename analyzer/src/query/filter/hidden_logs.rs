//! Hides conversations with loggers.

use super::filter_match::Filter;
use super::matching::matching_rows;
use crate::graph::{
    Conversation, ConversationClass, ConversationEnds, class, connection_ends, has_log_name,
    is_logger, pipe_ends, program,
};
use crate::model::{HiddenLogs, Map, PipeId, SocketId};
use crate::query::selector::SelectorSet;

/// Marks the conversations with loggers as hidden, except those whose server's end alone matches a
/// selector: one that matches clients, too, such as a container, does not name the logger. Counts those
/// with an end that matches, if there are selectors.
pub fn hide_logs(map: &mut Map, filter: &Filter) {
    let sets = [&filter.only, &filter.focus];
    let mut sets = sets.into_iter().chain(&filter.named).chain(&filter.hide);
    if !filter.hide_logs || sets.any(|set| set.has_class(ConversationClass::Log)) {
        return;
    }
    let selectors = [&filter.only, &filter.focus].into_iter();
    let positive = selectors.filter(|set| !set.is_empty());
    let masks: Vec<Matches> = positive.map(|set| Matches::new(map, set)).collect();
    let named = filter.named.iter().map(|set| Matches::new(map, set));
    let named: Vec<Matches> = named.collect();
    let mut hidden = Vec::new();
    let mut logs = HiddenLogs::default();
    for ends in candidates(map) {
        if class(map, &ends) != ConversationClass::Log {
            continue;
        }
        let all = || masks.iter().chain(&named);
        let names_logger =
            |matches: &Matches| matches.end(map, &ends, false) && !matches.end(map, &ends, true);
        if all().any(names_logger) {
            continue;
        }
        hidden.push(ends.conversation);
        if all().next().is_none() || all().any(|matches| matches.end(map, &ends, true)) {
            logs.conversations += 1;
            let loggers = ends.to.iter().map(|id| map.process(*id));
            logs.loggers
                .extend(loggers.filter(|process| is_logger(process)).map(program));
        }
    }
    for conversation in hidden {
        match conversation {
            Conversation::Connection(index) => map.connections[index].hidden = true,
            Conversation::Pipe(id) => map.pipes[id.index()].hidden = true,
            Conversation::Channel(_) => {}
        }
    }
    map.hidden_logs = logs;
}

/// The conversations whose server may be a logger: of very many, their ends need not be known.
fn candidates(map: &Map) -> impl Iterator<Item = ConversationEnds> + '_ {
    let loggers: Vec<bool> = map.processes.iter().map(is_logger).collect();
    let by_name: Vec<bool> = map.sockets.iter().map(has_log_name).collect();
    let is_held = |id: SocketId, loggers: &[bool]| {
        let mut holders = map.holders(id).iter();
        holders.any(|holder| loggers[holder.process.index()])
    };
    let some = loggers.contains(&true);
    let is_held_by_logger = loggers.clone();
    let connections = match some || by_name.contains(&true) {
        true => &map.connections[..],
        false => &[],
    };
    let connections = connections.iter().enumerate();
    let connections = connections.filter(move |(_, connection)| {
        let ends = [connection.listener, connection.b, Some(connection.a)];
        let group = connection.listener_group.iter().copied();
        let mut all = ends.into_iter().flatten().chain(group);
        all.any(|id| by_name[id.index()] || some && is_held(id, &is_held_by_logger))
    });
    let pipes = map.pipes.iter().enumerate();
    let pipes = pipes.filter(move |(_, pipe)| {
        let mut readers = pipe.readers.iter();
        readers.any(|holder| loggers[holder.process.index()])
    });
    connections
        .map(|(index, _)| connection_ends(map, index))
        .chain(pipes.map(|(index, _)| pipe_ends(map, PipeId::new(index))))
}

/// What a set of selectors matches, by index of process and socket.
struct Matches {
    processes: Vec<bool>,
    sockets: Vec<bool>,
}

impl Matches {
    fn new(map: &Map, selectors: &SelectorSet) -> Self {
        let (processes, sockets) = matching_rows(map, selectors);
        Self { processes, sockets }
    }

    /// Whether the client's end (or the server's) of a conversation matches.
    fn end(&self, map: &Map, ends: &ConversationEnds, client: bool) -> bool {
        let processes = if client { &ends.from } else { &ends.to };
        let Conversation::Connection(index) = ends.conversation else {
            return processes.iter().any(|id| self.processes[id.index()]);
        };
        let connection = &map.connections[index];
        let server = || {
            let known = connection.b.iter().chain(&connection.listener);
            known.chain(&connection.listener_group)
        };
        let matches = |id: &SocketId| self.sockets[id.index()];
        match (client, ends.client_is_outside) {
            (true, true) => false,
            (true, false) => matches(&connection.a),
            (false, true) => matches(&connection.a) || server().any(matches),
            (false, false) => server().any(matches),
        }
    }
}
