//! One capture, from its `Host` block to its end: what is read in which order.
//!
//! Descriptors come first and tables after them: a socket that appears in between is then in a
//! table without a holder, which a second look can tell from one that nobody holds.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::system::Uname;
use whotalks_snapshot::BlockKind;
use whotalks_snapshot::records::CaptureEnd;

use crate::args::{Config, FdinfoChoice, NetnsChoice};
use crate::block_channel::BlockSender;
use crate::bound_paths::{self, LookupRequest};
use crate::diag::SocketTables;
use crate::discovered::{Discovered, NetnsLocation, NetnsSource, Tally};
use crate::holders::{self, Holders};
use crate::inode_counters::InodeCounters;
use crate::insert_each::insert_each;
use crate::kernel_modules::{self, Modules};
use crate::netns::{self, Namespace};
use crate::orphan_netns;
use crate::proc::scan::KnownTable;
use crate::proc::{fdinfo, numeric_entries, scan};
use crate::{cgroup_ids, clock, host, mountinfo, system_tables, timeout, users};

/// A second look may take as long as the first, and this more.
const SECOND_LOOK_GRACE: Duration = Duration::from_millis(100);

/// What all captures of a run share.
pub(crate) struct Run<'a> {
    pub(crate) root: Arc<OwnedFd>,
    pub(crate) uname: Uname,
    pub(crate) config: &'a Config,
    pub(crate) arguments: &'a [OsString],
    pub(crate) jobs: usize,
    /// Processes that did not answer in this capture or an earlier one.
    pub(crate) stuck: Mutex<BTreeSet<u32>>,
}

impl Run<'_> {
    fn stuck(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.stuck.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For the summary line.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) tally: Tally,
    pub(crate) namespaces: u64,
    pub(crate) entered: u64,
    pub(crate) unix_sockets: u64,
}

