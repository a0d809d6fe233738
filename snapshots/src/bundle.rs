//! Bundles: all payloads of one capture in one payload, so that the next capture can be compressed
//! against it.
//!
//! Between two captures of an idle machine little changes except read times, and counters that
//! increase in every row of a table. A bundle stores the times in a column of their own, and rows
//! as differences to the row above. Lossless for any payload. See FORMAT.md, *Bundle*.

use crate::block::BlockKind;
use crate::descriptors::DescriptorTable;
use crate::records::{Process, RawHeader};
use crate::repeated_lines;
use crate::row_delta::{add_rows_above, subtract_rows_above};
use crate::wire::{Record, put_int, put_uint, skip_field, take_int, take_slice, take_uint};

/// The field that is moved to the column of times.
const TIME: &str = "at_boottime_ns";

/// Form of a block: the payload is unchanged.
const PLAIN: u64 = 0;
/// The times are removed.
const WITHOUT_TIMES: u64 = 1;
/// The payload of a raw block: its time is removed, and its rows are differences. Row lengths are
/// little-endian.
const ROWS_LITTLE: u64 = 2;
/// The same with big-endian row lengths.
const ROWS_BIG: u64 = 3;
/// The payload of processes: the times are removed, and repeated lines too.
const WITHOUT_REPEATED_LINES: u64 = 4;

/// A block of a capture, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The type of the block.
    pub kind: BlockKind,
    /// The payload of the block.
    pub payload: Vec<u8>,
}

/// Returns the fields of a type's records, if they contain a time.
fn fields_with_time(kind: BlockKind) -> Option<&'static [(&'static str, &'static str)]> {
    match kind {
        BlockKind::Processes => Some(Process::FIELDS),
        BlockKind::Descriptors => Some(DescriptorTable::FIELDS),
        BlockKind::Raw => Some(RawHeader::FIELDS),
        _ => None,
    }
}

/// Encodes a bundle.
pub fn pack(members: &[Member]) -> Vec<u8> {
    let mut times = Vec::new();
    let mut contents = Vec::new();
    for member in members {
        let (form, content) = encode_block(member, &mut times);
        put_uint(u64::from(member.kind.number()), &mut contents);
        put_uint(form, &mut contents);
        put_uint(content.len() as u64, &mut contents);
        contents.extend_from_slice(&content);
    }
    // Times of a coarse clock are multiples of a power of two.
    let all = times.iter().fold(0, |all, time| all | time);
    let shift = if all == 0 { 0 } else { all.trailing_zeros() };
    let mut column = Vec::new();
    let mut before = 0_u64;
    for time in times {
        let time = time >> shift;
        put_int(time.wrapping_sub(before).cast_signed(), &mut column);
        before = time;
    }
    let mut out = Vec::with_capacity(contents.len() + column.len() + 16);
    put_uint(u64::from(shift), &mut out);
    put_uint(column.len() as u64, &mut out);
    out.extend_from_slice(&column);
    out.extend_from_slice(&contents);
    out
}

/// Returns a block's form and content. Appends its times to `times`.
fn encode_block(member: &Member, times: &mut Vec<u64>) -> (u64, Vec<u8>) {
    let plain = || (PLAIN, member.payload.clone());
    let Some(fields) = fields_with_time(member.kind) else {
        return plain();
    };
    let mut rest = member.payload.as_slice();
    let mut out = Vec::with_capacity(rest.len());
    let known = times.len();
    loop {
        let before = rest;
        let Some((front, time, back)) = split_time(&mut rest, fields) else {
            times.truncate(known);
            return plain();
        };
        // Removes the time only if the record can be restored exactly.
        let mut again = Vec::new();
        join_time(front, time, back, &mut again);
        if again != before[..before.len() - rest.len()] {
            times.truncate(known);
            return plain();
        }
        join_time(front, 0, back, &mut out);
        times.push(time);
        if member.kind == BlockKind::Raw {
            return encode_raw(front, rest, out);
        }
        if rest.is_empty() {
            let shortened = (member.kind == BlockKind::Processes)
                .then(|| repeated_lines::remove(&out))
                .flatten();
            return shortened.map_or((WITHOUT_TIMES, out), |shortened| {
                (WITHOUT_REPEATED_LINES, shortened)
            });
        }
    }
}

