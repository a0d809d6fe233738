//! Hosts, and what of them could be read.

use serde::Serialize;

use crate::export::exact_text::ExactText;
use crate::export::time::rfc3339;
use crate::model::Host;
use crate::text::escape::display;

#[derive(Debug, Serialize)]
pub(super) struct HostDocument {
    id: String,
    hostname: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname_hex: Option<String>,
    boot_id: String,
    machine_id: Option<String>,
    kernel: String,
    arch: String,
    os: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    collector: String,
    source: &'static str,
    /// Null if the block that records it is lost.
    euid: Option<u32>,
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note_hex: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct CoverageDocument {
    host: String,
    processes: ProcessCoverageDocument,
    netns: Vec<NetnsCoverageDocument>,
    complete: bool,
}

#[derive(Debug, Serialize)]
struct ProcessCoverageDocument {
    read: usize,
    partial: usize,
    denied: usize,
    vanished: usize,
}

#[derive(Debug, Serialize)]
struct NetnsCoverageDocument {
    inode: u64,
    diag: &'static str,
    proc_net: &'static str,
}

pub(super) fn host(index: usize, host: &Host) -> HostDocument {
    let hostname = ExactText::new(&host.hostname);
    let note = host.note.as_deref().map(ExactText::new);
    HostDocument {
        id: format!("h{index}"),
        hostname: hostname.text,
        hostname_hex: hostname.hex,
        boot_id: display(&host.boot_id),
        machine_id: (!host.machine_id.is_empty()).then(|| display(&host.machine_id)),
        kernel: display(&host.kernel),
        arch: display(&host.arch),
        os: display(&host.os),
        started_at: (host.started_at_ns != 0).then(|| rfc3339(host.started_at_ns)),
        ended_at: host.ended_at_ns.map(rfc3339),
        collector: display(&host.collector),
        source: "collector",
        euid: host.euid,
        note: note.as_ref().map(|note| note.text.clone()),
        note_hex: note.and_then(|note| note.hex),
    }
}

pub(super) fn coverage(index: usize, host: &Host) -> CoverageDocument {
    let coverage = &host.coverage;
    CoverageDocument {
        host: format!("h{index}"),
        processes: ProcessCoverageDocument {
            read: coverage.read,
            partial: coverage.partial,
            denied: coverage.denied,
            vanished: coverage.vanished,
        },
        netns: coverage
            .netns
            .iter()
            .map(|ns| NetnsCoverageDocument {
                inode: ns.inode,
                diag: ns.diag.as_str(),
                proc_net: ns.proc_net.as_str(),
            })
            .collect(),
        complete: coverage.complete,
    }
}
