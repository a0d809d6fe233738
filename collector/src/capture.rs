//! Takes one capture, from its `Host` block to its `End` block.
//!
//! Descriptor tables are read first, socket tables after them. A socket that is created in between
//! then has a table entry and no holder, and the second look finds the holder.

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
use crate::proc::{fdinfo, numeric_entries, scan};
use crate::{
    cgroup_ids, clock, container_names, host, ipc, mountinfo, namespace_files, namespace_users,
    second_look, shared_files, system_tables, timeout, unlisted_sockets, users,
};

/// The second look may take as long as the first, plus this.
const SECOND_LOOK_GRACE: Duration = Duration::from_millis(100);

/// What all captures of a run share.
pub(crate) struct Run<'a> {
    pub(crate) root: Arc<OwnedFd>,
    pub(crate) uname: Uname,
    pub(crate) config: &'a Config,
    pub(crate) arguments: &'a [OsString],
    pub(crate) jobs: usize,
    /// Processes that did not respond in this capture or an earlier one.
    pub(crate) stuck: Mutex<BTreeSet<u32>>,
}

impl Run<'_> {
    pub(crate) fn stuck(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.stuck.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Numbers for the summary line.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) tally: Tally,
    pub(crate) namespaces: u64,
    pub(crate) entered: u64,
    pub(crate) unix_sockets: u64,
}

/// Takes one capture.
pub(crate) fn capture(run: &Run<'_>, blocks: &BlockSender) -> io::Result<Summary> {
    let root = &run.root;
    let passive = run.config.passive;
    timeout::reset();
    let (mut end, modules) = record_start(run, blocks)?;

    let begun = Instant::now();
    let counters = InodeCounters::sample(root);
    let pids = numeric_entries(root)?;
    let mut discovered = scan::run(first_scan(run, pids), blocks)?;
    run.stuck().extend(&discovered.stuck);
    end.descriptors_boottime_ns = clock::boottime_ns();
    let first_look = begun.elapsed();

    mountinfo::read_all(root, &mut discovered, &mut blocks.encoder()?)?;
    namespace_files::record(root, &mut discovered, (1, passive), &mut blocks.encoder()?)?;
    let namespaces = namespaces_to_read(root, &discovered);
    let plan = netns::Plan {
        root,
        config: run.config,
        namespaces: &namespaces,
        modules: &modules,
        conntrack: Modules::loaded(root).may_use("nf_conntrack_netlink"),
        pass: 1,
        jobs: run.jobs,
    };
    let (mut tables, locked) = read_tables(&plan, blocks)?;
    let mut holders = Holders::count(&discovered.retained, run.jobs);
    let orphans = read_orphans(&plan, blocks, &discovered, &holders, &mut tables)?;
    let namespaces = [&namespaces[..], &orphans].concat();
    let plan = netns::Plan {
        namespaces: &namespaces,
        ..plan
    };
    end.tables_boottime_ns = clock::boottime_ns();

    let deadline = Instant::now() + first_look + SECOND_LOOK_GRACE;
    let reread_all =
        holders.any_without_holder(&tables.inodes, |inode| counters.may_be_newer(inode));
    end.second_look = second_look::run(
        run,
        blocks,
        deadline,
        &plan,
        &mut discovered,
        &mut tables,
        reread_all,
    )?;
    if discovered.changed {
        holders = Holders::count(&discovered.retained, run.jobs);
        namespace_files::record(root, &mut discovered, (2, passive), &mut blocks.encoder()?)?;
    }
    read_fdinfo(run, blocks, &discovered, &tables, &holders, &locked)?;
    let encoder = &mut blocks.encoder()?;
    shared_files::record(
        root,
        &discovered.retained,
        &discovered.file_systems,
        encoder,
    )?;
    let enter = run.config.netns == NetnsChoice::All;
    ipc::record(root, &discovered.ipcns, enter, encoder)?;
    record_end(run, blocks, &discovered, &tables, end)
}

/// Records the host and the loaded modules. Returns the `End` record to be completed, and the
/// modules that may be used.
fn record_start(run: &Run<'_>, blocks: &BlockSender) -> io::Result<(CaptureEnd, Modules)> {
    // Dropped on return: the readers have encoders of their own, and each takes memory.
    let mut encoder = blocks.encoder()?;
    let host = host::record(&run.root, &run.uname, run.config, run.arguments);
    encoder.record(BlockKind::Host, &host)?;
    kernel_modules::record(&run.root, 1, &mut encoder)?;
    let modules = if run.config.passive {
        Modules::present(&run.root, &run.uname)
    } else {
        Modules::Any
    };
    let end = CaptureEnd {
        started_realtime_ns: host.started_realtime_ns,
        ..CaptureEnd::default()
    };
    Ok((end, modules))
}

