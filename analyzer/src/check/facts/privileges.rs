//! Privileges, containers and namespaces of processes.

use whotalks_snapshot::records::Process as Record;

use super::base::Facts;
use super::process_tree;
use crate::load::proc_pid;
use crate::model::{HostId, ProcessId};

/// Capabilities that are as good as root: DAC_OVERRIDE, SETUID, SYS_MODULE, SYS_RAWIO, SYS_PTRACE,
/// SYS_ADMIN (`linux/capability.h`).
const ROOT_EQUIVALENT: u64 = 1 << 1 | 1 << 7 | 1 << 16 | 1 << 17 | 1 << 19 | 1 << 21;

impl<'a> Facts<'a> {
    /// The record of a process in its capture.
    pub(crate) fn record(&self, process: ProcessId) -> Option<&'a Record> {
        let records = self.records.get_or_init(|| self.index_records());
        records.get(process.index()).copied().flatten()
    }

    fn index_records(&self) -> Vec<Option<&'a Record>> {
        let mut records = vec![None; self.map.processes.len()];
        for (host, capture) in self.captures.iter().enumerate() {
            for record in &capture.processes {
                let Some(id) = process_tree::find(self.map, host as u32, record.pid) else {
                    continue;
                };
                // Of the processes that had one pid, the one that the map has.
                let start = proc_pid::stat(&record.stat).map(|stat| stat.start_ticks);
                if start.is_none_or(|ticks| ticks == self.map.process(id).start_ticks) {
                    records[id.index()] = Some(record);
                }
            }
        }
        records
    }

    /// Whether a process has the rights of root on the host itself, not only in a user namespace.
    pub(crate) fn is_privileged(&self, id: ProcessId) -> bool {
        let process = self.map.process(id);
        let host = self.host_record(process.host);
        let in_userns = host.is_some_and(|host| {
            host.userns != 0 && process.userns.is_some_and(|own| own != host.userns)
        });
        let record = self.record(id);
        let effective = record.and_then(|it| proc_pid::effective_capabilities(&it.status));
        let is_root = effective.map(|effective| effective & ROOT_EQUIVALENT != 0);
        !in_userns && is_root.unwrap_or(process.uid == Some(0))
    }

    /// Whether a process is in a container: by its control group, or because both its mount and its
    /// pid namespace are not the host's.
    pub(crate) fn is_in_container(&self, id: ProcessId) -> bool {
        let process = self.map.process(id);
        let other =
            |own: Option<u64>, hosts: u64| hosts != 0 && own.is_some_and(|own| own != hosts);
        process.container.is_some()
            || self.host_record(process.host).is_some_and(|host| {
                other(process.pidns, host.pidns) && other(process.mntns, host.mntns)
            })
    }

    /// The first characters of the name or id of a process's container, else its pid namespace.
    pub(crate) fn container_name(&self, id: ProcessId) -> String {
        let process = self.map.process(id);
        match &process.container {
            Some(container) => {
                let name = container.name.as_ref().unwrap_or(&container.id);
                let short: String = name.chars().take(12).collect();
                crate::text::escape::display(short.as_bytes())
            }
            None => format!("pid namespace {}", process.pidns.unwrap_or_default()),
        }
    }

    /// The record of a host in its capture.
    pub(crate) fn host_record(&self, host: HostId) -> Option<&'a whotalks_snapshot::records::Host> {
        self.captures.get(host.index())?.host.as_ref()
    }
}
