//! Selectors: which processes and sockets a person means.
//!
//! Of one kind they combine with *or*, of different kinds with *and*. Kinds that speak of a process
//! are tested on it, kinds that speak of a socket on the socket; an end of a conversation matches
//! when both do.

use std::str::FromStr;

use super::pattern::{Glob, Network};
use crate::graph::program;
use crate::model::{Address, Map, Process, ProcessId, Socket, SocketId, SocketState};
use crate::text::escape;

/// One selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// `pid:812`
    Pid(u32),
    /// `comm:dbus*`
    Comm(Glob),
    /// `exe:/usr/bin/*`
    Exe(Glob),
    /// `cmd:*worker*`: arguments joined by spaces
    Cmd(Glob),
    /// `unit:nginx.service`
    Unit(Glob),
    /// `container:ID-or-name`: an id may be shortened
    Container(Glob),
    /// `user:www-data`, or a number
    User(Glob),
    /// `host:web1`
    Host(Glob),
    /// `socket:/run/docker.sock`, `socket:@name`
    Socket(Glob),
    /// `addr:10.0.0.0/8`
    Addr(Network),
    /// `port:1521`
    Port(u32),
    /// `proto:tcp`
    Proto(String),
    /// `state:listening`
    State(String),
    /// `inode:1452`
    Inode(u64),
    /// `netns:4026531833`
    Netns(u64),
    /// A bare word: part of a name, in any case. A colon may be in it, but not after letters alone,
    /// which would be a kind.
    Word(String),
}

/// Why a text is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// The value is not of the kind.
    #[error("{kind}:{value}: expected {expected}")]
    Value {
        /// Before the colon.
        kind: String,
        /// After it.
        value: String,
        /// What it should have been.
        expected: &'static str,
    },
    /// A word before a colon that is no kind: a slip, which must not look as if nothing matched.
    #[error(
        "{kind}:{value}: there is no kind of selector {kind} (kinds: {}; socket:*{kind}:{value}* is a listener of that name)",
        KINDS.join(", ")
    )]
    Kind {
        /// Before the colon.
        kind: String,
        /// After it.
        value: String,
    },
}

/// The kinds, as written before the colon.
pub const KINDS: [&str; 15] = [
    "pid",
    "comm",
    "exe",
    "cmd",
    "unit",
    "container",
    "user",
    "socket",
    "addr",
    "port",
    "proto",
    "state",
    "inode",
    "netns",
    "host",
];

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let is_word =
            |kind: &str| !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
        let Some((kind, value)) = text.split_once(':').filter(|(kind, _)| is_word(kind)) else {
            return Ok(Self::Word(text.to_lowercase()));
        };
        if !KINDS.contains(&kind) {
            return Err(SelectorError::Kind {
                kind: kind.to_owned(),
                value: escape::display(value.as_bytes()),
            });
        }
        let error = |expected| SelectorError::Value {
            kind: kind.to_owned(),
            value: escape::display(value.as_bytes()),
            expected,
        };
        let glob = || Glob::new(value);
        Ok(match kind {
            "pid" => Self::Pid(value.parse().map_err(|_| error("a process id"))?),
            "comm" => Self::Comm(glob()),
            "exe" => Self::Exe(glob()),
            "cmd" => Self::Cmd(glob()),
            "unit" => Self::Unit(glob()),
            "container" => Self::Container(glob()),
            "user" => Self::User(glob()),
            "host" => Self::Host(glob()),
            "socket" => Self::Socket(glob()),
            "addr" => Self::Addr(
                Network::parse(value)
                    .ok_or_else(|| error("an address or a network, as 10.0.0.0/8"))?,
            ),
            "port" => Self::Port(value.parse().map_err(|_| error("a port number"))?),
            "proto" => Self::Proto(value.to_lowercase()),
            "state" => Self::State(value.to_lowercase()),
            "inode" => Self::Inode(value.parse().map_err(|_| error("an inode number"))?),
            _ => Self::Netns(
                value
                    .parse()
                    .map_err(|_| error("a namespace's inode number"))?,
            ),
        })
    }
}

