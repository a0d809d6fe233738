//! Converts rows to columns and back, in squares of eight by eight bytes.
//!
//! Byte by byte, each access would touch another cache line, which took longer than zstd. This file
//! does not interpret the bytes: see `transpose`.

/// Rows in a tile: one cache line of each column.
const ROWS: usize = 64;
/// Rows and columns of a square.
const SIDE: usize = 8;

/// Converts columns of rows of one width back to rows.
pub(crate) struct Tile<'a> {
    columns: &'a [u8],
    width: usize,
    count: usize,
    up: bool,
    /// Rows returned so far.
    given: usize,
    /// The previous row, if `up`, and the next rows, each `stride` bytes long.
    rows: Vec<u8>,
    stride: usize,
}

impl<'a> Tile<'a> {
    /// Creates a tile of `width` columns of `count` bytes. `up`: each row is the difference to the
    /// previous one.
    pub(crate) fn new(columns: &'a [u8], width: usize, count: usize, up: bool) -> Self {
        Self {
            columns,
            width,
            count,
            up,
            given: 0,
            rows: Vec::new(),
            stride: width.next_multiple_of(SIDE),
        }
    }

    /// Returns the next row.
    pub(crate) fn next(&mut self) -> Option<&[u8]> {
        if self.given == self.count {
            return None;
        }
        let place = self.given % ROWS;
        self.given += 1;
        if self.count == 1 {
            // Columns of one byte are the row.
            return Some(self.columns);
        }
        if place == 0 {
            self.fill(self.given - 1);
        }
        let at = (place + 1) * self.stride;
        Some(&self.rows[at..at + self.width])
    }

    /// Converts the rows from `first` on, up to the size of a tile.
    fn fill(&mut self, first: usize) {
        let rows = (self.count - first).min(ROWS);
        if first == 0 {
            // The row before the first one is zero.
            self.rows.resize((rows + 1) * self.stride, 0);
        } else if self.up {
            self.rows.copy_within(ROWS * self.stride.., 0);
        }
        for column in (0..self.width).step_by(SIDE) {
            let wide = (self.width - column).min(SIDE);
            for row in (0..rows).step_by(SIDE) {
                let high = (rows - row).min(SIDE);
                let at = column * self.count + first + row;
                let cells = |n: usize| load_bytes(&self.columns[at + n * self.count..][..high]);
                let mut square = square(wide, cells);
                transpose_square(&mut square);
                for (word, row) in square[..high].iter().zip(row + 1..) {
                    let at = row * self.stride + column;
                    self.rows[at..at + SIDE].copy_from_slice(&word.to_le_bytes());
                }
            }
        }
        if self.up {
            for row in 0..rows {
                let pair = &mut self.rows[row * self.stride..(row + 2) * self.stride];
                let (above, row) = pair.split_at_mut(self.stride);
                for (cell, above) in row.iter_mut().zip(above) {
                    *cell = cell.wrapping_add(*above);
                }
            }
        }
    }
}

/// Appends the columns of the rows of `body` at `places`. `up`: of the difference of each row to
/// the previous one.
pub(crate) fn columns(body: &[u8], width: usize, places: &[usize], up: bool, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + width * places.len(), 0);
    let out = &mut out[start..];
    let mut before = None;
    for (tile, places_of_tile) in (0..).step_by(ROWS).zip(places.chunks(ROWS)) {
        for column in (0..width).step_by(SIDE) {
            let wide = (width - column).min(SIDE);
            let cells = |place: usize| load_bytes(&body[place + column..place + column + wide]);
            let mut above = before.map_or(0, cells);
            for (row, some) in (tile..).step_by(SIDE).zip(places_of_tile.chunks(SIDE)) {
                let mut square = square(some.len(), |n| {
                    let own = cells(some[n]);
                    let word = if up { subtract_bytes(own, above) } else { own };
                    above = own;
                    word
                });
                transpose_square(&mut square);
                for (word, column) in square[..wide].iter().zip(column..) {
                    let at = column * places.len() + row;
                    out[at..at + some.len()].copy_from_slice(&word.to_le_bytes()[..some.len()]);
                }
            }
        }
        before = places_of_tile.last().copied();
    }
}

/// Builds a square of so many words; the others are 0. The whole square is built without a copy
/// through memory, which would cost more than the conversion.
fn square(words: usize, mut word: impl FnMut(usize) -> u64) -> [u64; SIDE] {
    if words == SIDE {
        return std::array::from_fn(word);
    }
    let mut square = [0; SIDE];
    for (n, place) in square[..words].iter_mut().enumerate() {
        *place = word(n);
    }
    square
}

/// Loads up to eight bytes, the first one lowest.
fn load_bytes(bytes: &[u8]) -> u64 {
    if let Ok(eight) = bytes.try_into() {
        return u64::from_le_bytes(eight);
    }
    let mut eight = [0; SIDE];
    eight[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(eight)
}

/// Subtracts each byte of `other` from that of `one`, modulo 256.
fn subtract_bytes(one: u64, other: u64) -> u64 {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Setting the highest bit of each byte prevents borrows. The XOR corrects these bits.
    ((one | HIGH) - (other & !HIGH)) ^ ((one ^ !other) & HIGH)
}

/// Transposes a square: byte k of word n becomes byte n of word k.
fn transpose_square(square: &mut [u64; SIDE]) {
    for (step, low) in [
        (4, 0x0000_0000_ffff_ffff),
        (2, 0x0000_ffff_0000_ffff),
        (1, 0x00ff_00ff_00ff_00ff),
    ] {
        let bits = 8 * step;
        for one in (0..SIDE).filter(|at| at & step == 0) {
            let swapped = (square[one] >> bits ^ square[one + step]) & low;
            square[one] ^= swapped << bits;
            square[one + step] ^= swapped;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_rows_round_trip() {
        let body: Vec<u8> = (0..9_000_u32).map(|n| (n * n / 7 % 251) as u8).collect();
        for width in [1, 3, 8, 17, 20] {
            for count in [1, 2, 8, 63, 64, 65, 129, 200] {
                // Rows with gaps between them.
                let places: Vec<usize> = (0..count).map(|row| row * (width + row % 2)).collect();
                for up in [false, true] {
                    let mut expected = Vec::new();
                    for column in 0..width {
                        let mut above = 0;
                        for place in &places {
                            let cell = body[place + column];
                            expected.push(if up { cell.wrapping_sub(above) } else { cell });
                            above = cell;
                        }
                    }
                    let mut out = b"before".to_vec();
                    columns(&body, width, &places, up, &mut out);
                    assert_eq!(out[6..], expected, "{width} × {count}, {up}");
                    let mut tile = Tile::new(&expected, width, count, up);
                    for place in &places {
                        assert_eq!(tile.next(), Some(&body[*place..place + width]));
                    }
                    assert_eq!(tile.next(), None);
                }
            }
        }
    }
}
