//! Damaged real captures, up to the map: lost data is unknown there, never "none".

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use whotalks::load::load;
use whotalks::model::{Map, SocketId, SocketKey, build_whole};
use whotalks_snapshot::Limits;
use whotalks_snapshot::block::BLOCK_HEADER_BYTES;

use crate::random::Random;
use crate::salvage::{damage, starts};

/// The inode of the first pid namespace (`PROC_PID_INIT_INO`).
const INITIAL_PIDNS: u64 = 0xEFFF_FFFC;

/// A capture of four processes.
pub(crate) fn small() -> Vec<u8> {
    sample("fuzz/seeds/tiny.whotalks")
}

/// A capture of a server.
pub(crate) fn server() -> Vec<u8> {
    sample("../snapshots/samples/server.whotalks")
}

fn sample(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The map of a sample. These were captured in containers, and so are never complete: here they are
/// taken for captures of whole machines, or nothing could be told from their completeness.
fn map(file: &[u8]) -> Map {
    let mut loaded = load(file, &Limits::default()).unwrap();
    for host in loaded.captures.iter_mut().filter_map(|c| c.host.as_mut()) {
        host.pidns = INITIAL_PIDNS;
    }
    build_whole(&[loaded], whotalks::model::At::Last).unwrap()
}

/// A map without the differences between a complete and a damaged file: by keys, not by indices.
struct Facts {
    complete: bool,
    /// Pid and descriptor of each socket's holders, and whether those are all.
    holders: BTreeMap<SocketKey, (BTreeSet<(u32, u32)>, bool)>,
    /// Both ends, the smaller one first.
    connections: BTreeSet<[SocketKey; 2]>,
    pids: BTreeSet<u32>,
}

impl Facts {
    fn of(map: &Map) -> Self {
        let key = |id: SocketId| map.socket(id).key;
        let pid = |holder: &whotalks::model::Holder| map.process(holder.process).pid;
        let ids = (0..map.sockets.len()).map(SocketId::new);
        let holders = ids.map(|id| {
            let holders = map.holders(id).iter();
            let who = holders.map(|holder| (pid(holder), holder.fd)).collect();
            (key(id), (who, map.socket(id).holders_complete))
        });
        let pairs = map.connections.iter().filter_map(|c| Some([c.a, c.b?]));
        Self {
            complete: map.hosts.iter().all(|host| host.coverage.complete),
            holders: holders.collect(),
            connections: pairs
                .map(|pair| {
                    let mut keys = pair.map(key);
                    keys.sort();
                    keys
                })
                .collect(),
            pids: map.processes.iter().map(|process| process.pid).collect(),
        }
    }

    /// A damaged map is a part of the complete one, and known to be incomplete.
    fn is_honest(&self, whole: &Self, what: &str) {
        assert!(!self.complete, "{what}: complete");
        assert!(self.pids.is_subset(&whole.pids), "{what}: processes");
        let invented: Vec<_> = self.connections.difference(&whole.connections).collect();
        assert!(invented.is_empty(), "{what}: {invented:?}");
        for (key, (holders, all)) in &self.holders {
            let Some((known, _)) = whole.holders.get(key) else {
                panic!("{what}: {key:?} was not there");
            };
            assert!(holders.is_subset(known), "{what}: {key:?} {holders:?}");
            assert!(
                !all || holders == known,
                "{what}: {key:?} is said to be held by {holders:?} alone, and is by {known:?}"
            );
        }
    }
}

fn whole(file: &[u8]) -> Facts {
    let facts = Facts::of(&map(file));
    assert!(facts.complete);
    assert!(facts.pids.len() > 2 && facts.connections.len() > 2);
    assert!(facts.holders.values().all(|(_, all)| *all));
    facts
}

/// A map depends on the blocks that are whole: a cut between two, in a header, and in a payload.
#[test]
fn maps_of_cut_samples_are_honest() {
    for file in [small(), server()] {
        let whole = whole(&file);
        for start in starts(&file) {
            for cut in [start, start + 1, start + BLOCK_HEADER_BYTES + 1] {
                if cut < file.len() {
                    let facts = Facts::of(&map(&file[..cut]));
                    facts.is_honest(&whole, &format!("cut at {cut}"));
                }
            }
        }
    }
}

#[test]
fn maps_of_damaged_samples_are_honest() {
    let file = server();
    let whole = whole(&file);
    let mut random = Random(77);
    for round in 0..1_000 {
        let (damaged, _) = damage(&file, &mut random);
        if damaged != file {
            let facts = Facts::of(&map(&damaged));
            facts.is_honest(&whole, &format!("round {round}"));
        }
    }
}
