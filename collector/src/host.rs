//! Records the machine, and how the collector was started.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

use rustix::system::Uname;
use sha2::{Digest, Sha256};
use whotalks_snapshot::records::Host;

use crate::args::Config;
use crate::proc::{namespace_inode, read_file, read_link};
use crate::{clock, sys};

/// `/etc/os-release` has a dozen lines, far less than this.
const OS_RELEASE_LIMIT_BYTES: usize = 16 << 10;
/// The message of the keyed hash. A fixed, private text makes the hash comparable between snapshots
/// only.
const MACHINE_ID_MESSAGE: &[u8] = b"whotalks snapshot, machine id, 1";

/// Builds the `Host` record, with the present time as the start of the capture.
pub(crate) fn record(
    root: &OwnedFd,
    uname: &Uname,
    config: &Config,
    arguments: &[OsString],
) -> Host {
    let namespace = |name: &str| {
        let mut buffer = [0; 64];
        let link = read_link(root, format!("self/ns/{name}"), &mut buffer);
        link.ok().and_then(namespace_inode).unwrap_or(0)
    };
    Host {
        hostname: uname.nodename().to_bytes().to_vec(),
        boot_id: read_small_file(root, "sys/kernel/random/boot_id")
            .trim_ascii_end()
            .to_vec(),
        machine_id: machine_id(),
        uname: [
            uname.sysname(),
            uname.release(),
            uname.version(),
            uname.machine(),
        ]
        .iter()
        .flat_map(|part| part.to_bytes_with_nul())
        .copied()
        .collect(),
        os_release: os_release(),
        byte_order: if cfg!(target_endian = "big") { 2 } else { 1 },
        pointer_bits: usize::BITS as u8,
        page_bytes: sys::page_bytes(),
        ticks_per_second: sys::ticks_per_second(),
        started_realtime_ns: clock::realtime_ns(),
        started_boottime_ns: clock::boottime_ns(),
        euid: rustix::process::geteuid().as_raw(),
        egid: rustix::process::getegid().as_raw(),
        capabilities: rustix::thread::capabilities(None).map_or(0, |sets| sets.effective.bits()),
        collector: env!("CARGO_PKG_VERSION").as_bytes().to_vec(),
        arguments: arguments
            .iter()
            .flat_map(|argument| [argument.as_bytes(), b"\0"].concat())
            .collect(),
        note: config.note.as_ref().map(|note| note.as_bytes().to_vec()),
        pidns: namespace("pid"),
        netns: namespace("net"),
        mntns: namespace("mnt"),
        userns: namespace("user"),
        collector_pid: std::process::id(),
    }
}

/// Reads a small file below `/proc`. Returns nothing if it cannot be read.
fn read_small_file(root: &OwnedFd, path: &str) -> Vec<u8> {
    let mut text = Vec::new();
    let _ = read_file(root, path, 4096, &mut text);
    text
}

fn os_release() -> Vec<u8> {
    let mut text = Vec::new();
    for path in ["/etc/os-release", "/usr/lib/os-release"] {
        let read = read_file(rustix::fs::CWD, path, OS_RELEASE_LIMIT_BYTES, &mut text);
        if read.is_ok() && !text.is_empty() {
            break;
        }
    }
    text
}

/// Returns the HMAC-SHA-256 of [`MACHINE_ID_MESSAGE`] with the machine id as the key, as machine-id(5)
/// recommends, truncated to 128 bits, in hexadecimal.
fn machine_id() -> Vec<u8> {
    let mut text = Vec::new();
    let read = read_file(rustix::fs::CWD, "/etc/machine-id", 64, &mut text);
    let id = text.trim_ascii();
    if read.is_err() || id.is_empty() {
        return Vec::new();
    }
    let keyed = hmac(id, MACHINE_ID_MESSAGE);
    keyed[..16]
        .iter()
        .flat_map(|byte| format!("{byte:02x}").into_bytes())
        .collect()
}

/// HMAC-SHA-256 (RFC 2104), for a key of at most one block.
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let padded = |pad: u8| {
        let mut block = [pad; 64];
        block
            .iter_mut()
            .zip(key)
            .for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new()
        .chain_update(padded(0x36))
        .chain_update(message)
        .finalize();
    Sha256::new()
        .chain_update(padded(0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_matches_rfc_4231() {
        let mac = hmac(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(mac[..8], [0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e]);
    }
}
