//! Network namespaces: entering each on a thread of its own, and what is read inside.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use whotalks_snapshot::BlockKind;
use whotalks_snapshot::records::{Netns, RawHeader};

use crate::args::{Config, NetnsChoice};
use crate::diag::families::{FAMILIES, RESTLESS};
use crate::diag::{self, Tables};
use crate::door::Silent;
use crate::found::{Source, Way};
use crate::modules::Modules;
use crate::patience::Asker;
use crate::proc::{namespace_inode, number, read_link};
use crate::sink::{Lane, Sink};
use crate::{clock, text};

/// A network namespace that is to be read.
#[derive(Debug, Clone)]
pub(crate) struct Space {
    pub(crate) inode: u64,
    pub(crate) way: Way,
    pub(crate) own: bool,
    /// The namespace itself, where only a socket leads to it.
    pub(crate) file: Option<Arc<OwnedFd>>,
}

impl Space {
    /// What every block of this namespace begins with.
    pub(crate) fn header(&self, source: &str, pass: u8) -> RawHeader {
        RawHeader {
            source: source.as_bytes().to_vec(),
            netns: self.inode,
            pass,
            at_boottime_ns: clock::reading_ns(),
            ..RawHeader::default()
        }
    }
}

/// What the readers need to know.
pub(crate) struct Plan<'a> {
    pub(crate) root: &'a Arc<OwnedFd>,
    pub(crate) config: &'a Config,
    pub(crate) spaces: &'a [Space],
    pub(crate) modules: &'a Modules,
    /// Whether the kernel tells what it tracks without loading anything for it.
    pub(crate) conntrack: bool,
    /// 1, or 2 for the second look.
    pub(crate) pass: u8,
    pub(crate) jobs: usize,
}

/// What is read in a namespace, in portions that several readers can share.
#[derive(Debug, Clone, Copy)]
enum Portion {
    /// The Unix dumps, and the namespace's own record.
    UnixDumps,
    /// The Unix text table.
    UnixText,
    /// Everything else.
    Others,
}

/// The first look: the dumps of all namespaces first, as close to the descriptors as can be.
const FIRST: &[Portion] = &[Portion::UnixDumps, Portion::UnixText, Portion::Others];
/// The second look: only what comes and goes.
const SECOND: &[Portion] = &[Portion::UnixDumps, Portion::Others];

/// Inode of the network namespace that the collector itself is in; 0: not known.
pub(crate) fn own(root: &OwnedFd) -> u64 {
    let mut buffer = [0; 64];
    let link = read_link(root, c"self/ns/net", &mut buffer);
    link.ok().and_then(namespace_inode).unwrap_or(0)
}

