//! Names of containers: from the files of their runtimes, as the collector has read them, and from the command
//! lines of the programs that monitor them.
//!
//! Reference: conmon(8): `conmon -c ID -n NAME`. CRI-O names containers
//! `k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT`, as the kubelet of Docker did.

use std::collections::HashMap;

use super::process::{Container, Process};
use crate::load::Capture;

/// Sets the names of containers that a file or a monitor names.
pub(super) fn add(processes: &mut [Process], capture: &Capture) {
    let lines = capture
        .sources("container-names")
        .flat_map(|raw| raw.bytes.split(|byte| *byte == b'\n'));
    let recorded = lines.filter_map(|line| {
        // `ID NAME`
        let (id, name) = std::str::from_utf8(line).ok()?.split_once(' ')?;
        let name = kubernetes_name(name).unwrap_or_else(|| name.to_owned());
        Some((id.to_owned(), name))
    });
    let mut names: HashMap<String, String> = recorded.collect();
    names.extend(processes.iter().filter_map(monitored));
    if names.is_empty() {
        return;
    }
    let set = |container: &mut Container| {
        if container.name.is_none() {
            container.name = names.get(&container.id).cloned();
        }
    };
    for container in processes
        .iter_mut()
        .filter_map(|process| process.container.as_mut())
    {
        set(container);
        container.within.iter_mut().for_each(set);
    }
}

/// Id and name of the container that a process monitors.
fn monitored(process: &Process) -> Option<(String, String)> {
    let program = process.exe.rsplit(|byte| *byte == b'/').next()?;
    if program != b"conmon" {
        return None;
    }
    let value = |option: &[u8]| {
        let mut after = process
            .arguments()
            .skip_while(|argument| *argument != option);
        let value = after.nth(1)?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    let (id, name) = (value(b"-c")?, value(b"-n")?);
    Some((id, kubernetes_name(&name).unwrap_or(name)))
}

/// `NAMESPACE/POD/CONTAINER` of a container that the kubelet created.
fn kubernetes_name(name: &str) -> Option<String> {
    let mut parts = name.strip_prefix("k8s_")?.split('_');
    let (container, pod, namespace) = (parts.next()?, parts.next()?, parts.next()?);
    Some(format!("{namespace}/{pod}/{container}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_monitor() {
        let process = |exe: &str, cmdline: &str, id: Option<&str>| Process {
            exe: exe.as_bytes().into(),
            cmdline: cmdline.replace(' ', "\0").into_bytes().into(),
            container: id.map(|id| Container {
                id: id.to_owned(),
                name: None,
                runtime: "podman",
                within: Vec::new(),
                has_unit: false,
            }),
            ..Process::default()
        };
        let mut processes = [
            process("/usr/bin/conmon", "conmon -c a1 -u a1 -n web", None),
            process(
                "/usr/bin/conmon",
                "conmon -c b2 -n k8s_app_shop-0_prod_uid_3",
                None,
            ),
            process("/usr/bin/other", "other -c c3 -n not", None),
            process("/x", "x", Some("a1")),
            process("/x", "x", Some("b2")),
            process("/x", "x", Some("c3")),
        ];
        add(&mut processes, &Capture::default());
        let names = processes
            .iter()
            .filter_map(|process| process.container.as_ref());
        let names: Vec<&str> = names.map(Container::short_name).collect();
        assert_eq!(names, ["web", "prod/shop-0/app", "c3"]);
    }
}