/// Encodes a raw block whose header is in `out`: rows of netlink messages become differences.
fn encode_raw(header: &[u8], body: &[u8], mut out: Vec<u8>) -> (u64, Vec<u8>) {
    let mut fields = header;
    let source = take_uint(&mut fields).and_then(|length| take_slice(&mut fields, length));
    let start = out.len();
    out.extend_from_slice(body);
    if !source.is_ok_and(|source| source.starts_with(b"diag/")) {
        return (WITHOUT_TIMES, out);
    }
    let big = cfg!(target_endian = "big");
    subtract_rows_above(&mut out[start..], big);
    (if big { ROWS_BIG } else { ROWS_LITTLE }, out)
}

/// Splits a record into the fields before its time, the time, and the rest. `None` if it has no
/// time.
fn split_time<'a>(
    rest: &mut &'a [u8],
    fields: &[(&str, &str)],
) -> Option<(&'a [u8], u64, &'a [u8])> {
    let length = take_uint(rest).ok()?;
    let body = take_slice(rest, length).ok()?;
    let mut after = body;
    for (name, kind) in fields {
        if *name == TIME {
            let front = &body[..body.len() - after.len()];
            let time = take_uint(&mut after).ok()?;
            return Some((front, time, after));
        }
        skip_field(kind, &mut after).ok()?;
    }
    None
}

/// Undoes [`split_time`].
fn join_time(front: &[u8], time: u64, back: &[u8], out: &mut Vec<u8>) {
    let mut number = Vec::with_capacity(9);
    put_uint(time, &mut number);
    put_uint((front.len() + number.len() + back.len()) as u64, out);
    out.extend_from_slice(front);
    out.extend_from_slice(&number);
    out.extend_from_slice(back);
}

/// Decodes a bundle into the blocks that it contains.
///
/// # Errors
/// If the bytes are not a bundle. Allocates at most a few times the length of `bundle`.
pub fn unpack(bundle: &[u8]) -> Result<Vec<Member>, &'static str> {
    const SHORT: &str = "bundle is cut short";
    let mut rest = bundle;
    let shift = take_uint(&mut rest).map_err(|_| SHORT)?;
    if shift >= 64 {
        return Err("bundle has times in an unknown unit");
    }
    let mut times = take_uint(&mut rest)
        .and_then(|length| take_slice(&mut rest, length))
        .map_err(|_| SHORT)?;
    let mut before = 0_u64;
    let mut time = || {
        let step = take_int(&mut times).map_err(|_| "bundle lacks times")?;
        before = before.wrapping_add(step.cast_unsigned());
        Ok(before << shift)
    };
    let mut members = Vec::new();
    while !rest.is_empty() {
        let number = take_uint(&mut rest).map_err(|_| SHORT)?;
        let number = u16::try_from(number).map_err(|_| "bundle has a block type above 65535")?;
        let kind = BlockKind::from_number(number);
        let form = take_uint(&mut rest).map_err(|_| SHORT)?;
        let length = take_uint(&mut rest).map_err(|_| SHORT)?;
        let content = take_slice(&mut rest, length).map_err(|_| SHORT)?;
        let payload = match form {
            PLAIN => content.to_vec(),
            WITHOUT_TIMES | ROWS_LITTLE | ROWS_BIG => decode_block(kind, form, content, &mut time)?,
            WITHOUT_REPEATED_LINES if kind == BlockKind::Processes => {
                decode_block(kind, form, &repeated_lines::restore(content)?, &mut time)?
            }
            _ => return Err("bundle has a block in an unknown form"),
        };
        members.push(Member { kind, payload });
    }
    Ok(members)
}

