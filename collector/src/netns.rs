//! Reads network namespaces: enters each on its own thread, and reads its socket tables.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use whotalks_snapshot::BlockKind;
use whotalks_snapshot::records::{Netns, RawHeader};

use crate::args::{Config, NetnsChoice};
use crate::block_channel::{BlockEncoder, BlockSender};
use crate::diag::families::{FAMILIES, REPEATED};
use crate::diag::{self, NOTABLE_LIMIT, SocketTables};
use crate::discovered::{NetnsLocation, NetnsSource};
use crate::kernel_modules::Modules;
use crate::netns_open::UnresponsiveNetns;
use crate::proc::{errno_number, namespace_inode, read_link};
use crate::timeout::HelperThread;
use crate::{clock, proc_net};

/// A network namespace to read.
#[derive(Debug, Clone)]
pub(crate) struct Namespace {
    pub(crate) inode: u64,
    pub(crate) location: NetnsLocation,
    pub(crate) own: bool,
    /// The open namespace, if only a socket refers to it.
    pub(crate) file: Option<Arc<OwnedFd>>,
}

impl Namespace {
    /// Returns the header of a raw source of this namespace.
    pub(crate) fn header(&self, source: &str, pass: u8) -> RawHeader {
        RawHeader {
            source: source.as_bytes().to_vec(),
            netns: self.inode,
            pass,
            at_boottime_ns: clock::read_time_ns(),
            ..RawHeader::default()
        }
    }
}

/// What the readers need to know.
pub(crate) struct Plan<'a> {
    pub(crate) root: &'a Arc<OwnedFd>,
    pub(crate) config: &'a Config,
    pub(crate) namespaces: &'a [Namespace],
    pub(crate) modules: &'a Modules,
    /// Whether the connection tracking dump is available without loading a module.
    pub(crate) conntrack: bool,
    /// 1, or 2 for the second look.
    pub(crate) pass: u8,
    pub(crate) jobs: usize,
}

/// Parts of a namespace that several readers can share.
#[derive(Debug, Clone, Copy)]
enum Portion {
    /// The Unix dumps, and the `Netns` record.
    UnixDumps,
    /// `/proc/net/unix`.
    UnixText,
    /// All other sources.
    Others,
}

/// Order of the first look: the dumps of all namespaces come first, as soon as possible after the
/// descriptors.
const FIRST_LOOK: &[Portion] = &[Portion::UnixDumps, Portion::UnixText, Portion::Others];
/// Order of the second look: only dumps of sockets that are created and closed often.
const SECOND_LOOK: &[Portion] = &[Portion::UnixDumps, Portion::Others];

/// Returns the inode of the collector's own network namespace; 0 if not known.
pub(crate) fn own_inode(root: &OwnedFd) -> u64 {
    let mut buffer = [0; 64];
    let link = read_link(root, c"self/ns/net", &mut buffer);
    link.ok().and_then(namespace_inode).unwrap_or(0)
}

