//! What each thread waits on: the descriptors of its call, or those that its poll, select or epoll watches.

use std::collections::BTreeMap;

use super::analysis::WaitObject;
use crate::load::syscall::CallKind;
use crate::model::{Call, EpollTarget, FdRelation, FdTarget, Map, ProcessId, Wait};

/// `EPOLLIN`, `EPOLLPRI`, `EPOLLRDNORM`, `EPOLLRDBAND`, `EPOLLMSG` and `EPOLLRDHUP`.
const EPOLL_READ: u32 = 0x1 | 0x2 | 0x40 | 0x80 | 0x400 | 0x2000;
/// `EPOLLOUT`, `EPOLLWRNORM` and `EPOLLWRBAND`.
const EPOLL_WRITE: u32 = 0x4 | 0x100 | 0x200;
/// `EPOLLET`: a watch for space does not say that there is none.
const EPOLL_EDGE: u32 = 1 << 31;
/// Link of an epoll descriptor in `/proc/PID/fd`.
const EPOLL_LINK: &[u8] = b"anon_inode:[eventpoll]";
/// An epoll may watch another; the kernel's limit is 5.
const EPOLL_DEPTH: usize = 5;

/// What a thread waits on.
#[derive(Debug, Clone, Default)]
pub(super) struct WaitSet {
    pub(super) objects: Vec<WaitObject>,
    /// Something that the call waits on is not known.
    pub(super) incomplete: bool,
    /// Any of several may end the wait: poll, select, epoll.
    pub(super) is_any: bool,
}

/// Process, thread (where it has a descriptor table of its own), descriptor.
type FdKey = (ProcessId, Option<u32>, u32);

/// The epolls of a map.
pub(super) struct WaitSets<'a> {
    epolls: BTreeMap<FdKey, &'a [EpollTarget]>,
}

impl<'a> WaitSets<'a> {
    pub(super) fn new(map: &'a Map) -> Self {
        let relations = map.relations.iter();
        let epolls = relations.filter_map(|relation| match relation {
            FdRelation::Epoll { holder, targets } => {
                Some(((holder.process, holder.tid, holder.fd), &targets[..]))
            }
            _ => None,
        });
        Self {
            epolls: epolls.collect(),
        }
    }

    /// What a thread in a call waits on.
    pub(super) fn of(&self, wait: &Wait, call: &Call) -> WaitSet {
        let mut set = WaitSet::default();
        match call.kind {
            CallKind::Epoll => {
                set.is_any = true;
                match call.fd {
                    Some(fd) => self.add_epoll(&mut set, wait, fd, 0),
                    None => set.incomplete = true,
                }
            }
            CallKind::Poll => {
                set.is_any = true;
                let Some(polled) = call.polled() else {
                    set.incomplete = true;
                    return set;
                };
                set.incomplete = !polled.complete;
                for file in &polled.files {
                    let object = WaitObject {
                        fd: Some(file.fd),
                        target: file.target.clone(),
                        read: file.wants_read(),
                        write: file.wants_write(),
                    };
                    self.add(&mut set, wait, object, 0);
                }
            }
            CallKind::Read | CallKind::Accept | CallKind::Splice => {
                set.objects.extend(single(call, true));
            }
            CallKind::Write | CallKind::Connect | CallKind::Lock => {
                set.objects.extend(single(call, false));
            }
            _ => {}
        }
        set
    }

    fn add_epoll(&self, set: &mut WaitSet, wait: &Wait, fd: u32, depth: usize) {
        // A thread with a descriptor table of its own has its own row.
        let own = self.epolls.get(&(wait.process, Some(wait.tid), fd));
        let Some(targets) = own.or_else(|| self.epolls.get(&(wait.process, None, fd))) else {
            set.incomplete = true;
            return;
        };
        for target in *targets {
            let events = target.events;
            let object = WaitObject {
                fd: Some(target.fd),
                target: target.target.clone(),
                read: events & EPOLL_READ != 0,
                write: events & EPOLL_WRITE != 0
                    && (events & EPOLL_EDGE == 0 || events & EPOLL_READ == 0),
            };
            self.add(set, wait, object, depth + 1);
        }
    }

    /// Adds an object; of an epoll what that watches.
    fn add(&self, set: &mut WaitSet, wait: &Wait, object: WaitObject, depth: usize) {
        match (&object.target, object.fd) {
            (FdTarget::Other(link), Some(fd)) if **link == *EPOLL_LINK && depth < EPOLL_DEPTH => {
                self.add_epoll(set, wait, fd, depth + 1);
            }
            _ => set.objects.push(object),
        }
    }
}

fn single(call: &Call, read: bool) -> Option<WaitObject> {
    Some(WaitObject {
        fd: Some(call.fd?),
        target: call.target.clone(),
        read,
        write: !read,
    })
}
