//! Derives the systemd unit and the container of a process from its control group path.
//!
//! References: systemd's "Control Group APIs and Delegation"; the path layouts of Docker
//! (`cgroupfs` and `systemd` drivers), containerd, CRI-O, Podman, LXC and Kubernetes.

use super::process::Container;

/// Suffixes of systemd units that hold processes.
const UNIT_SUFFIXES: [&str; 2] = [".service", ".scope"];

/// Scope prefixes of container runtimes: `docker-ID.scope`.
const SCOPES: [(&str, &str); 6] = [
    ("docker-", "docker"),
    ("cri-containerd-", "containerd"),
    ("nerdctl-", "containerd"),
    ("crio-conmon-", "cri-o"),
    ("crio-", "cri-o"),
    ("libpod-", "podman"),
];

/// The unit: the innermost service or scope other than the scope of a container.
pub(super) fn unit(path: &str) -> Option<String> {
    let is_unit = |part: &&str| UNIT_SUFFIXES.iter().any(|suffix| part.ends_with(suffix));
    let is_container = |part: &str| scope(part).is_some();
    path.split('/')
        .rev()
        .filter(is_unit)
        .find(|part| !is_container(part))
        .map(str::to_owned)
}

/// The innermost container.
pub(super) fn container(path: &str) -> Option<Container> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    (0..parts.len()).rev().find_map(|index| {
        let parent = index.checked_sub(1).map(|parent| parts[parent]);
        let part = parts[index];
        scope(part)
            .or_else(|| child(part, parent))
            .or_else(|| named(part, parent))
    })
}

/// `runtime-ID.scope`.
fn scope(part: &str) -> Option<Container> {
    let stem = part.strip_suffix(".scope")?;
    SCOPES.iter().find_map(|(prefix, runtime)| {
        let id = stem.strip_prefix(prefix).filter(|id| is_id(id))?;
        Some(Container {
            id: id.to_owned(),
            name: None,
            runtime,
        })
    })
}

/// `docker/ID`, `kubepods/…/podUID/ID`, `libpod_parent/libpod-ID`.
fn child(part: &str, parent: Option<&str>) -> Option<Container> {
    let (id, runtime) = match parent? {
        "docker" => (part, "docker"),
        "libpod_parent" => (part.strip_prefix("libpod-")?, "podman"),
        pod if pod.starts_with("pod") || pod.contains("-pod") => (
            part.strip_prefix("cri-containerd-").unwrap_or(part),
            "containerd",
        ),
        _ => return None,
    };
    is_id(id).then(|| Container {
        id: id.to_owned(),
        name: None,
        runtime,
    })
}

/// `lxc/NAME`, `lxc.payload.NAME`, `machine.slice/systemd-nspawn@NAME.service`.
fn named(part: &str, parent: Option<&str>) -> Option<Container> {
    let (name, runtime) = if let Some(name) = part.strip_prefix("lxc.payload.") {
        (name, "lxc")
    } else if matches!(parent, Some("lxc" | "lxc.payload")) {
        (part, "lxc")
    } else {
        let instance = part
            .strip_prefix("systemd-nspawn@")?
            .strip_suffix(".service")?;
        (instance, "nspawn")
    };
    let name = (!name.is_empty()).then(|| name.to_owned())?;
    Some(Container {
        id: name.clone(),
        name: Some(name),
        runtime,
    })
}

/// Container ids are 64 hexadecimal digits; 12 are enough to recognize a shortened one.
fn is_id(text: &str) -> bool {
    text.len() >= 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4f1a9c0b7e2d4f1a9c0b7e2d4f1a9c0b7e2d4f1a9c0b7e2d4f1a9c0b7e2d4f1a";

    #[test]
    fn layouts_of_the_field() {
        let check = |path: &str, expected_unit: Option<&str>, expected: Option<(&str, &str)>| {
            assert_eq!(unit(path).as_deref(), expected_unit, "{path}");
            let found = container(path);
            let found = found.as_ref().map(|c| (c.id.as_str(), c.runtime));
            assert_eq!(found, expected, "{path}");
        };
        check("/system.slice/nginx.service", Some("nginx.service"), None);
        check("/", None, None);
        let user = "/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.service";
        check(user, Some("app-x.service"), None);
        check(&format!("/docker/{ID}"), None, Some((ID, "docker")));
        check(
            &format!("/system.slice/docker-{ID}.scope"),
            None,
            Some((ID, "docker")),
        );
        let inside = format!("/system.slice/docker-{ID}.scope/system.slice/cron.service");
        check(&inside, Some("cron.service"), Some((ID, "docker")));
        check(
            &format!("/machine.slice/libpod-{ID}.scope/container"),
            None,
            Some((ID, "podman")),
        );
        check(
            &format!("/kubepods/burstable/pod5f-6a/{ID}"),
            None,
            Some((ID, "containerd")),
        );
        let slice = format!(
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod5f_6a.slice/crio-{ID}.scope"
        );
        check(&slice, None, Some((ID, "cri-o")));
        check(
            "/lxc.payload.web/system.slice/a.service",
            Some("a.service"),
            Some(("web", "lxc")),
        );
        check("/docker/not-an-id", None, None);
    }
}
