//! Netlink framing: messages in a buffer, attributes in a message.
//!
//! Raw diag blocks contain the kernel's messages, and both collector and analyzer need their
//! framing. Message contents are not interpreted here. Integers have the byte order of the captured
//! machine.
//!
//! References: `netlink(7)`, `linux/netlink.h`.

/// `NLMSG_ERROR`.
pub const NLMSG_ERROR: u16 = 2;
/// `NLMSG_DONE`.
pub const NLMSG_DONE: u16 = 3;
/// `NLM_F_DUMP_INTR`: the table changed while it was dumped.
pub const NLM_F_DUMP_INTR: u16 = 0x10;
/// Size of `struct nlmsghdr` in bytes.
pub const HEADER_BYTES: usize = 16;

/// Byte order of the integers in a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ByteOrder {
    /// x86, arm64, RISC-V.
    #[default]
    Little,
    /// s390x.
    Big,
}

impl ByteOrder {
    /// The byte order of this machine.
    pub const NATIVE: Self = if cfg!(target_endian = "big") {
        Self::Big
    } else {
        Self::Little
    };

    /// Reads the 16-bit integer at offset `at`, if present.
    pub fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let raw = *bytes.get(at..)?.first_chunk::<2>()?;
        Some(if self == Self::Little {
            u16::from_le_bytes(raw)
        } else {
            u16::from_be_bytes(raw)
        })
    }

    /// Reads the 32-bit integer at offset `at`, if present.
    pub fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let raw = *bytes.get(at..)?.first_chunk::<4>()?;
        Some(if self == Self::Little {
            u32::from_le_bytes(raw)
        } else {
            u32::from_be_bytes(raw)
        })
    }

    /// Reads the 64-bit integer at offset `at`, if present.
    pub fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let raw = *bytes.get(at..)?.first_chunk::<8>()?;
        Some(if self == Self::Little {
            u64::from_le_bytes(raw)
        } else {
            u64::from_be_bytes(raw)
        })
    }
}

/// A netlink message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// `nlmsg_type`.
    pub kind: u16,
    /// `nlmsg_flags`.
    pub flags: u16,
    /// `nlmsg_seq`.
    pub sequence: u32,
    /// The bytes after the header.
    pub payload: &'a [u8],
}

/// An invalid length: the rest of the buffer cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("netlink length {length} at byte {offset} of {available} bytes")]
pub struct Misframed {
    /// Offset in the buffer.
    pub offset: usize,
    /// The invalid length.
    pub length: u32,
    /// Bytes present.
    pub available: usize,
}

/// Returns the messages of a buffer. Ends with an error at an invalid length.
pub fn messages(
    buffer: &[u8],
    order: ByteOrder,
) -> impl Iterator<Item = Result<Message<'_>, Misframed>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = buffer.get(at..).filter(|rest| !rest.is_empty())?;
        let length = order.u32(rest, 0).unwrap_or(0);
        let Some(message) = rest
            .get(..length as usize)
            .filter(|m| m.len() >= HEADER_BYTES)
        else {
            let offset = std::mem::replace(&mut at, buffer.len());
            return Some(Err(Misframed {
                offset,
                length,
                available: rest.len(),
            }));
        };
        // NLMSG_ALIGN; the last message may lack its padding.
        at += (length as usize).next_multiple_of(4);
        Some(Ok(Message {
            kind: order.u16(message, 4)?,
            flags: order.u16(message, 6)?,
            sequence: order.u32(message, 8)?,
            payload: &message[HEADER_BYTES..],
        }))
    })
}

/// Returns the attributes (`struct rtattr`) after the fixed part of a message, as type and value.
/// Stops at an invalid length.
pub fn attributes(bytes: &[u8], order: ByteOrder) -> impl Iterator<Item = (u16, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..)?;
        let length = usize::from(order.u16(rest, 0)?);
        let kind = order.u16(rest, 2)?;
        let value = rest.get(4..length)?;
        at += length.next_multiple_of(4);
        Some((kind, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(payload: &[u8]) -> Vec<u8> {
        let length = (HEADER_BYTES + payload.len()) as u32;
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend([20, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn invalid_lengths_end_the_iteration() {
        let mut buffer = message(b"abcde");
        buffer.extend(message(b""));
        let all: Vec<_> = messages(&buffer, ByteOrder::Little).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(
            all[0].map(|m| (m.kind, m.flags, m.payload)),
            Ok((20, 2, &b"abcde"[..]))
        );
        for length in [0_u32, 15, 17, u32::MAX] {
            buffer[24..28].copy_from_slice(&length.to_le_bytes());
            let last = messages(&buffer, ByteOrder::Little).last();
            assert_eq!(
                last,
                Some(Err(Misframed {
                    offset: 24,
                    length,
                    available: 16
                }))
            );
        }
        assert_eq!(
            attributes(&[8, 0, 1, 0, 7, 0, 0, 0, 3, 0], ByteOrder::Little).count(),
            1
        );
        assert_eq!(attributes(&[3, 0, 1, 0], ByteOrder::Little).count(), 0);
    }
}
