//! Compares the rights and the program of processes that are in both maps, or were replaced by others of
//! their role.
//!
//! Of a process that is in both maps each value is compared. Of a role whose processes were replaced
//! the sets of values are: which of a pool has which is chance.

use std::collections::BTreeSet;

use super::context::Context;
use super::report::{Alteration, Aspect};
use super::side::{OldNew, Side};
use crate::graph::{By, group_label};
use crate::model::{Map, Process, ProcessId};
use crate::text::escape;

/// Aspects of processes, and how to read them; `None`: not known.
type Read = fn(&Map, &Process) -> Option<String>;
const ASPECTS: [(Aspect, Read); 5] = [
    (Aspect::User, user),
    (Aspect::Capabilities, capabilities),
    (Aspect::Executable, executable),
    (Aspect::ExecutableFile, executable_file),
    (Aspect::Namespace, namespaces),
];

/// One row for each group, aspect and change.
pub(super) fn compare(context: &Context<'_>) -> Vec<Alteration> {
    let mut rows = Vec::new();
    for (aspect, read) in ASPECTS {
        for group in 0..context.members.len() {
            // A process that became another program is in two groups.
            let mut changes = same_processes(context, group, read);
            changes.extend(replaced(context, group, aspect, read));
            changes.sort();
            let equal = |a: &Altered, b: &Altered| {
                (&a.from, &a.to, a.old_group) == (&b.from, &b.to, b.old_group)
            };
            let label = |group: usize| context.groups.labels.text(group as u32).to_owned();
            for change in changes.chunk_by(equal) {
                let all = |side: Side| {
                    let ids = change.iter().flat_map(|change| change.processes.of(side));
                    ids.copied().collect()
                };
                rows.push(Alteration {
                    aspect,
                    from: change[0].from.clone(),
                    to: change[0].to.clone(),
                    roles: OldNew {
                        old: label(change[0].old_group),
                        new: label(group),
                    },
                    processes: OldNew::from_fn(all),
                    listener: None,
                });
            }
        }
    }
    rows.sort_by(|a, b| (a.aspect, &a.roles.new, &a.from).cmp(&(b.aspect, &b.roles.new, &b.from)));
    rows
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Altered {
    from: String,
    to: String,
    old_group: usize,
    processes: OldNew<Vec<ProcessId>>,
}

/// The changes of processes that are certainly in both maps.
fn same_processes(context: &Context<'_>, group: usize, read: Read) -> Vec<Altered> {
    let maps = context.maps;
    let members = context.members[group].new.iter();
    let changes = members.filter_map(|new| {
        let old = context.matching.same_process(Side::New, *new)?;
        let from = read(maps.old, maps.old.process(old))?;
        let to = read(maps.new, maps.new.process(*new))?;
        (from != to).then(|| Altered {
            from,
            to,
            old_group: context.groups.group(Side::Old, old) as usize,
            processes: OldNew {
                old: vec![old],
                new: vec![*new],
            },
        })
    });
    changes.collect()
}

/// The change of what the replaced processes of a group have, and their successors.
fn replaced(context: &Context<'_>, group: usize, aspect: Aspect, read: Read) -> Option<Altered> {
    // Other groups have many programs.
    let is_one_program = matches!(context.options.by, By::Role | By::Process | By::Socket);
    // After an upgrade the old processes run a deleted file, and the new ones do not. Namespaces have
    // other numbers after each start.
    if !is_one_program || matches!(aspect, Aspect::ExecutableFile | Aspect::Namespace) {
        return None;
    }
    let members = &context.members[group];
    let processes = OldNew::from_fn(|side| {
        let gone = members.of(side).iter().copied();
        let gone = gone.filter(|id| !context.matching.is_same(side, *id));
        gone.filter(|id| context.matching.process(side, *id).is_some())
            .collect::<Vec<ProcessId>>()
    });
    let values = OldNew::from_fn(|side| {
        let map = context.maps.of(side);
        let values = processes.of(side).iter();
        let values = values.map(|id| read(map, map.process(*id)));
        values.collect::<Option<BTreeSet<String>>>()
    });
    let (old, new) = (values.old?, values.new?);
    let text = |values: BTreeSet<String>| values.into_iter().collect::<Vec<_>>().join(", ");
    let is_changed = !old.is_empty() && !new.is_empty() && old != new;
    is_changed.then(|| Altered {
        from: text(old),
        to: text(new),
        old_group: group,
        processes,
    })
}

fn user(map: &Map, process: &Process) -> Option<String> {
    process.uid?;
    Some(group_label(map, process, By::User))
}

fn capabilities(_: &Map, process: &Process) -> Option<String> {
    let set = process.capabilities?;
    let names = CAPABILITIES.split_ascii_whitespace();
    let count = names.clone().count();
    let all = (1_u64 << count) - 1;
    if set & all == all {
        return Some("all".to_owned());
    }
    let held = names.enumerate().filter(|(bit, _)| set & 1 << bit != 0);
    let held: Vec<&str> = held.map(|(_, name)| name).collect();
    Some(match held[..] {
        [] => "none".to_owned(),
        _ => held.join(" "),
    })
}

/// By bit (`linux/capability.h`).
const CAPABILITIES: &str = "
    chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable
    net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio
    sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time
    sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog
    wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore
";

fn executable(_: &Map, process: &Process) -> Option<String> {
    (!process.exe.is_empty()).then(|| escape::display(&process.exe))
}

fn executable_file(_: &Map, process: &Process) -> Option<String> {
    let state = if process.exe_deleted {
        "deleted"
    } else {
        "exists"
    };
    (!process.exe.is_empty()).then(|| state.to_owned())
}

fn namespaces(_: &Map, process: &Process) -> Option<String> {
    let all = [
        ("net", process.netns?),
        ("mnt", process.mntns?),
        ("pid", process.pidns?),
        ("user", process.userns?),
    ];
    Some(all.map(|(kind, inode)| format!("{kind}:{inode}")).join(" "))
}
