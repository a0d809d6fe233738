//! What the captures lack, as reasons why a rule has no sure answer.

use super::base::Facts;
use super::describe::plural;
use super::kinship::is_zombie;
use crate::model::{FdsStatus, HostId, ProcessId, Readable};

impl Facts<'_> {
    /// Why holders of sockets and pipes may be missing.
    ///
    /// Unread descriptors of service managers do not count: rules pass over sockets that those hold.
    pub(crate) fn missing_holders(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        let processes = self.map.processes.iter().enumerate();
        let unread = processes.filter(|(index, process)| {
            matches!(process.fds_status, FdsStatus::Partial | FdsStatus::Denied)
                && !self.process_tree.is_manager(ProcessId::new(*index))
                && !is_zombie(process)
        });
        let count = unread.count();
        if count > 0 {
            let processes = plural(count, "process's", "processes'");
            reasons.push(format!("{processes} descriptors could not be read"));
        }
        reasons.extend(self.hidden_processes());
        reasons
    }

    /// Why whole processes may be missing.
    pub(crate) fn hidden_processes(&self) -> Option<String> {
        let mut hosts = self.map.hosts.iter();
        let hidepid = hosts.any(|host| host.coverage.hidepid);
        hidepid.then(|| "/proc hides other users' processes".to_owned())
    }

    /// Whether reading a host gave a warning of this kind.
    pub(crate) fn has_warning(&self, host: HostId, kind: &str) -> bool {
        let mut warnings = self.map.warnings.iter();
        warnings.any(|warning| warning.host == host && warning.kind == kind)
    }

    /// Whether a part of a capture is lost.
    pub(crate) fn is_damaged(&self) -> bool {
        let mut hosts = self.map.hosts.iter();
        hosts.any(|host| !host.coverage.damage.is_empty())
    }

    /// Why Unix sockets of some network namespace may be missing, or known from the text table only.
    pub(crate) fn missing_dumps(&self) -> Option<String> {
        let namespaces = self.map.hosts.iter().flat_map(|host| &host.coverage.netns);
        let (mut all, mut bad) = (0, 0);
        for namespace in namespaces {
            all += 1;
            bad += usize::from(namespace.diag != Readable::Ok);
        }
        if all == 0 {
            return Some("no table of Unix sockets was captured".to_owned());
        }
        (bad > 0).then(|| {
            format!("the Unix sockets of {bad} of {all} network namespaces were not dumped whole")
        })
    }

    /// Why the namespaces of some processes are not known.
    pub(crate) fn missing_namespaces(&self) -> Option<String> {
        let processes = self.map.processes.iter();
        let unread = processes.filter(|process| {
            !is_zombie(process) && (process.netns.is_none() || process.pidns.is_none())
        });
        let count = unread.count();
        let processes = plural(count, "process's", "processes'");
        (count > 0).then(|| format!("{processes} namespaces could not be read"))
    }
}
