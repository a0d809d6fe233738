//! The text of nodes: names, addresses, pids, findings. Not cut to fit, which `node` does.

use std::collections::BTreeSet;

use super::draft::{Draft, DraftNode, Member};
use crate::draw::graph::{Detail, Findings, Kind, LABEL_NAMES, Label, LabelName};
use crate::model::{Family, PipeId, Process, Socket};
use crate::text::escape::{display, name};

/// Names of the members of a group that are listed.
const MAX_GROUP_NAMES: usize = 8;

/// The label of a node; `grouped`: each process stands for a group, and has no pid.
pub(crate) fn label(draft: &Draft<'_>, node: &DraftNode, grouped: bool) -> Label {
    let names = node.members.iter().take(LABEL_NAMES);
    let socket = draft.socket(node.members[0]);
    match node.kind {
        Kind::Process => process(draft, node, grouped),
        Kind::Socket => Label {
            holders: socket.map_or(0, |socket| socket.holders().len()),
            ..Label::default()
        },
        Kind::Listener | Kind::Pipe | Kind::Outside => Label {
            names: names.map(|member| label_name(draft, *member)).collect(),
            ..Label::default()
        },
    }
}

fn label_name(draft: &Draft<'_>, member: Member) -> LabelName {
    let text = match member {
        Member::Process(process) => draft.processes[process as usize].name(),
        Member::Socket(socket) => socket_name(draft.sockets[socket as usize].socket()),
        Member::Pipe(pipe) => pipe_path(draft, pipe).unwrap_or_else(|| "pipe".to_owned()),
        Member::Outside(address) => {
            let text = &draft.outside[address as usize];
            text.strip_prefix("(outside) ").unwrap_or(text).to_owned()
        }
    };
    let socket = draft.socket(member);
    let is_net = socket.is_some_and(|socket| socket.socket().family != Family::Unix);
    LabelName { text, is_net }
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
    let name = LabelName {
        text: name,
        is_net: false,
    };
    Label {
        names: vec![name],
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
    match (socket.current_name(), socket.local) {
        (Some(bytes), _) => name(bytes.bytes()),
        (None, Some(local)) => local.to_string(),
        (None, None) => "(unnamed)".to_owned(),
    }
}

/// The path of a FIFO, for display.
pub(crate) fn pipe_path(draft: &Draft<'_>, pipe: PipeId) -> Option<String> {
    draft.map.pipes[pipe.index()].path.as_deref().map(display)
}

/// The user of a process, by name or number.
pub(crate) fn user(process: &Process) -> Option<String> {
    let name = process.user.as_ref();
    let name = name.map(|name| format!("user {}", display(name)));
    name.or_else(|| Some(format!("uid {}", process.uid?)))
}

/// The container of a process, by name or id.
pub(crate) fn container(process: &Process) -> Option<String> {
    let container = process.container.as_ref()?;
    Some(format!(
        "container {}",
        display(container.path().as_bytes())
    ))
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
