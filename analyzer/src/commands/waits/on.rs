//! What a blocked call waits on: each descriptor and what for, and what its arguments point to.

use serde::Serialize;
use whotalks::export::object;
use whotalks::id;
use whotalks::load::syscall::CallKind;
use whotalks::model::{Call, CallMemory, Destination, FdTarget, Known, Map, NotKnown, ThreadState};
use whotalks::query::{BlockedThread, Via, ViaKind};
use whotalks::text::escape;

/// Descriptors of a thread that are listed: as many as the collector reads of a poll. An event loop may watch
/// more.
pub(super) const OBJECTS: usize = 8_192;

/// The descriptors that a thread waits on, and what for; those of a poll, select or epoll that is not known
/// are none.
pub(super) fn on_rows(map: &Map, waiting: &BlockedThread) -> Vec<impl Serialize> {
    let call = waiting.wait.and_then(|thread| call_of(map, thread));
    let is_lock = call.is_some_and(|call| call.kind == CallKind::Lock);
    let mut rows = Vec::new();
    for on in waiting.on.iter().take(OBJECTS) {
        let wants = [
            (on.read, "read"),
            (on.write && !is_lock, "write"),
            (is_lock, "lock"),
            (!on.read && !on.write, "hangup"),
        ];
        for (_, want) in wants.into_iter().filter(|(wanted, _)| *wanted) {
            let row = object()
                .field("fd", on.fd)
                // Id of the socket or pipe; null for another file.
                .field("object", object_id(map, &on.target))
                .field("want", want);
            rows.push(row);
        }
    }
    rows
}

/// The call that a thread is in.
pub(crate) fn call_of(map: &Map, wait: usize) -> Option<&Call> {
    match &map.waits[wait].state {
        ThreadState::Call(call) => Some(call),
        _ => None,
    }
}

/// The id of a socket or pipe.
pub(super) fn object_id(map: &Map, target: &FdTarget) -> Option<String> {
    match target {
        FdTarget::Socket(socket) => Some(id::socket(map, *socket)),
        FdTarget::Pipe(pipe) => Some(id::pipe(map, *pipe)),
        FdTarget::Other(_) | FdTarget::Unknown => None,
    }
}

/// Whether it is known what the arguments of a call point to, or why not; `None`: nothing of interest.
pub(super) fn memory_word(call: &Call) -> Option<&'static str> {
    fn word<T>(known: &Known<T>) -> &'static str {
        match known {
            Ok(_) => "known",
            Err(NotKnown::NotCaptured) => "not-captured",
            Err(NotKnown::Unreadable(_)) => "unreadable",
            Err(NotKnown::Moved) => "moved",
            Err(NotKnown::Malformed) => "malformed",
        }
    }
    Some(match &call.memory {
        CallMemory::None => return None,
        CallMemory::Polled(Ok(set)) if !set.complete => "partial",
        CallMemory::Polled(polled) => word(polled),
        CallMemory::Futex(futex) => word(futex),
        CallMemory::Destination(destination) => word(destination),
        CallMemory::Path(path) => word(path),
    })
}

/// The address or path in the arguments of a connect, send or open.
pub(super) fn named(call: &Call) -> Option<Via> {
    match &call.memory {
        CallMemory::Destination(Ok(Some(destination))) => match destination {
            Destination::Unix(name) => Some(name.into()),
            Destination::Address(address) => Some((*address).into()),
            Destination::Other(_) => None,
        },
        CallMemory::Path(Ok(path)) => Some(Via {
            text: escape::display(path),
            kind: ViaKind::Path,
        }),
        _ => None,
    }
}

/// The descriptors of a call, as many as a cell has room for.
pub(crate) fn fd_cell(call: &Call) -> String {
    const SHOWN: usize = 3;
    let files = call.polled().into_iter().flat_map(|set| &set.files);
    let mut fds: Vec<u32> = files.map(|file| file.fd).chain(call.fd).collect();
    fds.dedup();
    let shown = fds.iter().take(SHOWN).map(u32::to_string);
    let shown = shown.collect::<Vec<_>>().join(" ");
    match fds.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} +{more}"),
    }
}
