//! One capture, from its `Host` block to its end: what is read in which order.
//!
//! Descriptors come first and tables after them: a socket that appears in between is then in a
//! table without a holder, which a second look can tell from one that nobody holds.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;

use rustix::system::Uname;
use whotalks_snapshot::BlockKind;
use whotalks_snapshot::records::CaptureEnd;

use crate::args::Config;
use crate::diag::Tables;
use crate::found::{Source, Tally, Way};
use crate::modules::{self, Modules};
use crate::netns::{self, Space};
use crate::proc::{numeric_entries, scan};
use crate::sink::Sink;
use crate::{clock, host, machine, mounts, users};

/// What all captures of a run share.
pub(crate) struct Run<'a> {
    pub(crate) root: OwnedFd,
    pub(crate) uname: Uname,
    pub(crate) config: &'a Config,
    pub(crate) arguments: &'a [OsString],
    pub(crate) jobs: usize,
}

/// For the summary line.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) tally: Tally,
    pub(crate) tables: Tables,
}

/// Reads everything once.
pub(crate) fn capture(run: &Run<'_>, sink: &Sink) -> io::Result<Summary> {
    let (root, config) = (&run.root, run.config);
    let mut lane = sink.lane()?;
    let host = host::record(root, &run.uname, config, run.arguments);
    lane.record(BlockKind::Host, &host)?;

    modules::record(root, 1, &mut lane)?;
    let modules = if config.passive {
        Modules::present(root, &run.uname)
    } else {
        Modules::Any
    };

    let pids = numeric_entries(&run.root)?;
    let plan = scan::Plan {
        root,
        pids: &pids,
        cmdline: config.cmdline,
        pass: 1,
        jobs: run.jobs,
    };
    let mut found = scan::run(&plan, sink)?;
    mounts::read_all(root, &mut found, &mut lane)?;

    let own = netns::own(root);
    let mut spaces: Vec<_> = found
        .netns
        .iter()
        .map(|(&inode, way)| Space {
            inode,
            way: way.clone(),
            own: inode == own,
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
        });
    }
    // The own one first: it is most often the one with the most in it.
    spaces.sort_by_key(|space| !space.own);
    let plan = netns::Plan {
        root,
        config,
        spaces: &spaces,
        modules: &modules,
        conntrack: Modules::loaded(root).may_ask("nf_conntrack_netlink"),
        jobs: run.jobs,
    };
    let tables = netns::read_all(&plan, sink)?;

    machine::record(root, &mut lane)?;
    modules::record(root, 2, &mut lane)?;
    lane.all(BlockKind::Users, &users::named(&found.uids))?;
    let end = CaptureEnd {
        ended_realtime_ns: clock::realtime_ns(),
        ended_boottime_ns: clock::boottime_ns(),
        processes_seen: found.tally.processes,
        processes_vanished: found.tally.vanished,
        descriptors: found.tally.descriptors,
        unix_sockets: tables.unix_sockets,
        processes_denied: found.tally.denied,
        processes_partial: found.tally.partial,
        ..CaptureEnd::default()
    };
    lane.record(BlockKind::End, &end)?;
    Ok(Summary {
        tally: found.tally,
        tables,
    })
}
