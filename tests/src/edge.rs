//! A connection that a scenario expects, and its form as a line that can be compared.

use serde_json::Value;

use crate::actor::Socket;
use crate::protocol::Address;

/// A connection that must be in the map.
#[derive(Debug, Clone)]
pub struct Edge {
    kind: &'static str,
    state: &'static str,
    evidence: Option<&'static str>,
    a: String,
    b: Option<String>,
    listener: Option<(String, &'static str)>,
}

impl Edge {
    fn new(state: &'static str, a: &Socket, b: Option<&Socket>) -> Self {
        let b = b.map(Socket::id);
        Self {
            kind: "unix",
            state,
            evidence: None,
            a: a.id(),
            b,
            listener: None,
        }
    }

    /// Two connected sockets, without a listener.
    pub fn pair(a: &Socket, b: &Socket) -> Self {
        Self {
            evidence: Some("peer"),
            ..Self::new("established", a, Some(b))
        }
    }

    /// A client and the socket that was accepted from a listener.
    pub fn accepted(client: &Socket, accepted: &Socket, listener: &Socket) -> Self {
        Self::pair(client, accepted).via(listener)
    }

    /// A client in the queue of a listener. The kernel lists it, so that the listener is known
    /// without further evidence.
    pub fn pending(client: &Socket, listener: &Socket) -> Self {
        Self {
            evidence: Some("pending-list"),
            listener: Some((listener.id(), "null")),
            ..Self::new("pending", client, None)
        }
    }

    /// A datagram socket connected to one that is not connected back.
    pub fn one_way(a: &Socket, b: &Socket) -> Self {
        Self {
            evidence: Some("peer"),
            ..Self::new("one-way", a, Some(b))
        }
    }

    /// A stream whose other end has been closed.
    pub fn closing(a: &Socket) -> Self {
        Self::new("closing", a, None)
    }

    /// Two inet sockets of this capture.
    pub fn inet(a: &Socket, b: &Socket) -> Self {
        let evidence = Some("tuple");
        Self {
            kind: "inet",
            evidence,
            ..Self::new("established", a, Some(b))
        }
    }

    /// An inet datagram socket connected to a bound, unconnected one.
    pub fn inet_one_way(a: &Socket, b: &Socket) -> Self {
        Self {
            state: "one-way",
            ..Self::inet(a, b)
        }
    }

    /// A netlink socket connected to that of another process.
    pub fn netlink(a: &Socket, b: &Socket) -> Self {
        Self {
            kind: "netlink",
            evidence: Some("peer"),
            ..Self::new("one-way", a, Some(b))
        }
    }

    /// Two netlink sockets connected to each other.
    pub fn netlink_pair(a: &Socket, b: &Socket) -> Self {
        Self {
            state: "established",
            ..Self::netlink(a, b)
        }
    }

    /// An inet socket whose other end has closed.
    pub fn inet_closing(a: &Socket) -> Self {
        Self {
            kind: "inet",
            ..Self::closing(a)
        }
    }

    /// Adds the listener.
    #[must_use]
    pub fn via(mut self, listener: &Socket) -> Self {
        let evidence = match &listener.address {
            Some(Address::Path(_)) => "vfs",
            Some(Address::Abstract(_)) => "name",
            Some(Address::Inet(_)) => "address",
            Some(Address::Netlink(_)) | None => panic!("a listener has an address"),
        };
        self.listener = Some((listener.id(), evidence));
        self
    }

    /// The ids of its sockets.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = &str> {
        let listener = self.listener.as_ref().map(|(id, _)| id);
        [Some(&self.a), self.b.as_ref(), listener]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    /// The connection as a line.
    pub(crate) fn line(&self) -> String {
        let listener = self.listener.as_ref().map(|(id, _)| id.as_str());
        let evidence = self.listener.as_ref().map(|(_, evidence)| *evidence);
        let (a, b) = (self.a.as_str(), self.b.as_deref());
        let ends = Ends {
            a,
            b,
            listener,
            listener_evidence: evidence,
        };
        ends.line(self.kind, self.state, self.evidence)
    }

    /// A connection of the map in the same form.
    ///
    /// The evidence of a closing edge is not part of the contract.
    pub(crate) fn line_of(connection: &Value) -> String {
        let text = |key: &str| connection[key].as_str();
        let (kind, state) = (text("kind").unwrap_or("?"), text("state").unwrap_or("?"));
        let ends = Ends {
            a: text("a").unwrap_or("?"),
            b: text("b"),
            listener: text("listener"),
            listener_evidence: text("listener_evidence"),
        };
        ends.line(kind, state, text("evidence").filter(|_| state != "closing"))
    }
}

struct Ends<'a> {
    a: &'a str,
    b: Option<&'a str>,
    listener: Option<&'a str>,
    listener_evidence: Option<&'a str>,
}

impl Ends<'_> {
    fn line(&self, kind: &str, state: &str, evidence: Option<&str>) -> String {
        let (mut a, mut b) = (self.a, self.b.unwrap_or("null"));
        // The order of the ends has a meaning only if one is the client or the sender.
        let ordered = self.listener.is_some() || state == "one-way";
        if !ordered && self.b.is_some_and(|b| (b.len(), b) < (a.len(), a)) {
            (a, b) = (b, a);
        }
        let evidence = evidence.unwrap_or("-");
        let listener = self.listener.unwrap_or("null");
        let by = self.listener_evidence.unwrap_or("null");
        format!("{kind} {state} {a} to {b} ({evidence}), listener {listener} ({by})")
    }
}
