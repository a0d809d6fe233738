//! Relations of the document: what epolls watch, which eventfds are one, whom pidfds mean.

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
        holder: Holder,
        targets: Vec<Target>,
    },
    Eventfd {
        eventfd_id: u64,
        holders: Vec<Holder>,
    },
    Pidfd {
        #[serde(flatten)]
        holder: Holder,
        /// As the collector saw it; null: it has ended, or is outside.
        target_pid: Option<u32>,
        target: Option<String>,
    },
}

#[derive(Debug, Serialize)]
pub(super) struct Holder {
    process: String,
    tid: Option<u32>,
    fd: u32,
}

#[derive(Debug, Serialize)]
pub(super) struct Target {
    fd: u32,
    inode: Option<u64>,
    /// Id of a socket or pipe.
    object: Option<String>,
    /// Of what is neither, the text of its link.
    file: Option<String>,
}

/// The document's row of a relation.
pub(super) fn row(map: &Map, relation: &model::FdRelation) -> RelationDocument {
    let holder = |holder: &model::Holder| Holder {
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
            targets: targets.iter().map(|one| target(map, one)).collect(),
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

fn target(map: &Map, target: &model::EpollTarget) -> Target {
    let (object, file) = match &target.target {
        FdTarget::Socket(socket) => (Some(id::socket(map, *socket)), None),
        FdTarget::Pipe(pipe) => (Some(id::pipe(map, *pipe)), None),
        FdTarget::Other(text) => (None, Some(escape::display(text))),
        FdTarget::Unknown => (None, None),
    };
    Target {
        fd: target.fd,
        inode: target.inode,
        object,
        file,
    }
}
