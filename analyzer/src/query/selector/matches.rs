//! What one selector matches: a process or a socket of the map.

use super::glob::Glob;
use super::parse::Selector;
use crate::graph::{By, Conversation, group_label, program};
use crate::model::{Address, ChannelKind, Container, Map, Process, Socket, SocketId, SocketState};
use crate::text::escape;

impl Selector {
    /// Whether the selector is about sockets; otherwise it is about processes.
    pub(super) fn is_socket_kind(&self) -> bool {
        matches!(
            self,
            Self::Socket(_)
                | Self::Addr(_)
                | Self::Port(_)
                | Self::Proto(_)
                | Self::State(_)
                | Self::Inode(_)
                | Self::Pty(_)
                | Self::Path(_)
                | Self::Endpoint(..)
        )
    }

    /// Whether a process that holds these sockets matches; true for socket kinds.
    pub(super) fn matches_process(&self, map: &Map, process: &Process, held: &[SocketId]) -> bool {
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
                let all = container.within.iter().chain([container]);
                glob.matches(&container.path())
                    || all.into_iter().any(|one| container_matches(one, glob))
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
            Self::Word(word) => word_matches(map, process, held, word),
            Self::Number(number) => {
                let mut held = held.iter().map(|id| map.socket(*id));
                process_has_number(process, *number) || held.any(|socket| socket.inode == *number)
            }
            _ => true,
        }
    }

    /// Whether a socket matches; true for process kinds.
    pub(super) fn matches_socket(&self, socket: &Socket) -> bool {
        match self {
            Self::Pty(_) => false,
            Self::Socket(glob) | Self::Path(glob) => {
                let names = socket.name.iter().chain(&socket.moved_to);
                let mut names = names.map(|name| escape::name(name.bytes()));
                names.any(|name| glob.matches(&name))
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
                        Address::Ip(_, ip_port) => u32::from(ip_port) == *port,
                        Address::Vsock(_, vsock_port) => vsock_port == *port,
                    })
            }
            Self::Proto(name) => proto_matches(socket, name),
            Self::State(state) => {
                socket.state == *state
                    || *state == SocketState::Closing && socket.state.is_closing()
            }
            Self::Endpoint(ip, port) => {
                let ends = [socket.local, socket.remote].into_iter().flatten();
                let wanted = (ip.to_canonical(), *port);
                let mut ends = ends.filter_map(|end| match end {
                    Address::Ip(ip, port) => Some((ip.to_canonical(), port)),
                    Address::Vsock(..) => None,
                });
                ends.any(|end| end == wanted)
            }
            Self::Inode(inode) => socket.inode == *inode,
            _ => true,
        }
    }
}

impl Selector {
    /// Whether a pipe or channel matches a selector of sockets.
    pub(super) fn matches_named(&self, map: &Map, conversation: Conversation) -> bool {
        match (self, conversation) {
            (Self::Path(glob), Conversation::Pipe(id)) => {
                let path = map.pipes[id.index()].path.as_deref();
                path.is_some_and(|path| glob.matches(&escape::display(path)))
            }
            (Self::Inode(inode), Conversation::Pipe(id)) => {
                map.pipes[id.index()].key.inode() == *inode
            }
            (Self::Path(glob), Conversation::Channel(id)) => {
                glob.matches(&escape::display(&map.channels[id.index()].name))
            }
            (Self::Pty(number), Conversation::Channel(id)) => {
                let channel = &map.channels[id.index()];
                channel.kind == ChannelKind::Pty
                    && channel.name.strip_prefix(b"pts/") == Some(number.to_string().as_bytes())
            }
            _ => false,
        }
    }
}

/// Whether a number is the pid of a process or the inode of its network namespace.
pub(super) fn process_has_number(process: &Process, number: u64) -> bool {
    u64::from(process.pid) == number || process.netns == Some(number)
}

/// Whether the name or the id of a container matches; an id may be abbreviated to four digits.
fn container_matches(container: &Container, glob: &Glob) -> bool {
    let abbreviated = |id: &str| id.len() >= 4 && container.id.starts_with(id);
    container
        .name
        .as_ref()
        .is_some_and(|name| glob.matches(name))
        || glob.matches(&container.id)
        || glob.literal().is_some_and(abbreviated)
}

/// Whether a bare word is part of the comm, executable, script, unit, container, or the name of a
/// listener.
fn word_matches(map: &Map, process: &Process, held: &[SocketId], word: &str) -> bool {
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
        // As printed: `checkout/java`.
        || word.contains('/') && part_of(&group_label(map, process, By::Role))
        || process.container.as_ref().is_some_and(|container| {
            part_of(&container.id) || container.name.as_deref().is_some_and(part_of)
        })
        || held.iter().map(|id| map.socket(*id)).any(|socket| {
            socket.state == SocketState::Listening
                && socket
                    .current_name()
                    .is_some_and(|name| part_of(&escape::name(name.bytes())))
        })
}

/// Whether the protocol (`tcp`, `udp`), family (`unix`) or type (`stream`) has this name.
fn proto_matches(socket: &Socket, name: &str) -> bool {
    let (family, kind) = (socket.family.as_str(), socket.kind.as_str());
    socket.protocol == Some(name) || family == name || kind == name
}
