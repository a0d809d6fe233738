//! What the picture is of: title, hosts, time, what could not be read.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Options;
use super::labels::wrap;
use crate::check::{Report, Severity};
use crate::model::{Host, Map};
use crate::text::escape::display;

/// Font size of the title.
pub(super) const TITLE_SIZE: f64 = 18.0;
/// Font size of the other lines.
pub(super) const NOTE_SIZE: f64 = 11.0;
/// Above the title.
const TOP: f64 = 16.0;
/// From line to line.
const LEADING: f64 = 1.35;
/// As wide as this a drawing fills a screen: on a wider one, which is seen smaller, what is written
/// around it is larger.
const SCREEN: f64 = 1600.0;
/// So many times at most.
const LARGEST: f64 = 4.0;
/// Hosts that are described one by one.
const MOST_HOSTS: usize = 6;

/// How much larger than usual the caption and the legend of so wide a drawing are.
pub(super) fn scale(width: f64) -> f64 {
    (width / SCREEN).clamp(1.0, LARGEST)
}

/// The lines, in usual size; the first is the title.
pub(super) fn lines(map: &Map, options: &Options, marked: usize, width: f64) -> Vec<String> {
    let title = options.title.clone();
    let title = title.unwrap_or_else(|| match names(map) {
        names if names.is_empty() => "Who is talking to whom?".to_owned(),
        names => format!("Who is talking to whom on {names}?"),
    });
    let mut lines = vec![super::labels::end(&title, TITLE_SIZE, width / 1.15)];
    for host in map.hosts.iter().take(MOST_HOSTS) {
        lines.extend(wrap(&describe(host), NOTE_SIZE, width));
        if let Some(text) = coverage(host) {
            lines.extend(wrap(&text, NOTE_SIZE, width));
        }
    }
    if map.restricted {
        lines.extend(wrap(
            "A part of the map: the rest was left out on request.",
            NOTE_SIZE,
            width,
        ));
    }
    if let Some(report) = &options.findings {
        lines.extend(wrap(&checked(report, marked), NOTE_SIZE, width));
    }
    if map.hosts.len() > MOST_HOSTS {
        lines.push(format!("and {} more hosts", map.hosts.len() - MOST_HOSTS));
    }
    lines
}

/// The title of a picture of two maps.
pub(super) fn change(old: &Map, new: &Map) -> String {
    match (names(old), names(new)) {
        (old, new) if new.is_empty() || old.is_empty() => "What changed?".to_owned(),
        (old, new) if old == new => format!("What changed on {new}?"),
        (old, new) => format!("What is different on {new} from {old}?"),
    }
}

fn names(map: &Map) -> String {
    let hosts = map.hosts.iter().take(MOST_HOSTS);
    let names: Vec<String> = hosts.map(|host| display(&host.hostname)).collect();
    names.join(", ")
}

/// What the rules said, in one sentence.
fn checked(report: &Report, marked: usize) -> String {
    let all = report.findings.len();
    let mut parts = Vec::new();
    for severity in [Severity::High, Severity::Medium, Severity::Low] {
        let of_this = report.findings.iter().filter(|f| f.severity == severity);
        match of_this.count() {
            0 => {}
            n => parts.push(format!("{n} {}", severity.name())),
        }
    }
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

/// Height of the caption, in usual size.
pub(super) fn height(lines: &[String]) -> f64 {
    TOP + LEADING * (TITLE_SIZE + NOTE_SIZE * (lines.len() as f64 - 1.0))
}

/// The baseline of a line, in usual size.
pub(super) fn baseline(line: usize) -> f64 {
    match line {
        0 => TOP + TITLE_SIZE,
        n => TOP + LEADING * TITLE_SIZE + LEADING * NOTE_SIZE * (n as f64 - 1.0) + NOTE_SIZE,
    }
}

fn describe(host: &Host) -> String {
    let os: Vec<String> = [&host.os, &host.kernel, &host.arch]
        .into_iter()
        .filter(|text| !text.is_empty())
        .map(|text| display(text))
        .collect();
    let mut text = display(&host.hostname);
    if !os.is_empty() {
        text = format!("{text} ({})", os.join(", "));
    }
    let who = match host.euid {
        Some(0) => " as root".to_owned(),
        Some(uid) => format!(" as uid {uid}"),
        None => String::new(),
    };
    format!("{text}, captured {}{who}", moment(host.started_at_ns))
}

/// Whole seconds: the picture is of a moment, not of a nanosecond.
pub(super) fn moment(ns: u64) -> String {
    if ns == 0 {
        return "at an unknown time".to_owned();
    }
    i64::try_from(ns / 1_000_000_000)
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| "at an unknown time".to_owned())
}

/// What is missing, if anything may be.
fn coverage(host: &Host) -> Option<String> {
    let coverage = &host.coverage;
    let mut missing = Vec::new();
    let all = coverage.read + coverage.partial + coverage.denied + coverage.vanished;
    if coverage.denied > 0 {
        missing.push(format!("{} of {all} processes unreadable", coverage.denied));
    }
    if coverage.partial > 0 {
        missing.push(format!("{} of {all} read in part", coverage.partial));
    }
    if coverage.vanished > 0 {
        missing.push(format!("{} ended meanwhile", coverage.vanished));
    }
    let closed = coverage
        .netns
        .iter()
        .filter(|netns| netns.diag != crate::model::Readable::Ok)
        .count();
    if closed > 0 {
        let all = coverage.netns.len();
        missing.push(format!(
            "{closed} of {all} network namespaces not read whole"
        ));
    }
    if coverage.hidepid {
        missing.push("other users' processes hidden (hidepid)".to_owned());
    }
    if !coverage.initial_pidns {
        missing.push("what is outside this pid namespace".to_owned());
    }
    if !coverage.damage.is_empty() {
        missing.push(format!("file damaged in {} places", coverage.damage.len()));
    }
    match (missing.is_empty(), coverage.complete) {
        (true, true) => None,
        (true, false) => Some("Not complete.".to_owned()),
        (false, _) => Some(format!("Missing: {}.", missing.join("; "))),
    }
}
