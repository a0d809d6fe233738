//! Reads the channels of a host.

use super::channel::Channel;
use super::channel_draft::{Source, finish};
use super::ids::HostId;
use super::process::Process;
use super::{file_locks, ptys, shared_objects};
use crate::load::{Capture, shared_files};

/// The channels of a host, whose processes start at `first`, by kind.
pub(super) fn read(
    capture: &Capture,
    host: HostId,
    processes: &[Process],
    first: usize,
) -> Vec<Channel> {
    let source = Source {
        capture,
        processes,
        first,
    };
    let raw = capture.sources("shared-files");
    let files: Vec<_> = raw.flat_map(|raw| shared_files::rows(&raw.bytes)).collect();
    let mut drafts = ptys::read(&source, &files);
    drafts.append(&mut shared_objects::files(&source, &files));
    drafts.append(&mut shared_objects::system_v(&source));
    drafts.append(&mut shared_objects::eventfds(&source));
    drafts.append(&mut file_locks::read(&source));
    finish(source, host, drafts)
}
