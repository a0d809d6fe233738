//! Whether two maps can be compared, and what only their coverage explains.

use super::{OldNew, Side};
use crate::model::{Host, HostId, Map, NetnsCoverage, Process, ProcessId, Readable};
use crate::text::escape;

/// What two hosts are to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostRelation {
    /// The same machine, not restarted between.
    SameBoot,
    /// The same boot, seen from another pid namespace, where pids mean something else.
    Elsewhere,
    /// The same machine, restarted between.
    Rebooted,
    /// The same machine as far as is known, and whether it was restarted between is not: which boot
    /// one of the captures is of was not captured, or is lost.
    Unknown,
    /// Two machines.
    Different,
}

/// A host of the first map and the host of the second that it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostPair {
    /// In the first map.
    pub old: HostId,
    /// In the second.
    pub new: HostId,
    /// What they are to each other.
    pub relation: HostRelation,
}

/// Each host with the most certain partner that is left: same boot, same machine, same name, then
/// by order.
pub(super) fn pair_hosts(old: &Map, new: &Map) -> Vec<HostPair> {
    let mut left: Vec<HostId> = (0..new.hosts.len()).map(HostId::new).collect();
    let mut partner: Vec<Option<HostPair>> = vec![None; old.hosts.len()];
    let tests: [fn(&Host, &Host) -> bool; 4] = [same_boot, same_machine, same_name, |_, _| true];
    for fits in tests {
        for (at, host) in old.hosts.iter().enumerate() {
            if partner[at].is_some() {
                continue;
            }
            let Some(place) = left
                .iter()
                .position(|id| fits(host, &new.hosts[id.index()]))
            else {
                continue;
            };
            let id = left.remove(place);
            partner[at] = Some(HostPair {
                old: HostId::new(at),
                new: id,
                relation: relation(host, &new.hosts[id.index()]),
            });
        }
    }
    partner.into_iter().flatten().collect()
}

fn relation(old: &Host, new: &Host) -> HostRelation {
    let known = |of: fn(&Host) -> &[u8]| !of(old).is_empty() && !of(new).is_empty();
    let differ = |of: fn(&Host) -> &[u8]| known(of) && of(old) != of(new);
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

/// Containers share their host's boot, not its processes: pids mean the same in one pid namespace
/// only.
fn same_boot(old: &Host, new: &Host) -> bool {
    let boot = !old.boot_id.is_empty() && old.boot_id == new.boot_id;
    boot && old.pidns == new.pidns && same_name(old, new)
}

/// By name, and machine id where both have one: containers share their host's.
fn same_machine(old: &Host, new: &Host) -> bool {
    let known = !old.machine_id.is_empty() && !new.machine_id.is_empty();
    same_name(old, new) && (!known || old.machine_id == new.machine_id)
}

fn same_name(old: &Host, new: &Host) -> bool {
    old.hostname == new.hostname
}

/// What was read of both, and what that means for the comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Both were read equally well: what is in one and not in the other did change.
    pub comparable: bool,
    /// What was not read, or only in one; sentences.
    pub caveats: Vec<String>,
    gaps: OldNew<Gaps>,
}

/// What one map may lack of what the other has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Gaps {
    /// Processes that the other's collector could see.
    processes: bool,
    /// Every kind of thing: parts of the file are lost.
    all: bool,
    /// Who holds what.
    holders: bool,
    /// Namespaces that are listed and could not be read.
    unread: Vec<u64>,
    /// Namespaces that were read.
    read: Vec<u64>,
    /// Namespaces may exist that are not even listed.
    unlisted: bool,
}

impl Coverage {
    /// Compares what was read.
    pub(super) fn of(old: &Map, new: &Map, hosts: &[HostPair]) -> Self {
        let mut coverage = Self {
            comparable: true,
            ..Self::default()
        };
        for pair in hosts {
            let two = (&old.hosts[pair.old.index()], &new.hosts[pair.new.index()]);
            coverage.add(two.0, two.1, pair.relation, hosts.len() > 1);
        }
        if hosts.len() < old.hosts.len().max(new.hosts.len()) {
            coverage.comparable = false;
            coverage
                .caveats
                .push("a host is in one of the two only".to_owned());
        }
        coverage
    }