/// Restores the payload of a block from its content.
fn decode_block(
    kind: BlockKind,
    form: u64,
    content: &[u8],
    time: &mut impl FnMut() -> Result<u64, &'static str>,
) -> Result<Vec<u8>, &'static str> {
    const BAD: &str = "bundle has records without times";
    let fields = fields_with_time(kind).ok_or(BAD)?;
    let mut rest = content;
    let mut out = Vec::with_capacity(content.len() + content.len() / 8);
    while !rest.is_empty() {
        let (front, _, back) = split_time(&mut rest, fields).ok_or(BAD)?;
        join_time(front, time()?, back, &mut out);
        if kind == BlockKind::Raw {
            let start = out.len();
            out.extend_from_slice(rest);
            match form {
                ROWS_LITTLE => add_rows_above(&mut out[start..], false),
                ROWS_BIG => add_rows_above(&mut out[start..], true),
                _ => {}
            }
            break;
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::records::User;
    use crate::wire::put_record;

    fn member(kind: BlockKind, records: &[impl Record], tail: &[u8]) -> Member {
        let mut payload = Vec::new();
        records
            .iter()
            .for_each(|record| put_record(record, &mut payload));
        payload.extend_from_slice(tail);
        Member { kind, payload }
    }

    fn process(pid: u32, at_boottime_ns: u64) -> Process {
        let errors = vec![crate::records::ReadError::default(); 2];
        Process {
            pid,
            stat: vec![b'x'; 300],
            status: b"Name:\tx\nSigQ:\t0/9\nSigPnd:\t0\n".to_vec(),
            exe_nlink: Some(1),
            at_boottime_ns,
            errors,
            ..Process::default()
        }
    }

    fn raw(source: &str, bytes: &[u8]) -> Member {
        let header = RawHeader {
            source: source.into(),
            at_boottime_ns: 77 << 20,
            key: 5,
            ..RawHeader::default()
        };
        member(BlockKind::Raw, &[header], bytes)
    }

    fn message(counter: u32, payload_bytes: u32) -> Vec<u8> {
        let mut message = (16 + payload_bytes).to_ne_bytes().to_vec();
        message.resize(16 + payload_bytes as usize, 3);
        message[16..20].copy_from_slice(&counter.to_ne_bytes());
        message.resize(message.len().next_multiple_of(4), 0);
        message
    }

    #[test]
    fn bundle_round_trip() {
        let rows: Vec<u8> = (0..50)
            .flat_map(|n| message(n * 1_000_003, 20 + n % 3))
            .collect();
        let members = vec![
            member(BlockKind::Host, &[User::default()], b""),
            member(
                BlockKind::Processes,
                &[process(1, 5), process(2, u64::MAX)],
                b"",
            ),
            member(BlockKind::Descriptors, &[DescriptorTable::default()], b""),
            // Truncated, or of another version: kept unchanged.
            member(BlockKind::Processes, &[process(1, 9)], b"\x40short"),
            member(BlockKind::Processes, &[User::default()], b""),
            Member {
                kind: BlockKind::Descriptors,
                payload: Vec::new(),
            },
            raw("diag/tcp", &rows),
            raw("diag/tcp", &rows[..rows.len() - 3]),
            raw("diag/tcp", b"no rows"),
            raw("net/unix", b"a line\n"),
            member(BlockKind::Unknown(0x7000), &[User::default()], b"!"),
        ];
        assert_eq!(unpack(&pack(&members)).unwrap(), members);
        assert_eq!(unpack(&pack(&[])).unwrap(), []);
    }

    #[test]
    fn unknown_forms_are_reported() {
        let said = Err("bundle has a block in an unknown form");
        let member = |kind: u8, form: u8| unpack(&[0, 0, kind, form, 0]);
        assert_eq!(member(0x10, WITHOUT_REPEATED_LINES as u8 + 1), said);
        assert_eq!(member(0x11, WITHOUT_REPEATED_LINES as u8), said);
        assert!(member(0x10, WITHOUT_REPEATED_LINES as u8).is_ok());
    }

    #[test]
    fn increasing_counters_change_few_bytes() {
        let rows = |plus: u32| -> Vec<u8> { (0..50).flat_map(|n| message(n + plus, 20)).collect() };
        let contents = |plus| pack(&[raw("diag/tcp", &rows(plus))]);
        let (one, other) = (contents(0), contents(7_777_777));
        let changed = one.iter().zip(&other).filter(|(a, b)| a != b).count();
        assert!(one.len() == other.len() && changed <= 4, "{changed}");

        let at = |ms: u64| {
            let times = [ms << 20, (ms + 1) << 20];
            pack(&[
                member(
                    BlockKind::Processes,
                    &times.map(|time| process(7, time)),
                    b"",
                ),
                member(
                    BlockKind::Descriptors,
                    &times.map(|at_boottime_ns| DescriptorTable {
                        at_boottime_ns,
                        ..DescriptorTable::default()
                    }),
                    b"",
                ),
            ])
        };
        let (one, other) = (at(1_000), at(9_999));
        let changed = one.iter().zip(&other).filter(|(a, b)| a != b).count();
        assert!(one.len() == other.len() && changed <= 2, "{changed}");
    }

    #[test]
    fn invalid_bundles_are_refused_or_bounded() {
        let good = pack(&[
            member(
                BlockKind::Processes,
                &[process(1, 5), process(2, 1 << 40)],
                b"",
            ),
            raw("diag/tcp", &message(5, 40).repeat(4)),
        ]);
        for at in 0..good.len() {
            for value in [0, 1, 0x7f, 0xfd, 0xff] {
                let mut changed = good.clone();
                changed[at] = value;
                let Ok(members) = unpack(&changed) else {
                    continue;
                };
                let bytes: usize = members.iter().map(|member| member.payload.len()).sum();
                assert!(bytes <= 3 * good.len(), "{at}: {bytes}");
            }
        }
    }
}
