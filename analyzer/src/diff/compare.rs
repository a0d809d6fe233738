//! Compares two maps: runs the steps and collects their results.

use super::context::{Context, Correspondence, Options};
use super::filter::FilteredMaps;
use super::host_pair::pair_hosts;
use super::links::Links;
use super::matching::Matching;
use super::merged::MergedMaps;
use super::report::Diff;
use super::side::OldNew;
use super::{alterations, descriptors, links, listeners, processes};
use crate::model::Map;

/// Compares two whole maps.
pub fn diff(old: &Map, new: &Map, options: &Options) -> Diff {
    let maps = OldNew { old, new };
    let hosts = pair_hosts(maps);
    let identity = Matching::by_identity(maps, &hosts);
    let correspondence = Correspondence::new(maps, hosts, identity);
    let context = Context::new(maps, &correspondence, options);
    let (diff, _) = compare(&context);
    finish(diff, context)
}

impl FilteredMaps {
    /// The differences.
    pub fn diff(&self, options: &Options) -> Diff {
        let context = self.context(options);
        let (diff, _) = compare(&context);
        finish(diff, context)
    }

    /// The differences, and the union of both maps marked with them.
    pub fn marked(&self, options: &Options) -> (Diff, MergedMaps) {
        let context = self.context(options);
        let (diff, links) = compare(&context);
        let merged = MergedMaps::new(&context, &diff, links);
        (finish(diff, context), merged)
    }

    fn context(&self, options: &Options) -> Context<'_> {
        let (old, new) = (&self.old, &self.new);
        Context::new(OldNew { old, new }, &self.correspondence, options)
    }
}

/// The differences, and all links whether they changed or not.
fn compare(context: &Context<'_>) -> (Diff, Links) {
    if context.coverage.other_names {
        return Default::default();
    }
    let mut ignored = context.ignored;
    let processes = processes::compare(context, &mut ignored);
    let listeners = listeners::compare(context, &mut ignored);
    let mut altered = alterations::compare(context);
    altered.extend(listeners.altered);
    let links = links::compare(context, &mut ignored);
    let descriptors = descriptors::compare(context, &mut ignored);
    let reported = links.rows.iter().filter(|row| row.is_reported);
    let diff = Diff {
        processes,
        listeners: listeners.changes,
        links: reported.map(|row| row.link.clone()).collect(),
        descriptors,
        unlinked: listeners.unlinked,
        altered,
        ignored,
        ..Diff::default()
    };
    (diff, links)
}

/// Adds what was compared.
fn finish(diff: Diff, context: Context<'_>) -> Diff {
    Diff {
        hosts: context.hosts,
        coverage: context.coverage,
        matching: context.matching,
        ..diff
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::diff::merged::ChangeStatus;
    use crate::diff::side::Side;
    use crate::graph::By;
    use crate::model::{ProcessId, SocketId};
    use crate::query::Filter;

    #[test]
    fn everything_in_either_map_has_a_mark() {
        let machine = |clients: &[(u32, &[u8])]| {
            let mut map = Map::with_host();
            map.hosts[0].boot_id = b"boot"[..].into();
            let server = map.add_process(1, b"server");
            let socket = map.add_listener(&[server], b"/run/app\0");
            for (pid, comm) in clients {
                let client = map.add_process(*pid, comm);
                map.add_connection(&[client], &[server], Some(socket));
            }
            map
        };
        let old = machine(&[(2, b"pool"), (5, b"gone")]);
        let new = machine(&[(2, b"pool"), (3, b"pool"), (4, b"come")]);
        let both = FilteredMaps::of(old, new, &Filter::default()).unwrap();
        let (diff, marks) = both.marked(&Options::default());
        let nodes: Vec<(&str, ChangeStatus)> = marks
            .nodes
            .iter()
            .map(|node| (node.label.as_str(), node.mark))
            .collect();
        let expected = [
            ("server", ChangeStatus::Stayed),
            ("pool", ChangeStatus::Changed),
            ("gone", ChangeStatus::Removed),
            ("come", ChangeStatus::Added),
        ];
        assert_eq!(nodes, expected);
        let mut links: Vec<(usize, usize, ChangeStatus)> = marks
            .links
            .iter()
            .map(|link| (link.old, link.new, link.mark))
            .collect();
        links.sort_unstable();
        // That the pool has more conversations follows from its size.
        let expected = [
            (0, 1, ChangeStatus::Added),
            (1, 0, ChangeStatus::Removed),
            (1, 2, ChangeStatus::Stayed),
        ];
        assert_eq!(links, expected);
        assert_eq!(
            marks.nodes[marks.node(Side::New, ProcessId(3))].mark,
            ChangeStatus::Added
        );
        assert_eq!(
            marks.nodes[marks.node(Side::Old, ProcessId(2))].mark,
            ChangeStatus::Removed
        );
        assert_eq!(marks.listener(Side::New, SocketId(0)), ChangeStatus::Stayed);
        assert_eq!(diff.links.len(), 2);
        let by = Options {
            by: By::Process,
            ..Options::default()
        };
        let (_, marks) = both.marked(&by);
        assert_eq!(marks.nodes.len(), 5);
        assert_eq!(
            marks.nodes[marks.node(Side::New, ProcessId(1))].mark,
            ChangeStatus::Stayed
        );
    }
}
