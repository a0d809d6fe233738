//! The text of the caption: title, hosts, time of capture, and what could not be read.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::check::{Report, Severity};
use crate::draw::options::Options;
use crate::model::{Host, Map, Readable};
use crate::text::escape::display;

/// Hosts that are described one by one.
const MAX_HOSTS: usize = 6;

/// The lines after the title, not wrapped. `marked` is the number of findings that are marked in the
/// picture.
pub(crate) fn lines(map: &Map, options: &Options, marked: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for host in map.hosts.iter().take(MAX_HOSTS) {
        lines.push(describe(host));
        lines.extend(coverage(host));
    }
    lines.extend(options.notes.iter().cloned());
    if let Some(report) = &options.findings {
        lines.push(checked(report, marked));
    }
    if map.hosts.len() > MAX_HOSTS {
        lines.push(format!("and {} more hosts", map.hosts.len() - MAX_HOSTS));
    }
    lines
}

/// The title of a picture of one map.
pub(crate) fn title(map: &Map) -> String {
    match host_names(map) {
        names if names.is_empty() => "Who is talking to whom?".to_owned(),
        names => format!("Who is talking to whom on {names}?"),
    }
}

/// The title of a picture of two maps.
pub(crate) fn comparison_title(old: &Map, new: &Map) -> String {
    match (host_names(old), host_names(new)) {
        (old, new) if new.is_empty() || old.is_empty() => "What changed?".to_owned(),
        (old, new) if old == new => format!("What changed on {new}?"),
        (old, new) => format!("What is different on {new} from {old}?"),
    }
}

fn host_names(map: &Map) -> String {
    let hosts = map.hosts.iter().take(MAX_HOSTS);
    let names: Vec<String> = hosts.map(|host| display(&host.hostname)).collect();
    names.join(", ")
}

/// The number of findings and of rules without an answer, in one sentence.
fn checked(report: &Report, marked: usize) -> String {
    let all = report.findings.len();
    let severities = [Severity::High, Severity::Medium, Severity::Low];
    let counted = severities.into_iter().filter_map(|severity| {
        let findings = report.findings.iter();
        let n = findings.filter(|f| f.severity == severity).count();
        (n > 0).then(|| format!("{n} {}", severity.name()))
    });
    let parts: Vec<String> = counted.collect();
    let mut text = match all {
        0 => "Checks found nothing".to_owned(),
        _ => format!("Checks found {}", parts.join(", ")),
    };
    if marked < all {
        text = format!("{text} ({} not on this picture)", all - marked);
    }
    let mut codes: Vec<&str> = report.unknown.iter().map(|unknown| unknown.code).collect();
    codes.dedup();
    match codes.len() {
        0 => text + ".",
        1 => text + "; 1 rule could not be answered.",
        n => format!("{text}; {n} rules could not be answered."),
    }
}

fn describe(host: &Host) -> String {
    let os = [&host.os, &host.kernel, &host.arch].map(|text| display(text));
    let os: Vec<String> = os.into_iter().filter(|text| !text.is_empty()).collect();
    let mut text = display(&host.hostname);
    if !os.is_empty() {
        text = format!("{text} ({})", os.join(", "));
    }
    let user = match host.euid {
        Some(0) => " as root".to_owned(),
        Some(uid) => format!(" as uid {uid}"),
        None => String::new(),
    };
    format!("{text}, captured {}{user}", timestamp(host.started_at_ns))
}

/// A time of capture, in whole seconds.
pub(crate) fn timestamp(ns: u64) -> String {
    let seconds = i64::try_from(ns / 1_000_000_000).ok().filter(|_| ns > 0);
    let time = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let text = time.and_then(|time| time.format(&Rfc3339).ok());
    text.unwrap_or_else(|| "at an unknown time".to_owned())
}

/// What was not read; `None`: everything was.
fn coverage(host: &Host) -> Option<String> {
    let coverage = &host.coverage;
    let all = coverage.read + coverage.partial + coverage.denied + coverage.vanished;
    let netns = coverage.netns.len();
    let closed = coverage.netns.iter().filter(|n| n.diag != Readable::Ok);
    let closed = closed.count();
    let damaged = coverage.damage.len();
    let some = |n: usize, text: String| (n > 0).then_some(text);
    let (denied, partial, vanished) = (coverage.denied, coverage.partial, coverage.vanished);
    let namespaces = format!("{closed} of {netns} network namespaces not read whole");
    let hidden = "other users' processes hidden (hidepid)";
    let missing = [
        some(denied, format!("{denied} of {all} processes unreadable")),
        some(partial, format!("{partial} of {all} read in part")),
        some(vanished, format!("{vanished} ended meanwhile")),
        some(closed, namespaces),
        coverage.hidepid.then(|| hidden.to_owned()),
        (!coverage.initial_pidns).then(|| "what is outside this pid namespace".to_owned()),
        some(damaged, format!("file damaged in {damaged} places")),
    ];
    let missing: Vec<String> = missing.into_iter().flatten().collect();
    match (missing.is_empty(), coverage.complete) {
        (true, true) => None,
        (true, false) => Some("Not complete.".to_owned()),
        (false, _) => Some(format!("Missing: {}.", missing.join("; "))),
    }
}
