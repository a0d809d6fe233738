//! The text of nodes: names, addresses, pids, findings. Not cut to fit, which `node` does.

use std::collections::BTreeSet;

use super::draft::{Draft, DraftNode, Member};
use crate::draw::graph::{Detail, Findings, Kind, LABEL_NAMES, Label, LabelName};
use crate::model::{Family, Socket};
use crate::text::escape::{display, name};

/// Names of the members of a group that are listed.
const MAX_GROUP_NAMES: usize = 8;

/// The label of a node; `grouped`: each process stands for a group, and has no pid.
pub(crate) fn label(draft: &Draft<'_>, node: &DraftNode, grouped: bool) -> Label {
    match node.kind {
        Kind::Process => process(draft, node, grouped),
        Kind::Listener => Label {
            names: names(node, |member| match member {
                Member::Socket(socket) => Some(listener(draft.sockets[socket as usize].socket())),
                _ => None,
            }),
            ..Label::default()
        },
        Kind::Socket => Label {
            holders: match node.members[0] {
                Member::Socket(socket) => draft.sockets[socket as usize].holders().len(),
                _ => 0,
            },
            ..Label::default()
        },
        Kind::Pipe => Label {
            names: vec![plain(match node.members[0] {
                Member::Pipe(pipe) => pipe_path(draft, pipe).unwrap_or_else(|| "pipe".to_owned()),
                _ => "pipe".to_owned(),
            })],
            ..Label::default()
        },
        Kind::Outside => Label {
            names: names(node, |member| match member {
                Member::Outside(address) => {
                    let text = &draft.outside[address as usize];
                    let text = text.strip_prefix("(outside) ").unwrap_or(text);
                    Some(plain(text.to_owned()))
                }
                _ => None,
            }),
            ..Label::default()
        },
    }
}

fn names(node: &DraftNode, name: impl Fn(Member) -> Option<LabelName>) -> Vec<LabelName> {
    let members = node.members.iter().take(LABEL_NAMES);
    members.filter_map(|member| name(*member)).collect()
}

fn plain(text: String) -> LabelName {
    LabelName {
        text,
        is_net: false,
    }
}

fn listener(socket: &Socket) -> LabelName {
    LabelName {
        text: socket_name(socket),
        is_net: socket.family != Family::Unix,
    }
}

fn process(draft: &Draft<'_>, node: &DraftNode, grouped: bool) -> Label {
    let Some(first) = draft.first_process(node) else {
        return Label::default();
    };
    let many = node.members.len() > 1;
    let is_one_program = !many || draft.is_one_program(node);
    let name = match &node.group {
        Some(group) => group.clone(),
        None if is_one_program => first.name(),
        None => "processes".to_owned(),
    };
    let is_single = node.counts.is_none_or(|(old, new)| old.max(new) <= 1);
    let detail = match many {
        false if is_single && !grouped => Some(Detail::Pid(first.process().pid)),
        true if !is_one_program => Some(Detail::Names(group_names(draft, node))),
        _ => None,
    };
    Label {
        names: vec![plain(name)],
        detail,
        holders: 0,
    }
}

/// The distinct names within a group.
fn group_names(draft: &Draft<'_>, node: &DraftNode) -> String {
    let members = node.members.iter();
    let names: BTreeSet<String> = members
        .filter_map(|member| Some(draft.process(*member)?.name()))
        .collect();
    let shown: Vec<String> = names.into_iter().take(MAX_GROUP_NAMES).collect();
    shown.join(", ")
}

/// A socket's name or address, for display.
pub(crate) fn socket_name(socket: &Socket) -> String {
    match (&socket.name, socket.local) {
        (Some(bytes), _) => name(bytes.bytes()),
        (None, Some(local)) => local.to_string(),
        (None, None) => "(unnamed)".to_owned(),
    }
}

/// The path of a FIFO, for display.
pub(crate) fn pipe_path(draft: &Draft<'_>, pipe: crate::model::PipeId) -> Option<String> {
    draft.pipe(pipe).path.as_deref().map(display)
}

/// The findings about a node; `None`: there are none.
pub(crate) fn findings(draft: &Draft<'_>, node: &DraftNode) -> Option<Findings> {
    Some(Findings {
        severity: draft.severity(&node.findings)?,
        first: draft.finding(*node.findings.first()?),
        codes: codes(draft, node),
        count: node.findings.len(),
    })
}

/// `WT301, WT305 ×2`: the distinct codes of the findings about a node.
fn codes(draft: &Draft<'_>, node: &DraftNode) -> String {
    let mut codes: Vec<(&str, usize)> = Vec::new();
    for finding in &node.findings {
        let code = draft.findings[*finding as usize].code;
        match codes.iter_mut().find(|(known, _)| *known == code) {
            Some((_, n)) => *n += 1,
            None => codes.push((code, 1)),
        }
    }
    let counted = |(code, n): &(&str, usize)| match n {
        1 => (*code).to_owned(),
        n => format!("{code} ×{n}"),
    };
    let codes: Vec<String> = codes.iter().map(counted).collect();
    codes.join(", ")
}
