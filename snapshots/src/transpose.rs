//! Codec 2: a payload of rows, stored column by column.
//!
//! Netlink messages of one length, and lines of one length, have the same fields at the same
//! offsets. Stored by columns they compress to a third of the size, since constant columns take
//! almost nothing. Lossless for any bytes; rows are not interpreted. FORMAT.md, *Codec 2*.

pub use crate::rows::Rows;
use crate::tile::{self, Tile};
use crate::wire::{put_uint, take_uint};

/// Rows are stored unchanged.
const FILTER_NONE: u8 = 0;
/// Each byte minus the byte above it in the same group, modulo 256.
const FILTER_UP: u8 = 1;

/// With fewer rows than this for each width the transposed form may be larger.
const ROWS_FOR_WIDTH: usize = 8;

/// Returns the maximum size of the transposed form of a payload.
pub(crate) fn limit(decoded_bytes: usize) -> usize {
    decoded_bytes + decoded_bytes / 2 + 64
}

/// The rows of one width.
#[derive(Debug, Clone, Copy)]
struct Group {
    width: usize,
    count: usize,
    /// Rows processed so far.
    rows_done: usize,
    /// Start of its columns.
    columns: usize,
}

/// A transposed payload, and whether it is certain to compress better.
pub(crate) struct Transposed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) worthwhile: bool,
}

fn filter_of(rows: Rows) -> u8 {
    match rows {
        Rows::Netlink => FILTER_UP,
        // Decimal digits do not increase byte by byte.
        Rows::Lines => FILTER_NONE,
    }
}

/// Transposes the payload after the first `head` bytes. `None` if there is nothing to gain.
pub(crate) fn encode(payload: &[u8], head: usize, rows: Rows) -> Option<Transposed> {
    let (front, body) = payload.split_at_checked(head)?;
    let (widths, tail) = rows.widths(body);
    let mut groups = groups(&widths);
    if widths.len() < 2 {
        return None;
    }
    let mut out = Vec::with_capacity(payload.len() + widths.len() + 64);
    out.push(filter_of(rows));
    put_uint(head as u64, &mut out);
    out.extend_from_slice(front);
    put_uint(groups.len() as u64, &mut out);
    for group in &groups {
        put_uint(group.width as u64, &mut out);
        put_uint(group.count as u64, &mut out);
    }
    // Writes the group of each row, and collects the offsets of the rows of each group.
    let mut places = vec![0; widths.len()];
    let mut next = 0;
    for group in &mut groups {
        group.columns = next;
        next += group.count;
    }
    let mut at = 0;
    for width in &widths {
        let index = index_of(&groups, *width);
        put_uint(index as u64, &mut out);
        let group = &mut groups[index];
        places[group.columns + group.rows_done] = at;
        group.rows_done += 1;
        at += width;
    }
    for group in &groups {
        let places = &places[group.columns..group.columns + group.count];
        tile::columns(
            body,
            group.width,
            places,
            filter_of(rows) == FILTER_UP,
            &mut out,
        );
    }
    out.extend_from_slice(&body[body.len() - tail..]);
    (out.len() <= limit(payload.len())).then(|| Transposed {
        bytes: out,
        worthwhile: widths.len() >= groups.len() * ROWS_FOR_WIDTH,
    })
}

/// Returns the widths in ascending order, with the number of rows.
fn groups(widths: &[usize]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for &width in widths {
        match groups.binary_search_by_key(&width, |group| group.width) {
            Ok(at) => groups[at].count += 1,
            Err(at) => groups.insert(at, Group::new(width, 1)),
        }
    }
    groups
}

fn index_of(groups: &[Group], width: usize) -> usize {
    groups.partition_point(|group| group.width < width)
}

impl Group {
    fn new(width: usize, count: usize) -> Self {
        Self {
            width,
            count,
            rows_done: 0,
            columns: 0,
        }
    }
}

