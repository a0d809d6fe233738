//! Encodes rows of netlink messages as differences to the row above, and decodes them. FORMAT.md,
//! *Bundle*, forms 2 and 3.

/// Returns for each row its offset, its width, and the offset of the previous row of the same
/// width.
///
/// A row is a netlink message with its padding. Rows end at the first bytes that are not a message.
/// The first four bytes, the length, are never changed, so that decoding finds the same rows.
fn rows(bytes: &[u8], big: bool) -> Vec<(usize, usize, Option<usize>)> {
    let mut rows = Vec::new();
    let mut last: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while let Some(&[a, b, c, d]) = bytes.get(at..at + 4) {
        let length = if big {
            u32::from_be_bytes([a, b, c, d])
        } else {
            u32::from_le_bytes([a, b, c, d])
        };
        let width = (length as usize).next_multiple_of(4);
        if length < 16 || width > bytes.len() - at {
            break;
        }
        let above = match last.binary_search_by_key(&width, |(width, _)| *width) {
            Ok(found) => Some(std::mem::replace(&mut last[found].1, at)),
            Err(place) => {
                last.insert(place, (width, at));
                None
            }
        };
        rows.push((at, width, above));
        at += width;
    }
    rows
}

/// Subtracts from each 32-bit word of a row, except the first, the word above it.
pub(crate) fn subtract_rows_above(bytes: &mut [u8], big: bool) {
    // In reverse order, so that the rows above are unchanged.
    for (at, width, above) in rows(bytes, big).into_iter().rev() {
        let Some(above) = above else { continue };
        for word in (4..width).step_by(4) {
            let less = word_at(bytes, above + word);
            put_word(
                bytes,
                at + word,
                word_at(bytes, at + word).wrapping_sub(less),
            );
        }
    }
}

/// Undoes [`subtract_rows_above`].
pub(crate) fn add_rows_above(bytes: &mut [u8], big: bool) {
    for (at, width, above) in rows(bytes, big) {
        let Some(above) = above else { continue };
        for word in (4..width).step_by(4) {
            let more = word_at(bytes, above + word);
            put_word(
                bytes,
                at + word,
                word_at(bytes, at + word).wrapping_add(more),
            );
        }
    }
}

fn word_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn put_word(bytes: &mut [u8], at: usize, word: u32) {
    bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_round_trip_in_both_byte_orders() {
        for big in [false, true] {
            let mut rows = Vec::new();
            for (number, length) in [(7_u32, 24_u32), (9, 21), (300, 24), (u32::MAX, 24), (1, 40)] {
                let width = length.next_multiple_of(4) as usize;
                let start = rows.len();
                let head = if big {
                    length.to_be_bytes()
                } else {
                    length.to_le_bytes()
                };
                rows.extend_from_slice(&head);
                rows.resize(start + width, 5);
                rows[start + 16..start + 20].copy_from_slice(&number.to_le_bytes());
            }
            rows.extend_from_slice(b"\x02no row");
            let mut changed = rows.clone();
            subtract_rows_above(&mut changed, big);
            assert_ne!(changed, rows);
            add_rows_above(&mut changed, big);
            assert_eq!(changed, rows);
        }
    }
}
