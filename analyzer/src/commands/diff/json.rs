//! JSON output of `diff`: `whotalks-diff/1`.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use whotalks::diff::{
    Alteration, Change, DescriptorChange, LinkChange, ListenerChange, Pair, ProcessChange, Side,
};
use whotalks::export::{Fields, Object, hex_of_name, object, rfc3339};
use whotalks::graph::By;
use whotalks::model::{Host, Map, ProcessId};
use whotalks::query::Via;
use whotalks::text::escape;

use super::comparison::Comparison;
use crate::cli::value_name;
use crate::output;

/// Writes the document. Host ids of the new map continue those of the old map.
pub(super) fn write(out: &mut dyn Write, comparison: &Comparison, by: By, why: bool) -> Result<()> {
    let diff = &comparison.diff;
    let processes = |change| {
        let rows = diff
            .processes
            .iter()
            .filter(move |row| row.change == change);
        rows.map(|row| process(comparison, row))
    };
    let listeners = |change| {
        let rows = diff
            .listeners
            .iter()
            .filter(move |row| row.change == change);
        rows.filter_map(|row| listener(comparison, row))
    };
    let rebound = diff.listeners.iter();
    let links = |change| {
        let rows = diff.links.iter().filter(move |row| row.change == change);
        rows.map(link)
    };
    let pairs = diff.matching.pairs.iter();
    let pairs = pairs.map(|pair| matched(comparison, pair));
    let document = object()
        .field("schema", "whotalks-diff/1")
        .field("by", value_name(by))
        .field("old", hosts(&comparison.old, 0))
        .field("new", hosts(&comparison.new, comparison.old.hosts.len()))
        .field("comparable", diff.coverage.comparable)
        // A capture was compared with itself.
        .field("identical", comparison.is_identical)
        .field("caveats", &diff.coverage.caveats)
        .field(
            "processes",
            object()
                .list("added", processes(Change::Added))
                .list("removed", processes(Change::Removed))
                .list("changed", processes(Change::Changed))
                .list("replaced", processes(Change::Replaced)),
        )
        .field(
            "listeners",
            object()
                .list("added", listeners(Change::Added))
                .list("removed", listeners(Change::Removed))
                .list(
                    "replaced",
                    rebound.filter_map(|row| rebind(comparison, row)),
                ),
        )
        .field(
            "links",
            object()
                .list("added", links(Change::Added))
                .list("removed", links(Change::Removed))
                .list("changed", links(Change::Changed)),
        )
        .list("descriptors", diff.descriptors.iter().map(descriptors))
        .list("unlinked", unlinked(comparison, Change::Removed))
        // The path leads to the listener again.
        .list("relinked", unlinked(comparison, Change::Added))
        // What is in both maps, or replaced by others of its role, and not as it was.
        .list(
            "altered",
            diff.altered.iter().map(|row| altered(comparison, row)),
        )
        .field(
            "ignored",
            object()
                .field("short_lived", diff.ignored.short_lived)
                .field("fleeting", diff.ignored.fleeting)
                .field("capture", diff.ignored.capture)
                .field("coverage", diff.ignored.coverage)
                .field("small", diff.ignored.small),
        )
        // Conversations with loggers in the new map, which are not compared.
        .field(
            "hidden",
            object().field("log", comparison.new.hidden_logs.conversations),
        )
        .known("matching", why.then(|| pairs.collect::<Vec<_>>()));
    output::json(out, &document)
}

/// Values that were not captured or are lost are null.
fn hosts(map: &Map, first: usize) -> Vec<impl Serialize> {
    let host = |(index, host): (usize, &Host)| {
        let hostname = Some(&*host.hostname).filter(|name| !name.is_empty());
        let boot_id = (!host.boot_id.is_empty()).then(|| escape::display(&host.boot_id));
        let started_at = (host.started_at_ns != 0).then(|| rfc3339(host.started_at_ns));
        object()
            .field("id", format!("h{}", first + index))
            .bytes_or_null("hostname", hostname)
            .field("boot_id", boot_id)
            .field("started_at", started_at)
    };
    map.hosts.iter().enumerate().map(host).collect()
}

