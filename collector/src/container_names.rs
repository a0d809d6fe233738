//! Records the names of containers that files of their runtimes tell: Docker's, and the logs that the
//! kubelet keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use rustix::fs::{CWD, RawDir};
use whotalks_snapshot::records::RawHeader;

use crate::block_channel::BlockEncoder;
use crate::clock;
use crate::proc::{CHUNK_BYTES, open_directory, read_file};
use crate::timeout::HelperThread;

/// Containers that are looked up.
pub(crate) const CONTAINERS_LIMIT: usize = 4 << 10;
/// Docker writes some ten thousand bytes.
const CONFIG_LIMIT_BYTES: usize = 1 << 20;
/// Where Docker keeps its data unless it is told otherwise (`--data-root`).
const DOCKER_ROOT: &[u8] = b"/var/lib/docker";
/// Links to the logs of containers, `POD_NAMESPACE_CONTAINER-ID.log`.
const KUBELET_LOGS: &str = "/var/log/containers";
/// Names of links that are read.
const LOGS_LIMIT: usize = 64 << 10;
/// Digits of a container id.
const ID_DIGITS: usize = 64;
/// Longest name that is recorded.
const NAME_BYTES: usize = 512;

/// Returns the container ids in a text: 64 hexadecimal digits.
pub(crate) fn ids(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let words = text.split(|byte| !byte.is_ascii_hexdigit());
    words.filter(|word| word.len() == ID_DIGITS)
}

/// Returns the value of `--data-root` in the arguments of dockerd.
pub(crate) fn data_root(cmdline: &[u8]) -> Option<&[u8]> {
    let mut arguments = cmdline.split(|byte| *byte == 0);
    let program = arguments.next()?.rsplit(|byte| *byte == b'/').next()?;
    if program != b"dockerd" {
        return None;
    }
    while let Some(argument) = arguments.next() {
        if matches!(argument, b"--data-root" | b"-g" | b"--graph") {
            return arguments.next();
        }
        if let Some(path) = argument.strip_prefix(b"--data-root=") {
            return Some(path);
        }
    }
    None
}

/// Writes the raw source `container-names`: a line for each of these containers whose name is known, with
/// its id and its name.
pub(crate) fn record(
    ids: &BTreeSet<Vec<u8>>,
    data_roots: &BTreeSet<Vec<u8>>,
    encoder: &mut BlockEncoder,
) -> io::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let mut helper = HelperThread::default();
    let logs = helper.call(kubelet_names).unwrap_or_default();
    let roots: Vec<Vec<u8>> = data_roots
        .iter()
        .cloned()
        .chain([DOCKER_ROOT.to_vec()])
        .collect();
    let mut raw = encoder.raw(RawHeader {
        source: b"container-names".to_vec(),
        pass: 1,
        at_boottime_ns: clock::read_time_ns(),
        ..RawHeader::default()
    });
    for id in ids {
        let name = logs.get(id).cloned().or_else(|| {
            let (roots, id) = (roots.clone(), id.clone());
            let name = helper.call(move || roots.iter().find_map(|root| docker_name(root, &id)));
            name.ok().flatten()
        });
        let is_plain =
            |name: &&Vec<u8>| name.len() <= NAME_BYTES && name.iter().all(u8::is_ascii_graphic);
        if let Some(name) = name.as_ref().filter(is_plain) {
            raw.push(&[id, &b" "[..], name, b"\n"].concat())?;
        }
    }
    raw.finish(0, 0)
}

/// The name in `containers/ID/config.v2.json`. The file has the environment of the container, too, which
/// is not recorded.
fn docker_name(root: &[u8], id: &[u8]) -> Option<Vec<u8>> {
    let path = [root, b"/containers/", id, b"/config.v2.json"].concat();
    let mut text = Vec::new();
    read_file(CWD, path, CONFIG_LIMIT_BYTES, &mut text).ok()?;
    let name = member(&text, b"Name")?;
    Some(name.strip_prefix(b"/").unwrap_or(name).to_vec())
}

/// The text of a member of a JSON object, not of objects in it; `None` if it has escapes.
fn member<'a>(json: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let (mut depth, mut at) = (0_usize, 0);
    let mut key: Option<&[u8]> = None;
    while at < json.len() {
        match json[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b'"' => {
                let start = at + 1;
                at = start;
                while *json.get(at)? != b'"' {
                    at += if json[at] == b'\\' { 2 } else { 1 };
                }
                let text = &json[start..at];
                let rest = json[at + 1..].trim_ascii_start();
                if depth == 1 && rest.first() == Some(&b':') {
                    key = Some(text);
                } else if depth == 1 && key == Some(wanted) {
                    return (!text.contains(&b'\\')).then_some(text);
                }
            }
            b',' if depth == 1 => key = None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// `NAMESPACE/POD/CONTAINER` by container id, from the names of the kubelet's links.
fn kubelet_names() -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut names = BTreeMap::new();
    let Ok(directory) = open_directory(CWD, KUBELET_LOGS) else {
        return names;
    };
    let mut buffer = Vec::with_capacity(CHUNK_BYTES);
    let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
    while let Some(Ok(entry)) = entries.next() {
        names.extend(kubelet_name(entry.file_name().to_bytes()));
        if names.len() >= LOGS_LIMIT {
            break;
        }
    }
    names
}

fn kubelet_name(file: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let stem = file.strip_suffix(b".log")?;
    let (name, id) = stem.split_at_checked(stem.len().checked_sub(ID_DIGITS)?)?;
    let mut parts = name.strip_suffix(b"-")?.split(|byte| *byte == b'_');
    let (pod, namespace, container) = (parts.next()?, parts.next()?, parts.next()?);
    let is_id = ids(id).next().is_some() && parts.next().is_none();
    is_id.then(|| (id.to_vec(), [namespace, pod, container].join(&b'/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_files() {
        let json =
            br#"{"State":{"Name":"no"},"Config":{"Env":["Name","a\"}"],"Labels":{"Name":"x"}},
            "Args":["Name"],"Name" : "/web","MountPoints":{}}"#;
        assert_eq!(member(json, b"Name"), Some(&b"/web"[..]));
        assert_eq!(member(b"{\"Name\":{\"Name\":\"x\"}}", b"Name"), None);
        for cut in 0..json.len() {
            let _ = member(&json[..cut], b"Name");
        }
        let id = "4f".repeat(32);
        let file = format!("shop-0_prod_app-{id}.log");
        assert_eq!(
            kubelet_name(file.as_bytes()),
            Some((id.clone().into_bytes(), b"prod/shop-0/app".to_vec()))
        );
        assert_eq!(kubelet_name(b"app.log"), None);
        let cgroup = format!("0::/system.slice/docker-{id}.scope\n");
        assert_eq!(ids(cgroup.as_bytes()).collect::<Vec<_>>(), [id.as_bytes()]);
        let root = data_root(b"/usr/bin/dockerd\0-H\0fd://\0--data-root\0/data\0");
        assert_eq!(root, Some(&b"/data"[..]));
    }
}
