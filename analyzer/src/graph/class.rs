//! Classes of conversations: which are plumbing rather than talk.

use super::conversation::{Conversation, ConversationEnds};
use crate::model::{Map, Name, Process, Socket, program};

/// What a conversation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConversationClass {
    /// Anything else.
    Talk,
    /// The server, or the reader, is a logger.
    Log,
    /// Both ends are held by one process and no other: a self-pipe, a thread's wake-up socket.
    OneProcess,
}

impl ConversationClass {
    /// The class of a word.
    pub fn parse(word: &str) -> Option<Self> {
        let mut all = [Self::Talk, Self::Log, Self::OneProcess].into_iter();
        all.find(|class| class.as_str() == word)
    }

    /// The word for it in JSON output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Talk => "talk",
            Self::Log => "log",
            Self::OneProcess => "self",
        }
    }
}

/// Programs whose clients and writers send them what they log.
const LOGGERS: &str = "
    auditd cronolog fluent-bit fluentd klogd logger metalog minilogd multilog promtail rotatelogs
    rsyslogd s6-log socklog svlogd sysklogd syslog-ng syslogd systemd-cat systemd-journal-remote
    systemd-journald vlogger
";

/// Whether a program is a logger, by its name.
pub fn is_logger(process: &Process) -> bool {
    let program = program(process);
    LOGGERS.split_ascii_whitespace().any(|name| name == program)
}

/// Whether a logger listens on this name: journald's sockets, also those of a journal namespace
/// (`/run/systemd/journal.NAMESPACE/…`), and syslog's.
fn is_log_name(name: &Name) -> bool {
    let path = name.bytes();
    if path.first() != Some(&b'/') {
        return false;
    }
    let path = path.strip_prefix(b"/var").unwrap_or(path);
    let journal = path.strip_prefix(b"/run/systemd/journal");
    // `/run/systemd/journal/io.systemd.journal` controls the journal.
    let is_journal = journal.is_some_and(|rest| {
        matches!(rest.first(), Some(b'/' | b'.'))
            && !rest.windows(11).any(|part| part == b"/io.systemd")
    });
    is_journal || matches!(path, b"/dev/log" | b"/run/log" | b"/run/rsyslogd.sock")
}

/// Whether a socket has a logger's name.
pub fn has_log_name(socket: &Socket) -> bool {
    socket.name.as_ref().is_some_and(is_log_name)
}

/// The class of a conversation.
pub fn class(map: &Map, ends: &ConversationEnds) -> ConversationClass {
    if ends.within_one_process().is_some() {
        ConversationClass::OneProcess
    } else if is_log(map, ends) {
        ConversationClass::Log
    } else {
        ConversationClass::Talk
    }
}

fn is_log(map: &Map, ends: &ConversationEnds) -> bool {
    let is_to_logger =
        || !ends.to.is_empty() && ends.to.iter().all(|id| is_logger(map.process(*id)));
    match ends.conversation {
        Conversation::Pipe(_) => is_to_logger(),
        Conversation::Channel(_) => false,
        Conversation::Connection(index) => {
            let connection = &map.connections[index];
            let server = [connection.listener, connection.b];
            let names = server
                .into_iter()
                .flatten()
                .filter_map(|id| map.socket(id).name.as_ref());
            let client_name = map.socket(connection.a).name.as_ref();
            let client_name = client_name.filter(|_| ends.client_is_outside);
            names.chain(client_name).any(is_log_name) || ends.is_directed(map) && is_to_logger()
        }
    }
}
