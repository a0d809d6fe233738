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
use crate::diag::Tables;
use crate::found::{Found, Source, Tally, Way};
use crate::holders::{self, Holders};
use crate::modules::{self, Modules};
use crate::netns::{self, Space};
use crate::one_by_one::one_by_one;
use crate::paths::{self, Question};
use crate::proc::scan::Known;
use crate::proc::{fdinfo, numeric_entries, scan};
use crate::recent::Mark;
use crate::sink::Sink;
use crate::stray;
use crate::{cgroups, clock, host, machine, mounts, patience, users};

/// A second look may take as long as the first, and this more.
const GRACE: Duration = Duration::from_millis(100);

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
    pub(crate) spaces: u64,
    pub(crate) entered: u64,
    pub(crate) unix_sockets: u64,
}

/// Reads everything once.
pub(crate) fn capture(run: &Run<'_>, sink: &Sink) -> io::Result<Summary> {
    let (root, config) = (&run.root, run.config);
    patience::begin();
    let mut lane = sink.lane()?;
    let host = host::record(root, &run.uname, config, run.arguments);
    lane.record(BlockKind::Host, &host)?;
    modules::record(root, 1, &mut lane)?;
    let modules = if config.passive {
        Modules::present(root, &run.uname)
    } else {
        Modules::Any
    };

    drop(lane); // the readers have lanes of their own, and each takes memory

    let begun = Instant::now();
    let mark = Mark::now(root);
    let pids = numeric_entries(root)?;
    let plan = scan::Plan {
        root: root.clone(),
        cmdline: config.cmdline,
        waits: config.waits,
        everything: config.fdinfo == FdinfoChoice::All,
        pids,
        pass: 1,
        known: BTreeMap::new(),
        stuck: run.stuck().clone(),
        deadline: None,
        jobs: run.jobs,
    };
    let mut found = scan::run(plan, sink)?;
    run.stuck().extend(&found.stuck);
    let mut end = CaptureEnd {
        started_realtime_ns: host.started_realtime_ns,
        descriptors_boottime_ns: clock::boottime_ns(),
        ..CaptureEnd::default()
    };
    let took = begun.elapsed();

    mounts::read_all(root, &mut found, &mut sink.lane()?)?;
    let spaces = spaces(root, &found);
    let plan = netns::Plan {
        root,
        config,
        spaces: &spaces,
        modules: &modules,
        conntrack: Modules::loaded(root).may_ask("nf_conntrack_netlink"),
        pass: 1,
        jobs: run.jobs,
    };
    let mut tables = std::thread::scope(|scope| {
        // For its locks the kernel waits until every core has let go of them: somebody else's time.
        let machine = || machine::record(root, &mut sink.lane()?);
        let machine = std::thread::Builder::new().spawn_scoped(scope, machine);
        let tables = netns::read_all(&plan, sink);
        let machine = machine?.join();
        machine.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        tables
    })?;
    tables.sort();
    let mut holders = Holders::count(&found.kept, run.jobs);
    let mut all = spaces.clone();
    let unlisted = holders.not_listed(tables.listed());
    let ask = !config.passive && config.netns == NetnsChoice::All;
    stray::record(&unlisted, ask, &mut sink.lane()?)?;
    if ask {
        let strays = stray::spaces(&found.kept, &unlisted, &spaces);
        let only = netns::Plan {
            spaces: &strays,
            ..plan
        };
        if !strays.is_empty() {
            tables.merge(netns::read_all(&only, sink)?);
            tables.sort();
        }
        all = [all, strays].concat();
    }
    let plan = netns::Plan {
        spaces: &all,
        ..plan
    };
    end.tables_boottime_ns = clock::boottime_ns();

    let deadline = Instant::now() + took + GRACE;
    end.second_look = second_look(
        run,
        sink,
        deadline,
        &plan,
        &mut found,
        &mut tables,
        &holders,
        &mark,
    )?;
    if found.changed {
        holders = Holders::count(&found.kept, run.jobs);
    }

    if config.fdinfo != FdinfoChoice::None {
        let mut wanted = holders::choose(config.fdinfo, &found.kept, &holders, &tables.notable);
        let stuck = run.stuck().clone();
        wanted.retain(|wanted| !stuck.contains(&wanted.pid));
        fdinfo::read_all(root, &wanted, run.jobs, sink)?;
    }
    let mut lane = sink.lane()?;
    paths::read_all(root, questions(config, &found, &tables), &mut lane)?;
    cgroups::record(&found.cgroups, &mut lane)?;
    modules::record(root, 2, &mut lane)?;
    lane.all(BlockKind::Users, &users::named(&found.uids))?;

    end.ended_realtime_ns = clock::realtime_ns();
    end.ended_boottime_ns = clock::boottime_ns();
    end.processes_seen = found.tally.processes;
    end.processes_vanished = found.tally.vanished;
    end.processes_denied = found.tally.denied;
    end.processes_partial = found.tally.partial;
    end.descriptors = found.tally.descriptors;
    end.unix_sockets = tables.unix_sockets;
    lane.record(BlockKind::End, &end)?;
    Ok(Summary {
        tally: found.tally,
        spaces: tables.spaces,
        entered: tables.entered,
        unix_sockets: tables.unix_sockets,
    })
}

