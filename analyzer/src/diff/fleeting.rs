//! Recognizes conversations that were seen while they came or went, as those of a busy server are at
//! any time.
//!
//! A capture reads descriptors and socket tables one after the other. A connection that lasts
//! milliseconds is in one of them, and its holder is not known; one that stays is in both. A client that
//! connects for each request has a connection or has none: TCP keeps the remains for a minute.

use super::context::Context;
use super::side::{OldNew, Side};
use crate::graph::{Conversation, ConversationEnds};
use crate::model::{Address, Connection, HostId, Map, PipeId, ProcessId};
use crate::query::{UnknownEnd, unknown_end};

/// More unread processes than these may hold new sockets.
const FEW_UNREAD: usize = 2;

/// Whether a conversation was on its way: nobody holds one of its ends, and it is not confirmed, or not
/// in the other capture of the boot.
pub(super) fn is_fleeting(context: &Context<'_>, side: Side, ends: &ConversationEnds) -> bool {
    let map = context.maps.of(side);
    let connection = match ends.conversation {
        Conversation::Connection(index) => &map.connections[index],
        // Channels are not compared.
        Conversation::Channel(_) => return false,
        Conversation::Pipe(id) => {
            let is_unheld = ends.from.is_empty() || ends.to.is_empty();
            return is_unheld && is_new_pipe(context, side, id);
        }
    };
    let is_unheld = |client: bool| {
        let processes = if client { &ends.from } else { &ends.to };
        processes.is_empty()
            && matches!(
                unknown_end(map, ends, client),
                UnknownEnd::Unreadable | UnknownEnd::Unheld
            )
    };
    (is_unheld(true) || is_unheld(false))
        && (!connection.confirmed || is_new(context, side, map, connection))
}

/// Whether the other capture of the boot lacks a connection, and hardly anybody was unread in this one.
fn is_new(context: &Context<'_>, side: Side, map: &Map, connection: &Connection) -> bool {
    is_well_read(context, side, map.socket(connection.a).host)
        && context.matching.socket(side, connection.a).is_none()
}

fn is_new_pipe(context: &Context<'_>, side: Side, id: PipeId) -> bool {
    let pipe = &context.maps.of(side).pipes[id.index()];
    is_well_read(context, side, pipe.host)
        && context.partner_host(side, pipe.host).is_some_and(|host| {
            let pipes = context.maps.of(side.other()).pipes.iter();
            !pipes
                .clone()
                .any(|other| (other.host, &other.key) == (host, &pipe.key))
        })
}

fn is_well_read(context: &Context<'_>, side: Side, host: HostId) -> bool {
    let coverage = &context.maps.of(side).hosts[host.index()].coverage;
    context.is_same_boot(side, host) && coverage.partial + coverage.denied <= FEW_UNREAD
}

/// The conversations of a link in one map.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// All.
    pub(super) count: usize,
    /// Those between sockets that the other capture of the boot lacks, and between processes that it
    /// has.
    fresh: usize,
    /// The address of the server of one of the latter.
    server: Option<Address>,
}

impl Tally {
    /// Adds a conversation.
    pub(super) fn add(&mut self, context: &Context<'_>, side: Side, ends: &ConversationEnds) {
        self.count += 1;
        let map = context.maps.of(side);
        let Conversation::Connection(index) = ends.conversation else {
            return;
        };
        let a = map.connections[index].a;
        let is_same = |id: &ProcessId| context.matching.is_same(side, *id);
        let processes = || ends.from.iter().chain(&ends.to);
        let is_fresh = context.is_same_boot(side, map.socket(a).host)
            && context.matching.socket(side, a).is_none()
            && processes().all(is_same);
        if is_fresh {
            self.fresh += 1;
            self.server = map.socket(a).remote.filter(|_| !ends.client_is_outside);
        }
    }

    /// Adds the conversations of a link with the same name.
    pub(super) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.fresh += other.fresh;
        self.server = self.server.or(other.server);
    }
}

/// Whether the numbers of a link differ no more than those of a client that connects again and again:
/// what is not in both maps is in either in about the same number, or one of them has the remains of
/// such connections to the same server.
pub(super) fn is_reconnecting(context: &Context<'_>, tally: &OldNew<Tally>) -> bool {
    let OldNew { old, new } = tally;
    // What stayed is in both, and in equal number.
    if old.count - old.fresh != new.count - new.fresh {
        return false;
    }
    let lacking = match (old.fresh, new.fresh) {
        (0, _) => Side::Old,
        (_, 0) => Side::New,
        // 1.5 standard deviations of the difference of two counts of rare events.
        (old, new) => return 4 * old.abs_diff(new).pow(2) <= 9 * (old + new),
    };
    let server = tally.of(lacking.other()).server;
    let mut departed = context.maps.of(lacking).departed.iter();
    server.is_some_and(|server| departed.any(|departed| departed.server == server))
}
