//! Channels while they are read: with a key to order them, and the descriptor that names them.

use std::collections::{HashMap, HashSet};

use whotalks_snapshot::descriptors::Link;

use super::channel::{Channel, ChannelEnd, ChannelKind, ChannelRole};
use super::holder::DescriptorKey;
use super::ids::{HostId, ProcessId};
use super::process::{Process, find_pid};
use crate::load::Capture;
use crate::load::shared_files::SharedFile;

/// A channel without a number.
pub(super) struct ChannelDraft {
    pub(super) kind: ChannelKind,
    /// Orders channels of one kind, and tells them apart.
    pub(super) key: [u64; 3],
    pub(super) name: Box<[u8]>,
    /// The descriptor whose link is the name instead.
    pub(super) named_by: Option<DescriptorKey>,
    pub(super) ends: Vec<ChannelEnd>,
}

/// A capture, and the processes of its host.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) capture: &'a Capture,
    pub(super) processes: &'a [Process],
    /// Index of the host's first process.
    pub(super) first: usize,
}

impl<'a> Source<'a> {
    /// The process of a pid.
    pub(super) fn process(&self, pid: u32) -> Option<ProcessId> {
        find_pid(self.processes, self.first, pid)
    }

    /// The row of a process.
    pub(super) fn row(&self, id: ProcessId) -> &'a Process {
        &self.processes[id.index()]
    }

    /// The end that a descriptor is.
    pub(super) fn end(&self, file: &SharedFile, role: ChannelRole) -> Option<ChannelEnd> {
        Some(ChannelEnd {
            role,
            process: self.process(file.pid)?,
            tid: file.tid,
            fd: Some(file.fd),
            keeps: false,
        })
    }

    /// An end without a descriptor.
    pub(super) fn end_of(&self, process: ProcessId, role: ChannelRole) -> ChannelEnd {
        ChannelEnd {
            role,
            process,
            tid: None,
            fd: None,
            keeps: false,
        }
    }

    /// The fdinfo of some descriptors, by pid, thread (or 0) and descriptor.
    pub(super) fn infos(&self, files: &[&SharedFile]) -> HashMap<(u32, u32, u32), &'a [u8]> {
        if files.is_empty() {
            return HashMap::new();
        }
        let key = |file: &&SharedFile| (file.pid, file.tid.unwrap_or(0), file.fd);
        let wanted: HashSet<(u32, u32, u32)> = files.iter().map(key).collect();
        let infos = self.capture.descriptor_infos.iter();
        infos
            .map(|info| ((info.pid, info.tid, info.fd), &info.text[..]))
            .filter(|(key, _)| wanted.contains(key))
            .collect()
    }
}

/// Orders channels by kind and key, numbers them, and names those that a descriptor names.
pub(super) fn finish(
    source: Source<'_>,
    host: HostId,
    mut drafts: Vec<ChannelDraft>,
) -> Vec<Channel> {
    drafts.sort_by_key(|draft| (draft.kind, draft.key));
    let links = links(source, drafts.iter().filter_map(|draft| draft.named_by));
    let channel = |(number, draft): (usize, ChannelDraft)| {
        let link = draft.named_by.and_then(|key| links.get(&key)?.clone());
        let mut ends = draft.ends;
        ends.sort_unstable();
        ends.dedup();
        Channel {
            host,
            number: u32::try_from(number).unwrap_or(u32::MAX),
            kind: draft.kind,
            name: link.unwrap_or(draft.name),
            ends,
            hidden: draft.kind != ChannelKind::Pty,
        }
    };
    drafts.retain(|draft| !draft.ends.is_empty());
    drafts.into_iter().enumerate().map(channel).collect()
}

/// The links of descriptors.
fn links(
    source: Source<'_>,
    wanted: impl Iterator<Item = DescriptorKey>,
) -> HashMap<DescriptorKey, Option<Box<[u8]>>> {
    let mut links: HashMap<DescriptorKey, Option<Box<[u8]>>> =
        wanted.map(|key| (key, None)).collect();
    let processes: HashSet<ProcessId> = links.keys().map(|(process, ..)| *process).collect();
    if links.is_empty() {
        return links;
    }
    for table in &source.capture.tables {
        let process = source
            .process(table.pid)
            .filter(|id| processes.contains(id));
        let Some(process) = process else { continue };
        let tid = (table.tid != 0).then_some(table.tid);
        for (fd, link) in table.entries().map_while(Result::ok) {
            if let Link::Other { text } = link
                && let Some(link) = links.get_mut(&(process, tid, fd))
            {
                *link = Some(text.into());
            }
        }
    }
    links
}
