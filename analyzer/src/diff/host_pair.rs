//! Pairs the hosts of the two maps.

use super::side::{OldNew, Side};
use crate::model::{Host, HostId, Map, Process, ProcessId};

/// How the hosts of a pair relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostRelation {
    /// The same machine, not rebooted in between.
    SameBoot,
    /// The same boot, captured from another pid namespace: pids are not comparable.
    Elsewhere,
    /// The same machine, rebooted in between.
    Rebooted,
    /// Apparently the same machine; the boot id of one of the captures is missing.
    Unknown,
    /// Two machines.
    Different,
    /// Names cannot be compared: one of the two is redacted, or both are with different keys.
    OtherNames,
}

/// A host of the first map and the host of the second that it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostPair {
    /// The host in the first map.
    pub old: HostId,
    /// The host in the second map.
    pub new: HostId,
    /// How the two relate.
    pub relation: HostRelation,
}

impl HostPair {
    /// The host in the map of a side.
    pub(super) fn host(&self, side: Side) -> HostId {
        match side {
            Side::Old => self.old,
            Side::New => self.new,
        }
    }

    /// Whether pids and socket cookies identify the same things in both maps.
    pub(super) fn is_same_boot(&self) -> bool {
        self.relation == HostRelation::SameBoot
    }
}

/// Pairs each host with the most certain partner left: same boot, same machine, same name, then in
/// order.
pub(super) fn pair_hosts(maps: OldNew<&Map>) -> Vec<HostPair> {
    let OldNew { old, new } = maps;
    let mut unpaired: Vec<HostId> = (0..new.hosts.len()).map(HostId::new).collect();
    let mut pairs: Vec<Option<HostPair>> = vec![None; old.hosts.len()];
    let tests: [fn(&Host, &Host) -> bool; 4] = [same_boot, same_machine, same_name, |_, _| true];
    for is_match in tests {
        for (index, host) in old.hosts.iter().enumerate() {
            if pairs[index].is_some() {
                continue;
            }
            let mut candidates = unpaired.iter();
            let partner = candidates.position(|id| is_match(host, &new.hosts[id.index()]));
            let Some(partner) = partner else { continue };
            let id = unpaired.remove(partner);
            pairs[index] = Some(HostPair {
                old: HostId::new(index),
                new: id,
                relation: relation(host, &new.hosts[id.index()]),
            });
        }
    }
    pairs.into_iter().flatten().collect()
}

/// Boot times of one boot differ by the clock's corrections.
const BOOT_NS: u64 = 5_000_000_000;

/// Whether equal names of two hosts are the same: not where one is redacted, nor where one boot has two
/// ids.
fn have_equal_names(old: &Host, new: &Host) -> bool {
    let is_one_boot = old.booted_at_ns.abs_diff(new.booted_at_ns) < BOOT_NS;
    let has_one_name = old.boot_id == new.boot_id || old.machine_id == new.machine_id;
    match (old.is_redacted, new.is_redacted) {
        (false, false) => true,
        (true, true) => !is_one_boot || has_one_name || old.hostname == new.hostname,
        _ => false,
    }
}

fn relation(old: &Host, new: &Host) -> HostRelation {
    if !have_equal_names(old, new) {
        return HostRelation::OtherNames;
    }
    let known = |field: fn(&Host) -> &[u8]| !field(old).is_empty() && !field(new).is_empty();
    let differ = |field: fn(&Host) -> &[u8]| known(field) && field(old) != field(new);
    if same_boot(old, new) {
        HostRelation::SameBoot
    } else if differ(|host| &host.hostname) || differ(|host| &host.machine_id) {
        HostRelation::Different
    } else if !known(|host| &host.boot_id) {
        HostRelation::Unknown
    } else if differ(|host| &host.boot_id) {
        HostRelation::Rebooted
    } else {
        HostRelation::Elsewhere
    }
}

/// Containers share the boot id of their host but not its processes: the pid namespace and the name
/// must be the same too.
fn same_boot(old: &Host, new: &Host) -> bool {
    let boot = !old.boot_id.is_empty() && old.boot_id == new.boot_id;
    boot && old.pidns == new.pidns && same_name(old, new)
}

/// Compares the name, and the machine id where both have one. The machine id alone is not enough:
/// containers may share that of their host.
fn same_machine(old: &Host, new: &Host) -> bool {
    let known = !old.machine_id.is_empty() && !new.machine_id.is_empty();
    same_name(old, new) && (!known || old.machine_id == new.machine_id)
}

fn same_name(old: &Host, new: &Host) -> bool {
    old.hostname == new.hostname
}

/// The host that a host is compared with.
pub(super) fn partner(pairs: &[HostPair], side: Side, host: HostId) -> Option<HostId> {
    let mut pairs = pairs.iter();
    let pair = pairs.find(|pair| pair.host(side) == host)?;
    Some(pair.host(side.other()))
}

/// Whether what is on a host can be identified in the other map.
pub(super) fn is_same_boot(pairs: &[HostPair], side: Side, host: HostId) -> bool {
    let mut pairs = pairs.iter();
    pairs.any(|pair| pair.host(side) == host && pair.is_same_boot())
}

/// The processes of a host.
pub(super) fn processes_of(map: &Map, host: HostId) -> impl Iterator<Item = (ProcessId, &Process)> {
    let processes = map.processes.iter().enumerate();
    let of_host = processes.filter(move |(_, process)| process.host == host);
    of_host.map(|(index, process)| (ProcessId::new(index), process))
}
