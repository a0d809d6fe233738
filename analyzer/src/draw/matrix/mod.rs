//! The map as a matrix: a row for each client, a column for each server, and a cell for those that
//! talk. It shows at once what a drawing of many edges hides: hubs are full rows and columns, layers
//! are blocks above the diagonal, and cycles are cells below it.

mod order;

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Detail, Edge, EdgeKind, Graph, Kind, Node};
use crate::check::Severity;
use crate::diff::ChangeStatus;

/// A socket or pipe that more processes hold has a row and a column of its own, as in `list`.
const MAX_HOLDERS: usize = 16;

/// Rows, columns and cells.
#[derive(Debug, Default)]
pub(crate) struct Matrix {
    /// The nodes that are clients, in order.
    pub(crate) rows: Vec<u32>,
    /// The nodes that are servers, in the same order.
    pub(crate) columns: Vec<u32>,
    /// By row, then column.
    pub(crate) cells: Vec<Cell>,
    /// The nodes that call each other in a circle, each with the number of its circle.
    pub(crate) cycles: BTreeMap<u32, usize>,
    /// The number of nodes without a row and a column.
    pub(crate) silent: usize,
}

/// What a client says to a server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    /// Index into [`Matrix::rows`].
    pub(crate) row: usize,
    /// Index into [`Matrix::columns`].
    pub(crate) column: usize,
    /// Number of connections and pipes.
    pub(crate) n: u32,
    /// Which kinds they are.
    pub(crate) kinds: BTreeSet<EdgeKind>,
    /// Which end is the server's is not known of any of them: the client is the first in order.
    pub(crate) is_undirected: bool,
    /// The highest severity of the findings about them.
    pub(crate) finding: Option<Severity>,
    /// Change since the first of two maps.
    pub(crate) change: ChangeStatus,
    /// Number in the first and in the second of two maps.
    pub(crate) counts: Option<(usize, usize)>,
    /// Lines of the tooltip.
    pub(crate) tooltip: Vec<String>,
}

impl Matrix {
    /// The matrix of a graph.
    pub(crate) fn new(graph: &Graph) -> Self {
        let mut talks: BTreeMap<(u32, u32), Cell> = BTreeMap::new();
        let ends = Ends::new(graph);
        for edge in &graph.edges {
            for (client, server, is_directed) in ends.of(graph, edge) {
                add(talks.entry((client, server)), edge, is_directed);
            }
        }
        // Two pipes between a parent and its child are no circle of calls.
        let is_call = |(ends, cell): &(&(u32, u32), &Cell)| {
            let is_pipe = |cell: &Cell| cell.kinds.iter().all(|kind| *kind == EdgeKind::Pipe);
            let back = talks.get(&(ends.1, ends.0));
            !(cell.is_undirected || is_pipe(cell) && back.is_some())
        };
        let calls: Vec<(u32, u32)> = talks
            .iter()
            .filter(is_call)
            .map(|(ends, _)| *ends)
            .collect();
        let order::Order { places, cycles } = order::order(graph.nodes.len(), &calls);
        // Of two ends that are equal, the first in order is the row.
        let talks: BTreeMap<(usize, usize), Cell> = talks
            .into_iter()
            .map(|((client, server), cell)| {
                let (row, column) = (places[client as usize], places[server as usize]);
                let ends = match cell.is_undirected {
                    true => (row.min(column), row.max(column)),
                    false => (row, column),
                };
                (ends, cell)
            })
            .collect();
        let mut nodes: Vec<u32> = (0..).take(graph.nodes.len()).collect();
        nodes.sort_unstable_by_key(|node| places[*node as usize]);
        let rows: BTreeSet<usize> = talks.keys().map(|(row, _)| *row).collect();
        let columns: BTreeSet<usize> = talks.keys().map(|(_, column)| *column).collect();
        let rank = |places: &BTreeSet<usize>| -> BTreeMap<usize, usize> {
            places.iter().copied().zip(0..).collect()
        };
        let (row_ranks, column_ranks) = (rank(&rows), rank(&columns));
        let cells = talks.into_iter().map(|((row, column), cell)| Cell {
            row: row_ranks[&row],
            column: column_ranks[&column],
            ..cell
        });
        Self {
            cells: cells.collect(),
            silent: (0..nodes.len())
                .filter(|place| !rows.contains(place) && !columns.contains(place))
                .filter(|place| graph.nodes[nodes[*place] as usize].kind == Kind::Process)
                .count(),
            rows: rows.into_iter().map(|place| nodes[place]).collect(),
            columns: columns.into_iter().map(|place| nodes[place]).collect(),
            cycles,
        }
    }
}