/// Selectors given together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SelectorSet(Vec<Selector>);

impl SelectorSet {
    /// Of selectors.
    pub fn new(selectors: Vec<Selector>) -> Self {
        Self(selectors)
    }

    /// Whether nothing is selected, which means everything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a process is meant: its own kinds fit, and where there are socket kinds it holds a
    /// socket that they fit.
    pub fn process(&self, map: &Map, id: ProcessId, held: &[SocketId]) -> bool {
        self.of_process(map, id, held)
            && (!self.has_socket_kinds() || held.iter().any(|socket| self.socket(map, *socket)))
    }

    /// Whether an end of a conversation is meant: this socket in the hands of this process.
    pub fn end(&self, map: &Map, id: ProcessId, held: &[SocketId], socket: SocketId) -> bool {
        self.of_process(map, id, held) && self.socket(map, socket)
    }

    /// Whether a socket that nobody is known to hold is meant.
    pub fn unheld(&self, map: &Map, socket: SocketId) -> bool {
        let only_sockets = self.0.iter().all(|selector| selector.is_of_socket());
        only_sockets && self.socket(map, socket)
    }

    /// Whether its socket kinds fit a socket, whoever holds it.
    pub fn socket(&self, map: &Map, id: SocketId) -> bool {
        self.every_kind(Selector::is_of_socket, |s| s.fits_socket(map.socket(id)))
    }

    /// Whether any selector speaks of sockets.
    pub fn has_socket_kinds(&self) -> bool {
        self.0.iter().any(Selector::is_of_socket)
    }

    fn of_process(&self, map: &Map, id: ProcessId, held: &[SocketId]) -> bool {
        let process = map.process(id);
        self.every_kind(
            |s| !s.is_of_socket(),
            |s| s.fits_process(map, process, held),
        )
    }

    /// Of each kind among those that concern, one fits.
    fn every_kind(
        &self,
        concerns: impl Fn(&Selector) -> bool,
        fits: impl Fn(&Selector) -> bool,
    ) -> bool {
        let kind = std::mem::discriminant::<Selector>;
        self.0
            .iter()
            .filter(|selector| concerns(selector))
            .all(|selector| {
                let same = |other: &&Selector| kind(other) == kind(selector);
                self.0.iter().filter(same).any(&fits)
            })
    }
}

impl Selector {
    fn is_of_socket(&self) -> bool {
        matches!(
            self,
            Self::Socket(_)
                | Self::Addr(_)
                | Self::Port(_)
                | Self::Proto(_)
                | Self::State(_)
                | Self::Inode(_)
        )
    }

    fn fits_process(&self, map: &Map, process: &Process, held: &[SocketId]) -> bool {
        let text = escape::display;
        match self {
            Self::Pid(pid) => process.pid == *pid,
            Self::Comm(glob) => glob.matches(&text(&process.comm)),
            Self::Exe(glob) => glob.matches(&text(&process.exe)),
            Self::Cmd(glob) => {
                let arguments: Vec<String> = process.arguments().map(text).collect();
                glob.matches(&arguments.join(" "))
            }
            Self::Unit(glob) => process.unit.as_ref().is_some_and(|unit| glob.matches(unit)),
            Self::Container(glob) => process.container.as_ref().is_some_and(|container| {
                container
                    .name
                    .as_ref()
                    .is_some_and(|name| glob.matches(name))
                    || glob.matches(&container.id)
                    || glob
                        .literal()
                        .is_some_and(|id| id.len() >= 4 && container.id.starts_with(id))
            }),
            Self::User(glob) => {
                process
                    .user
                    .as_ref()
                    .is_some_and(|user| glob.matches(&text(user)))
                    || process
                        .uid
                        .is_some_and(|uid| glob.matches(&uid.to_string()))
            }
            Self::Host(glob) => glob.matches(&text(&map.hosts[process.host.index()].hostname)),
            Self::Netns(inode) => process.netns == Some(*inode),
            Self::Word(word) => word_fits(map, process, held, word),
            _ => true,
        }
    }

