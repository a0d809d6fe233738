//! Parses selectors such as `unit:nginx.service` and `port:5432`.
//!
//! Must not depend on a map: see `matches` for what a selector matches.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use super::glob::Glob;
use super::ip_network::IpNetwork;
use crate::graph::ConversationClass;
use crate::model::SocketState;
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
    /// `cmd:*worker*`: the arguments, joined by spaces
    Cmd(Glob),
    /// `unit:nginx.service`
    Unit(Glob),
    /// `container:ID-or-name`: an id may be abbreviated to four digits
    Container(Glob),
    /// `user:www-data`, or a number
    User(Glob),
    /// `host:web1`
    Host(Glob),
    /// `socket:/run/docker.sock`, `socket:@name`
    Socket(Glob),
    /// `addr:10.0.0.0/8`
    Addr(IpNetwork),
    /// `port:1521`
    Port(u32),
    /// `proto:tcp`
    Proto(String),
    /// `state:listening`
    State(SocketState),
    /// `inode:1452`
    Inode(u64),
    /// `netns:4026531833`
    Netns(u64),
    /// `pty:1`: the pseudo-terminal `/dev/pts/1`
    Pty(u64),
    /// `path:/run/app.fifo`, or the path alone: a socket, FIFO, queue, shared memory, locked file
    Path(Glob),
    /// `class:log`: a property of conversations, see [`SelectorSet::class_matches`](super::SelectorSet::class_matches)
    Class(ConversationClass),
    /// `127.0.0.1:5432`, as printed
    Endpoint(IpAddr, u16),
    /// `812`, as printed: the pid of a process, the inode of a socket or of a network namespace
    Number(u64),
    /// Another bare word, in lower case: part of a name, compared without case. It may contain a colon,
    /// but not after letters only, which would be a kind.
    Word(String),
}

/// Why a text is not a selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// The value does not suit the kind.
    #[error("{kind}:{value}: expected {expected}")]
    Value {
        /// The text before the colon.
        kind: String,
        /// The text after the colon.
        value: String,
        /// What is expected.
        expected: &'static str,
    },
    /// An unknown kind before the colon. Reported rather than taken for a name, so that a typing error
    /// does not look like a selector without matches.
    #[error(
        "{kind}:{value}: there is no kind of selector {kind} (kinds: {}; socket:*{kind}:{value}* is a listener of that name)",
        KINDS.join(", ")
    )]
    Kind {
        /// The text before the colon.
        kind: String,
        /// The text after the colon.
        value: String,
    },
}

/// The kinds of selectors, as written before the colon.
pub const KINDS: [&str; 18] = [
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
    "pty",
    "path",
    "class",
];

/// Those of `state:`.
const STATES: &str = "a state: listening, established, unconnected, connecting, pending, closing, close-wait, \
    fin-wait-1, fin-wait-2, last-ack, time-wait or unknown";

/// Digits of the largest inode; longer numbers are ids of containers.
const NUMBER_DIGITS: usize = 10;

impl Selector {
    /// Takes a word without a kind for what it is in outputs: an address, `:PORT`, a path, the name of an
    /// abstract socket, a number; any other word is part of a name.
    fn as_printed(text: &str) -> Self {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let port = text.strip_prefix(':').and_then(|port| port.parse().ok());
        if let Some(network) = IpNetwork::parse(text) {
            Self::Addr(network)
        } else if let Ok(address) = text.parse::<SocketAddr>() {
            Self::Endpoint(address.ip(), address.port())
        } else if let Some(port) = port {
            Self::Port(port)
        } else if text.starts_with('/') {
            Self::Path(Glob::new(text))
        } else if text.len() > 1 && text.starts_with('@') {
            Self::Socket(Glob::new(text))
        } else if text.len() <= NUMBER_DIGITS
            && digits(text)
            && let Ok(number) = text.parse()
        {
            Self::Number(number)
        } else {
            Self::Word(text.to_lowercase())
        }
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let is_word =
            |kind: &str| !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
        let Some((kind, value)) = text.split_once(':').filter(|(kind, _)| is_word(kind)) else {
            return Ok(Self::as_printed(text));
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
                IpNetwork::parse(value)
                    .ok_or_else(|| error("an address or a network, as 10.0.0.0/8"))?,
            ),
            "port" => Self::Port(value.parse().map_err(|_| error("a port number"))?),
            "proto" => Self::Proto(value.to_lowercase()),
            "state" => {
                Self::State(SocketState::parse(&value.to_lowercase()).ok_or_else(|| error(STATES))?)
            }
            "pty" => Self::Pty(
                value
                    .parse()
                    .map_err(|_| error("a number, as 1 of /dev/pts/1"))?,
            ),
            "path" => Self::Path(glob()),
            "class" => Self::Class(
                ConversationClass::parse(value).ok_or_else(|| error("talk, log or self"))?,
            ),
            "inode" => Self::Inode(value.parse().map_err(|_| error("an inode number"))?),
            _ => Self::Netns(
                value
                    .parse()
                    .map_err(|_| error("a namespace's inode number"))?,
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn errors_name_the_kind() {
        let error = "pid:x".parse::<Selector>().unwrap_err();
        assert_eq!(error.to_string(), "pid:x: expected a process id");
        assert_eq!("NGINX".parse(), Ok(Selector::Word("nginx".to_owned())));
        for word in [
            "kworker/0:1",
            "app/gunicorn",
            "1a",
            "@",
            "10.0",
            "123456789012",
        ] {
            assert_eq!(word.parse(), Ok(Selector::Word(word.to_owned())));
        }
        let error = "state:opened".parse::<Selector>().unwrap_err().to_string();
        assert!(error.starts_with("state:opened: expected a state: listening, established"));
        assert!("class:logs".parse::<Selector>().is_err());
        let error = "unti:nginx".parse::<Selector>().unwrap_err().to_string();
        assert!(
            error.starts_with("unti:nginx: there is no kind of selector unti (kinds: pid, comm")
        );
    }

    #[test]
    fn words_as_printed() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let network = |text: &str| Selector::Addr(IpNetwork::parse(text).unwrap());
        let socket = |text: &str| Selector::Socket(Glob::new(text));
        for (word, expected) in [
            ("10.0.4.7", network("10.0.4.7")),
            ("10.0.0.0/8", network("10.0.0.0/8")),
            ("::1", network("::1")),
            ("127.0.0.1:5432", Selector::Endpoint(ip("127.0.0.1"), 5432)),
            ("[::1]:22", Selector::Endpoint(ip("::1"), 22)),
            (":5432", Selector::Port(5432)),
            (
                "/run/docker.sock",
                Selector::Path(Glob::new("/run/docker.sock")),
            ),
            ("@/tmp/.X11-unix/X7", socket("@/tmp/.X11-unix/X7")),
            ("@a:b", socket("@a:b")),
            ("812", Selector::Number(812)),
            ("class:log", Selector::Class(ConversationClass::Log)),
            ("state:fin-wait-2", Selector::State(SocketState::FinWait2)),
            ("state:listen", Selector::State(SocketState::Listening)),
        ] {
            assert_eq!(word.parse(), Ok(expected), "{word}");
        }
    }
}
