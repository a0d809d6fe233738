//! Divides a payload into rows: netlink messages or lines.

use crate::netlink::{self, ByteOrder};

/// How a payload is divided into rows. Any division is valid; a reader does not need to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rows {
    /// Netlink messages with their padding, in this machine's byte order.
    Netlink,
    /// Lines with their line ends.
    Lines,
}

impl Rows {
    /// Returns the division for a raw source, by its name.
    pub fn of_source(source: &[u8]) -> Option<Self> {
        if source.starts_with(b"diag/") {
            Some(Self::Netlink)
        } else if source.starts_with(b"net/") {
            Some(Self::Lines)
        } else {
            None
        }
    }

    /// Returns the widths of the rows at the start of `bytes`, and the number of remaining bytes.
    pub(crate) fn widths(self, bytes: &[u8]) -> (Vec<usize>, usize) {
        let mut widths = Vec::new();
        let mut whole = 0;
        match self {
            Self::Netlink => {
                let messages = netlink::messages(bytes, ByteOrder::NATIVE);
                for message in messages.map_while(Result::ok) {
                    let length = netlink::HEADER_BYTES + message.payload.len();
                    let width = length.next_multiple_of(4).min(bytes.len() - whole);
                    whole += width;
                    widths.push(width);
                }
            }
            Self::Lines => {
                for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                    if line.ends_with(b"\n") {
                        whole += line.len();
                        widths.push(line.len());
                    }
                }
            }
        }
        (widths, bytes.len() - whole)
    }
}