/// Reads all namespaces.
pub(crate) fn read_all(plan: &Plan<'_>, sink: &Sink) -> io::Result<Tables> {
    let portions = if plan.pass == 1 { FIRST } else { SECOND };
    let tasks: Vec<_> = portions
        .iter()
        .flat_map(|portion| plan.spaces.iter().map(move |space| (space, portion)))
        .collect();
    let next = AtomicUsize::new(0);
    let silent = Silent::default();
    let work = || -> io::Result<Tables> {
        let mut lane = sink.lane()?;
        let mut asker = Asker::default();
        let mut tables = Tables::default();
        while let Some((space, portion)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
            visit(
                plan,
                space,
                **portion,
                &mut asker,
                &silent,
                &mut lane,
                &mut tables,
            )?;
        }
        Ok(tables)
    };
    std::thread::scope(|scope| {
        let readers = plan.jobs.min(tasks.len());
        let threads: Vec<_> = (1..readers)
            .map(|_| std::thread::Builder::new().spawn_scoped(scope, work))
            .collect();
        let mut tables = work()?;
        for thread in threads {
            match thread?.join() {
                Ok(other) => tables.merge(other?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(tables)
    })
}

/// Reads one portion of one namespace, on a thread that does nothing else when it must be entered:
/// a thread that has gone over cannot be trusted with anything of the collector's own.
fn visit(
    plan: &Plan<'_>,
    space: &Space,
    portion: Portion,
    asker: &mut Asker,
    silent: &Silent,
    lane: &mut Lane,
    tables: &mut Tables,
) -> io::Result<()> {
    if space.own {
        return read(plan, space, portion, Ok(()), lane, tables);
    }
    let door = match plan.config.netns {
        NetnsChoice::Own => Err(Errno::CANCELED),
        NetnsChoice::All => silent.open(plan.root, space, asker),
    };
    std::thread::scope(|scope| {
        let inside = || {
            let entered = door.and_then(|door| {
                move_into_link_name_space(door.as_fd(), Some(LinkNameSpaceType::Network))
            });
            read(plan, space, portion, entered, lane, tables)
        };
        match std::thread::Builder::new()
            .spawn_scoped(scope, inside)?
            .join()
        {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn read(
    plan: &Plan<'_>,
    space: &Space,
    portion: Portion,
    entered: Result<(), Errno>,
    lane: &mut Lane,
    tables: &mut Tables,
) -> io::Result<()> {
    let config = plan.config;
    if entered == Err(Errno::CANCELED) {
        // --netns own: that it exists is recorded, nothing more.
        if matches!(portion, Portion::UnixDumps) {
            record(plan, space, entered, None, lane)?;
        }
        return Ok(());
    }
    match portion {
        Portion::UnixDumps => {
            let socket = entered.and_then(|()| diag::Socket::open());
            record(plan, space, entered, socket.as_ref().ok(), lane)?;
            if plan.pass == 1 {
                tables.spaces += 1;
                tables.entered += u64::from(entered.is_ok());
            }
            if !plan.modules.may_ask("unix_diag") {
                return not_asked(plan, space, "diag/unix", lane);
            }
            diag::unix::read(space, plan.pass, socket, lane, tables)
        }
        Portion::UnixText => {
            let place = text::Place::new(plan.root, space, entered.is_ok());
            place.unix(config.keep_pointers, lane)
        }
        Portion::Others => {
            others(plan, space, entered, lane, tables)?;
            if plan.pass > 1 {
                return Ok(());
            }
            let place = text::Place::new(plan.root, space, entered.is_ok());
            place.others(lane)
        }
    }
}

/// The families beyond Unix, and what else netlink tells of a namespace.
fn others(
    plan: &Plan<'_>,
    space: &Space,
    entered: Result<(), Errno>,
    lane: &mut Lane,
    tables: &mut Tables,
) -> io::Result<()> {
    let mut socket = entered.and_then(|()| diag::Socket::open());
    let asked = if plan.pass == 1 {
        FAMILIES.len()
    } else {
        RESTLESS
    };
    for family in &FAMILIES[..asked] {
        match &mut socket {
            Err(errno) => {
                let raw = lane.raw(space.header(family.source, plan.pass));
                raw.finish(number(*errno), 0)?;
            }
            Ok(_) if !plan.modules.may_ask(family.module) => {
                not_asked(plan, space, family.source, lane)?;
            }
            Ok(socket) => {
                let into = if family.has_holders() {
                    &mut tables.inodes
                } else {
                    &mut tables.other_inodes
                };
                let note = |bytes: &[u8]| into.extend(family.inodes(bytes));
                family.read(space, plan.pass, socket, lane, note)?;
            }
        }
    }
    if plan.pass > 1 {
        return Ok(());
    }
    if let Err(errno) = entered {
        for source in ["route/addr", "netfilter/conntrack"] {
            lane.raw(space.header(source, 1)).finish(number(errno), 0)?;
        }
        return Ok(());
    }
    diag::route::addresses(space, lane)?;
    if plan.conntrack {
        diag::route::conntrack(space, lane)
    } else {
        not_asked(plan, space, "netfilter/conntrack", lane)
    }
}

/// A source that is left alone, since asking would make the kernel load a module.
fn not_asked(plan: &Plan<'_>, space: &Space, source: &str, lane: &mut Lane) -> io::Result<()> {
    let raw = lane.raw(space.header(source, plan.pass));
    raw.finish(0, RawHeader::NO_MODULE)
}

fn record(
    plan: &Plan<'_>,
    space: &Space,
    entered: Result<(), Errno>,
    socket: Option<&diag::Socket>,
    lane: &mut Lane,
) -> io::Result<()> {
    if plan.pass > 1 {
        return Ok(());
    }
    let record = Netns {
        inode: space.inode,
        cookie: socket.and_then(diag::Socket::netns_cookie),
        found_by: space.way.source.name().to_vec(),
        pid: match space.way.source {
            Source::Mount => 0,
            _ => space.way.pid,
        },
        path: match space.way.source {
            Source::Descriptor => format!("/proc/{}/fd/{}", space.way.pid, space.way.fd).into(),
            _ => space.way.path.clone(),
        },
        own: space.own,
        enter_errno: entered.err().map_or(0, number),
    };
    lane.record(BlockKind::Namespaces, &record)
}
