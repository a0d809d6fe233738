//! Relations between descriptors: targets of epoll, holders of an eventfd, processes of pidfds.

use serde::Serialize;

use crate::id;
use crate::model::{self, FdTarget, Map};
use crate::text::escape;

/// A relation of the document.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum RelationDocument {
    Epoll {
        #[serde(flatten)]
        holder: FdDocument,
        targets: Vec<EpollTargetDocument>,
    },
    Eventfd {
        eventfd_id: u64,
        holders: Vec<FdDocument>,
    },
    Pidfd {
        #[serde(flatten)]
        holder: FdDocument,
        /// In the pid namespace of the collector; null if the process has ended or is not visible there.
        target_pid: Option<u32>,
        target: Option<String>,
    },
}

/// A descriptor, without the `cloexec` of a holder.
#[derive(Debug, Serialize)]
pub(super) struct FdDocument {
    process: String,
    tid: Option<u32>,
    fd: u32,
}

/// A descriptor that an epoll watches.
#[derive(Debug, Serialize)]
pub(super) struct EpollTargetDocument {
    fd: u32,
    inode: Option<u64>,
    /// The id of a socket or pipe.
    object: Option<String>,
    /// The text of the link in `/proc`, of anything else.
    file: Option<String>,
}

/// Describes a relation.
pub(super) fn relation(map: &Map, relation: &model::FdRelation) -> RelationDocument {
    let holder = |holder: &model::Holder| FdDocument {
        process: id::process(map, holder.process),
        tid: holder.tid,
        fd: holder.fd,
    };
    match relation {
        model::FdRelation::Epoll {
            holder: held,
            targets,
        } => RelationDocument::Epoll {
            holder: holder(held),
            targets: targets.iter().map(|watched| target(map, watched)).collect(),
        },
        model::FdRelation::Eventfd { id, holders } => RelationDocument::Eventfd {
            eventfd_id: *id,
            holders: holders.iter().map(holder).collect(),
        },
        model::FdRelation::Pidfd {
            holder: held,
            pid,
            target,
        } => RelationDocument::Pidfd {
            holder: holder(held),
            target_pid: *pid,
            target: target.map(|process| id::process(map, process)),
        },
    }
}

fn target(map: &Map, target: &model::EpollTarget) -> EpollTargetDocument {
    let (object, file) = match &target.target {
        FdTarget::Socket(socket) => (Some(id::socket(map, *socket)), None),
        FdTarget::Pipe(pipe) => (Some(id::pipe(map, *pipe)), None),
        FdTarget::Other(text) => (None, Some(escape::display(text))),
        FdTarget::Unknown => (None, None),
    };
    EpollTargetDocument {
        fd: target.fd,
        inode: target.inode,
        object,
        file,
    }
}