/// Reads everything once.
pub(crate) fn capture(run: &Run<'_>, blocks: &BlockSender) -> io::Result<Summary> {
    let (root, config) = (&run.root, run.config);
    timeout::reset();
    let mut encoder = blocks.encoder()?;
    let host = host::record(root, &run.uname, config, run.arguments);
    encoder.record(BlockKind::Host, &host)?;
    kernel_modules::record(root, 1, &mut encoder)?;
    let modules = if config.passive {
        Modules::present(root, &run.uname)
    } else {
        Modules::Any
    };

    drop(encoder); // the readers have lanes of their own, and each takes memory

    let begun = Instant::now();
    let counters = InodeCounters::sample(root);
    let pids = numeric_entries(root)?;
    let plan = scan::Plan {
        root: root.clone(),
        cmdline: config.cmdline,
        waits: config.waits,
        retain_all: config.fdinfo == FdinfoChoice::All,
        pids,
        pass: 1,
        known: BTreeMap::new(),
        stuck: run.stuck().clone(),
        deadline: None,
        jobs: run.jobs,
    };
    let mut discovered = scan::run(plan, blocks)?;
    run.stuck().extend(&discovered.stuck);
    let mut end = CaptureEnd {
        started_realtime_ns: host.started_realtime_ns,
        descriptors_boottime_ns: clock::boottime_ns(),
        ..CaptureEnd::default()
    };
    let took = begun.elapsed();

    mountinfo::read_all(root, &mut discovered, &mut blocks.encoder()?)?;
    let namespaces = namespaces_to_read(root, &discovered);
    let plan = netns::Plan {
        root,
        config,
        namespaces: &namespaces,
        modules: &modules,
        conntrack: Modules::loaded(root).may_ask("nf_conntrack_netlink"),
        pass: 1,
        jobs: run.jobs,
    };
    let mut tables = std::thread::scope(|scope| {
        // For its locks the kernel waits until every core has let go of them: somebody else's time.
        let machine = || system_tables::record(root, &mut blocks.encoder()?);
        let machine = std::thread::Builder::new().spawn_scoped(scope, machine);
        let tables = netns::read_all(&plan, blocks);
        let machine = machine?.join();
        machine.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        tables
    })?;
    tables.sort();
    let mut holders = Holders::count(&discovered.retained, run.jobs);
    let mut all = namespaces.clone();
    let unlisted = holders.unlisted_sockets(tables.listed());
    let ask = !config.passive && config.netns == NetnsChoice::All;
    orphan_netns::record(&unlisted, ask, &mut blocks.encoder()?)?;
    if ask {
        let orphans = orphan_netns::find(&discovered.retained, &unlisted, &namespaces);
        let only = netns::Plan {
            namespaces: &orphans,
            ..plan
        };
        if !orphans.is_empty() {
            tables.merge(netns::read_all(&only, blocks)?);
            tables.sort();
        }
        all = [all, orphans].concat();
    }
    let plan = netns::Plan {
        namespaces: &all,
        ..plan
    };
    end.tables_boottime_ns = clock::boottime_ns();

    let deadline = Instant::now() + took + SECOND_LOOK_GRACE;
    end.second_look = second_look(
        run,
        blocks,
        deadline,
        &plan,
        &mut discovered,
        &mut tables,
        &holders,
        &counters,
    )?;
    if discovered.changed {
        holders = Holders::count(&discovered.retained, run.jobs);
    }

    if config.fdinfo != FdinfoChoice::None {
        let mut requests = holders::choose_fdinfo(
            config.fdinfo,
            &discovered.retained,
            &holders,
            &tables.notable,
        );
        let stuck = run.stuck().clone();
        requests.retain(|request| !stuck.contains(&request.pid));
        fdinfo::read_all(root, &requests, run.jobs, blocks)?;
    }
    let mut encoder = blocks.encoder()?;
    bound_paths::read_all(
        root,
        lookup_requests(config, &discovered, &tables),
        &mut encoder,
    )?;
    cgroup_ids::record(&discovered.cgroups, &mut encoder)?;
    kernel_modules::record(root, 2, &mut encoder)?;
    encoder.records(BlockKind::Users, &users::named(&discovered.uids))?;

    end.ended_realtime_ns = clock::realtime_ns();
    end.ended_boottime_ns = clock::boottime_ns();
    end.processes_seen = discovered.tally.processes;
    end.processes_vanished = discovered.tally.vanished;
    end.processes_denied = discovered.tally.denied;
    end.processes_partial = discovered.tally.partial;
    end.descriptors = discovered.tally.descriptors;
    end.unix_sockets = tables.unix_sockets;
    encoder.record(BlockKind::End, &end)?;
    Ok(Summary {
        tally: discovered.tally,
        namespaces: tables.namespaces,
        entered: tables.entered,
        unix_sockets: tables.unix_sockets,
    })
}

/// The namespaces that were discovered, and the collector's own.
fn namespaces_to_read(root: &OwnedFd, discovered: &Discovered) -> Vec<Namespace> {
    let own = netns::own_inode(root);
    let mut namespaces: Vec<_> = discovered
        .netns
        .iter()
        .map(|(&inode, location)| Namespace {
            inode,
            location: location.clone(),
            own: inode == own,
            file: None,
        })
        .collect();
    if !discovered.netns.contains_key(&own) {
        let location = NetnsLocation {
            source: NetnsSource::Process,
            pid: std::process::id(),
            fd: 0,
            path: Vec::new(),
        };
        namespaces.push(Namespace {
            inode: own,
            location,
            own: true,
            file: None,
        });
    }
    // The own one first: it is most often the one with the most in it.
    if let Some(at) = namespaces.iter().position(|namespace| namespace.own) {
        namespaces[..=at].rotate_right(1);
    }
    namespaces
}

