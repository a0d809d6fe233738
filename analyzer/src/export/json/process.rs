//! Processes.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::export::exact_text::ExactText;
use crate::export::time::rfc3339;
use crate::model::{Container, Map, ProcessId};
use crate::text::escape;

/// A process.
#[derive(Debug, Serialize)]
pub struct ProcessDocument<'a> {
    id: String,
    host: String,
    pid: u32,
    ns_pid: u32,
    start_ticks: u64,
    started_at: String,
    ppid: u32,
    comm: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    comm_hex: Option<String>,
    exe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exe_hex: Option<String>,
    exe_deleted: bool,
    cmdline: Vec<String>,
    /// All arguments, if escaping changed one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    cmdline_hex: Option<Vec<String>>,
    uid: Option<u32>,
    user: Option<String>,
    unit: Option<&'a str>,
    container: Option<ContainerDocument<'a>>,
    cgroup: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup_hex: Option<String>,
    netns: Option<u64>,
    mntns: Option<u64>,
    pidns: Option<u64>,
    fds_status: &'static str,
    fd_counts: &'a BTreeMap<Box<str>, u32>,
    /// In a union of captures: in how many it was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<u32>,
}

#[derive(Debug, Serialize)]
struct ContainerDocument<'a> {
    id: &'a str,
    name: Option<&'a str>,
    runtime: &'static str,
    /// The containers around it, outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    within: Vec<ContainerDocument<'a>>,
}

fn container(container: &Container) -> ContainerDocument<'_> {
    ContainerDocument {
        id: &container.id,
        name: container.name.as_deref(),
        runtime: container.runtime,
        within: container.within.iter().map(self::container).collect(),
    }
}

/// Describes a process.
pub fn process(map: &Map, id: ProcessId) -> ProcessDocument<'_> {
    let process = map.process(id);
    let comm = ExactText::new(&process.comm);
    let exe = (!process.exe.is_empty()).then(|| ExactText::new(&process.exe));
    let cgroup = ExactText::new(&process.cgroup);
    let arguments: Vec<ExactText> = process.arguments().map(ExactText::new).collect();
    let changed = arguments.iter().any(|argument| argument.hex.is_some());
    let cmdline_hex = changed.then(|| process.arguments().map(escape::hex).collect());
    ProcessDocument {
        id: crate::id::process(map, id),
        host: crate::id::host(process.host),
        pid: process.pid,
        ns_pid: process.ns_pid,
        start_ticks: process.start_ticks,
        started_at: rfc3339(process.started_at_ns),
        ppid: process.ppid,
        comm: comm.text,
        comm_hex: comm.hex,
        exe: exe.as_ref().map(|exe| exe.text.clone()),
        exe_hex: exe.and_then(|exe| exe.hex),
        exe_deleted: process.exe_deleted,
        cmdline: arguments
            .into_iter()
            .map(|argument| argument.text)
            .collect(),
        cmdline_hex,
        uid: process.uid,
        user: process.user.as_deref().map(escape::display),
        unit: process.unit.as_deref(),
        container: process.container.as_ref().map(container),
        cgroup: cgroup.text,
        cgroup_hex: cgroup.hex,
        netns: process.netns,
        mntns: process.mntns,
        pidns: process.pidns,
        fds_status: process.fds_status.as_str(),
        fd_counts: &process.fd_counts,
        seen: map.seen.as_ref().map(|seen| seen.processes[id.index()]),
    }
}