/// Reads all namespaces on `jobs` threads.
pub(crate) fn read_all(plan: &Plan<'_>, blocks: &BlockSender) -> io::Result<SocketTables> {
    let portions = if plan.pass == 1 {
        FIRST_LOOK
    } else {
        SECOND_LOOK
    };
    let tasks: Vec<_> = portions
        .iter()
        .flat_map(|portion| {
            plan.namespaces
                .iter()
                .map(move |namespace| (namespace, portion))
        })
        .collect();
    let next = AtomicUsize::new(0);
    let unresponsive = UnresponsiveNetns::default();
    let work = || -> io::Result<SocketTables> {
        let mut encoder = blocks.encoder()?;
        let mut helper = HelperThread::default();
        let mut tables = SocketTables::default();
        while let Some((namespace, portion)) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
            read_portion(
                plan,
                namespace,
                **portion,
                &mut helper,
                &unresponsive,
                &mut encoder,
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

/// Reads one portion of one namespace. Enters a foreign namespace on a thread of its own, which
/// ends afterwards, so that no other work runs in the wrong namespace.
fn read_portion(
    plan: &Plan<'_>,
    namespace: &Namespace,
    portion: Portion,
    helper: &mut HelperThread,
    unresponsive: &UnresponsiveNetns,
    encoder: &mut BlockEncoder,
    tables: &mut SocketTables,
) -> io::Result<()> {
    if namespace.own {
        return read_inside(plan, namespace, portion, Ok(()), encoder, tables);
    }
    let file = match plan.config.netns {
        NetnsChoice::Own => Err(Errno::CANCELED),
        NetnsChoice::All => unresponsive.open(plan.root, namespace, helper),
    };
    std::thread::scope(|scope| {
        let inside = || {
            let entered = file.and_then(|file| {
                move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
            });
            read_inside(plan, namespace, portion, entered, encoder, tables)
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

fn read_inside(
    plan: &Plan<'_>,
    namespace: &Namespace,
    portion: Portion,
    entered: Result<(), Errno>,
    encoder: &mut BlockEncoder,
    tables: &mut SocketTables,
) -> io::Result<()> {
    let config = plan.config;
    if entered == Err(Errno::CANCELED) {
        // `--netns own`: record only that it exists.
        if matches!(portion, Portion::UnixDumps) {
            record_namespace(plan, namespace, entered, None, encoder)?;
        }
        return Ok(());
    }
    match portion {
        Portion::UnixDumps => {
            let socket = entered.and_then(|()| diag::Socket::open());
            record_namespace(plan, namespace, entered, socket.as_ref().ok(), encoder)?;
            if plan.pass == 1 {
                tables.namespaces += 1;
                tables.entered += u64::from(entered.is_ok());
            }
            if !plan.modules.may_use("unix_diag") {
                return record_not_asked(plan, namespace, "diag/unix", encoder);
            }
            diag::unix::read(namespace, plan.pass, socket, encoder, tables)
        }
        Portion::UnixText => {
            let proc_net = proc_net::ProcNet::new(plan.root, namespace, entered.is_ok());
            proc_net.unix(config.keep_pointers, encoder)
        }
        Portion::Others => {
            read_other_families(plan, namespace, entered, encoder, tables)?;
            if plan.pass > 1 {
                return Ok(());
            }
            let proc_net = proc_net::ProcNet::new(plan.root, namespace, entered.is_ok());
            proc_net.others(encoder)
        }
    }
}

/// Reads the families other than Unix, and the other netlink sources.
fn read_other_families(
    plan: &Plan<'_>,
    namespace: &Namespace,
    entered: Result<(), Errno>,
    encoder: &mut BlockEncoder,
    tables: &mut SocketTables,
) -> io::Result<()> {
    let mut socket = entered.and_then(|()| diag::Socket::open());
    let count = if plan.pass == 1 {
        FAMILIES.len()
    } else {
        REPEATED
    };
    for family in &FAMILIES[..count] {
        match &mut socket {
            Err(errno) => {
                let raw = encoder.raw(namespace.header(family.source, plan.pass));
                raw.finish(errno_number(*errno), 0)?;
            }
            Ok(_) if !plan.modules.may_use(family.module) => {
                record_not_asked(plan, namespace, family.source, encoder)?;
            }
            Ok(socket) => {
                let into = if family.has_holders() {
                    &mut tables.inodes
                } else {
                    &mut tables.other_inodes
                };
                let notable = &mut tables.notable;
                let note = |bytes: &[u8]| {
                    for (inode, listens) in family.inodes(bytes) {
                        into.push(inode);
                        if listens && notable.len() < NOTABLE_LIMIT {
                            notable.insert(inode);
                        }
                    }
                };
                family.read(namespace, plan.pass, socket, encoder, note)?;
            }
        }
    }
    if plan.pass > 1 {
        return Ok(());
    }
    if let Err(errno) = entered {
        for source in ["route/addr", "route/link", "netfilter/conntrack"] {
            encoder
                .raw(namespace.header(source, 1))
                .finish(errno_number(errno), 0)?;
        }
        return Ok(());
    }
    diag::route::addresses(namespace, encoder)?;
    diag::route::interfaces(namespace, encoder)?;
    if plan.conntrack {
        diag::route::conntrack(namespace, encoder)
    } else {
        record_not_asked(plan, namespace, "netfilter/conntrack", encoder)
    }
}

/// Records that a source was not requested, because the kernel would load a module.
fn record_not_asked(
    plan: &Plan<'_>,
    namespace: &Namespace,
    source: &str,
    encoder: &mut BlockEncoder,
) -> io::Result<()> {
    let raw = encoder.raw(namespace.header(source, plan.pass));
    raw.finish(0, RawHeader::NO_MODULE)
}

fn record_namespace(
    plan: &Plan<'_>,
    namespace: &Namespace,
    entered: Result<(), Errno>,
    socket: Option<&diag::Socket>,
    encoder: &mut BlockEncoder,
) -> io::Result<()> {
    if plan.pass > 1 {
        return Ok(());
    }
    let record = Netns {
        inode: namespace.inode,
        cookie: socket.and_then(diag::Socket::netns_cookie),
        found_by: namespace.location.source.name().to_vec(),
        pid: match namespace.location.source {
            NetnsSource::Mount => 0,
            _ => namespace.location.pid,
        },
        path: match namespace.location.source {
            NetnsSource::Descriptor => format!("/proc/{}", namespace.location.descriptor()).into(),
            _ => namespace.location.path.clone(),
        },
        own: namespace.own,
        enter_errno: entered.err().map_or(0, errno_number),
    };
    encoder.record(BlockKind::Namespaces, &record)
}
