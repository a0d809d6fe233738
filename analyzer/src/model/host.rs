//! Hosts: identity of a machine and circumstances of its capture.

use std::net::IpAddr;

use super::coverage::HostCoverage;
use crate::load::Capture;

/// A machine at the time of a capture.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// `uname -n`.
    pub hostname: Box<[u8]>,
    /// `/proc/sys/kernel/random/boot_id`.
    pub boot_id: Box<[u8]>,
    /// Keyed hash of the machine id.
    pub machine_id: Box<[u8]>,
    /// `uname -r`.
    pub kernel: Box<[u8]>,
    /// `uname -m`.
    pub arch: Box<[u8]>,
    /// `NAME` and `VERSION_ID` of os-release(5), without ` GNU/Linux`: `Debian 13`.
    pub os: Box<[u8]>,
    /// Wall clock at the start of the capture, nanoseconds since 1970.
    pub started_at_ns: u64,
    /// Wall clock at its end; `None`: the end is missing.
    pub ended_at_ns: Option<u64>,
    /// Version of the collector.
    pub collector: Box<[u8]>,
    /// Effective user id of the collector; `None`: not known.
    pub euid: Option<u32>,
    /// Pid of the collector in its own pid namespace; `None`: not known.
    pub collector_pid: Option<u32>,
    /// The pid namespace (inode) of all pids; `None`: not known.
    pub pidns: Option<u64>,
    /// Addresses of its interfaces in all network namespaces that were read, sorted.
    pub addresses: Box<[IpAddr]>,
    /// Wall clock at the start of the boot, nanoseconds since 1970.
    pub booted_at_ns: u64,
    /// Whether any process has arguments: not with `--cmdline none`.
    pub has_arguments: bool,
    /// Whether names were replaced by pseudonyms: only then the collector's own arguments are missing.
    pub is_redacted: bool,
    /// `--note`.
    pub note: Option<Box<[u8]>>,
    /// What was read and what is missing.
    pub coverage: HostCoverage,
}

impl Host {
    /// Reads the records of a capture; leaves the coverage at its default.
    pub(super) fn from_records(capture: &Capture) -> Self {
        let record = capture.host.clone().unwrap_or_default();
        let mut uname = record.uname.split(|byte| *byte == 0);
        let mut next = || Box::from(uname.next().unwrap_or_default());
        let (_sysname, kernel, _version, arch): (Box<[u8]>, _, Box<[u8]>, _) =
            (next(), next(), next(), next());
        Self {
            hostname: record.hostname.into(),
            boot_id: record.boot_id.into(),
            machine_id: record.machine_id.into(),
            kernel,
            arch,
            os: os_name(&record.os_release).into(),
            started_at_ns: record.started_realtime_ns,
            ended_at_ns: capture.end.as_ref().map(|end| end.ended_realtime_ns),
            collector: record.collector.into(),
            euid: capture.host.as_ref().map(|host| host.euid),
            collector_pid: Some(record.collector_pid).filter(|pid| *pid != 0),
            pidns: Some(record.pidns).filter(|inode| *inode != 0),
            addresses: Box::default(),
            booted_at_ns: record
                .started_realtime_ns
                .saturating_sub(record.started_boottime_ns),
            has_arguments: capture.processes.iter().any(|it| !it.cmdline.is_empty()),
            is_redacted: capture.host.is_some() && record.arguments.is_empty(),
            note: record.note.map(Into::into),
            coverage: HostCoverage::default(),
        }
    }
}

/// `NAME` and `VERSION_ID` of os-release(5).
fn os_name(os_release: &[u8]) -> Vec<u8> {
    let value = |key: &[u8]| -> Option<&[u8]> {
        let mut lines = os_release.split(|byte| *byte == b'\n');
        let text = lines.find_map(|line| line.strip_prefix(key))?;
        let unquoted = text.strip_prefix(b"\"").and_then(|t| t.strip_suffix(b"\""));
        Some(unquoted.unwrap_or(text))
    };
    let name = value(b"NAME=").unwrap_or_default();
    let mut name = name.strip_suffix(b" GNU/Linux").unwrap_or(name).to_vec();
    if let Some(version) = value(b"VERSION_ID=") {
        name.push(b' ');
        name.extend(version);
    }
    name
}
