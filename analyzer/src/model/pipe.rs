//! Pipes and FIFOs.

use super::holder::Holder;
use super::ids::HostId;

/// Identifies a pipe within its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PipeKey {
    /// A FIFO, by device and inode.
    Fifo(u64, u64),
    /// A pipe, by inode on pipefs.
    Pipe(u64),
}

impl PipeKey {
    /// The inode.
    pub fn inode(self) -> u64 {
        match self {
            Self::Pipe(inode) | Self::Fifo(_, inode) => inode,
        }
    }
}

/// A pipe or FIFO. A descriptor opened for both is in both lists.
#[derive(Debug, Clone)]
pub struct Pipe {
    /// Its host.
    pub host: HostId,
    /// Its key within the host.
    pub key: PipeKey,
    /// A FIFO's path, as the link of its first holder shows it.
    pub path: Option<Box<[u8]>>,
    /// Descriptors opened for reading.
    pub readers: Vec<Holder>,
    /// Descriptors opened for writing.
    pub writers: Vec<Holder>,
    /// Whether a filter left it out of the conversations, since its reader is a logger.
    pub hidden: bool,
}