fn process(comparison: &Comparison, row: &ProcessChange) -> impl Serialize {
    let ids = |side, processes: &[ProcessId]| -> Vec<String> {
        let processes = processes.iter();
        processes
            .map(|id| comparison.process_id(side, *id))
            .collect()
    };
    object()
        .escaped("role", &row.role)
        .field("old", ids(Side::Old, &row.old))
        .field("new", ids(Side::New, &row.new))
}

fn listener(comparison: &Comparison, row: &ListenerChange) -> Option<impl Serialize> {
    let old = row.old.map(|id| comparison.socket_id(Side::Old, id));
    let new = row.new.map(|id| comparison.socket_id(Side::New, id));
    let listener = named(&row.name, Some(row.protocol), &row.role);
    Some(listener.field("socket", new.or(old)?))
}

/// A listener that was bound anew; `None` if it exists in one of the maps only.
fn rebind(comparison: &Comparison, row: &ListenerChange) -> Option<impl Serialize> {
    let (old, new) = (row.old?, row.new?);
    let listener = named(&row.name, Some(row.protocol), &row.role)
        .field("old", comparison.socket_id(Side::Old, old))
        .field("new", comparison.socket_id(Side::New, new));
    Some(listener)
}

fn unlinked(
    comparison: &Comparison,
    change: Change,
) -> impl Iterator<Item = impl Serialize> + Clone {
    let rows = comparison.diff.unlinked.iter();
    rows.filter(move |row| row.change == change).map(|row| {
        let socket = comparison.socket_id(Side::New, row.new);
        named(&row.name, None, &row.role).field("socket", socket)
    })
}

/// Of a listener it has a name and sockets, else processes.
fn altered(comparison: &Comparison, row: &Alteration) -> impl Serialize {
    let listener = row.listener.as_ref();
    let processes = |side: Side| {
        let ids = row.processes.of(side).iter();
        let ids = ids.map(|id| comparison.process_id(side, *id));
        listener.is_none().then(|| ids.collect::<Vec<_>>())
    };
    let socket = |side: Side| listener.map(|(_, of)| comparison.socket_id(side, *of.of(side)));
    object()
        .field("what", row.aspect.as_str())
        .escaped("role", &row.roles.new)
        .known(
            "old_role",
            Some(&row.roles.old).filter(|old| **old != row.roles.new),
        )
        .known("name", listener.map(|(name, _)| &name.text))
        .known("name_kind", listener.map(|(name, _)| name.kind.as_str()))
        .known("old_processes", processes(Side::Old))
        .known("new_processes", processes(Side::New))
        .known("old_socket", socket(Side::Old))
        .known("new_socket", socket(Side::New))
        .escaped("old", &row.from)
        .escaped("new", &row.to)
}

/// What all rows about listeners have.
fn named(name: &Via, protocol: Option<&'static str>, role: &str) -> Object<impl Fields> {
    object()
        .exact("name", &name.text, hex_of_name(name))
        .field("name_kind", name.kind.as_str())
        .known("protocol", protocol)
        .escaped("role", role)
}

fn link(row: &LinkChange) -> impl Serialize {
    object()
        .escaped("client", &row.client)
        .name("via", &row.via)
        .escaped("server", &row.server)
        .field("kind", row.kind.as_str())
        .field("old", row.old)
        .field("new", row.new)
}

fn descriptors(row: &DescriptorChange) -> impl Serialize {
    object()
        .escaped("role", &row.role)
        .field("kind", &row.kind)
        .field("old", row.old)
        .field("new", row.new)
}

fn matched(comparison: &Comparison, pair: &Pair) -> impl Serialize {
    object()
        .field("old", comparison.process_id(Side::Old, pair.old))
        .field("new", comparison.process_id(Side::New, pair.new))
        .field("why", pair.why.as_str())
}
