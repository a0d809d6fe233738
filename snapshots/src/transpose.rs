//! Netlink messages turned on their side, so that they compress.
//!
//! The messages of a dump are nearly alike: the same lengths, the same types, numbers that rise. Laid
//! out byte column by byte column, an unchanging byte costs nothing and a rising one little; zstd
//! alone, which looks for repeated strings, finds neither. Lossless for any bytes: what is not whole
//! messages stays as it is, at the end.
//!
//! Layout: length of the head and the head; number of messages; their lengths; for each length that
//! occurs, rising, the messages of that length (padded to 4 bytes) column by column; the rest.
//! Integers are variable-length, as everywhere.

use std::collections::BTreeMap;

use crate::netlink::{ByteOrder, HEADER_BYTES, messages};
use crate::wire::{WireError, put_uint, take_slice, take_uint};

/// Lays out `head`, and the messages of `body` behind it.
pub(crate) fn transpose(head: &[u8], body: &[u8]) -> Vec<u8> {
    let (mut at, mut lengths) = (0, Vec::new());
    for message in messages(body, ByteOrder::NATIVE).map_while(Result::ok) {
        let length = HEADER_BYTES + message.payload.len();
        if at + padded(length) > body.len() {
            break; // the last one, without its padding
        }
        lengths.push(length);
        at += padded(length);
    }
    let mut out = Vec::with_capacity(head.len() + body.len() + 2 * lengths.len() + 16);
    put_uint(head.len() as u64, &mut out);
    out.extend_from_slice(head);
    put_uint(lengths.len() as u64, &mut out);
    let mut starts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut start = 0;
    for length in lengths {
        put_uint(length as u64, &mut out);
        starts.entry(length).or_default().push(start);
        start += padded(length);
    }
    for (length, starts) in starts {
        for column in 0..padded(length) {
            out.extend(starts.iter().map(|start| body[start + column]));
        }
    }
    out.extend_from_slice(&body[at..]);
    out
}

/// Undoes [`transpose`]; the result has `expected` bytes or it is an error. Nothing larger is ever
/// allocated, whatever the input claims.
pub(crate) fn restore(input: &[u8], expected: usize) -> Result<Vec<u8>, WireError> {
    let mut rest = input;
    let head_length = take_uint(&mut rest)?;
    let head = take_slice(&mut rest, head_length)?;
    let count = take_uint(&mut rest)?;
    if count > rest.len() as u64 {
        return Err(WireError::Short);
    }
    let mut out = head.to_vec();
    let mut starts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut end = out.len();
    for _ in 0..count {
        let length = usize::try_from(take_uint(&mut rest)?).map_err(|_| WireError::Invalid)?;
        // Shorter than its own header: without this, many of length nothing would cost memory.
        if length < HEADER_BYTES || length > expected {
            return Err(WireError::Invalid);
        }
        starts.entry(length).or_default().push(end);
        end += padded(length);
        if end > expected {
            return Err(WireError::Invalid);
        }
    }
    out.resize(end, 0);
    for (length, starts) in starts {
        for column in 0..padded(length) {
            let bytes = take_slice(&mut rest, starts.len() as u64)?;
            for (start, byte) in starts.iter().zip(bytes) {
                out[start + column] = *byte;
            }
        }
    }
    if out.len() + rest.len() != expected {
        return Err(WireError::Invalid);
    }
    out.extend_from_slice(rest);
    Ok(out)
}

/// The most bytes that [`transpose`] makes of `bytes`: five for the length of each message of at
/// least sixteen, and two counts.
pub(crate) fn bound(bytes: usize) -> usize {
    bytes + bytes / 3 + 32
}

/// `NLMSG_ALIGN`.
fn padded(length: usize) -> usize {
    length.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn message(length: u32, fill: u8) -> Vec<u8> {
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.resize(padded(length as usize), fill);
        bytes
    }

    #[test]
    fn any_bytes_come_back() {
        let mut body: Vec<u8> = (0..90).flat_map(|n| message(16 + n % 7, n as u8)).collect();
        for tail in [&b""[..], b"xyz", &[17, 0, 0, 0, 9], &[0; 40]] {
            body.extend_from_slice(tail);
            for head in [&b""[..], b"head"] {
                let turned = transpose(head, &body);
                let plain = [head, &body].concat();
                assert!(turned.len() <= bound(plain.len()));
                assert_eq!(restore(&turned, plain.len()).unwrap(), plain);
                assert!(restore(&turned, plain.len() + 1).is_err());
                assert!(restore(&turned, plain.len() - 1).is_err());
            }
        }
    }

    #[test]
    fn hostile_counts_allocate_nothing() {
        for claim in [u64::MAX, 1 << 40, 300] {
            let mut input = vec![0]; // no head
            put_uint(claim, &mut input);
            put_uint(claim, &mut input);
            assert!(restore(&input, 1 << 20).is_err());
        }
        let nothings = [&[0, 200][..], &[0; 300]].concat();
        assert_eq!(restore(&nothings, 300), Err(WireError::Invalid));
        assert!(restore(&[], 0).is_err());
    }
}