/// The namespaces that were found, and the collector's own.
fn spaces(root: &OwnedFd, found: &Found) -> Vec<Space> {
    let own = netns::own(root);
    let mut spaces: Vec<_> = found
        .netns
        .iter()
        .map(|(&inode, way)| Space {
            inode,
            way: way.clone(),
            own: inode == own,
            file: None,
        })
        .collect();
    if !found.netns.contains_key(&own) {
        let way = Way {
            source: Source::Process,
            pid: std::process::id(),
            fd: 0,
            path: Vec::new(),
        };
        spaces.push(Space {
            inode: own,
            way,
            own: true,
            file: None,
        });
    }
    // The own one first: it is most often the one with the most in it.
    if let Some(at) = spaces.iter().position(|space| space.own) {
        spaces[..=at].rotate_right(1);
    }
    spaces
}

/// Which paths each mount namespace is asked for: all absolute ones, since each may reach any; and
/// what a socket's holder sees of its own socket, whose name may be relative or below its own root.
fn questions(config: &Config, found: &Found, tables: &Tables) -> Vec<Question> {
    let absolute = |path: &&Vec<u8>| path.first() == Some(&b'/');
    let everywhere: Arc<Vec<_>> = Arc::new(tables.paths.keys().filter(absolute).cloned().collect());
    let mut questions: Vec<_> = found
        .mntns
        .iter()
        .map(|(&mntns, &(_, pid))| Question {
            mntns,
            pid,
            paths: everywhere.clone(),
            executables: found
                .deleted
                .iter()
                .filter(|(of, _)| *of == mntns)
                .map(|(_, path)| path.clone())
                .collect(),
            walk: !config.passive,
            passive: config.passive,
        })
        .collect();
    let sockets = one_by_one(tables.paths.values().map(|inode| u64::from(*inode)));
    let holders = holders::first_holders(&found.kept, &sockets);
    let homes: BTreeMap<_, _> = one_by_one(found.kept.iter().map(|kept| (kept.pid, kept.home)));
    let mut own: BTreeMap<u32, Vec<Vec<u8>>> = BTreeMap::new();
    for (path, inode) in &tables.paths {
        if let Some((pid, _)) = holders.get(&u64::from(*inode))
            && (!absolute(&path) || homes.get(pid).is_some_and(|(_, elsewhere)| *elsewhere))
        {
            own.entry(*pid).or_default().push(path.clone());
        }
    }
    questions.extend(own.into_iter().map(|(pid, paths)| Question {
        mntns: homes.get(&pid).map_or(0, |(mntns, _)| *mntns),
        pid,
        paths: Arc::new(paths),
        executables: Vec::new(),
        walk: false,
        passive: config.passive,
    }));
    questions
}

/// Looks again at what came while the first look went on: always at new processes, at all tables
/// where a socket has no holder and is young, and at the dumps where a table was different.
#[expect(
    clippy::too_many_arguments,
    reason = "everything that the first look found"
)]
fn second_look(
    run: &Run<'_>,
    sink: &Sink,
    deadline: Instant,
    plan: &netns::Plan<'_>,
    found: &mut Found,
    tables: &mut Tables,
    holders: &Holders,
    mark: &Mark,
) -> io::Result<u8> {
    let mut pids = numeric_entries(&run.root)?;
    let whole = found.kept.iter().filter(|kept| kept.tid == 0);
    let known: BTreeMap<_, _> = one_by_one(whole.map(|kept| {
        let (start_ticks, fingerprint) = (kept.start_ticks, kept.fingerprint);
        (
            kept.pid,
            Known {
                start_ticks,
                fingerprint,
            },
        )
    }));
    let everybody = holders.any_without_holder(&tables.inodes, |inode| mark.is_before(inode));
    if everybody {
        pids.retain(|pid| known.contains_key(pid) || !found.seen.contains(pid));
    } else {
        pids.retain(|pid| !found.seen.contains(pid));
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
        everything: run.config.fdinfo == FdinfoChoice::All,
        pids,
        pass: 2,
        known,
        stuck: BTreeSet::new(),
        deadline: Some(deadline),
        jobs: run.jobs,
    };
    let later = scan::run(again, sink)?;
    run.stuck().extend(&later.stuck);
    let reach = match (everybody, later.cut) {
        (_, true) => 3,
        (true, false) => 2,
        (false, false) => 1,
    };
    // The dumps are asked again only for what they lack: sockets that came after them.
    let different = later.changed || !later.kept.is_empty();
    let unlisted = Holders::count(&later.kept, run.jobs).not_listed(tables.listed());
    found.renew(later);
    if !unlisted.is_empty() {
        let plan = netns::Plan { pass: 2, ..*plan };
        tables.merge(netns::read_all(&plan, sink)?);
    }
    found.changed = different;
    Ok(reach)
}