/// The plan of the first scan of all processes.
fn first_scan(run: &Run<'_>, pids: Vec<u32>) -> scan::Plan {
    scan::Plan {
        root: run.root.clone(),
        cmdline: run.config.cmdline,
        waits: run.config.waits,
        retain_all: run.config.fdinfo == FdinfoChoice::All,
        pids,
        pass: 1,
        known: BTreeMap::new(),
        stuck: run.stuck().clone(),
        deadline: None,
        jobs: run.jobs,
    }
}

/// Reads the socket tables of all namespaces, and at the same time the system-wide tables. Returns also
/// the inodes of locked files.
fn read_tables(
    plan: &netns::Plan<'_>,
    blocks: &BlockSender,
) -> io::Result<(SocketTables, BTreeSet<u64>)> {
    let (mut tables, locked) = std::thread::scope(|scope| {
        // On its own thread: reading `/proc/locks` waits for every CPU to release a lock, which
        // takes time but no work here.
        let system = || system_tables::record(plan.root, &mut blocks.encoder()?);
        let system = std::thread::Builder::new().spawn_scoped(scope, system);
        let tables = netns::read_all(plan, blocks);
        let system = system?.join();
        let locked = system.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok::<_, io::Error>((tables?, locked))
    })?;
    tables.sort();
    Ok((tables, locked))
}

/// Finds the namespaces that only a socket refers to, and reads their tables.
fn read_orphans(
    plan: &netns::Plan<'_>,
    blocks: &BlockSender,
    discovered: &Discovered,
    holders: &Holders,
    tables: &mut SocketTables,
) -> io::Result<Vec<Namespace>> {
    let unlisted = holders.unlisted_sockets(tables.listed());
    let ask = !plan.config.passive && plan.config.netns == NetnsChoice::All;
    unlisted_sockets::record(&discovered.retained, &unlisted, ask, &mut blocks.encoder()?)?;
    if !ask {
        return Ok(Vec::new());
    }
    let orphans = orphan_netns::find(&discovered.retained, &unlisted, plan.namespaces);
    if !orphans.is_empty() {
        let plan = netns::Plan {
            namespaces: &orphans,
            ..*plan
        };
        tables.merge(netns::read_all(&plan, blocks)?);
        tables.sort();
    }
    Ok(orphans)
}

/// Reads the fdinfo that `--fdinfo` selects, except of processes that did not answer before.
fn read_fdinfo(
    run: &Run<'_>,
    blocks: &BlockSender,
    discovered: &Discovered,
    tables: &SocketTables,
    holders: &Holders,
    locked: &BTreeSet<u64>,
) -> io::Result<()> {
    let choice = run.config.fdinfo;
    if choice == FdinfoChoice::None {
        return Ok(());
    }
    let mut requests = holders::choose_fdinfo(
        choice,
        &discovered.retained,
        holders,
        &tables.notable,
        locked,
    );
    let stuck = run.stuck().clone();
    requests.retain(|request| !stuck.contains(&request.pid));
    fdinfo::read_all(&run.root, &requests, run.jobs, blocks)
}

/// Records what the earlier steps refer to (paths, cgroups, users), then the end of the capture.
fn record_end(
    run: &Run<'_>,
    blocks: &BlockSender,
    discovered: &Discovered,
    tables: &SocketTables,
    end: CaptureEnd,
) -> io::Result<Summary> {
    let (root, tally) = (&run.root, discovered.tally);
    let mut encoder = blocks.encoder()?;
    let requests = lookup_requests(run.config, discovered, tables);
    bound_paths::read_all(root, requests, &mut encoder)?;
    cgroup_ids::record(&discovered.cgroups, &mut encoder)?;
    kernel_modules::record(root, 2, &mut encoder)?;
    encoder.records(BlockKind::Users, &users::named(&discovered.uids))?;
    namespace_users::record(root, discovered, run.config.passive, &mut encoder)?;
    container_names::record(
        &discovered.containers,
        &discovered.docker_roots,
        &mut encoder,
    )?;
    let end = CaptureEnd {
        ended_realtime_ns: clock::realtime_ns(),
        ended_boottime_ns: clock::boottime_ns(),
        processes_seen: tally.processes,
        processes_vanished: tally.vanished,
        processes_denied: tally.denied,
        processes_partial: tally.partial,
        descriptors: tally.descriptors,
        unix_sockets: tables.unix_sockets,
        ..end
    };
    encoder.record(BlockKind::End, &end)?;
    Ok(Summary {
        tally,
        namespaces: tables.namespaces,
        entered: tables.entered,
        unix_sockets: tables.unix_sockets,
    })
}

/// Returns the network namespaces that were discovered, and the collector's own.
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
            tid: 0,
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
    // The collector's own first: it is usually the largest.
    if let Some(at) = namespaces.iter().position(|namespace| namespace.own) {
        namespaces[..=at].rotate_right(1);
    }
    namespaces
}

/// Returns the paths to look up in each mount namespace.
///
/// Absolute paths are looked up in all of them, because each path may be bound in any. Paths that
/// are relative, or bound by a process with another root, are looked up through a holder of the
/// socket.
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
