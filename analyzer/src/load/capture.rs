//! What a file holds once it is read: captures with typed records, raw sources, and damage.

use whotalks_snapshot::Damage;
use whotalks_snapshot::descriptors::DescriptorTable;
use whotalks_snapshot::netlink::ByteOrder;
use whotalks_snapshot::records::{
    BoundPath, CaptureEnd, DescriptorInfo, Host, Netns, Process, RawHeader, User, Wait,
};

/// The captures and the damage of a file.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The captures, by number in the file; at least one, which may be empty.
    pub captures: Vec<Capture>,
    /// The numbers of these captures.
    pub numbers: Vec<u32>,
    /// All damage.
    pub damages: Vec<Damage>,
    /// Number of blocks that were read.
    pub blocks: usize,
}

/// One capture: records by type, and the raw sources.
#[derive(Debug, Clone, Default)]
pub struct Capture {
    /// The machine; `None`: its block is lost.
    pub host: Option<Host>,
    /// The end; `None`: the capture is cut short.
    pub end: Option<CaptureEnd>,
    /// Processes, in the order they were read.
    pub processes: Vec<Process>,
    /// Descriptor tables and their parts, in order.
    pub tables: Vec<DescriptorTable>,
    /// Texts of `/proc/PID/fdinfo`.
    pub descriptor_infos: Vec<DescriptorInfo>,
    /// States of threads.
    pub waits: Vec<Wait>,
    /// Network namespaces.
    pub namespaces: Vec<Netns>,
    /// User names.
    pub users: Vec<User>,
    /// Paths that sockets are bound to, with the result of stat(2).
    pub paths: Vec<BoundPath>,
    /// Raw sources: kernel tables and files, byte for byte.
    pub raw: Vec<RawSource>,
    /// The damage of the file that concerns this capture.
    pub damages: Vec<Damage>,
}

/// A raw source, assembled from its parts.
#[derive(Debug, Clone, Default)]
pub struct RawSource {
    /// The header of its last part.
    pub header: RawHeader,
    /// Its bytes; with `gaps`, some are missing in between.
    pub bytes: Vec<u8>,
    /// Whether a part is missing, also the last one.
    pub gaps: bool,
}

impl Capture {
    /// Byte order of the captured machine.
    pub fn byte_order(&self) -> ByteOrder {
        match &self.host {
            Some(host) if host.byte_order == 2 => ByteOrder::Big,
            _ => ByteOrder::Little,
        }
    }

    /// The raw sources of a name.
    pub fn sources<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a RawSource> {
        let sources = self.raw.iter();
        sources.filter(move |raw| raw.header.source == name.as_bytes())
    }
}
