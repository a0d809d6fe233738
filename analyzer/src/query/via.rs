//! What a conversation goes over: the name, address or path by which its ends are found.

use crate::graph::Conversation;
use crate::model::{Address, BoundTo, ChannelKind, Map, Name, SocketId};
use crate::text::escape;

/// A listener's name or address, or a FIFO's path.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Via {
    /// Printable; an abstract name begins with `@`. Empty if there is no name.
    pub text: String,
    /// What `text` is.
    pub kind: ViaKind,
}

/// What the text of a [`Via`] is; a path may begin with `@` too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ViaKind {
    /// Empty.
    #[default]
    Unnamed,
    /// A path.
    Path,
    /// An abstract Unix name.
    Abstract,
    /// An internet or vsock address.
    Address,
}

impl ViaKind {
    /// The word for it in JSON, CSV and text output; empty for [`ViaKind::Unnamed`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unnamed => "",
            Self::Path => "path",
            Self::Abstract => "abstract",
            Self::Address => "address",
        }
    }
}

impl From<&Name> for Via {
    fn from(name: &Name) -> Self {
        Self {
            text: escape::name(name.bytes()),
            kind: match name.is_abstract() {
                true => ViaKind::Abstract,
                false => ViaKind::Path,
            },
        }
    }
}

impl From<&BoundTo> for Via {
    fn from(bound_to: &BoundTo) -> Self {
        match bound_to {
            BoundTo::Name(name) => name.into(),
            BoundTo::Address(address) => (*address).into(),
        }
    }
}

impl From<Address> for Via {
    fn from(address: Address) -> Self {
        Self {
            text: address.to_string(),
            kind: ViaKind::Address,
        }
    }
}

/// The name of a listening or bound socket: its Unix name, else its local address.
pub fn socket_via(map: &Map, socket: SocketId) -> Option<Via> {
    let socket = map.socket(socket);
    let name = socket.current_name().map(Via::from);
    name.or_else(|| socket.local.map(Via::from))
}

/// What a conversation goes over: of a connection the name or address of the listener, else of its
/// named end, else the remote address; of a pipe the path of the FIFO; of a channel its name.
pub fn via(map: &Map, conversation: Conversation) -> Via {
    let via = match conversation {
        Conversation::Channel(id) => {
            let channel = &map.channels[id.index()];
            // The others have only a number.
            let has_name = matches!(
                channel.kind,
                ChannelKind::Pty | ChannelKind::Mqueue | ChannelKind::Shm | ChannelKind::Lock
            );
            has_name.then(|| Via {
                text: escape::display(&channel.name),
                kind: ViaKind::Path,
            })
        }
        Conversation::Pipe(id) => {
            let path = map.pipes[id.index()].path.as_deref();
            path.map(|path| Via {
                text: escape::display(path),
                kind: ViaKind::Path,
            })
        }
        Conversation::Connection(index) => {
            let connection = &map.connections[index];
            let of = |id: Option<SocketId>| id.and_then(|id| socket_via(map, id));
            let client = || {
                let client = map.socket(connection.a);
                let name = client.current_name().map(Via::from);
                name.or_else(|| client.remote.map(Via::from))
            };
            let as_client_has_it = connection.translation.as_ref().map(|t| Via::from(t.from));
            as_client_has_it
                .or_else(|| of(connection.listener))
                .or_else(|| connection.bound_to.as_deref().map(Via::from))
                .or_else(|| of(connection.listener_group.first().copied()))
                .or_else(|| of(connection.b))
                .or_else(client)
        }
    };
    via.unwrap_or_default()
}
