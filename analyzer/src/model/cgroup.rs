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
    let is_container = |part: &str| {
        scope(part).is_some() || part.starts_with("machine-") && part.ends_with(".scope")
    };
    path.split('/')
        .rev()
        .filter(is_unit)
        .find(|part| !is_container(part))
        .map(str::to_owned)
}

/// The innermost container, with those around it.
pub(super) fn container(path: &str) -> Option<Container> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let is_unit = |part: &&str| UNIT_SUFFIXES.iter().any(|suffix| part.ends_with(suffix));
    let mut found: Option<Container> = None;
    for (index, part) in parts.iter().enumerate() {
        let parent = index.checked_sub(1).map(|parent| parts[parent]);
        let next = parts.get(index + 1).copied();
        let here = scope(part)
            .or_else(|| child(part, parent))
            .or_else(|| named(part, parent, next));
        let Some(here) = here else { continue };
        let mut within = Vec::new();
        if let Some(mut outer) = found.take().filter(|outer| outer.id != here.id) {
            within = std::mem::take(&mut outer.within);
            within.push(outer);
        }
        found = Some(Container {
            within,
            has_unit: parts[index + 1..].iter().any(is_unit),
            ..here
        });
    }
    found
}

fn new(id: &str, name: Option<String>, runtime: &'static str) -> Container {
    Container {
        id: id.to_owned(),
        name,
        runtime,
        within: Vec::new(),
        has_unit: false,
    }
}

/// `runtime-ID.scope`.
fn scope(part: &str) -> Option<Container> {
    let stem = part.strip_suffix(".scope")?;
    SCOPES.iter().find_map(|(prefix, runtime)| {
        let id = stem.strip_prefix(prefix).filter(|id| is_id(id))?;
        Some(new(id, None, runtime))
    })
}

/// `docker/ID`, `ecs/TASK/ID`, `kubepods/…/podUID/ID`, `libpod_parent/libpod-ID`, `libpod-payload-ID`.
fn child(part: &str, parent: Option<&str>) -> Option<Container> {
    if let Some(id) = part.strip_prefix("libpod-payload-") {
        return is_id(id).then(|| new(id, None, "podman"));
    }
    let (id, runtime) = match parent? {
        "docker" => (part, "docker"),
        "libpod_parent" => (part.strip_prefix("libpod-")?, "podman"),
        pod if pod.starts_with("pod") || pod.contains("-pod") => (
            part.strip_prefix("cri-containerd-").unwrap_or(part),
            "containerd",
        ),
        _ => return None,
    };
    is_id(id).then(|| new(id, None, runtime))
}

/// `lxc/NAME`, `lxc.payload.NAME`, `systemd-nspawn@NAME.service`, `machine-NAME.scope`.
fn named(part: &str, parent: Option<&str>, next: Option<&str>) -> Option<Container> {
    // The process that runs the guest is outside.
    let is_inside = next != Some("supervisor");
    let (name, runtime) = if let Some(name) = part.strip_prefix("lxc.payload.") {
        (name.to_owned(), "lxc")
    } else if matches!(parent, Some("lxc" | "lxc.payload")) {
        (part.to_owned(), "lxc")
    } else if let Some(rest) = part.strip_prefix("systemd-nspawn@").filter(|_| is_inside) {
        (unescape(rest.strip_suffix(".service")?), "nspawn")
    } else {
        let rest = part.strip_prefix("machine-").filter(|_| is_inside)?;
        let name = unescape(rest.strip_suffix(".scope")?);
        // `machine-qemu\x2d1\x2dNAME.scope` has the processes of the host that emulate a machine.
        if name.starts_with("qemu-") {
            return None;
        }
        match name.strip_prefix("lxc-") {
            Some(rest) => (rest.split_once('-')?.1.to_owned(), "lxc"),
            None => (name, "nspawn"),
        }
    };
    (!name.is_empty()).then(|| new(&name, Some(name.clone()), runtime))
}

/// Removes the escapes of systemd-escape(1): `\x2d` is a hyphen.
fn unescape(name: &str) -> String {
    let mut parts = name.split("\\x");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code.filter(u8::is_ascii_graphic) {
            Some(code) => {
                text.push(code.into());
                text.push_str(&part[2..]);
            }
            None => text.extend(["\\x", part]),
        }
    }
    text
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
        let guest = "/machine.slice/machine-my\\x2dguest.scope";
        check(
            &format!("{guest}/payload/system.slice/nginx.service"),
            Some("nginx.service"),
            Some(("my-guest", "nspawn")),
        );
        check(&format!("{guest}/supervisor"), None, None);
        check("/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", None, None);
        check(
            "/machine.slice/systemd-nspawn@web.service/payload/init.scope",
            Some("init.scope"),
            Some(("web", "nspawn")),
        );
        check(
            &format!("/system.slice/web.service/libpod-payload-{ID}"),
            Some("web.service"),
            Some((ID, "podman")),
        );
    }

    #[test]
    fn nested_containers() {
        let path = format!("/machine.slice/machine-a.scope/payload/system.slice/docker-{ID}.scope");
        let found = container(&path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(found.path(), format!("a/{}", &ID[..12]));
        assert!(!found.has_unit);
        let found = container("/lxc.payload.a/lxc.payload.b/system.slice/x.service");
        let found = found.map(|found| (found.path(), found.has_unit));
        assert_eq!(found, Some(("a/b".to_owned(), true)));
    }
}