/// Which paths each mount namespace is asked for: all absolute ones, since each may reach any; and
/// what a socket's holder sees of its own socket, whose name may be relative or below its own root.
fn lookup_requests(
    config: &Config,
    discovered: &Discovered,
    tables: &SocketTables,
) -> Vec<LookupRequest> {
    let absolute = |path: &&Vec<u8>| path.first() == Some(&b'/');
    let everywhere: Arc<Vec<_>> = Arc::new(tables.paths.keys().filter(absolute).cloned().collect());
    let mut lookup_requests: Vec<_> = discovered
        .mntns
        .iter()
        .map(|(&mntns, &(_, pid))| LookupRequest {
            mntns,
            pid,
            paths: everywhere.clone(),
            executables: discovered
                .deleted
                .iter()
                .filter(|(of, _)| *of == mntns)
                .map(|(_, path)| path.clone())
                .collect(),
            walk: !config.passive,
            passive: config.passive,
        })
        .collect();
    let sockets = insert_each(tables.paths.values().map(|inode| u64::from(*inode)));
    let holders = holders::first_holders(&discovered.retained, &sockets);
    let mount_roots: BTreeMap<_, _> = insert_each(
        discovered
            .retained
            .iter()
            .map(|retained| (retained.pid, retained.mount_root)),
    );
    let mut own: BTreeMap<u32, Vec<Vec<u8>>> = BTreeMap::new();
    for (path, inode) in &tables.paths {
        if let Some((pid, _)) = holders.get(&u64::from(*inode))
            && (!absolute(&path)
                || mount_roots
                    .get(pid)
                    .is_some_and(|(_, elsewhere)| *elsewhere))
        {
            own.entry(*pid).or_default().push(path.clone());
        }
    }
    lookup_requests.extend(own.into_iter().map(|(pid, paths)| LookupRequest {
        mntns: mount_roots.get(&pid).map_or(0, |(mntns, _)| *mntns),
        pid,
        paths: Arc::new(paths),
        executables: Vec::new(),
        walk: false,
        passive: config.passive,
    }));
    lookup_requests
}

/// Looks again at what came while the first look went on: always at new processes, at all tables
/// where a socket has no holder and is young, and at the dumps where a table was different.
#[expect(
    clippy::too_many_arguments,
    reason = "everything that the first look discovered"
)]
fn second_look(
    run: &Run<'_>,
    blocks: &BlockSender,
    deadline: Instant,
    plan: &netns::Plan<'_>,
    discovered: &mut Discovered,
    tables: &mut SocketTables,
    holders: &Holders,
    counters: &InodeCounters,
) -> io::Result<u8> {
    let mut pids = numeric_entries(&run.root)?;
    let whole = discovered
        .retained
        .iter()
        .filter(|retained| retained.tid == 0);
    let known: BTreeMap<_, _> = insert_each(whole.map(|retained| {
        let (start_ticks, fingerprint) = (retained.start_ticks, retained.fingerprint);
        (
            retained.pid,
            KnownTable {
                start_ticks,
                fingerprint,
            },
        )
    }));
    let reread_all =
        holders.any_without_holder(&tables.inodes, |inode| counters.may_be_newer(inode));
    if reread_all {
        pids.retain(|pid| known.contains_key(pid) || !discovered.seen.contains(pid));
    } else {
        pids.retain(|pid| !discovered.seen.contains(pid));
    }
    // The collector's own table is different at every look.
    let own = std::process::id();
    let stuck = run.stuck().clone();
    pids.retain(|pid| *pid != own && !stuck.contains(pid));
    if pids.is_empty() {
        return Ok(1);
    }
    let again = scan::Plan {
        root: run.root.clone(),
        cmdline: run.config.cmdline,
        waits: run.config.waits,
        retain_all: run.config.fdinfo == FdinfoChoice::All,
        pids,
        pass: 2,
        known,
        stuck: BTreeSet::new(),
        deadline: Some(deadline),
        jobs: run.jobs,
    };
    let later = scan::run(again, blocks)?;
    run.stuck().extend(&later.stuck);
    let reach = match (reread_all, later.cut) {
        (_, true) => 3,
        (true, false) => 2,
        (false, false) => 1,
    };
    // The dumps are asked again only for what they lack: sockets that came after them.
    let different = later.changed || !later.retained.is_empty();
    let unlisted = Holders::count(&later.retained, run.jobs).unlisted_sockets(tables.listed());
    discovered.renew(later);
    if !unlisted.is_empty() {
        let plan = netns::Plan { pass: 2, ..*plan };
        tables.merge(netns::read_all(&plan, blocks)?);
    }
    discovered.changed = different;
    Ok(reach)
}
