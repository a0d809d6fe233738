//! Sentences about what the capture could not read, which end an answer.

use whotalks::model::{HiddenLogs, Map, Readable};

use crate::terminal::plural;

/// Whether everything could be read.
pub(super) fn is_complete(map: &Map) -> bool {
    map.hosts.iter().all(|host| host.coverage.complete)
}

/// Everything that may be missing; `None` if the map is complete.
pub(super) fn incomplete(map: &Map) -> Option<String> {
    let coverage = || map.hosts.iter().map(|host| &host.coverage);
    let mut sentences: Vec<String> = unreadable(map).into_iter().collect();
    let netns = coverage().flat_map(|coverage| &coverage.netns);
    let unread = netns.filter(|ns| ns.diag != Readable::Ok).count();
    if unread > 0 {
        let namespaces = plural(unread, "network namespace", "network namespaces");
        sentences.push(format!("{namespaces} not fully read."));
    }
    let damage: usize = coverage().map(|coverage| coverage.damage.len()).sum();
    if damage > 0 {
        sentences.push(format!("{} damaged.", plural(damage, "place", "places")));
    }
    if coverage().any(|coverage| coverage.hidepid) {
        sentences.push("/proc hides other users' processes.".to_owned());
    }
    if coverage().any(|coverage| !coverage.initial_pidns) {
        sentences.push("Processes outside this pid namespace are unseen.".to_owned());
    }
    if sentences.is_empty() && coverage().any(|coverage| !coverage.complete) {
        sentences.push("Coverage is incomplete (whotalks info).".to_owned());
    }
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// `49 conversations with systemd-journald hidden (--logs).`; `None` if none are.
pub(super) fn hidden_logs(logs: &HiddenLogs) -> Option<String> {
    let loggers: Vec<&str> = logs.loggers.iter().map(String::as_str).collect();
    let loggers = match loggers[..] {
        [] => "loggers".to_owned(),
        [sole] => sole.to_owned(),
        [first, second] => format!("{first} and {second}"),
        [first, second, ..] => format!("{first}, {second} and {} more", loggers.len() - 2),
    };
    (logs.conversations > 0).then(|| {
        let conversations = plural(logs.conversations, "conversation", "conversations");
        format!("{conversations} with {loggers} hidden (--logs).")
    })
}

/// `12 of 214 processes unreadable.`; `None` if all were read.
pub(super) fn unreadable(map: &Map) -> Option<String> {
    let coverage = || map.hosts.iter().map(|host| &host.coverage);
    let unread: usize = coverage().map(|c| c.partial + c.denied).sum();
    // The map may be restricted, so its processes are not counted.
    let all = unread + coverage().map(|c| c.read).sum::<usize>();
    (unread > 0).then(|| {
        let all = plural(all, "process", "processes");
        format!("{unread} of {all} unreadable.")
    })
}
