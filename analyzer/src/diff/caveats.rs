//! Sentences about what was not captured, or only in one of the two maps.

use super::host_pair::HostRelation;
use super::side::{OldNew, Side};
use crate::model::{Host, NetnsCoverage, Readable};
use crate::text::escape;

/// The caveats of a pair of hosts. `named` prefixes each with the name of the host.
pub(super) fn caveats(hosts: OldNew<&Host>, relation: HostRelation, named: bool) -> Vec<String> {
    let mut caveats = pair_caveats(hosts, relation);
    let sides = OldNew::from_fn(|side| side_caveats(hosts.of(side)));
    for text in &sides.old {
        caveats.push(match sides.new.contains(text) {
            true => format!("in both {text}"),
            false => format!("in the old one {text}"),
        });
    }
    let new = sides.new.iter().filter(|text| !sides.old.contains(text));
    caveats.extend(new.map(|text| format!("in the new one {text}")));
    if named {
        let name = escape::display(&hosts.new.hostname);
        for caveat in &mut caveats {
            caveat.insert_str(0, &format!("{name}: "));
        }
    }
    caveats
}

/// Whether one of the two was captured within a pid namespace and the other was not.
pub(super) fn pid_namespaces_differ(hosts: OldNew<&Host>) -> bool {
    let known = hosts.old.pidns.is_some() && hosts.new.pidns.is_some();
    let initial = |side: Side| hosts.of(side).coverage.initial_pidns;
    known && initial(Side::Old) != initial(Side::New)
}

/// The number of processes of which something was not read.
pub(super) fn unread_processes(host: &Host) -> usize {
    host.coverage.partial + host.coverage.denied
}

/// The inodes of the network namespaces whose dump has such a status.
pub(super) fn namespaces(all: &[NetnsCoverage], wanted: impl Fn(Readable) -> bool) -> Vec<u64> {
    let wanted = all.iter().filter(|netns| wanted(netns.diag));
    wanted.map(|netns| netns.inode).collect()
}

/// What differs between the captures of a pair.
fn pair_caveats(hosts: OldNew<&Host>, relation: HostRelation) -> Vec<String> {
    let OldNew { old, new } = hosts;
    let mut caveats = Vec::new();
    if old.euid != new.euid {
        let [old, new] = [old.euid, new.euid].map(user);
        caveats.push(format!(
            "the old one was captured by {old}, the new one by {new}"
        ));
    }
    if relation == HostRelation::Unknown {
        let which = match (old.boot_id.is_empty(), new.boot_id.is_empty()) {
            (true, true) => "the two are",
            (true, false) => "the old one is",
            _ => "the new one is",
        };
        caveats.push(format!(
            "which boot {which} of is not known: processes are matched by role"
        ));
    }
    if relation == HostRelation::OtherNames {
        caveats.push(
            match (old.is_redacted, new.is_redacted) {
                (true, true) => "the two were redacted with different keys: not comparable",
                (true, false) => "only the old one is redacted: not comparable",
                _ => "only the new one is redacted: not comparable",
            }
            .to_owned(),
        );
    }
    if old.has_arguments != new.has_arguments {
        let which = if old.has_arguments { "new" } else { "old" };
        caveats.push(format!(
            "the {which} one has no command lines: scripts that were restarted are known by their \
             interpreter only"
        ));
    }
    if relation == HostRelation::Elsewhere {
        let text = "the two were captured in different pid namespaces of one boot: processes are \
                    matched by role";
        caveats.push(text.to_owned());
    }
    if pid_namespaces_differ(hosts) {
        let text = "one of the two was captured within a pid namespace, and saw no process \
                    outside of it";
        caveats.push(text.to_owned());
    }
    caveats
}

/// What is missing in one capture.
fn side_caveats(host: &Host) -> Vec<String> {
    let mut caveats = Vec::new();
    let (coverage, unread) = (&host.coverage, unread_processes(host));
    if unread > 0 {
        let all = coverage.read + coverage.vanished + unread;
        caveats.push(format!("{unread} of {all} processes could not be read"));
    }
    if coverage.hidepid {
        caveats.push("/proc hides other users' processes".to_owned());
    }
    if let Some(first) = coverage.damage.first() {
        let more = match coverage.damage.len() {
            1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        caveats.push(format!("the file is damaged: {first}{more}"));
    }
    let unread = namespaces(&coverage.netns, |diag| diag != Readable::Ok).len();
    if unread > 0 {
        let all = coverage.netns.len();
        caveats.push(format!(
            "{unread} of {all} network namespaces could not be read"
        ));
    }
    caveats
}

fn user(euid: Option<u32>) -> String {
    match euid {
        Some(0) => "root".to_owned(),
        Some(uid) => format!("user {uid}"),
        None => "an unknown user".to_owned(),
    }
}
