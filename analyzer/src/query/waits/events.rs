//! Threads that wait for any of several objects, and what each of these is to them.

use super::analysis::{ChainEnd, WaitNeed, WaitObject};
use super::fd_lookup::Role;
use super::requests::Request;
use super::resolver::{ResolvedWait, Resolver, Standing, Weight};
use super::wait_set::WaitSet;
use crate::model::{Call, FdTarget, ProcessId, SocketId, Wait};

/// What an object is to a thread that waits for data of it.
pub(super) enum Part {
    /// A listener or an accepted connection, input of a filter: what it serves.
    Served,
    /// A process that it asks.
    Upstream(usize, Option<SocketId>),
    /// A parent or child.
    Kin(usize),
    /// Something of its own, such as an eventfd or a timer.
    Own,
    /// The network.
    Outside(ChainEnd, Option<SocketId>),
}

impl Resolver<'_> {
    /// A thread that waits for any of several objects.
    pub(super) fn any_of(&mut self, wait: &Wait, call: &Call, set: &WaitSet) -> ResolvedWait {
        let mut resolved = ResolvedWait {
            need: WaitNeed::Event,
            targets: Vec::new(),
            end: None,
            standing: Standing::Attending,
            weight: Weight::Weak,
            late_ms: None,
            path: None,
        };
        let mut served = set.incomplete;
        let (mut own, mut upstream, mut kin) = (false, Vec::new(), Vec::new());
        let mut outside = None;
        for object in &set.objects {
            if object.write && self.add_room(wait, object, &mut resolved) {
                continue;
            }
            match self.part(wait, object) {
                _ if !object.read => own = true,
                Part::Served => served = true,
                Part::Upstream(target, socket) => upstream.push((target, socket)),
                Part::Kin(target) => kin.push(target),
                Part::Own => own = true,
                Part::Outside(end, socket) => {
                    let request = socket.map(|socket| self.requests.of(socket));
                    let is_late = matches!(request, Some(Request::Late(_)));
                    if is_late || outside.is_none() {
                        outside = Some((end, request));
                    }
                }
            }
        }
        if !resolved.targets.is_empty() {
            resolved.end = (served || own).then_some(ChainEnd::Anyone);
            return resolved;
        }
        if served {
            resolved.end = Some(match set.objects.is_empty() {
                true => ChainEnd::Descriptors,
                false => ChainEnd::Anyone,
            });
            if set.objects.is_empty() {
                resolved.standing = Standing::Other;
            }
            self.add_upstream(wait.process, &mut resolved);
            return resolved;
        }
        if upstream.is_empty()
            && let Some((end, request)) = outside
        {
            resolved.standing = Standing::Blocked;
            resolved.end = Some(end);
            if let Some(Request::Late(late_ms)) = request {
                (resolved.weight, resolved.late_ms) = (Weight::Strong, late_ms);
            }
            return resolved;
        }
        resolved.end = (own || outside.is_some()).then_some(ChainEnd::Itself);
        if !upstream.is_empty() {
            self.add_asked(&upstream, &mut resolved);
        } else if !kin.is_empty() && !own {
            // Otherwise a server that notices the end of its parent, and waits for an event.
            resolved.standing = Standing::Kin;
            resolved.targets = kin;
        } else if call.timed {
            resolved.standing = Standing::Asleep;
            resolved.end = Some(ChainEnd::Timer);
        } else {
            resolved.standing = Standing::Passive;
            resolved.end = Some(ChainEnd::Itself);
        }
        resolved
    }

    /// A thread that waits for processes that it asks, and for nobody else.
    pub(super) fn add_asked(
        &self,
        upstream: &[(usize, Option<SocketId>)],
        resolved: &mut ResolvedWait,
    ) {
        let request = |socket: &Option<SocketId>| socket.map(|socket| self.requests.of(socket));
        let is_late = |(_, socket): &&(usize, Option<SocketId>)| {
            matches!(request(socket), Some(Request::Late(_)))
        };
        let late: Vec<_> = upstream.iter().filter(is_late).collect();
        resolved.standing = Standing::Blocked;
        resolved.weight = match (&late[..], upstream) {
            ([_, ..], _) => Weight::Strong,
            ([], [(_, socket)]) if request(socket) != Some(Request::None) => Weight::Likely,
            _ => Weight::Weak,
        };
        resolved.late_ms = late.iter().find_map(|(_, socket)| match request(socket) {
            Some(Request::Late(late_ms)) => late_ms,
            _ => None,
        });
        let asked: Vec<_> = match late.is_empty() {
            true => upstream.iter().collect(),
            false => late,
        };
        resolved.targets = asked.into_iter().map(|(target, _)| *target).collect();
    }

    /// Adds the processes from which an event loop waits for a response.
    pub(super) fn add_upstream(&mut self, process: ProcessId, resolved: &mut ResolvedWait) {
        let requests = self.requests;
        for (socket, request) in requests.upstream(process) {
            let (target, end) = self.cached(&FdTarget::Socket(*socket), WaitNeed::Data);
            match (target, end) {
                (Some(target), _) => resolved.targets.push(target),
                (None, Some(end)) => resolved.end = Some(end),
                (None, None) => continue,
            }
            resolved.standing = Standing::Blocked;
            if let Request::Late(late_ms) = request {
                resolved.late_ms = resolved.late_ms.max(*late_ms);
            }
        }
    }

    /// Adds a target that must make room, or accept. False if there is none.
    pub(super) fn add_room(
        &mut self,
        wait: &Wait,
        object: &WaitObject,
        resolved: &mut ResolvedWait,
    ) -> bool {
        use crate::model::SocketState::{Connecting, Unconnected};
        let need = match &object.target {
            FdTarget::Socket(id)
                if matches!(self.map.socket(*id).state, Connecting | Unconnected) =>
            {
                WaitNeed::Accept
            }
            FdTarget::Socket(_) | FdTarget::Pipe(_) => WaitNeed::Room,
            _ => return false,
        };
        let (Some(target), _) = self.cached(&object.target, need) else {
            return false;
        };
        if self.targets[target]
            .peers
            .iter()
            .all(|peer| *peer == wait.process)
        {
            return false;
        }
        resolved.need = need;
        resolved.targets.push(target);
        (resolved.standing, resolved.weight) = (Standing::Blocked, Weight::Strong);
        true
    }

    /// What an object is to a thread that waits for data of it.
    pub(super) fn part(&mut self, wait: &Wait, object: &WaitObject) -> Part {
        let socket = match object.target {
            FdTarget::Socket(id) => Some(id),
            _ => None,
        };
        // Input of a filter, or of a person.
        if object.fd == Some(0) && socket.is_none() {
            return Part::Served;
        }
        let role = socket.map_or(Role::Equal, |id| self.lookup.role(id));
        if matches!(role, Role::Listener | Role::Server) {
            return Part::Served;
        }
        match self.cached(&object.target, WaitNeed::Data) {
            (Some(target), end) => {
                let mut peers = self.targets[target].peers.iter();
                let others: Vec<_> = peers
                    .by_ref()
                    .filter(|peer| **peer != wait.process)
                    .collect();
                let is_shared = others.len() < self.targets[target].peers.len();
                if others.is_empty() || is_shared && socket.is_none() {
                    Part::Own
                } else if end.is_some() {
                    // Anybody may write to a FIFO, or send datagrams.
                    Part::Served
                } else if role == Role::Client {
                    Part::Upstream(target, socket)
                } else if others
                    .iter()
                    .all(|peer| self.kinship.is_kin(wait.process, **peer))
                {
                    Part::Kin(target)
                } else {
                    Part::Upstream(target, socket)
                }
            }
            (None, Some(end @ ChainEnd::Outside(_))) => Part::Outside(end, socket),
            (None, Some(ChainEnd::Anyone | ChainEnd::Unknown | ChainEnd::Unreadable)) => {
                Part::Served
            }
            (None, _) => Part::Own,
        }
    }
}