/// Adds an edge to the cell of its ends.
fn add(
    entry: std::collections::btree_map::Entry<'_, (u32, u32), Cell>,
    edge: &Edge,
    is_directed: bool,
) {
    let mut is_first = false;
    let cell = entry.or_insert_with(|| {
        is_first = true;
        Cell {
            is_undirected: true,
            change: edge.change,
            ..Cell::default()
        }
    });
    cell.n += edge.n;
    cell.kinds.insert(match edge.kind {
        EdgeKind::Pending if edge.a_end.net || edge.b_end.net => EdgeKind::Net,
        EdgeKind::Pending => EdgeKind::Unix,
        kind => kind,
    });
    cell.is_undirected &= !is_directed;
    cell.finding = cell.finding.max(edge.finding);
    if cell.change != edge.change {
        cell.change = ChangeStatus::Changed;
    }
    cell.counts = match (cell.counts, edge.counts) {
        (Some(one), Some(two)) => Some((one.0 + two.0, one.1 + two.1)),
        (one, two) => one.or(two),
    };
    // The ends are those of the first.
    let skipped = usize::from(!is_first);
    cell.tooltip
        .extend(edge.tooltip.iter().skip(skipped).cloned());
}

/// The processes at the sockets and pipes that have nodes of their own.
struct Ends {
    /// Those that hold a socket, or read a pipe.
    holders: BTreeMap<u32, Vec<u32>>,
}

impl Ends {
    fn new(graph: &Graph) -> Self {
        let mut holders: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let is_process = |node: u32| graph.nodes[node as usize].kind == Kind::Process;
        for edge in &graph.edges {
            let is_held = |held: u32| match edge.kind {
                EdgeKind::Holds => !is_process(held),
                // The arrow is at the reader.
                EdgeKind::Pipe => {
                    let reads = if held == edge.a {
                        edge.b_end
                    } else {
                        edge.a_end
                    };
                    graph.nodes[held as usize].kind == Kind::Pipe && reads.arrow
                }
                _ => false,
            };
            if let Some(held) = [edge.b, edge.a].into_iter().find(|node| is_held(*node)) {
                holders
                    .entry(held)
                    .or_default()
                    .push(edge.a + edge.b - held);
            }
        }
        holders.retain(|_, processes| processes.len() <= MAX_HOLDERS);
        Self { holders }
    }

    /// The client and the server of an edge, and whether it is known which is which; several, where
    /// several processes hold an end.
    fn of(&self, graph: &Graph, edge: &Edge) -> Vec<(u32, u32, bool)> {
        if matches!(edge.kind, EdgeKind::Holds | EdgeKind::Accepts) {
            return Vec::new();
        }
        let (a, b) = (self.processes(edge.a), self.processes(edge.b));
        let (mut forwards, mut backwards) = match edge.kind {
            EdgeKind::Pipe => (
                edge.b_end.arrow && !self.is_pipe(graph, edge.a),
                edge.a_end.arrow && !self.is_pipe(graph, edge.b),
            ),
            _ => (edge.b_end.server, edge.a_end.server),
        };
        let is_directed = forwards || backwards || edge.kind == EdgeKind::Pipe;
        if !is_directed {
            let name = |node: u32| label(&graph.nodes[node as usize]);
            (forwards, backwards) = match name(edge.a) <= name(edge.b) {
                true => (true, false),
                false => (false, true),
            };
        }
        let mut ends = Vec::new();
        for &a in &a {
            for &b in b.iter().filter(|b| **b != a) {
                ends.extend(forwards.then_some((a, b, is_directed)));
                ends.extend(backwards.then_some((b, a, is_directed)));
            }
        }
        ends
    }

    /// Whether a node is a pipe whose writers are joined to its readers.
    fn is_pipe(&self, graph: &Graph, node: u32) -> bool {
        graph.nodes[node as usize].kind == Kind::Pipe && self.holders.contains_key(&node)
    }

    fn processes(&self, node: u32) -> Vec<u32> {
        self.holders
            .get(&node)
            .cloned()
            .unwrap_or_else(|| vec![node])
    }
}

/// The label of a row or column: name, and pid or number of members.
pub(crate) fn label(node: &Node) -> String {
    let names: Vec<&str> = node.label.names.iter().map(|name| &*name.text).collect();
    let name = match (&names[..], node.kind) {
        ([], Kind::Pipe) => "pipe".to_owned(),
        ([], _) => "socket".to_owned(),
        (names, _) => names.join(", "),
    };
    match (node.members, &node.label.detail) {
        (1, Some(Detail::Pid(pid))) => format!("{name} [{pid}]"),
        (1, _) => name,
        (many, _) => format!("{name} ×{many}"),
    }
}
