//! Resolves the draft: writes the labels, tooltips and ids of the nodes and edges that are left.

use super::draft::{Draft, DraftNode, index};
use super::shelf::{is_unread, owners, shelves};
use super::{caption, label, tooltip};
use crate::draw::graph::{Edge, Graph, Kind, Node, Shelf};
use crate::draw::options::Options;
use crate::model::Family;

/// With `all`, more edges than these are drawn together, and more nodes have short tooltips.
const MAX_ELEMENTS: usize = 5_000;

/// The graph to draw.
pub(crate) fn resolve(draft: Draft<'_>, title: String, options: &Options) -> Graph {
    let batched = options.all && draft.edges.len() > MAX_ELEMENTS;
    let terse = batched || (options.all && draft.nodes.len() > MAX_ELEMENTS);
    let style = tooltip::Style {
        grouped: options.grouped,
        terse,
    };
    let edges = draft
        .edges
        .iter()
        .map(|(&(a, b, kind), bundle)| {
            let tooltip = || tooltip::edge(&draft, (a, b, kind), bundle, style);
            Edge {
                a,
                b,
                kind,
                n: bundle.n,
                a_end: bundle.a_end,
                b_end: bundle.b_end,
                finding: draft.severity(&bundle.findings),
                change: bundle.change,
                counts: bundle.counts,
                tooltip: (!batched).then(tooltip).unwrap_or_default(),
            }
        })
        .collect();
    let mut caption = vec![title];
    caption.extend(caption::lines(draft.map, options, draft.marked()));
    caption.extend(draft.comparison.iter().cloned());
    let places = owners(&draft).into_iter().zip(shelves(&draft));
    let nodes = (0u32..)
        .zip(&draft.nodes)
        .zip(places)
        .map(|((number, node), place)| resolve_node(&draft, (number, node), place, style))
        .collect();
    Graph {
        nodes,
        edges,
        caption,
        compared: !draft.comparison.is_empty(),
        hubs: draft.hubs,
        badges: draft.badges,
        not_drawn: draft.not_drawn,
        merged_by: draft.merged_by,
        grouped: options.grouped,
        batched,
        terse,
    }
}

fn resolve_node(
    draft: &Draft<'_>,
    (number, node): (u32, &DraftNode),
    (attached_to, shelf): (Option<u32>, Shelf),
    style: tooltip::Style,
) -> Node {
    let socket = draft.socket(node.members[0]);
    let is_net = socket.is_some_and(|socket| socket.socket().family != Family::Unix);
    Node {
        id: node_id(draft, node),
        kind: node.kind,
        members: node.members.len(),
        label: label::label(draft, node, style.grouped),
        tooltip: tooltip::node(draft, node, style),
        undrawn: node.undrawn,
        findings: label::findings(draft, node),
        is_concerned: !node.concerns.is_empty(),
        is_unread: node.kind == Kind::Process && is_unread(draft, node),
        is_net: node.kind == Kind::Socket && is_net,
        is_focus: is_focus(draft, node),
        change: node.change,
        counts: node.counts,
        previous: node.previous,
        attached_to,
        hub: draft.hubs.iter().position(|hub| *hub == number).map(index),
        shelf,
    }
}

/// Whether `--focus` names one of a node's processes.
fn is_focus(draft: &Draft<'_>, node: &DraftNode) -> bool {
    node.members.iter().any(|member| {
        let process = draft.process(*member);
        process.is_some_and(|process| process.map.left_out.focus.contains(&process.id))
    })
}

/// The id of the first member, and the number of the others.
fn node_id(draft: &Draft<'_>, node: &DraftNode) -> String {
    let first = draft.document_id(node.members[0]);
    match node.members.len() {
        1 => first,
        many => format!("{first}+{}", many - 1),
    }
}
