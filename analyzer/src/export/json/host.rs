//! Hosts, and what of them could be read.

use serde::Serialize;

use super::object::object;
use crate::export::time::rfc3339;
use crate::model::{Host, NetnsCoverage};
use crate::text::escape::display;

pub(super) fn host((index, host): (usize, &Host)) -> impl Serialize {
    let machine_id = (!host.machine_id.is_empty()).then(|| display(&host.machine_id));
    let started_at = (host.started_at_ns != 0).then(|| rfc3339(host.started_at_ns));
    object()
        .field("id", format!("h{index}"))
        .bytes("hostname", &host.hostname)
        .field("boot_id", display(&host.boot_id))
        .field("machine_id", machine_id)
        .field("kernel", display(&host.kernel))
        .field("arch", display(&host.arch))
        .field("os", display(&host.os))
        .field("started_at", started_at)
        .field("ended_at", host.ended_at_ns.map(rfc3339))
        .field("collector", display(&host.collector))
        .field("source", "collector")
        // Null if the block that records it is lost.
        .field("euid", host.euid)
        .bytes_or_null("note", host.note.as_deref())
}

pub(super) fn coverage((index, host): (usize, &Host)) -> impl Serialize {
    let coverage = &host.coverage;
    let processes = object()
        .field("read", coverage.read)
        .field("partial", coverage.partial)
        .field("denied", coverage.denied)
        .field("vanished", coverage.vanished);
    let netns = |netns: &NetnsCoverage| {
        object()
            .field("inode", netns.inode)
            .field("diag", netns.diag.as_str())
            .field("proc_net", netns.proc_net.as_str())
    };
    object()
        .field("host", format!("h{index}"))
        .field("processes", processes)
        .list("netns", coverage.netns.iter().map(netns))
        .field("complete", coverage.complete)
}
