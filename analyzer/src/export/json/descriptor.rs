//! Descriptors: the holders of sockets and pipes, and relations to other descriptors and processes.

use serde::{Serialize, Serializer};

use super::object::{Fields, Object, object};
use crate::id;
use crate::model::{EpollTarget, FdRelation, FdTarget, Holder, KeepReason, Map};
use crate::text::escape;

/// A descriptor of a process, or of a thread with a descriptor table of its own.
pub(super) fn holder(map: &Map, holder: &Holder) -> impl Serialize {
    let fd = (!holder.through_io_uring).then_some(holder.fd);
    object()
        .field("process", id::process(map, holder.process))
        .field("tid", holder.tid)
        // Null: through an io_uring.
        .field("fd", fd)
        .known("through", holder.through_io_uring.then_some("io_uring"))
        .field("cloexec", holder.cloexec)
        // Whether it only keeps what another holder uses.
        .known("keeps", holder.keeps.map(|_| true))
        .known("keeps_why", holder.keeps.map(KeepReason::as_str))
}

fn with_descriptor<F: Fields>(
    object: Object<F>,
    map: &Map,
    holder: &Holder,
) -> Object<impl Fields> {
    let process = id::process(map, holder.process);
    let object = object.field("process", process);
    object.field("tid", holder.tid).field("fd", holder.fd)
}

/// Targets of an epoll, holders of an eventfd, or the process of a pidfd.
pub(super) struct RelationDocument<'a>(pub(super) &'a Map, pub(super) &'a FdRelation);

impl Serialize for RelationDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(map, relation) = *self;
        match relation {
            FdRelation::Epoll { holder, targets } => {
                with_descriptor(object().field("kind", "epoll"), map, holder)
                    .list("targets", targets.iter().map(|one| target(map, one)))
                    .serialize(serializer)
            }
            FdRelation::Eventfd { id, holders } => {
                let holders = holders.iter();
                object()
                    .field("kind", "eventfd")
                    .field("eventfd_id", id)
                    .list(
                        "holders",
                        holders.map(|one| with_descriptor(object(), map, one)),
                    )
                    .serialize(serializer)
            }
            FdRelation::Pidfd {
                holder,
                pid,
                target,
            } => with_descriptor(object().field("kind", "pidfd"), map, holder)
                // In the pid namespace of the collector; null if the process has ended or is not
                // visible there.
                .field("target_pid", pid)
                .field("target", target.map(|process| id::process(map, process)))
                .serialize(serializer),
        }
    }
}

/// A descriptor that an epoll watches: the id of a socket or pipe, or the link in `/proc` of any other
/// file.
fn target(map: &Map, target: &EpollTarget) -> impl Serialize {
    let (object_id, file) = match &target.target {
        FdTarget::Socket(socket) => (Some(id::socket(map, *socket)), None),
        FdTarget::Pipe(pipe) => (Some(id::pipe(map, *pipe)), None),
        FdTarget::Other(text) => (None, Some(escape::display(text))),
        FdTarget::Unknown => (None, None),
    };
    object()
        .field("fd", target.fd)
        .field("inode", target.inode)
        .field("object", object_id)
        .field("file", file)
}
