//! The second look: reads again what may have changed during the first look.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Instant;

use crate::args::FdinfoChoice;
use crate::block_channel::BlockSender;
use crate::capture::Run;
use crate::diag::SocketTables;
use crate::discovered::Discovered;
use crate::holders::Holders;
use crate::insert_each::insert_each;
use crate::netns;
use crate::proc::numeric_entries;
use crate::proc::scan::{self, KnownTable};

/// Reads new processes, all descriptor tables if `reread_all` is set, and the socket dumps if a
/// table has changed. Stops at `deadline`. Returns the value of `CaptureEnd::second_look`.
pub(crate) fn run(
    run: &Run<'_>,
    blocks: &BlockSender,
    deadline: Instant,
    plan: &netns::Plan<'_>,
    discovered: &mut Discovered,
    tables: &mut SocketTables,
    reread_all: bool,
) -> io::Result<u8> {
    let mut pids = numeric_entries(&run.root)?;
    let known = known_tables(discovered);
    if reread_all {
        pids.retain(|pid| known.contains_key(pid) || !discovered.seen.contains(pid));
    } else {
        pids.retain(|pid| !discovered.seen.contains(pid));
    }
    // The collector's own table differs in every look.
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
    // The dumps are read again only if they lack a socket that is now held.
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

/// Returns the tables of the first look by pid. Private tables of threads are not read again.
fn known_tables(discovered: &Discovered) -> BTreeMap<u32, KnownTable> {
    let shared = discovered.retained.iter().filter(|table| table.tid == 0);
    insert_each(shared.map(|table| {
        let known = KnownTable {
            start_ticks: table.start_ticks,
            fingerprint: table.fingerprint,
        };
        (table.pid, known)
    }))
}