    fn fits_socket(&self, socket: &Socket) -> bool {
        match self {
            Self::Socket(glob) => {
                let name = socket.name.as_ref().map(|name| escape::name(name.bytes()));
                name.is_some_and(|name| glob.matches(&name))
            }
            Self::Addr(network) => [socket.local, socket.remote]
                .into_iter()
                .flatten()
                .any(|address| matches!(address, Address::Ip(ip, _) if network.contains(ip))),
            Self::Port(port) => {
                [socket.local, socket.remote]
                    .into_iter()
                    .flatten()
                    .any(|address| match address {
                        Address::Ip(_, own) => u32::from(own) == *port,
                        Address::Vsock(_, own) => own == *port,
                    })
            }
            Self::Proto(name) => proto_fits(socket, name),
            Self::State(name) => socket.state.as_str() == name,
            Self::Inode(inode) => socket.inode == *inode,
            _ => true,
        }
    }
}

/// A bare word is part of comm, executable, script, unit, container or a listener's name.
fn word_fits(map: &Map, process: &Process, held: &[SocketId], word: &str) -> bool {
    let part_of = |text: &str| text.to_lowercase().contains(word);
    let executable = process
        .exe
        .rsplit(|byte| *byte == b'/')
        .next()
        .unwrap_or_default();
    part_of(&escape::display(&process.comm))
        || part_of(&escape::display(executable))
        || part_of(&program(process))
        || process.unit.as_deref().is_some_and(part_of)
        || process.container.as_ref().is_some_and(|container| {
            part_of(&container.id) || container.name.as_deref().is_some_and(part_of)
        })
        || held.iter().map(|id| map.socket(*id)).any(|socket| {
            socket.state == SocketState::Listening
                && socket
                    .name
                    .as_ref()
                    .is_some_and(|name| part_of(&escape::name(name.bytes())))
        })
}

/// `unix`, `tcp`, `udp`, …; `stream` and its like too, for those who think of types.
fn proto_fits(socket: &Socket, name: &str) -> bool {
    let (family, kind) = (socket.family.as_str(), socket.kind.as_str());
    socket.protocol == Some(name) || family == name || kind == name
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn globs() {
        let check = |pattern: &str, text: &str| Glob::new(pattern).matches(text);
        assert!(check("dbus*", "dbus-daemon") && check("*", "") && check("*worker*", "a worker"));
        assert!(check("a?c", "aéc") && check("*a*b", "xaxbab"));
        assert!(!check("dbus", "dbus-daemon") && !check("a?", "a") && !check("", "x"));
    }

    #[test]
    fn networks() {
        let within = |network: &str, ip: &str| {
            Network::parse(network)
                .unwrap()
                .contains(ip.parse().unwrap())
        };
        assert!(within("10.0.0.0/8", "10.1.2.3") && within("0.0.0.0/0", "1.1.1.1"));
        assert!(within("10.0.0.0/8", "::ffff:10.1.2.3") && within("::1", "::1"));
        assert!(!within("10.0.0.0/8", "11.0.0.0") && !within("::/0", "1.2.3.4"));
        assert_eq!(Network::parse("10.0.0.0/33"), None);
    }

    #[test]
    fn errors_name_the_kind() {
        let error = "pid:x".parse::<Selector>().unwrap_err();
        assert_eq!(error.to_string(), "pid:x: expected a process id");
        assert_eq!("NGINX".parse(), Ok(Selector::Word("nginx".to_owned())));
        for word in ["kworker/0:1", ":1", "@a:b"] {
            assert_eq!(word.parse(), Ok(Selector::Word(word.to_owned())));
        }
        let error = "unti:nginx".parse::<Selector>().unwrap_err().to_string();
        assert!(
            error.starts_with("unti:nginx: there is no kind of selector unti (kinds: pid, comm")
        );
    }
}