    fn add(&mut self, old: &Host, new: &Host, relation: HostRelation, named: bool) {
        let hosts = OldNew { old, new };
        let prefix = match named {
            true => format!("{}: ", escape::display(&new.hostname)),
            false => String::new(),
        };
        let mut said: Vec<(Option<Side>, String)> = Vec::new();
        let users = OldNew {
            old: old.euid,
            new: new.euid,
        };
        let mut equal = users.old == users.new;
        if !equal {
            let text = format!(
                "the old one was captured by {}, the new one by {}",
                user(users.old),
                user(users.new)
            );
            said.push((None, text));
        }
        if relation == HostRelation::Unknown {
            let which = match (old.boot_id.is_empty(), new.boot_id.is_empty()) {
                (true, true) => "the two are",
                (true, false) => "the old one is",
                _ => "the new one is",
            };
            let text = format!("which boot {which} of is not known: processes are matched by role");
            said.push((None, text));
        }
        let unread = |host: &Host| host.coverage.partial + host.coverage.denied;
        if relation == HostRelation::Elsewhere {
            let text = "the two were captured in different pid namespaces of one boot: processes \
                        are matched by role";
            said.push((None, text.to_owned()));
        }
        let lost = old.pidns.is_none() || new.pidns.is_none();
        if !lost && old.coverage.initial_pidns != new.coverage.initial_pidns {
            equal = false;
            let text = "one of the two was captured within a pid namespace, and saw no process \
                        outside of it";
            said.push((None, text.to_owned()));
        }
        for side in Side::BOTH {
            let (host, other) = (*hosts.of(side), *hosts.of(side.other()));
            let (mine, theirs) = (&host.coverage, &other.coverage);
            let mut say = |text: String| said.push((Some(side), text));
            if unread(host) > 0 {
                let all = mine.read + mine.vanished + unread(host);
                say(format!(
                    "{} of {all} processes could not be read",
                    unread(host)
                ));
            }
            if mine.hidepid {
                say("/proc hides other users' processes".to_owned());
            }
            if let Some(first) = mine.damage.first() {
                let more = match mine.damage.len() {
                    1 => String::new(),
                    count => format!(" (and {} more)", count - 1),
                };
                say(format!("the file is damaged: {first}{more}"));
            }
            let closed = namespaces(&mine.netns, |diag| diag != Readable::Ok);
            if !closed.is_empty() {
                say(format!(
                    "{} of {} network namespaces could not be read",
                    closed.len(),
                    mine.netns.len()
                ));
            }
            let open = namespaces(&mine.netns, |diag| diag == Readable::Ok);
            let weaker = users.of(side) != users.of(side.other()) && *users.of(side) != Some(0);
            let holders = unread(host) > 0 || !mine.damage.is_empty() || mine.hidepid;
            let gaps = Gaps {
                processes: mine.hidepid && (weaker || !theirs.hidepid)
                    || !mine.initial_pidns && theirs.initial_pidns,
                all: !mine.damage.is_empty(),
                holders,
                unread: closed,
                read: open,
                unlisted: weaker,
            };
            equal &= gaps.unread.is_empty() && !gaps.all && !gaps.processes;
            self.gaps.of_mut(side).join(gaps);
        }
        // One or two that are closed even to root are the same ones in both.
        let few = |host: &Host| unread(host) <= 2;
        equal &= unread(old) == unread(new) || few(old) && few(new);
        self.comparable &= equal;
        for (side, text) in &said {
            let text = match side {
                Some(side) if said.contains(&(Some(side.other()), text.clone())) => {
                    if *side == Side::New {
                        continue;
                    }
                    format!("in both {text}")
                }
                Some(side) => format!("in the {} one {text}", word(*side)),
                None => text.clone(),
            };
            self.caveats.push(format!("{prefix}{text}"));
        }
    }

    /// Whether a process that only the other map has may exist here too.
    pub(super) fn explains_process(&self, lacking: Side) -> bool {
        let gaps = self.gaps.of(lacking);
        gaps.processes || gaps.all
    }

    /// Whether a socket of a network namespace that only the other map has may exist here too.
    pub(super) fn explains_socket(
        &self,
        lacking: Side,
        netns: Option<u64>,
        same_boot: bool,
    ) -> bool {
        let gaps = self.gaps.of(lacking);
        let Some(netns) = netns else { return true };
        let closed = match same_boot {
            true => gaps.unread.contains(&netns),
            // Their numbers mean nothing on another machine.
            false => !gaps.unread.is_empty(),
        };
        let unlisted = gaps.unlisted && (!same_boot || !gaps.read.contains(&netns));
        gaps.all || closed || unlisted && !gaps.read.is_empty() && same_boot
    }

    /// Whether it may not be known who holds a socket here.
    pub(super) fn hides_holders(&self, side: Side) -> bool {
        self.gaps.of(side).holders
    }

    /// Whether parts of this one are lost.
    pub(super) fn is_damaged(&self, side: Side) -> bool {
        self.gaps.of(side).all
    }
}

impl Gaps {
    fn join(&mut self, other: Self) {
        self.processes |= other.processes;
        self.all |= other.all;
        self.holders |= other.holders;
        self.unlisted |= other.unlisted;
        self.unread.extend(other.unread);
        self.read.extend(other.read);
    }
}

fn namespaces(all: &[NetnsCoverage], wanted: impl Fn(Readable) -> bool) -> Vec<u64> {
    let wanted = all.iter().filter(|ns| wanted(ns.diag));
    wanted.map(|ns| ns.inode).collect()
}

fn word(side: Side) -> &'static str {
    match side {
        Side::Old => "old",
        Side::New => "new",
    }
}

fn user(euid: Option<u32>) -> String {
    match euid {
        Some(0) => "root".to_owned(),
        Some(uid) => format!("user {uid}"),
        None => "an unknown user".to_owned(),
    }
}

/// The processes of a host; a map has them in one run.
pub(super) fn processes_of(map: &Map, host: HostId) -> impl Iterator<Item = (ProcessId, &Process)> {
    let of_host = move |(_, process): &(usize, &Process)| process.host == host;
    let all = map.processes.iter().enumerate().filter(of_host);
    all.map(|(at, process)| (ProcessId::new(at), process))
}