/// Undoes [`encode`] for a payload of exactly `decoded_bytes`.
///
/// Allocates that much, and a few words for each width. Widths are distinct, so there are at most
/// the square root of `2 * decoded_bytes`.
///
/// # Errors
/// If the bytes are not the transposed form of such a payload.
pub fn decode(transposed: &[u8], decoded_bytes: usize) -> Result<Vec<u8>, &'static str> {
    const SHORT: &str = "transposed rows are cut short";
    let mut rest = transposed;
    let number = |rest: &mut &[u8]| {
        let value = take_uint(rest).map_err(|_| SHORT)?;
        usize::try_from(value).map_err(|_| SHORT)
    };
    let (&filter, after) = rest.split_first().ok_or(SHORT)?;
    rest = after;
    if filter > FILTER_UP {
        return Err("rows are filtered in an unknown way");
    }
    let head = number(&mut rest)?;
    let (front, after) = rest.split_at_checked(head).ok_or(SHORT)?;
    rest = after;
    let mut left = decoded_bytes
        .checked_sub(head)
        .ok_or("more bytes than the block claims")?;

    let mut groups = Vec::new();
    let mut rows = 0;
    let mut cells: usize = 0;
    for _ in 0..number(&mut rest)? {
        let (width, count) = (number(&mut rest)?, number(&mut rest)?);
        let ascending = groups.last().is_none_or(|last: &Group| last.width < width);
        if width == 0 || count == 0 || !ascending {
            return Err("widths of rows are out of order");
        }
        let size = width.checked_mul(count).filter(|size| *size <= left);
        let size = size.ok_or("more bytes than the block claims")?;
        let mut group = Group::new(width, count);
        group.columns = cells;
        groups.push(group);
        left -= size;
        cells += size;
        rows += count;
    }
    // The group numbers precede the columns, and each takes at least one byte.
    if rows > rest.len() {
        return Err(SHORT);
    }
    let mut order = rest;
    for _ in 0..rows {
        take_uint(&mut rest).map_err(|_| SHORT)?;
    }
    let (columns, tail) = rest.split_at_checked(cells).ok_or(SHORT)?;
    if tail.len() != left {
        return Err("not as many bytes as the block claims");
    }

    let up = filter == FILTER_UP;
    let mut tiles: Vec<Tile> = groups
        .iter()
        .map(|group| {
            let size = group.width * group.count;
            let columns = &columns[group.columns..group.columns + size];
            Tile::new(columns, group.width, group.count, up)
        })
        .collect();
    let mut out = Vec::with_capacity(decoded_bytes);
    out.extend_from_slice(front);
    for _ in 0..rows {
        let tile = tiles.get_mut(number(&mut order)?);
        let row = tile.and_then(Tile::next);
        out.extend_from_slice(row.ok_or("a row of a width that has no more rows")?);
    }
    out.extend_from_slice(tail);
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    /// A deterministic random number generator (splitmix64).
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self, below: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            usize::try_from((z ^ (z >> 31)) % below as u64).unwrap()
        }

        fn bytes(&mut self, count: usize) -> Vec<u8> {
            (0..count).map(|_| self.next(256) as u8).collect()
        }

        /// A message as in a netlink buffer: of any length, with its padding.
        fn message(&mut self) -> Vec<u8> {
            let payload = self.next(4) * self.next(30);
            let mut message = ((16 + payload) as u32).to_ne_bytes().to_vec();
            message.extend(self.bytes(12 + payload));
            message.resize(message.len().next_multiple_of(4), 0xee);
            message
        }
    }

    #[track_caller]
    fn round_trip(payload: &[u8], head: usize, rows: Rows) -> bool {
        let Some(transposed) = encode(payload, head, rows) else {
            return false;
        };
        assert!(transposed.bytes.len() <= limit(payload.len()));
        assert_eq!(
            decode(&transposed.bytes, payload.len()).as_deref(),
            Ok(payload)
        );
        true
    }

    #[test]
    fn messages_round_trip() {
        let mut numbers = Numbers(1);
        let mut transposed = 0;
        for _ in 0..2_000 {
            let head = numbers.next(40);
            let mut payload = numbers.bytes(head);
            for _ in 0..numbers.next(60) {
                payload.extend(numbers.message());
            }
            // Truncated, or followed by other bytes.
            match numbers.next(3) {
                0 => payload.truncate(payload.len() - numbers.next(9).min(payload.len() - head)),
                1 => payload.extend(numbers.bytes(9)),
                _ => {}
            }
            transposed += usize::from(round_trip(&payload, head, Rows::Netlink));
        }
        assert!(transposed > 1_500, "{transposed}");
    }

    #[test]
    fn any_bytes_round_trip() {
        let mut numbers = Numbers(2);
        for round in 0..2_000 {
            let length = numbers.next(300);
            let mut payload = numbers.bytes(length);
            if round % 2 == 0 {
                // Many lines of equal length.
                payload
                    .iter_mut()
                    .for_each(|byte| *byte = b"\na\0"[usize::from(*byte % 3)]);
            }
            for rows in [Rows::Netlink, Rows::Lines] {
                round_trip(&payload, 0, rows);
                round_trip(&payload, length / 2, rows);
                round_trip(&payload, length, rows);
                assert!(encode(&payload, length + 1, rows).is_none());
            }
        }
    }

    #[test]
    fn random_bytes_are_refused_or_bounded() {
        let mut numbers = Numbers(3);
        let mut refused = 0;
        for _ in 0..20_000 {
            let length = numbers.next(120);
            let mut garbage = numbers.bytes(length);
            // Small numbers reach more code than random ones.
            garbage.iter_mut().for_each(|byte| *byte %= 6);
            let asked = numbers.next(200);
            match decode(&garbage, asked) {
                Ok(payload) => assert_eq!(payload.len(), asked),
                Err(_) => refused += 1,
            }
        }
        assert!((15_000..20_000).contains(&refused), "{refused}");
    }

    #[test]
    fn every_change_is_refused_or_bounded() {
        let payload: Vec<u8> = (0..400_u32)
            .flat_map(|n| format!("{n}\n").into_bytes())
            .collect();
        let whole = encode(&payload, 3, Rows::Lines).unwrap().bytes;
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0xfd, 0xff] {
                let mut changed = whole.clone();
                changed[at] = value;
                if let Ok(decoded) = decode(&changed, payload.len()) {
                    assert_eq!(decoded.len(), payload.len());
                }
            }
            assert!(decode(&whole[..at], payload.len()).is_err(), "cut at {at}");
        }
        for asked in [0, payload.len() - 1, payload.len() + 1, usize::MAX] {
            assert!(decode(&whole, asked).is_err(), "{asked}");
        }
    }

    #[test]
    fn excessive_numbers_are_refused() {
        let put = |numbers: &[u64]| {
            let mut bytes = vec![FILTER_NONE];
            numbers
                .iter()
                .for_each(|number| put_uint(*number, &mut bytes));
            bytes
        };
        for numbers in [
            &[u64::MAX][..],
            &[0, u64::MAX],
            &[0, 1, u64::MAX, u64::MAX],
            &[0, 1, 1 << 40, 1 << 40],
            &[0, 1, 1, 1 << 24],
            &[0, 2, 4, 1, 4, 1],
            &[0, 1, 0, 5],
        ] {
            assert!(decode(&put(numbers), 1 << 24).is_err(), "{numbers:?}");
        }
        assert_eq!(
            decode(&[2, 0, 0], 0),
            Err("rows are filtered in an unknown way")
        );
        assert_eq!(decode(&[0, 0, 0], 0), Ok(Vec::new()));
    }
}
