//! Coverage: whether two maps are comparable, and which differences missing data may explain.
//!
//! What was not captured explains nothing: such differences are counted, not reported.

use super::caveats::{caveats, namespaces, pid_namespaces_differ, unread_processes};
use super::host_pair::{HostPair, HostRelation};
use super::side::{OldNew, Side};
use crate::model::{Host, Map, Readable};

/// The coverage of both maps, compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Both were read equally well: what is in one and not in the other did change.
    pub comparable: bool,
    /// What was not read, or only in one; sentences.
    pub caveats: Vec<String>,
    /// Names cannot be compared, and so nothing can.
    pub other_names: bool,
    gaps: OldNew<Gaps>,
}

/// What may be missing in one map although the other has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Gaps {
    /// Processes that were visible to the other capture.
    processes: bool,
    /// Anything: parts of the file are lost.
    all: bool,
    /// Holders of sockets and pipes.
    holders: bool,
    /// Inodes of the network namespaces that are listed and could not be read.
    unread: Vec<u64>,
    /// Inodes of the network namespaces that were read.
    read: Vec<u64>,
    /// Network namespaces may exist that are not listed.
    unlisted: bool,
}

impl Coverage {
    /// Compares what was read of both maps.
    pub(super) fn compare(maps: OldNew<&Map>, pairs: &[HostPair]) -> Self {
        let mut coverage = Self {
            comparable: true,
            ..Self::default()
        };
        for pair in pairs {
            let hosts = OldNew::from_fn(|side| &maps.of(side).hosts[pair.host(side).index()]);
            let caveats = caveats(hosts, pair.relation, pairs.len() > 1);
            coverage.caveats.extend(caveats);
            coverage.other_names |= pair.relation == HostRelation::OtherNames;
            coverage.add(hosts);
        }
        coverage.comparable &= !coverage.other_names;
        if pairs.len() < maps.old.hosts.len().max(maps.new.hosts.len()) {
            coverage.comparable = false;
            let caveat = "a host is in one of the two only";
            coverage.caveats.push(caveat.to_owned());
        }
        coverage
    }

    fn add(&mut self, hosts: OldNew<&Host>) {
        let OldNew { old, new } = hosts;
        let (unread_old, unread_new) = (unread_processes(old), unread_processes(new));
        // One or two processes that not even root can read are the same ones in both.
        let few = unread_old <= 2 && unread_new <= 2;
        let mut equal = old.euid == new.euid
            && !pid_namespaces_differ(hosts)
            && (unread_old == unread_new || few);
        for side in Side::BOTH {
            let gaps = Gaps::between(hosts.of(side), hosts.of(side.other()));
            equal &= gaps.unread.is_empty() && !gaps.all && !gaps.processes;
            self.gaps.of_mut(side).merge(gaps);
        }
        self.comparable &= equal;
    }

    /// Whether a process that is only in the other map may exist here too.
    pub(super) fn explains_process(&self, lacking: Side) -> bool {
        let gaps = self.gaps.of(lacking);
        gaps.processes || gaps.all
    }

    /// Whether a socket of a network namespace that is only in the other map may exist here too.
    pub(super) fn explains_socket(
        &self,
        lacking: Side,
        netns: Option<u64>,
        same_boot: bool,
    ) -> bool {
        let gaps = self.gaps.of(lacking);
        let Some(netns) = netns else { return true };
        let unread = match same_boot {
            true => gaps.unread.contains(&netns),
            // Inodes of namespaces are not comparable between boots.
            false => !gaps.unread.is_empty(),
        };
        let unlisted = gaps.unlisted && (!same_boot || !gaps.read.contains(&netns));
        gaps.all || unread || unlisted && !gaps.read.is_empty() && same_boot
    }

    /// Whether holders of a socket may be missing on this side.
    pub(super) fn hides_holders(&self, side: Side) -> bool {
        self.gaps.of(side).holders
    }

    /// Whether parts of the file of this side are lost.
    pub(super) fn is_damaged(&self, side: Side) -> bool {
        self.gaps.of(side).all
    }
}

impl Gaps {
    /// What a capture of a host may lack of what the other capture has.
    fn between(host: &Host, other: &Host) -> Self {
        let (coverage, others) = (&host.coverage, &other.coverage);
        let damaged = !coverage.damage.is_empty();
        let less_privileged = host.euid != other.euid && host.euid != Some(0);
        Self {
            processes: coverage.hidepid && (less_privileged || !others.hidepid)
                || !coverage.initial_pidns && others.initial_pidns,
            all: damaged,
            holders: unread_processes(host) > 0 || damaged || coverage.hidepid,
            unread: namespaces(&coverage.netns, |diag| diag != Readable::Ok),
            read: namespaces(&coverage.netns, |diag| diag == Readable::Ok),
            unlisted: less_privileged,
        }
    }

    fn merge(&mut self, other: Self) {
        self.processes |= other.processes;
        self.all |= other.all;
        self.holders |= other.holders;
        self.unlisted |= other.unlisted;
        self.unread.extend(other.unread);
        self.read.extend(other.read);
    }
}
