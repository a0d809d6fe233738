//! How a payload divides into rows: netlink messages or lines.

use crate::netlink::{self, ByteOrder};

/// How a payload falls into rows. A writer's choice: a reader need not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rows {
    /// Netlink messages with their padding, in this machine's byte order.
    Netlink,
    /// Lines with their line ends.
    Lines,
}

impl Rows {
    /// How the sources of raw blocks fall into rows, by their names.
    pub fn of_source(source: &[u8]) -> Option<Self> {
        if source.starts_with(b"diag/") {
            Some(Self::Netlink)
        } else if source.starts_with(b"net/") {
            Some(Self::Lines)
        } else {
            None
        }
    }

    /// Widths of the rows at the front of `bytes`, and how many bytes are in none.
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
